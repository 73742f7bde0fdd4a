import JOSE

/// Who a verified caller is, as one loop remembers it. What the caller may do is judged anew with each request.
///
/// A class, because the token cache and the requests under way refer to the same identity. It belongs to one loop.
package final class Identity {
    // First what a judgement of a remembered token looks at, so that it lies in few lines of the CPU's cache.

    /// The end of the token: its expiry, or the end of the age that the row allows.
    let end: Instant
    /// The generation of the key set in which `key` was found last.
    var keyGeneration: UInt64
    /// The generation of the revocations among which the token was looked for last.
    var revocationGeneration: UInt64
    /// Which of the tenant's pools the token's `iss` picked.
    let poolIndex: Int
    /// The lines of identity headers that are written into the caller's requests, each ended by CRLF.
    package let headerLines: [UInt8]
    /// The names in `headerLines`, in small letters; made when they are asked for first.
    package private(set) lazy var headerNames = IdentityHeaders.names(in: headerLines)
    /// `sub` of the token.
    package var subject: ArraySlice<UInt8> { ids.subject }
    /// The assertions for the caller that were signed last, one for each audience.
    var assertions: [Assertion] = []
    /// What assertions say of the caller; empty where the row or the gateway has none sent.
    let assertionClaims: [UInt8]
    /// `cognito:groups` of the token.
    let groups: [[UInt8]]
    /// The words in `scope` of the token.
    let scopes: [[UInt8]]
    /// Which of the conditions for claims in the tenant's rules the token meets.
    let metConditions: Set<ClaimCondition>
    /// The key that verified the token.
    let key: VerificationKey
    /// `exp` of the token.
    let expires: Instant
    /// The ids by which the token can be revoked.
    let ids: TokenIDs
    /// The pool whose key verified the token.
    let pool: PoolName
    /// The version of the row by which the claims were judged.
    let tenantVersion: UInt64

    /// The identity that a token gives under a row. Asks for the verified token as a proof that there is one.
    convenience init(
        _ claims: CognitoClaims, token: VerifiedToken, tenant: Tenant, poolIndex: Int, key: VerificationKey,
        keyGeneration: UInt64, revocationGeneration: UInt64, isAsserted: Bool
    ) {
        self.init(
            claims, tenant: tenant, poolIndex: poolIndex, key: key, keyGeneration: keyGeneration,
            revocationGeneration: revocationGeneration, isAsserted: isAsserted && tenant.sendsAssertion)
    }

    /// The identity that a token gives under another row than the one by which it gave `other`; `claims` are the token's.
    convenience init(_ claims: CognitoClaims, verifiedAs other: Identity, tenant: Tenant, poolIndex: Int) {
        self.init(
            claims, tenant: tenant, poolIndex: poolIndex, key: other.key, keyGeneration: other.keyGeneration,
            revocationGeneration: 0, isAsserted: false)
    }

    private init(
        _ claims: CognitoClaims, tenant: Tenant, poolIndex: Int, key: VerificationKey, keyGeneration: UInt64,
        revocationGeneration: UInt64, isAsserted: Bool
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
        self.metConditions =
            tenant.rules.conditions.isEmpty
            ? [] : tenant.rules.conditions.filter { $0.holds(in: claims.members) }
        self.groups = claims.groups
        self.scopes = claims.scopes
        self.assertionClaims =
            isAsserted ? AssertionClaims.caller(claims, tenant: tenant, poolIndex: poolIndex) : []
        self.headerLines = IdentityHeaders.lines(claims, tenant: tenant, poolIndex: poolIndex)
    }

    /// Whether both are one caller of one tenant, be it by two tokens.
    package func isSameCaller(as other: Identity) -> Bool {
        self === other || (poolIndex == other.poolIndex && ids.subject == other.ids.subject)
    }

    /// `sub` of the token for the log, cut to `Limits.foundBytes`.
    package var recordedSubject: [UInt8] { Array(ids.subject.prefix(Limits.foundBytes)) }

    /// About how many bytes of memory the identity takes.
    var cost: Int {
        var bytes = 416 + headerLines.count + assertionClaims.count + ids.cost + 64 * metConditions.count
        for group in groups { bytes += 48 + group.count }
        for scope in scopes { bytes += 48 + scope.count }
        return bytes
    }
}
