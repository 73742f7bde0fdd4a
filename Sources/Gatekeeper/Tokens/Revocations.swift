import HTTPMessage
import JOSE

/// Which tokens are refused before they expire: the rows of `poolgate.revocations`, as they were at one moment.
///
/// A class that never changes, because all loops refer to the same entries, of which there may be a million. An entry
/// takes 32 bytes. A change makes a new object with a short list of what is new, and once in a while a new long list.
package final class Revocations: Sendable {
    /// A number that grows with each change of any pool's entries.
    package let generation: UInt64
    /// The generation in which a pool's entries changed last; pools that never had any are not there.
    private let changed: [PoolName: UInt64]
    /// The long list, sorted by digest.
    private let base: [Entry]
    /// What came since `base` was made, sorted by digest.
    private let recent: [Entry]
    /// The ids of entries in `base` that were lifted since, or that `recent` holds as they are now.
    private let outdated: Set<Int64>

    /// A row of `poolgate.revocations`, as the view `poolgate.revocation_entries` shows it.
    package struct Entry: Sendable, Hashable {
        /// The first 16 bytes of the SHA-256 of kind, pool and id, in two words.
        package let digest: Digest
        /// The row's `id`.
        package let id: Int64
        /// Seconds since 1970. The entry covers tokens with an earlier `iat`.
        package let issuedBefore: UInt32
        /// Seconds since 1970. From then on the entry covers nothing.
        package let expires: UInt32

        /// An entry with these columns, the instants in seconds since 1970; those beyond the year 2106 become that year.
        package init(digest: Digest, id: Int64, issuedBefore: Int64, expires: Int64) {
            self.digest = digest
            self.id = id
            self.issuedBefore = UInt32(clamping: issuedBefore)
            self.expires = UInt32(clamping: expires)
        }

        static func < (left: Entry, right: Entry) -> Bool {
            left.digest == right.digest ? left.id < right.id : left.digest < right.digest
        }
    }

    /// By what an entry is found: half of a SHA-256.
    package struct Digest: Sendable, Hashable, Comparable {
        /// Its first eight bytes, as a big-endian number.
        package let high: UInt64
        /// Its last eight bytes.
        package let low: UInt64

        /// A digest of these two numbers.
        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }

        /// Reads 32 hexadecimal digits; nil for anything else.
        package init?(hexadecimal digits: some Collection<UInt8>) {
            guard digits.count == 32 else { return nil }
            var words: (UInt64, UInt64) = (0, 0)
            for digit in digits {
                guard let value = ASCII.hexValue(digit) else { return nil }
                words = (words.0 << 4 | words.1 >> 60, words.1 << 4 | UInt64(value))
            }
            (high, low) = words
        }

        /// Whether `left` comes before `right` in the lists.
        package static func < (left: Digest, right: Digest) -> Bool {
            left.high == right.high ? left.low < right.low : left.high < right.high
        }
    }

    /// What differs from earlier entries.
    package struct Change: Sendable {
        /// Entries that are new or changed, and their pools.
        package var entries: [(pool: PoolName, entry: Entry)] = []
        /// Entries that were lifted.
        package var lifted: [(id: Int64, digest: Digest)] = []

        /// No change.
        package init() {}

        /// Whether nothing differs.
        package var isEmpty: Bool { entries.isEmpty && lifted.isEmpty }
    }

    /// No entries.
    package init() {
        generation = 0
        changed = [:]
        base = []
        recent = []
        outdated = []
    }

    private init(
        generation: UInt64, changed: [PoolName: UInt64], base: [Entry], recent: [Entry], outdated: Set<Int64>
    ) {
        self.generation = generation
        self.changed = changed
        self.base = base
        self.recent = recent
        self.outdated = outdated
    }

    /// How many entries there are, expired ones included until they are cleared away.
    package var count: Int { base.count + recent.count - outdated.count }

    /// Every entry, in no order.
    package var entries: [Entry] { base.filter { !outdated.contains($0.id) } + recent }

    /// The pools that have, or had, entries.
    package var pools: Set<PoolName> { Set(changed.keys) }

    // MARK: Changing

    /// Revocations with these entries, which are those of `pools`, and no others; this object where nothing changes.
    package func replacing(with entries: consuming [Entry], of pools: Set<PoolName>) -> Revocations {
        entries.sort(by: <)
        if recent.isEmpty, outdated.isEmpty, base == entries { return self }
        let generation = generation &+ 1
        // A pool whose last entry went was changed by that too.
        let changed = Dictionary(
            uniqueKeysWithValues: pools.union(self.changed.keys).map { ($0, generation) })
        return Revocations(generation: generation, changed: changed, base: entries, recent: [], outdated: [])
    }

    /// These revocations after `change`; entries that have expired by `now` may be left out.
    package func applying(_ change: Change, at now: Instant) -> Revocations {
        let generation = generation &+ 1
        var changed = changed
        var outdated = outdated
        var named = Set(change.lifted.map(\.id))
        for (pool, entry) in change.entries {
            changed[pool] = generation
            named.insert(entry.id)
        }
        var recent = recent.filter { !named.contains($0.id) }
        for (id, digest) in change.lifted where contains(id, digest, in: base) { outdated.insert(id) }
        for (_, entry) in change.entries where contains(entry.id, entry.digest, in: base) {
            outdated.insert(entry.id)
        }
        let liftedIDs = Set(change.lifted.map(\.id))
        recent += change.entries.map(\.entry).filter { !liftedIDs.contains($0.id) }
        recent.sort(by: <)
        guard recent.count + outdated.count > max(Limits.recentRevocations, base.count / 32) else {
            return Revocations(
                generation: generation, changed: changed, base: base, recent: recent, outdated: outdated)
        }
        return Revocations(
            generation: generation, changed: changed, base: merged(recent, outdated, now), recent: [],
            outdated: [])
    }

    /// Both lists as one, without what is outdated or expired.
    private func merged(_ recent: [Entry], _ outdated: Set<Int64>, _ now: Instant) -> [Entry] {
        let second = now.seconds(since: Instant(nanoseconds: 0))
        var result: [Entry] = []
        result.reserveCapacity(base.count + recent.count)
        var next = recent.startIndex
        for entry in base where entry.expires > second && !outdated.contains(entry.id) {
            while next < recent.endIndex, recent[next] < entry {
                result.append(recent[next])
                next += 1
            }
            result.append(entry)
        }
        result += recent[next...]
        return result
    }

    // MARK: Asking

    /// Whether the pool's entries changed since a generation; false for a pool that never had one.
    func hasChanged(_ pool: PoolName, since generation: UInt64) -> Bool {
        guard let last = changed[pool] else { return false }
        return last > generation
    }

    /// The first entry found that covers a token of the pool at `now`; nil where none does.
    func covering(
        _ token: TokenIDs, of pool: PoolName, digester: TokenDigester, at now: Instant
    ) -> RevocationMatch? {
        guard changed[pool] != nil else { return nil }
        for kind in TokenIDs.Kind.allCases {
            guard let name = token.revocationName(kind, of: pool),
                let digest = name.withUnsafeBytes({ digester.digest(of: $0) }).map(Digest.init(half:))
            else { continue }
            let entries = Revocations.entries(digest, in: recent)
            let older = Revocations.entries(digest, in: base)
            let found =
                entries.first { $0.covers(token, at: now) }
                ?? older.first { !outdated.contains($0.id) && $0.covers(token, at: now) }
            if let found { return RevocationMatch(id: found.id, column: kind.column) }
        }
        return nil
    }

    private func contains(_ id: Int64, _ digest: Digest, in entries: [Entry]) -> Bool {
        Revocations.entries(digest, in: entries).contains { $0.id == id }
    }

    /// The entries of one digest in a sorted list.
    private static func entries(_ digest: Digest, in sorted: [Entry]) -> ArraySlice<Entry> {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].digest < digest { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < sorted.count, sorted[end].digest == digest { end += 1 }
        return sorted[low..<end]
    }
}

extension TokenIDs.Kind {
    /// The column of `poolgate.revocations` that names such an id; nil for none.
    fileprivate var column: String? {
        switch self {
        case .pool: nil
        case .subject: "subject"
        case .originJTI: "origin_jti"
        case .jti: "jti"
        case .client: "client_id"
        }
    }
}

extension Revocations.Entry {
    /// Whether the entry covers a token one of whose ids it names. It covers every token that has no `iat`.
    func covers(_ token: TokenIDs, at now: Instant) -> Bool {
        guard now < Instant(seconds: Int64(expires)) else { return false }
        guard let issuedAt = token.issuedAt else { return true }
        return issuedAt < Instant(seconds: Int64(issuedBefore))
    }
}

extension Revocations.Digest {
    /// The first half of a whole SHA-256.
    init(half digest: TokenDigest) {
        high = UInt64(bigEndian: digest.words.0)
        low = UInt64(bigEndian: digest.words.1)
    }
}
