-- For whoever is on call: which replicas run, how each tenant stands at all of them, and keys that are trusted no more.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0009_operations';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
    routine regprocedure;
    setting text;
    described record;
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

-- Replicas. Each says how often it writes that it lives; silent for three times that, it counts no more. A replica of an
-- earlier version says nothing, and writes once a minute.

ALTER TABLE poolgate.instances
    ADD COLUMN heartbeat interval NOT NULL DEFAULT '60 seconds'
        CONSTRAINT instances_heartbeat_check CHECK (heartbeat BETWEEN interval '1 second' AND interval '1 hour'),
    ADD COLUMN confirmed_at timestamptz,
    ADD COLUMN draining boolean NOT NULL DEFAULT false,
    -- A heartbeat finds room beside the row, so that no index is written.
    SET (fillfactor = 50);

ALTER TABLE poolgate.pool_health ADD COLUMN keys_since timestamptz[] NOT NULL DEFAULT '{}';

CREATE VIEW poolgate.replicas AS
SELECT
    i.instance, i.host_name, i.version,
    CASE WHEN i.seen_at <= statement_timestamp() - 3 * i.heartbeat THEN 'silent' WHEN i.draining THEN 'draining'
        WHEN i.snapshot IS NULL THEN 'starting' ELSE 'serving' END AS state,
    i.started_at, i.seen_at, date_trunc('second', statement_timestamp() - i.seen_at) AS heartbeat_age,
    date_trunc('second', statement_timestamp() - i.confirmed_at) AS directory_age,
    i.draining, i.tenants, i.quarantined, i.pools,
    (SELECT count(*) FROM poolgate.pool_health p WHERE p.instance = i.instance AND p.state = 'failing')::integer
        AS failing_pools
FROM poolgate.instances i;

-- Keys that are trusted no more, whatever their pool's key endpoint says.

CREATE TABLE poolgate.withdrawn_keys (
    region text COLLATE "C" NOT NULL,
    pool_id text COLLATE "C" NOT NULL,
    kid text COLLATE "C" NOT NULL,
    reason text,
    withdrawn_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_by text NOT NULL DEFAULT session_user,
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (region, pool_id, kid),
    CONSTRAINT withdrawn_keys_pool_id_check CHECK (octet_length(pool_id) <= 128 AND starts_with(pool_id, region || '_')),
    CONSTRAINT withdrawn_keys_kid_check CHECK (octet_length(kid) BETWEEN 1 AND 768),
    CONSTRAINT withdrawn_keys_reason_check CHECK (length(reason) <= 1000)
);
CREATE INDEX withdrawn_keys_changed ON poolgate.withdrawn_keys (changed);

ALTER TABLE poolgate.tenant_history
    DROP CONSTRAINT tenant_history_table_name_check,
    ADD CONSTRAINT tenant_history_table_name_check
        CHECK (table_name IN ('tenants', 'rules', 'revocations', 'withdrawn_keys'));

CREATE FUNCTION poolgate.withdrawn_key_flaw(k poolgate.withdrawn_keys) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[] := poolgate.pool_flaw(k.region, k.pool_id);
BEGIN
    IF flaw IS NOT NULL THEN
        NULL;
    ELSIF k.kid IS NULL OR k.kid = '' THEN
        flaw := ARRAY['kid', 'no key is named', 'Write its kid as poolgate.tenant_status has it in key_ids.'];
    ELSIF k.kid !~ '^[\x21-\x7e]+$' THEN
        flaw := ARRAY['kid', format('kid %s contains white space, a control character or one outside ASCII', poolgate.shown(k.kid)),
            'Write the kid as poolgate.tenant_status has it in key_ids, where such characters are percent-encoded.'];
    ELSIF octet_length(k.kid) > 768 THEN
        flaw := ARRAY['kid', format('kid has %s bytes', octet_length(k.kid)), 'Write at most 768.'];
    ELSIF length(k.reason) > 1000 THEN
        flaw := ARRAY['reason', format('reason has %s characters', length(k.reason)), 'Write at most 1000.'];
    END IF;
    RETURN flaw;
END
$function$;

