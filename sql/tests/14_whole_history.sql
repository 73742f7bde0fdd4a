-- Tenants, rules and revocations, lifted ones too: who changed what, in every way of writing, once each.
SET application_name = 'whole history';
SET poolgate.actor = 'joe@example.com';
SELECT coalesce(max(id), 0) AS start FROM poolgate.tenant_history \gset
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('h.whole.example', 'eu-west-1', 'eu-west-1_w');
INSERT INTO poolgate.rules (host, path_prefix, required_groups) VALUES ('h.whole.example', '/admin', '{admins}');
UPDATE poolgate.rules SET required_groups = '{owners}' WHERE host = 'h.whole.example';
UPDATE poolgate.rules SET required_groups = '{owners}' WHERE host = 'h.whole.example';
BEGIN;
SAVEPOINT s;
DELETE FROM poolgate.rules WHERE host = 'h.whole.example';
RELEASE s;
COMMIT;
INSERT INTO poolgate.revocations (region, pool_id, subject, reason) VALUES ('eu-west-1', 'eu-west-1_w', 's-1', 'left');
UPDATE poolgate.revocations SET reason = 'left us' WHERE subject = 's-1';
DELETE FROM poolgate.revocations WHERE subject = 's-1';
SELECT pg_temp.holds(string_agg(concat_ws(' ', table_name, operation, host, before ->> 'path_prefix', after ->> 'path_prefix',
        before ->> 'required_groups', after ->> 'required_groups', before ->> 'reason', after ->> 'reason'), E'\n' ORDER BY id)
    = E'tenants insert h.whole.example\nrules insert h.whole.example /admin ["admins"]\n'
    || E'rules update h.whole.example /admin /admin ["admins"] ["owners"]\nrules delete h.whole.example /admin ["owners"]\n'
    || E'revocations insert left\nrevocations update left left us\nrevocations lift left us',
    'the history says it all: ' || E'\n' || string_agg(concat_ws(' ', table_name, operation, host, before::text, after::text), E'\n' ORDER BY id))
    FROM poolgate.tenant_history WHERE id > :start;
SELECT pg_temp.holds(bool_and(role_name = session_user AND application_name = 'whole history' AND actor = 'joe@example.com'),
    'with who did it') FROM poolgate.tenant_history WHERE id > :start;
SELECT pg_temp.holds(count(*) = 1 AND bool_and(operation = 'delete' AND writer = xmin), 'within a savepoint the entry names its writer')
    FROM poolgate.tenant_history WHERE id > :start AND writer IS NOT NULL;
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('h.whole.example', '/');
BEGIN;
TRUNCATE poolgate.rules, poolgate.revocations;
SELECT pg_temp.holds(array_agg(table_name ORDER BY table_name) = '{revocations,rules}', 'TRUNCATE is recorded')
    FROM poolgate.tenant_history WHERE operation = 'truncate' AND changed = pg_current_xact_id();
ROLLBACK;
-- Nobody writes it by hand, whatever they may else.
SELECT pg_temp.fails(statement, '42501', '%') FROM unnest(ARRAY[
    $$INSERT INTO poolgate.tenant_history (operation, host) VALUES ('insert', 'x')$$,
    $$UPDATE poolgate.tenant_history SET role_name = 'nobody'$$]) statement;

-- Renamed with its host, a rule is changed; moved to another host, it is gone from one and come to the other.
UPDATE poolgate.tenants SET host = 'i.whole.example' WHERE host = 'h.whole.example';
SELECT pg_temp.holds(count(*) = 2, 'a cascade is recorded: ' || string_agg(operation || host, ' ')) FROM poolgate.tenant_history
    WHERE table_name = 'rules' AND changed = (SELECT changed FROM poolgate.tenants WHERE host = 'i.whole.example');

-- Every table has a key, so that a publication for all tables stops nothing.
SELECT pg_temp.holds(count(*) = 0, 'every table has a primary key: ' || coalesce(string_agg(c.relname, ', '), ''))
    FROM pg_class c WHERE c.relnamespace = 'poolgate'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
        SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p');
DELETE FROM poolgate.rules;
DELETE FROM poolgate.tenants;
