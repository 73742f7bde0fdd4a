-- Rules that outlive their host's row, a history of everything, and stamps that hold for whoever writes.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

-- Two files once held characters that not every database's encoding has; what they do is the same.
DO $earlier$
BEGIN
IF to_regclass('poolgate.migrations') IS NOT NULL THEN
    UPDATE poolgate.migrations m SET checksum = e.now FROM (VALUES
        ('0001_tenants', '777b5e0de7efd1ef6c0fc2e7d7b1737e219c3d24bb1da771977e52c56cfcf564',
            '9db62140abbc4a82b4e5975942afbf461e335ac8d5e2cf530c6ac8d7fa562dcf'),
        ('0005_policy', '72dc3faee2cf5c428b74f7ae424982f73607558e8bc414d2bf4af3b88830d369',
            '906cbc1f8d083de41a63988576c04ada46e7411a828f37ab350088c864e1ccf3')) e (name, before, now)
        WHERE m.name = e.name AND m.checksum = e.before;
END IF;
END
$earlier$;

DO $migration$
DECLARE
    this_name CONSTANT text := '0006_records';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
    routine regprocedure;
    setting text;
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

-- History. An entry is of a tenant, a rule or a revocation; `host` is that of the tenant or the rule.

ALTER TABLE poolgate.tenant_history
    ADD COLUMN table_name text COLLATE "C" NOT NULL DEFAULT 'tenants'
        CONSTRAINT tenant_history_table_name_check CHECK (table_name IN ('tenants', 'rules', 'revocations')),
    ADD COLUMN writer xid,
    DROP CONSTRAINT tenant_history_operation_check,
    ADD CONSTRAINT tenant_history_operation_check
        CHECK (operation IN ('insert', 'update', 'delete', 'truncate', 'lift'));
CREATE INDEX tenant_history_changed ON poolgate.tenant_history (changed);
COMMENT ON COLUMN poolgate.tenant_history.operation IS
    'insert, update, delete or truncate; lift where a revocation was deleted before it expired. A truncate that names a host asks gateways to read that host anew.';
COMMENT ON COLUMN poolgate.tenant_history.table_name IS 'What the entry is of: tenants, rules or revocations.';
COMMENT ON COLUMN poolgate.tenant_history.writer IS
    'The subtransaction that wrote the entry, where it was one: equal to xmin, so that a restored entry shows.';

-- A publication for all tables needs a key in each.
ALTER TABLE poolgate.lifted_revocations
    ADD COLUMN entry bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT lifted_revocations_pkey PRIMARY KEY;

ALTER TABLE poolgate.rules ADD COLUMN changed xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN poolgate.rules.changed IS 'Transaction that last wrote the row; set by trigger.';

ALTER TABLE poolgate.instances ADD COLUMN full_snapshot pg_snapshot;
COMMENT ON COLUMN poolgate.instances.full_snapshot IS
    'The database snapshot in which this gateway last read every row, whatever their stamps say.';

-- As before, without the new column.
CREATE OR REPLACE VIEW poolgate.tenant_rules AS
SELECT r.host,
    jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - '{host,comment,created_at,updated_at,changed}'::text[]) ORDER BY r.id)::text AS rules
FROM poolgate.rules r GROUP BY r.host;

