import Gatekeeper
import HTTP1
import NIOCore

/// The way of a request: head, judgement, upstream, body.
extension ClientConnection {
    /// What comes next after a head was looked at, decided while its bytes were at hand.
    enum Step {
        case refuse(Refusal, detail: RefusalDetail?)
        case forward(ResolvedTenant)
        case wait(WantedKey)
        case lineUp(ResolvedTenant)
    }

    /// Reads a head from `inbound`, where it is whole.
    func readHead() {
        let progress = inbound.withUnsafeReadableBytes { parser.parse($0) }
        switch progress {
        case .needMore:
            if exchange.started.nanoseconds == 0 {
                exchange.started = worker.now
                expectProgress(within: worker.headTicks)
            }
        case .flaw(let flaw):
            exchange.isPersistent = false
            refuse(.message(flaw))
        case .complete:
            beginExchange()
            if let refusal = messageRefusal() {
                refuse(refusal.0, detail: refusal.1)
                return
            }
            let allowance = worker.judge.allowance
            let step = judge(answer: nil)
            if worker.judge.allowance == allowance {
                perform(step)
            } else {
                wait(with: step)
            }
        }
    }

    private func beginExchange() {
        exchange.started = worker.now
        exchange.method = parser.head.method
        exchange.isHTTP10 = parser.head.isHTTP10
        exchange.isPersistent = parser.head.isPersistent
        exchange.expectsContinue = parser.head.expectsContinue
        exchange.hostRange = parser.head.host.range
        exchange.methodRange = parser.head.methodName.range
        exchange.pathRange = parser.head.path.range
        switch parser.head.framing {
        case .none, .untilClose: exchange.body = .none
        case .length(let length): exchange.body = .length(length)
        case .chunked: exchange.body = .chunked(ChunkedBody(limits: worker.settings.headLimits))
        }
        exchange.hasBody = !exchange.isRequestComplete
        exchange.head = inbound.readSlice(length: parser.head.headLength) ?? ByteBuffer()
    }

    /// What is wrong with the message itself, before anybody's row is looked at.
    private func messageRefusal() -> (Refusal, RefusalDetail?)? {
        if let limit = worker.settings.maxBodyBytes, case .length(let length) = exchange.body, length > limit
        {
            return (.request(.bodyTooLarge), nil)
        }
        switch parser.head.upgrade {
        case .none, .webSocket: break
        case .badWebSocket: return (.request(.badWebSocket), nil)
        case .otherWebSocketVersion: return (.request(.webSocketVersion), nil)
        }
        let isRare = parser.head.hasVia || certificate != nil || worker.census.addressLimit != nil
        guard isRare else { return nil }
        return exchange.head.withUnsafeReadableBytes { bytes in
            if parser.head.hasVia, namesThisGateway(bytes) { return (.request(.loop), nil) }
            let host = UnsafeRawBufferPointer(rebasing: bytes[parser.head.host.range])
            if certificate?.covers(host) == false { return (.host(.misdirected), nil) }
            return takesSeat(bytes) ? nil : (.gateway(.overloaded), .connectionsPerAddress)
        }
    }

    /// Counts a request that a balancer sends for one of its clients.
    private func takesSeat(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard worker.census.addressLimit != nil, way.isTrusted,
            let client = way.client(parser.head, bytes, trusted: worker.settings.trustedProxies)
        else { return true }
        let seat = seat(client)
        guard worker.census.takeSeat(seat) else { return false }
        exchange.seat = seat
        return true
    }

    /// Judges the request under way from the snapshot as it is now.
    private func judge(answer: KeyLookupResult?) -> Step {
        let head = exchange.head
        return head.withUnsafeReadableBytes { bytes in
            let facts = RequestFacts(parser.head, bytes)
            switch worker.judge.judge(facts, at: exchange.started, answer: answer) {
            case .refuse(let refusal, let resolved):
                exchange.tenant = resolved?.tenant
                if let resolved, let origin = facts.origin { exchange.allowOrigin(origin, resolved.tenant) }
                return .refuse(refusal, detail: nil)
            case .needsKey(let key, let resolved):
                exchange.tenant = resolved.tenant
                return .wait(key)
            case .mustWait(let resolved):
                exchange.tenant = resolved.tenant
                return .lineUp(resolved)
            case .admit(let admission):
                exchange.tenant = admission.resolved.tenant
                return admit(admission, facts, bytes)
            }
        }
    }

