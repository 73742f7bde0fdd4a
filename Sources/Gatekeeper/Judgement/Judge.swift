import JOSE

/// Judges requests for one loop, from its own copy of the snapshot: admit, refuse, or which key is needed first.
///
/// Pure but for what it remembers of hosts and tokens: no I/O, no clock. A class, because every connection of the loop
/// refers to it.
package final class Judge {
    private var walk: JudgementWalk
    private var assertions: AssertionMemory
    /// Whether the gateway signs assertions.
    package private(set) var makesAssertions = false
    /// What the log says of the last judgement or review.
    package private(set) var notes = JudgementNotes()

    /// A judge without a directory; it remembers tokens within `tokenCacheBytes`, and hosts under hashes that the random
    /// `seed` keeps outsiders from choosing.
    package init(tokenCacheBytes: Int, seed: UInt64) {
        walk = JudgementWalk(tokenCacheBytes: tokenCacheBytes, seed: seed)
        assertions = AssertionMemory(budgetBytes: tokenCacheBytes / Limits.assertionShare)
    }

    /// What is judged by; replaced whole. What is remembered of the one before is looked at again.
    package var snapshot: Snapshot {
        get { walk.snapshot }
        set {
            walk.snapshot = newValue
            makesAssertions = newValue.assertions != nil
        }
    }

    /// The keys that assertions are verified by, as JSON; nil where the gateway signs none.
    package var keySet: [UInt8]? { walk.snapshot.assertions?.keySet }

    /// How many tokens that are not remembered may be looked into before whoever calls has done other work.
    package var allowance: Int {
        get { walk.tokens.allowance }
        set { walk.tokens.allowance = newValue }
    }

    /// How the memory of verified tokens fares.
    package var tokenFigures: TokenFigures { walk.tokens.figures }

    /// Judges a request at `now`; `lookup` is what its pool's actor said of its key, where it has waited for that.
    package func judge(_ request: RequestFacts, at now: Instant, lookup: KeyLookupResult? = nil) -> Verdict {
        var notes = JudgementNotes()
        let verdict = walk.judge(request, .new(lookup), now, &notes)
        self.notes = notes
        return verdict
    }

    /// What there is to send of an assertion for an admitted caller.
    package enum AssertionFinding {
        /// None is sent: nobody is calling, or the row, the gateway or its keys have none.
        case nothing
        /// This one goes with the request.
        case found(Assertion)
        /// It must be signed, and the allowance for that is used up.
        case mustWait
    }

    /// Finds the assertion for the caller of an admitted request, which `jti` names where it must be signed. `isPaid` where the
    /// judgement was the tenant's turn already, so that signing belongs to it.
    package func assertion(
        of identity: Identity?, _ resolved: ResolvedTenant, for audience: AssertionAudience, at now: Instant,
        isPaid: Bool, jti: @autoclosure () -> String
    ) -> AssertionFinding {
        guard makesAssertions, let identity, !identity.assertionClaims.isEmpty,
            let keys = walk.snapshot.assertions
        else { return .nothing }
        let place = identity.assertions.firstIndex { $0.audience == audience }
        // What was signed by a key that is no longer published, nobody could verify.
        let known = place.map { identity.assertions[$0] }.flatMap { keys.publishes($0.key) ? $0 : nil }
        if let known, known.isUsable(at: now, forSeconds: Limits.assertionRenewalSeconds) {
            return .found(known)
        }
        guard let key = keys.signing else { return .nothing }
        if !isPaid, allowance <= 0 {
            guard let known, known.isUsable(at: now, forSeconds: Limits.assertionReuseSeconds) else {
                return .mustWait
            }
            return .found(known)
        }
        if allowance > 0 { allowance -= 1 }
        let made = Assertion(
            identity.assertionClaims, until: identity.end, for: audience, of: resolved.tenant, by: key,
            of: keys, jti: jti(), at: now)
        guard let made else { return .nothing }
        if let place { identity.assertions[place] = made } else { identity.assertions.append(made) }
        assertions.keep(made, at: now)
        return .found(made)
    }

    /// The row's host of the tenant that a request for `host`, its name without port, is for; nil where there is none.
    package func tenant(of host: UnsafeRawBufferPointer, at now: Instant) -> HostPattern? {
        var unheard = Unheard()
        let found = Result { () throws(Refusal) in try walk.resolve(host, now, &unheard) }
        guard case .success(let resolved) = found else { return nil }
        return resolved.tenant.name
    }

    /// Judges as `judge` does, and puts every check into `explanation`.
    package func explain(
        _ request: RequestFacts, at now: Instant, lookup: KeyLookupResult? = nil,
        into explanation: inout Explanation
    ) -> Verdict {
        walk.judge(request, .new(lookup), now, &explanation)
    }

    // MARK: What is open

    /// What is to be kept of an admission that outlives its request, such as that of a WebSocket.
    package func hold(_ admission: Admission, _ request: RequestFacts) -> HeldAdmission {
        var fingerprint: TokenFingerprint?
        if admission.identity != nil,
            case .token(let token, _) = walk.credential(of: request, admission.resolved)
        {
            fingerprint = walk.tokens.fingerprint(of: token)
        }
        let held = HeldAdmission(request, fingerprint: fingerprint)
        held.admitted(
            admission, hosts: walk.snapshot.hostsEdition, revocations: walk.tokens.revocationGeneration)
        return held
    }

    /// Why an open connection must end at `now`; nil where it may go on.
    ///
    /// Where anything has changed that concerns it, its request is judged again by the walk that judges new ones. Only the
    /// end of its token is left to the row's `at_expiry`.
    package func review(_ held: HeldAdmission, at now: Instant) -> Refusal? {
        notes = JudgementNotes()
        if now > walk.snapshot.staleAfter { return .gateway(.stale) }
        let (edition, generation) = (walk.snapshot.hostsEdition, walk.tokens.revocationGeneration)
        if held.hasSeen(hosts: edition, revocations: generation) || isUntouched(held, at: now) {
            return held.end(at: now)
        }
        switch held.withFacts({ walk.judge($0, .open(held), now, &notes) }) {
        case .admit(let admission):
            if held.isWebSocket, !admission.resolved.tenant.carriesWebSockets { return .host(.webSocketsOff) }
            held.admitted(admission, hosts: edition, revocations: generation)
            return held.end(at: now)
        case .refuse(let refusal, _): return refusal
        case .needsKey: return .gateway(.keysUnavailable)
        // The token was not verified before, since the path needed none. A later review gets its turn for it.
        case .mustWait: return held.end(at: now)
        }
    }

    /// Whether nothing that concerns an open connection differs in a new snapshot.
    private func isUntouched(_ held: HeldAdmission, at now: Instant) -> Bool {
        var unheard = Unheard()
        let found = held.withHost { name in
            Result { () throws(Refusal) in try walk.resolve(name, now, &unheard) }
        }
        guard case .success(let resolved) = found, resolved.tenantVersion == held.tenantVersion else {
            return false
        }
        if let identity = held.identity, identity.tenantVersion == resolved.tenantVersion {
            guard resolved.pools[identity.poolIndex]?.generation == identity.keyGeneration else {
                return false
            }
            let pool = resolved.tenant.pools[identity.poolIndex].key
            if walk.tokens.revocations?.hasChanged(pool, since: held.revocationGeneration) == true {
                return false
            }
        }
        held.sawNoChange(hosts: walk.snapshot.hostsEdition, revocations: walk.tokens.revocationGeneration)
        return true
    }
}
