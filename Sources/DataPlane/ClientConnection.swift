import Gatekeeper
import HTTP1
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One client's connection: reads requests, has each judged, sends it on and carries its answer back.
///
/// One request is under way at a time; pipelined ones wait in `inbound` and are answered in order (RFC 9112 §9.3.2).
final class ClientConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let worker: Worker
    /// The header lines that are the same for each request of this connection.
    let wayLines: [UInt8]
    var parser: RequestHeadParser
    /// What was read and not used yet.
    var inbound: ByteBuffer
    var phase = Phase.head
    /// The request under way.
    var exchange = Exchange()
    /// The connection to the upstream of the request under way.
    var upstream: UpstreamConnection?
    var isHalfClosed = false

    private var context: ChannelHandlerContext?
    private var deadline: UInt32
    private var wantsRead = false
    private var isProcessing = false
    private var dropped = 0
    private var unsentBytes = 0

    enum Phase {
        /// Waiting for a head, or for the rest of one.
        case head
        /// Waiting for a pool's answer about a key.
        case judging
        /// Waiting for a connection to the upstream.
        case connecting
        /// Request and answer are on their way.
        case exchanging
        /// The answer is out, the request was not read to its end: dropping it for a while.
        case lingering
        case closed
    }

    init(channel: any Channel, worker: Worker) {
        self.channel = channel
        self.worker = worker
        self.parser = RequestHeadParser(limits: worker.settings.headLimits)
        self.inbound = ByteBuffer()
        self.deadline = worker.tick &+ Limits.headTicks
        self.wayLines = RequestHeadWriter.wayLines(client: channel.remoteAddress, pseudonym: worker.pseudonym)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        worker.opened(self)
    }

    /// The one event that ends every connection, also one that closed before it became active.
    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        worker.closed(self)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if phase == .lingering {
            dropped += bytes.readableBytes
            if dropped > Limits.lingerBytes { close() }
            return
        }
        if inbound.readableBytes == 0 {
            inbound = bytes
        } else {
            inbound.writeBuffer(&bytes)
        }
        if phase == .head || phase == .exchanging { process() }
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if channel.isWritable { upstream?.clientIsWritable() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        isHalfClosed = true
        switch phase {
        case .head, .lingering: close()
        case .judging, .connecting, .exchanging:
            if exchange.isRequestComplete {
                deadline = worker.tick &+ Limits.halfClosedTicks
            } else if phase == .exchanging {
                abort()
            }
        case .closed: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    // MARK: Reading

    /// Whether the client must wait: for a verdict, for a connection, or for an upstream that reads slowly.
    private var holdsReads: Bool {
        switch phase {
        case .head, .lingering: false
        case .judging, .closed: true
        case .connecting: inbound.readableBytes > 0 || !exchange.isRequestComplete
        case .exchanging:
            exchange.isRequestComplete
                ? inbound.readableBytes > Limits.pipelinedBytes : !(upstream?.isWritable ?? false)
        }
    }

    /// Reads on, where reading was held and need not be any longer.
    func resumeReading() {
        guard wantsRead, !holdsReads else { return }
        wantsRead = false
        context?.read()
    }

    /// Uses what is in `inbound`, request after request, for as long as one can be finished at once.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while inbound.readableBytes > 0 {
            let before = inbound.readableBytes
            switch phase {
            case .head: readHead()
            case .exchanging where !exchange.isRequestComplete: forwardBody()
            default: break
            }
            if inbound.readableBytes == before { break }
        }
        resumeReading()
    }

    // MARK: Time

    /// Restarts the clock that ends a wait of `ticks`.
    func expectProgress(within ticks: UInt32) {
        deadline = worker.tick &+ (isHalfClosed ? min(ticks, Limits.halfClosedTicks) : ticks)
    }

    /// Called once a tick: ends what took too long.
    func turn(_ tick: UInt32) {
        noteSending()
        guard tick >= deadline else { return }
        switch phase {
        case .head:
            if inbound.readableBytes > 0 { refuse(.headTimeout) } else { close() }
        case .judging, .connecting: deadline = tick &+ Limits.answerTicks
        case .exchanging: exchangeTimedOut()
        case .lingering: close()
        case .closed: break
        }
    }

    private func exchangeTimedOut() {
        if !exchange.isAnswerBegun, exchange.isRequestComplete, !isHalfClosed {
            dropUpstream()
            refuse(.upstream(.answerTimeout), detail: exchange.origin?.description ?? "")
        } else {
            abort()
        }
    }

    /// Bytes that left for a slow client are progress too.
    private func noteSending() {
        guard phase == .exchanging || phase == .lingering else { return }
        let unsent = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if unsent < unsentBytes, phase == .exchanging { expectProgress(within: Limits.bodyIdleTicks) }
        unsentBytes = unsent
    }

    // MARK: Writing

    /// Sends bytes to the client at once.
    func send(_ bytes: ByteBuffer) {
        guard phase != .closed else { return }
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Ready for the next request, or done with this client.
    func finishExchange() {
        upstream = nil
        let isComplete = exchange.isRequestComplete
        let persists = exchange.isPersistent && isComplete && !worker.isDraining && !exchange.saidClose
        exchange = Exchange()
        guard persists else {
            if isComplete { closeWhenSent() } else { linger() }
            return
        }
        phase = .head
        parser.reset()
        if inbound.readableBytes > 0 {
            deadline = worker.tick &+ Limits.headTicks
        } else if isHalfClosed {
            closeWhenSent()
            return
        } else {
            deadline = worker.tick &+ Limits.clientIdleTicks
            inbound = ByteBuffer()
        }
        process()
    }

    // MARK: The end

    /// Half-closes, drops what still comes, then closes, so that the client sees the answer and not a reset.
    func linger() {
        guard phase != .closed else { return }
        phase = .lingering
        inbound = ByteBuffer()
        deadline = worker.tick &+ Limits.lingerTicks
        unsentBytes = 0
        channel.close(mode: .output, promise: nil)
        resumeReading()
    }

    /// Closes once everything written has left.
    func closeWhenSent() {
        guard phase != .closed else { return }
        phase = .lingering
        inbound = ByteBuffer()
        deadline = worker.tick &+ Limits.bodyIdleTicks
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close() }
    }

    /// Closes an idle connection; half a head gets a second more, a request under way all the time there is.
    func drain() {
        guard phase == .head else { return }
        if inbound.readableBytes == 0 {
            close()
        } else {
            deadline = min(deadline, worker.tick &+ Limits.drainedHeadTicks)
        }
    }

    /// Ends the connection so that an answer under way cannot look whole, and cancels the upstream.
    func abort() {
        guard phase != .closed else { return }
        if exchange.isCloseDelimited, let socket = channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(.init(l_onoff: 1, l_linger: 0))
        }
        close()
    }

    func close() {
        guard phase != .closed else { return }
        finish()
        channel.close(promise: nil)
    }

    /// Gives the upstream's connection up, unfinished as it is.
    func dropUpstream() {
        let connection = upstream
        upstream = nil
        connection?.cancel()
    }

    private func finish() {
        phase = .closed
        dropUpstream()
        inbound = ByteBuffer()
    }
}