-- Where entries were written within a savepoint, marks them with the subtransaction that wrote them.
CREATE FUNCTION poolgate.mark_entries(writer xid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF writer <> pg_current_xact_id()::xid THEN
        UPDATE poolgate.tenant_history h SET writer = mark_entries.writer
            WHERE h.changed = pg_current_xact_id() AND h.writer IS NULL AND h.xmin = mark_entries.writer;
    END IF;
END
$function$;

-- Writes the history of one statement on tenants, rules or revocations, and tells the gateways to look. A host renamed
-- is one host gone, one come; so is a rule that moves to another host. Stamps, and what is computed from the rest, are no
-- content.
CREATE FUNCTION poolgate.record_statement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    gone CONSTANT text := CASE TG_TABLE_NAME WHEN 'revocations' THEN 'lift' ELSE 'delete' END;
    writer xid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN
            RETURN NULL;
        END IF;
        WITH written AS (
            INSERT INTO poolgate.tenant_history (table_name, operation, host, after)
            SELECT TG_TABLE_NAME, 'insert', n.r ->> 'host', n.r - '{changed,digest}'::text[]
            FROM (SELECT to_jsonb(n) AS r FROM new_rows n) n
            RETURNING xmin AS writer)
        SELECT w.writer INTO writer FROM written w LIMIT 1;
    ELSIF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN
            RETURN NULL;
        END IF;
        WITH before AS (
            SELECT concat_ws(' ', o.r ->> 'id', o.r ->> 'host') AS key, o.r - '{changed,digest}'::text[] AS r
            FROM (SELECT to_jsonb(o) AS r FROM old_rows o) o),
        after AS (
            SELECT concat_ws(' ', n.r ->> 'id', n.r ->> 'host') AS key, n.r - '{changed,digest}'::text[] AS r
            FROM (SELECT to_jsonb(n) AS r FROM new_rows n) n),
        written AS (
            INSERT INTO poolgate.tenant_history (table_name, operation, host, before, after)
            SELECT TG_TABLE_NAME,
                CASE WHEN b.r IS NULL THEN 'insert' WHEN a.r IS NULL THEN gone ELSE 'update' END,
                coalesce(a.r, b.r) ->> 'host', b.r, a.r
            FROM before b FULL JOIN after a ON a.key = b.key
            WHERE b.r IS DISTINCT FROM a.r
            RETURNING xmin AS writer)
        SELECT w.writer INTO writer FROM written w LIMIT 1;
    ELSIF TG_OP = 'DELETE' THEN
        IF TG_TABLE_NAME = 'revocations' THEN
            WITH lifted AS (
                SELECT to_jsonb(o) AS r FROM old_rows o WHERE (to_jsonb(o) ->> 'expires_at')::timestamptz > now()),
            told AS (
                INSERT INTO poolgate.lifted_revocations (id, digest)
                SELECT (l.r ->> 'id')::bigint, (l.r ->> 'digest')::bytea FROM lifted l),
            written AS (
                INSERT INTO poolgate.tenant_history (table_name, operation, before)
                SELECT TG_TABLE_NAME, gone, l.r - '{changed,digest}'::text[] FROM lifted l
                RETURNING xmin AS writer)
            SELECT w.writer INTO writer FROM written w LIMIT 1;
        ELSE
            WITH written AS (
                INSERT INTO poolgate.tenant_history (table_name, operation, host, before)
                SELECT TG_TABLE_NAME, gone, o.r ->> 'host', o.r - '{changed,digest}'::text[]
                FROM (SELECT to_jsonb(o) AS r FROM old_rows o) o
                RETURNING xmin AS writer)
            SELECT w.writer INTO writer FROM written w LIMIT 1;
        END IF;
        IF writer IS NULL THEN
            RETURN NULL;
        END IF;
    ELSE
        IF TG_TABLE_NAME = 'revocations' THEN
            INSERT INTO poolgate.lifted_revocations DEFAULT VALUES;
        END IF;
        INSERT INTO poolgate.tenant_history AS h (table_name, operation) VALUES (TG_TABLE_NAME, 'truncate')
            RETURNING h.xmin INTO writer;
    END IF;
    IF writer IS NOT NULL THEN
        PERFORM poolgate.mark_entries(writer);
        -- What rules need at COMMIT is done once more.
        PERFORM set_config('poolgate.settled', '', true);
    END IF;
    PERFORM pg_notify('poolgate',
        CASE WHEN TG_TABLE_NAME = 'rules' AND TG_OP <> 'TRUNCATE' THEN 'tenants' ELSE TG_TABLE_NAME END);
    RETURN NULL;
END
$function$;

-- The same of one row, for replication roles: a subscription fires no triggers for statements.
CREATE FUNCTION poolgate.record_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    gone CONSTANT text := CASE TG_TABLE_NAME WHEN 'revocations' THEN 'lift' ELSE 'delete' END;
    row_before CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    row_after CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    b CONSTANT jsonb := row_before - '{changed,digest}'::text[];
    a CONSTANT jsonb := row_after - '{changed,digest}'::text[];
    stays CONSTANT boolean := coalesce(
        concat_ws(' ', b ->> 'id', b ->> 'host') = concat_ws(' ', a ->> 'id', a ->> 'host'), false);
    writer xid;
BEGIN
    IF stays AND a <> b THEN
        INSERT INTO poolgate.tenant_history AS h (table_name, operation, host, before, after)
            VALUES (TG_TABLE_NAME, 'update', a ->> 'host', b, a) RETURNING h.xmin INTO writer;
    END IF;
    IF b IS NOT NULL AND NOT stays AND (
        TG_TABLE_NAME <> 'revocations' OR (b ->> 'expires_at')::timestamptz > now()) THEN
        INSERT INTO poolgate.tenant_history AS h (table_name, operation, host, before)
            VALUES (TG_TABLE_NAME, gone, b ->> 'host', b) RETURNING h.xmin INTO writer;
        IF TG_TABLE_NAME = 'revocations' THEN
            INSERT INTO poolgate.lifted_revocations (id, digest)
                VALUES ((row_before ->> 'id')::bigint, (row_before ->> 'digest')::bytea);
        END IF;
    END IF;
    IF a IS NOT NULL AND NOT stays THEN
        INSERT INTO poolgate.tenant_history AS h (table_name, operation, host, after)
            VALUES (TG_TABLE_NAME, 'insert', a ->> 'host', a) RETURNING h.xmin INTO writer;
    END IF;
    IF writer IS NOT NULL THEN
        PERFORM poolgate.mark_entries(writer);
        PERFORM set_config('poolgate.settled', '', true);
    END IF;
    PERFORM pg_notify('poolgate', CASE WHEN TG_TABLE_NAME = 'rules' THEN 'tenants' ELSE TG_TABLE_NAME END);
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.guard_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'poolgate.tenant_history is written by triggers alone' USING
            ERRCODE = 'insufficient_privilege',
            HINT = 'Write to poolgate.tenants; to shorten the history, call poolgate.prune_history(interval).';
    END IF;
    RETURN NULL;
END
$function$;

-- Deletes history older than the interval, at least an hour, and returns how many entries went. Gateways learn
-- of deleted tenants from the history, which is why its last hour stays. What another prunes already is left to it.
CREATE OR REPLACE FUNCTION poolgate.prune_history(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    pruned bigint;
BEGIN
    IF older_than IS NULL OR older_than < interval '1 hour' THEN
        RAISE EXCEPTION 'the last hour of the history cannot be pruned' USING
            ERRCODE = 'check_violation',
            HINT = 'Write an interval of at least ''1 hour'', such as ''90 days''.';
    END IF;
    DELETE FROM poolgate.tenant_history h USING (
        SELECT o.id FROM poolgate.tenant_history o WHERE o.recorded_at < now() - older_than FOR UPDATE SKIP LOCKED) past
        WHERE h.id = past.id;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$function$;

DROP TRIGGER record_inserted ON poolgate.tenants;
DROP TRIGGER record_updated ON poolgate.tenants;
DROP TRIGGER record_deleted ON poolgate.tenants;
DROP TRIGGER record_truncated ON poolgate.tenants;
DROP FUNCTION poolgate.record_tenants();
DROP TRIGGER touch_inserted ON poolgate.rules;
DROP TRIGGER touch_updated ON poolgate.rules;
DROP TRIGGER touch_deleted ON poolgate.rules;
DROP TRIGGER touch_truncated ON poolgate.rules;
DROP FUNCTION poolgate.touch_tenants();
DROP TRIGGER record_written ON poolgate.revocations;
DROP TRIGGER record_deleted ON poolgate.revocations;
DROP FUNCTION poolgate.record_revocations();

-- Rules and their host. Nothing is locked before COMMIT: what must hold between transactions is looked at then, each
-- host's rules by one transaction at a time, which lasts no longer than the COMMIT itself.

-- What is wrong with a host's rules together.
CREATE FUNCTION poolgate.host_rules_flaw(of_host text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    most CONSTANT integer := 256;
    longest CONSTANT integer := 1000000;
    one record;
    size bigint;
BEGIN
    WITH p AS MATERIALIZED (
        SELECT r.id, poolgate.decoded_path(r.path_prefix) AS path, r.path_prefix, r.shadow, r.methods
        FROM poolgate.rules r WHERE r.host = of_host)
    SELECT o.id, o.path_prefix, o.methods INTO one FROM p o JOIN p n
        ON n.path = o.path AND n.shadow = o.shadow AND n.id > o.id
            AND (n.methods IS NULL AND o.methods IS NULL OR n.methods && o.methods)
        ORDER BY n.id, o.id LIMIT 1;
    IF FOUND THEN
        RETURN ARRAY['methods', format('rule %s is for %s of %s already', one.id,
            coalesce(array_to_string(one.methods, ', '), 'every other method'), poolgate.shown(one.path_prefix)),
            'UPDATE that rule, or name other methods.'];
    ELSIF (SELECT count(*) FROM poolgate.rules r WHERE r.host = of_host) > most THEN
        RETURN ARRAY['host', format('host %s has %s rules', poolgate.shown(of_host), most), 'Join some by a shorter prefix.'];
    END IF;
    SELECT octet_length(convert_to(v.rules, 'UTF8')) INTO size FROM poolgate.tenant_rules v WHERE v.host = of_host;
    IF size > longest THEN
        RETURN ARRAY['host', format('the rules of host %s would have %s bytes in all', poolgate.shown(of_host), size),
            format('A host''s rules have at most %s bytes as JSON text: ask for fewer groups, scopes and claims, or join rules by a shorter prefix.', longest)];
    END IF;
    RETURN NULL;
END
$function$;

-- A path as a service reads it, for comparing.
CREATE FUNCTION poolgate.decoded_path(path text) RETURNS bytea
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE WHEN path !~ '%[0-9A-Fa-f]{2}' THEN convert_to(path, 'UTF8') ELSE (
        SELECT string_agg(CASE WHEN p.part[1] ~ '^%[0-9A-Fa-f]{2}$' THEN decode(substr(p.part[1], 2), 'hex')
            ELSE convert_to(p.part[1], 'UTF8') END, '' ORDER BY p.place)
        FROM regexp_matches(path, '%[0-9A-Fa-f]{2}|.', 'g') WITH ORDINALITY p (part, place)) END
$function$;

CREATE FUNCTION poolgate.refuse(table_name text, flaw text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    RAISE EXCEPTION '%', flaw[2] USING
        ERRCODE = 'check_violation', HINT = flaw[3],
        SCHEMA = 'poolgate', TABLE = table_name, COLUMN = flaw[1];
END
$function$;

-- Tells of what is wrong with the rules that a statement wrote, once it has written them all.
CREATE FUNCTION poolgate.check_rules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    SELECT f.flaw INTO flaw
        FROM (SELECT DISTINCT n.host FROM new_rows n) n, LATERAL poolgate.host_rules_flaw(n.host) f (flaw)
        WHERE f.flaw IS NOT NULL ORDER BY n.host LIMIT 1;
    IF flaw IS NOT NULL THEN
        PERFORM poolgate.refuse('rules', flaw);
    END IF;
    RETURN NULL;
END
$function$;

-- At COMMIT, of every host whose rules the transaction wrote: it is there, its rules are good together, also with those
-- that others committed meanwhile, and its row is marked as changed, by which gateways find it. A row that another
-- transaction holds is not waited for: then an entry of the history is the mark.
CREATE FUNCTION poolgate.settle_rules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    is_replica CONSTANT boolean := current_setting('session_replication_role') = 'replica';
    written CONSTANT text[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.host] WHEN 'DELETE' THEN ARRAY[OLD.host]
        ELSE ARRAY[OLD.host, NEW.host] END;
    settled text[] := string_to_array(current_setting('poolgate.settled', true), ' ');
    name text;
    flaw text[];
    is_free boolean;
    has_rules boolean;
BEGIN
    IF settled[1] IS DISTINCT FROM pg_current_xact_id()::text THEN
        settled := ARRAY[pg_current_xact_id()::text];
    ELSIF written <@ settled THEN
        RETURN NULL;
    END IF;
    -- All at once and in one order, so that two transactions do not wait for each other.
    FOR name IN
        SELECT h.host FROM poolgate.tenant_history h
            WHERE h.changed = pg_current_xact_id() AND h.table_name = 'rules' AND h.operation <> 'truncate'
        UNION SELECT w FROM unnest(written) w
        ORDER BY 1
    LOOP
        CONTINUE WHEN name = ANY (settled);
        settled := settled || name;
        PERFORM pg_advisory_xact_lock(hashtextextended(name, 7020669201311));
        has_rules := EXISTS (SELECT FROM poolgate.rules r WHERE r.host = name);
        IF has_rules AND NOT is_replica THEN
            -- Against a deletion that is under way, as the foreign key itself does; a snapshot's row is not locked.
            IF current_setting('transaction_isolation') = 'read committed' THEN
                PERFORM FROM poolgate.tenants t WHERE t.host = name FOR KEY SHARE;
            END IF;
            IF EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = name) THEN
                flaw := poolgate.host_rules_flaw(name);
            ELSE
                flaw := poolgate.unregistered_flaw(name);
            END IF;
            IF flaw IS NOT NULL THEN
                PERFORM poolgate.refuse('rules', flaw);
            END IF;
        END IF;
        -- The row is locked by itself, so that what is written below is written by the transaction and no savepoint.
        BEGIN
            PERFORM FROM poolgate.tenants t WHERE t.host = name FOR NO KEY UPDATE SKIP LOCKED;
            is_free := FOUND;
        EXCEPTION WHEN serialization_failure THEN
            is_free := false;
        END;
        IF is_free THEN
            UPDATE poolgate.tenants t SET host = t.host WHERE t.host = name AND t.changed <> pg_current_xact_id();
        ELSIF EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = name) THEN
            INSERT INTO poolgate.tenant_history (table_name, operation, host) VALUES ('rules', 'truncate', name);
        END IF;
    END LOOP;
    PERFORM set_config('poolgate.settled', array_to_string(settled, ' '), true);
    RETURN NULL;
END
$function$;

CREATE FUNCTION poolgate.unregistered_flaw(host text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT ARRAY['host', format('host %s is not registered', poolgate.shown(host)),
        'INSERT it into poolgate.tenants first; a wildcard is written as it stands there.']
$function$;

-- A host that goes takes no rules along and leaves none behind.
CREATE FUNCTION poolgate.check_rules_left() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    left_behind bigint;
BEGIN
    SELECT count(*) INTO left_behind FROM poolgate.rules r WHERE r.host = OLD.host;
    IF left_behind > 0 AND NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = OLD.host) THEN
        PERFORM poolgate.refuse('tenants', ARRAY['host',
            format('host %s was deleted, but %s stayed behind', poolgate.shown(OLD.host),
                CASE left_behind WHEN 1 THEN 'a rule of it' ELSE left_behind || ' rules of it' END),
            format('In one transaction: DELETE FROM poolgate.rules WHERE host = %L; and DELETE the host; or INSERT the host again, which keeps its rules.', OLD.host)]);
    END IF;
    RETURN NULL;
END
$function$;

ALTER TABLE poolgate.rules
    DROP CONSTRAINT rules_host_fkey,
    ADD CONSTRAINT rules_host_fkey FOREIGN KEY (host) REFERENCES poolgate.tenants
        ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- Clears away up to 1,000 entries that have expired, and what gateways have long read of those that were lifted: at
-- COMMIT, so that nobody waits for it, and never what another transaction holds.
CREATE FUNCTION poolgate.clear_expired() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF current_setting('poolgate.cleared', true) = pg_current_xact_id()::text
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('poolgate.cleared', pg_current_xact_id()::text, true);
    DELETE FROM poolgate.revocations r USING (
        SELECT e.id FROM poolgate.revocations e WHERE e.expires_at < now() - interval '1 minute'
        ORDER BY e.expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED) expired
        WHERE r.id = expired.id;
    DELETE FROM poolgate.lifted_revocations l USING (
        SELECT o.entry FROM poolgate.lifted_revocations o WHERE o.lifted_at < now() - interval '1 day'
        ORDER BY o.lifted_at LIMIT 1000 FOR UPDATE SKIP LOCKED) past
        WHERE l.entry = past.entry;
    RETURN NULL;
END
$function$;

-- For replication roles a row is stamped and recorded, not judged: what was judged at its origin must not stop here.
CREATE OR REPLACE FUNCTION poolgate.check_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        NEW.changed := pg_current_xact_id();
        RETURN NEW;
    END IF;
    flaw := coalesce(
        poolgate.tenant_flaw(NEW, OLD), poolgate.carriage_flaw(NEW, OLD), poolgate.policy_flaw(NEW, OLD));
    IF flaw IS NOT NULL THEN
        PERFORM poolgate.refuse('tenants', flaw);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.created_at := OLD.created_at;
        NEW.updated_at := OLD.updated_at;
        NEW.changed := OLD.changed;
    END IF;
    IF TG_OP = 'INSERT' OR NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    NEW.created_at := coalesce(NEW.created_at, now());
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END
$function$;

-- Refuses a bad rule in sentences. A host that this transaction deleted may come back before COMMIT.
CREATE OR REPLACE FUNCTION poolgate.check_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    NEW.changed := pg_current_xact_id();
    IF current_setting('session_replication_role') = 'replica' THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = NEW.host) AND NOT EXISTS (
        SELECT FROM poolgate.tenant_history h WHERE h.host = NEW.host AND h.changed = pg_current_xact_id()
            AND h.table_name = 'tenants' AND h.operation = 'delete') THEN
        flaw := poolgate.unregistered_flaw(NEW.host);
    ELSE
        flaw := poolgate.rule_flaw(NEW);
    END IF;
    IF flaw IS NOT NULL THEN
        PERFORM poolgate.refuse('rules', flaw);
    END IF;
    NEW.created_at := CASE WHEN TG_OP = 'UPDATE' THEN OLD.created_at ELSE now() END;
    NEW.updated_at := CASE WHEN TG_OP = 'UPDATE' THEN OLD.updated_at ELSE now() END;
    IF TG_OP = 'UPDATE' THEN
        NEW.changed := OLD.changed;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.updated_at := now();
        END IF;
        NEW.changed := pg_current_xact_id();
    END IF;
    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.check_revocation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF current_setting('session_replication_role') <> 'replica' THEN
        flaw := poolgate.revocation_flaw(NEW);
        IF flaw IS NULL AND TG_OP = 'UPDATE' AND (
            poolgate.revocation_digest(NEW) <> poolgate.revocation_digest(OLD) OR NEW.id <> OLD.id) THEN
            flaw := ARRAY['subject', 'an entry cannot become that of other tokens',
                'DELETE it and INSERT another; only its times and its reason can be changed.'];
        END IF;
        IF flaw IS NOT NULL THEN
            PERFORM poolgate.refuse('revocations', flaw);
        END IF;
        IF TG_OP = 'UPDATE' THEN
            NEW.created_at := OLD.created_at;
            NEW.created_by := OLD.created_by;
        ELSE
            NEW.created_at := now();
            NEW.created_by := session_user;
        END IF;
    END IF;
    NEW.digest := poolgate.revocation_digest(NEW);
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END
$function$;

CREATE FUNCTION poolgate.revocation_flaw(r poolgate.revocations) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[] := poolgate.pool_flaw(r.region, r.pool_id);
    value CONSTANT text := coalesce(r.subject, r.origin_jti, r.jti, r.client_id);
    kind CONSTANT text := CASE WHEN r.subject IS NOT NULL THEN 'subject' WHEN r.origin_jti IS NOT NULL THEN 'origin_jti'
        WHEN r.jti IS NOT NULL THEN 'jti' ELSE 'client_id' END;
BEGIN
    IF flaw IS NOT NULL THEN
        NULL;
    ELSIF num_nonnulls(r.subject, r.origin_jti, r.jti, r.client_id) > 1 THEN
        flaw := ARRAY['subject', 'an entry names more than one of subject, origin_jti, jti and client_id',
            'Write one of them, or none to revoke the whole pool; more are entries of their own.'];
    ELSIF value = '' THEN
        flaw := ARRAY[kind, 'an entry names an empty id', 'Write the id, or NULL.'];
    ELSIF octet_length(convert_to(value, 'UTF8')) > 512 THEN
        flaw := ARRAY[kind, format('an entry names an id of %s bytes', octet_length(convert_to(value, 'UTF8'))), 'Write at most 512.'];
    ELSIF value ~ '[\x01-\x20\x7f]' THEN
        flaw := ARRAY[kind, format('%s %s contains white space or a control character', kind, poolgate.shown(value)),
            'Write the id as it stands in the token, and nothing around it.'];
    ELSIF r.issued_before IS NULL OR NOT isfinite(r.issued_before) THEN
        flaw := ARRAY['issued_before', 'issued_before is no instant', 'Write an instant, or leave it out for now.'];
    ELSIF r.expires_at IS NULL OR NOT isfinite(r.expires_at) THEN
        flaw := ARRAY['expires_at', 'expires_at is no instant', 'Write an instant, or leave it out for 25 hours from now.'];
    ELSIF length(r.reason) > 4000 THEN
        flaw := ARRAY['reason', format('reason has %s characters', length(r.reason)), 'Write at most 4000.'];
    END IF;
    RETURN flaw;
END
$function$;

-- The triggers. All fire for replication roles too: those for statements where a session writes, those for rows where a
-- subscription does, which fires none for statements.

CREATE TRIGGER record_inserted AFTER INSERT ON poolgate.tenants REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_updated AFTER UPDATE ON poolgate.tenants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_deleted AFTER DELETE ON poolgate.tenants REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_truncated AFTER TRUNCATE ON poolgate.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_replicated AFTER INSERT OR UPDATE OR DELETE ON poolgate.tenants
    FOR EACH ROW WHEN (current_setting('session_replication_role') = 'replica') EXECUTE FUNCTION poolgate.record_row();

CREATE TRIGGER record_inserted AFTER INSERT ON poolgate.rules REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_updated AFTER UPDATE ON poolgate.rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_deleted AFTER DELETE ON poolgate.rules REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_truncated AFTER TRUNCATE ON poolgate.rules
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_replicated AFTER INSERT OR UPDATE OR DELETE ON poolgate.rules
    FOR EACH ROW WHEN (current_setting('session_replication_role') = 'replica') EXECUTE FUNCTION poolgate.record_row();

CREATE TRIGGER record_inserted AFTER INSERT ON poolgate.revocations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_updated AFTER UPDATE ON poolgate.revocations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_deleted AFTER DELETE ON poolgate.revocations REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT WHEN (current_setting('session_replication_role') <> 'replica') EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_truncated AFTER TRUNCATE ON poolgate.revocations
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_statement();
CREATE TRIGGER record_replicated AFTER INSERT OR UPDATE OR DELETE ON poolgate.revocations
    FOR EACH ROW WHEN (current_setting('session_replication_role') = 'replica') EXECUTE FUNCTION poolgate.record_row();

CREATE TRIGGER rules_inserted AFTER INSERT ON poolgate.rules REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.check_rules();
CREATE TRIGGER rules_updated AFTER UPDATE ON poolgate.rules REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.check_rules();

-- Triggers of one row fire in the order of their names, and these speak in sentences before the foreign key's "RI_..." do.
CREATE CONSTRAINT TRIGGER "At_commit_settle_rules" AFTER INSERT OR UPDATE OR DELETE ON poolgate.rules
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION poolgate.settle_rules();
CREATE CONSTRAINT TRIGGER "At_commit_no_rules_left" AFTER DELETE ON poolgate.tenants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION poolgate.check_rules_left();
CREATE CONSTRAINT TRIGGER "At_commit_clear_expired" AFTER INSERT ON poolgate.revocations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION poolgate.clear_expired();

-- Enables every trigger for every role that it is for. A restore with --disable-triggers leaves them for origins only.
CREATE FUNCTION poolgate.enable_triggers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT g.tgname, c.relname, g.tgname ~ '^(record_|At_commit_settle_rules$|check_(tenant|rule|revocation)$)' AS is_for_all
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'poolgate' AND NOT g.tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE poolgate.%I ENABLE %s TRIGGER %I', found.relname,
            CASE WHEN found.is_for_all THEN 'ALWAYS' ELSE '' END, found.tgname);
    END LOOP;
