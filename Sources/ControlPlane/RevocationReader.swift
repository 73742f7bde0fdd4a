import Gatekeeper
import Postgres

/// Reads revocations by the queries of `DirectoryQueries`.
enum RevocationReader {
    /// Entries with the pools that they are of.
    typealias Entries = (entries: [Revocations.Entry], pools: Set<PoolKey>)

    /// Every entry that the cursor of `DirectoryQueries.everything` still has, about `count`; a page at a time, so that
    /// a million of them are never a result as well.
    static func everything(
        _ connection: PostgresConnection, count: Int
    ) async throws(PostgresError) -> Entries {
        var entries: [Revocations.Entry] = []
        entries.reserveCapacity(count)
        var pools = PoolNames()
        while true {
            let page = try await connection.query(
                DirectoryQueries.nextRevocations, within: Limits.fullReadTime)
            let columns = try page.columns(DirectoryQueries.revocationColumns)
            for row in 0..<page.count {
                guard let entry = entry(page, row, columns) else {
                    throw .misuse("the database gave a revocation that is none")
                }
                entries.append(entry)
                pools.note(page, row, columns)
            }
            if page.count < Limits.revocationsReadAtOnce { break }
        }
        _ = try await connection.query(DirectoryQueries.endOfRevocations)
        return (entries, pools.keys)
    }

    /// What changed; nil where it is too much to be told, or the table was truncated.
    static func change(
        lifted: PostgresRows, written: PostgresRows
    ) throws(PostgresError) -> Revocations.Change? {
        guard max(lifted.count, written.count) <= Limits.rowsReadAsChanges else { return nil }
        var change = Revocations.Change()
        for row in 0..<lifted.count {
            guard let id = try lifted.integer(row, 0), let digest = digest(lifted, row, 1) else { return nil }
            change.lifted.append((id, digest))
        }
        let columns = try written.columns(DirectoryQueries.revocationColumns)
        var pools = PoolNames()
        for row in 0..<written.count {
            guard let entry = entry(written, row, columns) else { return nil }
            if let pool = pools.note(written, row, columns) { change.entries.append((pool, entry)) }
        }
        return change
    }

    private static func entry(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> Revocations.Entry? {
        guard let digest = digest(rows, row, columns[1]), let id = number(rows, row, columns[0]),
            let issuedBefore = number(rows, row, columns[2]), let expires = number(rows, row, columns[3])
        else { return nil }
        return Revocations.Entry(digest: digest, id: id, issuedBefore: issuedBefore, expires: expires)
    }

    private static func number(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Int64? {
        try? rows.integer(row, column)
    }

    private static func digest(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Revocations.Digest? {
        rows.withBytes(row, column) { $0.flatMap { Revocations.Digest(hexadecimal: $0) } }
    }
}

/// The pools that rows name, each name looked at once.
private struct PoolNames {
    private struct Name: Hashable {
        let region: [UInt8]
        let poolID: [UInt8]
    }

    private var known: [Name: PoolKey?] = [:]
    /// The name before, since most rows name the same pool as the one before.
    private var last: (name: Name, key: PoolKey?)?

    var keys: Set<PoolKey> { Set(known.values.compactMap { $0 }) }

    /// The pool that a row names; nil for one that no tenant can have.
    @discardableResult
    mutating func note(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> PoolKey? {
        if let last, rows.withBytes(row, columns[5], { $0?.elementsEqual(last.name.poolID) }) == true {
            return last.key
        }
        let name = Name(region: rows.bytes(row, columns[4]) ?? [], poolID: rows.bytes(row, columns[5]) ?? [])
        if let found = known[name] {
            last = (name, found)
            return found
        }
        let region = Region(String(decoding: name.region, as: UTF8.self))
        let poolID = PoolID(String(decoding: name.poolID, as: UTF8.self))
        let key = region.flatMap { region in poolID.flatMap { PoolKey(region: region, poolID: $0) } }
        known[name] = .some(key)
        last = (name, key)
        return key
    }
}
