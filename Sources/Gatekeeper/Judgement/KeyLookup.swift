package import JOSE

/// What a pool's actor says to a request that waited for a `kid`.
package enum KeyLookupResult: Sendable, Equatable {
    /// The pool's set holds the key now.
    case present
    /// A set fetched successfully lacks the key.
    case absent
    /// No set could be had: never fetched, too old, the latest fetch for this `kid` failed, or the wait ended.
    case unavailable
}

/// A key that a request needs and its loop lacks.
package struct WantedKey: Sendable, Hashable {
    package let pool: PoolName
    package let keyID: KeyID
}