CREATE FUNCTION poolgate.check_withdrawn_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF current_setting('session_replication_role') <> 'replica' THEN
        flaw := poolgate.withdrawn_key_flaw(NEW);
        IF flaw IS NULL AND TG_OP = 'UPDATE' AND (
            (NEW.region, NEW.pool_id, NEW.kid) IS DISTINCT FROM (OLD.region, OLD.pool_id, OLD.kid)) THEN
            flaw := ARRAY['kid', 'an entry cannot become that of another key',
                'DELETE it and INSERT another; only its reason can be changed.'];
        END IF;
        IF flaw IS NOT NULL THEN
            PERFORM poolgate.refuse('withdrawn_keys', flaw);
        END IF;
        IF TG_OP = 'UPDATE' THEN
            NEW.withdrawn_at := OLD.withdrawn_at;
            NEW.withdrawn_by := OLD.withdrawn_by;
        ELSE
            NEW.withdrawn_at := now();
            NEW.withdrawn_by := session_user;
        END IF;
    END IF;
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END
$function$;

-- Refuses more keys than gateways read, and tells of what is hardly meant.
CREATE FUNCTION poolgate.check_withdrawn_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    most CONSTANT integer := 10000;
    doubt record;
BEGIN
    IF (SELECT count(*) FROM poolgate.withdrawn_keys) > most THEN
        PERFORM poolgate.refuse('withdrawn_keys', ARRAY['kid', format('more than %s keys would be withdrawn', most),
            'DELETE those that their pools no longer publish.']);
    END IF;
    FOR doubt IN
        SELECT n.kid, n.pool_id,
            NOT EXISTS (SELECT FROM poolgate.tenants t WHERE (t.region = n.region AND t.pool_id = n.pool_id)
                OR (t.second_region = n.region AND t.second_pool_id = n.pool_id)) AS is_nobodys,
            (SELECT string_agg(DISTINCT k, ', ') FROM poolgate.pool_health p, unnest(p.key_ids) k
                WHERE p.region = n.region AND p.pool_id = n.pool_id) AS published
        FROM new_rows n
        WHERE NOT EXISTS (SELECT FROM poolgate.pool_health p
            WHERE p.region = n.region AND p.pool_id = n.pool_id AND n.kid = ANY (p.key_ids))
        LIMIT 5
    LOOP
        IF doubt.is_nobodys THEN
            RAISE NOTICE 'no tenant has pool %', poolgate.shown(doubt.pool_id)
                USING HINT = 'Look at region and pool_id in poolgate.tenants.';
        ELSIF doubt.published IS NOT NULL THEN
            RAISE NOTICE 'no gateway has a key % of pool %', poolgate.shown(doubt.kid), poolgate.shown(doubt.pool_id)
                USING HINT = 'The pool publishes ' || left(doubt.published, 1000) || '.';
        END IF;
    END LOOP;
    RETURN NULL;
END
$function$;

-- Records the change of a row, and tells the gateways to look: they always read the whole table.
CREATE FUNCTION poolgate.record_withdrawn_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    b CONSTANT jsonb := CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) - 'changed' END;
    a CONSTANT jsonb := CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) - 'changed' END;
    writer xid;
BEGIN
    IF TG_OP = 'TRUNCATE' OR a IS DISTINCT FROM b THEN
        INSERT INTO poolgate.tenant_history AS h (table_name, operation, before, after)
            VALUES ('withdrawn_keys', CASE TG_OP WHEN 'DELETE' THEN 'lift' ELSE lower(TG_OP) END, b, a)
            RETURNING h.xmin INTO writer;
        PERFORM poolgate.mark_entries(writer);
    END IF;
    PERFORM pg_notify('poolgate', 'withdrawn_keys');
    RETURN NULL;
END
$function$;

CREATE TRIGGER check_withdrawn_key BEFORE INSERT OR UPDATE ON poolgate.withdrawn_keys
    FOR EACH ROW EXECUTE FUNCTION poolgate.check_withdrawn_key();
CREATE TRIGGER keys_inserted AFTER INSERT ON poolgate.withdrawn_keys REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.check_withdrawn_keys();
CREATE TRIGGER record_written AFTER INSERT OR UPDATE OR DELETE ON poolgate.withdrawn_keys
    FOR EACH ROW EXECUTE FUNCTION poolgate.record_withdrawn_key();
CREATE TRIGGER record_truncated AFTER TRUNCATE ON poolgate.withdrawn_keys
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_withdrawn_key();

