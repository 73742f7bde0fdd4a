import Postgres

/// Finds every bad line of a file that cannot be imported, up to a bound.
///
/// Each part of the file is tried within a savepoint, and halved where the database refuses it, until single lines are left
/// that it refuses. Nothing of it stays.
struct BadLineSearch {
    let connection: PostgresConnection
    let actor: String

    /// What was found.
    struct Found {
        /// The bad lines, in their order.
        var lines: [BadLine] = []
        /// Whether there are no others.
        var isComplete = true
    }

    /// Why the search ended early.
    enum Stop: Error {
        case database(PostgresError)
        case unreadable(ImportSource.Flaw)
    }

    /// Whether an error says that a row is bad, and not that something else went wrong: by its SQLSTATE, a data exception, a
    /// constraint that is violated, or what a trigger raises.
    static func isFaultOfRow(_ error: PostgresError) -> Bool {
        guard case .refused(let refusal) = error else { return false }
        return ["22", "23", "P0"].contains(refusal.sqlState.prefix(2))
    }

    /// Reads the file from its beginning, and tries each of its tenants.
    func run(_ source: ImportSource) async throws(Stop) -> Found {
        var (reader, batch, found) = (ImportReader(), ImportBatch(), Found())
        var bar = ProgressBar("bytes searched for bad lines", total: source.bytes)
        do throws(ImportSource.Flaw) {
            try source.rewind()
        } catch {
            throw .unreadable(error)
        }
        do throws(PostgresError) {
            var transaction = try await AdminTransaction.begin(on: connection, .readWrite, actor: actor)
            while true {
                // A file that could be read a moment ago is at its end where it cannot be now.
                let bytes = (try? source.read()) ?? []
                for line in bytes.isEmpty ? reader.finish() : reader.read(bytes) {
                    switch line {
                    case .bad(let bad): found.add(bad)
                    case .row(let row): batch.add(row)
                    }
                    if batch.isFull {
                        try await judge(batch.take()[...], reader.columns, &transaction, &found)
                    }
                }
                bar.advance(by: bytes.count)
                if bytes.isEmpty || !found.isComplete { break }
            }
            try await judge(batch.take()[...], reader.columns, &transaction, &found)
            try await transaction.rollBack()
        } catch {
            throw .database(error)
        }
        found.lines.sort { $0.line < $1.line }
        return found
    }

    /// Tries tenants together, and each half of them where they are refused together.
    private func judge(
        _ rows: ArraySlice<ImportRow>, _ columns: [TableColumn], _ transaction: inout AdminTransaction,
        _ found: inout Found
    ) async throws(PostgresError) {
        guard !rows.isEmpty, found.isComplete else { return }
        _ = try await transaction.run(TransferQueries.mark)
        let refusal: PostgresRefusal
        do throws(PostgresError) {
            _ = try await transaction.run(ImportBatch.upsert(rows, columns))
            _ = try await transaction.run(TransferQueries.keep)
            return
        } catch {
            guard BadLineSearch.isFaultOfRow(error), case .refused(let reason) = error else { throw error }
            refusal = reason
        }
        _ = try await transaction.run(TransferQueries.takeBack)
        guard rows.count > 1 else {
            for row in rows {
                found.add(BadLine(line: row.line, sentences: DatabaseComplaint.sentences(refusal)))
            }
            return
        }
        let middle = rows.startIndex + rows.count / 2
        try await judge(rows[..<middle], columns, &transaction, &found)
        try await judge(rows[middle...], columns, &transaction, &found)
    }
}

extension BadLineSearch.Found {
    /// Notes a bad line, unless there are as many as are told.
    fileprivate mutating func add(_ line: BadLine) {
        guard lines.count < Limits.badLinesTold else {
            isComplete = false
            return
        }
        lines.append(line)
    }
}
