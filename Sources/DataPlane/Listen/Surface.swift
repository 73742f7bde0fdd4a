/// What a listener is for: a property of each of its connections, and of what comes by them.
package enum Surface: Sendable {
    /// Requests, which go on to upstreams.
    case proxy
    /// Questions of other proxies whether a request may pass, by HTTP: forward-auth, and Envoy's ext_authz.
    case questions
    /// Such questions by gRPC: Envoy's ext_authz.
    case externalAuthorization
}

/// A listener, by the name that the log and the status have for it.
package enum ListenerName: String, Sendable, CaseIterable {
    case proxy
    case tls
    case forwardAuth = "forward_auth"
    case extAuthz = "ext_authz"

    /// What it is for.
    package var surface: Surface {
        switch self {
        case .proxy, .tls: .proxy
        case .forwardAuth: .questions
        case .extAuthz: .externalAuthorization
        }
    }
}
