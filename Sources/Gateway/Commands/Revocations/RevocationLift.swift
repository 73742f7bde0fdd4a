import ArgumentParser
import Postgres

/// The lifting of revocations: tokens that have not expired are good again.
enum RevocationLift {
    /// Deletes the entries with these ids in one transaction, and prints what they were.
    static func run(
        _ ids: [String], _ settings: Settings, _ options: WriteOptions, _ output: OutputOptions
    ) async throws {
        for id in ids where Int64(id) == nil {
            Output.complaint(
                "\(Printable.value(id)) is no entry's id, which is a number: 'poolgate revoke --list' shows them"
            )
            throw ExitCode.usage
        }
        let written = try await AdminDatabase.write(settings, options) { transaction throws(PostgresError) in
            var changes: [RowChange] = []
            for id in ids {
                let rows = try await transaction.run(RowQueries.delete(from: .revocations, key: id))
                guard rows.count > 0 else { return .missing(.revocations, key: id) }
                let row = StoredRow(rows, 0, columns: RowTable.revocations.columns)
                changes.append(RowChange(.revocations, before: row, after: nil))
            }
            let id = try await transaction.run(RevocationQueries.transaction).text(0, 0) ?? ""
            return .done(changes, until: .transaction(id))
        }
        WriteReport(written, isTrial: options.dryRun).show(output)
    }
}
