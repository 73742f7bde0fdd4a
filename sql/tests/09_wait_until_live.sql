-- Waiting for a row: only committed rows can become live, and the wait is bounded.
BEGIN;
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('own.live.example', 'eu-west-1', 'eu-west-1_a');
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('own.live.example', '1 s')$$, '25001', 'commit first%', 'COMMIT, then%');
ROLLBACK;
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('none.live.example', '1 s')$$, 'P0002', '%"none.live.example" is not registered', 'INSERT it%');

INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.live.example', 'eu-west-1', 'eu-west-1_a');
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%is not live everywhere%');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '1 s')$$, '25001', '%isolation level repeatable read', '%READ COMMITTED%');
ROLLBACK;
INSERT INTO poolgate.instances (instance, host_name, version, started_at, snapshot)
    VALUES ('one', 'h', '1', now(), NULL), ('two', 'h', '1', now(), pg_current_snapshot());
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%is not live everywhere%');
UPDATE poolgate.instances SET snapshot = pg_current_snapshot();
SELECT pg_temp.holds(poolgate.wait_until_live('a.live.example', '1 s') = 2, 'live at both');
UPDATE poolgate.tenants SET comment = 'again' WHERE host = 'a.live.example';
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%');
UPDATE poolgate.instances SET snapshot = pg_current_snapshot();
SELECT pg_temp.holds(poolgate.wait_until_live('a.live.example') = 2, 'live again');
DELETE FROM poolgate.tenants WHERE host = 'a.live.example';
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%');
UPDATE poolgate.instances SET snapshot = pg_current_snapshot();
SELECT pg_temp.holds(poolgate.wait_until_live('a.live.example') = 2, 'a deletion can be waited for too');

-- A gateway that ended without a word holds nothing up for longer than 15 seconds; one of an earlier version, three minutes.
INSERT INTO poolgate.instances (instance, host_name, version, started_at, seen_at, snapshot, heartbeat) VALUES
    ('dead', 'h', '1', now(), now() - interval '14 seconds', NULL, '5 seconds');
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%is not live everywhere%');
UPDATE poolgate.instances SET seen_at = now() - interval '16 seconds' WHERE instance = 'dead';
SELECT pg_temp.holds(poolgate.wait_until_live('a.live.example', '50 ms') = 2, 'nobody waits for the dead');
UPDATE poolgate.instances SET heartbeat = DEFAULT WHERE instance = 'dead';
SELECT pg_temp.fails($$SELECT poolgate.wait_until_live('a.live.example', '50 ms')$$, '55000', '%is not live everywhere%');
DELETE FROM poolgate.instances;
