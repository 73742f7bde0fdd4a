import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// The judgement of a request: what is wrong with the message, what the judge says, and the head that goes upstream.
extension Exchange {
    /// What follows from a judgement, found out while the head's bytes were at hand.
    enum Step {
        case refuse(Refusal, RefusalDetail?)
        /// The head that goes upstream is written.
        case forward
        case askForKey(WantedKey)
        case lineUp

        /// The outcome, as the machine takes it.
        var outcome: ExchangeMachine.Outcome {
            switch self {
            case .refuse(let refusal, let detail): .refused(refusal, detail)
            case .forward: .admitted
            case .askForKey: .lacksKey
            case .lineUp: .lacksTurn
            }
        }
    }

    /// Judges the request for the first time.
    func judgeAtOnce() {
        if let (refusal, detail) = messageRefusal() {
            perform(machine.refused(refusal, detail))
            return
        }
        if worker.settings.publishesSigningKeys, showKeySet() { return }
        let allowance = worker.judge.allowance
        let step = judge(nil)
        self.step = step
        perform(
            machine.judged(
                step.outcome, isCostly: worker.judge.allowance != allowance, at: worker.clock.tick))
    }

    /// What is wrong with the message itself, before anybody's row is looked at.
    private func messageRefusal() -> (Refusal, RefusalDetail?)? {
        if let refusal = MessageChecks.refusal(of: head, maxBodyBytes: worker.settings.maxBodyBytes) {
            return (
                refusal,
                worker.settings.maxBodyBytes.flatMap { limit in
                    refusal == .request(.bodyTooLarge) ? .bodyLimit(limit) : nil
                }
            )
        }
        let isRare = head.hasVia || peer.certificate != nil || worker.census.addressLimit != nil
        guard isRare else { return nil }
        return headBytes.withUnsafeReadableBytes { bytes in
            // A question goes nowhere, and the request that it is about may have come by here.
            if head.hasVia, question == nil, namesThisGateway(bytes) { return (.request(.loop), nil) }
            let host = UnsafeRawBufferPointer(rebasing: bytes[head.host.range])
            if peer.certificate?.covers(host) == false {
                return (.host(.misdirected), peer.certificate.map { .madeFor($0.asked) })
            }
            return takeSeat(bytes) ? nil : (.gateway(.overloaded), .connectionsPerAddress)
        }
    }

    /// Whether the request went through this gateway before (RFC 9110 §7.6.3).
    private func namesThisGateway(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = worker.pseudonym
        return head.fields.contains { $0.known == .via && $0.names(name, bytes) }
    }

    /// Counts a request that a balancer sends for one of its clients among the connections of that client's address.
    private func takeSeat(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard worker.census.addressLimit != nil, peer.way.isTrusted,
            let client = peer.way.client(head, bytes, trusted: worker.settings.trustedProxies)
        else { return true }
        let seat = ConnectionCensus.seat(of: client)
        guard worker.census.takeSeat(seat) else { return false }
        self.seat = seat
        return true
    }

    /// Judges the request from the snapshot as it is now; `key` is what the pool's actor said, where it was asked.
    private func judge(_ key: KeyLookupResult?) -> Step {
        // Each use of a class's property copies it and counts its references: one copy serves all uses here.
        let head = head
        return headBytes.withUnsafeReadableBytes { bytes in
            var facts = RequestFacts(head, bytes)
            facts.needsUpstream = question == nil
            let judge = worker.judge
            let allowance = judge.allowance
            let verdict = judge.judge(facts, at: judgedAt, lookup: key)
            rule = judge.notes.rule
            switch verdict {
            case .refuse(let refusal, let resolved):
                tenant = resolved
                note = judge.notes.refusal
                return .refuse(refusal, note?.finding.map { .found($0) })
            case .needsKey(let key, let resolved):
                tenant = resolved
                return .askForKey(key)
            case .mustWait(let resolved):
                tenant = resolved
                return .lineUp
            case .admit(let admission):
                tenant = admission.resolved
                if judge.makesAssertions {
                    // What verified a token signs for it too: the two are one turn.
                    let isPaid = key != nil || judge.allowance != allowance
                    guard findAssertion(for: admission, isPaid: isPaid) else { return .lineUp }
                }
                return admit(admission, head, facts, bytes)
            }
        }
    }

