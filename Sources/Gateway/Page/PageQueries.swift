import Postgres

/// The SQL by which the status page reads what only the database knows. None of it takes a lock that others wait for.
enum PageQueries {
    /// Every gateway, one row each: instance, host name, version, state, nanoseconds since 1970 at which it started and was
    /// seen last, seconds since its directory was confirmed, tenants, rows that it cannot serve, pools, those of them that
    /// fail, and whether this one writes it.
    static func replicas(_ instance: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT r.instance, r.host_name, r.version, r.state, (extract(epoch FROM r.started_at) * 1e9)::bigint,
                (extract(epoch FROM r.seen_at) * 1e9)::bigint, extract(epoch FROM r.directory_age)::bigint,
                r.tenants, r.quarantined, r.pools, r.failing_pools, r.instance = $1
            FROM poolgate.replicas r ORDER BY r.state = 'silent', r.host_name, r.instance LIMIT $2::int
            """, [.text(instance), .integer(Limits.replicasShown)])
    }

    /// The latest changes of a host's row and rules, the newest first: nanoseconds since 1970, table, operation, who, by
    /// which program, and what differs, a line a column.
    static func history(_ host: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT (extract(epoch FROM h.recorded_at) * 1e9)::bigint, h.table_name, h.operation,
                coalesce(h.actor || ' as ', '') || h.role_name, h.application_name,
                (SELECT string_agg(left(c.line, 400), E'\\n' ORDER BY c.key COLLATE "C") FROM (
                    SELECT k.key, CASE
                        WHEN h.before IS NULL THEN k.key || ': ' || (h.after -> k.key)::text
                        WHEN h.after IS NULL THEN k.key || ': ' || (h.before -> k.key)::text
                        ELSE k.key || ': ' || coalesce((h.before -> k.key)::text, 'null') || ' → '
                            || coalesce((h.after -> k.key)::text, 'null') END AS line
                    FROM jsonb_object_keys(coalesce(h.before, '{}') || coalesce(h.after, '{}')) AS k(key)
                    WHERE h.before -> k.key IS DISTINCT FROM h.after -> k.key
                        AND k.key NOT IN ('created_at', 'updated_at', 'host')
                        AND (h.before IS NOT NULL AND h.after IS NOT NULL
                            OR coalesce(h.before -> k.key, h.after -> k.key) <> 'null')) c)
            FROM poolgate.tenant_history h WHERE h.host = $1 ORDER BY h.id DESC LIMIT $2::int
            """, [.text(host), .integer(Limits.changesShown)])
    }
}
