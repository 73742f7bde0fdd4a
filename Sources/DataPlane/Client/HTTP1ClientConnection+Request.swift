import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// How the request under way is read: its head, then its body, as payload.
extension HTTP1ClientConnection {
    /// Reads a head from `inbound`, where it is whole, and begins the exchange with it.
    func readHead() {
        switch inbound.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .needMore:
            guard headBegan.nanoseconds == 0 else { return }
            headBegan = worker.clock.now
            machine.headBegan(until: worker.clock.tick &+ worker.headTicks)
        case .flaw(let flaw): exchange.refuseUnreadable(.message(flaw), nil, began: headBegan)
        case .complete:
            if peer.surface != .proxy { return readQuestion() }
            guard let head = inbound.readSlice(length: parser.head.headLength) else { return }
            headCame()
            exchange.begin(
                parser.head, head, hasBody: !body.isComplete, isClientEnded: machine.isInputEnded)
        }
    }

    /// A head came whole, and was taken out of `inbound`.
    func headCame() {
        switch parser.head.framing {
        case .none, .untilClose: body = .none
        case .length(let length): body = .length(length)
        case .chunked:
            chunks = ChunkedBody(limits: worker.settings.headLimits)
            body = .chunked
        }
        headBegan = Instant(nanoseconds: 0)
        machine.headCame()
    }

    // MARK: The body

    /// Passes on what came of the body.
    func readBody() {
        switch body {
        case .none: break
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            guard let payload = inbound.readSlice(length: count) else { return }
            body = .length(remaining - UInt64(count))
            exchange.bodyCame(payload, isLast: body.isComplete)
        case .chunked: readChunks()
        }
    }

    private func readChunks() {
        // It is read here alone, so that none of its fields is copied.
        guard var chunks else { return }
        self.chunks = nil
        switch chunks.payload(from: &inbound) {
        case .more(let payload):
            self.chunks = chunks
            exchange.bodyCame(payload, isLast: false)
        case .last(let payload, let trailers):
            body = .none
            exchange.bodyCame(payload, isLast: true, trailers: trailers)
        case .flaw(let flaw):
            delivery.isFramingLost = true
            exchange.bodyUnreadable(flaw)
        }
    }

    /// What of a short body of known length lies behind the head already.
    func takeFirstBody() -> (bytes: ByteBuffer, isLast: Bool)? {
        guard case .length(let remaining) = body, remaining > 0, inbound.readableBytes > 0,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        else { return nil }
        let count = Int(min(remaining, UInt64(inbound.readableBytes)))
        guard let bytes = inbound.readSlice(length: count) else { return nil }
        body = .length(remaining - UInt64(count))
        return (bytes, body.isComplete)
    }

    /// Whether all that is left of the body waits in `inbound`; a chunked one is found out as it is passed on.
    var isRestOfBodyAtHand: Bool {
        switch body {
        case .none, .chunked: true
        case .length(let remaining): remaining <= UInt64(inbound.readableBytes)
        }
    }

    /// Skips an unwanted body where all of it was read already, so that the connection can live on.
    func skipBufferedBody() {
        guard case .length(let remaining) = body, remaining <= UInt64(inbound.readableBytes) else { return }
        inbound.moveReaderIndex(forwardBy: Int(remaining))
        body = .none
    }
}

/// What is left of a request's body (RFC 9112 §6).
enum RequestBody {
    case none
    case length(UInt64)
    /// What the connection's `chunks` reads.
    case chunked

    /// Whether the last byte of the request was seen.
    var isComplete: Bool {
        switch self {
        case .none: true
        case .length(let remaining): remaining == 0
        case .chunked: false
        }
    }
}
