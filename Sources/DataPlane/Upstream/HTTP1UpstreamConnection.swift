import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import NIOSSL
import NIOTLS

/// An HTTP/1 connection to an upstream: carries one request after another, and turns the bytes of each response into the
/// events of the exchange that asked.
final class HTTP1UpstreamConnection: ChannelDuplexHandler, UpstreamWire {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var place = PooledPlace()
    /// Whether it serves one client alone, since the upstream takes the connection for the caller.
    private(set) var isOwned = false

    let channel: any Channel
    private let pool: UpstreamPool
    let worker: Worker
    /// Whose request is under way.
    var client: (any UpstreamClient)?
    /// Whether a response was carried here before: only then can the upstream have closed it under a new request.
    var isReused = false
    var parser: ResponseHeadParser
    var inbound = ByteBuffer()
    var progress = ResponseProgress.head
    /// Reads the body that comes in chunks; kept apart so that `progress` costs nothing to copy.
    var chunks: ChunkedBody?
    /// Whether the connection may serve another request, by what the response's head said.
    var persists = false
    var idleTicks = Limits.upstreamIdleTicks
    /// Whether a response said that a body follows where none may (RFC 9112 §6.3): then what comes behind it is in doubt,
    /// and the connection serves no other request.
    var isTainted = false
    /// Whether the request's last byte was sent.
    private(set) var isRequestSent = false
    private(set) var isWritable = true

    /// Whether it is a HEAD, whose response has no body.
    private(set) var isHeadRequest = false
    private var isRequestChunked = false
    private var context: ChannelHandlerContext?
    private let writer: ChannelWriter
    private var wantsRead = false
    private var handshake: EventLoopPromise<Void>?
    private var isSecured = false

    /// What the next bytes of the upstream are.
    enum ResponseProgress {
        case head
        /// So many bytes of the body.
        case length(UInt64)
        /// What `chunks` reads.
        case chunked
        /// A body that lasts until the connection closes.
        case untilClose
        case complete
        /// Bytes of a WebSocket.
        case tunnel
    }

    init(channel: any Channel, pool: UpstreamPool, worker: Worker) {
        self.channel = channel
        self.pool = pool
        self.worker = worker
        self.writer = ChannelWriter(channel)
        self.parser = ResponseHeadParser(limits: worker.settings.responseLimits)
    }

    var isOpen: Bool { channel.isActive }
    /// Whether a request is under way.
    var isBusy: Bool { client != nil }
    var remoteAddress: SocketAddress? { channel.remoteAddress }

    // MARK: The request

    /// Makes this connection carry the request of `client`, whose head is `head`.
    func begin(_ client: any UpstreamClient, _ head: borrowing RequestHead) {
        self.client = client
        progress = .head
        if chunks != nil { chunks = nil }
        isTainted = false
        isRequestChunked = head.framing == .chunked
        isRequestSent = head.framing == .none || head.framing == .length(0)
        isHeadRequest = head.method == .head
        parser.reset(isHeadRequest: isHeadRequest)
    }

    /// Sends a head, a piece of a body as it is, or bytes of a WebSocket.
    func send(_ bytes: ByteBuffer, isHead: Bool = false) {
        worker.counters.upstreamBytesSent &+= UInt64(bytes.readableBytes)
        writer.send(bytes, isHead: isHead)
    }

    /// Sends a piece of the request's body, given as payload; with the last one its trailers, but for those `stripped`.
    func sendBody(_ payload: ByteBuffer, isLast: Bool, trailers: TrailerSection?, stripped: StrippedNames) {
        if isLast { isRequestSent = true }
        guard isRequestChunked else {
            if payload.readableBytes > 0 { send(payload) }
            return
        }
        var payload = payload
        var output = channel.allocator.buffer(capacity: payload.readableBytes + 64)
        output.writeChunk(&payload, count: payload.readableBytes)
        if isLast {
            output.writeStaticString("0\r\n")
            if let trailers { TrailerWriter.write(trailers, stripped: stripped, into: &output) }
            output.writeStaticString("\r\n")
        }
        if output.readableBytes > 0 { send(output) }
    }

    /// Sends the request's head, and what of its body leaves with it; `isWhole` where that is all of it.
    func sendHead(_ bytes: ByteBuffer, isWhole: Bool) {
        if isWhole { isRequestSent = true }
        send(bytes, isHead: true)
    }

    /// Sends bytes of a WebSocket as they are.
    func sendTunnelled(_ bytes: ByteBuffer) {
        send(bytes)
    }

    /// Says that nothing more follows, once everything written has left.
    func endOutput() {
        writer.whenSent { self.channel.close(mode: .output, promise: nil) }
    }

    // MARK: Between requests

    /// Ends the request of `client`, which cannot be finished, and the connection with it; does nothing where the
    /// connection carries it no longer.
    func cancel(_ client: any UpstreamClient) {
        guard self.client === client else { return }
        discard()
    }

    /// Closes it, whosever request it carries.
    func discard() {
        client = nil
        close()
    }

    /// Serves one client alone from now on.
    func serveOneClient() {
        isOwned = true
    }

    func close() {
        channel.close(promise: nil)
    }

    /// Reads on, where reading was held for a slow client.
    func resumeReading() {
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }

    /// Goes to the pool unused: whoever it was opened for is gone.
    func park() {
        becomeIdle(for: Limits.upstreamIdleTicks)
    }

    /// Goes to the pool, for the next request of anybody within `ticks`.
    func becomeIdle(for ticks: UInt32) {
        guard !isOwned else {
            close()
            return
        }
        place.idleSince = worker.clock.tick
        place.idleUntil = worker.clock.tick &+ ticks
        pool.release(self)
    }

    // MARK: TLS

    /// Succeeds once the handshake is done, at once in clear.
    func secured() -> EventLoopFuture<Void> {
        guard !isSecured,
            (try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)) != nil
        else { return worker.loop.makeSucceededVoidFuture() }
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

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer.open(context, isClear: !pool.upstream.origin.scheme.isSecure)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        writer.close()
        self.context = nil
        client = nil
        handshakeEnded(.failure(HandshakeFailure()))
        guard place.isCounted else { return }
        place.isCounted = false
        pool.lost(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            isSecured = true
            handshakeEnded(.success(()))
        case ChannelEvent.inputClosed:
            if case .tunnel = progress, let client { client.tunnelUpstreamEnded() } else { close() }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        if let client, !client.isClientWritable {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        worker.counters.upstreamBytesReceived &+= UInt64(bytes.readableBytes)
        guard let client else {
            close()
            return
        }
        if case .tunnel = progress {
            client.tunnelUpstreamSent(bytes)
            return
        }
        inbound.appendUnread(bytes)
        use()
    }

    /// The pipeline's last handler tells nobody, which spares a walk through it for each read.
    func channelReadComplete(context: ChannelHandlerContext) {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = channel.isWritable
        if isWritable { client?.upstreamIsWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let client else { return }
        self.client = nil
        switch progress {
        case .head:
            client.connectionLost(
                inbound.readableBytes > 0 ? .saidSomething : isReused ? .wasReused : .wasFresh)
        case .untilClose: client.responseEnded(trailers: nil)
        case .length, .chunked: client.responseBroke()
        case .complete: break
        case .tunnel: client.tunnelUpstreamLost()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or TLS cut off, is no end of a body that lasts until the connection closes.
        if case .untilClose = progress, let client {
            self.client = nil
            client.responseBroke()
        }
        handshakeEnded(.failure(error))
        close()
    }
}
