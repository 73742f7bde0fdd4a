import Gatekeeper
import Postgres

/// Makes changes of revocations from the rows of `DirectoryQueries`.
enum RevocationReader {
    /// Part of what changed.
    struct Batch: Sendable {
        /// What came and what was lifted.
        var change = Revocations.Change()
        /// Where the next batch begins; nil where this one was the last.
        var next: RevocationPosition?
        /// How many entries could not be understood. Only somebody who switches the triggers off can write such ones.
        var unreadable = 0
    }

    /// Makes a batch from the rows of `hintedRevocations` and `writtenRevocations`; nil where more was lifted than is read
    /// row by row.
    static func batch(lifted: PostgresRows, written: PostgresRows) throws(PostgresError) -> Batch? {
        guard lifted.count <= Limits.rowsReadAsChanges else { return nil }
        var batch = Batch()
        var pools = RevokedPools()
        let hints = try lifted.columns(["hinted", "hinted_digest"])
        // An id that was told to be gone and is in the table was inserted again: the table is right.
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
        _ rows: PostgresRows, _ pools: inout RevokedPools, _ batch: inout Batch, _ isEntry: (Int) -> Bool
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

    /// The entry of a row; nil where it cannot be understood.
    static func entry(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> Revocations.Entry? {
        guard let digest = digest(rows, row, columns[1]), let id = number(rows, row, columns[0]),
            let issuedBefore = number(rows, row, columns[2]), let expires = number(rows, row, columns[3])
        else { return nil }
        return Revocations.Entry(digest: digest, id: id, issuedBefore: issuedBefore, expires: expires)
    }

    /// A whole number; nil for NULL and for anything else.
    static func number(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Int64? {
        rows.withBytes(row, column) { $0.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }
    }

    private static func digest(_ rows: PostgresRows, _ row: Int, _ column: Int) -> Revocations.Digest? {
        rows.withBytes(row, column) { $0.flatMap { Revocations.Digest(hexadecimal: $0) } }
    }
}
