import Gatekeeper

/// The upstreams of a tenant on one loop, and the choice among them.
///
/// A class, because every request of the tenant refers to it. It stays the same while the tenant's row changes, so that
/// what the tenant holds of each upstream is counted on.
final class UpstreamGroup {
    let tenant: HostPattern
    private(set) var members: [Member]
    /// Where the registry finds it, in the epoch in which that is true.
    var slot: (epoch: UInt64, index: Int) = (0, 0)
    /// Of upstreams that the row names no longer, while the tenant holds connections of them.
    private var former: [Member] = []

    /// One of the upstreams, and what the tenant has of it.
    struct Member {
        fileprivate(set) var pool: UpstreamPool
        let use: TenantUse
    }

    init(_ tenant: HostPattern, _ pools: [UpstreamPool]) {
        self.tenant = tenant
        self.members = pools.map {
            Member(pool: $0, use: TenantUse(tenant, isOnlyOne: pools.count == 1))
        }
    }

    /// The less busy of two random ones. Those ejected are left out, those just back now and then, unless that leaves
    /// none; `excluded` failed this request already.
    func choose(excluding excluded: UpstreamPool? = nil, tick: UInt32, random: inout RandomBits) -> Member? {
        if members.count == 1 { return members[0].pool === excluded ? nil : members[0] }
        var usable: [Member] = []
        for member in members where member.pool !== excluded {
            let isUsable =
                switch member.pool.health.availability(at: tick).or(member.use.health.availability(at: tick))
                {
                case .full: true
                case .returning(let percent): random.below(100) < percent
                case .ejected: false
                }
            if isUsable { usable.append(member) }
        }
        if usable.isEmpty { usable = members.filter { $0.pool !== excluded } }
        guard usable.count > 1 else { return usable.first }
        let first = random.below(usable.count)
        var second = random.below(usable.count - 1)
        if second >= first { second += 1 }
        let (one, other) = (usable[first], usable[second])
        return one.pool.load <= other.pool.load ? one : other
    }

    /// The upstream in whose share of this tenant a connection counts; nil where the row names it no longer.
    func member(of use: TenantUse?) -> Member? {
        members.first { $0.use === use }
    }

    /// Puts pools that the registry has made anew in the place of those that it gave up.
    func refresh(_ replace: (UpstreamPool) -> UpstreamPool) {
        for index in members.indices where members[index].pool.isRetired {
            members[index].pool = replace(members[index].pool)
        }
        former.removeAll { $0.use.held.all == 0 }
    }

    /// Takes the upstreams that the row names now.
    func rename(_ pools: [UpstreamPool]) {
        let known = members + former
        members = pools.map { pool in
            let use =
                known.first { $0.pool.upstream == pool.upstream }?.use
                ?? TenantUse(tenant, isOnlyOne: pools.count == 1)
            use.isOnlyOne = pools.count == 1
            return Member(pool: pool, use: use)
        }
        former = known.filter { member in
            member.use.held.all > 0 && !members.contains { $0.use === member.use }
        }
    }

    /// Whether nothing would be lost with it: it holds nothing, and leaves no upstream out.
    func isForgettable(at tick: UInt32) -> Bool {
        (members + former).allSatisfy { $0.use.isForgettable(at: tick) }
    }
}
