-- Keys that are trusted no more: bad rows are refused in sentences, good ones are stamped, recorded, told, and lifted again.
SELECT coalesce(max(id), 0) AS start FROM poolgate.tenant_history \gset
SELECT pg_temp.refused('withdrawn_keys', '{"region": "eu-west-1", "pool_id": "eu-west-1_a", "kid": "k"}', column_name, value, message, hint)
FROM (VALUES
    ('kid', NULL, 'no key is named', 'Write its kid%'), ('kid', '', 'no key is named', 'Write its kid%'),
    ('kid', 'a b', 'kid "a b" contains white space%', '%percent-encoded.'),
    ('kid', repeat('k', 769), 'kid has 769 bytes', 'Write at most 768.'),
    ('reason', repeat('r', 1001), 'reason has 1001 characters', 'Write at most 1000.'),
    ('region', 'Ireland', '%', '%'), ('region', 'us-east-1', '%', '%'), ('pool_id', 'arn:aws:cognito-idp:x', '%', '%')
) r (column_name, value, message, hint);
-- At the bounds they are taken.
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid, reason) VALUES ('eu-west-1', 'eu-west-1_a', repeat('k', 768), repeat('r', 1000));
DELETE FROM poolgate.withdrawn_keys;
SELECT coalesce(max(id), 0) AS start FROM poolgate.tenant_history \gset

INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid, reason, withdrawn_at, withdrawn_by, changed)
    VALUES ('eu-west-1', 'eu-west-1_a', 'k1', 'leaked', '1999-01-01', 'somebody', '3'), ('eu-west-1', 'eu-west-1_a', 'k2', NULL, now(), '', '3');
SELECT pg_temp.holds(bool_and(withdrawn_at > now() - interval '1 minute' AND withdrawn_by = session_user AND changed::xid = xmin),
    'rows are stamped, whatever the statement says') FROM poolgate.withdrawn_keys;
UPDATE poolgate.withdrawn_keys SET reason = 'seen in a repository', withdrawn_at = '1999-01-01' WHERE kid = 'k1';
SELECT pg_temp.holds(withdrawn_at > now() - interval '1 minute', 'when, by UPDATE neither') FROM poolgate.withdrawn_keys;
UPDATE poolgate.withdrawn_keys SET reason = reason WHERE kid = 'k1';
SELECT pg_temp.fails($$UPDATE poolgate.withdrawn_keys SET kid = 'k3' WHERE kid = 'k1'$$, '23514', '%cannot become that of another key', 'DELETE it%');
SELECT pg_temp.fails($$INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'k1')$$, '23505', '%');
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid, reason) VALUES ('eu-west-1', 'eu-west-1_a', 'k1', 'again')
    ON CONFLICT (region, pool_id, kid) DO UPDATE SET reason = excluded.reason;
DELETE FROM poolgate.withdrawn_keys WHERE kid = 'k2';
TRUNCATE poolgate.withdrawn_keys;
SELECT pg_temp.holds(string_agg(concat_ws(' ', operation, before ->> 'kid', before ->> 'reason', '>', after ->> 'kid', after ->> 'reason'), ', ' ORDER BY id) =
    'insert > k1 leaked, insert > k2, update k1 leaked > k1 seen in a repository, update k1 seen in a repository > k1 again, lift k2 >, truncate >',
    'all is recorded: ' || string_agg(concat_ws(' ', operation, before ->> 'kid', before ->> 'reason', '>', after ->> 'kid', after ->> 'reason'), ', ' ORDER BY id))
    FROM poolgate.tenant_history WHERE id > :start AND table_name = 'withdrawn_keys' AND host IS NULL;

-- For replication roles a row is stamped and recorded, not judged.
SET session_replication_role = replica;
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid, withdrawn_at, changed) VALUES ('eu-west-1', 'eu-west-1_a', 'k1', '2001-01-01', '3');
SELECT pg_temp.holds(changed::xid = xmin AND withdrawn_at = '2001-01-01', 'it is stamped') FROM poolgate.withdrawn_keys;
DELETE FROM poolgate.withdrawn_keys;
RESET session_replication_role;
SELECT pg_temp.holds(string_agg(operation, ' ' ORDER BY id DESC) LIKE 'lift insert %', 'and recorded') FROM poolgate.tenant_history
    WHERE table_name = 'withdrawn_keys';

-- Gateways read the whole table, which is bounded.
BEGIN;
INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) SELECT 'eu-west-1', 'eu-west-1_a', 'k' || n FROM generate_series(1, 10000) n;
SELECT pg_temp.fails($$INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'one more')$$, '23514', '%', '%');
SELECT pg_temp.fails($$INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'one-more')$$, '23514',
    'more than 10000 keys would be withdrawn', 'DELETE those%');
ROLLBACK;
