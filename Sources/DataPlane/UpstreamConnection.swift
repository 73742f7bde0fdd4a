import Gatekeeper
import HTTP1
import NIOCore

/// One connection to an upstream: carries one request after another, and each answer back to the client that asked.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// When an idle connection is closed, as a tick of the loop.
    private(set) var idleUntil: UInt32 = 0
    /// Whether an answer was carried here before: only then can the upstream have closed it under a new request.
    private(set) var isReused = false

    private let channel: any Channel
    private let pool: UpstreamPool
    private let worker: Worker
    private var context: ChannelHandlerContext?
    private var client: ClientConnection?
    private var parser: ResponseHeadParser
    private var inbound = ByteBuffer()
    private var answer = AnswerState.head
    private var persists = false
    private var idleTicks = Limits.upstreamIdleTicks
    private var wantsRead = false
    /// Reused for each head that goes to a client.
    private var scratch = ByteBuffer()

    private enum AnswerState {
        case head
        case body(AnswerBody)
        case complete
    }

    /// What is left of an answer's body; `rechunks` where the client gets it in chunks.
    private enum AnswerBody {
        case length(UInt64)
        case chunked(ChunkedBody, rechunks: Bool)
        case untilClose(rechunks: Bool)
    }

    init(channel: any Channel, pool: UpstreamPool, worker: Worker) {
        self.channel = channel
        self.pool = pool
        self.worker = worker
        self.parser = ResponseHeadParser(limits: worker.settings.headLimits)
    }

    var isOpen: Bool { channel.isActive }
    var isWritable: Bool { channel.isWritable }

    /// Makes this connection carry the request of `client`.
    func begin(_ client: ClientConnection) {
        self.client = client
        answer = .head
        parser.reset(isHeadRequest: client.exchange.isHead)
    }

    func send(_ bytes: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Ends a request that cannot be finished; the connection with it.
    func cancel() {
        client = nil
        close()
    }

    func close() {
        channel.close(promise: nil)
    }

    func clientIsWritable() {
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        client = nil
    }

    func read(context: ChannelHandlerContext) {
        if let client, !client.channel.isWritable {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard client != nil else {
            close()
            return
        }
        if inbound.readableBytes == 0 {
            inbound = bytes
        } else {
            inbound.writeBuffer(&bytes)
        }
        use()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if channel.isWritable { client?.resumeReading() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let client else {
            pool.lost(self)
            return
        }
        self.client = nil
        switch answer {
        case .head: client.upstreamLost(self, saidSomething: inbound.readableBytes > 0)
        case .body(.untilClose(let rechunks)):
            if rechunks { client.send(ByteBuffer(staticString: "0\r\n\r\n")) }
            client.answerEnded()
        case .body: client.answerBroke()
        case .complete: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset is no end of an answer that lasts until the connection closes.
        if case .body(.untilClose) = answer, let client {
            self.client = nil
            client.answerBroke()
        }
        close()
    }

    /// Goes to the pool unused: the client that it was opened for is gone.
    func park() {
        idleUntil = worker.tick &+ Limits.upstreamIdleTicks
        pool.release(self)
    }

    // MARK: The answer

    private func use() {
        while let client, inbound.readableBytes > 0 {
            switch answer {
            case .head: guard useHead(client) else { return }
            case .body(let body): useBody(body, client)
            case .complete: return
            }
        }
    }

    /// Reads a head where it is whole and sends it on; false where more bytes are needed or the answer is lost.
    private func useHead(_ client: ClientConnection) -> Bool {
        switch inbound.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .needMore: return false
        case .flaw(let flaw):
            fail(client, flaw.rawValue)
            return false
        case .complete: break
        }
        guard parser.head.status >= 200 else { return passInterim(client) }
        persists = parser.head.isPersistent
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
            answer = .body(.chunked(ChunkedBody(limits: worker.settings.headLimits), rechunks: rechunks))
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
        client.send(output)
        if output.capacity <= Limits.keptScratchBytes { scratch = output }
        if case .complete = answer { complete(client) }
        return true
    }

    private func passInterim(_ client: ClientConnection) -> Bool {
        client.exchange.interimAnswers += 1
        guard parser.head.status != 101, client.exchange.interimAnswers <= Limits.interimAnswers else {
            fail(client, "interim_answer")
            return false
        }
        if !client.exchange.isHTTP10 {
            var output = ByteBuffer()
            inbound.withUnsafeReadableBytes { AnswerHeadWriter.writeInterim(parser.head, $0, into: &output) }
            client.send(output)
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
                fail(client, flaw.rawValue)
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
        if isInOrder, idleTicks > 0 {
            isReused = true
            idleUntil = worker.tick &+ idleTicks
            pool.release(self)
        } else {
            close()
        }
        client.answerEnded()
    }

    private func fail(_ client: ClientConnection, _ detail: String) {
        self.client = nil
        close()
        client.answerUnusable(detail)
    }
}