-- As before, with the new table.
CREATE OR REPLACE FUNCTION poolgate.enable_triggers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT g.tgname, c.relname,
            g.tgname ~ '^(record_|At_commit_settle_rules$|check_(tenant|rule|revocation|withdrawn_key)$)' AS is_for_all
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'poolgate' AND NOT g.tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE poolgate.%I ENABLE %s TRIGGER %I', found.relname,
            CASE WHEN found.is_for_all THEN 'ALWAYS' ELSE '' END, found.tgname);
    END LOOP;
END
$function$;
PERFORM poolgate.enable_triggers();

-- How tenants are doing: at each replica that lives, and at all of them.

CREATE OR REPLACE VIEW poolgate.tenant_status AS
SELECT
    s.host, s.instance, s.state,
    CASE
        WHEN s.instance IS NULL THEN 'no gateway has reported in the last 15 seconds'
        WHEN NOT s.live THEN 'this gateway has not reported the row''s latest version yet'
        WHEN s.state = 'quarantined' THEN s.quarantine
        WHEN s.state = 'suspended' THEN NULL
        WHEN s.first_state = s.state THEN s.first_detail
        WHEN s.second_state = s.state THEN 'second pool: ' || s.second_detail
    END AS detail,
    s.first_keys + s.second_keys AS keys,
    coalesce(CASE
        WHEN NOT s.live THEN NULL
        WHEN s.state = 'quarantined' THEN s.quarantined_since
        WHEN s.state = 'suspended' THEN NULL
        WHEN s.first_state = s.state THEN s.first_since
        ELSE s.second_since
    END, s.updated_at) AS since,
    s.live,
    (count(*) FILTER (WHERE s.live) OVER (PARTITION BY s.host))::integer AS live_on,
    (count(s.instance) OVER (PARTITION BY s.host))::integer AS "of",
    s.key_ids, s.keys_age, s.withdrawn_key_ids, s.next_attempt_at
FROM (
    SELECT c.*,
        CASE
            WHEN NOT c.live THEN 'waiting'
            WHEN c.quarantine IS NOT NULL THEN 'quarantined'
            WHEN c.status = 'suspended' THEN 'suspended'
            WHEN 'failing' IN (c.first_state, c.second_state) THEN 'failing'
            WHEN 'waiting' IN (c.first_state, c.second_state) THEN 'waiting'
            ELSE 'ready'
        END AS state
    FROM (
        SELECT
            t.host, i.instance, t.status, t.updated_at, is_read.now AS live,
            q.detail AS quarantine, q.since AS quarantined_since,
            CASE WHEN p.state = 'ready' AND f.keys = 0 AND w.kids IS NOT NULL THEN 'failing'
                ELSE coalesce(p.state, 'waiting') END AS first_state,
            CASE WHEN p.state = 'ready' AND f.keys = 0 AND w.kids IS NOT NULL THEN 'every key of the pool is withdrawn'
                WHEN p.state IS NULL THEN 'the pool''s keys have not been asked for yet'
                ELSE p.detail END AS first_detail,
            p.since AS first_since, f.keys AS first_keys,
            CASE WHEN t.second_pool_id IS NULL THEN 'ready'
                WHEN p2.state = 'ready' AND f2.keys = 0 AND w2.kids IS NOT NULL THEN 'failing'
                ELSE coalesce(p2.state, 'waiting') END AS second_state,
            CASE WHEN p2.state = 'ready' AND f2.keys = 0 AND w2.kids IS NOT NULL THEN 'every key of the pool is withdrawn'
                WHEN p2.state IS NULL THEN 'the pool''s keys have not been asked for yet'
                ELSE p2.detail END AS second_detail,
            p2.since AS second_since, f2.keys AS second_keys,
            coalesce(p.key_ids, '{}') || coalesce(p2.key_ids, '{}') AS key_ids,
            date_trunc('second', statement_timestamp() - least(p.succeeded_at, p2.succeeded_at)) AS keys_age,
            coalesce(w.kids, '{}') || coalesce(w2.kids, '{}') AS withdrawn_key_ids,
            least(p.next_attempt_at, p2.next_attempt_at) AS next_attempt_at
        FROM poolgate.tenants t
        LEFT JOIN poolgate.instances i ON i.seen_at > statement_timestamp() - 3 * i.heartbeat
        LEFT JOIN poolgate.tenant_quarantine q ON q.instance = i.instance AND q.host = t.host
        LEFT JOIN poolgate.pool_health p
            ON p.instance = i.instance AND p.region = t.region AND p.pool_id = t.pool_id
        LEFT JOIN poolgate.pool_health p2
            ON p2.instance = i.instance AND p2.region = t.second_region AND p2.pool_id = t.second_pool_id
        LEFT JOIN (SELECT k.region, k.pool_id, array_agg(k.kid ORDER BY k.kid) AS kids
            FROM poolgate.withdrawn_keys k GROUP BY k.region, k.pool_id) w
            ON w.region = t.region AND w.pool_id = t.pool_id
        LEFT JOIN (SELECT k.region, k.pool_id, array_agg(k.kid ORDER BY k.kid) AS kids
            FROM poolgate.withdrawn_keys k GROUP BY k.region, k.pool_id) w2
            ON w2.region = t.second_region AND w2.pool_id = t.second_pool_id
        CROSS JOIN LATERAL (SELECT CASE WHEN w.kids IS NULL THEN coalesce(p.keys, 0)
            ELSE (SELECT count(*) FROM unnest(p.key_ids) k WHERE k <> ALL (w.kids))::integer END AS keys) f
        CROSS JOIN LATERAL (SELECT CASE WHEN w2.kids IS NULL THEN coalesce(p2.keys, 0)
            ELSE (SELECT count(*) FROM unnest(p2.key_ids) k WHERE k <> ALL (w2.kids))::integer END AS keys) f2
        CROSS JOIN LATERAL (SELECT coalesce(CASE
            WHEN t.xmin = t.changed::xid THEN pg_visible_in_snapshot(t.changed, i.snapshot)
            ELSE poolgate.has_read(i.snapshot, i.full_snapshot, t.changed, t.xmin, EXISTS (
                SELECT FROM poolgate.tenant_history h
                WHERE h.host = t.host AND h.changed = t.changed AND h.xmin = t.xmin AND h.writer = h.xmin))
            END, false) AS now) is_read
    ) c
) s;

