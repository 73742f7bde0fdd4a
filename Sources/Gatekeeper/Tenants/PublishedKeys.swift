package import HashTreeCollections
package import JOSE
import Synchronization

/// The keys of one pool as loops see them: the last good set and how long it may be believed.
package struct PublishedKeys: Sendable {
    /// A number no other set of any pool ever had in this process.
    package let generation: UInt64
    package let keySet: JSONWebKeySet
    /// From this instant on the set is too old to trust: 24 hours after it was fetched.
    package let usableUntil: Instant

    private static let generations = Atomic<UInt64>(1)

    /// A set fetched successfully and to be believed until `usableUntil`.
    package init(keySet: JSONWebKeySet, usableUntil: Instant) {
        self.generation = PublishedKeys.generations.add(1, ordering: .relaxed).newValue
        self.keySet = keySet
        self.usableUntil = usableUntil
    }
}

/// The keys of every pool; a pool that was never fetched has no entry.
package typealias KeysByPool = TreeDictionary<PoolName, PublishedKeys>
