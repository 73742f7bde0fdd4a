import Gatekeeper

/// The last good rows of the directory as the state directory holds them, from which a gateway starts while it has no
/// database: the rows of one snapshot of the database, and then each change up to a later one.
///
/// A pure value; `StateFile` reads and writes its bytes.
struct SavedRows: Sendable {
    /// Tenants with their rules.
    let rows: [PackedRow]
    let revocations: [Revocations.Entry]
    /// The pools that the revocations belong to.
    let revocationPools: Set<PoolName>
    let withdrawnKeys: WithdrawnKeys
    /// When they were last known to be what the database holds.
    let confirmedAt: Instant

    /// The version of this form.
    static let version: UInt64 = 0x5445_4E41_4E54_0006

    init(
        rows: [PackedRow], revocations: [Revocations.Entry], revocationPools: Set<PoolName>,
        withdrawnKeys: WithdrawnKeys, confirmedAt: Instant
    ) {
        self.withdrawnKeys = withdrawnKeys
        self.rows = rows
        self.revocations = revocations
        self.revocationPools = revocationPools
        self.confirmedAt = confirmedAt
    }

    /// The time in nanoseconds since 1970; then the rows, the names of the pools with revocations, the revocations,
    /// and five texts for each withdrawn key, each list after its count.
    var encoded: [UInt8] {
        var bytes = SavedBytes()
        bytes.reserve(
            rows.reduce(SavedRows.entryBytes * revocations.count) {
                $0 + $1.bytes.count + SavedBytes.numberBytes
            })
        bytes.append(confirmedAt.nanoseconds)
        bytes.append(rows.map(\.bytes))
        bytes.append(revocationPools.map(\.savedName))
        bytes.append(UInt64(revocations.count))
        for entry in revocations { bytes.append(entry) }
        bytes.append(withdrawnKeys.texts)
        return bytes.bytes
    }

    /// Reads what `encoded` wrote; nil for anything else.
    init?(decoding bytes: ArraySlice<UInt8>) {
        var reader = SavedBytesReader(bytes)
        guard let confirmedAt = reader.signedNumber(),
            let rows = reader.list(ofAtLeast: SavedBytes.numberBytes, { $0.string() }),
            let pools = reader.list(ofAtLeast: SavedBytes.numberBytes, { $0.string() }),
            let revocations = reader.list(ofAtLeast: SavedRows.entryBytes, { $0.revocation() }),
            let texts = reader.list(ofAtLeast: SavedBytes.numberBytes, { $0.string() }),
            let withdrawnKeys = WithdrawnKeys(texts: texts), reader.isAtEnd
        else { return nil }
        self.init(
            rows: rows.map { PackedRow(packed: $0) }, revocations: revocations,
            revocationPools: Set(pools.compactMap { PoolName(savedName: $0) }),
            withdrawnKeys: withdrawnKeys,
            confirmedAt: Instant(nanoseconds: confirmedAt))
    }

    /// A revocation's size: five numbers.
    fileprivate static let entryBytes = 40
}

/// One change of the saved rows: from what one snapshot of the database holds to what a later one does.
struct SavedChange: Sendable {
    /// Hosts whose rows went.
    var removedHosts: [[UInt8]] = []
    /// Rows that came or changed.
    var rows: [PackedRow] = []
    var revocations = Revocations.Change()
    /// When the database was last known to hold this.
    var confirmedAt: Instant

    init(
        removedHosts: [[UInt8]] = [], rows: [PackedRow] = [],
        revocations: Revocations.Change = Revocations.Change(), confirmedAt: Instant
    ) {
        self.removedHosts = removedHosts
        self.rows = rows
        self.revocations = revocations
        self.confirmedAt = confirmedAt
    }

    /// How much memory and disk it takes, roughly.
    var size: Int {
        removedHosts.reduce(0) { $0 + $1.count } + rows.reduce(0) { $0 + $1.bytes.count }
            + (revocations.entries.count + revocations.lifted.count) * 2 * SavedRows.entryBytes
    }

