/// The upstreams of a tenant on one loop, and the choice among them.
///
/// A class, because every request of the tenant refers to it.
final class UpstreamGroup {
    private(set) var pools: [UpstreamPool]

    init(_ pools: [UpstreamPool]) {
        self.pools = pools
    }

    /// The less busy of two random ones. Those ejected are left out, those just back now and then, unless that leaves
    /// none; `excluded` failed this request already.
    func choose(excluding excluded: UpstreamPool? = nil, tick: UInt32, random: inout RandomBits)
        -> UpstreamPool?
    {
        if pools.count == 1 { return pools[0] === excluded ? nil : pools[0] }
        var usable = pools.filter { pool in
            guard pool !== excluded else { return false }
            return switch pool.health.availability(at: tick) {
            case .full: true
            case .returning(let percent): random.below(100) < percent
            case .ejected: false
            }
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
