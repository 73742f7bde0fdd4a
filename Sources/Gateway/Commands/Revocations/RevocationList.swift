import Postgres

/// The revocations that have not ended, as they are printed.
enum RevocationList {
    /// Prints those of a pool, or of all where that is nil, the latest first.
    static func show(poolID: String?, _ settings: Settings, _ output: OutputOptions) async throws {
        let most = output.isJSON ? Limits.revocationsAsJSON : Limits.revocationsListed
        let rows = try await AdminDatabase.read(settings) { transaction throws(PostgresError) in
            let rows = try await transaction.run(
                RevocationQueries.entries(poolID: poolID, atMost: most + 1))
            return (0..<rows.count).map { StoredRow(rows, $0, columns: RowTable.revocations.columns) }
        }
        if output.isJSON {
            var array = RowListing.JSONArray()
            for row in rows.prefix(most) { array.add(row.json) }
            array.finish()
        } else {
            Output.table(
                TextTable(
                    ["ID", "POOL", "REFUSED", "ISSUED BEFORE", "ENDS", "BY", "REASON"],
                    rows: rows.prefix(most).map(line)))
        }
        if rows.count > most {
            Output.complaint(
                "there are more than \(most): narrow them with --pool, or read poolgate.revocations")
        }
    }

    private static func line(_ row: StoredRow) -> [String] {
        let target = RevocationTarget(row)
        let before =
            switch target {
            case .originJTI, .jti: "-"
            case .subject, .client, .wholePool: RowListing.time(row.time("issued_before"))
            }
        return [
            row["id"] ?? "-", row["pool_id"] ?? "-", target.words, before,
            RowListing.time(row.time("expires_at")), row["created_by"] ?? "-", row["reason"] ?? "-",
        ]
    }
}
