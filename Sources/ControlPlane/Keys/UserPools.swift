package import Gatekeeper
package import JOSE

/// The user pools that tenants name now, with an actor for each that keeps its keys fresh.
package actor UserPools {
    private let source: KeySetSource
    private let publish: UserPool.Publish
    private let observe: Observe
    private let keyWait: Duration
    private let saver: KeySaver?
    private var pools: [PoolName: UserPool] = [:]
    private var isStopped = false
    /// How the pools are, for readers that should not have to await every actor.
    nonisolated let board = PoolStatusBoard()

    /// No pools yet.
    ///
    /// `publish` gets each pool's keys before any request that waits for them resumes. `observe` hears what happened.
    /// `keyWait` is how long a request waits for a key at most. `saver` keeps the keys on disk.
    package init(
        source: KeySetSource, publish: @escaping UserPool.Publish, observe: @escaping Observe = { _ in },
        keyWait: Duration = Limits.keyWait, saver: KeySaver? = nil
    ) {
        self.source = source
        self.publish = publish
        self.observe = observe
        self.keyWait = keyWait
        self.saver = saver
    }

    /// Keeps the keys of exactly these pools from now on: starts those that are new, and stops the others.
    package func serve(_ wanted: Set<PoolName>) async {
        let served = Set(pools.keys)
        await change(added: wanted.subtracting(served), removed: served.subtracting(wanted))
    }

    /// Starts the pools `added` and stops the pools `removed`. Pools to start that run already are left alone, and so are
    /// pools to stop that do not run.
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
                keyWait: keyWait, saver: saver)
            pools[pool] = actor
            fresh.append(actor)
        }
        board.change(added: Set(fresh.map(\.pool)), removed: Set(gone.map(\.pool)))
        for actor in gone {
            await actor.stop()
            saver?.forget(actor.pool)
        }
        for actor in fresh { await actor.start() }
    }

    /// Waits until the pool's key set holds the key, or is known to lack it, or the wait is over.
    ///
    /// `unavailable` for a pool that no tenant names.
    package func key(_ kid: KeyID, of pool: PoolName) async -> KeyLookupResult {
        guard let actor = pools[pool] else { return .unavailable }
        return await actor.key(kid)
    }

    /// Fetches the pool's keys now, whatever its schedule says, and where that finds keys missing once more a second later.
    /// Returns the pool's status afterwards, and which keys ceased to be trusted; nil for a pool that no tenant names.
    package func refresh(_ pool: PoolName) async -> (status: PoolStatus, withdrawn: [KeyID])? {
        guard let actor = pools[pool] else { return nil }
        return await actor.refreshNow()
    }

    /// The status of every pool, ordered by the pools' names.
    package nonisolated func statuses() -> [PoolStatus] {
        board.statuses.sorted { $0.pool < $1.pool }
    }

    /// How many pools are in each state.
    package nonisolated var counts: PoolCounts { board.counts }

    /// The status of every pool by its name, without the cost of an order.
    package nonisolated var statusByPool: [PoolName: PoolStatus] { board.statusByPool }

    /// Whether a first fetch has ended, well or not, for every pool named so far; once true, it stays true.
    package nonisolated var isFirstPassDone: Bool { board.isFirstPassDone }

    /// Stops every pool. None can be started afterwards.
    package func stop() async {
        isStopped = true
        let actors = Array(pools.values)
        pools = [:]
        for actor in actors { await actor.stop() }
    }
}
