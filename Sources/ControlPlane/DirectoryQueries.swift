import Postgres

/// Every SQL text by which tenants are read.
enum DirectoryQueries {
    /// The channel on which the tables' triggers announce that something changed, never what.
    static let channel = "poolgate"
    /// The channel on which a gateway hears itself, to learn whether LISTEN works.
    static let echoChannel = "poolgate_echo"

    /// The columns of a row's content, in the order of `PackedRow.Column`.
    static let columns = [
        "host", "region", "pool_id", "additional_regions", "upstream", "client_ids", "token_uses",
        "required_groups",
        "required_scopes", "allow_unverified_email", "status", "upstream_ca", "max_body_bytes", "websockets",
        "websocket_grace",
    ]

    /// An interval is read in seconds, whatever the session's style of printing it.
    private static let columnList = columns.map { column in
        column == "websocket_grace" ? "extract(epoch FROM \(column))::bigint AS \(column)" : column
    }.joined(separator: ", ")

    /// One row: whether the table of migrations is there.
    static let hasSchema = PostgresStatement(
        "SELECT to_regclass('poolgate.migrations') IS NOT NULL AS present")

    /// One row: the version of the newest migration; NULL where there is none.
    static let schemaVersion = PostgresStatement("SELECT max(version) AS version FROM poolgate.migrations")

    static let ping = PostgresStatement("SELECT 1 AS alive")

    /// Announces `token` to this gateway itself.
    static func echo(_ token: String) -> PostgresStatement {
        PostgresStatement("SELECT pg_notify($1, $2)", [.text(echoChannel), .text(token)])
    }

    /// For one snapshot transaction: the snapshot, then every row.
    static let everything = [
        PostgresStatement("SELECT pg_current_snapshot()::text AS snapshot"),
        PostgresStatement("SELECT \(columnList) FROM poolgate.tenants"),
    ]

    /// For one snapshot transaction: the snapshot, hosts that went (NULL for TRUNCATE), rows that came or changed;
    /// each since `snapshot`, which an earlier read returned.
    ///
    /// The first condition is what the index serves, the second is exact: a transaction that began before the
    /// earlier read and committed after it is found by it.
    static func changes(since snapshot: String) -> [PostgresStatement] {
        let unseen = """
            changed >= pg_snapshot_xmin($1::pg_snapshot)
                AND NOT pg_visible_in_snapshot(changed, $1::pg_snapshot)
            """
        return [
            PostgresStatement("SELECT pg_current_snapshot()::text AS snapshot"),
            PostgresStatement(
                """
                SELECT CASE operation WHEN 'delete' THEN host END AS host FROM poolgate.tenant_history
                    WHERE operation IN ('delete', 'truncate') AND \(unseen)
                """, [.text(snapshot)]),
            PostgresStatement(
                "SELECT \(columnList) FROM poolgate.tenants WHERE \(unseen)", [.text(snapshot)]),
        ]
    }
}
