/// What decides which of the waiting key fetches begins next.
package struct FetchPriority: Hashable, Sendable {
    /// Whether the pool's last fetch failed: such fetches share few of the places, so that endpoints which hang cannot
    /// take all of them.
    package var lastFetchFailed: Bool
    /// Whether requests, or a person, wait for the fetch: it goes before those that only renew a key set ahead of time.
    package var requestsWait: Bool
    /// Whether a token with an unknown `kid` caused the fetch. Anybody can send such tokens, so these fetches have a
    /// rate limit over all pools.
    package var forUnknownKey: Bool

    /// A fetch of the given kind; without arguments, a renewal that nobody waits for.
    package init(lastFetchFailed: Bool = false, requestsWait: Bool = false, forUnknownKey: Bool = false) {
        self.lastFetchFailed = lastFetchFailed
        self.requestsWait = requestsWait
        self.forUnknownKey = forUnknownKey
    }

    /// Every kind of fetch, in the order in which they begin.
    static let lanes: [FetchPriority] = {
        var lanes: [FetchPriority] = []
        for requestsWait in [true, false] {
            for lastFetchFailed in [false, true] {
                for forUnknownKey in [false, true] {
                    lanes.append(
                        FetchPriority(
                            lastFetchFailed: lastFetchFailed, requestsWait: requestsWait,
                            forUnknownKey: forUnknownKey))
                }
            }
        }
        return lanes
    }()
}
