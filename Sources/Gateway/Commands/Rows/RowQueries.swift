import Postgres

/// The SQL by which commands read and write single rows: what an admin would type, with a parameter for every value. Names of
/// tables and columns come from `RowTable` alone.
enum RowQueries {
    /// The first statement of a transaction: who is behind it, for the history, and how values are printed.
    static func begin(actor: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT set_config('poolgate.actor', $1, true), set_config('TimeZone', 'UTC', true),
                set_config('DateStyle', 'ISO, MDY', true), set_config('IntervalStyle', 'postgres', true)
            """, [.text(actor)])
    }

    /// What waits for the commit is judged now, so that a trial judges it as well.
    static let judgeNow = PostgresStatement("SET CONSTRAINTS ALL IMMEDIATE")

    /// The select list for columns of the row that `alias` stands for.
    static func list(_ columns: [TableColumn], of alias: String) -> String {
        columns.map { column in
            let name = "\(alias).\(column.name)"
            return switch column.kind {
            case .time: "CASE WHEN isfinite(\(name)) THEN (extract(epoch FROM \(name)) * 1000)::bigint END"
            case .text, .list, .json, .boolean, .integer, .interval: name
            }
        }.joined(separator: ", ")
    }

    /// The row of a table by its key, locked until the transaction ends where `locked`.
    static func row(of table: RowTable, key: String, locked: Bool = false) -> PostgresStatement {
        PostgresStatement(
            "SELECT \(list(table.columns, of: "t")) FROM poolgate.\(table.name) t WHERE \(keyIs(table, "$1"))"
                + (locked ? " FOR UPDATE" : ""), [.text(key)])
    }

    /// Inserts a row with these values, and returns it.
    static func insert(
        into table: RowTable, _ values: [(column: TableColumn, text: String?)]
    ) -> PostgresStatement {
        let names = values.map(\.column.name).joined(separator: ", ")
        let places = values.enumerated().map { "$\($0 + 1)::\($1.column.kind.rawValue)" }
        return PostgresStatement(
            """
            INSERT INTO poolgate.\(table.name) AS t (\(names)) VALUES (\(places.joined(separator: ", ")))
            RETURNING \(list(table.columns, of: "t"))
            """, values.map { .text($0.text) })
    }

    /// Sets columns of the row with this key, and no others, and returns it.
    static func update(
        _ table: RowTable, key: String, _ values: [(column: TableColumn, text: String?)]
    ) -> PostgresStatement {
        let places = values.enumerated().map {
            "\($1.column.name) = $\($0 + 2)::\($1.column.kind.rawValue)"
        }
        return PostgresStatement(
            """
            UPDATE poolgate.\(table.name) AS t SET \(places.joined(separator: ", ")) WHERE \(keyIs(table, "$1"))
            RETURNING \(list(table.columns, of: "t"))
            """, [.text(key)] + values.map { .text($0.text) })
    }

    /// Deletes the row with this key, and returns it as it was.
    static func delete(from table: RowTable, key: String) -> PostgresStatement {
        PostgresStatement(
            """
            DELETE FROM poolgate.\(table.name) AS t WHERE \(keyIs(table, "$1"))
            RETURNING \(list(table.columns, of: "t"))
            """, [.text(key)])
    }

    /// How many gateways serve a host's row and rules as they are now; refused where not all of them do in this time.
    static func waitUntilLive(host: String, milliseconds: Int64) -> PostgresStatement {
        PostgresStatement(
            "SELECT poolgate.wait_until_live($1, $2::bigint * interval '1 millisecond')",
            [.text(host), .integer(milliseconds)])
    }

    /// The first column is the key of every table.
    private static func keyIs(_ table: RowTable, _ place: String) -> String {
        table.columns.first.map { "t.\($0.name) = \(place)::\($0.kind.rawValue)" } ?? "false"
    }
}
