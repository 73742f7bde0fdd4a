/// How many user pools are in each state.
package struct PoolCounts: Sendable, Equatable {
    /// Their latest fetch succeeded.
    package internal(set) var ready = 0
    /// No fetch of them has ended yet.
    package internal(set) var waiting = 0
    /// Their latest fetch failed.
    package internal(set) var failing = 0
    /// How many of all these serve keys from disk, which were not fetched since the start.
    package internal(set) var fromDisk = 0

    /// No pools.
    package init() {}

    /// Counts the pool, or with -1 no longer.
    mutating func count(_ status: PoolStatus, _ step: Int) {
        switch status.state {
        case .ready: ready += step
        case .waiting: waiting += step
        case .failing: failing += step
        }
        if status.areKeysFromDisk { fromDisk += step }
    }
}
