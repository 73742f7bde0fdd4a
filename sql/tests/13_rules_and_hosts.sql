-- Rules outlive their host's row within a transaction; none is ever left behind, and none goes unseen.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES
    ('a.keeps.example', 'eu-west-1', 'eu-west-1_a'), ('b.keeps.example', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.rules (host, path_prefix, required_groups) VALUES
    ('a.keeps.example', '/admin', '{admins}'), ('a.keeps.example', '/x', NULL), ('b.keeps.example', '/admin', '{others}');
SELECT pg_temp.holds(condeferrable AND condeferred AND confdeltype = 'a', 'the foreign key is deferred and does not cascade')
    FROM pg_constraint WHERE conrelid = 'poolgate.rules'::regclass AND contype = 'f';

-- However a row is replaced within a transaction, its rules stay.
BEGIN;
DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example';
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.keeps.example', 'eu-west-1', 'eu-west-1_b');
COMMIT;
BEGIN;
DELETE FROM poolgate.tenants;
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('a.keeps.example', '/while-gone');
UPDATE poolgate.rules SET comment = 'while gone' WHERE path_prefix = '/x';
INSERT INTO poolgate.tenants (host, region, pool_id) SELECT h, 'eu-west-1', 'eu-west-1_c'
    FROM unnest('{a.keeps.example,b.keeps.example}'::text[]) h ON CONFLICT (host) DO UPDATE SET pool_id = excluded.pool_id;
COMMIT;
BEGIN;
DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example';
SAVEPOINT s;
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.keeps.example', 'eu-west-1', 'eu-west-1_d');
RELEASE s;
COMMIT;
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.keeps.example', 'eu-west-1', 'eu-west-1_e')
    ON CONFLICT (host) DO UPDATE SET pool_id = excluded.pool_id;
SELECT pg_temp.holds(array_agg(host || path_prefix ORDER BY host, path_prefix) =
    '{a.keeps.example/admin,a.keeps.example/while-gone,a.keeps.example/x,b.keeps.example/admin}', 'every rule is there')
    FROM poolgate.rules;

-- Two hosts that change names take their rules along.
BEGIN;
UPDATE poolgate.tenants SET host = 'c.keeps.example' WHERE host = 'a.keeps.example';
UPDATE poolgate.tenants SET host = 'a.keeps.example' WHERE host = 'b.keeps.example';
UPDATE poolgate.tenants SET host = 'b.keeps.example' WHERE host = 'c.keeps.example';
COMMIT;
SELECT pg_temp.holds((SELECT required_groups = '{others}' FROM poolgate.rules WHERE host = 'a.keeps.example')
    AND (SELECT count(*) = 3 FROM poolgate.rules WHERE host = 'b.keeps.example'), 'names were exchanged, with rules');

-- Whatever leaves rules behind is refused, in a sentence that says what to do, at COMMIT or when asked before.
SELECT pg_temp.fails(format('%s; SET CONSTRAINTS ALL IMMEDIATE', statement), '23514', m, h) FROM (VALUES
    ($$DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example'$$,
        'host "a.keeps.example" was deleted, but a rule of it stayed behind', '%DELETE FROM poolgate.rules WHERE host = ''a.keeps.example''%'),
    ($$DELETE FROM poolgate.tenants$$, 'host "_.keeps.example" was deleted, but % stayed behind', '%INSERT the host again%'),
    ($$DELETE FROM poolgate.tenants WHERE host = 'b.keeps.example';
        INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('other.keeps.example', 'eu-west-1', 'eu-west-1_a')$$,
        'host "b.keeps.example" was deleted, but 3 rules of it stayed behind', '%'),
    ($$INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('brief.keeps.example', 'eu-west-1', 'eu-west-1_a');
        INSERT INTO poolgate.rules (host, path_prefix) VALUES ('brief.keeps.example', '/');
        DELETE FROM poolgate.tenants WHERE host = 'brief.keeps.example'$$, 'host "brief.keeps.example" %', '%'),
    ($$DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example';
        INSERT INTO poolgate.rules (host, path_prefix) VALUES ('a.keeps.example', '/late')$$, 'host "a.keeps.example" %', '%')
    ) v (statement, m, h);
\set ON_ERROR_STOP 0
DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example';
SELECT pg_temp.holds(:'LAST_ERROR_SQLSTATE' = '23514', 'a DELETE of its own is refused at its COMMIT');
\set ON_ERROR_STOP 1
SELECT pg_temp.holds(count(*) = 2, 'nothing went') FROM poolgate.tenants WHERE host LIKE '%.keeps.example';
SELECT pg_temp.fails('TRUNCATE poolgate.tenants', '0A000', '%', '%CASCADE%');

-- Rules first, or together, is how a host goes.
BEGIN;
DELETE FROM poolgate.tenants WHERE host = 'a.keeps.example';
DELETE FROM poolgate.rules WHERE host = 'a.keeps.example';
COMMIT;
DELETE FROM poolgate.rules;
DELETE FROM poolgate.tenants WHERE host LIKE '%.keeps.example';

-- What makes rules bad together is judged over the whole statement, in every spelling of a path.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('r.keeps.example', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.rules (host, path_prefix, methods) VALUES
    ('r.keeps.example', '/@admin', '{GET}'), ('r.keeps.example', '/@admin', '{POST,PROPFIND,M-SEARCH}');
SELECT pg_temp.fails($$INSERT INTO poolgate.rules (host, path_prefix, methods) VALUES ('r.keeps.example', '/%40admin', '{POST}')$$,
    '23514', 'rule % is for POST, PROPFIND, M-SEARCH of "/@admin" already', 'UPDATE that rule%');
UPDATE poolgate.rules SET methods = CASE methods WHEN '{GET}' THEN '{POST}'::text[] ELSE '{GET}' END WHERE host = 'r.keeps.example';
SELECT pg_temp.fails($$UPDATE poolgate.rules SET methods = '{GET}' WHERE host = 'r.keeps.example'$$, '23514', 'rule % is for GET%');
DELETE FROM poolgate.rules WHERE host = 'r.keeps.example';

-- The size of a host's rules has one bound, told at the INSERT: the bytes of the text that gateways read.
INSERT INTO poolgate.rules (host, path_prefix, required_scopes)
SELECT 'r.keeps.example', '/' || n, ARRAY(SELECT rpad(s::text, 500, 's') FROM generate_series(1, 100) s) FROM generate_series(1, 19) n;
INSERT INTO poolgate.rules (host, path_prefix, required_claims) VALUES ('r.keeps.example', '/fill', '{"custom:fill": "x"}');
DO $$
DECLARE
    missing integer := 1000000 - (SELECT octet_length(rules) FROM poolgate.tenant_rules WHERE host = 'r.keeps.example');
    n integer := 0;
BEGIN
    WHILE missing > 0 LOOP
        n := n + 1;
        -- A scope of its own costs four bytes more than its length.
        UPDATE poolgate.rules SET required_scopes = coalesce(required_scopes, '{}') || rpad(n::text, least(missing, 500) - 4, 'f')
            WHERE host = 'r.keeps.example' AND path_prefix = '/fill' AND missing > 40;
        IF missing <= 40 THEN
            UPDATE poolgate.rules SET required_claims = jsonb_build_object('custom:fill', repeat('x', 1 + missing))
                WHERE host = 'r.keeps.example' AND path_prefix = '/fill';
        END IF;
        missing := 1000000 - (SELECT octet_length(rules) FROM poolgate.tenant_rules WHERE host = 'r.keeps.example');
    END LOOP;
    PERFORM pg_temp.holds(missing = 0, 'rules of exactly a million bytes are taken: ' || missing);
    PERFORM pg_temp.fails($f$UPDATE poolgate.rules SET required_claims = jsonb_build_object('custom:fill',
        (required_claims ->> 'custom:fill') || 'x') WHERE path_prefix = '/fill'$f$,
        '23514', 'the rules of host "r.keeps.example" would have 1000001 bytes in all', '%at most 1000000 bytes%');
    PERFORM pg_temp.fails($f$INSERT INTO poolgate.rules (host, path_prefix) VALUES ('r.keeps.example', '/more')$f$,
        '23514', 'the rules of host "r.keeps.example" would have % bytes in all', '%');
END
$$;
DELETE FROM poolgate.rules;
DELETE FROM poolgate.tenants;
