import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// The connection that a stream belongs to, as the stream sees it.
///
/// A protocol, so that a stream does not name what makes it.
protocol HTTP2ClientStreamOwner: AnyObject {
    var worker: Worker { get }

    /// Payload of the request was used, or is not wanted.
    func consumed(_ count: Int, by stream: HTTP2ClientStream)

    /// Sends an interim response.
    func sendInterim(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, of stream: HTTP2ClientStream)

    /// Sends a response's head.
    func beginResponse(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, hasBody: Bool,
        of stream: HTTP2ClientStream)

    /// Whether the connection may hold more of any response.
    var hasRoom: Bool { get }

    /// So much more of responses waits, or less.
    func waitingChanged(by count: Int)

    /// So much payload can be sent.
    func offer(_ count: Int, of stream: HTTP2ClientStream)

    /// Nothing follows what was offered, but for trailers.
    func endBody(_ trailers: TrailerSection?, of stream: HTTP2ClientStream)

    /// Nothing follows what was offered, but for the status by which gRPC is told of a refusal.
    func endBody(status row: RefusalRow, of stream: HTTP2ClientStream)

    /// Sends a refusal's head, and its body where it has one.
    func refuse(_ row: RefusalRow, _ request: RefusedRequest, of stream: HTTP2ClientStream)

    /// Whether a request may begin now: not while earlier ones wait for their turn behind one that was refused.
    var mayBegin: Bool { get }

    /// A request was refused for what it is, so that those behind it wait for their turn.
    func refusedOne()

    /// A stream waits for its turn, or does no longer.
    func heldBack(_ change: Int)

    /// Ends the stream at once.
    func reset(_ stream: HTTP2ClientStream, _ code: HTTP2ErrorCode)

    /// Sends what waits, once everything that goes on now is done.
    func flushSoon()
}

/// One stream of a client's HTTP/2 connection: one request and its response (RFC 9113 §8.1).
///
/// It holds what came of the request and was not passed on, at most one window, and what is to be sent of the response,
/// at most two reads of an upstream. A class, since the exchange and the connection refer to it; `leave` breaks the cycle.
final class HTTP2ClientStream: ClientWire, HeldBackMember {
    let id: Int32
    let exchange: Exchange
    private var connection: (any HTTP2ClientStreamOwner)?

    // The request.
    private var request: (head: RequestHead, bytes: ByteBuffer, isWhole: Bool)?
    private var isBegun = false
    private var isHeldBack = false
    private var inbound = ByteBuffer()
    private(set) var isInputEnded = false
    private var trailers: TrailerSection?
    private var isPassingOn = false

    // The response.
    private var outbound = PayloadQueue()
    private var isHeadOfNoBody = false
    /// Whether nothing more is to be added to the response.
    private(set) var isFinished = false
    /// When the response is given up unless the client takes some of it, or the request unless its turn comes.
    private var sendingUntil: UInt32

    init(id: Int32, connection: any HTTP2ClientStreamOwner, exchange: Exchange) {
        self.id = id
        self.connection = connection
        self.exchange = exchange
        sendingUntil = connection.worker.clock.tick &+ connection.worker.headTicks
        exchange.client = self
    }

    // MARK: What came

    /// The request's head.
    func headCame(_ head: RequestHead, _ bytes: ByteBuffer, isWhole: Bool) {
        request = (head, bytes, isWhole)
    }

    /// A piece of the request's body.
    func dataCame(_ payload: ByteBuffer) {
        guard !isFinished else {
            connection?.consumed(payload.readableBytes, by: self)
            return
        }
        inbound.appendUnread(payload)
    }

    /// The request's trailers.
    func trailersCame(_ trailers: TrailerSection?) {
        self.trailers = trailers
    }

    /// The request's trailers break a rule: so it has no end, and goes no further.
    func bodyUnreadable() {
        request = nil
        connection?.reset(self, .protocolError)
    }

    /// The client sends nothing more on this stream.
    func inputEnded() {
        isInputEnded = true
    }

    /// Begins the exchange, or passes on what came of the body.
    func goOn() {
        if isHeldBack { return }
        if let request, let connection {
            guard connection.mayBegin else { return holdBack(request.head, request.bytes) }
            begin(request)
        }
        passOnBody()
    }

    private func begin(_ request: (head: RequestHead, bytes: ByteBuffer, isWhole: Bool)) {
        self.request = nil
        isBegun = true
        exchange.isGRPC = HTTP2ClientStream.isGRPC(request.head, request.bytes)
        exchange.begin(request.head, request.bytes, hasBody: !request.isWhole, isClientEnded: false)
    }

    // MARK: Turns

    /// Waits for a turn of its tenant's, behind requests that were refused.
    private func holdBack(_ head: borrowing RequestHead, _ bytes: ByteBuffer) {
        guard let connection else { return }
        isHeldBack = true
        connection.heldBack(1)
        let worker = connection.worker
        let tenant = bytes.withUnsafeReadableBytes {
            worker.judge.tenant(
                of: UnsafeRawBufferPointer(rebasing: $0[head.host.range]), at: worker.clock.now)
        }
        worker.batches.holdBack(self, of: tenant)
    }

    /// Whether it is gone.
    var isClosed: Bool { connection == nil || isFinished }

