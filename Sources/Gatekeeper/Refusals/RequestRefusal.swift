/// Why the gateway does not carry a request that is good HTTP.
package enum RequestRefusal: Hashable, Sendable, CaseIterable {
    /// A method with a lower-case letter where a tenant has rules: some services read `post` as `POST`.
    case methodCase
    /// Its `Content-Length`, or what came of it in chunks, exceeds the bound.
    case bodyTooLarge
    /// Its head did not arrive in time.
    case headTimeout
    /// A WebSocket handshake without a good key or a version (RFC 6455 §4.2.1).
    case badWebSocket
    /// A WebSocket handshake of a version that is not spoken (RFC 6455 §4.4).
    case webSocketVersion
    /// It has passed through this gateway before (RFC 9110 §7.6.3).
    case loop
}

extension RequestRefusal {
    /// The connection closes after each: the body, where there is one, was not read.
    var row: RefusalRow {
        switch self {
        case .methodCase:
            RefusalRow(
                .badRequest, "method_case", "Methods are written in upper case here.",
                closesConnection: true, level: .info,
                meaning: "a method with a lower-case letter, at a host with rules",
                remedy: "write it in upper case")
        case .bodyTooLarge:
            RefusalRow(
                .contentTooLarge, "body_too_large", "The request's body is too large.",
                closesConnection: true, level: .info,
                meaning: "over `max-body-bytes`, or the row's `max_body_bytes`",
                remedy: "send less, or raise the bound")
        case .headTimeout:
            RefusalRow(
                .requestTimeout, "head_timeout", "The request's head did not arrive in time.",
                closesConnection: true, level: .info, meaning: "the head took more than `head-timeout`",
                remedy: "look at the client and its network")
        case .badWebSocket:
            RefusalRow(
                .badRequest, "bad_request", "The request is malformed or ambiguous.", code: "bad_websocket",
                closesConnection: true, level: .info,
                meaning: "a WebSocket handshake without a good key or a version", remedy: "look at the client"
            )
        case .webSocketVersion:
            RefusalRow(
                .upgradeRequired, "upgrade_required", "Only version 13 of WebSocket is carried.",
                fields: [.upgrade, .webSocketVersion], closesConnection: true, level: .info,
                meaning: "a WebSocket handshake of another version than 13",
                remedy: "look at the client")
        case .loop:
            RefusalRow(
                .loopDetected, "loop", "The request has passed through this gateway already.",
                closesConnection: true, level: .info, meaning: "the request came through this gateway before",
                remedy: "look at the upstreams")
        }
    }
}
