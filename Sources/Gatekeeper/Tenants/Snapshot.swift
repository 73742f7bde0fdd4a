import HashTreeCollections

/// Everything that judgements go by, as it was at one moment. Each loop has a copy of its own and replaces it whole.
package struct Snapshot: Sendable {
    /// The number of the snapshot, one more with each that is published; 0 before the first.
    package var epoch: UInt64 = 0
    /// Nil until the first directory is loaded.
    package var directory: Directory? {
        didSet { withdraw(since: oldValue?.withdrawnKeys ?? WithdrawnKeys()) }
    }
    /// The keys of every pool that was ever fetched, without those that the directory withdraws: so whoever looks for one
    /// of these finds none, and pays nothing for the question.
    package private(set) var keys: KeysByPool = [:] {
        didSet { keysEdition = Edition.next() }
    }
    /// What pools published that have withdrawn keys.
    private var published: KeysByPool = [:]
    /// A number that no other content of `keys` has, in any snapshot of the process.
    private(set) var keysEdition: UInt64 = 0
    /// The keys that sign assertions; nil where the gateway sends none.
    package var assertions: AssertionKeys?
    /// From this instant on the directory is too old to be believed, where the operator set a bound.
    package var staleAfter: Instant = .distantFuture

    /// Whether requests can be judged by it: it has a directory, and one that is to be believed.
    package func canJudge(at now: Instant) -> Bool {
        directory != nil && now <= staleAfter
    }

    /// A snapshot without a directory, from before the first one is loaded.
    package init() {}

    /// Two numbers, of the hosts and of the keys. Where another snapshot has the same ones, every host leads to the same
    /// tenant with the same keys in it.
    package var hostsEdition: SIMD2<UInt64> { [directory?.edition ?? 0, keysEdition] }

    /// What is known of one pool's keys; nil where they were never fetched.
    package func keys(of pool: PoolName) -> PublishedKeys? { keys[pool] }

    /// Replaces what is known of one pool's keys; nil forgets them.
    package mutating func setKeys(_ poolKeys: PublishedKeys?, of pool: PoolName) {
        let withdrawn = directory?.withdrawnKeys[pool] ?? [:]
        keys[pool] = poolKeys?.without(withdrawn)
        published[pool] = withdrawn.isEmpty ? nil : poolKeys
    }

    /// Takes the keys out that the directory withdraws, and puts back those that it does not withdraw any longer.
    private mutating func withdraw(since before: WithdrawnKeys) {
        let now = directory?.withdrawnKeys ?? WithdrawnKeys()
        guard now != before else { return }
        for pool in before.pools.union(now.pools) where before[pool] != now[pool] {
            setKeys(published[pool] ?? keys[pool], of: pool)
        }
    }
}
