import HashTreeCollections

/// A tenant with the keys of its pools, as one loop resolved them from one snapshot.
///
/// A class that belongs to one loop: a warm request touches it and nothing that loops share, since reference counts
/// of shared objects would be written by every core.
package final class ResolvedTenant {
    package let tenant: Tenant
    /// The host that was asked for; another than the tenant's below a wildcard.
    let host: [UInt8]
    /// The generation of the cache that this stands in; an older one is not believed.
    let generation: UInt64
    /// The tenant's version, read without touching the tenant.
    package let tenantVersion: UInt64
    /// In the order of the tenant's pools; nil for a pool never fetched.
    var pools: [PublishedKeys?]
    let isSuspended: Bool
    let needsGroup: Bool
    let needsScope: Bool
    let hasUpstream: Bool
    let hasRules: Bool
    /// Whether tokens may stand elsewhere than in `Authorization`.
    package let hasOtherSources: Bool
    let allowsPreflights: Bool
    /// Whether `Authorization` reaches the upstream.
    package let forwardsToken: Bool
    /// Header names that are removed for this tenant besides those removed for all.
    package let stripped: StrippedNames
    /// The same for preflights, which nobody's token is asked for.
    package let strippedFromPreflights: StrippedNames
    /// Where the loop's data plane keeps its own part of the tenant, in the epoch in which that is true; 0 is none.
    package var loopSlot: (epoch: UInt64, index: Int) = (0, 0)

    init(_ tenant: Tenant, _ snapshot: Snapshot, host: UnsafeRawBufferPointer, generation: UInt64) {
        self.tenant = tenant
        self.host = Array(host)
        self.generation = generation
        self.tenantVersion = tenant.version
        self.pools = tenant.pools.map { snapshot.keys[$0.key] }
        self.isSuspended = tenant.state == .suspended
        self.needsGroup = tenant.requiredGroups != nil
        self.needsScope = tenant.requiredScopes != nil
        self.hasUpstream = !tenant.upstreams.isEmpty
        self.hasRules = !tenant.rules.isEmpty
        self.hasOtherSources = tenant.cookieName != nil || tenant.queryParameter != nil
        self.allowsPreflights = tenant.allowsPreflights
        self.forwardsToken = tenant.forwardsToken
        let mapped = snapshot.directory?.mappedHeaders(for: tenant.upstreams) ?? []
        self.strippedFromPreflights = ProtectedHeaders.overriding.union(mapped)
        self.stripped = hasRules ? strippedFromPreflights : StrippedNames().union(mapped)
    }
}
