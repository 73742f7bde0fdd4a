import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// How the response under way is delivered to the client.
struct ResponseDelivery {
    /// As the client reads it: `.untilClose` only for HTTP/1.0.
    var framing = BodyFraming.none
    /// Whether the client was told that the connection closes after it.
    var saidClose = false
    /// Whether the request's body broke HTTP's grammar, so that nobody knows where the next request begins.
    var isFramingLost = false
}

/// How a response is written: an upstream's, or a refusal.
extension HTTP1ClientConnection {
    /// Whether the request under way is the last that this connection serves.
    private var isLastRequest: Bool { worker.isLeaving || requestsLeft <= 1 }

    // MARK: An upstream's response

    func sendInterim(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        // HTTP/1.0 has none (RFC 9110 §15.2).
        guard !parser.head.isHTTP10 else { return }
        var output = ByteBuffer()
        ResponseHeadWriter.writeInterim(head, bytes, into: &output)
        send(output, isHead: true)
    }

    func beginResponse(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        let isHTTP10 = parser.head.isHTTP10
        switch head.framing {
        case .none: delivery.framing = .none
        case .length(let length): delivery.framing = .length(length)
        case .chunked, .untilClose: delivery.framing = isHTTP10 ? .untilClose : .chunked
        }
        // A request that is not all here when its response begins may never be read to its end.
        delivery.saidClose =
            !parser.head.isPersistent || isLastRequest || delivery.framing == .untilClose || !body.isComplete
        let describes = parser.head.method == .head || head.status == 304
        if output.capacity == 0 { output = worker.spareBuffers.take() }
        ResponseHeadWriter.write(
            head, bytes,
            .init(
                framing: delivery.framing, describedLength: describes ? head.contentLength : nil,
                closes: delivery.saidClose, saysKeepAlive: isHTTP10 && !delivery.saidClose),
            id: exchange.requestID, into: &output)
    }

    func sendBody(_ payload: ByteBuffer) {
        switch delivery.framing {
        case .chunked:
            var payload = payload
            output.writeChunk(&payload, count: payload.readableBytes)
            if output.readableBytes > Limits.coalescedBodyBytes { flush() }
        case .none, .length, .untilClose:
            guard output.readableBytes > 0 else { return send(payload) }
            // A short body leaves with its head, in one write.
            if payload.readableBytes <= Limits.coalescedBodyBytes {
                output.writeImmutableBuffer(payload)
            } else {
                flush()
                send(payload)
            }
        }
    }

    func endBody(_ trailers: TrailerSection?) {
        if delivery.framing == .chunked {
            output.writeStaticString("0\r\n")
            if let trailers { TrailerWriter.write(trailers, into: &output) }
            output.writeStaticString("\r\n")
        }
        flush()
    }

    func flush() {
        guard output.readableBytes > 0 else { return }
        send(output, isHead: true)
        worker.spareBuffers.keep(&output)
    }

    func finishResponse() {
        let persists =
            parser.head.isPersistent && body.isComplete && !worker.isDraining && requestsLeft > 1
            && !delivery.saidClose
        finishExchange(persists: persists, isHeldBack: false)
    }

    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        var output = ByteBuffer()
        ResponseHeadWriter.writeSwitch(head, bytes, id: exchange.requestID, into: &output)
        send(output)
    }

    func sendTunnelled(_ bytes: ByteBuffer) {
        send(bytes)
    }

    // MARK: A refusal

    /// Responds with a refusal; what of the request was left unread is dropped before the connection closes.
    func refuse(_ row: RefusalRow, _ request: RefusedRequest) {
        guard !machine.isLeaving else { return }
        let isHeadKnown = machine.isServing
        let isQuestion = request.form != nil
        if isHeadKnown, !body.isComplete { skipBufferedBody() }
        let persists =
            isHeadKnown && parser.head.isPersistent && !delivery.isFramingLost
            && (body.isComplete || isQuestion && mayDropBody)
            && !isLastRequest && !request.closesConnection
        var bytes = channel.allocator.buffer(capacity: 768)
        RefusalResponseWriter.write(
            row,
            .init(
                host: request.host, isHead: request.isHead, closes: !persists,
                isHTTP10: isHeadKnown && parser.head.isHTTP10, allowedOrigin: request.allowedOrigin,
                requestID: request.id, date: worker.clock.date(), status: request.status, code: request.code),
            into: &bytes)
        send(bytes, isHead: true)
        guard isHeadKnown else { return linger() }
        let isRefused = row.status.code < 500
        // A trusted caller asks for many tenants: what one of them is refused holds up its own questions alone.
        if isQuestion, isRefused { brakedTenant = .some(request.tenant) }
        finishExchange(
            persists: persists && !worker.isDraining, isHeldBack: isRefused && !isQuestion,
            tenant: request.tenant)
    }

    func answer(_ answer: Answer) {
        guard machine.isServing else { return }
        if !body.isComplete { skipBufferedBody() }
        let persists =
            parser.head.isPersistent && (body.isComplete || mayDropBody) && !isLastRequest
        if output.capacity == 0 { output = worker.spareBuffers.take() }
        AnswerWriter.write(
            answer,
            .init(
                closes: !persists, saysKeepAlive: parser.head.isHTTP10 && persists,
                date: worker.clock.date()),
            into: &output)
        flush()
        finishExchange(persists: persists && !worker.isDraining, isHeldBack: false)
    }

    /// gRPC is told by HTTP/2 alone.
    func endWithStatus(_ row: RefusalRow) {
        abort()
    }

    // MARK: The next request

    /// Ready for the next request, or done with this client; `isHeldBack` where the next waits for its turn, which is
    /// one of `tenant`'s.
    private func finishExchange(persists: Bool, isHeldBack: Bool, tenant: HostPattern? = nil) {
        exchange.release()
        requestsLeft -= 1
        delivery = ResponseDelivery()
        guard persists else {
            if body.isComplete { closeWhenSent() } else { linger() }
            return
        }
        if !body.isComplete { beginDropping() }
        parser.reset()
        if inbound.readableBytes <= worker.unreadLimit { returnSurplus() }
        if inbound.readableBytes == 0 { inbound = ByteBuffer() }
        let ticks = inbound.readableBytes > 0 || isDroppingBody ? worker.headTicks : worker.idleTicks
        machine.served(until: worker.clock.tick &+ ticks, isHeldBack: isHeldBack)
        if isHeldBack { worker.batches.holdBack(self, of: tenant) }
        process()
    }
}
