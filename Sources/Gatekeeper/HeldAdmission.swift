import JOSE

/// An admission that outlives its request, such as that of a WebSocket: looked at again as time and rows move on.
package struct HeldAdmission {
    private let host: Host
    private let tenant: Tenant
    /// Nil where nobody had to say who is calling.
    private let identity: Identity?
    private let path: [UInt8]
    private let digester = TokenDigester()

    /// Keeps what was admitted for a GET of `path` on `host`, its name without port; nil for a name that no host has.
    package init?(_ admission: Admission, host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) {
        guard let host = Host(request: host) else { return nil }
        self.host = host
        self.tenant = admission.standing.tenant
        self.identity = admission.identity
        self.path = admission.path ?? Array(path)
    }

    /// When the token's expiry, or its age, ends it under a row; nil where neither does.
    private func end(under tenant: Tenant) -> Instant? {
        guard case .expire(let grace) = tenant.websockets, let identity else { return nil }
        let limit = TokenChecks.ageLimit(identity.ids.issuedAt, tenant) ?? .distantFuture
        return min(identity.expires, limit).advanced(bySeconds: grace)
    }

    /// Why it must end now, from the directory as it is; nil where it may go on.
    package func flaw(in snapshot: Snapshot, at now: Instant) -> Refusal? {
        switch snapshot.directory?.entry(for: host) {
        case nil: return .unknownHost
        case .misconfigured(let flaw): return .tenantMisconfigured(flaw)
        case .tenant(let current):
            if current.state == .suspended { return .tenantSuspended }
            if let end = end(under: current), end <= now { return .badToken(.expired) }
            if isRevoked(snapshot.directory, now) { return .badToken(.revoked) }
            return current.version == tenant.version ? nil : flaw(under: current)
        }
    }

    private func isRevoked(_ directory: Directory?, _ now: Instant) -> Bool {
        guard let identity, let revocations = directory?.revocations,
            identity.revocationGeneration != revocations.generation
        else { return false }
        let pool = tenant.pools[identity.poolIndex].key
        return revocations.hasChanged(pool, since: identity.revocationGeneration)
            && revocations.revoke(identity.ids, of: pool, digester: digester, at: now)
    }

    /// The row is another one, or its rules are: who was let in must still be somebody whom they let in.
    private func flaw(under current: Tenant) -> Refusal? {
        let rule = path.withUnsafeBytes { current.rules.decision(method: RequestFacts.get, path: $0).rule }
        if rule?.access == .public { return nil }
        guard let identity else { return rule?.access == .optional ? nil : .missingToken }
        let pool = tenant.pools[identity.poolIndex].key
        if !current.pools.contains(where: { $0.key == pool }) { return .badToken(.wrongIssuer) }
        if !TokenChecks.holdsAny(identity.groups, of: current.requiredGroups) { return .missingGroup }
        if !TokenChecks.holdsAny(identity.scopes, of: current.requiredScopes) { return .missingScope }
        return rule?.refusal(of: identity)
    }
}
