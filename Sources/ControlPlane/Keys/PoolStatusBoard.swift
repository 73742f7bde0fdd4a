import Gatekeeper
import Synchronization

/// The latest status of every pool: each pool's actor leaves it here, so that a reader need not await ten thousand
/// actors.
///
/// A class, because every pool actor and every reader share it; each step under its lock is short.
final class PoolStatusBoard: Sendable {
    private struct State {
        /// The status of every pool that has reported one, in no order.
        var statuses: [PoolName: PoolStatus] = [:]
        var counts = PoolCounts()
        /// Pools whose state, failure or keys changed since the last `takeChanges`, and pools that were removed.
        var changed: Set<PoolName> = []
        /// Pools of which anything at all changed, such as the time of the last fetch.
        var touched: Set<PoolName> = []
        /// Pools of the first pass that have not ended a fetch yet.
        var untried: Set<PoolName> = []
        /// Whether the first directory has named its pools.
        var hasBegun = false
        var isFirstPassDone = false
    }

    private let state = Mutex(State())

    /// Adds and removes pools, as tenants begin or cease to name them.
    func change(added: Set<PoolName>, removed: Set<PoolName>) {
        state.withLock { state in
            state.hasBegun = true
            for pool in removed {
                if let old = state.statuses.removeValue(forKey: pool) { state.counts.count(old, -1) }
                state.changed.insert(pool)
            }
            state.untried.subtract(removed)
            if !state.isFirstPassDone { state.untried.formUnion(added) }
            state.isFirstPassDone = state.isFirstPassDone || state.untried.isEmpty
        }
    }

    /// Replaces the status of a pool.
    func report(_ status: PoolStatus) {
        state.withLock { state in
            let old = state.statuses.updateValue(status, forKey: status.pool)
            if let old { state.counts.count(old, -1) }
            state.counts.count(status, 1)
            state.touched.insert(status.pool)
            if old?.state != status.state || old?.failure != status.failure || old?.keyIDs != status.keyIDs {
                state.changed.insert(status.pool)
            }
            // A pool with keys from disk is as good as one that was tried: its tenants are served.
            guard !state.isFirstPassDone, status.lastAttempt != nil || status.areKeysFromDisk else { return }
            state.untried.remove(status.pool)
            state.isFirstPassDone = state.hasBegun && state.untried.isEmpty
        }
    }

    /// The status of every pool that has reported one, in no order.
    var statuses: [PoolStatus] { state.withLock { Array($0.statuses.values) } }

    /// How many pools are in each state.
    var counts: PoolCounts { state.withLock { $0.counts } }

    /// The same by the pools' names.
    var statusByPool: [PoolName: PoolStatus] { state.withLock { $0.statuses } }

    /// Whether a fetch has ended, well or not, for every pool that was added so far; once true, it stays true.
    var isFirstPassDone: Bool { state.withLock { $0.isFirstPassDone } }

    /// The pools whose state, failure or keys changed since the last call; with `touched`, those of which anything
    /// changed; with `everything`, every pool. A pool that was removed comes without a status.
    func takeChanges(everything: Bool, touched: Bool) -> [(pool: PoolName, status: PoolStatus?)] {
        state.withLock { state in
            var pools = state.changed
            if touched { pools.formUnion(state.touched) }
            if everything { pools = Set(state.statuses.keys) }
            state.changed = []
            if touched || everything { state.touched = [] }
            return pools.map { ($0, state.statuses[$0]) }
        }
    }

    /// Has the next `takeChanges` return these pools again, because what was taken could not be written.
    func putBack(_ pools: some Sequence<PoolName>) {
        state.withLock { $0.changed.formUnion(pools) }
    }
}
