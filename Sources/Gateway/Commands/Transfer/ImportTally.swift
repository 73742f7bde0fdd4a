import Postgres

/// What became of the lines of a file that is imported.
struct ImportTally {
    private(set) var inserted = 0
    private(set) var updated = 0
    private(set) var unchanged = 0
    /// Of a trial what would change, up to a bound.
    private(set) var changes: [RowChange] = []
    /// A host that was written, for which gateways can be waited.
    private(set) var host: String?

    /// How many tenants the file has.
    var total: Int { inserted + updated + unchanged }

    /// Counts what an upsert of `count` rows returned. `before` are the rows as they were, where changes are to be kept.
    mutating func count(
        _ written: PostgresRows, of count: Int, before: [String: StoredRow]?
    ) throws(PostgresError) {
        for row in 0..<written.count {
            if try written.boolean(row, 0) == true { inserted += 1 } else { updated += 1 }
        }
        unchanged += count - written.count
        let rows = ImportTally.rows(written, from: 1)
        host = rows.last?["host"] ?? host
        guard let before else { return }
        for row in rows.prefix(Limits.importChangesShown - changes.count) {
            changes.append(RowChange(.tenants, before: before[row["host"] ?? ""], after: row))
        }
    }

    /// The tenants of a result, whose columns begin at `first`.
    static func rows(_ rows: PostgresRows, from first: Int) -> [StoredRow] {
        (0..<rows.count).map { StoredRow(rows, $0, columns: RowTable.tenants.columns, from: first) }
    }
}
