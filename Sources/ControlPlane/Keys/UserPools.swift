package import Gatekeeper
package import JOSE

/// Which pool actors exist: one for each pool that a tenant names.
package actor UserPools {
    private let source: KeySource
    private let publish: UserPool.Publish
    private let observe: Observe
    private let keyWait: Duration
    private var pools: [PoolName: UserPool] = [:]
    private var isStopped = false
    nonisolated let board = PoolBoard()

    /// No pools yet. `publish` gets each pool's keys before any request that waits for them is answered.
    package init(
        source: KeySource, publish: @escaping UserPool.Publish, observe: @escaping Observe = { _ in },
        keyWait: Duration = Limits.keyWait
    ) {
        self.source = source
        self.publish = publish
        self.observe = observe
        self.keyWait = keyWait
    }

    /// Serves exactly these pools from now on: starts those that are new, stops those that are not named.
    package func serve(_ wanted: Set<PoolName>) async {
        let served = Set(pools.keys)
        await change(added: wanted.subtracting(served), removed: served.subtracting(wanted))
    }

    /// Starts and stops pools; naming one that is served already, or one to stop that is not, changes nothing.
    package func change(added: Set<PoolName>, removed: Set<PoolName>) async {
        guard !isStopped else { return }
        var gone: [UserPool] = []
        for pool in removed {
            if let actor = pools.removeValue(forKey: pool) { gone.append(actor) }
        }
        var fresh: [UserPool] = []
        for pool in added where pools[pool] == nil {
            let actor = UserPool(
                pool, source: source, publish: publish, report: { [board] in board.report($0) },
                observe: observe,
                keyWait: keyWait)
            pools[pool] = actor
            fresh.append(actor)
        }
        board.change(added: Set(fresh.map(\.pool)), removed: Set(gone.map(\.pool)))
        for actor in gone { await actor.stop() }
        for actor in fresh { await actor.start() }
    }

    /// Waits until the pool's set holds the key, is known to lack it, or the wait ends; a pool not served has none.
    package func key(_ kid: KeyID, of pool: PoolName) async -> KeyLookupResult {
        guard let actor = pools[pool] else { return .unavailable }
        return await actor.key(kid)
    }

    /// Fetches the pool's keys now and says how it stands afterwards; nil for a pool that is not served.
    package func refresh(_ pool: PoolName) async -> PoolStatus? {
        guard let actor = pools[pool] else { return nil }
        return await actor.refreshNow()
    }

    /// How every pool stands, ordered by name.
    package nonisolated func statuses() -> [PoolStatus] {
        board.statuses.sorted { $0.pool < $1.pool }
    }

    /// Whether a fetch has ended for every pool named so far, or did at some time before.
    package nonisolated var firstPassDone: Bool { board.isFirstPassDone }

    /// Stops every pool; none starts afterwards.
    package func stop() async {
        isStopped = true
        let actors = Array(pools.values)
        pools = [:]
        for actor in actors { await actor.stop() }
    }
}
