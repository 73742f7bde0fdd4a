package import Gatekeeper

/// By which words a question says what request it is about, and so what the one who asks understands of the answer.
package enum QuestionForm: Int, Sendable, CaseIterable {
    /// `X-Forwarded-Method`, `-Host` and `-Uri`, as Traefik and Caddy ask.
    case forwarded
    /// `X-Original-Method`, `-Host` and `-URI`, as nginx is configured to ask.
    case original
    /// Envoy's ext_authz over HTTP: the question's own method, host, and path below `/ext_authz/`.
    case envoyHTTP
    /// Envoy's ext_authz over gRPC.
    case envoyGRPC

    /// The surface, as the log and the metrics name it.
    package var surface: String {
        switch self {
        case .forwarded, .original: "forward_auth"
        case .envoyHTTP: "ext_authz_http"
        case .envoyGRPC: "ext_authz_grpc"
        }
    }

    /// The names of all surfaces on which questions are asked.
    package static let surfaces = ["forward_auth", "ext_authz_http", "ext_authz_grpc"]

    /// Whether the answer can name fields that are to be removed from the request; else whoever asks removes them itself.
    package var namesRemovals: Bool {
        switch self {
        case .forwarded, .original: false
        case .envoyHTTP, .envoyGRPC: true
        }
    }

    /// The status of a refusal. nginx turns what is neither 401 nor 403 into 500, so that what only the client can mend is
    /// 403 to it.
    package func status(of row: RefusalRow) -> RefusalStatus {
        guard self == .original else { return row.status }
        switch row.status {
        case .badRequest, .misdirectedRequest: return .forbidden
        case .unauthorized, .forbidden, .methodNotAllowed, .requestTimeout, .contentTooLarge, .uriTooLong,
            .expectationFailed, .upgradeRequired, .headerFieldsTooLarge, .badGateway, .serviceUnavailable,
            .gatewayTimeout, .versionNotSupported, .loopDetected:
            return row.status
        }
    }
}