    /// Its turn has come.
    func letGo() {
        guard isHeldBack else { return }
        isHeldBack = false
        connection?.heldBack(-1)
        guard let request else { return goOn() }
        begin(request)
        passOnBody()
        connection?.flushSoon()
    }

    /// The stream is gone.
    func leave() {
        if isHeldBack {
            isHeldBack = false
            connection?.heldBack(-1)
        }
        connection?.waitingChanged(by: -outbound.bytes)
        connection = nil
        if !isFinished { exchange.clientLost() }
        isFinished = true
        exchange.client = nil
        outbound.removeAll()
    }

    /// Whether a request's `Content-Type` is one of gRPC's (gRPC over HTTP/2, "Requests").
    private static func isGRPC(_ head: borrowing RequestHead, _ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { bytes in
            head.fields.contains { field in
                field.known == .other && field.name.count == 12 && field.value.count >= 16
                    && ByteScanner.equals(
                        UnsafeRawBufferPointer(rebasing: bytes[field.name.range]), "content-type")
                    && ByteScanner.begins(
                        UnsafeRawBufferPointer(rebasing: bytes[field.value.range]), with: "application/grpc")
            }
        }
    }

    // MARK: The request's body

    private func passOnBody() {
        guard !isPassingOn else { return }
        isPassingOn = true
        defer { isPassingOn = false }
        while exchange.intake == .body, exchange.isUpstreamWritable, inbound.readableBytes > 0 || isInputEnded
        {
            let payload = inbound
            inbound = ByteBuffer()
            connection?.consumed(payload.readableBytes, by: self)
            exchange.bodyCame(payload, isLast: isInputEnded, trailers: isInputEnded ? trailers : nil)
        }
    }

    var isRestOfBodyAtHand: Bool { true }

    func takeFirstBody() -> (bytes: ByteBuffer, isLast: Bool)? {
        guard isInputEnded, trailers == nil, inbound.readableBytes > 0, exchange.hasKnownLength,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        else { return nil }
        let bytes = inbound
        inbound = ByteBuffer()
        connection?.consumed(bytes.readableBytes, by: self)
        return (bytes, true)
    }

    func resumeReading() {
        passOnBody()
    }

    func resume() {
        passOnBody()
    }

    // MARK: The response

    var isWritable: Bool { !outbound.isFull && connection?.hasRoom ?? true }

    func sendInterim(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        connection?.sendInterim(head, bytes, of: self)
    }

    func beginResponse(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        isHeadOfNoBody = head.framing == .none || head.framing == .length(0)
        connection?.beginResponse(head, bytes, hasBody: !isHeadOfNoBody, of: self)
    }

    func sendBody(_ payload: ByteBuffer) {
        guard payload.readableBytes > 0, connection != nil, !isHeadOfNoBody else { return }
        if outbound.bytes == 0 { sendingProgressed() }
        outbound.append(payload)
        connection?.waitingChanged(by: payload.readableBytes)
        connection?.offer(payload.readableBytes, of: self)
    }

    func endBody(_ trailers: TrailerSection?) {
        guard !isHeadOfNoBody else { return }
        connection?.endBody(trailers, of: self)
    }

    func flush() {
        connection?.flushSoon()
    }

    func finishResponse() {
        finish()
        connection?.flushSoon()
    }

    func refuse(_ row: RefusalRow, _ request: RefusedRequest) {
        guard !isFinished else { return }
        connection?.refuse(row, request, of: self)
        if row.status.code < 500 { connection?.refusedOne() }
        finish()
        connection?.flushSoon()
    }

    func endWithStatus(_ row: RefusalRow) {
        guard !isFinished, !isHeadOfNoBody else { return abort() }
        connection?.endBody(status: row, of: self)
        finish()
        connection?.flushSoon()
    }

    /// The body of a refusal, behind its head.
    func sendRefusal(_ body: ByteBuffer) {
        isHeadOfNoBody = false
        sendBody(body)
        connection?.endBody(nil, of: self)
    }

    /// The exchange is over; what is left of the response is the connection's to send.
    private func finish() {
        isFinished = true
        exchange.release()
        connection?.consumed(inbound.readableBytes, by: self)
        inbound = ByteBuffer()
        sendingProgressed()
    }

    /// Takes the next bytes of payload, which are being sent.
    func nextPayload(atMost count: Int) -> ByteBuffer? {
        sendingProgressed()
        let piece = outbound.next(atMost: count)
        connection?.waitingChanged(by: -(piece?.readableBytes ?? 0))
        return piece
    }

    /// Tells the exchange that the client takes bytes again, where it does.
    func reportWritable() {
        if !isFinished, isWritable { exchange.clientIsWritable() }
    }

    // MARK: Time

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        if !isFinished {
            if isBegun {
                exchange.ticked(tick)
            } else if tick >= sendingUntil {
                connection?.reset(self, .refusedStream)
            }
            return
        }
        if tick >= sendingUntil { connection?.reset(self, .cancel) }
    }

    private func sendingProgressed() {
        if let worker = connection?.worker { sendingUntil = worker.clock.tick &+ Limits.bodyIdleTicks }
        if !isFinished { exchange.progressed() }
    }

    // MARK: Ends

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
