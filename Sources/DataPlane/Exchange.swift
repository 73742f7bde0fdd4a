import Gatekeeper
import HTTP1
import NIOCore

/// One request and its answer on their way through the gateway.
struct Exchange {
    /// The head as it came, sharing the connection's buffer: for records and for answers of our own.
    var head = ByteBuffer()
    var method = Method.get
    /// HTTP/1.0 clients get no chunks and no interim answers.
    var isHTTP10 = false
    /// Whether the client keeps the connection open.
    var isPersistent = true
    var expectsContinue = false
    var hostRange = 0..<0
    var methodRange = 0..<0
    /// Without the query, which no record holds.
    var pathRange = 0..<0
    var tenant: Tenant?
    var started = Instant(nanoseconds: 0)

    /// How much of the body is still to come.
    var body = RequestBody.none
    var hasBody = false
    /// Payload seen of a chunked body.
    var bodyBytes: UInt64 = 0
    /// The head as it goes upstream, kept until the upstream said something.
    var outboundHead = ByteBuffer()
    var origin: Origin?
    var isRetried = false
    /// The answer's status, once an upstream said one.
    var status = 0
    var isAnswerBegun = false
    /// Whether the answer ends with the connection: then only a reset tells a truncated one.
    var isCloseDelimited = false
    /// Whether the client was told that the connection closes after this answer.
    var saidClose = false
    var interimAnswers = 0

    var isHead: Bool { method == .head }

    /// Whether the last byte of the request was seen.
    var isRequestComplete: Bool {
        switch body {
        case .none: true
        case .length(let remaining): remaining == 0
        case .chunked: false
        }
    }
}

/// What is left of a request's body (RFC 9112 §6).
enum RequestBody {
    case none
    case length(UInt64)
    case chunked(ChunkedBody)
}
