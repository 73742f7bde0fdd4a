import Gatekeeper
import HTTP1
import NIOCore
import NIOSSL
import NIOTLS

/// One connection to an upstream: carries one request after another, and each answer back to the client that asked.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The TLS handshake ended without saying why.
    struct HandshakeFailure: Error {}

    /// When an idle connection is closed, and since when it is idle, as ticks of the loop.
    var idleUntil: UInt32 = 0
    var idleSince: UInt32 = 0
    /// When its address was last found to be one of the upstream's.
    var addressGeneration: UInt32 = 0
    /// Whether an answer was carried here before: only then can the upstream have closed it under a new request.
    var isReused = false
    /// Whether the pool counts this connection among those that it has.
    var isCounted = false
    /// The tenant in whose share the connection counts while it is no idle one of the pool's.
    var holder: UpstreamGroup?
    var isHeldAnonymously = false
    /// The one client whose requests it may carry, since the upstream takes the connection for the caller; nil for one
    /// that is lent to whoever comes next.
    private(set) var owner: ClientConnection?

    let channel: any Channel
    let pool: UpstreamPool
    let worker: Worker
    var client: ClientConnection?
    var parser: ResponseHeadParser
    var inbound = ByteBuffer()
    var answer = AnswerState.head
    var persists = false
    var idleTicks = Limits.upstreamIdleTicks
    /// Reused for each head that goes to a client.
    var scratch = ByteBuffer()

    private var context: ChannelHandlerContext?
    private var outbox = Outbox()
    private var wantsRead = false
    private var handshake: EventLoopPromise<Void>?
    private var isSecured = false

    enum AnswerState {
        case head
        case body(AnswerBody)
        case complete
        /// Bytes of a WebSocket, both ways.
        case tunnel
    }

    /// What is left of an answer's body; `rechunks` where the client gets it in chunks.
    enum AnswerBody {
        case length(UInt64)
        case chunked(ChunkedBody, rechunks: Bool)
        case untilClose(rechunks: Bool)
    }

    init(channel: any Channel, pool: UpstreamPool, worker: Worker) {
        self.channel = channel
        self.pool = pool
        self.worker = worker
        self.parser = ResponseHeadParser(limits: worker.settings.answerLimits)
    }

    var isOpen: Bool { channel.isActive }
    var isWritable: Bool { channel.isWritable }
    /// Whether an answer said that a body follows where none may (RFC 9112 §6.3): then what comes behind it is in doubt,
    /// and the connection serves no other request.
    var isTainted = false

    /// Makes this connection carry the request of `client`.
    func begin(_ client: ClientConnection) {
        self.client = client
        answer = .head
        isTainted = false
        parser.reset(isHeadRequest: client.exchange.isHead)
    }

    /// Sends a head, or a piece of a body or tunnel.
    func send(_ bytes: ByteBuffer, isHead: Bool = false) {
        guard let context, let piece = outbox.add(bytes) else { return }
        context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        guard outbox.shouldLook(isHead: isHead), channel.unsentBytes > 0 else { return }
        outbox.fellBehind()
        whenSent { $0.sendHeld() }
    }

    private func sendHeld() {
        if let held = outbox.caughtUp() { send(held) }
    }

    /// Says that nothing more follows, once everything written has left.
    func endOutput() {
        sendHeld()
        whenSent { $0.channel.close(mode: .output, promise: nil) }
    }

    /// Calls `next` once everything written has left, or cannot leave any more.
    private func whenSent(_ next: @escaping (UpstreamConnection) -> Void) {
        let bound = NIOLoopBound((self, next), eventLoop: worker.loop)
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            let (connection, next) = bound.value
            next(connection)
        }
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

    /// Goes to the pool unused: the client that it was opened for is gone.
    func park() {
        becomeIdle(for: Limits.upstreamIdleTicks)
    }

    /// Serves nobody but `client` from now on, and ends with it.
    func bind(to client: ClientConnection) {
        guard owner == nil else { return }
        owner = client
        client.ownsUpstream(self)
    }

    /// The owner is gone, or wants it no longer.
    func endOwnership() {
        owner = nil
        client = nil
        close()
    }

    func becomeIdle(for ticks: UInt32) {
        guard owner == nil else {
            close()
            return
        }
        idleSince = worker.tick
        idleUntil = worker.tick &+ ticks
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
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        client = nil
        owner?.lostUpstream(self)
        owner = nil
        handshakeEnded(.failure(HandshakeFailure()))
        guard isCounted else { return }
        isCounted = false
        pool.lost(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            isSecured = true
            handshakeEnded(.success(()))
        case ChannelEvent.inputClosed:
            if case .tunnel = answer, let client { client.tunnelUpstreamEnded() } else { close() }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        if let client, !client.channel.isWritable {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let client else {
            close()
            return
        }
        if case .tunnel = answer {
            client.tunnelUpstreamSent(bytes)
            return
        }
        inbound.appendUnread(bytes)
        use()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if channel.isWritable { client?.resumeReading() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let client else { return }
        self.client = nil
        switch answer {
        case .head: client.upstreamLost(self, saidSomething: inbound.readableBytes > 0)
        case .body(.untilClose(let rechunks)):
            if rechunks { client.send(ByteBuffer(staticString: "0\r\n\r\n")) }
            client.answerEnded()
        case .body: client.answerBroke()
        case .complete: break
        case .tunnel: client.tunnelUpstreamBroke()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or TLS cut off, is no end of an answer that lasts until the connection closes.
        if case .body(.untilClose) = answer, let client {
            self.client = nil
            client.answerBroke()
        }
        handshakeEnded(.failure(error))
        close()
    }
}
