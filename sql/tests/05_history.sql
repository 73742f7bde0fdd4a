-- Every change stands in the history, once, with who made it; nobody writes it by hand.
SET application_name = 'history test';
SET poolgate.actor = 'joe@example.com';
SELECT coalesce(max(id), 0) AS start FROM poolgate.tenant_history \gset
SELECT pg_current_snapshot() AS last \gset

INSERT INTO poolgate.tenants (host, region, pool_id)
    VALUES ('a.hist.example', 'eu-west-1', 'eu-west-1_a'), ('b.hist.example', 'eu-west-1', 'eu-west-1_a');
SELECT pg_temp.holds(count(*) = 2 AND bool_and(
    operation = 'insert' AND before IS NULL AND after ->> 'pool_id' = 'eu-west-1_a' AND role_name = session_user
    AND application_name = 'history test' AND actor = 'joe@example.com'), 'an INSERT is recorded')
    FROM poolgate.tenant_history WHERE id > :start;

UPDATE poolgate.tenants SET status = status WHERE host LIKE '%.hist.example';
SELECT pg_temp.holds(count(*) = 2, 'an UPDATE that changes nothing is not recorded') FROM poolgate.tenant_history WHERE id > :start;
UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'a.hist.example';
SELECT pg_temp.holds(count(*) = 1 AND bool_and(before ->> 'status' = 'active' AND after ->> 'status' = 'suspended'),
    'an UPDATE is recorded with both sides')
    FROM poolgate.tenant_history WHERE id > :start AND operation = 'update';

INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('b.hist.example', 'eu-west-1', 'eu-west-1_b'), ('c.hist.example', 'eu-west-1', 'eu-west-1_c')
    ON CONFLICT (host) DO UPDATE SET pool_id = excluded.pool_id;
SELECT pg_temp.holds(array_agg(operation || ' ' || host ORDER BY host) = '{update b.hist.example,insert c.hist.example}',
    'an upsert is recorded as what it did to each row')
    FROM (SELECT * FROM poolgate.tenant_history ORDER BY id DESC LIMIT 2) h;

UPDATE poolgate.tenants SET host = 'd.hist.example' WHERE host = 'c.hist.example';
SELECT pg_temp.holds(array_agg(operation || ' ' || host ORDER BY host) = '{delete c.hist.example,insert d.hist.example}',
    'a host renamed is one gone and one come')
    FROM (SELECT * FROM poolgate.tenant_history ORDER BY id DESC LIMIT 2) h;

DELETE FROM poolgate.tenants WHERE host LIKE '%.hist.example';
SELECT pg_temp.holds(array_agg(DISTINCT host ORDER BY host) =
    '{a.hist.example,b.hist.example,c.hist.example,d.hist.example}', 'deletions are found by snapshot')
    FROM poolgate.tenant_history WHERE operation = 'delete'
    AND changed >= pg_snapshot_xmin(:'last') AND NOT pg_visible_in_snapshot(changed, :'last');
UPDATE poolgate.tenants SET status = 'active' WHERE host = 'no.such.host';
SELECT pg_temp.holds((SELECT count(*) FROM poolgate.tenant_history WHERE host = 'no.such.host') = 0,
    'a statement without rows is not recorded');

BEGIN;
TRUNCATE poolgate.tenants CASCADE;
SELECT pg_temp.holds(operation = 'truncate' AND host IS NULL AND changed = pg_current_xact_id(), 'TRUNCATE is recorded')
    FROM poolgate.tenant_history ORDER BY id DESC LIMIT 1;
ROLLBACK;

SELECT pg_temp.fails($$INSERT INTO poolgate.tenant_history (operation, host) VALUES ('delete', 'x')$$, '42501', '%by triggers alone');
SELECT pg_temp.fails($$UPDATE poolgate.tenant_history SET role_name = 'nobody'$$, '42501', '%by triggers alone');
SELECT pg_temp.fails($$SELECT poolgate.prune_history('59 minutes')$$, '23514', 'the last hour%', '%at least ''1 hour''%');
SELECT pg_temp.fails($$SELECT poolgate.prune_history(NULL)$$, '23514', 'the last hour%');
SELECT pg_temp.holds(poolgate.prune_history('1 hour') = 0, 'what is younger stays');
BEGIN;
ALTER TABLE poolgate.tenant_history DISABLE TRIGGER guard_history;
UPDATE poolgate.tenant_history SET recorded_at = now() - interval '61 minutes' WHERE host = 'a.hist.example';
SELECT pg_temp.holds(poolgate.prune_history('1 hour') = 3, 'what is older goes');
ROLLBACK;
