-- What the gateways report about themselves, and what an admin reads of it. Nothing here notifies.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0002_health';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

-- One row a running gateway. It writes at least once a minute; one silent for 3 minutes is no longer shown.
CREATE TABLE poolgate.instances (
    instance text COLLATE "C" PRIMARY KEY CHECK (length(instance) BETWEEN 1 AND 100),
    host_name text NOT NULL CHECK (length(host_name) <= 255),
    version text NOT NULL CHECK (length(version) <= 100),
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    snapshot pg_snapshot,
    tenants integer NOT NULL DEFAULT 0,
    quarantined integer NOT NULL DEFAULT 0,
    pools integer NOT NULL DEFAULT 0
);
COMMENT ON COLUMN poolgate.instances.snapshot IS
    'The database snapshot whose tenants this gateway serves; null before its first load.';

-- How each gateway stands with each key endpoint.
CREATE TABLE poolgate.pool_health (
    instance text COLLATE "C" NOT NULL REFERENCES poolgate.instances ON DELETE CASCADE,
    region text COLLATE "C" NOT NULL,
    pool_id text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'waiting', 'failing')),
    detail text CHECK (length(detail) <= 1000),
    keys integer NOT NULL DEFAULT 0,
    key_ids text[] NOT NULL DEFAULT '{}',
    since timestamptz NOT NULL DEFAULT now(),
    succeeded_at timestamptz,
    attempted_at timestamptz,
    next_attempt_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (instance, region, pool_id)
);
COMMENT ON COLUMN poolgate.pool_health.state IS
    'ready: usable keys. waiting: none asked for yet. failing: the last fetch failed; keys says whether old ones serve on.';

-- Rows that a gateway does not serve because its own rules are newer than the trigger that let them in.
CREATE TABLE poolgate.tenant_quarantine (
    instance text COLLATE "C" NOT NULL REFERENCES poolgate.instances ON DELETE CASCADE,
    host text COLLATE "C" NOT NULL,
    detail text NOT NULL CHECK (length(detail) <= 1000),
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (instance, host)
);

CREATE VIEW poolgate.tenant_status AS
SELECT
    t.host,
    i.instance,
    CASE
        WHEN i.instance IS NULL THEN 'waiting'
        WHEN i.snapshot IS NULL OR NOT pg_visible_in_snapshot(t.changed, i.snapshot) THEN 'waiting'
        WHEN q.host IS NOT NULL THEN 'quarantined'
        WHEN t.status = 'suspended' THEN 'suspended'
        ELSE coalesce(p.state, 'waiting')
    END AS state,
    CASE
        WHEN i.instance IS NULL THEN 'no gateway has reported in the last 3 minutes'
        WHEN i.snapshot IS NULL OR NOT pg_visible_in_snapshot(t.changed, i.snapshot)
            THEN 'this gateway has not reported the row''s latest version yet'
        WHEN q.host IS NOT NULL THEN q.detail
        WHEN t.status = 'suspended' THEN NULL
        WHEN p.state IS NULL THEN 'the pool''s keys have not been asked for yet'
        ELSE p.detail
    END AS detail,
    coalesce(p.keys, 0) AS keys,
    CASE
        WHEN i.instance IS NULL OR i.snapshot IS NULL
            OR NOT pg_visible_in_snapshot(t.changed, i.snapshot) THEN t.updated_at
        WHEN q.host IS NOT NULL THEN q.since
        WHEN t.status = 'suspended' THEN t.updated_at
        ELSE coalesce(p.since, t.updated_at)
    END AS since
FROM poolgate.tenants t
LEFT JOIN poolgate.instances i ON i.seen_at > statement_timestamp() - interval '3 minutes'
LEFT JOIN poolgate.tenant_quarantine q ON q.instance = i.instance AND q.host = t.host
LEFT JOIN poolgate.pool_health p
    ON p.instance = i.instance AND p.region = t.region AND p.pool_id = t.pool_id;
COMMENT ON VIEW poolgate.tenant_status IS 'How each tenant stands at each running gateway.';

-- Waits until every running gateway serves the latest committed version of the host's row, or has dropped the
-- host if the row was deleted. Returns how many gateways that are.
CREATE FUNCTION poolgate.wait_until_live(host text, timeout interval DEFAULT '10 seconds') RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    give_up_at CONSTANT timestamptz := clock_timestamp() + least(timeout, interval '10 minutes');
    written xid8;
    live integer;
    behind text;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'wait_until_live cannot see progress at isolation level %',
            current_setting('transaction_isolation') USING
            ERRCODE = 'active_sql_transaction', HINT = 'Call it in a READ COMMITTED transaction of its own.';
    END IF;
    LOOP
        SELECT t.changed INTO written FROM poolgate.tenants t WHERE t.host = wait_until_live.host;
        IF written IS NULL THEN
            SELECT h.changed INTO written FROM poolgate.tenant_history h
                WHERE h.host = wait_until_live.host AND h.operation = 'delete' ORDER BY h.id DESC LIMIT 1;
        END IF;
        IF written IS NULL THEN
            RAISE EXCEPTION 'host % is not registered', poolgate.shown(wait_until_live.host) USING
                ERRCODE = 'no_data_found', HINT = 'INSERT it into poolgate.tenants and commit first.';
        ELSIF written = pg_current_xact_id_if_assigned() THEN
            RAISE EXCEPTION 'commit first: this transaction itself wrote %, and gateways see committed rows only',
                poolgate.shown(wait_until_live.host) USING
                ERRCODE = 'active_sql_transaction',
                HINT = 'COMMIT, then call poolgate.wait_until_live in a transaction of its own.';
        END IF;
        SELECT
            count(*) FILTER (WHERE pg_visible_in_snapshot(written, i.snapshot)),
            string_agg(i.instance, ', ' ORDER BY i.instance)
                FILTER (WHERE i.snapshot IS NULL OR NOT pg_visible_in_snapshot(written, i.snapshot))
            INTO live, behind
            FROM poolgate.instances i
            WHERE i.seen_at > clock_timestamp() - interval '3 minutes';
        IF live > 0 AND behind IS NULL THEN
            RETURN live;
        END IF;
        IF timeout IS NULL OR clock_timestamp() >= give_up_at THEN
            RAISE EXCEPTION '% is not live everywhere after %', poolgate.shown(wait_until_live.host), timeout USING
                ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = coalesce('Waiting for ' || left(behind, 500) || '.', 'No gateway has reported in the last 3 minutes.'),
                HINT = 'Look at poolgate.tenant_status and poolgate.instances.';
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END
$function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA poolgate FROM PUBLIC;
INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 2, this_checksum);
END
$migration$;

COMMIT;
