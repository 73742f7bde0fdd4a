/// Why no whole response came from an HTTP endpoint.
package enum TransferFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// No request can be sent to this URL.
    case badURL
    /// The name does not resolve.
    case dns(host: String)
    /// No connection could be made.
    case connect(detail: String)
    /// The egress proxy refuses, or cannot be reached.
    case proxy(detail: String)
    /// No TLS session that can be trusted: the certificate, its name or the protocol is wrong.
    case tls(detail: String)
    /// The time was over, in this phase.
    case timeout(Phase)
    /// The body is longer than `bytes`.
    case tooLarge(bytes: Int)
    /// The head, or one line of it, is longer than `bytes`.
    case headTooLarge(bytes: Int)
    /// The response has a content coding, although none was asked for.
    case encoding
    /// The connection broke, or what came is no HTTP response.
    case broken(detail: String)
    /// The fault is here: libcurl or this machine lacks something.
    case local(detail: String)
    /// Nobody waits for the response any more.
    case cancelled

    /// How far a transfer had come.
    package enum Phase: String, Sendable {
        /// The host's name was being resolved.
        case resolving = "resolving its name"
        /// The connection, with TLS, was being made.
        case connecting
        /// The request was sent; the response was not complete.
        case responding = "waiting for its answer"
    }

    /// A sentence without its full stop, for logs and the health table.
    package var description: String {
        switch self {
        case .badURL: "the URL cannot be used"
        case .dns(let host): "the name \(host) does not resolve"
        case .connect(let detail): "no connection: \(detail)"
        case .proxy(let detail): "the egress proxy does not let it through: \(detail)"
        case .tls(let detail): "TLS cannot be trusted: \(detail)"
        case .timeout(let phase): "the time was over while \(phase.rawValue)"
        case .tooLarge(let bytes): "the answer is longer than \(bytes) bytes"
        case .headTooLarge(let bytes): "the answer's head, or a line of it, is longer than \(bytes) bytes"
        case .encoding: "the answer has a content coding that was not asked for"
        case .broken(let detail): "the answer broke off or is no HTTP: \(detail)"
        case .local(let detail): "no fetch could be made here: \(detail)"
        case .cancelled: "the fetch was stopped"
        }
    }

    /// One word that stands for the kind of failure, for logs and metrics.
    package var reason: String {
        switch self {
        case .badURL: "bad_url"
        case .dns: "dns"
        case .connect: "connect"
        case .proxy: "proxy"
        case .tls: "tls"
        case .timeout: "timeout"
        case .tooLarge, .headTooLarge: "too_large"
        case .encoding: "encoding"
        case .broken: "broken"
        case .local: "local"
        case .cancelled: "cancelled"
        }
    }
}
