-- Revocations: what is refused, what gateways read of an entry, and how they learn that it went.
BEGIN;
SELECT pg_temp.fails(format('INSERT INTO poolgate.revocations (%s) VALUES (%s)', c, v), '23514', m, h) FROM (VALUES
    ('region, pool_id', $$'eu-west-1', NULL$$, 'pool_id is null', '%'),
    ('region, pool_id', $$'eu-west-1', 'us-east-1_One'$$, 'pool_id%', '%'),
    ('region, pool_id, subject, jti', $$'eu-west-1', 'eu-west-1_One', 'a', 'b'$$, 'an entry names more than one%', '%entries of their own.'),
    ('region, pool_id, subject', $$'eu-west-1', 'eu-west-1_One', ''$$, 'an entry names an empty id', '%'),
    ('region, pool_id, jti', $$'eu-west-1', 'eu-west-1_One', repeat('a', 513)$$, 'an entry names an id of 513 bytes', '%'),
    ('region, pool_id, issued_before', $$'eu-west-1', 'eu-west-1_One', 'infinity'$$, 'issued_before is no instant', '%'),
    ('region, pool_id, expires_at', $$'eu-west-1', 'eu-west-1_One', NULL$$, 'expires_at is no instant', '%')) v (c, v, m, h);

INSERT INTO poolgate.revocations (region, pool_id, subject, issued_before, reason)
VALUES ('eu-west-1', 'eu-west-1_One', 's-1', '2026-01-01 00:00:00.2+00', 'left the company');
SELECT pg_temp.holds(r.issued_before = '2026-01-01 00:00:00.2+00' AND r.expires_at = now() + interval '25 hours'
    AND r.created_by = session_user AND r.changed = pg_current_xact_id(), 'defaults') FROM poolgate.revocations r;
SELECT pg_temp.holds(e.issued_before = extract(epoch FROM timestamptz '2026-01-01 00:00:01+00')
    AND e.expires_at = ceil(extract(epoch FROM now() + interval '25 hours')) AND e.region = 'eu-west-1'
    AND e.digest = substr(sha256(convert_to(E's\neu-west-1\neu-west-1_One\ns-1', 'UTF8')), 1, 16),
    'gateways read whole seconds, rounded up, and a digest') FROM poolgate.revocation_entries e;
INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_One', 'j');
INSERT INTO poolgate.revocations (region, pool_id, origin_jti) VALUES ('eu-west-1', 'eu-west-1_One', 'o');
SELECT pg_temp.holds(count(*) = 2, 'entries by jti and origin_jti are for every iat')
    FROM poolgate.revocation_entries WHERE issued_before = 9223372036854775807;
INSERT INTO poolgate.revocations (region, pool_id) VALUES ('eu-west-1', 'eu-west-1_One');
INSERT INTO poolgate.revocations (region, pool_id, client_id) VALUES ('eu-west-1', 'eu-west-1_One', 'o');
SELECT pg_temp.holds(count(DISTINCT digest) = 5, 'no kind has the digest of another') FROM poolgate.revocation_entries;
SELECT pg_temp.fails($$UPDATE poolgate.revocations SET subject = 's-2' WHERE subject = 's-1'$$, '23514',
    'an entry cannot become that of other tokens', 'DELETE it%');
UPDATE poolgate.revocations SET issued_before = now(), reason = NULL WHERE subject = 's-1';
COMMIT;

BEGIN;
DELETE FROM poolgate.revocations WHERE subject = 's-1';
SELECT pg_temp.holds(count(*) = 1 AND bool_and(changed = pg_current_xact_id()), 'an entry that goes is told')
    FROM poolgate.lifted_revocations;
COMMIT;
BEGIN;
TRUNCATE poolgate.revocations;
SELECT pg_temp.holds(count(*) = 1, 'TRUNCATE is told') FROM poolgate.lifted_revocations WHERE id IS NULL;
COMMIT;

-- Entries that have expired are cleared away by whoever writes next, and are not told as lifted.
DELETE FROM poolgate.lifted_revocations;
INSERT INTO poolgate.revocations (region, pool_id, subject, expires_at)
SELECT 'eu-west-1', 'eu-west-1_One', 'old-' || n, now() - interval '2 minutes' FROM generate_series(1, 3) n;
INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_One', 'new');
SELECT pg_temp.holds((SELECT array_agg(subject) = '{new}' FROM poolgate.revocations), 'expired entries go by themselves');
SELECT pg_temp.holds(NOT EXISTS (SELECT FROM poolgate.lifted_revocations), 'and silently');

-- The gateway reads entries, not who wrote them why; admins write them.
SET ROLE poolgate_gateway;
SELECT pg_temp.holds((SELECT count(*) = 1 FROM poolgate.revocation_entries), 'a gateway reads entries');
SELECT pg_temp.holds((SELECT count(*) = 0 FROM poolgate.lifted_revocations), 'and what went');
SELECT pg_temp.holds((SELECT count(*) = 0 FROM poolgate.tenant_rules), 'and rules');
SELECT pg_temp.fails('SELECT reason FROM poolgate.revocations', '42501', '%');
SELECT pg_temp.fails('DELETE FROM poolgate.revocations', '42501', '%');
SELECT pg_temp.fails('SELECT comment FROM poolgate.rules', '42501', '%');
RESET ROLE;
SET ROLE poolgate_admin;
DELETE FROM poolgate.revocations;
INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_One', 'j');
DELETE FROM poolgate.revocations;
SELECT pg_temp.fails('INSERT INTO poolgate.lifted_revocations DEFAULT VALUES', '42501', '%');
RESET ROLE;
DELETE FROM poolgate.lifted_revocations;
