package import Gatekeeper
package import JOSE

/// A key set that an endpoint answered with, parsed whole.
package struct FetchedKeys: Sendable {
    package let keySet: JSONWebKeySet
    /// Seconds for which the answer calls itself fresh (RFC 9111 §4.2), a hint; nil where it does not say.
    package let freshSeconds: Int?

    package init(keySet: JSONWebKeySet, freshSeconds: Int?) {
        self.keySet = keySet
        self.freshSeconds = freshSeconds
    }
}

/// Why a fetch brought no usable key set; `description` is a sentence without its full stop.
package enum KeyFetchFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The endpoint gave no whole answer.
    case transfer(TransferFailure)
    /// An answer other than 200.
    case status(Int)
    /// A redirect, which is never followed.
    case redirect(Int)
    /// A 200 whose body is no key set with a usable key.
    case unusableKeySet(KeySetFlaw)

    package var description: String {
        switch self {
        case .transfer(let failure): failure.description
        case .status(let status): "the key endpoint answers \(status)"
        case .redirect(let status): "the key endpoint answers \(status), and redirects are not followed"
        case .unusableKeySet(let flaw): "the answer is no usable key set: \(flaw)"
        }
    }

    /// One word for metrics.
    package var reason: String {
        switch self {
        case .transfer(let failure): failure.reason
        case .status: "status"
        case .redirect: "redirect"
        case .unusableKeySet: "unusable_key_set"
        }
    }
}

/// What a fetch came to.
package typealias KeyFetchResult = Result<FetchedKeys, KeyFetchFailure>

/// Where pools get their keys from: `KeyFetcher` in the gateway, closures in tests.
package struct KeySource: Sendable {
    /// Fetches the keys of one pool when the fetch has its turn.
    package let fetch: @Sendable (PoolName, FetchPriority) async -> KeyFetchResult
    /// Changes the turn of the pool's fetch, where it has not begun.
    package let update: @Sendable (PoolName, FetchPriority) -> Void

    package init(
        fetch: @escaping @Sendable (PoolName, FetchPriority) async -> KeyFetchResult,
        update: @escaping @Sendable (PoolName, FetchPriority) -> Void = { _, _ in }
    ) {
        self.fetch = fetch
        self.update = update
    }
}
