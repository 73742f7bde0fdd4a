import Postgres

/// One import: all of a file's tenants in one transaction, or a list of the lines that are bad.
///
/// The file is read and written part by part. At the first bad line everything is taken back, and the file is read once more,
/// this time only to find every bad line (`BadLineSearch`). So what goes well needs no savepoints, and its rows are stamped
/// like those of an admin.
struct ImportRun {
    let connection: PostgresConnection
    let options: WriteOptions

    /// What came of it.
    enum Outcome {
        case written(ImportTally)
        case bad(BadLineSearch.Found)
        /// The file cannot be read.
        case unreadable(ImportSource.Flaw)
    }

    /// Why the first reading ended early.
    private enum Stop: Error {
        /// At a line that is bad; the error is the database's, where it was the database that said so.
        case badLine(PostgresError?)
        case database(PostgresError)
        case unreadable(ImportSource.Flaw)
    }

    /// Imports a file.
    func run(_ source: ImportSource) async throws(PostgresError) -> Outcome {
        var transaction = try await AdminTransaction.begin(
            on: connection, .readWrite, actor: options.actorName)
        switch await write(source, &transaction) {
        case .success(let tally):
            try await transaction.end(isTrial: options.dryRun)
            return .written(tally)
        case .failure(.database(let error)): throw error
        case .failure(.unreadable(let flaw)): return .unreadable(flaw)
        case .failure(.badLine(let refusal)):
            try await transaction.rollBack()
            let search = BadLineSearch(connection: connection, actor: options.actorName)
            let found: BadLineSearch.Found
            do throws(BadLineSearch.Stop) {
                found = try await search.run(source)
            } catch {
                switch error {
                case .database(let error): throw error
                case .unreadable(let flaw): return .unreadable(flaw)
                }
            }
            // What was refused before is refused no more, because somebody else changed something meanwhile.
            if found.lines.isEmpty, let refusal { throw refusal }
            return .bad(found)
        }
    }

    /// Writes every tenant of the file, up to the first bad line.
    private func write(
        _ source: ImportSource, _ transaction: inout AdminTransaction
    ) async -> Result<ImportTally, Stop> {
        var (reader, batch, tally) = (ImportReader(), ImportBatch(), ImportTally())
        var bar = ProgressBar("bytes imported", total: source.bytes)
        do throws(Stop) {
            while true {
                let bytes = try ImportRun.bytes(source)
                for line in bytes.isEmpty ? reader.finish() : reader.read(bytes) {
                    guard case .row(let row) = line else { throw .badLine(nil) }
                    batch.add(row)
                    if batch.isFull { try await flush(&batch, reader.columns, &transaction, &tally) }
                }
                bar.advance(by: bytes.count)
                if bytes.isEmpty { break }
            }
            try await flush(&batch, reader.columns, &transaction, &tally)
            return .success(tally)
        } catch {
            return .failure(error)
        }
    }

    private static func bytes(_ source: ImportSource) throws(Stop) -> [UInt8] {
        do throws(ImportSource.Flaw) {
            return try source.read()
        } catch {
            throw .unreadable(error)
        }
    }

    /// Writes the tenants of a batch, and counts what became of them.
    private func flush(
        _ batch: inout ImportBatch, _ columns: [TableColumn], _ transaction: inout AdminTransaction,
        _ tally: inout ImportTally
    ) async throws(Stop) {
        let rows = batch.take()
        guard !rows.isEmpty else { return }
        do throws(PostgresError) {
            var before: [String: StoredRow] = [:]
            if options.dryRun, tally.changes.count < Limits.importChangesShown {
                let hosts = rows.compactMap { row in
                    columns.firstIndex { $0.name == "host" }.flatMap { row.texts[$0] }
                }
                for row in ImportTally.rows(
                    try await transaction.run(TransferQueries.rows(of: hosts)), from: 0)
                {
                    before[row["host"] ?? ""] = row
                }
            }
            let written = try await transaction.run(ImportBatch.upsert(rows, columns))
            try tally.count(written, of: rows.count, before: options.dryRun ? before : nil)
        } catch {
            throw BadLineSearch.isFaultOfRow(error) ? .badLine(error) : .database(error)
        }
    }
}
