import Gatekeeper
import JOSE
import Postgres

/// The SQL by which a gateway writes its health into the database. None of it sends a notification.
enum HealthQueries {
    /// The gateway that reports.
    struct Reporter: Sendable {
        /// The name of this run of the program, which no other has.
        let instance: String
        let hostName: String
        let version: String
        let startedAt: Instant
    }

    /// What every sign of life tells besides.
    struct Life: Sendable {
        /// How long ago the directory was known to be what the database holds, by this machine's clock; nil before that.
        /// Instants are made of it by the database's clock, which all gateways share.
        let directoryAge: Duration?
        let isDraining: Bool
    }

    /// Removes what an earlier gateway of this name has left.
    static func removingLeftovers(_ instance: String) -> [PostgresStatement] {
        [
            PostgresStatement("DELETE FROM poolgate.pool_health WHERE instance = $1", [.text(instance)]),
            PostgresStatement(
                "DELETE FROM poolgate.tenant_quarantine WHERE instance = $1", [.text(instance)]),
        ]
    }

    /// Removes gateways that have been silent for long, and with each all that it wrote. What another gateway removes
    /// already is left to it. A gateway that lives all the same finds its row gone, and writes everything anew.
    static func removingDead(besides instance: String) -> PostgresStatement {
        PostgresStatement(
            """
            DELETE FROM poolgate.instances i USING (
                SELECT d.instance FROM poolgate.instances d
                WHERE d.seen_at < now() - greatest($2::text::interval, 3 * d.heartbeat) AND d.instance <> $1
                FOR UPDATE SKIP LOCKED) dead
            WHERE i.instance = dead.instance
            """, [.text(instance), .text(interval(Limits.deadAfter))])
    }

    /// Removes this gateway, and with it all that it wrote.
    static func removing(_ instance: String) -> PostgresStatement {
        PostgresStatement("DELETE FROM poolgate.instances WHERE instance = $1", [.text(instance)])
    }

    /// Writes that this gateway lives, and which rows it serves: those visible in its `pg_snapshot`.
    static func writingStatus(_ reporter: Reporter, _ status: DirectoryStatus, _ life: Life)
        -> PostgresStatement
    {
        PostgresStatement(
            """
            INSERT INTO poolgate.instances AS i
                (instance, host_name, version, started_at, seen_at, snapshot, full_snapshot, tenants, quarantined, pools,
                heartbeat, confirmed_at, draining)
            VALUES ($1, $2, $3, to_timestamp($4::float8), now(), $5::pg_snapshot, $6::pg_snapshot, $7::int, $8::int,
                $9::int, $10::text::interval, now() - $11::text::interval, $12::boolean)
            ON CONFLICT (instance) DO UPDATE SET
                host_name = excluded.host_name, version = excluded.version, started_at = excluded.started_at,
                seen_at = excluded.seen_at, snapshot = excluded.snapshot, full_snapshot = excluded.full_snapshot,
                tenants = excluded.tenants, quarantined = excluded.quarantined, pools = excluded.pools,
                heartbeat = excluded.heartbeat, confirmed_at = excluded.confirmed_at, draining = excluded.draining
            """,
            [
                .text(reporter.instance), .text(reporter.hostName), .text(reporter.version),
                .text(seconds(reporter.startedAt)), .text(status.visibility), .text(status.fullVisibility),
                .integer(status.tenants), .integer(status.quarantined.count), .integer(status.pools),
                .text(interval(Limits.heartbeatInterval)), .text(life.directoryAge.map(interval)),
                .boolean(life.isDraining),
            ])
    }

    /// Writes that this gateway lives, and up to when it has read: an update of one row that no index knows of. One row
    /// comes back; none where somebody removed this gateway.
    static func heartbeat(_ instance: String, _ status: DirectoryStatus, _ life: Life) -> PostgresStatement {
        PostgresStatement(
            """
            UPDATE poolgate.instances SET seen_at = now(), snapshot = $2::pg_snapshot, full_snapshot = $3::pg_snapshot,
                confirmed_at = now() - $4::text::interval, draining = $5::boolean
            WHERE instance = $1 RETURNING true AS lives
            """,
            [
                .text(instance), .text(status.visibility), .text(status.fullVisibility),
                .text(life.directoryAge.map(interval)), .boolean(life.isDraining),
            ])
    }

