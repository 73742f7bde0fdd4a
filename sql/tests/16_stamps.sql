-- Whoever writes, a row is stamped, recorded and told; and nothing is said to be live before it was read.
INSERT INTO poolgate.instances (instance, host_name, version, started_at, snapshot)
    VALUES ('stamps', 'h', '1', now(), pg_current_snapshot());
SELECT coalesce(max(id), 0) AS start FROM poolgate.tenant_history \gset

-- A replication role's writes.
SET session_replication_role = replica;
INSERT INTO poolgate.tenants (host, region, pool_id, changed) VALUES ('r.stamps.example', 'eu-west-1', 'eu-west-1_a', '3'), ('s.stamps.example', 'eu-west-1', 'eu-west-1_a', '3');
SELECT pg_temp.holds(bool_and(changed::xid = xmin AND changed <> '3'), 'tenants are stamped') FROM poolgate.tenants;
UPDATE poolgate.tenants SET pool_id = 'eu-west-1_b', changed = '3' WHERE host = 'r.stamps.example';
SELECT pg_temp.holds(changed::xid = xmin, 'by UPDATE too') FROM poolgate.tenants WHERE host = 'r.stamps.example';
INSERT INTO poolgate.rules (host, path_prefix, changed) VALUES ('r.stamps.example', '/admin', '3');
SELECT pg_temp.holds((SELECT changed::xid = xmin FROM poolgate.rules) AND (
    SELECT t.changed = r.changed FROM poolgate.tenants t JOIN poolgate.rules r USING (host)), 'a rule stamps itself and its host');
INSERT INTO poolgate.revocations (region, pool_id, subject, digest, changed) VALUES ('eu-west-1', 'eu-west-1_a', 's', '\x00', '3');
SELECT pg_temp.holds(changed::xid = xmin AND octet_length(digest) = 16, 'revocations too') FROM poolgate.revocations;
DELETE FROM poolgate.revocations;
DELETE FROM poolgate.rules;
UPDATE poolgate.tenants SET host = 't.stamps.example' WHERE host = 's.stamps.example';
DELETE FROM poolgate.tenants WHERE host = 'r.stamps.example';
RESET session_replication_role;
SELECT pg_temp.holds(string_agg(concat_ws(' ', table_name, operation, host), ', ' ORDER BY id) =
    'tenants insert r.stamps.example, tenants insert s.stamps.example, tenants update r.stamps.example, '
    || 'rules insert r.stamps.example, revocations insert, revocations lift, rules delete r.stamps.example, '
    || 'tenants delete s.stamps.example, tenants insert t.stamps.example, tenants delete r.stamps.example',
    'all is recorded: ' || string_agg(concat_ws(' ', table_name, operation, host), ', ' ORDER BY id))
    FROM poolgate.tenant_history WHERE id > :start;
SELECT pg_temp.holds(count(*) = 1, 'a revocation that went is told') FROM poolgate.lifted_revocations WHERE changed >= (
    SELECT changed FROM poolgate.tenant_history WHERE id = :start + 5);
SELECT pg_temp.holds(count(*) = 0, 'every trigger that stamps or records is for every role: ' || coalesce(string_agg(tgname, ', '), ''))
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    WHERE c.relnamespace = 'poolgate'::regnamespace AND NOT g.tgisinternal AND g.tgenabled <> 'A'
    AND (g.tgname ~ '^record_' OR g.tgname IN ('check_tenant', 'check_rule', 'check_revocation', 'check_withdrawn_key', 'At_commit_settle_rules'));
DELETE FROM poolgate.lifted_revocations;

