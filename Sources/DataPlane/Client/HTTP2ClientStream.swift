import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// One stream of a client's HTTP/2 connection: one request and its response (RFC 9113 §8.1).
///
/// It holds what came of the request and was not passed on, at most one window, and what is to be sent of the response,
/// at most two reads of an upstream. A class, since the exchange and the connection refer to it; `leave` breaks the cycle.
final class HTTP2ClientStream: ClientWire, HeldBackMember {
    let id: Int32
    let exchange: Exchange
    private(set) var connection: (any HTTP2ClientStreamOwner)?

    // The request.
    private var pending: Pending?
    /// Whose turn is waited for, where one is.
    private var awaitedTenant: HostPattern?
    private var isBegun = false
    private var isHeldBack = false
    var inbound = ByteBuffer()
    /// What of `inbound` the connection was told that it waits, and since when some does.
    private var heldBytes = 0
    private var heldSince: UInt32 = 0
    private(set) var isInputEnded = false
    private var trailers: TrailerSection?
    private var isPassingOn = false
    /// Set where it is a call of the listener for ext_authz over gRPC, of which the message comes, or which watches.
    var call: AuthorizationCall?

    // The response.
    var outbound = PayloadQueue()
    /// Whether the response ended with its head, and whether it has no payload.
    var isHeadOfNoBody = false
    var hasNoPayload = false
    /// What the trailers take up, which wait for the payload to be taken.
    var trailerBytes = 0
    /// Whether nothing more is to be added to the response.
    private(set) var isFinished = false
    /// When the response is given up unless the client takes some of it, or the request unless its turn comes.
    private var sendingUntil: UInt32

    /// What came whole, and has not begun.
    private enum Pending {
        case request(head: RequestHead, bytes: ByteBuffer, isWhole: Bool)
        case question(Question)
    }

    /// A stream that has to begin its request until the tick `until`.
    init(id: Int32, connection: any HTTP2ClientStreamOwner, exchange: Exchange, until: UInt32) {
        self.id = id
        self.connection = connection
        self.exchange = exchange
        sendingUntil = until
        exchange.client = self
    }

    // MARK: What came

    /// The request's head.
    func headCame(_ head: consuming RequestHead, _ bytes: consuming ByteBuffer, isWhole: Bool) {
        guard let connection else { return }
        switch connection.peer.surface {
        case .proxy: pending = .request(head: head, bytes: bytes, isWhole: isWhole)
        case .questions: pending = .question(question(head, bytes, connection))
        case .externalAuthorization: callCame(head, bytes, connection)
        }
    }

    private func question(
        _ head: RequestHead, _ bytes: ByteBuffer, _ connection: any HTTP2ClientStreamOwner
    ) -> Question {
        let (worker, peer) = (connection.worker, connection.peer)
        let buffer = worker.spareBuffers.take()
        let question = bytes.withUnsafeReadableBytes {
            worker.questions.read(head, $0, isTrusted: peer.isTrustedCaller, into: buffer)
        }
        if question.refusal != .question(.untrustedCaller) { peer.trustCaller() }
        return question
    }

    /// A piece of the request's body.
    func dataCame(_ payload: ByteBuffer) {
        guard !isFinished else {
            connection?.consumed(payload.readableBytes, held: 0, by: self)
            return
        }
        if call != nil { return callData(payload) }
        inbound.appendUnread(payload)
    }

    /// The request's trailers.
    func trailersCame(_ trailers: TrailerSection?) {
        self.trailers = trailers
    }

    /// The request's trailers break a rule: so it has no end, and goes no further.
    func bodyUnreadable() {
        pending = nil
        connection?.reset(self, .protocolError)
    }

    /// The client sends nothing more on this stream.
    func inputEnded() {
        isInputEnded = true
    }

    /// Begins the exchange, or passes on what came of the body.
    func goOn() {
        if isHeldBack { return }
        if call != nil { readCall() }
        if let connection, let pending = pending.take() {
            guard connection.mayBegin({ tenant(of: pending) }) else { return holdBack(pending) }
            begin(pending)
        }
        passOnBody()
    }

    /// Has a question judged, once its turn has come.
    func ask(_ question: Question) {
        pending = .question(question)
    }

    private func begin(_ pending: consuming Pending) {
        isBegun = true
        switch pending {
        case .request(let head, let bytes, let isWhole):
            exchange.isGRPC = bytes.withUnsafeReadableBytes { HTTP2ClientStream.isGRPC(head.fields, $0) }
            exchange.begin(head, bytes, hasBody: !isWhole, isClientEnded: false)
        case .question(let question): exchange.ask(question, isClientEnded: false)
        }
    }

    /// The client sends nothing more on any stream: a request that is not whole by now never will be.
    func clientEnded() {
        guard !isFinished, !isInputEnded else { return }
        giveUp(.cancel)
    }

    // MARK: Turns

    /// Waits for a turn of its tenant's, behind requests that were refused.
    private func holdBack(_ pending: Pending) {
        guard let connection else { return }
        isHeldBack = true
        self.pending = pending
        let tenant = tenant(of: pending)
        awaitedTenant = tenant
        connection.heldBack(1, of: tenant)
        connection.worker.batches.holdBack(self, of: tenant)
    }

    /// The tenant that a request, or what a question is about, leads to; nil where no row is for its host.
    private func tenant(of pending: Pending) -> HostPattern? {
        guard let worker = connection?.worker else { return nil }
        func tenant(_ host: UnsafeRawBufferPointer) -> HostPattern? {
            worker.judge.tenant(of: host, at: worker.clock.now)
        }
        switch pending {
        case .request(let head, let bytes, _):
            return bytes.withUnsafeReadableBytes {
                tenant(UnsafeRawBufferPointer(rebasing: $0[head.host.range]))
            }
        case .question(let question): return question.withHost(tenant)
        }
    }

