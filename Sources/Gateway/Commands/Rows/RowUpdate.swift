import ArgumentParser
import Postgres

/// The change of columns of rows, for every command that does nothing else.
enum RowUpdate {
    /// Sets the columns of all rows with these keys in one transaction, and prints what that changed.
    ///
    /// Each row is locked, so that what is shown as before is what the UPDATE found; only the columns named are written.
    static func run(
        _ keys: [String], of table: RowTable, _ assignments: Assignments, _ words: CommandWords,
        _ options: WriteOptions, _ output: OutputOptions
    ) async throws {
        let written = try await AdminDatabase.write(try words.readSettings(), options) {
            transaction throws(PostgresError) in
            var changes: [RowChange] = []
            for key in keys {
                let found = try await transaction.run(RowQueries.row(of: table, key: key, locked: true))
                guard found.count > 0 else { return .missing(table, key: key) }
                let updated = try await transaction.run(
                    RowQueries.update(table, key: key, assignments.values))
                changes.append(
                    RowChange(
                        table, before: StoredRow(found, 0, columns: table.columns),
                        after: StoredRow(updated, 0, columns: table.columns)))
            }
            return .done(changes, until: .host(changes.first.flatMap { $0.difference.after?["host"] } ?? ""))
        }
        WriteReport(written, isTrial: options.dryRun).show(output)
    }
}
