import Gatekeeper
import HTTP1
import HTTP2
import HTTPMessage
import NIOCore
import NIOSSL
import NIOTLS

/// An HTTP/2 connection to an upstream, shared by the requests of all its tenants, each on a stream of its own.
///
/// Bounded by the upstream's own limit of streams. A class, since it is its channel's handler.
final class HTTP2UpstreamConnection: ChannelDuplexHandler, SharedUpstreamLink, HTTP2UpstreamStreamOwner,
    PayloadSource, LoopFlushMember
{
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var place = PooledPlace()
    let session: HTTP2Session
    let worker: Worker
    private let channel: any Channel
    private let pool: UpstreamPool
    private let writer: ChannelWriter
    private let sender: HTTP2Sender
    private var streams = StreamTable<HTTP2UpstreamStream>()
    /// Streams that were given out and have sent no head yet.
    private var promised = 0
    private var touched: [HTTP2UpstreamStream] = []
    /// Streams of which payload is being sent, to be told that there is room again.
    private var taking: [HTTP2UpstreamStream] = []
    private var parser: RequestHeadParser
    private var context: ChannelHandlerContext?
    private(set) var isWritable = true
    private var isBusy = false
    private var isFlushDue = false
    private var isGoingAway = false
    private var isClosed = false
    private var handshake: EventLoopPromise<Void>?
    /// Whether the upstream has said how many streams it takes.
    private var isReady = false
    /// Whether a response was carried here before.
    private(set) var hasServed = false
    /// When something came last, and when the upstream was asked for a sign of life; ticks of the loop's clock.
    private var heardAt: UInt32
    private var askedAt: UInt32?
    private var idleSince: UInt32

    /// Nil where there is no memory.
    init?(channel: any Channel, pool: UpstreamPool, worker: Worker) {
        guard
            let session = HTTP2Session(
                side: .client,
                settings: .init(
                    streams: 0, connectionWindowBytes: Limits.connectionWindowBytes,
                    headLimits: worker.settings.responseLimits))
        else { return nil }
        self.session = session
        self.channel = channel
        self.pool = pool
        self.worker = worker
        writer = ChannelWriter(channel)
        sender = HTTP2Sender(worker)
        // What it reads was written here and is bounded already.
        parser = RequestHeadParser(limits: .written)
        heardAt = worker.clock.tick
        idleSince = worker.clock.tick
    }

    var isOpen: Bool { channel.isActive && !isClosed }
    var mayHoldMore: Bool { worker.lentResponses.hasRoom }
    var remoteAddress: SocketAddress? { channel.remoteAddress }

    /// Whether one more request may go this way.
    var hasRoom: Bool {
        isOpen && !isGoingAway
            && streams.count + promised < min(session.peerStreams, Limits.streamsOfUpstream)
    }

    // MARK: Requests

    /// A stream for one request.
    func stream() -> any UpstreamWire {
        promised += 1
        return HTTP2UpstreamStream(connection: self)
    }

    /// A stream that was given out was not needed.
    func gaveBack() {
        promised -= 1
    }

    /// Sends a head, given as HTTP/1 has it; the number of its stream, nil where there can be none, and how many bytes the
    /// head had.
    func submit(
        _ bytes: ByteBuffer, hasBody: Bool, sendsTrailers: Bool, unindexed: UnindexedFields
    ) -> (id: Int32?, length: Int) {
        bytes.withUnsafeReadableBytes { bytes in
            parser.reset()
            guard !isGoingAway, parser.parse(bytes) == .complete else { return (nil, bytes.count) }
            HTTP2HeadWriter.write(
                parser.head, bytes, isSecure: pool.upstream.origin.scheme.isSecure,
                sendsTrailers: sendsTrailers, unindexed: unindexed, to: session)
            return (session.submitRequest(hasBody: hasBody), parser.head.headLength)
        }
    }

    /// A stream has got its number.
    func opened(_ stream: HTTP2UpstreamStream, _ id: Int32) {
        promised -= 1
        streams.insert(stream, of: id)
    }

    func endBody(_ trailers: TrailerSection?, _ stripped: StrippedNames, of id: Int32) {
        guard let trailers else { return session.endBody(stream: id, hasTrailers: false) }
        HTTP2HeadWriter.write(trailers, stripped: stripped, to: session) {
            session.endBody(stream: id, hasTrailers: $0)
        }
    }

    func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
        session.reset(stream: id, code)
        flushSoon()
    }

    /// A stream has ended, and with it its place in the pool.
    func left(_ stream: any UpstreamWire) {
        pool.lost(stream)
    }

    // MARK: Sending

    /// Sends what waits once the loop has looked at all of its sockets: what several clients ask then leaves in one write.
    func flushSoon() {
        guard !isFlushDue, !isClosed else { return }
        isFlushDue = true
        worker.flushes.add(self)
    }

    func flushDue() {
        isFlushDue = false
        flush()
    }

    private func flush() {
        guard !isBusy, !isClosed else { return }
        isBusy = true
        sender.send(session, by: writer, from: self)
        worker.counters.upstreamBytesSent &+= sender.takeSentBytes()
        takeEvents(ByteBuffer())
        // What the events brought about, a reset or the next request, must not wait for another reason to send.
        if session.hasOutput {
            sender.send(session, by: writer, from: self)
            takeEvents(ByteBuffer())
        }
        isBusy = false
        let taking = taking
        self.taking.removeAll(keepingCapacity: true)
        for stream in taking { stream.reportWritable() }
        if session.isOver { close() }
    }

    func nextPayload(atMost count: Int, of id: Int32) -> ByteBuffer? {
        guard let stream = streams[id] else { return nil }
        if taking.last !== stream { taking.append(stream) }
        return stream.nextPayload(atMost: count)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let isClear = !pool.upstream.origin.scheme.isSecure
        writer.open(context, isClear: isClear)
        if channel.isActive, isClear { flush() }
    }

    func channelActive(context: ChannelHandlerContext) {
        if !pool.upstream.origin.scheme.isSecure { flush() }
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        writer.close()
        self.context = nil
        handshakeEnded(.failure(HandshakeFailure()))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshakeEnded(.failure(error))
        close()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(negotiatedProtocol: "h2"): flush()
        case TLSUserEvent.handshakeCompleted: handshakeEnded(.failure(HandshakeFailure()))
        case ChannelEvent.inputClosed: close()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = channel.isWritable
        if isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        worker.counters.upstreamBytesReceived &+= UInt64(bytes.readableBytes)
        guard !isClosed else { return }
        heardAt = worker.clock.tick
        askedAt = nil
        isBusy = true
        let flaw = bytes.withUnsafeReadableBytes { session.receive($0) }
        takeEvents(bytes)
        let touched = touched
        self.touched.removeAll(keepingCapacity: true)
        for stream in touched { stream.paused() }
        isBusy = false
        guard flaw != nil else { return flushSoon() }
        flush()
        close()
    }

    private func takeEvents(_ bytes: ByteBuffer) {
        while let event = session.nextEvent() {
            switch event {
            case .response(let id, let head, let headBytes, let isWhole):
                if isWhole { hasServed = true }
                streams[id]?.responseCame(head, headBytes, isWhole: isWhole)
            case .flawedResponse(let id, let flaw): streams[id]?.fail(.messageFlaw(flaw))
            case .data(let id, let range):
                let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                guard let stream = streams[id], let slice else {
                    session.consumed(range.count, stream: id)
                    continue
                }
                stream.dataCame(slice)
                if touched.last !== stream { touched.append(stream) }
            case .trailers(let id, let fields, let trailers):
                streams[id]?.trailersCame(TrailerSection(fields, ByteBuffer(bytes: trailers)))
            case .ended(let id):
                hasServed = true
                streams[id]?.ended()
            case .closed(let id, let code):
                guard let stream = streams.remove(id) else { continue }
                stream.closed(code)
                pool.roomCame()
                if streams.isEmpty { idleSince = worker.clock.tick }
            case .goingAway: isGoingAway = true
            case .settingsChanged:
                isReady = true
                handshakeEnded(.success(()))
            case .sent, .request, .flawedRequest: break
            }
        }
    }

    // MARK: Time and ends

    /// The loop's clock moved on: an upstream that says nothing is asked whether it is still there.
    func ticked(_ tick: UInt32) {
        if tick % Limits.ticksPerSecond == 0 { session.secondPassed() }
        if let askedAt, tick &- askedAt >= Limits.pingTicks { return close() }
        if streams.isEmpty, promised == 0 {
            if isGoingAway || tick &- idleSince >= Limits.sharedIdleTicks { close() }
        } else if askedAt == nil, tick &- heardAt >= Limits.silenceTicks {
            askedAt = tick
            session.ping()
            flush()
        }
    }

    /// Takes no more requests, and closes with the last one.
    func retire() {
        isGoingAway = true
        if streams.isEmpty, promised == 0 { close() }
    }

    func close() {
        guard !isClosed else { return }
        channel.close(promise: nil)
        end()
    }

    private func end() {
        guard !isClosed else { return }
        isClosed = true
        handshakeEnded(.failure(NoHTTP2()))
        let open = streams.values
        streams.removeAll()
        touched = []
        for stream in open { stream.connectionLost() }
        pool.sharedConnectionLost(self)
    }

    // MARK: The beginning

    /// Succeeds once the upstream has said how many streams it takes (RFC 9113 §3.4), which it does at once: only then is it
    /// known to speak HTTP/2, and not sent more than it takes.
    func secured() -> EventLoopFuture<Void> {
        guard !isReady else { return worker.loop.makeSucceededVoidFuture() }
        let promise = worker.loop.makePromise(of: Void.self)
        handshake = promise
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let timer = worker.loop.scheduleTask(in: Limits.upstreamHandshake) {
            bound.value.handshakeEnded(.failure(ChannelError.connectTimeout(Limits.upstreamHandshake)))
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    private func handshakeEnded(_ result: Result<Void, any Error>) {
        guard let promise = handshake else { return }
        handshake = nil
        if case .failure = result { close() }
        promise.completeWith(result)
    }
}
