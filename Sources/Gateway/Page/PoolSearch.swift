import ControlPlane
import Gatekeeper
import JOSE

/// Finds pools among all that are served.
struct PoolSearch: Sendable {
    /// What was found.
    struct Result: Sendable {
        /// The page that was asked for.
        var window: ListWindow<PoolStatus>
        /// How many pools match what is searched for, by their state.
        var counts: [ServedState: Int] = [:]

        /// How many pools match, whatever their state.
        var total: Int { counts.values.reduce(0, +) }
    }

    let pools: [PoolName: PoolStatus]

    /// The pools whose id, or one of whose keys' ids, contains what `query` searches for.
    func find(_ query: ListQuery) -> Result {
        var result = Result(window: ListWindow(query.place, size: Limits.linesOfPage))
        let matcher = TextMatcher(query.search)
        for (pool, status) in pools {
            let key = Array(pool.poolID.description.utf8)
            guard
                matcher.isIn(Array(pool.poolID.description.lowercased().utf8))
                    || status.keyIDs.contains(where: { matcher.isIn(Array($0.description.lowercased().utf8)) }
                    )
            else { continue }
            let state = ServedState(status.state)
            result.counts[state, default: 0] += 1
            if query.state == nil || query.state == state { result.window.offer(key, status) }
        }
        return result
    }
}