END
$function$;
PERFORM poolgate.enable_triggers();

-- What gateways have read. A stamp counts where it is provably of the transaction that wrote the row: a row that came out
-- of a dump, or was written with the triggers disabled, is read for certain only when everything is read.

-- The transaction with these lower 32 bits that began last.
CREATE FUNCTION poolgate.whole_xid(low xid) RETURNS xid8
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT (CASE WHEN x.number <= x.next OR x.number < 4294967296 THEN x.number ELSE x.number - 4294967296 END)::text::xid8
    FROM (SELECT n.next, n.next / 4294967296 * 4294967296 + low::text::bigint AS number
        FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) n) x
$function$;

-- Whether a gateway that serves `seen`, and last read everything in `all_seen`, has read a row with this stamp and xmin.
-- A subtransaction is no proof by itself; below the oldest transaction of a snapshot all have ended, theirs included.
CREATE FUNCTION poolgate.has_read(seen pg_snapshot, all_seen pg_snapshot, changed xid8, low xid, is_proven boolean)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT coalesce((low = changed::xid OR is_proven) AND pg_visible_in_snapshot(changed, seen), false)
        OR coalesce(poolgate.whole_xid(low) < pg_snapshot_xmin(all_seen), false)
$function$;

CREATE OR REPLACE VIEW poolgate.tenant_status AS
SELECT
    t.host,
    i.instance,
    CASE
        WHEN i.instance IS NULL THEN 'waiting'
        WHEN NOT is_read.now THEN 'waiting'
        WHEN q.host IS NOT NULL THEN 'quarantined'
        WHEN t.status = 'suspended' THEN 'suspended'
        ELSE coalesce(p.state, 'waiting')
    END AS state,
    CASE
        WHEN i.instance IS NULL THEN 'no gateway has reported in the last 3 minutes'
        WHEN NOT is_read.now THEN 'this gateway has not reported the row''s latest version yet'
        WHEN q.host IS NOT NULL THEN q.detail
        WHEN t.status = 'suspended' THEN NULL
        WHEN p.state IS NULL THEN 'the pool''s keys have not been asked for yet'
        ELSE p.detail
    END AS detail,
    coalesce(p.keys, 0) AS keys,
    CASE
        WHEN i.instance IS NULL OR NOT is_read.now THEN t.updated_at
        WHEN q.host IS NOT NULL THEN q.since
        WHEN t.status = 'suspended' THEN t.updated_at
        ELSE coalesce(p.since, t.updated_at)
    END AS since
