import JOSE

/// Finds out who a token's caller is, for one loop: from memory where the token was verified before.
///
/// Not copyable, since its cache is large and has one owner, the loop's judge.
struct TokenVerifier: ~Copyable {
    /// How many tokens that are not remembered may be looked into before whoever calls has done other work.
    var allowance = Int.max
    /// The entries of the snapshot; nil without a directory.
    var revocations: Revocations? {
        didSet { revocationGeneration = revocations?.generation ?? 0 }
    }
    /// Keys that the snapshot's sets of keys lack because they were withdrawn.
    var withdrawnKeys = WithdrawnKeys()
    /// The generation of `revocations`, read without touching what loops share.
    private(set) var revocationGeneration: UInt64 = 0
    /// Whether what assertions say of callers is remembered too.
    var hasAssertions = false
    private var remembered: TokenCache
    private var counted = TokenFigures()
    private let digester = TokenDigester()
    private let fingerprinter = TokenFingerprinter()

    /// Remembers tokens within `cacheBytes`.
    init(cacheBytes: Int) {
        remembered = TokenCache(budgetBytes: cacheBytes)
    }

    /// What was found out of a token that nothing refuses.
    enum Finding {
        case identity(Identity)
        /// Nobody can say until the pool was asked for this key.
        case needsKey(WantedKey)
        /// The token is not remembered, and the allowance is used up.
        case mustWait
    }

    /// How the memory fares.
    var figures: TokenFigures {
        var figures = counted
        figures.evictions = remembered.evictions
        figures.entries = remembered.count
        figures.bytes = remembered.usedBytes
        figures.budgetBytes = remembered.budgetBytes
        return figures
    }

    /// The name by which the token is remembered; nil where the library has no memory.
    func fingerprint(of token: UnsafeRawBufferPointer) -> TokenFingerprint? {
        fingerprinter.fingerprint(of: token)
    }

    /// Finds the caller by the token, under the tenant's row as it is at `now`.
    mutating func find<Listener: CheckListener>(
        _ token: UnsafeRawBufferPointer, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant,
        _ listener: inout Listener
    ) throws(Refusal) -> Finding {
        guard token.count <= Limits.tokenBytes else {
            throw listener.refused(
                .credential(
                    .readable(
                        flaw: UnreadableToken(refusal: .malformedToken, finding: .unreadable(.tooLong)))),
                .token(.malformedToken))
        }
        guard let fingerprint = fingerprint(of: token) else {
            throw listener.refused(.credential(.fingerprint), .gateway(.overloaded))
        }
        let lookup: KeyLookupResult?
        switch asker {
        case .open(let held):
            if let identity = try verifiedBefore(token, fingerprint, held, resolved, now, &listener) {
                return .identity(identity)
            }
            // Nobody waits for a key on behalf of what is open.
            lookup = .unavailable
            guard allowance > 0 else { return .mustWait }
        case .new(let result): lookup = result
        }
        if let known = remembered.identity(for: fingerprint, tenantVersion: resolved.tenantVersion) {
            if isKeyPublished(of: known, resolved, now) {
                counted.hits &+= 1
                try checkRemembered(known, resolved, now, &listener)
                return .identity(known)
            }
            remembered.remove(fingerprint, tenantVersion: resolved.tenantVersion)
        }
        guard allowance > 0 || lookup != nil else { return .mustWait }
        if allowance > 0 { allowance -= 1 }
        // Judged again with the key that it lacked, it is the same miss.
        if lookup == nil { counted.misses &+= 1 }
        let identity: Identity
        do throws(Refusal) {
            switch try verify(token, resolved, now, lookup, &listener) {
            case .identity(let verified): identity = verified
            case .needsKey(let key): return .needsKey(key)
            case .mustWait: return .mustWait
            }
        } catch {
            // Whoever sends one bad token sends more: they get no more than one in each batch.
            allowance = min(allowance, 0)
            throw error
        }
        remembered.insert(identity, for: fingerprint, tenantVersion: resolved.tenantVersion)
        try checkRevocation(of: identity, resolved, now, &listener)
        return .identity(identity)
    }

    // MARK: A token that is remembered

    private func checkRemembered<Listener: CheckListener>(
        _ known: Identity, _ resolved: ResolvedTenant, _ now: Instant, _ listener: inout Listener
    ) throws(Refusal) {
        listener.passed(.credential(.remembered))
        try listener.check(
            .caller(.end(known, now: now)), now < known.end,
            else: .token(known.expires <= now ? .expired : .tooOld))
        try checkRevocation(of: known, resolved, now, &listener)
    }