    /// Writes the statuses of pools.
    static func writing(_ instance: String, _ pools: some Sequence<PoolStatus>) -> PostgresStatement {
        let columns: [(PoolStatus) -> String?] = [
            { $0.pool.region.description }, { $0.pool.poolID.description }, { $0.state.rawValue },
            { $0.error.map(detail) },
            { TextArray.encoded($0.keyIDs.map(\.description)) },
            { seconds($0.since) }, { $0.lastSuccess.map(seconds) }, { $0.lastAttempt.map(seconds) },
            { $0.nextAttempt.map(seconds) },
        ]
        let all = Array(pools)
        return PostgresStatement(
            """
            INSERT INTO poolgate.pool_health AS h (instance, region, pool_id, state, detail, keys, key_ids, keys_since,
                since, succeeded_at, attempted_at, next_attempt_at, updated_at)
            SELECT $1, p.region, p.pool_id, p.state, p.detail, cardinality(p.key_ids::text[]), p.key_ids::text[],
                array_fill(now(), ARRAY[cardinality(p.key_ids::text[])]),
                to_timestamp(p.since::float8), to_timestamp(p.succeeded::float8), to_timestamp(p.attempted::float8),
                to_timestamp(p.next::float8), now()
            FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[])
                AS p(region, pool_id, state, detail, key_ids, since, succeeded, attempted, next)
            ON CONFLICT (instance, region, pool_id) DO UPDATE SET
                state = excluded.state, detail = excluded.detail, keys = excluded.keys, key_ids = excluded.key_ids,
                keys_since = ARRAY(
                    SELECT coalesce(h.keys_since[array_position(h.key_ids, k.kid)], now())
                    FROM unnest(excluded.key_ids) WITH ORDINALITY k (kid, place) ORDER BY k.place),
                since = excluded.since, succeeded_at = excluded.succeeded_at, attempted_at = excluded.attempted_at,
                next_attempt_at = excluded.next_attempt_at, updated_at = excluded.updated_at
            """, [.text(instance)] + columns.map { column in .texts(all.map(column)) })
    }

    /// Removes pools that no tenant names any more.
    static func removing(_ instance: String, _ pools: [PoolName]) -> PostgresStatement {
        PostgresStatement(
            """
            DELETE FROM poolgate.pool_health WHERE instance = $1
                AND (region, pool_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
            """,
            [
                .text(instance), .texts(pools.map(\.region.description)),
                .texts(pools.map(\.poolID.description)),
            ])
    }

    /// Writes which rows cannot be served, and removes those that can.
    static func writingQuarantine(_ instance: String, _ rows: [String: RowFlaw]) -> [PostgresStatement] {
        let hosts = rows.keys.sorted()
        let parameters: [PostgresValue] = [.text(instance), .texts(hosts)]
        return [
            PostgresStatement(
                "DELETE FROM poolgate.tenant_quarantine WHERE instance = $1 AND host <> ALL ($2::text[])",
                parameters),
            PostgresStatement(
                """
                INSERT INTO poolgate.tenant_quarantine AS q (instance, host, detail)
                SELECT $1, r.host, r.detail FROM unnest($2::text[], $3::text[]) AS r(host, detail)
                ON CONFLICT (instance, host) DO UPDATE SET detail = excluded.detail, since = now()
                    WHERE q.detail <> excluded.detail
                """, parameters + [.texts(hosts.map { rows[$0].map { detail($0.description) } })]),
        ]
    }

    /// A time as Postgres reads it.
    private static func interval(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        return "\(seconds) seconds \(attoseconds / 1_000_000_000_000_000) milliseconds"
    }

    /// Seconds since 1970, for `to_timestamp`.
    private static func seconds(_ instant: Instant) -> String {
        String(Double(instant.nanoseconds) / 1e9)
    }

    /// A sentence as the database can take it: bounded, and without NUL bytes.
    private static func detail(_ sentence: String) -> String {
        String(
            String.UnicodeScalarView(
                sentence.unicodeScalars.filter { $0 != "\0" }.prefix(Limits.healthDetailCharacters)))
    }
}
