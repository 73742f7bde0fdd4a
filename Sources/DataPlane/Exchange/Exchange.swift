import Gatekeeper
import HTTPMessage
import NIOCore

/// One request and its response on their way through the gateway: carries out what `ExchangeMachine` decides.
///
/// It speaks to the client and to the upstream through `ClientWire` and `UpstreamWire`, which alone know bytes and
/// protocols, and to the loop for everything else. A class, because wires, lines and waits refer to it; an HTTP/1
/// connection uses one for all of its requests, one after the other. It never leaves its loop.
final class Exchange: UpstreamClient, BatchMember, LastingExchange {
    let worker: Worker
    let upstreams: UpstreamRegistry
    /// Who the client is.
    let peer: ClientPeer
    /// Whether the client speaks HTTP/2.
    let isHTTP2: Bool
    /// The wire that the client speaks; nil once the client is gone.
    var client: (any ClientWire)?

    var machine: ExchangeMachine
    /// The head of the request, and the bytes that its offsets point into; empty where the head could not be read.
    private(set) var head = RequestHead()
    private(set) var headBytes = ByteBuffer()
    /// When the parts of the exchange happened.
    var times = ExchangeTimes()
    /// Whether what became of the request was counted.
    var isCounted = false
    /// When the wait for a turn or a key began, in nanoseconds of the monotonic clock.
    var waitBegan: UInt64 = 0
    /// When the head had come whole, and when the request was judged last; between them it waited.
    private(set) var cameAt = Instant(nanoseconds: 0)
    var judgedAt = Instant(nanoseconds: 0)

    /// The request's name, and whether the log has a record of how it ended.
    private(set) var requestID = RequestID.none
    var isRecorded = false

    /// What the judgement found, as far as it came: the tenant, who is calling, the rule that decided, and what there is
    /// to say of a refusal.
    var tenant: ResolvedTenant?
    var identity: Identity?
    var rule: Int64?
    var note: RefusalNote?
    /// The assertion that goes upstream, and the upstream that it is for where that had to be chosen.
    var assertion: Assertion?
    var chosen: UpstreamGroup.Member?
    /// How the request is part of a trace; nil where it is of none.
    var trace: RequestTrace?
    /// What its upstream is told of that.
    private(set) var traceLines = TraceLines.none
    /// What the last judgement came to, kept while the exchange waits for a key, a turn or the end of the batch.
    var step: Step?
    /// The most payload bytes that the body may have; nil for no bound.
    var bodyLimit: UInt64?
    /// Payload bytes of the body so far, and of the response's; of a WebSocket every byte since the handshake.
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    /// Trailer fields that the tenant's upstream may not be sent.
    var strippedTrailers = StrippedNames()
    /// Set where it is a question whether a request may pass, which `head` is then that of.
    var question: Question?
    /// Set where the request asks to become a WebSocket.
    var webSocket: WebSocketExchange?
    /// Whether it is a gRPC call: told by the wire before it begins, or when its response says so.
    var isGRPC = false
    /// What a call that lasts was admitted by, to be judged again.
    var heldCall: HeldAdmission?
    /// The client's address in whose share of connections this request counts, where a trusted balancer named it.
    var seat: [UInt8]?

    /// The head as it goes upstream, kept until a response has begun.
    var outboundHead = ByteBuffer()
    /// The tenant's upstreams, the one that was chosen, and the connection to it.
    var group: UpstreamGroup?
    var member: UpstreamGroup.Member?
    private(set) var upstream: (any UpstreamWire)?
    /// The status of the upstream's response; 0 before there is one.
    private(set) var status = 0

    init(worker: Worker, upstreams: UpstreamRegistry, peer: ClientPeer, isHTTP2: Bool = false) {
        self.isHTTP2 = isHTTP2
        self.worker = worker
        self.upstreams = upstreams
        self.peer = peer
        self.machine = ExchangeMachine(
            clocks: .init(verification: worker.headTicks, upstreamLine: worker.waitTicks))
    }

    // MARK: Events of the client's wire

