/// Why no whole answer could be had from an HTTP endpoint; `description` is a sentence without its full stop.
package enum TransferFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URL is none that can be asked.
    case badURL
    /// The name does not resolve.
    case dns(host: String)
    /// The endpoint, or the way to it, refuses the connection.
    case connect(detail: String)
    /// The egress proxy refuses or cannot be reached.
    case proxy(detail: String)
    /// No trustworthy TLS session: certificate, name or protocol.
    case tls(detail: String)
    /// The time was over.
    case timeout(Phase)
    /// The body is longer than allowed.
    case tooLarge(bytes: Int)
    /// The head, or one line of it, is longer than allowed.
    case headTooLarge(bytes: Int)
    /// The answer has a content coding, which nobody asked for.
    case encoding
    /// The connection broke or what came is no HTTP answer.
    case broken(detail: String)
    /// Nothing outside is at fault: the library or this machine lacks something.
    case local(detail: String)
    /// Nobody wants the answer any more.
    case cancelled

    /// How far a transfer came before its time was over.
    package enum Phase: String, Sendable {
        case resolving = "resolving its name"
        case connecting
        case answering = "waiting for its answer"
    }

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

    /// One word for metrics.
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
