import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// What a stream sends: head, payload and trailers of its response, or a refusal.
extension HTTP2ClientStream {
    var isWritable: Bool { !outbound.isFull && connection?.hasRoom ?? true }

    func sendInterim(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        connection?.sendInterim(head, bytes, of: self)
    }

    func beginResponse(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        hasNoPayload = head.framing == .none || head.framing == .length(0)
        isHeadOfNoBody = hasNoPayload && !head.mayHaveTrailers
        guard mayHold(head.headLength) else { return giveUp(.enhanceYourCalm) }
        connection?.beginResponse(head, bytes, hasBody: !isHeadOfNoBody, of: self)
        // Services take calls of which the request does not say what it is.
        if !exchange.isGRPC { exchange.isGRPC = HTTP2ClientStream.isGRPC(head.fields, bytes) }
        if exchange.isGRPC { connection?.hasNewCalls = true }
    }

    func sendBody(_ payload: ByteBuffer) {
        guard payload.readableBytes > 0, connection != nil, !isFinished, !hasNoPayload else { return }
        if outbound.bytes == 0 { sendingProgressed() }
        outbound.append(payload)
        connection?.waitingChanged(by: payload.readableBytes)
        connection?.offer(payload.readableBytes, of: self)
    }

    func endBody(_ trailers: TrailerSection?) {
        guard !isHeadOfNoBody, !isFinished else { return }
        let count = trailers?.bytes.readableBytes ?? 0
        guard mayHold(count) else { return giveUp(.enhanceYourCalm) }
        trailerBytes = count
        connection?.waitingChanged(by: count)
        connection?.endBody(trailers, of: self)
    }

    /// Whether a head or trailers of so many bytes may wait for the client: small ones always.
    private func mayHold(_ count: Int) -> Bool {
        count <= Limits.smallHeadBytes || connection?.hasRoom ?? true
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
        if row.status.code < 500 { connection?.refusedOne(of: request.tenant) }
        finish()
        connection?.flushSoon()
    }

    func answer(_ answer: Answer) {
        guard !isFinished else { return }
        connection?.answer(answer, of: self)
        finish()
        connection?.flushSoon()
    }

    func endWithStatus(_ row: RefusalRow) {
        guard !isFinished, !isHeadOfNoBody else { return abort() }
        connection?.endBody(status: row, of: self)
        finish()
        connection?.flushSoon()
    }

    /// Whether anything of the response waits.
    var hasOutput: Bool { outbound.bytes > 0 }

    /// A message, or the body of a refusal, behind a head of our own.
    func sendMessage(_ body: ByteBuffer) {
        isHeadOfNoBody = false
        hasNoPayload = false
        sendBody(body)
    }

    /// The body of a refusal, behind its head.
    func sendRefusal(_ body: ByteBuffer) {
        sendMessage(body)
        connection?.endBody(nil, of: self)
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
}
