import Gatekeeper

/// The upstreams of a tenant on one loop, the choice among them, and what the tenant holds of their connections.
///
/// A class, because every request of the tenant refers to it. It stays the same while the tenant's row changes, so that
/// what is held is counted by tenant.
final class UpstreamGroup {
    let tenant: HostPattern
    private(set) var pools: [UpstreamPool]
    /// Where the worker finds it, in the epoch in which that is true.
    var slot: (epoch: UInt64, index: Int) = (0, 0)
    private var lastFailure: UInt32?
    /// What this tenant's own requests say of each upstream; nobody else's depend on it.
    private var views: [UpstreamHealth]
    /// Connections held, those being made included, also of upstreams that the row names no longer.
    private var holdings: [Holding] = []

    private struct Holding {
        let pool: UpstreamPool
        var count = ConnectionShare.Held()
    }

    init(_ tenant: HostPattern, _ pools: [UpstreamPool]) {
        self.tenant = tenant
        self.pools = pools
        self.views = pools.map { _ in UpstreamHealth() }
    }

    /// The less busy of two random ones. Those ejected are left out, those just back now and then, unless that leaves
    /// none; `excluded` failed this request already.
    func choose(excluding excluded: UpstreamPool? = nil, tick: UInt32, random: inout RandomBits)
        -> UpstreamPool?
    {
        if pools.count == 1 { return pools[0] === excluded ? nil : pools[0] }
        var usable: [UpstreamPool] = []
        for (pool, view) in zip(pools, views) where pool !== excluded {
            let isUsable =
                switch pool.health.availability(at: tick).or(view.availability(at: tick)) {
                case .full: true
                case .returning(let percent): random.below(100) < percent
                case .ejected: false
                }
            if isUsable { usable.append(pool) }
        }
        if usable.isEmpty { usable = pools.filter { $0 !== excluded } }
        guard usable.count > 1 else { return usable.first }
        let first = random.below(usable.count)
        var second = random.below(usable.count - 1)
        if second >= first { second += 1 }
        let (one, other) = (usable[first], usable[second])
        return one.load <= other.load ? one : other
    }

    /// Puts pools that the worker has made anew in the place of those that it gave up.
    func refresh(_ replace: (UpstreamPool) -> UpstreamPool) {
        for index in pools.indices where pools[index].isRetired { pools[index] = replace(pools[index]) }
        holdings.removeAll { $0.count.all == 0 }
    }

    /// Takes the upstreams that the row names now.
    func rename(_ pools: [UpstreamPool]) {
        views = pools.map { pool in
            self.pools.firstIndex { $0 === pool }.map { views[$0] } ?? UpstreamHealth()
        }
        self.pools = pools
        holdings.removeAll { $0.count.all == 0 }
    }

    // MARK: What the tenant saw of its upstreams

    /// A request of this tenant was answered by `pool`.
    func succeeded(_ pool: UpstreamPool, at tick: UInt32) {
        // The only upstream is used whatever it does.
        guard pools.count > 1, let index = pools.firstIndex(where: { $0 === pool }) else { return }
        views[index].succeeded(at: tick)
    }

    /// A request of this tenant reached `pool` and got no usable answer, which may be the request's own doing.
    func failed(_ pool: UpstreamPool, at tick: UInt32) {
        guard pools.count > 1, let index = pools.firstIndex(where: { $0 === pool }) else { return }
        views[index].failed(at: tick)
        lastFailure = tick
    }

    // MARK: What the tenant holds

    /// How many of `pool`'s connections this tenant holds.
    func held(of pool: UpstreamPool) -> ConnectionShare.Held {
        for holding in holdings where holding.pool === pool { return holding.count }
        return ConnectionShare.Held()
    }

    /// Whether nothing would be lost with it: it holds nothing, and leaves no upstream out.
    func isForgettable(at tick: UInt32) -> Bool {
        let remembers =
            lastFailure.map { tick &- $0 <= Limits.longestEjectionTicks + Limits.returnTicks } ?? false
        return !remembers && holdings.allSatisfy { $0.count.all == 0 }
    }

    /// Notes one connection of `pool` more, or one less.
    func note(_ step: Int, of pool: UpstreamPool, isAnonymous: Bool) {
        let index = holdings.firstIndex { $0.pool === pool } ?? holdings.endIndex
        if index == holdings.endIndex { holdings.append(Holding(pool: pool)) }
        holdings[index].count.all += step
        if isAnonymous { holdings[index].count.anonymous += step }
        // One that is named no longer would never be asked for again.
        if holdings[index].count.all == 0, holdings.count > pools.count { holdings.remove(at: index) }
    }
}

/// How an upstream's connections are shared out among the tenants that name it.
///
/// Whoever holds some takes another only while a third as many are free, so that one tenant gets three quarters at
/// most; and the last eighth is for those who hold none, one each. A connection that waits for a slow body or answer
/// comes back late: what is kept free is what others can be served by, and nobody has to be thrown out for them.
enum ConnectionShare {
    /// What a tenant holds.
    struct Held {
        var all = 0
        /// Those of requests that came without a token, as preflights do.
        var anonymous = 0
    }

    /// Whether one that holds so much may take another where `free` of `limit` connections are; `isAlone` where no
    /// other tenant's row names the upstream.
    ///
    /// Requests without a token get no more than half, so that they never keep out a tenant's own users.
    static func allows(
        _ held: Held, free: Int, of limit: Int, isAnonymous: Bool, isAlone: @autoclosure () -> Bool
    ) -> Bool {
        guard free > 0 else { return false }
        if isAnonymous, held.anonymous >= free { return false }
        if held.all == 0 || (free > max(1, limit / 8) && held.all < 3 * free) { return true }
        return isAlone()
    }
}

/// Random numbers for choices of no secrecy: xorshift (Marsaglia, 2003), since the system's would cost a call of the
/// kernel each.
struct RandomBits {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed | 1
    }

    /// A number from 0 to one less than `count`, which is at least 1.
    mutating func below(_ count: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int((state >> 32) % UInt64(count))
    }
}
