import HashTreeCollections

/// Everything a judgement reads, at one moment; each loop holds its own copy and replaces it whole.
package struct Snapshot: Sendable {
    /// Grows by one with each published snapshot; 0 is the one before any.
    package var epoch: UInt64 = 0
    /// Nil until the first directory is loaded.
    package var directory: Directory?
    package var keys: KeysByPool = [:] {
        didSet { keysEdition = Edition.next() }
    }
    /// Another number for each content of `keys`.
    private(set) var keysEdition: UInt64 = 0
    /// From this instant on the directory is too old to be believed, where the operator set a bound.
    package var staleAfter: Instant = .distantFuture

    package init() {}

    /// What tells whether a host leads to the same tenant with the same keys as in another snapshot.
    package var hostsEdition: SIMD2<UInt64> { [directory?.edition ?? 0, keysEdition] }

    /// Replaces what is known of one pool's keys; nil forgets them.
    package mutating func setKeys(_ poolKeys: PublishedKeys?, of pool: PoolName) {
        keys[pool] = poolKeys
    }
}