    /// A request's head has come whole; `bytes` begins with it.
    func begin(
        _ head: consuming RequestHead, _ bytes: consuming ByteBuffer, hasBody: Bool, isClientEnded: Bool
    ) {
        self.head = head
        headBytes = bytes
        times.came = worker.clock.monotonic
        cameAt = worker.clock.wall(at: times.came)
        judgedAt = cameAt
        requestID = givenID() ?? worker.ids.requestID()
        traceLines = .none
        if self.head.saysTrace || worker.sampler != nil { traceLines = findTrace() }
        machine.begin(
            .init(
                hasBody: hasBody, isIdempotent: self.head.method.isIdempotent, isQuestion: question != nil),
            isClientEnded: isClientEnded)
        judgeAtOnce()
    }

    /// A head that cannot be read, or did not come in time, is refused; `began` is when its first bytes came.
    func refuseUnreadable(_ refusal: Refusal, _ detail: RefusalDetail? = nil, began: Instant) {
        head = RequestHead()
        cameAt = began
        requestID = worker.ids.requestID()
        machine.begin(.init(hasBody: false, isIdempotent: false), isClientEnded: false)
        perform(machine.refused(refusal, detail))
    }

    /// A piece of the body came, as payload; `isLast` where it ends the request, with what trailers there are.
    func bodyCame(_ payload: ByteBuffer, isLast: Bool, trailers: TrailerSection? = nil) {
        guard let upstream else { return }
        bytesIn += UInt64(payload.readableBytes)
        if let bodyLimit, bytesIn > bodyLimit {
            perform(machine.refused(.request(.bodyTooLarge), .bodyLimit(bodyLimit)))
            return
        }
        // A write can fail at once, and the next request begin: so this one's state moves on first.
        let action = machine.bodyPassed(isLast: isLast, at: worker.clock.tick)
        guard action == .none else { return perform(action) }
        upstream.sendBody(payload, isLast: isLast, trailers: trailers, stripped: strippedTrailers)
    }

    /// The body breaks HTTP's grammar.
    func bodyUnreadable(_ flaw: MessageFlaw) {
        perform(machine.refused(.message(flaw), nil))
    }

    /// The upstream takes nothing of the body, and what waits of it is needed for others.
    func bodyWaitsTooLong() {
        perform(machine.refused(.gateway(.overloaded), .waitingUploads))
    }

    /// The client sends nothing more.
    func clientEnded() {
        perform(machine.clientEnded())
    }

    /// The client is gone, and with it whoever waits for the response.
    func clientLost() {
        if machine.state != .ended { countLostClient() }
        machine.clientLost()
        release()
    }

    /// The client takes bytes again.
    func clientIsWritable() {
        upstream?.resumeReading()
    }