FROM poolgate.tenants t
LEFT JOIN poolgate.instances i ON i.seen_at > statement_timestamp() - interval '3 minutes'
LEFT JOIN poolgate.tenant_quarantine q ON q.instance = i.instance AND q.host = t.host
LEFT JOIN poolgate.pool_health p
    ON p.instance = i.instance AND p.region = t.region AND p.pool_id = t.pool_id
CROSS JOIN LATERAL (SELECT coalesce(CASE
    WHEN t.xmin = t.changed::xid THEN pg_visible_in_snapshot(t.changed, i.snapshot)
    ELSE poolgate.has_read(i.snapshot, i.full_snapshot, t.changed, t.xmin, EXISTS (
        SELECT FROM poolgate.tenant_history h
        WHERE h.host = t.host AND h.changed = t.changed AND h.xmin = t.xmin AND h.writer = h.xmin))
    END, false) AS now) is_read;

-- Stamps of a host's row and rules, and of what happened to them of late, each with whether its writer is proven: by the
-- row's own xmin, or, within a savepoint, by an entry of the history that the same subtransaction wrote.
CREATE FUNCTION poolgate.host_writes(of_host text) RETURNS TABLE (changed xid8, low xid, is_proven boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT r.changed, r.low, r.low = r.changed::xid OR EXISTS (
        SELECT FROM poolgate.tenant_history h
        WHERE h.host = of_host AND h.changed = r.changed AND h.xmin = r.low AND h.writer = h.xmin)
    FROM (
        SELECT t.changed, t.xmin AS low FROM poolgate.tenants t WHERE t.host = of_host
        UNION ALL SELECT u.changed, u.xmin FROM poolgate.rules u WHERE u.host = of_host) r
    UNION ALL
    SELECT h.changed, h.xmin, h.xmin = coalesce(h.writer, h.changed::xid) FROM poolgate.tenant_history h
    WHERE h.host = of_host AND (h.recorded_at > clock_timestamp() - interval '2 hours' OR h.id = (
        SELECT max(l.id) FROM poolgate.tenant_history l WHERE l.host = of_host))
$function$;

-- Waits until every running gateway serves the latest committed version of the host's row and rules, or has dropped the
-- host if the row was deleted. Returns how many gateways that are.
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
                WHERE g.seen_at > clock_timestamp() - interval '3 minutes') i;
        IF live > 0 AND behind IS NULL THEN
            RETURN live;
        END IF;
        IF timeout IS NULL OR clock_timestamp() >= give_up_at THEN
            RAISE EXCEPTION '% is not live everywhere after %', poolgate.shown(of_host), timeout USING
                ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = coalesce('Waiting for ' || left(behind, 500) || '.', 'No gateway has reported in the last 3 minutes.'),
                HINT = 'Look at poolgate.tenant_status and poolgate.instances.';
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END
$function$;

