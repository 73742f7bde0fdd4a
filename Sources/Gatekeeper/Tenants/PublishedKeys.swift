package import HashTreeCollections
package import JOSE
import Synchronization

/// The keys of one pool that loops verify tokens with: the set that was fetched last, and how long it may be believed.
package struct PublishedKeys: Sendable {
    /// A number that no other set of any pool has in this process.
    package let generation: UInt64
    /// The keys, as the pool published them.
    package let keySet: JSONWebKeySet
    /// From this instant on the set is too old to be trusted: 24 hours after it was fetched.
    package let usableUntil: Instant

    private static let generations = Atomic<UInt64>(1)

    /// A set fetched successfully and to be believed until `usableUntil`.
    package init(keySet: JSONWebKeySet, usableUntil: Instant) {
        self.generation = PublishedKeys.generations.add(1, ordering: .relaxed).newValue
        self.keySet = keySet
        self.usableUntil = usableUntil
    }

    /// These keys without those that were withdrawn, by how their names are printed; the same set, by its generation too,
    /// where it holds none of them.
    func without(_ withdrawn: [String: WithdrawnKeys.Withdrawal]) -> PublishedKeys {
        guard keySet.keys.contains(where: { withdrawn[$0.keyID.description] != nil }) else { return self }
        return PublishedKeys(
            keySet: keySet.removing { withdrawn[$0.description] != nil }, usableUntil: usableUntil)
    }
}

/// The keys of every pool; a pool that was never fetched has no entry.
package typealias KeysByPool = TreeDictionary<PoolName, PublishedKeys>
