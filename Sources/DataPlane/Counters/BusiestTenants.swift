import Gatekeeper

/// The tenants that have a series of their own in the metrics: the busiest few, and one series for all others.
///
/// A pure value. Whoever is among them has its requests counted from then on; whoever is not is counted with the others.
/// So no series ever goes back, whoever comes and goes, and memory is bounded whatever requests say. Once a minute those of
/// the others that were more than twice as busy as the idlest of the few take their places.
package struct BusiestTenants: Sendable {
    private let limit: Int
    private var named: [String: Place] = [:]
    /// The requests of the others in this minute.
    private var candidates: [String: UInt64] = [:]
    /// Requests of tenants without a series of their own.
    package private(set) var others = TenantCounts()
    /// Requests without a tenant.
    package private(set) var unknown = TenantCounts()
    private var turnAt: UInt64?

    private struct Place {
        var counts = TenantCounts()
        /// Requests in this minute.
        var recent: UInt64 = 0
    }

    /// Room for `limit` tenants.
    package init(limit: Int = Limits.namedTenants) {
        self.limit = limit
    }

    /// The tenants with a series, with their counts, by name.
    package var tenants: [(name: String, counts: TenantCounts)] {
        named.map { (name: $0.key, counts: $0.value.counts) }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    /// Takes in what a loop handed over at `now`, in nanoseconds of the monotonic clock.
    package mutating func add(_ reading: TenantCountsReading, at now: UInt64) {
        unknown.add(reading.unknown)
        others.add(reading.others)
        for tenant in reading.tenants { add(tenant.counts, of: tenant.tenant.description) }
        if let turnAt, now < turnAt { return }
        if turnAt != nil { changePlaces() }
        turnAt = now &+ Limits.busiestTurnNanoseconds
    }

    private mutating func add(_ counts: TenantCounts, of name: String) {
        if named[name] == nil, named.count < limit, BusiestTenants.mayBeNamed(name) { named[name] = Place() }
        if named[name] != nil {
            named[name]?.counts.add(counts)
            named[name]?.recent &+= counts.total
            return
        }
        others.add(counts)
        guard BusiestTenants.mayBeNamed(name) else { return }
        guard candidates[name] != nil || candidates.count < Limits.talliedTenants else { return }
        candidates[name, default: 0] &+= counts.total
    }

    /// Gives places to the busier, and begins a new minute.
    private mutating func changePlaces() {
        let rising = candidates.sorted { $0.value > $1.value }.prefix(limit)
        let falling = named.sorted { $0.value.recent < $1.value.recent }
        for (candidate, place) in zip(rising, falling) {
            guard candidate.value / 2 > place.value.recent else { break }
            named[place.key] = nil
            named[candidate.key] = Place()
        }
        candidates = [:]
        for name in named.keys { named[name]?.recent = 0 }
    }

    /// The names of the two series that are no tenant's; a row with such a host is counted with the others.
    package static let othersName = "other"
    /// See `othersName`.
    package static let unknownName = "unknown"

    private static func mayBeNamed(_ name: String) -> Bool {
        !name.utf8.elementsEqual(othersName.utf8) && !name.utf8.elementsEqual(unknownName.utf8)
    }
}
