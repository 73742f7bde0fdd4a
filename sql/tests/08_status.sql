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
ROLLBACK;
DELETE FROM poolgate.tenants WHERE host LIKE '%.status.example';
