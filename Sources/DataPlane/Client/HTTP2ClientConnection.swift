import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// A client's HTTP/2 connection: turns its bytes into streams and their events, and what the streams are to send into
/// frames. What a request's life depends on is its stream's exchange; what the connection's depends on stands in
/// `machine`.
///
/// Bounded by the session's settings: at most `Limits.streams` streams, each of which holds what `HTTP2ClientStream` says.
final class HTTP2ClientConnection: ChannelDuplexHandler, LoopConnection, HTTP2ClientStreamOwner,
    PayloadSource, LoopFlushMember
{
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let worker: Worker
    private let upstreams: UpstreamRegistry
    let peer: ClientPeer
    let session: HTTP2Session
    var machine: HTTP2ConnectionMachine
    var streams = StreamTable<HTTP2ClientStream>()
    /// Streams of which something came that was not looked at yet, in order.
    var touched: [HTTP2ClientStream] = []
    /// Streams of which payload is being sent, to be told that there is room again.
    var taking: [HTTP2ClientStream] = []
    let writer: ChannelWriter
    var context: ChannelHandlerContext?
    var isWritable = true
    var wantsRead = false
    var isBusy = false
    var isFlushDue = false
    let sender: HTTP2Sender
    /// Whether a gRPC response has begun and its call is not among those that are judged anew.
    var hasNewCalls = false
    var unsentBytes = 0
    private var requestsLeft: Int
    /// What waits of all streams' responses, and whether one was held because of it.
    private var waitingBytes = 0
    private var lacksRoom = false
    /// What waits of heads alone, since the client takes nothing.
    var waitingHeadBytes = 0
    /// What waits of all streams' requests.
    private var uploads = WaitingUploads()
    /// Which requests wait for their turn behind some that were refused.
    private var brake: TurnBrake
    /// Bytes of calls' messages that are held, and calls that watch the gateway's health.
    var collectedBytes = 0
    var watches = 0
    /// What came before this handler was in the pipeline.
    private var early: ByteBuffer?

    /// A connection that `early` came by already; nil where there is no memory.
    init?(
        channel: any Channel, worker: Worker, upstreams: UpstreamRegistry, peer: ClientPeer,
        early: ByteBuffer?
    ) {
        guard
            let session = HTTP2Session(
                side: .server,
                settings: .init(
                    streams: Limits.streams, connectionWindowBytes: Limits.connectionWindowBytes,
                    headLimits: worker.settings.headLimits(of: peer.surface)))
        else { return nil }
        self.channel = channel
        self.worker = worker
        self.upstreams = upstreams
        self.peer = peer
        brake = TurnBrake(isByTenant: peer.surface != .proxy)
        peer.speaksHTTP2()
        worker.counters.http2Connections &+= 1
        self.session = session
        self.early = early
        writer = ChannelWriter(channel)
        sender = HTTP2Sender(worker)
        machine = HTTP2ConnectionMachine(until: worker.clock.tick &+ worker.headTicks)
        requestsLeft = worker.settings.maxRequestsPerConnection
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        try? channel.syncOptions?.setOption(.recvAllocator, value: Limits.http2ReadBuffers)
        writer.open(context, isClear: !peer.isTLS)
        worker.clients.opened(self)
        if worker.isLeaving { perform(machine.leave(at: worker.clock.tick)) }
        let early = early ?? ByteBuffer()
        self.early = nil
        use(early)
        if !holdsReads { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        worker.clients.closed(self)
        peer.leave()
        writer.close()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        worker.counters.clientBytesReceived &+= UInt64(bytes.readableBytes)
        use(bytes)
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            wantsRead = true
        } else {
            context.read()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = channel.isWritable
        if isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            let action = machine.inputEnded()
            for stream in streams.values { stream.clientEnded() }
            perform(action)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
    }

    /// A client that takes nothing is sent nothing, and what it asks for waits.
    var holdsReads: Bool { !isWritable || machine.state == .closed }

    // MARK: What comes

    private func use(_ bytes: ByteBuffer) {
        switch machine.state {
        case .closed, .flushing: return
        case .idle, .serving, .leaving: break
        }
        isBusy = true
        brake.readBegan()
        session.forgivesEarlyEnds = peer.way.isTrusted
        let flaw = bytes.withUnsafeReadableBytes { session.receive($0) }
        takeEvents(bytes)
        for stream in touched {
            stream.goOn()
            stream.hold()
        }
        touched.removeAll(keepingCapacity: true)
        isBusy = false
        guard let flaw else { return flushSoon() }
        flush()
        sayGoodbye(flaw)
    }

    func takeEvents(_ bytes: ByteBuffer) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let id, let head, let headBytes, let isWhole):
                guard let stream = open(id) else { continue }
                var copy = worker.spareBuffers.take()
                copy.writeBytes(headBytes)
                stream.headCame(head, copy, isWhole: isWhole)
                if isWhole { stream.inputEnded() }
                touch(stream)
            case .flawedRequest(let id, let flaw):
                // A stream that is there has trailers that cannot be read.
                if let stream = streams[id] {
                    stream.bodyUnreadable()
                    continue
                }
                guard let stream = open(id) else { continue }
                stream.exchange.refuseUnreadable(.message(flaw), nil, began: worker.clock.now)
            case .data(let id, let range):
                let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                guard let slice else { continue }
                guard let stream = streams[id] else {
                    session.consumed(range.count, stream: id)
                    continue
                }
                stream.dataCame(slice)
                touch(stream)
            case .trailers(let id, let fields, let trailers):
                streams[id]?.trailersCame(TrailerSection(fields, ByteBuffer(bytes: trailers)))
            case .ended(let id):
                guard let stream = streams[id] else { continue }
                stream.inputEnded()
                touch(stream)
            case .sent(let id):
                // A client that goes on sending what nobody reads is told to stop (RFC 9113 §8.1).
                session.reset(stream: id, .noError)
            case .closed(let id, _): closed(id)
            case .goingAway: perform(machine.leave(at: worker.clock.tick))
            case .settingsChanged, .response, .flawedResponse: break
            }
        }
    }

    // MARK: Room for responses

    var hasRoom: Bool {
        if waitingBytes < Limits.connectionResponseBytes || worker.lentResponses.hasRoom { return true }
        lacksRoom = true
        return false
    }

    func waitingChanged(by count: Int) {
        worker.lentResponses.changed(from: waitingBytes, to: waitingBytes + count)
        waitingBytes += count
    }

    /// Tells the streams that there is room again, where it was lacking.
    func reportRoom() {
        guard lacksRoom, hasRoom else { return }
        lacksRoom = false
        for stream in streams.values { stream.reportWritable() }
    }

    // MARK: Room for requests

    func consumed(_ count: Int, held: Int, by stream: HTTP2ClientStream) {
        guard count > 0 else { return }
        session.consumed(count - held, stream: stream.id)
        if held > 0 {
            session.consumed(held, ofStream: stream.id)
            session.consumed(ofConnection: uploads.remove(held, &worker.lentUploads))
        }
        flushSoon()
    }

    func holds(_ count: Int) {
        session.consumed(ofConnection: uploads.add(count, &worker.lentUploads))
    }

    var isOverdrawn: Bool { uploads.isOverdrawn(worker.lentUploads) }

    /// Opens the connection's window where it stayed shut and need not any longer.
    func reportRoomForUploads() {
        guard uploads.owed > 0 else { return }
        session.consumed(ofConnection: uploads.settle(&worker.lentUploads))
        flushSoon()
    }

    // MARK: Turns

    func mayBegin(_ tenant: () -> HostPattern?) -> Bool { !brake.holds(tenant) }

    func refusedOne(of tenant: HostPattern?) {
        brake.refused(tenant)
    }

    func heldBack(_ change: Int, of tenant: HostPattern?) {
        brake.heldBack(change, of: tenant)
    }

    func touch(_ stream: HTTP2ClientStream) {
        if touched.last !== stream { touched.append(stream) }
    }

    private func open(_ id: Int32) -> HTTP2ClientStream? {
        let exchange = Exchange(worker: worker, upstreams: upstreams, peer: peer, isHTTP2: true)
        let stream = HTTP2ClientStream(
            id: id, connection: self, exchange: exchange, until: worker.clock.tick &+ worker.headTicks)
        streams.insert(stream, of: id)
        machine.streamOpened()
        worker.counters.http2Requests &+= 1
        requestsLeft -= 1
        if requestsLeft == 0 { perform(machine.leave(at: worker.clock.tick)) }
        return stream
    }

    private func closed(_ id: Int32) {
        guard let stream = streams.remove(id) else { return }
        stream.leave()
        guard streams.isEmpty else { return }
        perform(machine.lastStreamEnded(idleUntil: worker.clock.tick &+ worker.idleTicks))
    }
}