-- In every case: the row is written; a gateway's snapshot that passed it by reading changes alone is no proof, one in
-- which it read everything is. `told` says whether the stamp can be proven, so that reading changes is enough.
CREATE FUNCTION pg_temp.answer(of_host text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'live at ' || poolgate.wait_until_live(of_host, '1 ms');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
CREATE PROCEDURE pg_temp.judged(of_host text, told boolean, statement text) LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    is_read boolean;
    before pg_snapshot;
BEGIN
    UPDATE poolgate.instances SET snapshot = pg_current_snapshot(), full_snapshot = pg_current_snapshot();
    COMMIT;
    EXECUTE statement;
    COMMIT;
    answer := pg_temp.answer(of_host);
    PERFORM pg_temp.holds(answer LIKE '%not live everywhere%', 'unread is not live: ' || statement || ': ' || answer);
    UPDATE poolgate.instances SET snapshot = pg_current_snapshot();
    COMMIT;
    answer := pg_temp.answer(of_host);
    PERFORM pg_temp.holds((answer = 'live at 1') = told, 'changes were read: ' || statement || ': ' || answer);
    SELECT state <> 'waiting' OR detail LIKE '%keys%' INTO is_read FROM poolgate.tenant_status WHERE host = of_host;
    PERFORM pg_temp.holds(told OR is_read IS NULL OR NOT is_read OR statement LIKE '%rules%', 'so says the status: ' || statement);
    UPDATE poolgate.instances SET snapshot = pg_current_snapshot(), full_snapshot = pg_current_snapshot();
    COMMIT;
    answer := pg_temp.answer(of_host);
    PERFORM pg_temp.holds(answer = 'live at 1', 'everything was read: ' || statement || ': ' || answer);
END
$$;
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('live.example', 'eu-west-1', 'eu-west-1_a');
CALL pg_temp.judged('live.example', true, $$UPDATE poolgate.tenants SET comment = '1' WHERE host = 'live.example'$$);
CALL pg_temp.judged('live.example', true, $$SET LOCAL session_replication_role = replica; UPDATE poolgate.tenants SET comment = '2', changed = '3'$$);
CALL pg_temp.judged('live.example', true, $$DO 'BEGIN UPDATE poolgate.tenants SET comment = ''3''; EXCEPTION WHEN division_by_zero THEN NULL; END'$$);
CALL pg_temp.judged('live.example', true, $$INSERT INTO poolgate.rules (host, path_prefix) VALUES ('live.example', '/1')$$);
CALL pg_temp.judged('live.example', true, $$DO 'BEGIN UPDATE poolgate.rules SET comment = ''3''; EXCEPTION WHEN division_by_zero THEN NULL; END'$$);
CALL pg_temp.judged('live.example', true, $$DELETE FROM poolgate.rules$$);
CALL pg_temp.judged('live.example', true, $$UPDATE poolgate.tenants SET host = host$$);
CALL pg_temp.judged('live.example', true, $$DELETE FROM poolgate.tenants$$);
CALL pg_temp.judged('live.example', true, $$DO 'BEGIN INSERT INTO poolgate.tenants (host, region, pool_id) VALUES (''live.example'', ''eu-west-1'', ''eu-west-1_a''); EXCEPTION WHEN division_by_zero THEN NULL; END'$$);
CALL pg_temp.judged('live.example', true, $$DO 'BEGIN DELETE FROM poolgate.tenants; EXCEPTION WHEN division_by_zero THEN NULL; END'$$);
CALL pg_temp.judged('live.example', true, $$INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('live.example', 'eu-west-1', 'eu-west-1_a')$$);
-- With every trigger disabled, as a data-only restore does it: a stamp of another cluster, smaller, larger or none at all.
ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
ALTER TABLE poolgate.rules DISABLE TRIGGER USER;
CALL pg_temp.judged('live.example', false, $$UPDATE poolgate.tenants SET comment = '4'$$);
CALL pg_temp.judged('live.example', false, $$UPDATE poolgate.tenants SET comment = '5', changed = '3'$$);
CALL pg_temp.judged('live.example', false, $$UPDATE poolgate.tenants SET comment = '6', changed = '9000000000000'$$);
CALL pg_temp.judged('live.example', false, $$DO 'BEGIN UPDATE poolgate.tenants SET comment = ''7''; EXCEPTION WHEN division_by_zero THEN NULL; END'$$);
CALL pg_temp.judged('live.example', false, $$INSERT INTO poolgate.rules (host, path_prefix, changed) VALUES ('live.example', '/2', '3')$$);
-- The history and its entries restored in one transaction with the row: they prove nothing.
CALL pg_temp.judged('live.example', false, $$SET LOCAL session_replication_role = replica;
    INSERT INTO poolgate.tenant_history (operation, host, changed, writer) VALUES ('update', 'live.example', '7', '9');
    UPDATE poolgate.tenants SET comment = '8', changed = '7'$$);
ALTER TABLE poolgate.tenants ENABLE TRIGGER ALL;
ALTER TABLE poolgate.rules ENABLE TRIGGER ALL;
SELECT poolgate.enable_triggers();
SELECT pg_temp.holds(count(*) = 16, 'triggers are for replication roles again') FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    WHERE c.relnamespace = 'poolgate'::regnamespace AND g.tgenabled = 'A' AND c.relname <> 'revocations';
DELETE FROM poolgate.instances;
DELETE FROM poolgate.rules;
DELETE FROM poolgate.tenants;