    /// Writes the head that goes upstream, where the tenant's own bounds allow the request.
    private func admit(
        _ admission: Admission, _ facts: RequestFacts, _ bytes: UnsafeRawBufferPointer
    ) -> Step {
        if exchange.hasBody, let limit = admission.resolved.tenant.maxBodyBytes {
            exchange.bodyLimit = min(limit, worker.settings.maxBodyBytes ?? limit)
            if case .length(let length) = exchange.body, length > limit {
                return .refuse(.request(.bodyTooLarge), detail: nil)
            }
        } else {
            exchange.bodyLimit = worker.settings.maxBodyBytes
        }
        if parser.head.upgrade == .webSocket, admission.resolved.tenant.websockets != .off {
            exchange.upgrade = AskedUpgrade(
                key: WebSocketHandshake.key(parser.head.fields, bytes),
                held: worker.judge.hold(admission, facts))
        }
        exchange.identity = admission.identity
        exchange.authenticatesConnection =
            parser.head.authenticatesConnection && admission.resolved.forwardsToken
        if case .chunked = exchange.body { exchange.strippedTrailers = admission.stripped }
        worker.takeSpareHead(&exchange.outboundHead)
        RequestHeadWriter.write(
            parser.head, bytes, admission, way: way, upgrades: exchange.upgrade != nil,
            into: &exchange.outboundHead)
        if let (rule, refusal) = admission.wouldRefuse { reportShadow(rule, refusal) }
        return .forward(admission.resolved)
    }

    private func perform(_ step: Step) {
        switch step {
        case .refuse(let refusal, let detail): refuse(refusal, detail: detail)
        case .forward(let resolved):
            let group = worker.group(for: resolved)
            exchange.group = group
            if let connection = ownedUpstream(of: group) {
                exchange.pool = connection.pool
                start(on: connection)
            } else if let pool = worker.choose(from: group) {
                forward(to: pool, group)
            }
        case .wait(let key): wait(for: key)
        case .lineUp(let resolved):
            phase = .verifying
            deadline = worker.tick &+ worker.headTicks
            if !worker.lineUp(self, of: resolved.tenant.name) {
                phase = .head
                refuse(.gateway(.overloaded), detail: .verification)
            }
        }
    }

    /// Whether a `Via` field holds this instance's pseudonym (RFC 9110 §7.6.3).
    private func namesThisGateway(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = worker.pseudonym
        return parser.head.fields.contains { $0.known == .via && $0.names(name, bytes) }
    }

    // MARK: Waiting for the turn's end

    /// Verifying takes so long that whoever is sent something in between falls asleep, and has to be woken each time:
    /// what a turn's verifications came to is sent when all of them are done.
    private func wait(with step: Step) {
        phase = .verifying
        verdict = step
        worker.waitForTurn(self)
    }

    /// The tenant's turn has come: judges again, the signature included.
    func judgeInTurn() {
        guard phase == .verifying else { return }
        exchange.started = worker.now
        wait(with: judge(answer: nil))
    }

    /// The turn is over.
    func turnEnded() {
        guard phase == .verifying, let step = verdict else { return }
        verdict = nil
        phase = .head
        perform(step)
        process()
    }

    // MARK: Waiting for a key

    private func wait(for key: WantedKey) {
        let asked = waitsForKey()
        let keys = worker.keys
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        Task {
            let answer = await keys(key)
            bound.eventLoop.execute { bound.value.keyAnswered(answer, asked) }
        }
    }

    private func keyAnswered(_ answer: KeyLookupResult, _ asked: UInt32) {
        guard phase == .judging, ticket == asked else { return }
        worker.takeLatest()
        exchange.started = worker.now
        phase = .head
        perform(judge(answer: answer))
        process()
    }

    // MARK: The upstream