-- As before; the admin reads everything.
CREATE OR REPLACE FUNCTION poolgate.grant_privileges() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_gateway') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_gateway;
        GRANT SELECT ON poolgate.migrations, poolgate.tenants, poolgate.tenant_rules, poolgate.revocation_entries,
            poolgate.lifted_revocations TO poolgate_gateway;
        GRANT SELECT (id, table_name, operation, host, changed) ON poolgate.tenant_history TO poolgate_gateway;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON poolgate.instances, poolgate.pool_health, poolgate.tenant_quarantine TO poolgate_gateway;
        GRANT SELECT ON poolgate.tenant_status TO poolgate_gateway;
        GRANT EXECUTE ON FUNCTION poolgate.has_read(pg_snapshot, pg_snapshot, xid8, xid, boolean) TO poolgate_gateway;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_admin') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_admin;
        GRANT SELECT ON ALL TABLES IN SCHEMA poolgate TO poolgate_admin;
        GRANT INSERT, UPDATE, DELETE ON poolgate.tenants, poolgate.rules, poolgate.revocations TO poolgate_admin;
        GRANT EXECUTE ON FUNCTION poolgate.prune_history(interval), poolgate.wait_until_live(text, interval),
            poolgate.has_read(pg_snapshot, pg_snapshot, xid8, xid, boolean) TO poolgate_admin;
    END IF;
END
$function$;

-- Settings of the calling session change neither how our functions are read nor what they print or see; those that begin
-- what happens here hold for those that they call. Compiling takes longer than any of their queries.
FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', routine);
END LOOP;
FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace
    AND (p.prorettype = 'trigger'::regtype OR p.proname IN ('wait_until_live', 'prune_history', 'grant_privileges')) LOOP
    FOREACH setting IN ARRAY ARRAY['IntervalStyle = postgres', 'TimeZone = UTC', 'DateStyle = ISO', 'bytea_output = hex',
        'row_security = off', 'jit = off'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET %s', routine, setting);
    END LOOP;
END LOOP;
-- It is called for each row, and needs but one of them.
ALTER FUNCTION poolgate.check_tenant() RESET TimeZone;
ALTER FUNCTION poolgate.check_tenant() RESET DateStyle;
ALTER FUNCTION poolgate.check_tenant() RESET bytea_output;
ALTER FUNCTION poolgate.check_tenant() RESET row_security;
PERFORM poolgate.grant_privileges();

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 6, this_checksum);
END
$migration$;

COMMIT;
