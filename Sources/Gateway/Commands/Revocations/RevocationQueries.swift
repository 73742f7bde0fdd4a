import Postgres

/// The SQL by which commands write and read revocations.
enum RevocationQueries {
    /// Inserts an entry, and returns it. Times that are nil are the table's own.
    static func insert(
        poolID: String, of target: RevocationTarget, issuedBefore: RevocationTime?, expires: RevocationTime?,
        reason: String?
    ) -> PostgresStatement {
        var columns = ["region", "pool_id", "reason"]
        var places = ["split_part($1, '_', 1)", "$1", "$2::text"]
        var parameters: [PostgresValue] = [.text(poolID), .text(reason)]
        func add(_ column: String, _ place: (String) -> String, _ value: PostgresValue) {
            parameters.append(value)
            columns.append(column)
            places.append(place("$\(parameters.count)"))
        }
        if let column = target.column { add(column, { "\($0)::text" }, .text(target.id)) }
        for (column, time, sign) in [("issued_before", issuedBefore, "-"), ("expires_at", expires, "+")] {
            switch time {
            case .at(let text): add(column, { "\($0)::timestamptz" }, .text(text))
            case .away(let milliseconds):
                add(
                    column, { "now() \(sign) \($0)::bigint * interval '1 millisecond'" },
                    .integer(milliseconds))
            case nil: break
            }
        }
        return PostgresStatement(
            """
            INSERT INTO poolgate.revocations AS t (\(columns.joined(separator: ", ")))
            VALUES (\(places.joined(separator: ", ")))
            RETURNING \(RowQueries.list(RowTable.revocations.columns, of: "t"))
            """, parameters)
    }

    /// The entries that have not ended, of one pool where that is given, the latest first.
    static func entries(poolID: String?, atMost count: Int) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(RowQueries.list(RowTable.revocations.columns, of: "t")) FROM poolgate.revocations t
            WHERE t.expires_at > now() AND ($1::text IS NULL OR t.pool_id = $1) ORDER BY t.id DESC LIMIT $2::bigint
            """, [.text(poolID), .integer(count)])
    }

    /// The id of the transaction under way, which `liveness` asks gateways about.
    static let transaction = PostgresStatement("SELECT pg_current_xact_id()::text")

    /// How many gateways there are, and how many of them have read what a transaction wrote.
    static func liveness(of transaction: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT count(*), count(*) FILTER (WHERE pg_visible_in_snapshot($1::xid8, i.snapshot))
            FROM poolgate.instances i WHERE i.seen_at > clock_timestamp() - 3 * i.heartbeat
            """, [.text(transaction)])
    }
}
