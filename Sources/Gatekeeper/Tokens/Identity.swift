import JOSE

/// Who a verified caller is, as one loop caches it; never what the caller may do.
///
/// A class, because the cache and the request under way refer to the same entry. It belongs to one loop.
package final class Identity {
    // First what every warm request looks at, so that it lies in few cache lines.

    /// When it ends: by the token's expiry, or by the row's bound for its age.
    let end: Instant
    /// The key set in which `key` was last seen.
    var keyGeneration: UInt64
    /// The generation of revocations that it was last looked for in.
    var revocationGeneration: UInt64
    /// Which of the tenant's pools the token's `iss` picked.
    let poolIndex: Int
    /// Rendered identity header lines, each ended by CRLF: written into the request as they are.
    package let headerLines: [UInt8]
    let groups: [[UInt8]]
    let scopes: [[UInt8]]
    /// Those of its tenant's conditions on claims that it meets.
    let meets: Set<ClaimCondition>
    let key: VerificationKey
    let expires: Instant
    /// What the token can be revoked by.
    let ids: TokenIDs
    /// The pool by whose key it was verified.
    let pool: PoolName
    /// The tenant's row this was verified under.
    let tenantVersion: UInt64

    /// Only a token whose signature was verified makes an identity.
    convenience init(
        _ claims: CognitoClaims, token: VerifiedToken, tenant: Tenant, poolIndex: Int, key: VerificationKey,
        keyGeneration: UInt64, revocationGeneration: UInt64
    ) {
        self.init(
            claims, tenant: tenant, poolIndex: poolIndex, key: key, keyGeneration: keyGeneration,
            revocationGeneration: revocationGeneration)
    }

    /// The same token's identity under another row; `claims` are what was read of the token that made `other`.
    convenience init(_ claims: CognitoClaims, verifiedAs other: Identity, tenant: Tenant, poolIndex: Int) {
        self.init(
            claims, tenant: tenant, poolIndex: poolIndex, key: other.key, keyGeneration: other.keyGeneration,
            revocationGeneration: 0)
    }

    private init(
        _ claims: CognitoClaims, tenant: Tenant, poolIndex: Int, key: VerificationKey, keyGeneration: UInt64,
        revocationGeneration: UInt64
    ) {
        self.tenantVersion = tenant.version
        self.pool = tenant.pools[poolIndex].key
        self.poolIndex = poolIndex
        self.key = key
        self.keyGeneration = keyGeneration
        self.expires = claims.expires
        self.end = min(claims.expires, tenant.ageLimit(issuedAt: claims.issuedAt) ?? .distantFuture)
        self.ids = TokenIDs(claims)
        self.revocationGeneration = revocationGeneration
        self.meets =
            tenant.rules.conditions.isEmpty
            ? [] : tenant.rules.conditions.filter { $0.holds(in: claims.members) }
        self.groups = claims.groups
        self.scopes = claims.scopes
        self.headerLines = IdentityHeaders.lines(claims, tenant: tenant, poolIndex: poolIndex)
    }

    /// Whether both are the same caller of one tenant, by whatever token.
    package func isSameCaller(as other: Identity) -> Bool {
        self === other || (poolIndex == other.poolIndex && ids.subject == other.ids.subject)
    }

    /// About how many bytes of memory the entry takes.
    var cost: Int {
        var bytes = 400 + headerLines.count + ids.cost + 64 * meets.count
        for group in groups { bytes += 48 + group.count }
        for scope in scopes { bytes += 48 + scope.count }
        return bytes
    }
}
