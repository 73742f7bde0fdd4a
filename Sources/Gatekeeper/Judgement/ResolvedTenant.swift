import HashTreeCollections

/// What a host leads to in one loop's snapshot: the tenant, and the keys of its pools.
///
/// A class that belongs to one loop. A request with a remembered token touches this and not the tenant, which all loops
/// share: every core would write its reference count.
package final class ResolvedTenant {
    /// The row, shared with every other loop.
    package let tenant: Tenant
    /// The host as requests spell it, which is not the tenant's own name where that is a wildcard.
    let host: [UInt8]
    /// The generation of the host cache for which this was resolved.
    let generation: UInt64
    /// The tenant's version, read without touching the tenant.
    package let tenantVersion: UInt64
    /// The keys of the tenant's pools, in their order; nil for a pool that was never fetched.
    var pools: [PublishedKeys?]
    // What the row says, read without touching the tenant.

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
    /// Whether an assertion can be made only once one of several upstreams was chosen.
    package let choosesAudience: Bool
    /// The names of fields that are removed from this tenant's requests besides those removed from every request.
    package let stripped: StrippedNames
    /// The same for preflights that pass without a token.
    package let strippedFromPreflights: StrippedNames
    /// The names of the headers that may tell the tenant's services who is calling, in small letters; made when they are
    /// asked for first.
    package private(set) lazy var identityNames = IdentityHeaders.names(of: tenant)
    /// Where the loop keeps what it knows of the tenant's upstreams: an index that holds in this epoch of the loop's
    /// snapshot; epoch 0 is none.
    package var loopSlot: (epoch: UInt64, index: Int) = (0, 0)
    /// Where the loop counts the tenant's requests: an index that holds in this epoch of the loop's tally; epoch 0 is none.
    package var tallySlot: (epoch: UInt64, index: Int) = (0, 0)

    /// What `host` leads to in `snapshot`.
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
        self.choosesAudience =
            tenant.sendsAssertion && tenant.assertionAudience == nil && tenant.upstreams.count > 1
        let mapped = snapshot.directory?.mappedHeaders(for: tenant.upstreams) ?? []
        self.strippedFromPreflights = ProtectedHeaders.overriding.union(mapped)
        self.stripped = hasRules ? strippedFromPreflights : StrippedNames().union(mapped)
    }
}
