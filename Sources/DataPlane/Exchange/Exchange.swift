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
    /// Who asks; nil where no token was needed.
    var identity: Identity?
    /// Whether the head that goes upstream holds a proof that authenticates the connection it comes by.
    var authenticatesConnection = false
    /// The origin whose page may read a refusal; empty for none.
    var allowedOrigin: [UInt8] = []
    var started = Instant(nanoseconds: 0)

    /// How much of the body is still to come.
    var body = RequestBody.none
    var hasBody = false
    /// Names of trailers that a chunked body may not have for this tenant.
    var strippedTrailers = StrippedNames()
    /// Payload seen of a chunked body.
    var bodyBytes: UInt64 = 0
    /// The most that a chunked body may have; nil for no bound.
    var bodyLimit: UInt64?
    /// The head as it goes upstream, kept until the upstream said something.
    var outboundHead = ByteBuffer()
    /// The upstreams that it may go to, and the one that it went to.
    var group: UpstreamGroup?
    var pool: UpstreamPool?
    var isRetried = false
    /// Whether it was moved to another upstream, for want of a connection to the first.
    var isMoved = false
    /// Set for a request that asks to become a WebSocket.
    var upgrade: AskedUpgrade?
    /// The address of a client behind a balancer, whose seat this request takes.
    var seat: [UInt8]?
    /// The answer's status, once an upstream said one.
    var status = 0
    var isAnswerBegun = false
    /// Whether the answer ends with the connection: then only a reset tells a truncated one.
    var isCloseDelimited = false
    /// Whether the client was told that the connection closes after this answer.
    var saidClose = false
    var interim = InterimAnswers()

    var isHead: Bool { method == .head }

    /// Lets a page of `origin` read a refusal, where the tenant's row names it.
    mutating func allowOrigin(_ origin: UnsafeRawBufferPointer, _ tenant: Tenant) {
        guard let asked = WebOrigin(origin), tenant.corsOrigins.contains(asked.canonical) else { return }
        // As the browser spells it, since it compares byte by byte.
        allowedOrigin = Array(origin)
    }

    /// The upstream, for the log.
    var upstreamDetail: RefusalDetail? { pool.map { .upstream($0.upstream) } }

    /// Whether the last byte of the request was seen.
    var isRequestComplete: Bool {
        switch body {
        case .none: true
        case .length(let remaining): remaining == 0
        case .chunked: false
        }
    }
}

/// What a request that asks to become a WebSocket is remembered by.
///
/// A class, so that the many that do not ask carry one empty reference.
final class AskedUpgrade {
    /// `Sec-WebSocket-Key`.
    let key: [UInt8]
    /// Who asked.
    let held: HeldAdmission

    init(key: [UInt8], held: HeldAdmission) {
        self.key = key
        self.held = held
    }
}

/// What is left of a request's body (RFC 9112 §6).
enum RequestBody {
    case none
    case length(UInt64)
    case chunked(ChunkedBody)
}
