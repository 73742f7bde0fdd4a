import Postgres

/// The SQL by which tenants, rules and revocations are read, and changes heard of.
enum DirectoryQueries {
    /// The channel on which the tables' triggers notify that something changed. They do not say what.
    static let channel = "poolgate"
    /// The channel on which a gateway notifies itself, to find out whether notifications arrive.
    static let echoChannel = "poolgate_echo"

    /// The columns of a tenant, in the order of `PackedRow.Column`.
    static let columns = [
        "host", "region", "pool_id", "additional_regions", "upstream", "client_ids", "token_uses",
        "required_groups",
        "required_scopes", "allow_unverified_email", "status", "upstream_ca", "max_body_bytes", "websockets",
        "at_expiry", "expiry_grace", "second_region", "second_pool_id", "claim_headers", "header_profile",
        "forward_token",
        "cookie_name", "query_parameter", "cors_origins", "allow_preflights", "max_token_age", "assertion",
        "assertion_audience", "rules",
    ]

    /// The columns that can be of any length. The others are short whatever they hold.
    private static let longColumns: Set = [
        "region", "pool_id", "additional_regions", "upstream", "client_ids", "token_uses", "required_groups",
        "required_scopes", "status", "upstream_ca", "at_expiry", "second_region", "second_pool_id",
        "claim_headers", "header_profile", "cookie_name", "query_parameter", "cors_origins",
        "assertion_audience", "rules",
    ]

    /// The select list for a tenant `t` with its `rules`.
    ///
    /// Of a row that is too large to be served, only the host and short columns are read, so that the row never has to fit
    /// into memory: `region` is NULL then, which it cannot be otherwise. A host that is longer than any host name is cut.
    /// Both kinds of row get into the table only while its triggers and checks are switched off. Intervals are read as
    /// whole seconds, because how Postgres prints them depends on a setting.
    private static let columnList = columns.map { column in
        switch column {
        case "host":
            "CASE WHEN octet_length(t.host) <= 253 THEN t.host ELSE left(t.host, 60) || '...' || md5(t.host) END AS host"
        case "expiry_grace", "max_token_age": "extract(epoch FROM t.\(column))::bigint AS \(column)"
        case let column where longColumns.contains(column):
            "CASE WHEN size.fits THEN t.\(column) END AS \(column)"
        default: "t.\(column)"
        }
    }.joined(separator: ", ")

    /// Whether the row fits. OFFSET 0 keeps the planner from computing the size anew for each column.
    private static let size =
        "(SELECT "
        + longColumns.sorted().map { "coalesce(octet_length(t.\($0)::text), 0)" }.joined(separator: " + ")
        + " <= \(Limits.rowBytes) AS fits OFFSET 0) size"

    /// Notifies this gateway itself, with `token` as payload.
    static func echo(_ token: String) -> PostgresStatement {
        PostgresStatement("SELECT pg_notify($1, $2)", [.text(echoChannel), .text(token)])
    }

    /// One row: the number of the server process that answers.
    static let backend = PostgresStatement("SELECT pg_backend_pid() AS backend")

    /// One row, which `ReadPoint` reads: what is visible now, which process answers, and marks that differ where another
    /// server answers or the tables are others: when the server started, the database, and of each table its identity, its
    /// file (which TRUNCATE replaces) and the transaction that last defined it.
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

    /// The same row, with the number of rows that were ever written to the tables, whether triggers saw it or not. Before
    /// Postgres 15 that number costs too much, and is NULL.
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

    /// Every revocation, in the order of their ids, so that the reader notices one that comes twice.
    static let everyRevocation = PostgresStatement(
        "SELECT \(revocationColumnList) FROM poolgate.revocation_entries WHERE \(unexpired) ORDER BY id")

    private static let unexpired = "expires_at > date_part('epoch', now())"

    // MARK: Changes

    /// The condition for rows that were written after an earlier read, whose `pg_snapshot` is `$1`. A row's stamp
    /// `changed` is the id of the transaction that wrote it.
    ///
    /// The first two conditions let an index be used; the third is exact, and also finds a transaction that began before
    /// the earlier read and committed after it. Rows that were restored from a dump or replicated from another server can
    /// have stamps which this server has not reached yet; those say nothing about when the row was written, and are left
    /// out.
    private static let unseen = """
        changed >= pg_snapshot_xmin($1::pg_snapshot)
            AND changed < pg_snapshot_xmax(pg_current_snapshot())
            AND NOT pg_visible_in_snapshot(changed, $1::pg_snapshot)
        """

    /// Makes the server use an index: few rows match, whatever outdated statistics of the table say.
    static let byIndex = PostgresStatement("SET LOCAL enable_seqscan = off")

    /// The hosts whose rows may have changed, each with its row as it is now, or NULLs where there is none.
    ///
    /// Stamps and history only say where to look. What the table holds now is what counts, so that a host which was
    /// deleted and inserted again is there, in whatever order its history tells that.
    static func hintedTenants(since visibility: String) -> PostgresStatement {
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
            """, [.text(visibility)])
    }

    /// The revocations that may have been lifted, each with its entry as it is now, or NULLs where there is none.
    static func hintedRevocations(since visibility: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT l.id AS hinted, encode(l.digest, 'hex') AS hinted_digest, r.*
            FROM (
                SELECT id, digest FROM poolgate.lifted_revocations WHERE id IS NOT NULL AND \(unseen)
                LIMIT \(Limits.rowsReadAsChanges + 1)) l
            LEFT JOIN LATERAL (
                SELECT \(revocationColumnList) FROM poolgate.revocation_entries e WHERE e.id = l.id) r ON true
            """, [.text(visibility)])
    }

    /// The next revocations that came or changed, in the order of `changed` and `id`, after `position`.
    static func writtenRevocations(since visibility: String, after position: RevocationPosition)
        -> PostgresStatement
    {
        PostgresStatement(
            """
            SELECT \(revocationColumnList), changed::text AS changed FROM poolgate.revocation_entries
            WHERE \(unseen) AND (changed, id) > ($2::xid8, $3::bigint)
            ORDER BY revocation_entries.changed, id LIMIT \(Limits.revocationsReadAtOnce)
            """, [.text(visibility), .text(position.changed), .integer(position.id)])
    }

    // MARK: Withdrawn keys

    /// The columns of a withdrawn key.
    static let withdrawnKeyColumns = ["region", "pool_id", "kid", "at", "reason"]

    /// Every withdrawn key. They are few, so that each read reads all of them, and none can be missed.
    static let withdrawnKeys = PostgresStatement(
        """
        SELECT region, pool_id, kid, left(reason, \(Limits.withdrawalReasonCharacters)) AS reason,
            to_char(withdrawn_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at
        FROM poolgate.withdrawn_keys LIMIT \(Limits.withdrawnKeys + 1)
        """)

    // MARK: Revocations

    /// The columns of a revocation.
    static let revocationColumns = ["id", "digest", "issued_before", "expires_at", "region", "pool_id"]

    private static let revocationColumnList =
        "id, encode(digest, 'hex') AS digest, issued_before, expires_at, region, pool_id"
}
