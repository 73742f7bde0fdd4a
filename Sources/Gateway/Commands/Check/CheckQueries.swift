import Postgres

/// The SQL by which `poolgate check` finds out what the gateway's user may do, and what is switched off. All of it reads
/// catalogues alone, which every user may.
enum CheckQueries {
    /// What the gateway reads and writes: relation and privilege.
    static let needs: [(relation: String, privilege: String)] =
        [
            "migrations", "tenants", "tenant_rules", "revocation_entries", "lifted_revocations",
            "withdrawn_keys",
            "tenant_history", "replicas",
        ].map { ($0, "SELECT") }
        + ["instances", "pool_health", "tenant_quarantine"].flatMap { relation in
            ["SELECT", "INSERT", "UPDATE", "DELETE"].map { (relation, $0) }
        }

    /// One row: the user, its server's version, whether it may use the schema, the server's clock in seconds since 1970,
    /// and what triggers see as the role of replication.
    static let session = PostgresStatement(
        """
        SELECT current_user AS name, current_setting('server_version') AS version,
            (SELECT has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace n WHERE n.nspname = 'poolgate') AS usage,
            floor(extract(epoch FROM clock_timestamp()))::bigint AS clock,
            current_setting('session_replication_role') AS replication
        """)

    /// One row for each privilege of `needs` that the user lacks, in the order of `needs`. Relations that are not there are
    /// left out: the schema's version tells of those.
    static let lacking = PostgresStatement(
        """
        SELECT w.relation, w.privilege
        FROM (VALUES \(needs.enumerated().map { "(\($0), '\($1.relation)', '\($1.privilege)')" }.joined(separator: ", ")))
            AS w(place, relation, privilege)
        JOIN pg_class c ON c.relname = w.relation
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'poolgate'
        WHERE NOT has_table_privilege(c.oid, w.privilege)
        ORDER BY w.place
        """)

    /// One row for each trigger of the schema that is off, or that only a replica's session would fire.
    static let silentTriggers = PostgresStatement(
        """
        SELECT c.relname AS relation, g.tgname AS name
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'poolgate' AND NOT g.tgisinternal AND g.tgenabled IN ('D', 'R')
        ORDER BY c.relname, g.tgname
        """)

    /// One row for each table of the schema that has row security: whether it would keep rows from this user, or from the
    /// owner, by whose rights the views read.
    static let rowSecurity = PostgresStatement(
        """
        SELECT c.relname AS relation, row_security_active(c.oid) OR c.relforcerowsecurity AS hides
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'poolgate' AND c.relkind IN ('r', 'p') AND c.relrowsecurity
        ORDER BY c.relname
        """)
}