    /// Bytes that waited for a slow client have left.
    func progressed() {
        machine.progressed(at: worker.clock.tick)
    }

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        perform(machine.ticked(at: tick))
        if isUnheldCall { holdCall() }
    }

    /// Whether it is a call of gRPC whose response has begun, and that is not judged anew yet.
    var isUnheldCall: Bool { isGRPC && heldCall == nil && machine.isTransferring }

    /// The gateway stops: a WebSocket is closed, while a request may finish.
    func drain() {
        perform(machine.closeTunnel(.goingAway, at: worker.clock.tick))
    }

    /// What of the client's bytes is used now.
    var intake: ExchangeMachine.Intake { machine.intake }

    /// Whether the request said how long its body is.
    var hasKnownLength: Bool { if case .length = head.framing { true } else { false } }

    /// Whether the upstream takes bytes.
    var isUpstreamWritable: Bool { upstream?.isWritable ?? false }

    // MARK: Actions

    /// Carries out what the machine decided.
    func perform(_ action: ExchangeAction) {
        switch action {
        case .none: break
        case .awaitBatch: worker.batches.awaitEnd(self)
        case .lineUp: lineUp()
        case .askForKey(let ticket): askForKey(ticket)
        case .findConnection: findConnection()
        case .answer: answer()
        case .move(let fault): moveElsewhere(fault)
        case .retry: retry()
        case .refuse(let refusal, let detail, let blames): refuse(refusal, detail, blames)
        case .breakOff(let refusal, let detail, let blames): breakOff(refusal, detail, blames)
        case .finish: finish()
        case .endUpstreamOutput: upstream?.endOutput()
        case .endClientOutput: client?.endOutput()
        case .closeClient: client?.close()
        case .closeClientWhenSent: client?.closeWhenSent()
        case .endTunnel: endTunnelAtBoundary()
        case .sayClose(let code): sayClose(code)
        case .reset: client?.reset()
        }
    }

    private func refuse(_ refusal: Refusal, _ detail: RefusalDetail?, _ blamesUpstream: Bool) {
        if blamesUpstream { blameUpstream() }
        times.done = worker.clock.monotonic
        countRefused(refusal)
        let request = refused(refusal)
        record(refusal, status: request.status.code, detail: detail ?? self.detail(of: refusal))
        dropUpstream()
        client?.refuse(refusal.row, request)
    }

    /// What the log says of a refusal where the machine says nothing: of an upstream's fault the upstream, and why no
    /// connection to it came about; of any other what the refusal itself says.
    private func detail(of refusal: Refusal) -> RefusalDetail? {
        guard case .upstream(let fault) = refusal else { return refusal.detail }
        return member.map { member in
            fault.isOfConnecting
                ? .unreached(member.pool.upstream, member.pool.latestFlaw) : .upstream(member.pool.upstream)
        }
    }

    private func breakOff(_ refusal: Refusal?, _ detail: RefusalDetail?, _ blamesUpstream: Bool) {
        if blamesUpstream { blameUpstream() }
        times.done = worker.clock.monotonic
        countCutResponse()
        if let refusal {
            record(refusal, status: status, detail: detail ?? self.detail(of: refusal))
        } else {
            recordEnd(.brokenOff)
        }
        dropUpstream()
        if isGRPC, status != 0 {
            client?.endWithStatus((refusal ?? .upstream(.reset)).row)
        } else {
            client?.abort()
        }
    }

    /// The request reached the upstream, and no usable response came.
    private func blameUpstream() {
        if let member { member.pool.failedToRespond(member.use) }
    }

    /// The response is out whole.
    private func finish() {
        upstream = nil
        times.done = worker.clock.monotonic
        countAdmitted()
        recordEnd(.whole)
        client?.finishResponse()
    }

    /// Takes the connection by which the request goes.
    func attach(_ connection: any UpstreamWire) {
        upstream = connection
    }

    /// Gives up the upstream's connection, unfinished as it is.
    func dropUpstream() {
        let connection = upstream
        upstream = nil
        connection?.cancel(self)
    }

    /// The upstream's connection is gone, or needed no longer.
    func detachUpstream() {
        upstream = nil
    }

    /// Notes the status of the response.
    func noteStatus(_ status: Int) {
        self.status = status
    }

    /// Gives up what the request holds: connections, seats, buffers and who is calling; the next one finds nothing of it.
    func release() {
        recordEnd(status == 101 ? .whole : .clientLeft)
        dropUpstream()
        leaveSeat()
        if webSocket != nil || heldCall != nil {
            worker.webSockets.ended(self)
            worker.calls.ended(self)
            webSocket = nil
            heldCall = nil
        }
        isGRPC = false
        worker.spareBuffers.keep(&outboundHead)
        head.fields = []
        // By HTTP/2 they are a copy of their own, and of a question a description; by HTTP/1 part of what was read.
        if isHTTP2 || question != nil {
            worker.spareBuffers.keep(&headBytes)
        } else {
            headBytes = ByteBuffer()
        }
        if question != nil { question = nil }
        cameAt = Instant(nanoseconds: 0)
        times = ExchangeTimes()
        isCounted = false
        tenant = nil
        identity = nil
        assertion = nil
        chosen = nil
        step = nil
        rule = nil
        note = nil
        trace = nil
        isRecorded = false
        bodyLimit = nil
        bytesIn = 0
        bytesOut = 0
        strippedTrailers = StrippedNames()
        group = nil
        member = nil
        status = 0
    }

    private func leaveSeat() {
        guard let seat else { return }
        self.seat = nil
        worker.census.leaveSeat(seat)
    }
}
