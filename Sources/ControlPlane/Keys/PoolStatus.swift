package import Gatekeeper
package import JOSE
import Synchronization

/// How one pool stands, for people and for the health table.
package struct PoolStatus: Sendable, Equatable {
    /// How the latest fetch ended.
    package enum State: String, Sendable {
        /// The latest fetch succeeded.
        case ready
        /// No fetch has ended yet.
        case waiting
        /// The latest fetch failed; `keyIDs` says whether older keys serve on.
        case failing
    }

    package let pool: PoolName
    package let state: State
    /// The keys that requests are judged by.
    package let keyIDs: [KeyID]
    /// When the pool came into this state.
    package let since: Instant
    package let lastSuccess: Instant?
    package let lastAttempt: Instant?
    /// When the next fetch begins, as far as that is known.
    package let nextAttempt: Instant?
    /// Why the latest fetch failed.
    package let failure: KeyFetchFailure?
}

/// Where pool actors leave their status, so that nobody has to visit ten thousand of them.
///
/// A class, because every pool actor and every reader share it; each step under its lock is short.
final class PoolBoard: Sendable {
    private struct State {
        var statuses: [PoolName: PoolStatus] = [:]
        /// Pools whose state, failure or keys changed, or that went.
        var changed: Set<PoolName> = []
        /// Pools of which anything changed, such as the time of the last fetch.
        var touched: Set<PoolName> = []
        var untried: Set<PoolName> = []
        var hasBegun = false
        var isFirstPassDone = false
    }

    private let state = Mutex(State())

    /// Takes the pools that came and those that went.
    func change(added: Set<PoolName>, removed: Set<PoolName>) {
        state.withLock { state in
            state.hasBegun = true
            for pool in removed {
                state.statuses[pool] = nil
                state.changed.insert(pool)
            }
            state.untried.subtract(removed)
            if !state.isFirstPassDone { state.untried.formUnion(added) }
            state.isFirstPassDone = state.isFirstPassDone || state.untried.isEmpty
        }
    }

    /// Takes the latest status of a pool.
    func report(_ status: PoolStatus) {
        state.withLock { state in
            let old = state.statuses.updateValue(status, forKey: status.pool)
            state.touched.insert(status.pool)
            if old?.state != status.state || old?.failure != status.failure || old?.keyIDs != status.keyIDs {
                state.changed.insert(status.pool)
            }
            guard !state.isFirstPassDone, status.lastAttempt != nil else { return }
            state.untried.remove(status.pool)
            state.isFirstPassDone = state.hasBegun && state.untried.isEmpty
        }
    }

    var statuses: [PoolStatus] { state.withLock { Array($0.statuses.values) } }

    /// Whether a fetch has ended for every pool of the first directory.
    var isFirstPassDone: Bool { state.withLock { $0.isFirstPassDone } }

    /// What changed in state, failure or keys since the last call; with `touched`, what changed at all; with
    /// `everything`, every pool. A pool that went has no status.
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

    /// Puts changes back that could not be written.
    func putBack(_ pools: some Sequence<PoolName>) {
        state.withLock { $0.changed.formUnion(pools) }
    }
}
