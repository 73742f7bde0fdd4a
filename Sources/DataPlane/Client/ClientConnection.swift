import Gatekeeper
import HTTP1
import NIOCore

/// One client's connection: reads requests, has each judged, sends it on and carries its answer back.
///
/// One request is under way at a time; pipelined ones wait in `inbound` and are answered in order (RFC 9112 §9.3.2).
final class ClientConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let worker: Worker
    /// Whose connection it is, and what upstreams are told of it.
    var way: ForwardedWay
    /// The certificate that the client was shown; nil in clear.
    var certificate: CertificateInUse?
    var parser: RequestHeadParser
    /// What was read and not used yet.
    var inbound: ByteBuffer
    var phase = Phase.head
    /// The request under way.
    var exchange = Exchange()
    /// The connection to the upstream of the request under way.
    var upstream: UpstreamConnection?
    /// The connection that serves this client alone, since its upstream authenticates connections.
    var ownedUpstream: UpstreamConnection?
    /// Whose token came with the requests that it carried.
    var ownedFor: Identity?
    var tunnel: Tunnel?
    /// What a judgement that cost a signature came to, until the loop's turn ends.
    var verdict: Step?
    var isHalfClosed = false
    var deadline: UInt32
    var ticket: UInt32 = 0
    var unsentBytes = 0
    var isOutputClosed = false
    /// Refused, and not looked at again before its turn.
    var isHeldBack = false

    private let isTLS: Bool
    private var context: ChannelHandlerContext?
    private var requestsLeft: Int
    private var outbox = Outbox()
    private var wantsRead = false
    private var isProcessing = false
    /// Bytes dropped while lingering, and when that ends at the latest.
    var dropped = 0
    var lingerEnd: UInt32 = .max
    /// Bytes that the client's FIN brought beyond what may wait, lent by the worker.
    private var surplus = 0
    private var isCounted = false
    private var hasSeat = false

    enum Phase {
        /// Waiting for a head, or for the rest of one.
        case head
        /// Waiting for its tenant's turn to have a token verified.
        case verifying
        /// Waiting for a pool's answer about a key.
        case judging
        /// Waiting for one of the upstream's connections to be free.
        case queued
        /// Waiting for a connection to the upstream to be opened.
        case connecting
        /// Request and answer are on their way.
        case exchanging
        /// Carrying WebSocket.
        case tunnel
        /// The answer is said; waiting for it to leave, then dropping what still comes for a while.
        case lingering
        case closed
    }

    init(channel: any Channel, worker: Worker, isTLS: Bool) {
        self.channel = channel
        self.worker = worker
        self.isTLS = isTLS
        self.parser = RequestHeadParser(limits: worker.settings.headLimits)
        self.inbound = ByteBuffer()
        self.deadline = worker.tick &+ worker.headTicks
        self.requestsLeft = worker.settings.maxRequestsPerConnection
        self.way = ForwardedWay(
            address: channel.remoteAddress, isTLS: isTLS,
            isTrusted: worker.trusts(channel.remoteAddress), pseudonym: worker.pseudonym)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        worker.opened(self)
        isCounted = true
        let isAdmitted = worker.census.enter()
        let isBalancer =
            !worker.settings.expectsProxyHeader || worker.acceptsProxyHeader(from: channel.remoteAddress)
        let isSeated = worker.settings.expectsProxyHeader || takesSeat()
        if !isBalancer { worker.proxyHeaderRefusals.add(.untrusted, from: channel.remoteAddress) }
        if !isAdmitted || !isSeated || !isBalancer { turnAway(silently: !isBalancer) }
    }

    /// The one event that ends every connection, also one that closed before it became active.
    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        worker.closed(self)
        if isCounted { worker.census.leave() }
        if hasSeat { worker.census.leaveSeat(seat(way.address)) }
        isCounted = false
        hasSeat = false
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .lingering: drop(bytes.readableBytes)
        case .closed: break
        case .tunnel: if bears(bytes.readableBytes) { tunnelClientSent(bytes) }
        case .head, .verifying, .judging, .queued, .connecting, .exchanging:
            guard bears(bytes.readableBytes) else { return }
            inbound.appendUnread(bytes)
            if phase == .head || phase == .exchanging { process() }
        }
    }

    /// Whether so many more bytes may be held. Back-pressure sees to it, but for a client's FIN: behind that everything
    /// that the kernel has is read at once, and what goes beyond the bounds is lent by the worker, or the connection ends.
    private func bears(_ count: Int) -> Bool {
        let isBeyond =
            inbound.readableBytes + count > worker.unreadLimit
            || upstream?.isWritable == false && !exchange.isRequestComplete
        guard isBeyond else { return true }
        guard worker.lender.lend(count, to: &surplus) else {
            abort()
            return false
        }
        return true
    }

    func returnSurplus() {
        worker.lender.takeBack(&surplus)
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if channel.isWritable {
            upstream?.clientIsWritable()
            if phase == .head { process() }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputClosed()
        case let source as ProxyHeaderHandler.Source: proxied(by: source)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func inputClosed() {
        isHalfClosed = true
        switch phase {
        case .head: endIfAllAnswered()
        case .lingering: if isOutputClosed { close() }
        // After a whole request the client only says that it sends no other: its answer takes the time that it takes.
        case .verifying, .judging, .queued, .connecting: break
        case .exchanging: if !exchange.isRequestComplete { abort() }
        case .tunnel: tunnelClientEnded()
        case .closed: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    // MARK: Whose connection it is

    private func proxied(by source: ProxyHeaderHandler.Source) {
        guard phase == .head else { return }
        if let address = source.address {
            way = ForwardedWay(
                address: address, isTLS: isTLS, isTrusted: worker.trusts(address), pseudonym: worker.pseudonym
            )
        }
        if !takesSeat() { sayFull() }
    }

    /// Counts this connection for its client's address; that of a balancer is not its clients'.
    private func takesSeat() -> Bool {
        guard worker.census.addressLimit != nil, !way.isTrusted, !hasSeat else { return true }
        hasSeat = worker.census.takeSeat(seat(way.address))
        return hasSeat
    }

    func seat(_ address: SocketAddress?) -> [UInt8] {
        address.flatMap(AddressRange.bytes) ?? []
    }

    /// Too many are here, or nobody may speak who is no balancer: says so, where that can be said in clear, and reads
    /// nothing.
    private func turnAway(silently: Bool = false) {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let isSilent = silently || isTLS
        // Nothing can be written while the pipeline is being made.
        worker.loop.execute {
            if isSilent { bound.value.close() } else { bound.value.sayFull() }
        }
    }

    private func sayFull() {
        if isTLS { close() } else { refuse(.gateway(.overloaded), detail: .connections) }
    }

    // MARK: Reading

    /// Whether the client must wait: for a verdict, for a connection, or for somebody who reads slowly.
    private var holdsReads: Bool {
        switch phase {
        case .head: isHeldBack || inbound.readableBytes > 0 && !channel.isWritable
        case .lingering: false
        case .judging, .closed: true
        case .verifying: inbound.readableBytes > 0
        case .queued, .connecting: inbound.readableBytes > 0 || !exchange.isRequestComplete
        // What is here already may be all that is left of the body.
        case .exchanging:
            inbound.readableBytes > Limits.pipelinedBytes
                || !exchange.isRequestComplete && !(upstream?.isWritable ?? false)
        case .tunnel: !(upstream?.isWritable ?? false)
        }
    }

    /// Reads on, where reading was held and need not be any longer.
    func resumeReading() {
        guard wantsRead, !holdsReads else { return }
        wantsRead = false
        context?.read()
    }

    /// Uses what is in `inbound`, request after request, for as long as one can be finished at once and the client
    /// takes its answers.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while inbound.readableBytes > 0 {
            let before = inbound.readableBytes
            switch phase {
            case .head where channel.isWritable && !isHeldBack: readHead()
            case .exchanging where !exchange.isRequestComplete: forwardBody()
            default: break
            }
            if inbound.readableBytes == before { break }
        }
        endIfAllAnswered()
        resumeReading()
    }

    /// Ends with a client that has sent its FIN once no whole request of it waits: what is left of a head will not be
    /// finished, while requests behind a refusal wait for their turn, and those of a slow reader for its reading.
    private func endIfAllAnswered() {
        guard phase == .head, isHalfClosed, inbound.readableBytes == 0 || channel.isWritable && !isHeldBack
        else { return }
        closeWhenSent()
    }

    // MARK: Writing

    /// Sends the client a head, or a piece of a body or tunnel.
    func send(_ bytes: ByteBuffer, isHead: Bool = false) {
        guard phase != .closed, let context, let piece = outbox.add(bytes) else { return }
        context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        guard outbox.shouldLook(isHead: isHead), channel.unsentBytes > 0 else { return }
        outbox.fellBehind()
        whenSent { $0.sendHeld() }
    }

    func sendHeld() {
        if let held = outbox.caughtUp() { send(held) }
    }

    /// Calls `next` once everything written has left, or cannot leave any more.
    func whenSent(_ next: @escaping (ClientConnection) -> Void) {
        let bound = NIOLoopBound((self, next), eventLoop: worker.loop)
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            let (connection, next) = bound.value
            next(connection)
        }
    }

    /// Bytes that the client did not take yet.
    var unsent: Int { outbox.heldBytes + channel.unsentBytes }

    /// Whether the request under way is the last that this connection serves.
    var isLastRequest: Bool { worker.isLeaving || requestsLeft <= 1 }

    /// Ready for the next request, or done with this client.
    func finishExchange() {
        upstream = nil
        leaveSeat()
        requestsLeft -= 1
        let isComplete = exchange.isRequestComplete
        let persists =
            exchange.isPersistent && isComplete && !worker.isDraining && requestsLeft > 0
            && !exchange.saidClose
        worker.spareHead = exchange.outboundHead
        exchange = Exchange()
        guard persists else {
            if isComplete { closeWhenSent() } else { linger() }
            return
        }
        phase = .head
        parser.reset()
        if inbound.readableBytes <= worker.unreadLimit { returnSurplus() }
        if inbound.readableBytes > 0 {
            deadline = worker.tick &+ worker.headTicks
        } else if isHalfClosed {
            closeWhenSent()
            return
        } else {
            deadline = worker.tick &+ worker.idleTicks
            inbound = ByteBuffer()
        }
        process()
    }
}
