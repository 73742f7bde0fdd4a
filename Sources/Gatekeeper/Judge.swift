import JOSE

/// The facts of one request that decide about it; slices of the connection's buffer, valid for one call.
package struct RequestFacts {
    /// The effective host's name, without port (RFC 9112 §3.2.2).
    package let host: UnsafeRawBufferPointer
    /// The first `Authorization` field's value.
    package let authorization: UnsafeRawBufferPointer?
    /// How many `Authorization` fields there are.
    package let authorizationCount: Int

    package init(
        host: UnsafeRawBufferPointer, authorization: UnsafeRawBufferPointer?, authorizationCount: Int
    ) {
        self.host = host
        self.authorization = authorization
        self.authorizationCount = authorizationCount
    }
}

/// What a judgement comes to.
package enum Verdict {
    case admit(Admission)
    /// The standing is nil where no tenant was found.
    case refuse(Refusal, Standing?)
    /// Nobody can say until the pool was asked for this key; judge again with its answer.
    case needsKey(WantedKey, Standing)
    /// The token is not remembered and the allowance is used up: judge again when it is this tenant's turn.
    case mustWait(Standing)
}

/// A request that may pass: its tenant and its verified caller.
package struct Admission {
    package let standing: Standing
    package let identity: Identity
}

/// Judges requests for one loop, from its own copy of the snapshot.
///
/// Pure but for its caches: no I/O, no clock. A class, because every connection of the loop refers to it.
package final class Judge {
    /// Replaced whole; everything remembered from the previous one is looked at again.
    package var snapshot: Snapshot {
        didSet { hosts.begin(hosts: snapshot.directory?.count ?? 0) }
    }
    /// How many tokens that are not remembered may be looked into before whoever calls has done other work.
    package var allowance = Int.max
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
    package func judge(_ request: RequestFacts, at now: Instant, answer: KeyAnswer? = nil) -> Verdict {
        if now > snapshot.staleAfter { return .refuse(.stale, nil) }
        let standing: Standing
        switch find(request.host) {
        case .success(let found): standing = found
        case .failure(let refusal): return .refuse(refusal, nil)
        }
        if standing.isSuspended { return .refuse(.tenantSuspended, standing) }
        if !standing.hasUpstream { return .refuse(.noUpstream, standing) }
        switch Credential(authorization: request.authorization, count: request.authorizationCount) {
        case .none: return .refuse(.missingToken, standing)
        case .several: return .refuse(.multipleCredentials, standing)
        case .bearer(let token):
            guard token.count <= Limits.tokenBytes else {
                return .refuse(.badToken(.malformedToken), standing)
            }
            return judge(token, standing, now, answer)
        }
    }

    // MARK: The host

    private func find(_ name: UnsafeRawBufferPointer) -> Result<Standing, Refusal> {
        if let known = hosts.standing(for: name) { return .success(known) }
        guard let directory = snapshot.directory else { return .failure(.starting) }
        guard let host = Host(request: name), let entry = directory.entry(for: host) else {
            return .failure(.unknownHost)
        }
        switch entry {
        case .misconfigured(let flaw): return .failure(.tenantMisconfigured(flaw))
        case .tenant(let tenant):
            let standing = Standing(
                tenant, keys: snapshot.keys, host: name, generation: hosts.generation)
            hosts.insert(standing)
            return .success(standing)
        }
    }

    // MARK: The token

    private func judge(
        _ token: UnsafeRawBufferPointer, _ standing: Standing, _ now: Instant, _ answer: KeyAnswer?
    ) -> Verdict {
        guard let digest = digester.digest(of: token) else { return .refuse(.overloaded, standing) }
        if let known = tokens.identity(for: digest, tenantID: standing.tenantVersion) {
            if isStillGood(known, standing, now) {
                return known.expires <= now ? .refuse(.badToken(.expired), standing) : admit(known, standing)
            }
            tokens.remove(digest, tenantID: standing.tenantVersion)
        }
        guard allowance > 0 || answer != nil else { return .mustWait(standing) }
        if allowance > 0 { allowance -= 1 }
        switch verify(token, standing, now, answer) {
        case .success(let identity):
            tokens.insert(identity, for: digest, tenantID: standing.tenantVersion)
            return admit(identity, standing)
        case .failure(.refused(let refusal)):
            // Whoever sends one bad token sends more: they get no more than one in each turn.
            allowance = min(allowance, 0)
            return .refuse(refusal, standing)
        case .failure(.needsKey(let key)): return .needsKey(key, standing)
        }
    }

    /// Whether the key that verified the entry is still one of its pool's; another key in the set changes nothing.
    private func isStillGood(_ identity: Identity, _ standing: Standing, _ now: Instant) -> Bool {
        guard let keys = standing.pools[identity.poolIndex], now < keys.usableUntil else { return false }
        if keys.generation == identity.keyGeneration { return true }
        guard let key = keys.keySet[identity.key.keyID], key.isSameKey(as: identity.key) else { return false }
        identity.keyGeneration = keys.generation
        return true
    }

    /// What the caller may do, from the row as it is now.
    private func admit(_ identity: Identity, _ standing: Standing) -> Verdict {
        if standing.needsGroup, !TokenChecks.holdsAny(identity.groups, of: standing.tenant.requiredGroups) {
            return .refuse(.missingGroup, standing)
        }
        if standing.needsScope, !TokenChecks.holdsAny(identity.scopes, of: standing.tenant.requiredScopes) {
            return .refuse(.missingScope, standing)
        }
        return .admit(Admission(standing: standing, identity: identity))
    }

    private enum Unverified: Error {
        case refused(Refusal)
        case needsKey(WantedKey)
    }

    private func verify(
        _ bytes: UnsafeRawBufferPointer, _ standing: Standing, _ now: Instant, _ answer: KeyAnswer?
    ) -> Result<Identity, Unverified> {
        do throws(TokenRefusal) {
            let tenant = standing.tenant
            let (token, claims) = try TokenChecks.read(bytes)
            let poolIndex = try TokenChecks.beforeKey(claims, tenant, now)
            guard let keys = standing.pools[poolIndex], now < keys.usableUntil,
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
                    keyGeneration: keys.generation))
        } catch {
            return .failure(.refused(.badToken(error)))
        }
    }

    /// A key that is not there: ask once; the second time the pool's answer decides.
    private func lacking(_ keyID: KeyID, of pool: PoolKey, _ answer: KeyAnswer?) -> Unverified {
        switch answer {
        case nil: .needsKey(WantedKey(pool: pool, keyID: keyID))
        case .absent: .refused(.badToken(.unknownKey))
        case .present, .unavailable: .refused(.keysUnavailable)
        }
    }
}
