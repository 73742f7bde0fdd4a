import Gatekeeper
import Postgres

/// The SQL by which a person withdraws keys and lifts that, and sees how many gateways have heard of it.
enum WithdrawnKeyQueries {
    /// The pools of which a gateway holds a key of this name, two at most: more than one is not clear.
    static func holders(of keyID: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT DISTINCT p.region, p.pool_id FROM poolgate.pool_health p
            WHERE $1 = ANY (p.key_ids) ORDER BY p.region, p.pool_id LIMIT 2
            """, [.text(keyID)])
    }

    /// The pools whose key of this name is withdrawn, two at most.
    static func withdrawn(_ keyID: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT k.region, k.pool_id FROM poolgate.withdrawn_keys k
            WHERE k.kid = $1 ORDER BY k.region, k.pool_id LIMIT 2
            """, [.text(keyID)])
    }

    /// The first statement of a transaction: who is behind it, for the history.
    static func actor(_ actor: String) -> PostgresStatement {
        PostgresStatement("SELECT set_config('poolgate.actor', $1, true)", [.text(actor)])
    }

    /// Withdraws a key; of one that is withdrawn already, the reason is replaced where there is a new one. One row: the
    /// transaction, since when, and the reason that stands there now.
    static func withdrawing(_ keyID: String, of pool: PoolName, reason: String?) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO poolgate.withdrawn_keys AS k (region, pool_id, kid, reason) VALUES ($1, $2, $3, $4)
            ON CONFLICT (region, pool_id, kid) DO UPDATE SET reason = coalesce(excluded.reason, k.reason)
            RETURNING k.changed::text AS changed,
                to_char(k.withdrawn_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, k.reason
            """,
            [
                .text(pool.region.description), .text(pool.poolID.description), .text(keyID), .text(reason),
            ])
    }

    /// Lifts a withdrawal. One row as above; none where the key was not withdrawn.
    static func lifting(_ keyID: String, of pool: PoolName) -> PostgresStatement {
        PostgresStatement(
            """
            DELETE FROM poolgate.withdrawn_keys k WHERE k.region = $1 AND k.pool_id = $2 AND k.kid = $3
            RETURNING pg_current_xact_id()::text AS changed,
                to_char(k.withdrawn_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, k.reason
            """, [.text(pool.region.description), .text(pool.poolID.description), .text(keyID)])
    }

    /// One row: how many gateways live, and how many of them serve what the transaction wrote. One of a version that does
    /// not read withdrawn keys is never among the latter.
    static func reach(of transaction: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT count(*) FILTER (WHERE i.confirmed_at IS NOT NULL
                AND coalesce(pg_visible_in_snapshot($1::xid8, i.snapshot), false)) AS live_on, count(*) AS of
            FROM poolgate.instances i WHERE i.seen_at > now() - 3 * i.heartbeat
            """, [.text(transaction)])
    }
}
