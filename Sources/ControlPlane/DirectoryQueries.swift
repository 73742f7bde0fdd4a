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
        "websocket_grace", "second_region", "second_pool_id", "claim_headers", "header_profile",
        "forward_token",
        "cookie_name", "query_parameter", "cors_origins", "allow_preflights", "max_token_age", "rules",
    ]

    /// An interval is read in seconds, whatever the session's style of printing it.
    private static let columnList = columns.map { column in
        ["websocket_grace", "max_token_age"].contains(column)
            ? "extract(epoch FROM \(column))::bigint AS \(column)" : column
    }.joined(separator: ", ")

    /// One row: whether the table of migrations is there.
    static let hasSchema = PostgresStatement(
        "SELECT to_regclass('poolgate.migrations') IS NOT NULL AS present")

    /// One row: the version of the newest migration; NULL where there is none.
    static let schemaVersion = PostgresStatement("SELECT max(version) AS version FROM poolgate.migrations")

    /// Compiling a query takes longer than any of these; the estimates that would have it compiled are wrong.
    static let withoutCompiling = PostgresStatement("SET jit = off")

    static let ping = PostgresStatement("SELECT 1 AS alive")

    /// Announces `token` to this gateway itself.
    static func echo(_ token: String) -> PostgresStatement {
        PostgresStatement("SELECT pg_notify($1, $2)", [.text(echoChannel), .text(token)])
    }

    /// For one snapshot transaction: the snapshot, every tenant, how many revocations there are, and a cursor over them.
    ///
    /// The cursor outlives the transaction, so that a million revocations of this snapshot can be fetched in pages.
    static let everything = [
        PostgresStatement("SELECT pg_current_snapshot()::text AS snapshot"),
        PostgresStatement(
            "SELECT \(columnList) FROM poolgate.tenants LEFT JOIN poolgate.tenant_rules USING (host)"),
        PostgresStatement("SELECT count(*) FROM poolgate.revocation_entries"),
        // One that a read which failed left behind.
        PostgresStatement("CLOSE ALL"),
        PostgresStatement(
            """
            DECLARE poolgate_revocations NO SCROLL CURSOR WITH HOLD FOR
                SELECT \(revocationColumnList) FROM poolgate.revocation_entries
                WHERE expires_at > date_part('epoch', now())
            """),
    ]

    /// The next page of the cursor; one with fewer rows is the last.
    static let nextRevocations = PostgresStatement(
        "FETCH \(Limits.revocationsReadAtOnce) FROM poolgate_revocations")

    static let endOfRevocations = PostgresStatement("CLOSE poolgate_revocations")

    /// For one snapshot transaction: the snapshot, hosts that went (NULL for TRUNCATE), rows that came or changed,
    /// revocations that went, those that came or changed; each since `snapshot`, which an earlier read returned.
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
            // Few rows match, whatever a table's statistics of before its last change say.
            PostgresStatement("SET LOCAL enable_seqscan = off"),
            PostgresStatement(
                """
                SELECT CASE operation WHEN 'delete' THEN host END AS host FROM poolgate.tenant_history
                    WHERE operation IN ('delete', 'truncate') AND \(unseen)
                """, [.text(snapshot)]),
            // A subquery, not a join, so that only the rules of those rows are looked at.
            PostgresStatement(
                """
                SELECT \(columnList) FROM (
                    SELECT *, (SELECT v.rules FROM poolgate.tenant_rules v WHERE v.host = t.host) AS rules
                    FROM poolgate.tenants t WHERE \(unseen)) t
                """, [.text(snapshot)]),
            PostgresStatement(
                """
                SELECT id, encode(digest, 'hex') AS digest FROM poolgate.lifted_revocations WHERE \(unseen)
                    LIMIT \(Limits.rowsReadAsChanges + 1)
                """, [.text(snapshot)]),
            PostgresStatement(
                """
                SELECT \(revocationColumnList) FROM poolgate.revocation_entries WHERE \(unseen)
                    LIMIT \(Limits.rowsReadAsChanges + 1)
                """, [.text(snapshot)]),
        ]
    }

    // MARK: Revocations

    /// The columns of an entry.
    static let revocationColumns = ["id", "digest", "issued_before", "expires_at", "region", "pool_id"]

    private static let revocationColumnList =
        "id, encode(digest, 'hex') AS digest, issued_before, expires_at, region, pool_id"
}
