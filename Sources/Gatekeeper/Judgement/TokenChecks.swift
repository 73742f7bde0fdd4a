import JOSE

/// The checks of a token that need no key, the cheapest first. Only a token that passes them all may cause a fetch of its
/// pool's keys.
enum TokenChecks {
    /// Reads a token's text and the claims in it. What exactly keeps one from being read is said in the log
    /// alone.
    static func read<Listener: CheckListener>(
        _ token: UnsafeRawBufferPointer, _ listener: inout Listener
    ) throws(Refusal) -> (UnverifiedToken, CognitoClaims) {
        do throws(UnreadableToken) {
            let parts = try read(token)
            listener.passed(.credential(.readable(flaw: nil)))
            return parts
        } catch {
            throw listener.refused(.credential(.readable(flaw: error)), .token(error.refusal))
        }
    }

    private static func read(
        _ token: UnsafeRawBufferPointer
    ) throws(UnreadableToken) -> (UnverifiedToken, CognitoClaims) {
        let unverified: UnverifiedToken
        do {
            unverified = try UnverifiedToken(compact: token)
        } catch {
            throw UnreadableToken(
                refusal: error.isAlgorithm ? .unsupportedAlgorithm : .malformedToken,
                finding: .unreadable(error))
        }
        do {
            return (unverified, try CognitoClaims(unverified.claims))
        } catch {
            throw UnreadableToken(refusal: .malformedClaim, finding: .claim(error))
        }
    }

    /// Makes every check of the claims that needs no key; returns which of the tenant's pools issued the token.
    ///
    /// `judgesEnd` is false for the token of an open connection, whose end `HeldAdmission` judges by the row's policy.
    static func beforeKey<Listener: CheckListener>(
        _ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant, judgesEnd: Bool = true,
        _ listener: inout Listener
    ) throws(Refusal) -> Int {
        // Byte by byte, never by prefix; the issuers of a tenant's pools are disjoint.
        guard let index = tenant.pools.firstIndex(where: { $0.accepts(issuer: claims.issuer) }) else {
            throw listener.refused(
                .claim(.issuer, claims, tenant, now: now), .token(.wrongIssuer))
        }
        listener.passed(.claim(.issuer, claims, tenant, now: now))
        try listener.check(
            .claim(.tokenUse, claims, tenant, now: now),
            claims.tokenUse.map { tenant.tokenUses.contains($0) } ?? false, else: .token(.wrongTokenUse))
        // A row without a list accepts every client of the pool.
        try listener.check(
            .claim(.client, claims, tenant, now: now), tenant.clientIDs?.contains(claims.client) ?? true,
            else: .token(.wrongClient))
        let latest = now.advanced(bySeconds: Limits.clockSkewSeconds)
        if judgesEnd {
            // Without any skew (RFC 7519 §4.1.4).
            try listener.check(
                .claim(.expiry, claims, tenant, now: now), now < claims.expires, else: .token(.expired))
        }
        // RFC 7519 §4.1.5.
        try listener.check(
            .claim(.notBefore, claims, tenant, now: now), claims.notBefore.map { $0 <= latest } ?? true,
            else: .token(.notYetValid))
        try listener.check(
            .claim(.issuedAt, claims, tenant, now: now), claims.issuedAt.map { $0 <= latest } ?? true,
            else: .token(.issuedInFuture))
        if judgesEnd, let end = tenant.ageLimit(issuedAt: claims.issuedAt) {
            try listener.check(.claim(.age, claims, tenant, now: now), now < end, else: .token(.tooOld))
        }
        return index
    }
}
