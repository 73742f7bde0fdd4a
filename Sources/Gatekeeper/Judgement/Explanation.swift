import HashTreeCollections
import JOSE

/// Every check of one request in order, with what was expected and what was found: for `poolgate explain`.
///
/// Built from the same checks as a judgement. Holds claim values, never a byte of the token itself.
package struct Explanation: Sendable {
    package private(set) var checks: [Check] = []
    /// The refusal that a request would meet, or nil where it would be forwarded.
    package private(set) var refusal: Refusal?

    /// One check; those after the first that failed are not reached.
    package struct Check: Sendable {
        package let name: String
        package let expected: String
        package let actual: String
        package let passed: Bool
    }

    /// Explains a request for `path` of `host` with `token` at `now`; `snapshot` holds the keys of the tenant's pools.
    ///
    /// `message` is the refusal of a request that HTTP could not carry so, by whoever reads requests.
    package init(
        host: String, method: String = "GET", path: String = "/", token: [UInt8]?, snapshot: Snapshot,
        now: Instant, message: Refusal? = nil
    ) {
        do throws(Refusal) {
            if let message {
                try check(
                    "message", expected: "a request that HTTP can carry", actual: Answer(message).description,
                    message)
            }
            let tenant = try explainHost(host, snapshot)
            let (rule, shadow) = try explainRule(tenant, method, path)
            if rule?.access == .public { return }
            if rule?.access == .optional, token == nil { return }
            let identity = try explainToken(try explainCredential(token), tenant, snapshot, now)
            if let rule { try explainNeeds(of: rule, identity) }
            if let refusal = shadow.flatMap({ RuleChecks.refusal(by: $0, of: identity) }) {
                checks.append(
                    Check(
                        name: "shadow", expected: "reported, not enforced",
                        actual: "would refuse: \(Answer(refusal).code)", passed: true))
            }
        } catch {
            refusal = error
        }
    }

    private mutating func check(
        _ name: String, expected: String, actual: String, _ refusal: @autoclosure () -> Refusal?
    ) throws(Refusal) {
        let refusal = refusal()
        checks.append(Check(name: name, expected: expected, actual: actual, passed: refusal == nil))
        if let refusal { throw refusal }
    }

    private mutating func explainHost(_ name: String, _ snapshot: Snapshot) throws(Refusal) -> Tenant {
        let entry = Array(name.utf8).withUnsafeBytes { Host(request: $0) }.flatMap {
            snapshot.directory?.entry(for: $0)
        }
        try check(
            "host", expected: "a row of poolgate.tenants", actual: name, entry == nil ? .unknownHost : nil)
        let tenant: Tenant
        switch entry {
        case .tenant(let found): tenant = found
        case .misconfigured(let flaw):
            try check(
                "row", expected: "a row that can be served", actual: flaw.description,
                .tenantMisconfigured(flaw))
            throw .tenantMisconfigured(flaw)
        case nil: throw .unknownHost
        }
        try check(
            "row", expected: "status active", actual: "status \(tenant.state), row '\(tenant.name)'",
            tenant.state == .suspended ? .tenantSuspended : nil)
        try check(
            "upstream", expected: "at least one origin",
            actual: tenant.upstreams.isEmpty
                ? "none" : tenant.upstreams.map(\.description).joined(separator: " "),
            tenant.upstreams.isEmpty ? .noUpstream : nil)
        return tenant
    }

    /// The rule that decides, and the one in shadow that is only reported.
    private mutating func explainRule(
        _ tenant: Tenant, _ method: String, _ path: String
    ) throws(Refusal) -> (rule: Rule?, shadow: Rule?) {
        guard !tenant.rules.isEmpty else {
            try check("rule", expected: "one, or a token", actual: "the host has no rules", nil)
            return (nil, nil)
        }
        let written = Array(path.utf8.prefix { $0 != UInt8(ascii: "?") })
        let decision = Array(method.utf8).withUnsafeBytes { method in
            written.withUnsafeBytes { path in
                Result { () throws(Refusal) in try tenant.rules.decision(method: method, written: path) }
            }
        }
        let (rule, shadow): (Rule?, Rule?)
        switch decision {
        case .success(let decision):
            (rule, shadow) = decision.found
            try check(
                "path", expected: "one that can be read in one way",
                actual: Explanation.text(decision.normal ?? written), nil)
        case .failure(let refusal):
            try check(
                refusal == .methodCase ? "method" : "path", expected: "one that can be read in one way",
                actual: refusal == .methodCase ? method : refusal.word, refusal)
            throw refusal
        }
        var words = rule.map(Explanation.words) ?? "none for it"
        if let shadow { words += "; in shadow \(Explanation.words(shadow))" }
        try check("rule", expected: "the longest prefix for \(method)", actual: words, nil)
        return (rule, shadow)
    }

    private mutating func explainNeeds(of rule: Rule, _ identity: Identity) throws(Refusal) {
        try check(
            "rule's needs", expected: rule.needs, actual: "as above",
            RuleChecks.refusal(by: rule, of: identity))
    }

    private static func words(_ rule: Rule) -> String {
        "\(rule.id): \(rule.prefixText), \(rule.methodsText), \(rule.access.rawValue)"
    }

    private mutating func explainCredential(_ token: [UInt8]?) throws(Refusal) -> [UInt8] {
        try check(
            "credential", expected: "one bearer token", actual: token == nil ? "none" : "one",
            token == nil ? .missingToken : nil)
        return token ?? []
    }

    private mutating func explainToken(
        _ bytes: [UInt8], _ tenant: Tenant, _ snapshot: Snapshot, _ now: Instant
    ) throws(Refusal) -> Identity {
        let read = bytes.withUnsafeBytes { bytes in
            Result { () throws(TokenRefusal) in try TokenChecks.read(bytes) }
        }
        let (token, claims): (UnverifiedToken, CognitoClaims)
        switch read {
        case .success(let parts):
            (token, claims) = parts
            try check("token", expected: "a JWS of Cognito's claims, RS256", actual: "readable", nil)
        case .failure(let reason):
            try check(
                "token", expected: "a JWS of Cognito's claims, RS256", actual: reason.rawValue,
                .badToken(reason))
            throw .badToken(reason)
        }
        let poolIndex = try explainClaims(claims, tenant, now)
        let (verified, key) = try explainSignature(token, tenant.pools[poolIndex].key, snapshot, now)
        let identity = Identity(
            claims, token: verified, tenant: tenant, poolIndex: poolIndex, key: key, keyGeneration: 0,
            revocationGeneration: 0)
        let isRevoked =
            snapshot.directory?.revocations.covers(
                identity.ids, of: tenant.pools[poolIndex].key, digester: TokenDigester(), at: now) ?? false
        try check(
            "revocation", expected: "none against it", actual: isRevoked ? "an entry stands" : "none",
            isRevoked ? .badToken(.revoked) : nil)
        try check(
            "groups", expected: Explanation.anyOf(tenant.requiredGroups),
            actual: Explanation.list(claims.groups),
            TokenChecks.holdsAny(claims.groups, of: tenant.requiredGroups) ? nil : .missingGroup)
        try check(
            "scopes", expected: Explanation.anyOf(tenant.requiredScopes),
            actual: Explanation.list(claims.scopes),
            TokenChecks.holdsAny(claims.scopes, of: tenant.requiredScopes) ? nil : .missingScope)
        return identity
    }

    private mutating func explainClaims(
        _ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant
    ) throws(Refusal) -> Int {
        let poolIndex = Result { () throws(TokenRefusal) in try TokenChecks.poolIndex(claims, tenant) }
        try check(
            "issuer", expected: Explanation.anyOf(tenant.pools.flatMap(\.issuers)),
            actual: Explanation.text(claims.issuer), Explanation.refused(poolIndex))
        try check(
            "token_use", expected: tenant.tokenUses.names.joined(separator: " or "),
            actual: claims.tokenUse?.names.first ?? "another",
            Explanation.refused(
                Result { () throws(TokenRefusal) in try TokenChecks.tokenUse(claims, tenant) }))
        try check(
            "client", expected: tenant.clientIDs.map { Explanation.anyOf($0) } ?? "any client of the pool",
            actual: Explanation.text(claims.client),
            Explanation.refused(Result { () throws(TokenRefusal) in try TokenChecks.client(claims, tenant) }))
        try check(
            "exp", expected: "after \(Explanation.seconds(now))", actual: Explanation.seconds(claims.expires),
            Explanation.refused(Result { () throws(TokenRefusal) in try TokenChecks.expiry(claims, now) }))
        let latest =
            "absent or at most \(Explanation.seconds(now.advanced(bySeconds: Limits.clockSkewSeconds)))"
        try check(
            "nbf", expected: latest, actual: claims.notBefore.map(Explanation.seconds) ?? "absent",
            Explanation.refused(Result { () throws(TokenRefusal) in try TokenChecks.notBefore(claims, now) }))
        try check(
            "iat", expected: latest, actual: claims.issuedAt.map(Explanation.seconds) ?? "absent",
            Explanation.refused(Result { () throws(TokenRefusal) in try TokenChecks.issuedAt(claims, now) }))
        if let limit = tenant.maxTokenAge {
            try check(
                "age", expected: "less than \(limit) s since iat",
                actual: claims.issuedAt.map { "\(now.seconds(since: $0)) s" } ?? "unknown",
                Explanation.refused(
                    Result { () throws(TokenRefusal) in try TokenChecks.age(claims, tenant, now) }))
        }
        switch poolIndex {
        case .success(let index): return index
        case .failure(let reason): throw .badToken(reason)
        }
    }

    private mutating func explainSignature(
        _ token: UnverifiedToken, _ pool: PoolName, _ snapshot: Snapshot, _ now: Instant
    ) throws(Refusal) -> (VerifiedToken, VerificationKey) {
        let keys = snapshot.keys[pool].flatMap { now < $0.usableUntil ? $0 : nil }
        let held =
            keys.map { $0.keySet.keys.map(\.keyID.description).joined(separator: ", ") } ?? "no keys fetched"
        let key = keys?.keySet[token.keyID]
        let lacking: Refusal = keys == nil ? .keysUnavailable : .badToken(.unknownKey)
        try check(
            "key", expected: "one of \(pool)'s: \(held)", actual: token.keyID.description,
            key == nil ? lacking : nil)
        guard let key else { throw lacking }
        let verified = token.verified(by: key)
        try check(
            "signature", expected: "made by that key", actual: verified == nil ? "not genuine" : "genuine",
            verified == nil ? .badToken(.badSignature) : nil)
        guard let verified else { throw .badToken(.badSignature) }
        return (verified, key)
    }

    // MARK: Words

    private static func refused(_ result: Result<some Any, TokenRefusal>) -> Refusal? {
        switch result {
        case .success: nil
        case .failure(let reason): .badToken(reason)
        }
    }

    /// Printable ASCII as it is, anything else percent-encoded, so that a claim cannot move a terminal's cursor.
    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: PercentEncoding.encoded(bytes), as: UTF8.self)
    }

    private static func list(_ texts: [[UInt8]]) -> String {
        texts.isEmpty ? "none" : texts.map(text).joined(separator: ", ")
    }

    private static func anyOf(_ texts: [[UInt8]]?) -> String {
        guard let texts else { return "nothing asked" }
        return "any of " + texts.map(text).joined(separator: ", ")
    }

    private static func seconds(_ instant: Instant) -> String {
        "\(instant.seconds(since: Instant(nanoseconds: 0)))"
    }
}
