-- What gateways of earlier versions write and read goes on as before: they run beside newer ones while these replace them.
BEGIN;
INSERT INTO poolgate.instances AS i
    (instance, host_name, version, started_at, seen_at, snapshot, tenants, quarantined, pools, full_snapshot)
VALUES ('earlier', 'h', '1', now(), now(), pg_current_snapshot(), 1, 0, 1, pg_current_snapshot())
ON CONFLICT (instance) DO UPDATE SET
    host_name = excluded.host_name, version = excluded.version, started_at = excluded.started_at,
    seen_at = excluded.seen_at, snapshot = excluded.snapshot, tenants = excluded.tenants,
    quarantined = excluded.quarantined, pools = excluded.pools, full_snapshot = excluded.full_snapshot;
INSERT INTO poolgate.pool_health AS h (instance, region, pool_id, state, detail, keys, key_ids, since,
    succeeded_at, attempted_at, next_attempt_at, updated_at)
VALUES ('earlier', 'eu-west-1', 'eu-west-1_a', 'ready', NULL, 1, '{k}', now(), now(), now(), now(), now())
ON CONFLICT (instance, region, pool_id) DO UPDATE SET keys = excluded.keys, key_ids = excluded.key_ids;
SELECT pg_temp.holds((heartbeat, draining, confirmed_at IS NULL) = (interval '60 seconds', false, true),
    'it promises what it keeps: one sign of life a minute') FROM poolgate.instances WHERE instance = 'earlier';
-- Its reads of changes look at the history of hosts; entries about keys have none.
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'k');
DELETE FROM poolgate.withdrawn_keys;
SELECT pg_temp.holds(count(*) = 0, 'no host is told') FROM poolgate.tenant_history
    WHERE operation IN ('delete', 'truncate') AND host IS NOT NULL AND changed = pg_current_xact_id();
ROLLBACK;
