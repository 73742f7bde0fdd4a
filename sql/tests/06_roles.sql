-- The gateway's role reads tenants and writes health; the admin's writes tenants; nobody else does anything.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('role.example', 'eu-west-1', 'eu-west-1_a');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;

BEGIN;
SET LOCAL ROLE poolgate_gateway;
SELECT pg_temp.holds(count(*) = 1, 'the gateway reads tenants') FROM poolgate.tenants WHERE host = 'role.example';
SELECT count(*) FROM poolgate.migrations;
SELECT * FROM poolgate.tenant_history WHERE host = 'role.example';
SELECT * FROM poolgate.tenant_status LIMIT 1;
SELECT * FROM poolgate.tenant_summary LIMIT 1;
SELECT * FROM poolgate.replicas LIMIT 1;
SELECT * FROM poolgate.withdrawn_keys LIMIT 1;
INSERT INTO poolgate.instances (instance, host_name, version, started_at) VALUES ('i', 'h', '1', now());
INSERT INTO poolgate.pool_health (instance, region, pool_id, state) VALUES ('i', 'eu-west-1', 'eu-west-1_a', 'ready');
INSERT INTO poolgate.tenant_quarantine (instance, host, detail) VALUES ('i', 'role.example', 'why');
UPDATE poolgate.instances SET seen_at = now();
DELETE FROM poolgate.instances WHERE instance = 'i';
SELECT pg_temp.fails($$INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('x', 'eu-west-1', 'eu-west-1_a')$$, '42501', '%');
SELECT pg_temp.fails($$UPDATE poolgate.tenants SET status = 'suspended'$$, '42501', '%');
SELECT pg_temp.fails($$DELETE FROM poolgate.tenants$$, '42501', '%');
SELECT pg_temp.fails($$TRUNCATE poolgate.tenants CASCADE$$, '42501', '%');
SELECT pg_temp.fails($$INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'k')$$, '42501', '%');
SELECT pg_temp.fails($$DELETE FROM poolgate.withdrawn_keys$$, '42501', '%');
SELECT pg_temp.fails($$DELETE FROM poolgate.tenant_history$$, '42501', '%');
SELECT pg_temp.fails($$SELECT poolgate.prune_history('1 year')$$, '42501', '%');
SELECT pg_temp.fails($$SELECT poolgate.grant_privileges()$$, '42501', '%');
SELECT pg_temp.fails($$CREATE TABLE poolgate.mine ()$$, '42501', '%');
ROLLBACK;

BEGIN;
SET LOCAL ROLE poolgate_admin;
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('admin.example', 'eu-west-1', 'eu-west-1_a');
UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'admin.example';
DELETE FROM poolgate.tenants WHERE host = 'admin.example';
SELECT pg_temp.holds(count(*) = 3, 'the admin reads the history that the triggers wrote')
    FROM poolgate.tenant_history WHERE host = 'admin.example' AND changed = pg_current_xact_id();
SELECT * FROM poolgate.tenant_status LIMIT 1;
SELECT poolgate.prune_history('1 year');
SELECT pg_temp.fails($$INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('X', 'eu-west-1', 'eu-west-1_a')$$, '23514', '%upper-case%', 'Write ''x''%');
SELECT pg_temp.fails($$INSERT INTO poolgate.tenant_history (operation, host) VALUES ('delete', 'x')$$, '42501', '%');
SELECT pg_temp.fails($$DELETE FROM poolgate.tenant_history$$, '42501', '%');
SELECT pg_temp.fails($$INSERT INTO poolgate.instances (instance, host_name, version, started_at) VALUES ('i', 'h', '1', now())$$, '42501', '%');
SELECT pg_temp.fails($$ALTER TABLE poolgate.tenants DISABLE TRIGGER check_tenant$$, '42501', '%');
ROLLBACK;

BEGIN;
CREATE ROLE poolgate_test_stranger;
SET LOCAL ROLE poolgate_test_stranger;
SELECT pg_temp.fails($$SELECT FROM poolgate.tenants$$, '42501', '%');
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('role.example')$$, '42501', '%');
ROLLBACK;

-- A function with the rights of the owner looks nothing up in the caller's schemas.
SELECT pg_temp.holds(count(*) = 0, 'every function of ours is SECURITY DEFINER with its own search_path: '
    || coalesce(string_agg(p.proname, ', '), ''))
    FROM pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace
    AND NOT (p.prosecdef AND p.proconfig @> '{"search_path=pg_catalog, pg_temp"}');
DELETE FROM poolgate.tenants WHERE host = 'role.example';
