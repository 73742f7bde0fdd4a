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

    /// Columns of any length; the others are short whatever stands in them.
    private static let longColumns: Set = [
        "region", "pool_id", "additional_regions", "upstream", "client_ids", "token_uses", "required_groups",
        "required_scopes", "status", "upstream_ca", "websockets", "second_region", "second_pool_id",
        "claim_headers", "header_profile", "cookie_name", "query_parameter", "cors_origins", "rules",
    ]

    /// What a tenant `t` with its `rules` is read as.
    ///
    /// A row too large to be served comes with nothing but its host, so that it never has to fit into memory: NULL in
    /// a column that cannot be NULL says so. Such a row, and a host that no request can name, get past the triggers and
    /// checks only by somebody who switched them off. An interval is read in seconds, whatever the session's style of
    /// printing it.
    private static let columnList = columns.map { column in
        switch column {
        case "host":
            "CASE WHEN octet_length(t.host) <= 253 THEN t.host ELSE left(t.host, 60) || '...' || md5(t.host) END AS host"
        case "websocket_grace", "max_token_age": "extract(epoch FROM t.\(column))::bigint AS \(column)"
        case let column where longColumns.contains(column):
            "CASE WHEN size.fits THEN t.\(column) END AS \(column)"
        default: "t.\(column)"
        }
    }.joined(separator: ", ")

    /// OFFSET keeps the planner from measuring anew for each column.
    private static let size =
        "(SELECT "
        + longColumns.sorted().map { "coalesce(octet_length(t.\($0)::text), 0)" }.joined(separator: " + ")
        + " <= \(Limits.rowBytes) AS fits OFFSET 0) size"

    /// One row: whether the table of migrations is there; the catalogue tells that to everybody.
    static let hasSchema = PostgresStatement(
        """
        SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'poolgate' AND c.relname = 'migrations') AS present
        """)

    /// One row: the version of the newest migration; NULL where there is none.
    static let schemaVersion = PostgresStatement("SELECT max(version) AS version FROM poolgate.migrations")

    /// Announces `token` to this gateway itself.
    static func echo(_ token: String) -> PostgresStatement {
        PostgresStatement("SELECT pg_notify($1, $2)", [.text(echoChannel), .text(token)])
    }

    /// One row: the process that answers.
    static let backend = PostgresStatement("SELECT pg_backend_pid() AS backend")

    /// One row, `ReadPoint`: what is seen now, who answers, and the marks by which it shows that another server
    /// answers than before, or that the tables are others: when the server started, the database, and of each table its
    /// identity, its file (another one after TRUNCATE) and the transaction that last defined it.
    static let point = PostgresStatement("SELECT \(pointColumns)")

    private static let pointColumns = """
        pg_current_snapshot()::text AS snapshot, pg_backend_pid() AS backend,
        concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
            (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()),
            (SELECT string_agg(concat_ws(':', c.oid, c.relfilenode, c.xmin), ' ' ORDER BY c.oid) FROM \(tables)))
            AS place,
        (extract(epoch FROM coalesce(current_setting('idle_session_timeout', true), '0')::interval) * 1000)::bigint
            AS idle_milliseconds
        """

    private static let tables = """
        pg_class c WHERE c.relname IN ('tenants', 'rules', 'revocations')
            AND c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'poolgate')
        """

    /// A read point, and how many rows were ever written to the tables: whoever wrote them, with triggers or without.
    /// Before Postgres 15 that number costs too much to be asked for.
    static func ping(serverVersion: Int) -> PostgresStatement {
        let written =
            serverVersion < 150_000
            ? "NULL::bigint"
            : """
            (SELECT sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
                + pg_stat_get_tuples_deleted(c.oid)) FROM \(tables))::bigint
            """
        return PostgresStatement("SELECT \(pointColumns), \(written) AS written")
    }

    // MARK: Everything

    /// How many tenants and revocations there are, in one row.
    static let counts = PostgresStatement(
        """
        SELECT (SELECT count(*) FROM poolgate.tenants) AS tenants,
            (SELECT count(*) FROM poolgate.revocation_entries WHERE \(unexpired)) AS revocations
        """)

    /// Every tenant with its rules.
    static let everyTenant = PostgresStatement(
        """
        SELECT \(columnList) FROM (SELECT * FROM poolgate.tenants LEFT JOIN poolgate.tenant_rules USING (host)) t
            CROSS JOIN LATERAL \(size)
        """)

    /// Every revocation, in the order of ids, by which it shows that none came twice.
    static let everyRevocation = PostgresStatement(
        "SELECT \(revocationColumnList) FROM poolgate.revocation_entries WHERE \(unexpired) ORDER BY id")

    private static let unexpired = "expires_at > date_part('epoch', now())"

    // MARK: Changes

    /// What was written since a snapshot that an earlier read returned, by its stamp.
    ///
    /// The first condition is what the index serves, the second is exact: a transaction that began before the earlier
    /// read and committed after it is found by it. A stamp that no transaction of this server can have yet came from
    /// another one, by a dump or a subscription; it says nothing about when.
    private static let unseen = """
        changed >= pg_snapshot_xmin($1::pg_snapshot)
            AND changed < pg_snapshot_xmax(pg_current_snapshot())
            AND NOT pg_visible_in_snapshot(changed, $1::pg_snapshot)
        """

    /// Few rows match, whatever a table's statistics of before its last change say.
    static let byIndex = PostgresStatement("SET LOCAL enable_seqscan = off")

    /// Hosts whose rows may have changed, each with its row as it is now, or NULLs where there is none.
    ///
    /// What the stamps and the history say is a hint where to look, never what happened: a host deleted and inserted
    /// again, in whatever order and in whatever cluster, is there.
    static func hintedTenants(since snapshot: String) -> PostgresStatement {
        PostgresStatement(
            """
            WITH hints AS MATERIALIZED (
                SELECT host FROM poolgate.tenants WHERE \(unseen)
                UNION
                SELECT host FROM poolgate.tenant_history
                    WHERE operation IN ('delete', 'truncate') AND host IS NOT NULL AND \(unseen)
                LIMIT \(Limits.rowsReadAsChanges + 1))
            SELECT hints.host AS hinted, \(columnList)
            FROM hints LEFT JOIN LATERAL (
                SELECT t.*, (SELECT v.rules FROM poolgate.tenant_rules v WHERE v.host = t.host) AS rules
                FROM poolgate.tenants t WHERE t.host = hints.host) t ON true
            CROSS JOIN LATERAL \(size)
            """, [.text(snapshot)])
    }

    /// Revocations that may have been lifted, each with the entry as it is now, or NULLs where there is none.
    static func hintedRevocations(since snapshot: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT l.id AS hinted, encode(l.digest, 'hex') AS hinted_digest, r.*
            FROM (
                SELECT id, digest FROM poolgate.lifted_revocations WHERE id IS NOT NULL AND \(unseen)
                LIMIT \(Limits.rowsReadAsChanges + 1)) l
            LEFT JOIN LATERAL (
                SELECT \(revocationColumnList) FROM poolgate.revocation_entries e WHERE e.id = l.id) r ON true
            """, [.text(snapshot)])
    }

    /// Revocations that came or changed, a batch of them behind a position in the order of `changed` and `id`.
    static func writtenRevocations(since snapshot: String, after position: RevocationPosition)
        -> PostgresStatement
    {
        PostgresStatement(
            """
            SELECT \(revocationColumnList), changed::text AS changed FROM poolgate.revocation_entries
            WHERE \(unseen) AND (changed, id) > ($2::xid8, $3::bigint)
            ORDER BY revocation_entries.changed, id LIMIT \(Limits.revocationsReadAtOnce)
            """, [.text(snapshot), .text(position.changed), .integer(position.id)])
    }

    // MARK: Revocations

    /// The columns of an entry.
    static let revocationColumns = ["id", "digest", "issued_before", "expires_at", "region", "pool_id"]

    private static let revocationColumnList =
        "id, encode(digest, 'hex') AS digest, issued_before, expires_at, region, pool_id"
}
