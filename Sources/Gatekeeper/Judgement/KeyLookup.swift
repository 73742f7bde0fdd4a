package import JOSE

/// What a pool's actor says of a key to a request that has waited for it.
package enum KeyLookupResult: Sendable, Equatable {
    /// The pool's set holds the key now.
    case present
    /// A set that was fetched successfully lacks the key.
    case absent
    /// There is no set to go by: none was ever fetched, it is too old, the latest fetch for this `kid` failed, or the
    /// wait reached its deadline.
    case unavailable
}

/// A key that a request needs, and that is not in the loop's snapshot.
package struct WantedKey: Sendable, Hashable {
    /// The pool whose key it is.
    package let pool: PoolName
    /// The `kid` of the request's token.
    package let keyID: KeyID
}