-- The worst of them, host by host.
CREATE VIEW poolgate.tenant_summary AS
SELECT DISTINCT ON (s.host)
    s.host, s.state, s.live_on, s."of", s.detail, s.instance AS reported_by, s.since, s.keys, s.key_ids, s.keys_age,
    s.withdrawn_key_ids
FROM poolgate.tenant_status s
ORDER BY s.host, array_position('{quarantined,failing,waiting,suspended,ready}'::text[], s.state), s.keys, s.since, s.instance;

-- As before, for replicas whose heartbeat is young.
CREATE OR REPLACE FUNCTION poolgate.wait_until_live(host text, timeout interval DEFAULT '10 seconds') RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    of_host CONSTANT text := wait_until_live.host;
    give_up_at CONSTANT timestamptz := clock_timestamp() + least(timeout, interval '10 minutes');
    live integer;
    behind text;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'wait_until_live cannot see progress at isolation level %',
            current_setting('transaction_isolation') USING
            ERRCODE = 'active_sql_transaction', HINT = 'Call it in a READ COMMITTED transaction of its own.';
    END IF;
    LOOP
        IF NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = of_host) AND (
            SELECT h.operation FROM poolgate.tenant_history h WHERE h.host = of_host AND h.table_name = 'tenants'
            ORDER BY h.id DESC LIMIT 1) IS DISTINCT FROM 'delete' THEN
            RAISE EXCEPTION 'host % is not registered', poolgate.shown(of_host) USING
                ERRCODE = 'no_data_found', HINT = 'INSERT it into poolgate.tenants and commit first.';
        ELSIF EXISTS (SELECT FROM poolgate.host_writes(of_host) w WHERE w.changed = pg_current_xact_id_if_assigned()) THEN
            RAISE EXCEPTION 'commit first: this transaction itself wrote %, and gateways see committed rows only',
                poolgate.shown(of_host) USING
                ERRCODE = 'active_sql_transaction',
                HINT = 'COMMIT, then call poolgate.wait_until_live in a transaction of its own.';
        END IF;
        SELECT
            count(*) FILTER (WHERE i.is_live), string_agg(i.instance, ', ' ORDER BY i.instance) FILTER (WHERE NOT i.is_live)
            INTO live, behind
            FROM (
                SELECT g.instance, g.snapshot IS NOT NULL AND NOT EXISTS (
                    SELECT FROM poolgate.host_writes(of_host) w
                    WHERE NOT poolgate.has_read(g.snapshot, g.full_snapshot, w.changed, w.low, w.is_proven)) AS is_live
                FROM poolgate.instances g
                WHERE g.seen_at > clock_timestamp() - 3 * g.heartbeat) i;
        IF live > 0 AND behind IS NULL THEN
            RETURN live;
        END IF;
        IF timeout IS NULL OR clock_timestamp() >= give_up_at THEN
            RAISE EXCEPTION '% is not live everywhere after %', poolgate.shown(of_host), timeout USING
                ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = coalesce('Waiting for ' || left(behind, 500) || '.', 'No gateway has reported in the last 15 seconds.'),
                HINT = 'Look at poolgate.tenant_status and poolgate.replicas.';
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END
$function$;

