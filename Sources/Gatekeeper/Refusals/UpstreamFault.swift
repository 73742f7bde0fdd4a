/// How an upstream failed a request.
package enum UpstreamFault: String, Hashable, Sendable, CaseIterable {
    case refused = "upstream_refused"
    case unreachable = "upstream_unreachable"
    /// No connection is made to its address, whoever asks.
    case forbidden = "upstream_forbidden"
    case tlsFailed = "upstream_tls"
    case reset = "upstream_reset"
    case badResponse = "upstream_bad_answer"
    case connectTimeout = "upstream_connect_timeout"
    case responseTimeout = "upstream_timeout"

    /// Whether no connection came about, so that the upstream never heard of the request.
    package var isOfConnecting: Bool {
        switch self {
        case .refused, .unreachable, .forbidden, .tlsFailed, .connectTimeout: true
        case .reset, .badResponse, .responseTimeout: false
        }
    }
}

extension UpstreamFault {
    var row: RefusalRow {
        switch self {
        case .refused: unreached("nothing listens there", remedy: "look at the service")
        case .unreachable:
            unreached("no route, or the name does not resolve", remedy: "look at the service")
        case .forbidden:
            unreached(
                "the address is link-local, the gateway's own, or outside `upstream-networks`",
                remedy: "change the row or the setting")
        case .tlsFailed:
            unreached(
                "the handshake failed: another authority or name, expired, no TLS, or no CA file of the "
                    + "row's `upstream_ca`", remedy: "compare the upstream's certificate with the row")
        case .reset: unusable("the connection broke before a response")
        case .badResponse: unusable("the response is no valid HTTP")
        case .connectTimeout: late("no address or no connection within 2 s")
        case .responseTimeout: late("no response within 60 s")
        }
    }

    private func unreached(_ meaning: String, remedy: String) -> RefusalRow {
        RefusalRow(
            .badGateway, rawValue, "The upstream cannot be reached.", closesConnection: false,
            level: .warning, meaning: meaning, remedy: remedy)
    }

    private func unusable(_ meaning: String) -> RefusalRow {
        RefusalRow(
            .badGateway, rawValue, "The upstream gave no usable answer.", closesConnection: false,
            level: .warning, meaning: meaning, remedy: "look at the service")
    }

    private func late(_ meaning: String) -> RefusalRow {
        RefusalRow(
            .gatewayTimeout, rawValue, "The upstream did not answer in time.", closesConnection: false,
            level: .warning, meaning: meaning, remedy: "look at the service")
    }
}