    /// Sends the request under way by `connection`.
    func start(on connection: UpstreamConnection) {
        // A FIN inside the body came before there was anybody to cancel.
        if isHalfClosed, !exchange.isRequestComplete, !isBodyAtHand {
            connection.park()
            abort()
            return
        }
        phase = .exchanging
        upstream = connection
        connection.begin(self)
        if exchange.authenticatesConnection, !way.isTrusted { connection.bind(to: self) }
        expectProgress(within: exchange.isRequestComplete ? Limits.answerTicks : Limits.bodyIdleTicks)
        if case .length(let remaining) = exchange.body, remaining > 0, inbound.readableBytes > 0,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        {
            var first = exchange.outboundHead
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            if var body = inbound.readSlice(length: count) { first.writeBuffer(&body) }
            exchange.body = .length(remaining - UInt64(count))
            connection.send(first, isHead: true)
        } else {
            connection.send(exchange.outboundHead, isHead: true)
        }
        resumeReading()
    }

    /// Whether all that is left of the body waits in `inbound`; a chunked one is found out as it is forwarded.
    private var isBodyAtHand: Bool {
        switch exchange.body {
        case .none, .chunked: true
        case .length(let remaining): remaining <= UInt64(inbound.readableBytes)
        }
    }

    /// The connection broke before an answer came: once more on a fresh one, where that can do no harm.
    func upstreamLost(_ connection: UpstreamConnection, saidSomething: Bool) {
        guard phase == .exchanging, upstream === connection, let pool = exchange.pool,
            let group = exchange.group
        else { return }
        upstream = nil
        let canRepeat =
            connection.isReused && !saidSomething && !exchange.isRetried && exchange.method.isIdempotent
            && !exchange.hasBody && exchange.interim.count == 0
        guard canRepeat else {
            pool.failedToAnswer(group)
            refuse(.upstream(.reset), detail: exchange.upstreamDetail)
            return
        }
        exchange.isRetried = true
        pool.find(for: self, of: group, isAnonymous: exchange.identity == nil)
    }

    // MARK: The body

    /// Sends on what came of the body.
    func forwardBody() {
        guard let upstream else { return }
        switch exchange.body {
        case .none: break
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            guard let body = inbound.readSlice(length: count) else { return }
            exchange.body = .length(remaining - UInt64(count))
            upstream.send(body)
        case .chunked(var body):
            forwardChunks(&body, to: upstream)
        }
        guard phase == .exchanging else { return }
        guard exchange.isRequestComplete || !isHalfClosed else {
            abort()
            return
        }
        expectProgress(within: exchange.isRequestComplete ? Limits.answerTicks : Limits.bodyIdleTicks)
    }

    private func forwardChunks(_ body: inout ChunkedBody, to upstream: UpstreamConnection) {
        var output = channel.allocator.buffer(capacity: inbound.readableBytes + 64)
        var isOver = false
        while !isOver {
            let piece = inbound.withUnsafeReadableBytes { body.next($0) }
            switch piece {
            case .needMore(let used):
                inbound.moveReaderIndex(forwardBy: used)
                isOver = true
                exchange.body = .chunked(body)
            case .payload(let skipped, let count):
                inbound.moveReaderIndex(forwardBy: skipped)
                exchange.bodyBytes += UInt64(count)
                if let limit = exchange.bodyLimit, exchange.bodyBytes > limit {
                    dropUpstream()
                    refuse(.request(.bodyTooLarge))
                    return
                }
                output.writeChunk(&inbound, count: count)
            case .end(let used):
                output.writeStaticString("0\r\n")
                inbound.withUnsafeReadableBytes {
                    TrailerWriter.write(body, $0, stripped: exchange.strippedTrailers, into: &output)
                }
                inbound.moveReaderIndex(forwardBy: used)
                exchange.body = .none
                isOver = true
            case .flaw(let flaw):
                dropUpstream()
                exchange.isPersistent = false
                refuse(.message(flaw))
                return
            }
        }
        if output.readableBytes > 0 { upstream.send(output) }
    }

    /// Uses up the part of an unwanted body that is here already: where that is all of it, the connection lives on.
    func skipBufferedBody() {
        guard case .length(let remaining) = exchange.body, remaining <= UInt64(inbound.readableBytes) else {
            return
        }
        inbound.moveReaderIndex(forwardBy: Int(remaining))
        exchange.body = .none
    }
}
