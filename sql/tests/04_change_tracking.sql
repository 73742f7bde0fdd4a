-- `changed` and `updated_at` belong to the trigger; a read by snapshot finds exactly what later transactions wrote.
BEGIN;
INSERT INTO poolgate.tenants (host, region, pool_id, changed, updated_at)
    VALUES ('a.track.example', 'eu-west-1', 'eu-west-1_a', '3', '2001-01-01'),
           ('b.track.example', 'eu-west-1', 'eu-west-1_a', '3', '2001-01-01');
SELECT pg_temp.holds(changed = pg_current_xact_id() AND updated_at = now(), 'a writer cannot set changed or updated_at')
    FROM poolgate.tenants WHERE host LIKE '%.track.example';
COMMIT;
SELECT pg_current_snapshot() AS last \gset
SELECT created_at AS created, updated_at AS updated FROM poolgate.tenants WHERE host = 'a.track.example' \gset

SELECT pg_temp.holds(count(*) = 0, 'nothing has changed since') FROM poolgate.tenants
    WHERE changed >= pg_snapshot_xmin(:'last') AND NOT pg_visible_in_snapshot(changed, :'last');
UPDATE poolgate.tenants SET host = host, created_at = '2001-01-01', updated_at = '2001-01-01', changed = '3'
    WHERE host = 'a.track.example';
SELECT pg_temp.holds(updated_at = :'updated' AND created_at = :'created', 'an UPDATE that changes nothing leaves the times')
    FROM poolgate.tenants WHERE host = 'a.track.example';
SELECT pg_temp.holds(array_agg(host) = '{a.track.example}', 'a touched row is found')
    FROM poolgate.tenants WHERE changed >= pg_snapshot_xmin(:'last') AND NOT pg_visible_in_snapshot(changed, :'last');
UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'a.track.example';
SELECT pg_temp.holds(updated_at > :'updated', 'an UPDATE with a change moves updated_at')
    FROM poolgate.tenants WHERE host = 'a.track.example';

-- A subtransaction's rows carry the transaction that commits.
BEGIN;
SAVEPOINT inner_one;
UPDATE poolgate.tenants SET status = 'active' WHERE host = 'b.track.example';
RELEASE inner_one;
SELECT pg_temp.holds(changed = pg_current_xact_id(), 'a subtransaction is not a transaction') FROM poolgate.tenants
    WHERE host = 'b.track.example';
COMMIT;

-- The index answers, so that a read of nothing costs nothing.
SET enable_seqscan = off;
DO $$
DECLARE
    plan text := '';
    line text;
BEGIN
    FOR line IN EXPLAIN SELECT host FROM poolgate.tenants
        WHERE changed >= pg_snapshot_xmin('10:20:10'::pg_snapshot)
        AND NOT pg_visible_in_snapshot(changed, '10:20:10'::pg_snapshot)
    LOOP
        plan := plan || line || E'\n';
    END LOOP;
    PERFORM pg_temp.holds(plan LIKE '%tenants_changed%Index Cond: (changed >=%', 'the index on changed is used: ' || plan);
END
$$;
DELETE FROM poolgate.tenants WHERE host LIKE '%.track.example';
