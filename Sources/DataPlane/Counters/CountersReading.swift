/// What all loops of the data plane say of themselves, gathered at one moment.
package struct CountersReading: Sendable {
    /// When it was gathered, in nanoseconds of the monotonic clock.
    package let at: UInt64
    /// Every loop, in the order in which they were started; empty before the proxy is open.
    package let loops: [Loop]
    /// What they counted, together.
    package private(set) var counters = LoopCounters()
    /// How things stand on them, together.
    package private(set) var figures = LoopFigures()
    /// The upstreams of all loops: those left out first, then the busiest, `Limits.shownUpstreams` at most.
    package let upstreams: [UpstreamFigures]
    /// What became of the requests of the busiest tenants, and of all others.
    package let tenants: BusiestTenants

    /// One loop.
    package struct Loop: Sendable {
        /// What it said last; nil where it never did.
        package let reading: LoopReading?
        /// Since when it owes an answer, in nanoseconds of the monotonic clock; nil where it answered.
        package let askedAt: UInt64?

        /// How late the loop is at `now`, in nanoseconds: what it said itself, or how long it owes an answer already.
        package func delay(at now: UInt64) -> UInt64 {
            let owed = askedAt.map { now > $0 ? now - $0 : 0 } ?? 0
            return max(reading?.figures.tickDelay ?? 0, owed)
        }
    }

    init(at now: UInt64, loops: [Loop], tenants: BusiestTenants) {
        at = now
        self.loops = loops
        self.tenants = tenants
        var upstreams: [String: UpstreamFigures] = [:]
        var isFirst = true
        for reading in loops.compactMap(\.reading) {
            counters.add(reading.counters)
            if isFirst { figures = reading.figures } else { figures.add(reading.figures) }
            isFirst = false
            for upstream in reading.upstreams {
                upstreams[upstream.upstream, default: UpstreamFigures(upstream: upstream.upstream)].add(
                    upstream)
            }
        }
        self.upstreams = Array(
            upstreams.values.sorted { $0.isShown(before: $1) }.prefix(Limits.shownUpstreams))
    }
}
