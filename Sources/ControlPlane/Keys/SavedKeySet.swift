import Gatekeeper
import JOSE

/// One pool's key set as the state directory holds it. A pure value.
struct SavedKeySet: Sendable {
    /// The set as JSON, which is validated again when it is used, as if it had been fetched.
    let text: [UInt8]
    /// When it was fetched.
    var fetchedAt: Instant
    /// Since when this gateway has known each key.
    let firstSeen: [KeyID: Instant]

    init(text: [UInt8], fetchedAt: Instant, firstSeen: [KeyID: Instant]) {
        self.text = text
        self.fetchedAt = fetchedAt
        self.firstSeen = firstSeen
    }

    /// The set of these keys.
    init(_ keySet: JSONWebKeySet, fetchedAt: Instant, firstSeen: [KeyID: Instant]) {
        self.init(text: keySet.text, fetchedAt: fetchedAt, firstSeen: firstSeen)
    }

    /// The keys; nil where they are too old to be trusted, or not as this program writes them.
    func keySet(at now: Instant) -> JSONWebKeySet? {
        guard now < fetchedAt.advanced(bySeconds: Limits.believedSeconds) else { return nil }
        return try? JSONWebKeySet(parsing: text)
    }
}

/// Key sets of some pools, as one file or one change of a journal holds them. A pure value.
struct SavedKeySets: Sendable {
    /// The version of this form.
    static let version: UInt64 = 0x4B45_5953_0000_0001

    /// What is said of one pool: its set, or that the set said before was fetched again, at this time, and was equal.
    enum Entry: Sendable {
        case keys(SavedKeySet)
        case fetchedAgain(Instant)
    }

    let savedAt: Instant
    let entries: [(pool: PoolName, entry: Entry)]

    /// The time in nanoseconds since 1970, and then of each pool its name, when it was fetched, 0 or 1 for whether a set
    /// follows, and the set.
    var encoded: [UInt8] {
        var bytes = SavedBytes()
        bytes.append(savedAt.nanoseconds)
        bytes.append(UInt64(entries.count))
        for (pool, entry) in entries {
            bytes.append(pool.savedName)
            switch entry {
            case .fetchedAgain(let time):
                bytes.append(time.nanoseconds)
                bytes.append(0 as UInt64)
            case .keys(let keys):
                bytes.append(keys.fetchedAt.nanoseconds)
                bytes.append(1 as UInt64)
                bytes.append(keys.text)
                bytes.append(UInt64(keys.firstSeen.count))
                for (kid, time) in keys.firstSeen {
                    bytes.append(kid.bytes)
                    bytes.append(time.nanoseconds)
                }
            }
        }
        return bytes.bytes
    }

    init(savedAt: Instant, entries: [(pool: PoolName, entry: Entry)]) {
        self.savedAt = savedAt
        self.entries = entries
    }

    /// Reads what `encoded` wrote; nil for anything else.
    init?(decoding bytes: ArraySlice<UInt8>) {
        var reader = SavedBytesReader(bytes)
        guard let savedAt = reader.signedNumber(),
            let entries = reader.list(ofAtLeast: 3 * SavedBytes.numberBytes, { SavedKeySets.entry(&$0) }),
            reader.isAtEnd
        else { return nil }
        self.init(savedAt: Instant(nanoseconds: savedAt), entries: entries)
    }

    private static func entry(_ reader: inout SavedBytesReader) -> (pool: PoolName, entry: Entry)? {
        guard let name = reader.string(), let pool = PoolName(savedName: name),
            let fetched = reader.signedNumber(), let hasKeys = reader.number()
        else { return nil }
        let fetchedAt = Instant(nanoseconds: fetched)
        guard hasKeys != 0 else { return (pool, .fetchedAgain(fetchedAt)) }
        guard hasKeys == 1, let text = reader.string(), text.count <= Limits.keySetBytes * 2,
            let seen = reader.list(
                ofAtLeast: 2 * SavedBytes.numberBytes,
                { reader -> (KeyID, Instant)? in
                    guard let kid = reader.string().flatMap({ KeyID($0) }), let time = reader.signedNumber()
                    else { return nil }
                    return (kid, Instant(nanoseconds: time))
                })
        else { return nil }
        let firstSeen = Dictionary(seen) { first, _ in first }
        return (pool, .keys(SavedKeySet(text: Array(text), fetchedAt: fetchedAt, firstSeen: firstSeen)))
    }
}

/// The key sets of every pool, put together from a file and the changes after it. A pure value.
struct RestoredKeySets: Sendable {
    private(set) var keySets: [PoolName: SavedKeySet] = [:]
    /// The latest time that stands anywhere in the files.
    private(set) var latest = Instant.distantPast

    /// Nil where a part is not what this program writes, though its checksum holds.
    init?(_ contents: StateFile.Contents) {
        for bytes in [contents.whole] + contents.changes {
            guard let saved = SavedKeySets(decoding: bytes) else { return nil }
            latest = max(latest, saved.savedAt)
            for (pool, entry) in saved.entries {
                switch entry {
                case .keys(let keys): keySets[pool] = keys
                case .fetchedAgain(let time): keySets[pool]?.fetchedAt = time
                }
                if let keys = keySets[pool] { latest = max(latest, keys.fetchedAt) }
            }
        }
    }

    /// Makes the times those of a clock that says `now`, and leaves out sets that are too old to be trusted. Whether the
    /// clock was set back.
    ///
    /// A clock that was set back since must not make keys trusted for longer: a set is then as old as it was by the latest
    /// time that is known.
    mutating func adjust(to now: Instant) -> Bool {
        let isSetBack = latest > now.advanced(bySeconds: Limits.clockTolerance)
        for (pool, keys) in keySets {
            var fetchedAt = min(keys.fetchedAt, now)
            if isSetBack {
                fetchedAt = now.advanced(bySeconds: -max(0, latest.seconds(since: keys.fetchedAt)))
            }
            let isTrusted = now < fetchedAt.advanced(bySeconds: Limits.believedSeconds)
            keySets[pool]?.fetchedAt = fetchedAt
            if !isTrusted { keySets[pool] = nil }
        }
        latest = now
        return isSetBack
    }
}