    /// The time, the hosts, the rows, the revocations that came, each after its pool's name, and those that were lifted.
    var encoded: [UInt8] {
        var bytes = SavedBytes()
        bytes.append(confirmedAt.nanoseconds)
        bytes.append(removedHosts)
        bytes.append(rows.map(\.bytes))
        bytes.append(UInt64(revocations.entries.count))
        for (pool, entry) in revocations.entries {
            bytes.append(pool.savedName)
            bytes.append(entry)
        }
        bytes.append(UInt64(revocations.lifted.count))
        for (id, digest) in revocations.lifted {
            bytes.append(id)
            bytes.append(digest.high)
            bytes.append(digest.low)
        }
        return bytes.bytes
    }

    /// Reads what `encoded` wrote; nil for anything else.
    init?(decoding bytes: ArraySlice<UInt8>) {
        var reader = SavedBytesReader(bytes)
        guard let confirmedAt = reader.signedNumber(),
            let removed = reader.list(ofAtLeast: SavedBytes.numberBytes, { $0.string() }),
            let rows = reader.list(ofAtLeast: SavedBytes.numberBytes, { $0.string() }),
            let entries = reader.list(
                ofAtLeast: SavedRows.entryBytes,
                { reader -> (pool: PoolName, entry: Revocations.Entry)? in
                    guard let name = reader.string(), let pool = PoolName(savedName: name),
                        let entry = reader.revocation()
                    else { return nil }
                    return (pool, entry)
                }),
            let lifted = reader.list(
                ofAtLeast: 3 * SavedBytes.numberBytes,
                { reader -> (id: Int64, digest: Revocations.Digest)? in
                    guard let id = reader.signedNumber(), let digest = reader.digest() else { return nil }
                    return (id, digest)
                }),
            reader.isAtEnd
        else { return nil }
        self.init(
            removedHosts: removed.map(Array.init), rows: rows.map { PackedRow(packed: $0) },
            confirmedAt: Instant(nanoseconds: confirmedAt))
        revocations.entries = entries
        revocations.lifted = lifted
    }
}

extension SavedBytes {
    fileprivate mutating func append(_ list: [[UInt8]]) {
        append(UInt64(list.count))
        for element in list { append(element) }
    }

    fileprivate mutating func append(_ entry: Revocations.Entry) {
        append(entry.digest.high)
        append(entry.digest.low)
        append(entry.id)
        append(UInt64(entry.issuedBefore))
        append(UInt64(entry.expires))
    }
}

extension SavedBytesReader {
    fileprivate mutating func digest() -> Revocations.Digest? {
        guard let high = number(), let low = number() else { return nil }
        return Revocations.Digest(high: high, low: low)
    }

    fileprivate mutating func revocation() -> Revocations.Entry? {
        guard let digest = digest(), let id = signedNumber(), let issuedBefore = signedNumber(),
            let expires = signedNumber()
        else { return nil }
        return Revocations.Entry(digest: digest, id: id, issuedBefore: issuedBefore, expires: expires)
    }
}

extension PoolName {
    /// The name as files of the state directory have it: region, space, id.
    var savedName: [UInt8] { Array("\(region) \(poolID)".utf8) }

    /// Reads `savedName`; nil for anything else.
    init?(savedName: ArraySlice<UInt8>) {
        let words = savedName.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 2, let region = Region(words[0]), let id = PoolID(words[1]) else { return nil }
        self.init(region: region, poolID: id)
    }
}

extension WithdrawnKeys {
    /// Five texts for each key: region, pool, name, time and reason, which is empty where there is none.
    fileprivate var texts: [[UInt8]] {
        pools.flatMap { pool in
            self[pool].flatMap { keyID, withdrawal in
                [
                    pool.region.description, pool.poolID.description, keyID, withdrawal.at,
                    withdrawal.reason ?? "",
                ].map { Array($0.utf8) }
            }
        }
    }

    /// Reads what `texts` wrote; nil for anything else.
    fileprivate init?(texts: [ArraySlice<UInt8>]) {
        self.init()
        guard texts.count.isMultiple(of: 5) else { return nil }
        let texts = texts.map { String(decoding: $0, as: UTF8.self) }
        for first in stride(from: 0, to: texts.count, by: 5) {
            guard let region = Region(texts[first]), let poolID = PoolID(texts[first + 1]),
                let pool = PoolName(region: region, poolID: poolID)
            else { return nil }
            let reason = texts[first + 4]
            withdraw(
                texts[first + 2], of: pool,
                Withdrawal(at: texts[first + 3], reason: reason.isEmpty ? nil : reason))
        }
    }
}
