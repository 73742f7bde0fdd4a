package import Gatekeeper
package import JOSE

/// A key set as a pool's endpoint gave it, parsed whole.
package struct FetchedKeys: Sendable {
    /// The keys, at least one of which can be used.
    package let keySet: JSONWebKeySet
    /// For how many seconds the response says that it stays fresh (RFC 9111 §4.2); nil where it does not say. Only a
    /// hint: when to fetch again is decided by the gateway.
    package let freshSeconds: Int?
    /// What time it was at the endpoint, in seconds since 1970; nil where it does not say.
    package let serverSeconds: Int64?

    /// Keys that were fetched just now.
    package init(keySet: JSONWebKeySet, freshSeconds: Int?, serverSeconds: Int64? = nil) {
        self.keySet = keySet
        self.freshSeconds = freshSeconds
        self.serverSeconds = serverSeconds
    }
}

/// What a fetch came to.
package typealias KeyFetchResult = Result<FetchedKeys, KeyFetchFailure>

/// Where pools get their key sets from: `KeyFetcher` in the gateway, closures in tests.
package struct KeySetSource: Sendable {
    /// Fetches the keys of one pool, once the fetch's turn has come.
    package let fetch: @Sendable (PoolName, FetchPriority) async -> KeyFetchResult
    /// The URL that the pool's keys are fetched from, as it may be shown; nil where there is none.
    package let endpoint: @Sendable (PoolName) -> String?
    /// Gives the pool's fetch another priority, where it has not begun.
    package let update: @Sendable (PoolName, FetchPriority) -> Void

    /// A source that these two closures make.
    package init(
        fetch: @escaping @Sendable (PoolName, FetchPriority) async -> KeyFetchResult,
        endpoint: @escaping @Sendable (PoolName) -> String? = { _ in nil },
        update: @escaping @Sendable (PoolName, FetchPriority) -> Void = { _, _ in }
    ) {
        self.fetch = fetch
        self.endpoint = endpoint
        self.update = update
    }
}
