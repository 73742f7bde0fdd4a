import Gatekeeper
import HTTP1
import HTTP2
import HTTPMessage
import NIOCore
import NIOTLS

/// A client's HTTP/1 connection: turns bytes into the events of an exchange, and what the exchange says into bytes.
///
/// One request is under way at a time; pipelined ones wait in `inbound` and are served in order (RFC 9112 §9.3.2). What
/// a request's life depends on is its `Exchange`'s; what the connection's depends on stands in `machine`.
final class HTTP1ClientConnection: ChannelDuplexHandler, RemovableChannelHandler, ClientWire, LoopConnection,
    HeldBackMember
{
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let worker: Worker
    let peer: ClientPeer
    private let surface: Surface
    /// The request under way, and after it the next one.
    let exchange: Exchange
    var machine: HTTP1ConnectionMachine
    private var context: ChannelHandlerContext?

    // What is read.
    var parser: RequestHeadParser
    /// What was read and not used yet.
    var inbound = ByteBuffer()
    /// What of the body of the request under way is still to come.
    var body = RequestBody.none
    /// Reads the body that comes in chunks; kept apart so that `body` costs nothing to copy.
    var chunks: ChunkedBody?
    /// When the first bytes of the head under way came; zero before.
    var headBegan = Instant(nanoseconds: 0)
    /// The tenant whose question was refused last, and whose next one here waits for a turn; `.some(nil)` for what no row is
    /// for.
    var brakedTenant: HostPattern??
    /// Whether the rest of a question's body is read and dropped before the next one, and how much of it was.
    var isDroppingBody = false
    var droppedBytes = 0
    private var wantsRead = false
    private var isProcessing = false
    /// Bytes that the client's FIN brought beyond what may wait, lent by the worker.
    private var surplus = 0

    // What is written.
    private let writer: ChannelWriter
    private(set) var isWritable = true
    /// A head, and what is to leave with it in one write.
    var output = ByteBuffer()
    /// How the response under way is delivered.
    var delivery = ResponseDelivery()
    /// Bytes that the client had not taken when the clock was looked at last.
    private var unsentBytes = 0
    var requestsLeft: Int
    /// Whether the client may still turn out to speak HTTP/2.
    private var mayBeHTTP2: Bool
    /// Puts what speaks HTTP/2 in this handler's place.
    private let handOver: HandOver?

    /// Makes the handler of a connection whose client speaks HTTP/2, which `early` came by already; nil where there is no memory.
    typealias HandOver = (_ peer: ClientPeer, _ early: ByteBuffer?) -> (any ChannelHandler)?

    init(
        channel: any Channel, worker: Worker, upstreams: UpstreamRegistry, peer: ClientPeer,
        handOver: HandOver? = nil
    ) {
        self.handOver = handOver
        self.mayBeHTTP2 = handOver != nil && !peer.isTLS
        self.channel = channel
        self.worker = worker
        self.peer = peer
        self.surface = peer.surface
        self.writer = ChannelWriter(channel)
        self.exchange = Exchange(worker: worker, upstreams: upstreams, peer: peer)
        self.parser = RequestHeadParser(limits: worker.settings.headLimits(of: peer.surface))
        self.machine = HTTP1ConnectionMachine(until: worker.clock.tick &+ worker.headTicks)
        self.requestsLeft = worker.settings.maxRequestsPerConnection
        exchange.client = self
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer.open(context, isClear: !peer.isTLS)
        worker.clients.opened(self)
        worker.counters.acceptedConnections &+= 1
        guard let refusal = peer.enter(from: channel.remoteAddress) else { return }
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        // Nothing can be written while the pipeline is being made.
        worker.loop.execute { bound.value.turnAway(refusal) }
    }

    /// The one event that ends every connection, also one that closed before it became active.
    func handlerRemoved(context: ChannelHandlerContext) {
        let isHandedOver = machine.state == .handedOver
        finish()
        exchange.client = nil
        worker.clients.closed(self)
        if !isHandedOver { peer.leave() }
        writer.close()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        worker.counters.clientBytesReceived &+= UInt64(bytes.readableBytes)
        switch machine.state {
        case .flushing, .lingering: perform(machine.dropped(bytes.readableBytes, at: worker.clock.tick))
        case .handedOver, .closed: break
        case .serving where exchange.intake == .tunnel:
            if makeRoom(for: bytes.readableBytes) { exchange.tunnelClientSent(bytes) }
        case .reading, .heldBack, .serving:
            guard makeRoom(for: bytes.readableBytes) else { return }
            inbound.appendUnread(bytes)
            if mayBeHTTP2, waitsForPreface() { return }
            process()
        }
    }

    // MARK: HTTP/2

    /// Looks whether what came is HTTP/2's preface (RFC 9113 §3.4), with which a client begins that knows that the gateway
    /// speaks it; whether it is, or may become it.
    private func waitsForPreface() -> Bool {
        let preface = HTTP2Preface.bytes
        let isSame = inbound.withUnsafeReadableBytes { bytes in
            bytes.prefix(preface.count).elementsEqual(preface.prefix(bytes.count))
        }
        guard isSame else {
            mayBeHTTP2 = false
            return false
        }
        if inbound.readableBytes >= preface.count { changeToHTTP2() }
        return true
    }

    /// Leaves its place to a handler that speaks HTTP/2.
    private func changeToHTTP2() {
        mayBeHTTP2 = false
        guard let successor = handOver?(peer, inbound), let context, machine.handOver() else {
            return close()
        }
        inbound = ByteBuffer()
        do {
            try context.pipeline.syncOperations.addHandler(successor, position: .after(self))
        } catch {
            channel.close(promise: nil)
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            wantsRead = true
        } else {
            context.read()
        }
    }

    /// The last handler passes the event to nobody, which spares a walk through the pipeline for each read.
    func channelReadComplete(context: ChannelHandlerContext) {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = channel.isWritable
        if isWritable {
            exchange.clientIsWritable()
            if machine.isReading { process() }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputEnded()
        case let source as ProxyHeaderHandler.Source:
            if machine.isReading, let refusal = peer.told(source.address) { turnAway(refusal) }
        case TLSUserEvent.handshakeCompleted(negotiatedProtocol: "h2"): changeToHTTP2()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func inputEnded() {
        let action = machine.inputEnded()
        if action == .tellExchange { exchange.clientEnded() } else { perform(action) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    /// Refuses one that may not speak here: says so where that can be said in clear, and reads nothing.
    private func turnAway(_ refusal: ClientPeer.Refusal) {
        worker.counters.refusedConnections &+= 1
        switch refusal {
        case .silently: close()
        case .full:
            exchange.refuseUnreadable(
                .gateway(.overloaded), .connections, began: Instant(nanoseconds: 0))
        }
    }

    // MARK: Events of the loop

    /// It has none.
    func lookAtStreams(_ tick: UInt32) -> Int { 0 }

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        noteSending(at: tick)
        let action = machine.ticked(at: tick)
        if action == .tellExchange { exchange.ticked(tick) } else { perform(action) }
    }

    /// Whether it is gone.
    var isClosed: Bool { machine.state == .closed }

    /// Its turn has come after a refusal: whoever sends nothing but what is refused must not fill the loop's batches.
    func letGo() {
        if machine.letGo() { process() }
    }

    /// The gateway ends.
    func drain() {
        let action = machine.drain(hasBegunHead: inbound.readableBytes > 0, at: worker.clock.tick)
        if action == .tellExchange { exchange.drain() }
    }

    private func perform(_ action: HTTP1ConnectionMachine.Action) {
        switch action {
        case .none, .tellExchange: break
        case .headOverdue:
            if inbound.readableBytes > 0, isWritable, !isDroppingBody {
                exchange.refuseUnreadable(
                    .request(.headTimeout), .unfinishedHead(inbound.readableBytes), began: headBegan)
            } else {
                close()
            }
        case .closeIfServed: closeIfServed()
        case .closeOutput:
            channel.close(mode: .output, promise: nil)
            resumeReading()
        case .close: close()
        }
    }

    /// Everything written has left.
    func flushed() {
        perform(machine.flushed(at: worker.clock.tick))
    }

    // MARK: Reading

    /// Whether so many more bytes may be held. Back-pressure sees to it, except behind a client's FIN, when SwiftNIO reads all
    /// that the kernel holds: what then goes beyond the bounds the worker lends, or the connection ends.
    private func makeRoom(for count: Int) -> Bool {
        let isBeyond =
            inbound.readableBytes + count > worker.unreadLimit
            || exchange.intake == .body && !exchange.isUpstreamWritable
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

    /// Whether the client must wait: for a verdict, for a connection, or for somebody who reads slowly.
    private var holdsReads: Bool {
        switch machine.state {
        case .reading: return inbound.readableBytes > 0 && !isWritable
        case .flushing, .lingering: return false
        case .heldBack, .handedOver, .closed: return true
        case .serving: break
        }
        switch exchange.intake {
        case .nothing: return true
        case .onePiece: return inbound.readableBytes > 0
        // What is here already may be all that is left of the body.
        case .body: return inbound.readableBytes > Limits.pipelinedBytes || !exchange.isUpstreamWritable
        case .nextRequests: return inbound.readableBytes > Limits.pipelinedBytes
        case .tunnel: return !exchange.isUpstreamWritable
        }
    }

    /// Reads on, where reading was held and need not be any longer.
    func resumeReading() {
        guard wantsRead, !holdsReads else { return }
        wantsRead = false
        context?.read()
    }

    /// Uses what was read while the exchange waited.
    func resume() {
        process()
    }

    /// Uses what is in `inbound`, request after request, for as long as one can be finished at once and the client
    /// takes its responses.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while inbound.readableBytes > 0 {
            let before = inbound.readableBytes
            switch machine.state {
            case .reading: if isWritable { readNext() }
            case .serving: useWhileServing()
            case .heldBack, .flushing, .lingering, .handedOver, .closed: break
            }
            if inbound.readableBytes == before { break }
        }
        closeIfServed()
        resumeReading()
    }

    private func readNext() {
        switch surface {
        case .proxy: readHead()
        case .questions, .externalAuthorization: isDroppingBody ? dropBody() : readHead()
        }
    }

    private func useWhileServing() {
        switch exchange.intake {
        case .body: readBody()
        case .tunnel:
            let early = inbound
            inbound = ByteBuffer()
            exchange.tunnelClientSent(early)
        case .nothing, .onePiece, .nextRequests: break
        }
    }

    /// Ends with a client that has sent its FIN once no whole request of it waits: what is left of a head will not be
    /// finished, while requests behind a refusal wait for their turn, and those of a slow reader for its reading.
    private func closeIfServed() {
        guard machine.isInputEnded, machine.isReading else { return }
        let isServed =
            if case .heldBack = machine.state { inbound.readableBytes == 0 } else {
                inbound.readableBytes == 0 || isWritable
            }
        if isServed { closeWhenSent() }
    }

    // MARK: Writing

    /// Sends the client a head, or a piece of a body or WebSocket.
    func send(_ bytes: ByteBuffer, isHead: Bool = false) {
        guard machine.state != .closed else { return }
        worker.counters.clientBytesSent &+= UInt64(bytes.readableBytes)
        writer.send(bytes, isHead: isHead)
    }

    /// Calls `next` once everything written has left, or cannot leave any more.
    func whenSent(_ next: @escaping (HTTP1ClientConnection) -> Void) {
        writer.whenSent { next(self) }
    }

    /// Bytes that left for a slow client are progress too.
    private func noteSending(at tick: UInt32) {
        let waitsForClient: Bool
        switch machine.state {
        case .serving, .flushing: waitsForClient = true
        case .reading, .heldBack: waitsForClient = !isWritable
        case .lingering, .handedOver, .closed: waitsForClient = false
        }
        guard waitsForClient else { return }
        let unsent = writer.unsentBytes
        if unsent < unsentBytes {
            if machine.isServing { exchange.progressed() } else { machine.progressed(at: tick) }
        }
        unsentBytes = unsent
    }

    func forgetUnsent() {
        unsentBytes = 0
    }
}
