package import JOSE

/// Keys that no gateway trusts, whatever their pools publish: the rows of `poolgate.withdrawn_keys`, as they were at one
/// moment.
package struct WithdrawnKeys: Sendable, Equatable {
    /// When a key was withdrawn, and why.
    package struct Withdrawal: Sendable, Hashable {
        /// The time in the form of RFC 3339, as the database gives it.
        package let at: String
        /// What whoever withdrew it wrote; nil for nothing.
        package let reason: String?

        /// A withdrawal with these two columns of its row.
        package init(at: String, reason: String?) {
            self.at = at
            self.reason = reason
        }

        /// In a sentence without its full stop, for the log and for explanations.
        package var description: String {
            "withdrawn by SQL at \(at)" + (reason.map { ": \($0)" } ?? "")
        }
    }

    /// The keys of each pool that has any, by how their names are printed.
    private var byPool: [PoolName: [String: Withdrawal]] = [:]

    /// No keys.
    package init() {}

    /// Whether there are none.
    package var isEmpty: Bool { byPool.isEmpty }

    /// How many there are.
    package var count: Int { byPool.values.reduce(0) { $0 + $1.count } }

    /// The pools that have any.
    package var pools: Set<PoolName> { Set(byPool.keys) }

    /// The withdrawn keys of a pool, by how their names are printed (`KeyID.description`).
    package subscript(pool: PoolName) -> [String: Withdrawal] { byPool[pool] ?? [:] }

    /// The withdrawal of a pool's key; nil for a key that may be trusted.
    package func withdrawal(of keyID: KeyID, of pool: PoolName) -> Withdrawal? {
        byPool[pool]?[keyID.description]
    }

    /// Adds a key by how its name is printed.
    package mutating func withdraw(_ keyID: String, of pool: PoolName, _ withdrawal: Withdrawal) {
        byPool[pool, default: [:]][keyID] = withdrawal
    }
}