-- As before, with the new table and views; and the gateway reads the history, which its status page shows.
CREATE OR REPLACE FUNCTION poolgate.grant_privileges() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_gateway') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_gateway;
        GRANT SELECT ON poolgate.migrations, poolgate.tenants, poolgate.tenant_rules, poolgate.revocation_entries,
            poolgate.lifted_revocations, poolgate.withdrawn_keys, poolgate.tenant_history TO poolgate_gateway;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON poolgate.instances, poolgate.pool_health, poolgate.tenant_quarantine TO poolgate_gateway;
        GRANT SELECT ON poolgate.tenant_status, poolgate.tenant_summary, poolgate.replicas TO poolgate_gateway;
        GRANT EXECUTE ON FUNCTION poolgate.has_read(pg_snapshot, pg_snapshot, xid8, xid, boolean) TO poolgate_gateway;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_admin') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_admin;
        GRANT SELECT ON ALL TABLES IN SCHEMA poolgate TO poolgate_admin;
        GRANT INSERT, UPDATE, DELETE ON poolgate.tenants, poolgate.rules, poolgate.revocations, poolgate.withdrawn_keys
            TO poolgate_admin;
        GRANT EXECUTE ON FUNCTION poolgate.prune_history(interval), poolgate.wait_until_live(text, interval),
            poolgate.has_read(pg_snapshot, pg_snapshot, xid8, xid, boolean) TO poolgate_admin;
    END IF;
END
$function$;

