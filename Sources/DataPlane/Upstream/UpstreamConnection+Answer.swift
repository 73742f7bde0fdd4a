import Gatekeeper
import HTTP1
import NIOCore

/// The answer as it is read from the upstream and passed on.
extension UpstreamConnection {
    /// Uses what came, as far as it goes.
    func use() {
        var before = Int.max
        // What cannot be used yet, such as half a chunk's length, waits for more.
        while let client, inbound.readableBytes > 0, inbound.readableBytes < before {
            before = inbound.readableBytes
            switch answer {
            case .head: guard useHead(client) else { return }
            case .body(let body): useBody(body, client)
            case .complete: return
            case .tunnel:
                let bytes = inbound
                inbound = ByteBuffer()
                client.tunnelUpstreamSent(bytes)
            }
        }
    }

    /// Reads a head where it is whole and sends it on; false where more bytes are needed or the answer is lost.
    private func useHead(_ client: ClientConnection) -> Bool {
        switch inbound.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .needMore: return false
        case .flaw(let flaw):
            fail(client, .messageFlaw(flaw))
            return false
        case .complete: break
        }
        guard parser.head.status >= 200 else { return passInterim(client) }
        pool.answered(client.exchange.group)
        persists = parser.head.isPersistent && !parser.head.announcesForbiddenBody && !isTainted
        if parser.head.authenticatesConnection || client.exchange.authenticatesConnection { ownThis(client) }
        idleTicks =
            parser.head.keepAliveSeconds.map {
                UInt32(truncatingIfNeeded: max($0 - 1, 0)) * Limits.ticksPerSecond
            } ?? Limits.upstreamIdleTicks
        let delivery = client.beginAnswer(parser.head)
        var output = scratch
        scratch = ByteBuffer()
        output.clear(minimumCapacity: parser.head.headLength + 128)
        inbound.withUnsafeReadableBytes { AnswerHeadWriter.write(parser.head, $0, delivery, into: &output) }
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        let rechunks = delivery.framing == .chunked
        switch parser.head.framing {
        case .none, .length(0): answer = .complete
        case .length(let length): answer = .body(.length(length))
        case .chunked:
            let body = ChunkedBody(limits: worker.settings.answerLimits, isLenient: true)
            answer = .body(.chunked(body, rechunks: rechunks))
        case .untilClose: answer = .body(.untilClose(rechunks: rechunks))
        }
        // A short body leaves with its head, in one write.
        if case .body(.length(let length)) = answer, inbound.readableBytes > 0,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        {
            let count = min(length, UInt64(inbound.readableBytes))
            if var body = inbound.readSlice(length: Int(count)) { output.writeBuffer(&body) }
            answer = count == length ? .complete : .body(.length(length - count))
        }
        client.send(output, isHead: true)
        if output.capacity <= Limits.keptScratchBytes { scratch = output }
        if case .complete = answer { complete(client) }
        return true
    }

    /// The upstream takes this connection for its caller. Where a balancer stands in front, several callers share the
    /// client's connection: then this one serves no further request.
    private func ownThis(_ client: ClientConnection) {
        if client.way.isTrusted { persists = false } else { bind(to: client) }
    }

    private func passInterim(_ client: ClientConnection) -> Bool {
        if parser.head.status == 101, client.exchange.upgrade != nil { return switchProtocols(client) }
        if parser.head.announcesForbiddenBody { isTainted = true }
        guard parser.head.status != 101, client.interimAnswerCame() else {
            fail(client, .interimResponses)
            return false
        }
        if !client.exchange.isHTTP10 {
            var output = ByteBuffer()
            inbound.withUnsafeReadableBytes { AnswerHeadWriter.writeInterim(parser.head, $0, into: &output) }
            client.send(output, isHead: true)
        }
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        parser.reset(isHeadRequest: client.exchange.isHead)
        return true
    }

    private func useBody(_ body: AnswerBody, _ client: ClientConnection) {
        client.expectProgress(within: Limits.bodyIdleTicks)
        switch body {
        case .length(let remaining):
            let count = min(remaining, UInt64(inbound.readableBytes))
            guard let bytes = inbound.readSlice(length: Int(count)) else { return }
            answer = count == remaining ? .complete : .body(.length(remaining - count))
            client.send(bytes)
        case .untilClose(let rechunks):
            var bytes = inbound
            inbound = ByteBuffer()
            guard rechunks else {
                client.send(bytes)
                return
            }
            var output = channel.allocator.buffer(capacity: bytes.readableBytes + 16)
            output.writeChunk(&bytes, count: bytes.readableBytes)
            client.send(output)
        case .chunked(var chunks, let rechunks): useChunks(&chunks, rechunks, client)
        }
        if case .complete = answer, self.client === client { complete(client) }
    }

    private func useChunks(_ body: inout ChunkedBody, _ rechunks: Bool, _ client: ClientConnection) {
        var output = channel.allocator.buffer(capacity: inbound.readableBytes + 64)
        var isOver = false
        while !isOver {
            switch inbound.withUnsafeReadableBytes({ body.next($0) }) {
            case .needMore(let used):
                inbound.moveReaderIndex(forwardBy: used)
                answer = .body(.chunked(body, rechunks: rechunks))
                isOver = true
            case .payload(let skipped, let count):
                inbound.moveReaderIndex(forwardBy: skipped)
                if rechunks {
                    output.writeChunk(&inbound, count: count)
                } else if var bytes = inbound.readSlice(length: count) {
                    output.writeBuffer(&bytes)
                }
            case .end(let used):
                if rechunks {
                    output.writeStaticString("0\r\n")
                    inbound.withUnsafeReadableBytes { TrailerWriter.write(body, $0, into: &output) }
                }
                inbound.moveReaderIndex(forwardBy: used)
                answer = .complete
                isOver = true
            case .flaw(let flaw):
                fail(client, .messageFlaw(flaw))
                return
            }
        }
        if output.readableBytes > 0 { client.send(output) }
    }

    /// The answer is out whole: the connection is free again, where both sides left it in order.
    private func complete(_ client: ClientConnection) {
        let isInOrder = persists && inbound.readableBytes == 0 && client.exchange.isRequestComplete
        self.client = nil
        inbound = ByteBuffer()
        if isInOrder, owner != nil {
            isReused = true
        } else if isInOrder, idleTicks > 0 {
            isReused = true
            becomeIdle(for: idleTicks)
        } else {
            close()
        }
        client.answerEnded()
    }

    /// The upstream agrees to WebSocket: from here on bytes are carried, and the connection serves no other request.
    private func switchProtocols(_ client: ClientConnection) -> Bool {
        let isAgreed = inbound.withUnsafeReadableBytes { bytes in
            WebSocketHandshake.isAgreed(parser.head.fields, bytes, key: client.exchange.upgrade?.key ?? [])
        }
        guard isAgreed else {
            fail(client, .webSocketHandshake)
            return false
        }
        pool.answered(client.exchange.group)
        var output = ByteBuffer()
        inbound.withUnsafeReadableBytes { AnswerHeadWriter.writeSwitch(parser.head, $0, into: &output) }
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        answer = .tunnel
        client.beginTunnel(with: output)
        return true
    }

    private func fail(_ client: ClientConnection, _ detail: RefusalDetail) {
        pool.failedToAnswer(client.exchange.group)
        self.client = nil
        close()
        client.answerUnusable(detail)
    }
}
