import ControlPlane
import Foundation
import Gatekeeper

/// Which pools `/status` tells of: `pools=N` at most so many, `after=REGION/POOL` those behind that one in their order,
/// and `state=ready`, `waiting` or `failing` those in that state.
struct StatusQuery: Equatable, Sendable {
    var pools = Limits.poolsPerStatus
    var after: String?
    var state: PoolStatus.State?

    /// The pools that are told of where nothing is asked for.
    init() {}

    /// Reads the query of a target, without its question mark; nil for one that says anything else.
    init?(query: Substring) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = String(parts[1]).removingPercentEncoding else { return nil }
            switch parts[0] {
            case "pools":
                guard let number = Digits.number(value.utf8, atMost: Limits.mostPoolsPerStatus) else {
                    return nil
                }
                pools = number
            case "after" where value.utf8.count <= Limits.poolNameBytes: after = value
            case "state":
                guard let state = PoolStatus.State(rawValue: value) else { return nil }
                self.state = state
            default: return nil
            }
        }
    }

    /// The part of the pools that is asked for, which come in the order of their names; and how many of them come behind it.
    func part(of all: [PoolStatus]) -> (pools: ArraySlice<PoolStatus>, leftOut: Int) {
        let wanted = all.filter { pool in
            (state == nil || pool.state == state)
                && (after.map {
                    !pool.pool.description.utf8.lexicographicallyPrecedes($0.utf8)
                        && pool.pool.description != $0
                } ?? true)
        }
        return (wanted.prefix(pools), max(0, wanted.count - pools))
    }
}
