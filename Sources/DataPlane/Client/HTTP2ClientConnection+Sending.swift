import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// What the streams send: heads, payload, and the frames that both become.
extension HTTP2ClientConnection {
    // MARK: What the streams ask for

    func sendInterim(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, of stream: HTTP2ClientStream
    ) {
        // One that nobody takes is left out (RFC 9110 §15.2 has no use for a late one), so that they never pile up.
        guard isWritable else { return }
        HTTP2HeadWriter.write(head, bytes, length: nil, id: nil, to: session) {
            session.submitInterim(stream: stream.id)
        }
        flushSoon()
    }

    func beginResponse(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, hasBody: Bool,
        of stream: HTTP2ClientStream
    ) {
        HTTP2HeadWriter.write(
            head, bytes, length: head.contentLength, id: stream.exchange.requestID, to: session
        ) {
            session.submitResponse(stream: stream.id, hasBody: hasBody)
        }
        headWaits(head.headLength)
    }

    /// A head is to be sent. Where the client takes nothing it waits, and counts.
    private func headWaits(_ count: Int) {
        guard !isWritable else { return }
        waitingHeadBytes += count
        waitingChanged(by: count)
    }

    /// The client takes bytes again: no head waits any longer.
    private func headsLeft() {
        guard waitingHeadBytes > 0, isWritable else { return }
        waitingChanged(by: -waitingHeadBytes)
        waitingHeadBytes = 0
    }

    func offer(_ count: Int, of stream: HTTP2ClientStream) {
        session.offer(count, stream: stream.id)
    }

    func endBody(_ trailers: TrailerSection?, of stream: HTTP2ClientStream) {
        guard let trailers else { return session.endBody(stream: stream.id, hasTrailers: false) }
        HTTP2HeadWriter.write(trailers, to: session) { session.endBody(stream: stream.id, hasTrailers: $0) }
    }

    /// Ends a gRPC response with a status of ours.
    func endBody(status row: RefusalRow, of stream: HTTP2ClientStream) {
        HTTP2HeadWriter.write(trailers: RefusalFields(grpc: row), to: session) {
            session.endBody(stream: stream.id, hasTrailers: true)
        }
    }

    func refuse(_ row: RefusalRow, _ request: RefusedRequest, of stream: HTTP2ClientStream) {
        if request.form == .envoyGRPC { return refuseCall(row, request, of: stream) }
        guard !request.isGRPC else {
            let fields = RefusalFields(grpcResponse: row, date: worker.clock.date(), id: request.id)
            HTTP2HeadWriter.write(status: 200, fields, to: session) {
                session.submitResponse(stream: stream.id, hasBody: false)
            }
            return
        }
        let body = RefusalFields.body(row, request.id)
        let fields = RefusalFields(
            row, host: request.host, allowedOrigin: request.allowedOrigin, date: worker.clock.date(),
            id: request.id, bodyBytes: body.utf8.count, code: request.code)
        HTTP2HeadWriter.write(status: request.status.code, fields, to: session) {
            session.submitResponse(stream: stream.id, hasBody: !request.isHead)
        }
        guard !request.isHead else { return }
        stream.sendRefusal(ByteBuffer(string: body))
    }

    func answer(_ answer: Answer, of stream: HTTP2ClientStream) {
        if answer.form == .envoyGRPC { return answerCall(answer, of: stream) }
        var lines = worker.spareBuffers.take()
        lines.writeHead(expected: AnswerFields.expectedBytes(answer)) {
            AnswerFields.write(answer, date: worker.clock.date(), into: &$0)
        }
        lines.withUnsafeReadableBytes { lines in
            HTTP2HeadWriter.write(answer: lines, to: session) {
                session.submitResponse(stream: stream.id, hasBody: false)
            }
        }
        worker.spareBuffers.keep(&lines)
    }

    func reset(_ stream: HTTP2ClientStream, _ code: HTTP2ErrorCode) {
        session.reset(stream: stream.id, code)
        flushSoon()
    }

    // MARK: Frames

    /// Sends what waits once the loop has looked at all of its sockets: what several streams say then leaves in one write.
    func flushSoon() {
        guard !isFlushDue, machine.state != .closed else { return }
        isFlushDue = true
        worker.flushes.add(self)
    }

    func flushDue() {
        isFlushDue = false
        flush()
    }

    /// Sends what waits, as far as the client takes it.
    func flush() {
        guard !isBusy, machine.state != .closed else { return }
        isBusy = true
        sender.send(session, by: writer, from: self)
        worker.counters.clientBytesSent &+= sender.takeSentBytes()
        takeEvents(ByteBuffer())
        // What the events brought about, a reset or the next request, must not wait for another reason to send.
        if session.hasOutput {
            sender.send(session, by: writer, from: self)
            takeEvents(ByteBuffer())
        }
        isBusy = false
        // A head that broke a rule is under way no longer once its stream's end has left.
        machine.head(isUnderWay: session.isInHead, until: worker.clock.tick &+ worker.headTicks)
        let taking = taking
        self.taking.removeAll(keepingCapacity: true)
        for stream in taking { stream.reportWritable() }
        headsLeft()
        reportRoom()
        if session.isOver { sayGoodbye() }
        if wantsRead, !holdsReads {
            wantsRead = false
            context?.read()
        }
    }

    func nextPayload(atMost count: Int, of id: Int32) -> ByteBuffer? {
        guard let stream = streams[id] else { return nil }
        if taking.last !== stream { taking.append(stream) }
        return stream.nextPayload(atMost: count)
    }
}