    /// Judges a token whose signature was verified when `held` was let in, what it says being looked at again under the
    /// row as it is now; nil for any other token.
    private func verifiedBefore<Listener: CheckListener>(
        _ token: UnsafeRawBufferPointer, _ fingerprint: TokenFingerprint, _ held: HeldAdmission,
        _ resolved: ResolvedTenant, _ now: Instant, _ listener: inout Listener
    ) throws(Refusal) -> Identity? {
        guard held.fingerprint == fingerprint, let verified = held.identity else { return nil }
        let identity: Identity
        if verified.tenantVersion == resolved.tenantVersion {
            identity = verified
        } else {
            let (_, claims) = try TokenChecks.read(token, &listener)
            let poolIndex = try TokenChecks.beforeKey(
                claims, resolved.tenant, now, judgesEnd: false, &listener)
            guard resolved.tenant.pools[poolIndex].key == verified.pool else { return nil }
            identity = Identity(claims, verifiedAs: verified, tenant: resolved.tenant, poolIndex: poolIndex)
        }
        try checkWithdrawal(
            of: identity.key.keyID, of: identity.pool, subject: identity.ids.subject, &listener)
        // Keys that cannot be had at the moment are nobody's fault; a set without the key is.
        if let keys = resolved.pools[identity.poolIndex], now < keys.usableUntil,
            !isKeyPublished(of: identity, resolved, now)
        {
            throw listener.refused(
                .caller(.key(identity.key.keyID, identity.pool, keys, subject: identity.ids.subject)),
                .token(.unknownKey))
        }
        try checkRevocation(of: identity, resolved, now, &listener)
        return identity
    }

    /// Whether the key that verified a token is still one of its pool's; another key in the set changes nothing.
    private func isKeyPublished(of identity: Identity, _ resolved: ResolvedTenant, _ now: Instant) -> Bool {
        guard let keys = resolved.pools[identity.poolIndex], now < keys.usableUntil else { return false }
        if keys.generation == identity.keyGeneration { return true }
        guard let key = keys.keySet[identity.key.keyID], key.isSameKey(as: identity.key) else { return false }
        identity.keyGeneration = keys.generation
        return true
    }

    /// Whether the key, which no set in the snapshot holds, is lacking because it was withdrawn.
    private func checkWithdrawal<Listener: CheckListener>(
        of keyID: KeyID, of pool: PoolName, subject: @autoclosure () -> ArraySlice<UInt8>,
        _ listener: inout Listener
    ) throws(Refusal) {
        guard !withdrawnKeys.isEmpty, let withdrawal = withdrawnKeys.withdrawal(of: keyID, of: pool) else {
            return
        }
        throw listener.refused(
            .caller(.withdrawal(keyID, pool, withdrawal, subject: subject())), .token(.withdrawnKey))
    }

    // MARK: Revocations

    private func checkRevocation<Listener: CheckListener>(
        of identity: Identity, _ resolved: ResolvedTenant, _ now: Instant, _ listener: inout Listener
    ) throws(Refusal) {
        guard let entry = revocation(of: identity, resolved, now) else {
            listener.passed(.caller(.revocation(identity, nil)))
            return
        }
        throw listener.refused(.caller(.revocation(identity, entry)), .token(.revoked))
    }

    /// The entry that covers the token; nil where none does. That none does stays true until the pool's entries change.
    private func revocation(
        of identity: Identity, _ resolved: ResolvedTenant, _ now: Instant
    ) -> RevocationMatch? {
        guard identity.revocationGeneration != revocationGeneration, let revocations else { return nil }
        let pool = resolved.tenant.pools[identity.poolIndex].key
        if revocations.hasChanged(pool, since: identity.revocationGeneration),
            let entry = revocations.covering(identity.ids, of: pool, digester: digester, at: now)
        {
            return entry
        }
        identity.revocationGeneration = revocations.generation
        return nil
    }

    // MARK: A token that is not remembered

    private mutating func verify<Listener: CheckListener>(
        _ bytes: UnsafeRawBufferPointer, _ resolved: ResolvedTenant, _ now: Instant,
        _ lookup: KeyLookupResult?, _ listener: inout Listener
    ) throws(Refusal) -> Finding {
        let tenant = resolved.tenant
        let (token, claims) = try TokenChecks.read(bytes, &listener)
        let poolIndex = try TokenChecks.beforeKey(claims, tenant, now, &listener)
        let pool = tenant.pools[poolIndex].key
        let believed = resolved.pools[poolIndex].flatMap { now < $0.usableUntil ? $0 : nil }
        guard let keys = believed, let key = keys.keySet[token.keyID] else {
            // No pool is asked for a key that would not be believed.
            try checkWithdrawal(of: token.keyID, of: pool, subject: claims.subject[...], &listener)
            // The key is asked for once; the second time what its pool said decides.
            switch lookup {
            case nil: return .needsKey(WantedKey(pool: pool, keyID: token.keyID))
            case .absent:
                throw listener.refused(
                    .caller(.key(token.keyID, pool, believed, subject: claims.subject[...])),
                    .token(.unknownKey))
            case .present, .unavailable:
                throw listener.refused(
                    .caller(.key(token.keyID, pool, believed, subject: claims.subject[...])),
                    .gateway(.keysUnavailable))
            }
        }
        listener.passed(.caller(.key(token.keyID, pool, keys, subject: claims.subject[...])))
        guard let verified = token.verified(by: key, digester: digester) else {
            counted.wrongSignatures &+= 1
            throw listener.refused(
                .caller(.signature(token.keyID, pool, subject: claims.subject[...], isGenuine: false)),
                .token(.badSignature))
        }
        counted.genuineSignatures &+= 1
        listener.passed(
            .caller(.signature(token.keyID, pool, subject: claims.subject[...], isGenuine: true)))
        return .identity(
            Identity(
                claims, token: verified, tenant: tenant, poolIndex: poolIndex, key: key,
                keyGeneration: keys.generation, revocationGeneration: 0, isAsserted: hasAssertions))
    }
}
