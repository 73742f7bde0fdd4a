import Postgres

/// Tenants that are written by one statement.
struct ImportBatch {
    private(set) var rows: [ImportRow] = []
    private var bytes = 0

    /// Whether one more would be too many.
    var isFull: Bool { rows.count >= Limits.importRowsAtOnce || bytes >= Limits.importBytesAtOnce }

    /// Adds a tenant.
    mutating func add(_ row: ImportRow) {
        rows.append(row)
        bytes += row.texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    }

    /// Takes all of them out.
    mutating func take() -> [ImportRow] {
        defer { self = ImportBatch() }
        return rows
    }

    /// The statement that writes tenants.
    static func upsert(_ rows: some Collection<ImportRow>, _ columns: [TableColumn]) -> PostgresStatement {
        TransferQueries.upsert(columns, columns.indices.map { index in rows.map { $0.texts[index] } })
    }
}