    private func endWaiting() {
        guard isHeldBack else { return }
        isHeldBack = false
        connection?.heldBack(-1, of: awaitedTenant)
    }

    /// Whether it is gone.
    var isClosed: Bool { connection == nil || isFinished }

    /// Its turn has come.
    func letGo() {
        guard isHeldBack else { return }
        endWaiting()
        guard let pending = pending.take() else { return goOn() }
        begin(pending)
        passOnBody()
        connection?.flushSoon()
    }

    /// The stream is gone.
    func leave() {
        endWaiting()
        leaveCall()
        connection?.waitingChanged(by: -outbound.bytes - trailerBytes)
        trailerBytes = 0
        _ = takeInbound()
        connection = nil
        if !isFinished { exchange.clientLost() }
        isFinished = true
        exchange.client = nil
        outbound.removeAll()
    }

    /// Whether a message's `Content-Type` is gRPC's, with or without the encoding of its messages (gRPC over HTTP/2,
    /// "Requests"). That of gRPC-Web, whose callers read statuses and bodies as HTTP has them, is another.
    static func isGRPC(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer) -> Bool {
        fields.contains { field in
            guard field.known == .other, field.name.count == 12, field.value.count >= 16,
                ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[field.name.range]), "content-type")
            else { return false }
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            guard ByteScanner.begins(value, with: "application/grpc") else { return false }
            return value.count == 16 || "+; \t".utf8.contains(value[16])
        }
    }

    // MARK: The request's body

    private func passOnBody() {
        guard !isPassingOn else { return }
        isPassingOn = true
        defer { isPassingOn = false }
        while exchange.intake == .body, exchange.isUpstreamWritable, inbound.readableBytes > 0 || isInputEnded
        {
            let payload = takeInbound(atMost: Limits.http2ReadBytes)
            let isLast = isInputEnded && inbound.readableBytes == 0
            exchange.bodyCame(payload, isLast: isLast, trailers: isLast ? trailers : nil)
        }
    }

    var isRestOfBodyAtHand: Bool { true }

    func takeFirstBody() -> (bytes: ByteBuffer, isLast: Bool)? {
        guard isInputEnded, trailers == nil, inbound.readableBytes > 0, exchange.hasKnownLength,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        else { return nil }
        return (takeInbound(), true)
    }

    /// What came of the body and was not passed on, at most so much of it; the client may send as much more.
    private func takeInbound(atMost count: Int = .max) -> ByteBuffer {
        guard inbound.readableBytes > 0 else { return ByteBuffer() }
        var payload = inbound
        inbound = ByteBuffer()
        if payload.readableBytes > count, let first = payload.readSlice(length: count) {
            inbound = payload
            payload = first
        }
        let held = min(heldBytes, payload.readableBytes)
        heldBytes -= held
        if let connection {
            heldSince = connection.worker.clock.tick
            connection.consumed(payload.readableBytes, held: held, by: self)
        }
        return payload
    }

    /// What came and could not be passed on waits here.
    func hold() {
        let count = inbound.readableBytes - heldBytes
        guard count > 0, let connection else { return }
        // It may be a small part of a read, which would be kept whole; and of such streams a connection has many.
        if inbound.storageCapacity > 2 * inbound.readableBytes {
            inbound = ByteBuffer(bytes: inbound.readableBytesView)
        }
        // The message of a call was credited as it came.
        guard call == nil else { return }
        if heldBytes == 0 { heldSince = connection.worker.clock.tick }
        heldBytes += count
        connection.holds(count)
    }

    func resumeReading() {
        passOnBody()
    }

    func resume() {
        passOnBody()
    }

    // MARK: Time

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        if !isFinished {
            if call?.toldHealth != nil {
                reviewHealth()
            } else if isBegun {
                if heldBytes > 0, tick &- heldSince >= Limits.stalledUploadTicks,
                    connection?.isOverdrawn ?? false
                {
                    return exchange.bodyWaitsTooLong()
                }
                exchange.ticked(tick)
                if exchange.isUnheldCall { connection?.hasNewCalls = true }
            } else if tick >= sendingUntil {
                if call != nil { callOverdue() } else { connection?.reset(self, .refusedStream) }
            }
            return
        }
        if tick >= sendingUntil { connection?.reset(self, .cancel) }
    }

    func sendingProgressed() {
        if let worker = connection?.worker { sendingUntil = worker.clock.tick &+ Limits.bodyIdleTicks }
        if !isFinished { exchange.progressed() }
    }

    // MARK: Ends

    /// The exchange is over; what is left of the response is the connection's to send.
    func finish() {
        isFinished = true
        exchange.release()
        // The message of a call was credited as it came.
        if call == nil { _ = takeInbound() }
        sendingProgressed()
    }

    /// Ends the request and its response at once. What is being sent of it goes on until the stream is gone.
    func giveUp(_ code: HTTP2ErrorCode) {
        exchange.clientLost()
        finish()
        connection?.reset(self, code)
    }

    func abort() {
        connection?.reset(self, .internalError)
    }

    func reset() {
        connection?.reset(self, .internalError)
    }

    func close() {
        connection?.reset(self, .cancel)
    }

    func linger() {
        close()
    }

    func closeWhenSent() {
        close()
    }

    // MARK: WebSocket

    // Not by HTTP/2: extended CONNECT (RFC 8441) is not offered, so that no request asks for it.

    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        abort()
    }

    func sendTunnelled(_ bytes: ByteBuffer) {}

    func endOutput() {}
}
