/// An admission that outlives its request, such as that of a WebSocket: looked at again as time and rows move on.
package struct HeldAdmission {
    private let host: Host
    private let tenant: Tenant
    private let identity: Identity

    /// Keeps what was admitted for a request to `host`, its name without port; nil for a name that no host has.
    package init?(_ admission: Admission, host: UnsafeRawBufferPointer) {
        guard let host = Host(request: host) else { return nil }
        self.host = host
        self.tenant = admission.standing.tenant
        self.identity = admission.identity
    }

    /// When the token's expiry ends it by itself; nil where it does not.
    package func end(under policy: WebSocketPolicy) -> Instant? {
        switch policy {
        case .expire(let grace): identity.expires.advanced(bySeconds: grace)
        case .outlive, .off: nil
        }
    }

    /// Why it must end now, from the directory as it is; nil where it may go on.
    package func flaw(in snapshot: Snapshot, at now: Instant) -> Refusal? {
        switch snapshot.directory?.entry(for: host) {
        case nil: return .unknownHost
        case .misconfigured(let flaw): return .tenantMisconfigured(flaw)
        case .tenant(let current):
            if current.state == .suspended { return .tenantSuspended }
            if let end = end(under: current.websockets), end <= now { return .badToken(.expired) }
            return current.version == tenant.version ? nil : flaw(under: current)
        }
    }

    /// The row is another one: who was let in must still be somebody whom it lets in.
    private func flaw(under current: Tenant) -> Refusal? {
        let pool = tenant.pools[identity.poolIndex].key
        if !current.pools.contains(where: { $0.key == pool }) { return .badToken(.wrongIssuer) }
        if !TokenChecks.holdsAny(identity.groups, of: current.requiredGroups) { return .missingGroup }
        if !TokenChecks.holdsAny(identity.scopes, of: current.requiredScopes) { return .missingScope }
        return nil
    }
}
