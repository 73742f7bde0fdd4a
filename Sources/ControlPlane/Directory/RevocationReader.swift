import Gatekeeper
import Postgres
import Synchronization

/// Reads revocations by the queries of `DirectoryQueries`.
enum RevocationReader {
    /// What changed, and where to go on.
    struct Batch: Sendable {
        var change = Revocations.Change()
        /// Where the next batch begins; nil where this one was the last.
        var next: RevocationPosition?
        /// Entries that could not be understood, which only somebody who switched the triggers off can leave behind.
        var unreadable = 0
    }

    /// A batch of what changed; nil where more was lifted than is told one by one.
    static func batch(lifted: PostgresRows, written: PostgresRows) throws(PostgresError) -> Batch? {
        guard lifted.count <= Limits.rowsReadAsChanges else { return nil }
        var batch = Batch()
        var pools = PoolNames()
        let hints = try lifted.columns(["hinted", "hinted_digest"])
        // What is in the table holds, whatever was told to have gone.
        let found = try lifted.columns(["id"])[0]
        for row in 0..<lifted.count where lifted.isNull(row, found) {
            if let id = number(lifted, row, hints[0]), let digest = digest(lifted, row, hints[1]) {
                batch.change.lifted.append((id, digest))
            }
        }
        try take(lifted, &pools, &batch) { !lifted.isNull($0, found) }
        try take(written, &pools, &batch) { _ in true }
        if written.count >= Limits.revocationsReadAtOnce {
            let columns = try written.columns(["changed", "id"])
            guard let changed = written.text(written.count - 1, columns[0]),
                let id = number(written, written.count - 1, columns[1])
            else { throw .misuse("the database gave a revocation without its stamp") }
            batch.next = RevocationPosition(changed: changed, id: id)
        }
        return batch
    }

    private static func take(
        _ rows: PostgresRows, _ pools: inout PoolNames, _ batch: inout Batch, _ isEntry: (Int) -> Bool
    ) throws(PostgresError) {
        let columns = try rows.columns(DirectoryQueries.revocationColumns)
        for row in 0..<rows.count where isEntry(row) {
            guard let entry = entry(rows, row, columns) else {
                batch.unreadable += 1
                continue
            }
            if let pool = pools.note(rows, row, columns) { batch.change.entries.append((pool, entry)) }
        }
    }

    fileprivate static func entry(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> Revocations.Entry? {
        guard let digest = digest(rows, row, columns[1]), let id = number(rows, row, columns[0]),
            let issuedBefore = number(rows, row, columns[2]), let expires = number(rows, row, columns[3])
        else { return nil }
        return Revocations.Entry(digest: digest, id: id, issuedBefore: issuedBefore, expires: expires)
    }

    static func number(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Int64? {
        rows.withBytes(row, column) { $0.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }
    }

    private static func digest(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Revocations.Digest? {
        rows.withBytes(row, column) { $0.flatMap { Revocations.Digest(hexadecimal: $0) } }
    }
}

/// Revocations as they come in one at a time, in the order of their ids: a million of them take 32 MB here and nothing
/// in libpq.
///
/// A class, because the connection's thread fills it and the reader empties it.
final class RevocationCollector: Sendable {
    /// Entries with the pools that they are of.
    struct Entries: Sendable {
        var entries: [Revocations.Entry] = []
        var pools: Set<PoolName> = []
        var unreadable = 0
    }

    private struct State {
        var entries: [Revocations.Entry] = []
        var pools = PoolNames()
        var columns: [Int]?
        var lastID: Int64?
        /// How many there are, as the same transaction counted them.
        var expected: Int64?
        var seen: Int64 = 0
        var unreadable = 0
        /// An id that is not greater than the one before: a row came twice.
        var isOutOfOrder = false
        var failure: PostgresError?
    }

    private let state = Mutex(State())

    /// Makes room for as many as will come.
    func expect(_ count: Int64?) {
        state.withLock { state in
            state.expected = count
            state.entries.reserveCapacity(min(Int(clamping: count ?? 0), Limits.revocationsExpected))
        }
    }

    /// Takes the one row of a result.
    func take(_ row: PostgresRows) {
        state.withLock { state in
            do throws(PostgresError) {
                if state.columns == nil {
                    state.columns = try row.columns(DirectoryQueries.revocationColumns)
                }
                let columns = state.columns ?? []
                state.seen += 1
                guard let id = RevocationReader.number(row, 0, columns[0]) else {
                    state.isOutOfOrder = true
                    return
                }
                if let last = state.lastID, last >= id { state.isOutOfOrder = true }
                state.lastID = id
                state.pools.note(row, 0, columns)
                guard let entry = RevocationReader.entry(row, 0, columns) else {
                    state.unreadable += 1
                    return
                }
                state.entries.append(entry)
            } catch {
                state.failure = error
            }
        }
    }

    /// The entries, which it does not keep; throws where they are not those that the same transaction counted.
    func taken() throws(PostgresError) -> Entries {
        let result: Result<Entries, PostgresError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            guard state.seen == state.expected, !state.isOutOfOrder else {
                return .failure(DirectoryReader.incomplete("revocations", state.seen, state.expected))
            }
            let found = Entries(
                entries: state.entries, pools: state.pools.keys, unreadable: state.unreadable)
            state.entries = []
            return .success(found)
        }
        return try result.get()
    }
}

/// The pools that rows name, each name looked at once.
private struct PoolNames {
    private struct Name: Hashable {
        let region: [UInt8]
        let poolID: [UInt8]
    }

    private var known: [Name: PoolName?] = [:]
    /// The name before, since most rows name the same pool as the one before.
    private var last: (name: Name, key: PoolName?)?

    var keys: Set<PoolName> { Set(known.values.compactMap { $0 }) }

    /// The pool that a row names; nil for one that no tenant can have.
    @discardableResult
    mutating func note(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> PoolName? {
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
        let key = region.flatMap { region in poolID.flatMap { PoolName(region: region, poolID: $0) } }
        known[name] = .some(key)
        last = (name, key)
        return key
    }
}
