package import Gatekeeper

/// What became of the requests of one tenant.
package struct TenantCounts: Sendable, Equatable {
    /// Requests by `LoopCounters.Verdict`, in the order of its cases.
    private var counts: InlineArray<4, UInt64> = .init(repeating: 0)

    /// Counts of nothing.
    package init() {}

    /// How many requests came to this.
    package subscript(_ verdict: LoopCounters.Verdict) -> UInt64 {
        get { counts[verdict.rawValue] }
        set { counts[verdict.rawValue] = newValue }
    }

    /// All of them.
    package var total: UInt64 { counts[0] &+ counts[1] &+ counts[2] &+ counts[3] }

    /// Takes in others.
    package mutating func add(_ other: TenantCounts) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }

    /// Whether both say the same.
    package static func == (left: TenantCounts, right: TenantCounts) -> Bool {
        left.counts.indices.allSatisfy { left.counts[$0] == right.counts[$0] }
    }
}

/// What one loop counted for each tenant since it was asked last.
///
/// A tenant's place is found by `ResolvedTenant.tallySlot`, so that a warm request looks nothing up. Places are given out
/// anew after each handover, `Limits.talliedTenants` of them at most; the tenants beyond share one.
struct TenantTally {
    private var epoch: UInt64 = 1
    private var places: [TenantsCount] = []
    private var placeOfVersion: [UInt64: Int] = [:]
    private var unknown = TenantCounts()
    private var others = TenantCounts()

    /// Counts a request of a tenant; nil where none was found for its host.
    mutating func count(_ verdict: LoopCounters.Verdict, of tenant: ResolvedTenant?) {
        guard let tenant else {
            unknown[verdict] &+= 1
            return
        }
        if tenant.tallySlot.epoch == epoch {
            places[tenant.tallySlot.index].counts[verdict] &+= 1
        } else {
            begin(verdict, of: tenant)
        }
    }

    /// Counts the first request since the handover of a host.
    private mutating func begin(_ verdict: LoopCounters.Verdict, of tenant: ResolvedTenant) {
        let version = tenant.tenantVersion
        let index = placeOfVersion[version] ?? places.count
        guard index < Limits.talliedTenants else {
            others[verdict] &+= 1
            return
        }
        if index == places.count {
            places.append(TenantsCount(tenant: tenant.tenant.name))
            placeOfVersion[version] = index
        }
        tenant.tallySlot = (epoch, index)
        places[index].counts[verdict] &+= 1
    }

    /// Everything since the last call; begins anew.
    mutating func handOver() -> TenantCountsReading {
        defer {
            epoch += 1
            places = []
            placeOfVersion = [:]
            unknown = TenantCounts()
            others = TenantCounts()
        }
        return TenantCountsReading(tenants: places, unknown: unknown, others: others)
    }
}

/// One tenant's requests.
package struct TenantsCount: Sendable {
    /// The row's host.
    package let tenant: HostPattern
    /// What became of its requests.
    package var counts = TenantCounts()

    /// No request of `tenant`.
    package init(tenant: HostPattern) {
        self.tenant = tenant
    }
}

/// What a loop hands over of its tenants' requests.
package struct TenantCountsReading: Sendable {
    /// Tenants with at least one request; one whose row changed meanwhile is there more than once.
    package var tenants: [TenantsCount] = []
    /// Requests for which no tenant was found: those for unknown hosts, and those that could not be read.
    package var unknown = TenantCounts()
    /// Requests of tenants beyond the bound.
    package var others = TenantCounts()

    /// No requests.
    package init() {}

    init(tenants: [TenantsCount], unknown: TenantCounts, others: TenantCounts) {
        self.tenants = tenants
        self.unknown = unknown
        self.others = others
    }
}
