import JOSE

/// The checks of a token one by one, so that a judgement and an explanation cannot differ.
enum TokenChecks {
    /// Which of the tenant's pools the token's `iss` picks; byte by byte, never by prefix.
    static func poolIndex(_ claims: CognitoClaims, _ tenant: Tenant) throws(TokenRefusal) -> Int {
        guard let index = tenant.pools.firstIndex(where: { $0.accepts(issuer: claims.issuer) }) else {
            throw .wrongIssuer
        }
        return index
    }

    /// `token_use` is one the row accepts.
    static func tokenUse(_ claims: CognitoClaims, _ tenant: Tenant) throws(TokenRefusal) {
        guard let use = claims.tokenUse, tenant.tokenUses.contains(use) else { throw .wrongTokenUse }
    }

    /// The app client is one the row accepts; a row without a list accepts every client of the pool.
    static func client(_ claims: CognitoClaims, _ tenant: Tenant) throws(TokenRefusal) {
        guard let accepted = tenant.clientIDs else { return }
        guard accepted.contains(claims.client) else { throw .wrongClient }
    }

    /// `exp` lies ahead, without any skew (RFC 7519 §4.1.4).
    static func expiry(_ claims: CognitoClaims, _ now: Instant) throws(TokenRefusal) {
        guard now < claims.expires else { throw .expired }
    }

    /// `nbf` lies at most the skew ahead (RFC 7519 §4.1.5).
    static func notBefore(_ claims: CognitoClaims, _ now: Instant) throws(TokenRefusal) {
        guard let notBefore = claims.notBefore else { return }
        guard notBefore <= now.advanced(bySeconds: Limits.clockSkewSeconds) else { throw .notYetValid }
    }

    /// `iat` lies at most the skew ahead.
    static func issuedAt(_ claims: CognitoClaims, _ now: Instant) throws(TokenRefusal) {
        guard let issuedAt = claims.issuedAt else { return }
        guard issuedAt <= now.advanced(bySeconds: Limits.clockSkewSeconds) else { throw .issuedInFuture }
    }

    /// When the row no longer takes the token, whatever its `exp` says; a token that does not say when it was issued
    /// has no age, and is too old at once.
    static func ageLimit(_ issuedAt: Instant?, _ tenant: Tenant) -> Instant? {
        tenant.maxTokenAge.map {
            issuedAt?.advanced(bySeconds: $0) ?? Instant(nanoseconds: .min)
        }
    }

    /// `iat` lies no further back than the row allows.
    static func age(_ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant) throws(TokenRefusal) {
        if let limit = ageLimit(claims.issuedAt, tenant), limit <= now { throw .tooOld }
    }

    /// Everything that can be known without a key, cheapest first: only a token that passes may cause a fetch.
    ///
    /// Where what it opened has a clock of its own, `judgesEnd` leaves expiry and age to that.
    static func beforeKey(
        _ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant, judgesEnd: Bool = true
    ) throws(TokenRefusal) -> Int {
        let index = try poolIndex(claims, tenant)
        try tokenUse(claims, tenant)
        try client(claims, tenant)
        if judgesEnd { try expiry(claims, now) }
        try notBefore(claims, now)
        try issuedAt(claims, now)
        if judgesEnd { try age(claims, tenant, now) }
        return index
    }

    /// Reads the token's text; what is wrong with it stays inside.
    static func read(_ token: UnsafeRawBufferPointer) throws(TokenRefusal) -> (UnverifiedToken, CognitoClaims)
    {
        let unverified: UnverifiedToken
        do {
            unverified = try UnverifiedToken(compact: token)
        } catch {
            throw error.isAlgorithm ? .unsupportedAlgorithm : .malformedToken
        }
        do {
            return (unverified, try CognitoClaims(unverified.claims))
        } catch {
            throw .malformedClaim
        }
    }

    /// Whether one of `held` stands in `required`.
    static func holdsAny(_ held: [[UInt8]], of required: [[UInt8]]?) -> Bool {
        guard let required else { return true }
        guard held.count * required.count > Limits.namesCompared else {
            return required.contains { held.contains($0) }
        }
        let held = Set(held)
        return required.contains { held.contains($0) }
    }

    /// Whether all of `required` stand in `held`. Here as above a few are compared one by one; of many, that would take
    /// the product of two numbers which a tenant chooses.
    static func holdsAll(_ held: [[UInt8]], of required: [[UInt8]]) -> Bool {
        guard held.count * required.count > Limits.namesCompared else {
            return required.allSatisfy { held.contains($0) }
        }
        let held = Set(held)
        return required.allSatisfy { held.contains($0) }
    }
}
