import JOSE

/// Judges requests for one loop, from its own copy of the snapshot.
///
/// Pure but for its caches: no I/O, no clock. A class, because every connection of the loop refers to it.
package final class Judge {
    /// Replaced whole; everything remembered from the previous one is looked at again.
    package var snapshot: Snapshot {
        didSet {
            revocationGeneration = snapshot.directory?.revocations.generation ?? 0
            guard snapshot.hostsEdition != oldValue.hostsEdition else { return }
            hosts.begin(hosts: snapshot.directory?.count ?? 0)
        }
    }
    /// How many tokens that are not remembered may be looked into before whoever calls has done other work.
    package var allowance = Int.max
    /// That of the snapshot, read without touching what loops share.
    private var revocationGeneration: UInt64 = 0
    private var tokens: TokenCache
    private var hosts: HostCache
    private let digester = TokenDigester()

    /// A cache of `tokenCacheBytes`, and a random `seed`.
    package init(tokenCacheBytes: Int, seed: UInt64) {
        self.snapshot = Snapshot()
        self.tokens = TokenCache(budgetBytes: tokenCacheBytes)
        self.hosts = HostCache(seed: seed)
    }

    /// Judges one request at `now`; `answer` is the pool's where this request waited for a key already.
    package func judge(_ request: RequestFacts, at now: Instant, answer: KeyLookupResult? = nil) -> Verdict {
        judge(request, .new(answer), now)
    }

    /// What a judgement goes by besides the request: this alone tells a new one from one that is open.
    private enum Asker {
        /// The pool's answer, where the request waited for a key already.
        case new(KeyLookupResult?)
        /// What the request was let in for: its token was verified then, and is not again.
        case open(HeldAdmission)
    }

    private func judge(_ request: RequestFacts, _ asker: Asker, _ now: Instant) -> Verdict {
        if now > snapshot.staleAfter { return .refuse(.stale, nil) }
        let resolved: ResolvedTenant
        switch find(request.host) {
        case .success(let found): resolved = found
        case .failure(let refusal): return .refuse(refusal, nil)
        }
        if resolved.isSuspended { return .refuse(.tenantSuspended, resolved) }
        if !resolved.hasUpstream { return .refuse(.noUpstream, resolved) }
        if resolved.hasRules { return judgeByRules(request, resolved, asker, now) }
        if request.isPreflight, resolved.allowsPreflights {
            return .admit(Admission(resolved: resolved, identity: nil, isPreflight: true))
        }
        return judgeCredential(request, resolved, asker, now)
    }

    // MARK: What is open

    /// What is to be remembered of the admission of a request that stays open, such as a WebSocket.
    package func hold(_ admission: Admission, _ request: RequestFacts) -> HeldAdmission {
        var digest: TokenDigest?
        if admission.identity != nil,
            case .token(let token, _) = credential(request, admission.resolved)
        {
            digest = digester.digest(of: token)
        }
        let held = HeldAdmission(request, digest: digest)
        held.goOn(admission, hosts: snapshot.hostsEdition, revocations: revocationGeneration)
        return held
    }

    /// Why what is open must end now; nil where it may go on.
    ///
    /// Whatever changed since is judged as a new request would be, by what judges new ones, but for the token's end,
    /// which the row's policy for WebSocket puts off.
    package func review(_ held: HeldAdmission, at now: Instant) -> Refusal? {
        if now > snapshot.staleAfter { return .stale }
        if held.hasSeen(hosts: snapshot.hostsEdition, revocations: revocationGeneration) || isUntouched(held)
        {
            return held.end(at: now)
        }
        switch held.withFacts({ judge($0, .open(held), now) }) {
        case .admit(let admission):
            if admission.resolved.tenant.websockets == .off { return .webSocketsOff }
            held.goOn(admission, hosts: snapshot.hostsEdition, revocations: revocationGeneration)
            return held.end(at: now)
        case .refuse(let refusal, _): return refusal
        case .needsKey: return .keysUnavailable
        // A token that nobody had to look at before: its turn comes with a later review.
        case .mustWait: return held.end(at: now)
        }
    }

    /// Whether nothing of a new snapshot concerns what is open.
    private func isUntouched(_ held: HeldAdmission) -> Bool {
        guard case .success(let resolved) = held.withHost(find), resolved.tenantVersion == held.tenantVersion
        else { return false }
        if let identity = held.identity, identity.tenantVersion == resolved.tenantVersion {
            guard resolved.pools[identity.poolIndex]?.generation == identity.keyGeneration else {
                return false
            }
            let pool = resolved.tenant.pools[identity.poolIndex].key
            if snapshot.directory?.revocations.hasChanged(pool, since: held.revocationGeneration) == true {
                return false
            }
        }
        held.sawNothing(hosts: snapshot.hostsEdition, revocations: revocationGeneration)
        return true
    }

    // MARK: The rule

    private func judgeByRules(
        _ request: RequestFacts, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant
    ) -> Verdict {
        let decision: RuleSet.Decision
        do throws(Refusal) {
            decision = try resolved.tenant.rules.decision(method: request.method, written: request.path)
        } catch {
            return .refuse(error, resolved)
        }
        let (rule, shadow) = decision.found
        let isPreflight = request.isPreflight && resolved.allowsPreflights
        let isPublic = rule?.access == .public || isPreflight
        var verdict: Verdict =
            isPublic
            ? .admit(Admission(resolved: resolved, identity: nil, isPreflight: isPreflight))
            : judgeCredential(request, resolved, asker, now)
        if case .refuse(.missingToken, _) = verdict, rule?.access == .optional {
            verdict = .admit(Admission(resolved: resolved, identity: nil))
        }
        guard case .admit(var admission) = verdict else { return verdict }
        if let rule, let identity = admission.identity,
            let refusal = RuleChecks.refusal(by: rule, of: identity)
        {
            return .refuse(refusal, resolved)
        }
        admission.path = decision.normal
        if case .new = asker, let shadow,
            let refusal = refusal(by: shadow, of: admission, request, now, isPublic: isPublic)
        {
            admission.wouldRefuse = (shadow.id, refusal)
        }
        return .admit(admission)
    }

    /// How a rule in shadow would refuse what is admitted; nil also where that could not be found out at once.
    private func refusal(
        by shadow: Rule, of admission: Admission, _ request: RequestFacts, _ now: Instant, isPublic: Bool
    ) -> Refusal? {
        if shadow.access == .public { return nil }
        if let identity = admission.identity { return RuleChecks.refusal(by: shadow, of: identity) }
        // On a public path nobody has looked at the token yet.
        let verdict = isPublic ? judgeCredential(request, admission.resolved, .new(nil), now) : nil
        switch verdict {
        case nil, .refuse(.missingToken, _): return shadow.access == .optional ? nil : .missingToken
        case .refuse(let refusal, _): return refusal
        case .admit(let judged): return judged.identity.flatMap { RuleChecks.refusal(by: shadow, of: $0) }
        case .needsKey, .mustWait: return nil
        }
    }

    // MARK: The credential

    private func credential(_ request: RequestFacts, _ resolved: ResolvedTenant) -> Credential {
        resolved.hasOtherSources
            ? Credential(request, resolved.tenant)
            : Credential(authorization: request.authorization, count: request.authorizationCount)
    }

    private func judgeCredential(
        _ request: RequestFacts, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant
    ) -> Verdict {
        switch credential(request, resolved) {
        case .none: return .refuse(.missingToken, resolved)
        case .several: return .refuse(.multipleCredentials, resolved)
        case .token(let token, let source):
            if source == .cookie, !request.isSafe || request.isUpgrade,
                !request.isFrom(hostItselfOr: resolved.tenant.corsOrigins)
            {
                return .refuse(.crossSite, resolved)
            }
            guard token.count <= Limits.tokenBytes else {
                return .refuse(.badToken(.malformedToken), resolved)
            }
            return judge(token, resolved, asker, now)
        }
    }

    // MARK: The host

    private func find(_ name: UnsafeRawBufferPointer) -> Result<ResolvedTenant, Refusal> {
        if let known = hosts.resolved(for: name) { return .success(known) }
        guard let directory = snapshot.directory else { return .failure(.starting) }
        guard let host = Host(request: name), let entry = directory.entry(for: host) else {
            return .failure(.unknownHost)
        }
        switch entry {
        case .misconfigured(let flaw): return .failure(.tenantMisconfigured(flaw))
        case .tenant(let tenant):
            let resolved = ResolvedTenant(
                tenant, snapshot, host: name, generation: hosts.generation)
            hosts.insert(resolved)
            return .success(resolved)
        }
    }

    // MARK: The token

    private func judge(
        _ token: UnsafeRawBufferPointer, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant
    ) -> Verdict {
        guard let digest = digester.digest(of: token) else { return .refuse(.overloaded, resolved) }
        let answer: KeyLookupResult?
        switch asker {
        case .open(let held):
            if let verdict = judge(token, digest, verifiedFor: held, resolved, now) { return verdict }
            // Nobody waits for a key on behalf of what is open.
            answer = .unavailable
            guard allowance > 0 else { return .mustWait(resolved) }
        case .new(let given): answer = given
        }
        if let known = tokens.identity(for: digest, tenantVersion: resolved.tenantVersion) {
            if isStillGood(known, resolved, now) {
                if known.end <= now {
                    return .refuse(.badToken(known.expires <= now ? .expired : .tooOld), resolved)
                }
                return isRevoked(known, resolved, now)
                    ? .refuse(.badToken(.revoked), resolved) : admit(known, resolved)
            }
            tokens.remove(digest, tenantVersion: resolved.tenantVersion)
        }
        guard allowance > 0 || answer != nil else { return .mustWait(resolved) }
        if allowance > 0 { allowance -= 1 }
        switch verify(token, resolved, now, answer) {
        case .success(let identity):
            tokens.insert(identity, for: digest, tenantVersion: resolved.tenantVersion)
            if isRevoked(identity, resolved, now) { return .refuse(.badToken(.revoked), resolved) }
            return admit(identity, resolved)
        case .failure(.refused(let refusal)):
            // Whoever sends one bad token sends more: they get no more than one in each turn.
            allowance = min(allowance, 0)
            return .refuse(refusal, resolved)
        case .failure(.needsKey(let key)): return .needsKey(key, resolved)
        }
    }

    /// Judges a token whose signature was verified when what is open was let in, with what it says looked at again under
    /// the row as it is now; nil for any other token.
    private func judge(
        _ token: UnsafeRawBufferPointer, _ digest: TokenDigest, verifiedFor held: HeldAdmission,
        _ resolved: ResolvedTenant, _ now: Instant
    ) -> Verdict? {
        guard held.digest == digest, let verified = held.identity else { return nil }
        let identity: Identity
        if verified.tenantVersion == resolved.tenantVersion {
            identity = verified
        } else {
            do throws(TokenRefusal) {
                let (_, claims) = try TokenChecks.read(token)
                let poolIndex = try TokenChecks.beforeKey(claims, resolved.tenant, now, judgesEnd: false)
                guard resolved.tenant.pools[poolIndex].key == verified.pool else { return nil }
                identity = Identity(
                    claims, verifiedAs: verified, tenant: resolved.tenant, poolIndex: poolIndex)
            } catch {
                return .refuse(.badToken(error), resolved)
            }
        }
        // Keys that cannot be had at the moment are nobody's fault; a set without the key is.
        if let keys = resolved.pools[identity.poolIndex], now < keys.usableUntil,
            !isStillGood(identity, resolved, now)
        {
            return .refuse(.badToken(.unknownKey), resolved)
        }
        if isRevoked(identity, resolved, now) { return .refuse(.badToken(.revoked), resolved) }
        return admit(identity, resolved)
    }

    /// Whether the key that verified the entry is still one of its pool's; another key in the set changes nothing.
    private func isStillGood(_ identity: Identity, _ resolved: ResolvedTenant, _ now: Instant) -> Bool {
        guard let keys = resolved.pools[identity.poolIndex], now < keys.usableUntil else { return false }
        if keys.generation == identity.keyGeneration { return true }
        guard let key = keys.keySet[identity.key.keyID], key.isSameKey(as: identity.key) else { return false }
        identity.keyGeneration = keys.generation
        return true
    }

    /// Whether an entry stands against the token. What was found stays true until the pool's entries change.
    private func isRevoked(_ identity: Identity, _ resolved: ResolvedTenant, _ now: Instant) -> Bool {
        guard identity.revocationGeneration != revocationGeneration,
            let revocations = snapshot.directory?.revocations
        else { return false }
        let pool = resolved.tenant.pools[identity.poolIndex].key
        if revocations.hasChanged(pool, since: identity.revocationGeneration),
            revocations.covers(identity.ids, of: pool, digester: digester, at: now)
        {
            return true
        }
        identity.revocationGeneration = revocations.generation
        return false
    }

    /// What the caller may do, from the row as it is now.
    private func admit(_ identity: Identity, _ resolved: ResolvedTenant) -> Verdict {
        if resolved.needsGroup, !TokenChecks.holdsAny(identity.groups, of: resolved.tenant.requiredGroups) {
            return .refuse(.missingGroup, resolved)
        }
        if resolved.needsScope, !TokenChecks.holdsAny(identity.scopes, of: resolved.tenant.requiredScopes) {
            return .refuse(.missingScope, resolved)
        }
        return .admit(Admission(resolved: resolved, identity: identity))
    }

    private enum Unverified: Error {
        case refused(Refusal)
        case needsKey(WantedKey)
    }

    private func verify(
        _ bytes: UnsafeRawBufferPointer, _ resolved: ResolvedTenant, _ now: Instant,
        _ answer: KeyLookupResult?
    ) -> Result<Identity, Unverified> {
        do throws(TokenRefusal) {
            let tenant = resolved.tenant
            let (token, claims) = try TokenChecks.read(bytes)
            let poolIndex = try TokenChecks.beforeKey(claims, tenant, now)
            guard let keys = resolved.pools[poolIndex], now < keys.usableUntil,
                let key = keys.keySet[token.keyID]
            else {
                return .failure(lacking(token.keyID, of: tenant.pools[poolIndex].key, answer))
            }
            guard let verified = token.verified(by: key, digester: digester) else {
                throw TokenRefusal.badSignature
            }
            return .success(
                Identity(
                    claims, token: verified, tenant: tenant, poolIndex: poolIndex, key: key,
                    keyGeneration: keys.generation, revocationGeneration: 0))
        } catch {
            return .failure(.refused(.badToken(error)))
        }
    }

    /// A key that is not there: ask once; the second time the pool's answer decides.
    private func lacking(_ keyID: KeyID, of pool: PoolName, _ answer: KeyLookupResult?) -> Unverified {
        switch answer {
        case nil: .needsKey(WantedKey(pool: pool, keyID: keyID))
        case .absent: .refused(.badToken(.unknownKey))
        case .present, .unavailable: .refused(.keysUnavailable)
        }
    }
}