-- Settings of the calling session change neither how our functions are read nor what they print or see. A function that is
-- replaced keeps what was set for it only where it says so again.
FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace AND p.proname IN (
    'withdrawn_key_flaw', 'check_withdrawn_key', 'check_withdrawn_keys', 'record_withdrawn_key', 'enable_triggers',
    'wait_until_live', 'grant_privileges') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', routine);
    FOREACH setting IN ARRAY ARRAY['IntervalStyle = postgres', 'TimeZone = UTC', 'DateStyle = ISO', 'bytea_output = hex',
        'row_security = off', 'jit = off'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET %s', routine, setting);
    END LOOP;
END LOOP;
PERFORM poolgate.grant_privileges();

FOR described IN SELECT * FROM (VALUES
    ('TABLE', 'instances', 'One row a running gateway, written by it; read it by the view `replicas`.'),
    ('TABLE', 'withdrawn_keys', 'Keys of pools that no gateway trusts, whatever their key endpoints say. Deleting an entry lifts it.'),
    ('VIEW', 'replicas', 'The gateways that run, or lately ran, on this database.'),
    ('VIEW', 'tenant_status', 'How each tenant stands at each running gateway; one row with a null `instance` where none runs.'),
    ('VIEW', 'tenant_summary', 'How each tenant stands at the gateway where it stands worst, and how many serve its latest version.')
) AS meanings (kind, name, meaning) LOOP
    EXECUTE format('COMMENT ON %s poolgate.%I IS %L', described.kind, described.name, described.meaning);
END LOOP;

FOR described IN SELECT * FROM (VALUES
    ('instances', 'seen_at', 'When it last wrote.'),
    ('instances', 'heartbeat', 'How often it writes that it lives; silent for three times that, it counts as ended.'),
    ('instances', 'confirmed_at', 'When its directory was last known to be what the database holds.'),
    ('instances', 'draining', 'Whether it was asked to stop.'),
    ('pool_health', 'keys', 'How many keys the gateway has of it, withdrawn ones included.'),
    ('pool_health', 'keys_since', 'When this gateway first saw each of them, in the order of `key_ids`.'),
    ('tenant_history', 'operation', '`insert`, `update`, `delete` or `truncate`; `lift` where a revocation was deleted before it expired, or a withdrawn key. A `truncate` that names a host asks gateways to read that host anew.'),
    ('tenant_history', 'table_name', 'What the entry is of: `tenants`, `rules`, `revocations` or `withdrawn_keys`.'),

    ('withdrawn_keys', 'region', 'Region of the pool.'),
    ('withdrawn_keys', 'pool_id', 'The pool whose key it is.'),
    ('withdrawn_keys', 'kid', 'The key''s name, as `key_ids` has it.'),
    ('withdrawn_keys', 'reason', 'Yours, at most 1,000 characters; the log and `poolgate explain` show it.'),
    ('withdrawn_keys', 'withdrawn_at', 'Since when; set by trigger.'),
    ('withdrawn_keys', 'withdrawn_by', 'Who did it; set by trigger.'),
    ('withdrawn_keys', 'changed', 'Transaction that last wrote the row; set by trigger.'),

    ('replicas', 'instance', 'The gateway''s name, made at its start.'),
    ('replicas', 'host_name', 'The machine it runs on.'),
    ('replicas', 'version', 'Its version.'),
    ('replicas', 'state', '`serving`, `starting` (it has no directory yet), `draining` (it was asked to stop) or `silent`: no heartbeat for 15 seconds, so that nothing waits for it.'),
    ('replicas', 'started_at', 'When it started.'),
    ('replicas', 'seen_at', 'When it last wrote.'),
    ('replicas', 'heartbeat_age', 'How long ago that was.'),
    ('replicas', 'directory_age', 'How long ago its directory was known to be what the database holds; null where its version does not tell.'),
    ('replicas', 'draining', 'Whether it was asked to stop.'),
    ('replicas', 'tenants', 'How many tenants it serves.'),
    ('replicas', 'quarantined', 'How many rows it cannot serve.'),
    ('replicas', 'pools', 'How many user pools it knows.'),
    ('replicas', 'failing_pools', 'Of how many the latest fetch of keys failed.'),

    ('tenant_status', 'keys', 'How many usable keys there are, of both pools where there are two; above 0 a `failing` pool still serves with them.'),
    ('tenant_status', 'live', 'Whether the gateway serves the row''s latest version.'),
    ('tenant_status', 'live_on', 'How many gateways do.'),
    ('tenant_status', 'of', 'How many gateways run.'),
    ('tenant_status', 'key_ids', 'The keys that the gateway has, by their `kid`.'),
    ('tenant_status', 'keys_age', 'How long ago they were last fetched; null where they never were.'),
    ('tenant_status', 'withdrawn_key_ids', 'The keys that `withdrawn_keys` names.'),
    ('tenant_status', 'next_attempt_at', 'When the keys are to be fetched next.'),

    ('tenant_summary', 'host', 'The tenant.'),
    ('tenant_summary', 'state', 'The worst of its states: `quarantined`, `failing`, `waiting`, `suspended`, `ready`.'),
    ('tenant_summary', 'live_on', 'How many gateways serve the row''s latest version.'),
    ('tenant_summary', 'of', 'How many gateways run.'),
    ('tenant_summary', 'detail', 'Why.'),
    ('tenant_summary', 'reported_by', 'The gateway that says so; null where none runs.'),
    ('tenant_summary', 'since', 'When the state began there.'),
    ('tenant_summary', 'keys', 'How many usable keys it has.'),
    ('tenant_summary', 'key_ids', 'The keys that it has, by their `kid`.'),
    ('tenant_summary', 'keys_age', 'How long ago they were last fetched; null where they never were.'),
    ('tenant_summary', 'withdrawn_key_ids', 'The keys that `withdrawn_keys` names.')
) AS meanings (table_name, column_name, meaning) LOOP
    EXECUTE format('COMMENT ON COLUMN poolgate.%I.%I IS %L',
        described.table_name, described.column_name, described.meaning);
END LOOP;

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 9, this_checksum);
END
$migration$;

COMMIT;
