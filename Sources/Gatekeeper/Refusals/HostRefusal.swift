/// Why a host, or its row, takes no request.
package enum HostRefusal: Hashable, Sendable, CaseIterable {
    /// The certificate that the connection was given does not cover the host.
    case misdirected
    /// No row is for it.
    case unknown
    case suspended
    /// This gateway cannot serve the row.
    case misconfigured
    /// Neither the row nor the gateway names an upstream.
    case noUpstream
    /// The row carries no WebSocket any longer; open ones are closed, and no request meets it.
    case webSocketsOff
}

extension HostRefusal {
    var row: RefusalRow {
        switch self {
        case .misdirected:
            RefusalRow(
                .misdirectedRequest, "misdirected",
                "This connection's certificate does not cover this host.", closesConnection: false,
                level: .info, meaning: "over TLS: the certificate of this connection does not cover the host",
                remedy: "the client opens a connection for it")
        case .unknown:
            RefusalRow(
                .misdirectedRequest, "unknown_host", "This host is not served here.",
                closesConnection: false, level: .info, meaning: "no row for this host",
                remedy: "insert it, or fix DNS or the client; compare `host` in the log line")
        case .suspended:
            RefusalRow(
                .forbidden, "tenant_suspended", "This host is suspended.", closesConnection: false,
                level: .info, meaning: "the row's `status` is `suspended`", remedy: "set it to `active`")
        case .misconfigured:
            RefusalRow(
                .serviceUnavailable, "tenant_misconfigured", "This host is not configured correctly.",
                closesConnection: false, level: .warning,
                meaning: "this gateway cannot serve the row (`quarantined`)",
                remedy: "`tenant_status` says why")
        case .noUpstream:
            RefusalRow(
                .serviceUnavailable, "no_upstream", "No upstream is configured for this host.",
                closesConnection: false, level: .warning,
                meaning: "neither the row nor the gateway names an upstream", remedy: "set one")
        case .webSocketsOff:
            RefusalRow(
                .forbidden, "websockets_off", "This host carries no WebSocket.", closesConnection: false,
                level: .info,
                meaning: "an open WebSocket was closed, since the row's `websockets` became false",
                remedy: "none is needed; the client was sent a Close frame")
        }
    }
}
