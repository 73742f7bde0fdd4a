-- What an admin reads of each tenant at each running gateway.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES
    ('ready.status.example', 'eu-west-1', 'eu-west-1_ready'), ('failing.status.example', 'eu-west-1', 'eu-west-1_failing'),
    ('new.status.example', 'eu-west-1', 'eu-west-1_new'), ('bad.status.example', 'eu-west-1', 'eu-west-1_bad');
SELECT pg_temp.holds(count(*) = 4 AND bool_and(instance IS NULL AND state = 'waiting' AND detail LIKE 'no gateway%'),
    'without a gateway every tenant waits') FROM poolgate.tenant_status WHERE host LIKE '%.status.example';
BEGIN;
INSERT INTO poolgate.tenants (host, region, pool_id, status)
    VALUES ('off.status.example', 'eu-west-1', 'eu-west-1_ready', 'suspended');
INSERT INTO poolgate.instances (instance, host_name, version, started_at, seen_at, snapshot) VALUES
    ('current', 'h', '1', now(), now(), pg_current_snapshot()),
    ('starting', 'h', '1', now(), now(), NULL),
    ('gone', 'h', '1', now(), now() - interval '181 seconds', pg_current_snapshot());
INSERT INTO poolgate.pool_health (instance, region, pool_id, state, detail, keys) VALUES
    ('current', 'eu-west-1', 'eu-west-1_ready', 'ready', NULL, 2),
    ('current', 'eu-west-1', 'eu-west-1_failing', 'failing', 'connection refused', 0);
INSERT INTO poolgate.tenant_quarantine (instance, host, detail) VALUES ('current', 'bad.status.example', 'a newer rule');
SELECT pg_temp.holds(array_agg(DISTINCT instance ORDER BY instance) = '{current,starting}', 'a silent gateway is not shown')
    FROM poolgate.tenant_status;
SELECT pg_temp.holds(bool_and(state = 'waiting'), 'a gateway without a directory serves nothing')
    FROM poolgate.tenant_status WHERE instance = 'starting';
SELECT pg_temp.holds(string_agg(split_part(host, '.', 1) || ' ' || state || ' ' || coalesce(detail, '-') || ' ' || keys, '; ' ORDER BY host)
    = 'bad quarantined a newer rule 0; failing failing connection refused 0; '
    || 'new waiting the pool''s keys have not been asked for yet 0; off waiting this gateway has not reported the row''s latest version yet 2; '
    || 'ready ready - 2', 'each state is told')
    FROM poolgate.tenant_status WHERE instance = 'current' AND host LIKE '%.status.example';
UPDATE poolgate.instances SET snapshot = '1000000000:1000000000:' WHERE instance = 'current';
SELECT pg_temp.holds(state = 'suspended', 'a suspended tenant is told') FROM poolgate.tenant_status
    WHERE instance = 'current' AND host = 'off.status.example';

-- At all of them: the worst is told, and how many serve the latest version.
SELECT pg_temp.holds((state, live_on, "of", reported_by) = ('waiting', 1, 2, 'starting'), 'one of two serves the row')
    FROM poolgate.tenant_summary WHERE host = 'ready.status.example';
UPDATE poolgate.instances SET snapshot = '1000000000:1000000000:' WHERE instance = 'starting';
INSERT INTO poolgate.pool_health (instance, region, pool_id, state, detail, keys, key_ids, succeeded_at) VALUES
    ('starting', 'eu-west-1', 'eu-west-1_ready', 'ready', NULL, 2, '{k1,k2}', now() - interval '90 seconds');
SELECT pg_temp.holds((state, live_on, "of", keys) = ('ready', 2, 2, 2) AND detail IS NULL, 'both serve it')
    FROM poolgate.tenant_summary WHERE host = 'ready.status.example';
SELECT pg_temp.holds((key_ids, keys_age, live) = ('{k1,k2}'::text[], interval '90 seconds', true), 'keys and their age are told')
    FROM poolgate.tenant_status WHERE host = 'ready.status.example' AND instance = 'starting';
SELECT pg_temp.holds((state, detail, reported_by) = ('quarantined', 'a newer rule', 'current'), 'the worst is told, and where')
    FROM poolgate.tenant_summary WHERE host = 'bad.status.example';

-- A second pool counts as much as the first; a withdrawn key is none, and a pool without any other fails.
UPDATE poolgate.tenants SET second_region = 'eu-west-1', second_pool_id = 'eu-west-1_failing' WHERE host = 'ready.status.example';
UPDATE poolgate.instances SET snapshot = '1000000000:1000000000:';
SELECT pg_temp.holds((state, detail) = ('failing', 'second pool: connection refused'), 'the second pool fails: ' || detail)
    FROM poolgate.tenant_status WHERE host = 'ready.status.example' AND instance = 'current';
UPDATE poolgate.tenants SET second_region = NULL, second_pool_id = NULL WHERE host = 'ready.status.example';
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_ready', 'k1');
SELECT pg_temp.holds((state, keys, withdrawn_key_ids) = ('ready', 1, '{k1}'::text[]), 'a withdrawn key is not counted')
    FROM poolgate.tenant_status WHERE host = 'ready.status.example' AND instance = 'starting';
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_ready', 'k2');
SELECT pg_temp.holds((state, keys, detail) = ('failing', 0, 'every key of the pool is withdrawn'), 'none is left')
    FROM poolgate.tenant_status WHERE host = 'ready.status.example' AND instance = 'starting';

-- Replicas, each by the heartbeat that it promised; one of an earlier version promised nothing, and has three minutes.
UPDATE poolgate.instances SET heartbeat = '5 seconds', confirmed_at = now() - interval '2 seconds',
    seen_at = now() - CASE instance WHEN 'current' THEN interval '14 seconds' ELSE interval '16 seconds' END WHERE instance <> 'gone';
INSERT INTO poolgate.instances (instance, host_name, version, started_at, seen_at, snapshot, draining) VALUES
    ('earlier', 'h', '1', now(), now() - interval '2 minutes', pg_current_snapshot(), false),
    ('leaving', 'h', '1', now(), now(), pg_current_snapshot(), true), ('new', 'h', '1', now(), now(), NULL, false);
SELECT pg_temp.holds(string_agg(concat_ws(' ', instance, state, failing_pools), ', ' ORDER BY instance) =
    'current serving 1, earlier serving 0, gone silent 0, leaving draining 0, new starting 0, starting silent 0', 'replicas are told: '
    || string_agg(concat_ws(' ', instance, state, failing_pools), ', ' ORDER BY instance)) FROM poolgate.replicas;
SELECT pg_temp.holds((heartbeat_age, directory_age) = (interval '14 seconds', interval '2 seconds'), 'with their ages')
    FROM poolgate.replicas WHERE instance = 'current';
SELECT pg_temp.holds("of" = 4, 'silent ones are not counted') FROM poolgate.tenant_summary WHERE host = 'new.status.example';
SELECT pg_temp.fails($$UPDATE poolgate.instances SET heartbeat = '1 day'$$, '23514', '%instances_heartbeat_check%');
ROLLBACK;
DELETE FROM poolgate.tenants WHERE host LIKE '%.status.example';
