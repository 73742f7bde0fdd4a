import Postgres

/// The SQL by which many tenants are written at once.
enum TransferQueries {
    /// Inserts rows, or sets the columns of those that are there already, and leaves alone those that hold the values. Returns
    /// each row that was written, and before it whether it is new. Each array holds one column of all rows.
    static func upsert(_ columns: [TableColumn], _ values: [[String?]]) -> PostgresStatement {
        let names = columns.map(\.name).joined(separator: ", ")
        let arrays = columns.indices.map { "$\($0 + 1)::text[]" }.joined(separator: ", ")
        let places = columns.indices.map { "v\($0)" }.joined(separator: ", ")
        let casts = columns.enumerated().map { "v.v\($0)::\($1.kind.rawValue)" }.joined(separator: ", ")
        let others = columns.filter { $0.name != "host" }
        let sets = others.map { "\($0.name) = excluded.\($0.name)" }.joined(separator: ", ")
        let old = others.map { "t.\($0.name)" }.joined(separator: ", ")
        let new = others.map { "excluded.\($0.name)" }.joined(separator: ", ")
        return PostgresStatement(
            """
            INSERT INTO poolgate.tenants AS t (\(names))
            SELECT \(casts) FROM unnest(\(arrays)) AS v (\(places))
            ON CONFLICT (host) DO UPDATE SET \(sets) WHERE ROW(\(old)) IS DISTINCT FROM ROW(\(new))
            RETURNING t.xmax = 0, \(RowQueries.list(RowTable.tenants.columns, of: "t"))
            """, values.map { .texts($0) })
    }

    /// The rows of these hosts, as far as there are any.
    static func rows(of hosts: [String]) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(RowQueries.list(RowTable.tenants.columns, of: "t")) FROM poolgate.tenants t
            WHERE t.host = ANY ($1::text[])
            """, [.texts(hosts)])
    }

    /// Begins a part of the transaction that can be taken back alone.
    static let mark = PostgresStatement("SAVEPOINT part")
    /// Keeps that part.
    static let keep = PostgresStatement("RELEASE SAVEPOINT part")
    /// Takes that part back.
    static let takeBack = PostgresStatement("ROLLBACK TO SAVEPOINT part")
}