    /// Writes the head that goes upstream, where the tenant's own bounds allow the request.
    private func admit(
        _ admission: Admission, _ head: borrowing RequestHead, _ facts: RequestFacts,
        _ bytes: UnsafeRawBufferPointer
    ) -> Step {
        if let question { return admitQuestion(question, admission, head, bytes) }
        if head.framing != .none, !setBodyLimit(admission.resolved.tenant.maxBodyBytes) {
            return .refuse(.request(.bodyTooLarge), bodyLimit.map { .bodyLimit($0) })
        }
        if head.upgrade == .webSocket, admission.resolved.tenant.carriesWebSockets {
            webSocket = WebSocketExchange(
                key: WebSocketHandshake.key(head.fields, bytes), held: worker.judge.hold(admission, facts))
        }
        identity = admission.identity
        if head.framing == .chunked { strippedTrailers = admission.stripped }
        outboundHead = worker.spareBuffers.take()
        RequestHeadWriter.write(
            head, bytes, admission, way: peer.way, id: requestID, trace: traceLines,
            upgrades: webSocket != nil, assertion: assertion, into: &outboundHead)
        if let (rule, refusal) = admission.wouldRefuse { recordShadow(rule, refusal) }
        return .forward
    }

    /// Sets the bound of the body, the tenant's or the gateway's; false where it is known to be longer.
    private func setBodyLimit(_ tenantLimit: UInt64?) -> Bool {
        let limit = worker.settings.maxBodyBytes
        bodyLimit = tenantLimit.map { min($0, limit ?? $0) } ?? limit
        guard let bodyLimit, case .length(let length) = head.framing else { return true }
        return length <= bodyLimit
    }

    /// Whether the head that goes upstream holds a proof that authenticates the connection it comes by.
    var authenticatesConnection: Bool {
        head.authenticatesConnection && tenant?.forwardsToken == true
    }

    // MARK: Waits

    /// Stands in line for the tenant's turn to have a token verified.
    func lineUp() {
        waitBegan = worker.clock.monotonic
        guard let tenant, worker.batches.lineUp(self, of: tenant.tenant.name) else {
            perform(machine.refused(.gateway(.overloaded), .verification))
            return
        }
    }

    /// Whether it still waits for its tenant's turn.
    var waitsForTurn: Bool {
        if case .awaitingTurn = machine.state { true } else { false }
    }

    /// The tenant's turn has come: judged again, the signature included.
    func judgeInTurn() {
        guard machine.turnCame() else { return }
        let now = worker.clock.monotonic
        worker.counters.verificationWaits.add(now &- waitBegan)
        judgedAt = worker.clock.wall(at: now)
        let step = judge(nil)
        self.step = step
        perform(machine.judged(step.outcome, isCostly: true, at: worker.clock.tick))
    }

    /// The loop's batch has ended, and with it the wait of whoever had a signature verified in it.
    func batchEnded() {
        guard let step else { return }
        perform(machine.batchEnded(step.outcome, at: worker.clock.tick))
        client?.resume()
    }

    /// Asks the pool's actor for the key that the judgement lacked.
    func askForKey(_ ticket: UInt32) {
        guard case .askForKey(let key)? = step else { return }
        waitBegan = worker.clock.monotonic
        times.keyAsked = waitBegan
        let keys = worker.keys
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        Task {
            let result = await keys(key)
            bound.eventLoop.execute { bound.value.keyCame(result, ticket) }
        }
    }

    private func keyCame(_ result: KeyLookupResult, _ ticket: UInt32) {
        guard machine.keyCame(ticket) else { return }
        worker.takeLatest()
        let now = worker.clock.monotonic
        worker.counters.keyWaits.add(now &- waitBegan)
        times.keyCame = now
        switch result {
        case .present: worker.counters.presentKeys &+= 1
        case .absent: worker.counters.absentKeys &+= 1
        case .unavailable: worker.counters.unavailableKeys &+= 1
        }
        judgedAt = worker.clock.wall(at: now)
        let step = judge(result)
        self.step = step
        perform(machine.judged(step.outcome, isCostly: false, at: worker.clock.tick))
        client?.resume()
    }
}
