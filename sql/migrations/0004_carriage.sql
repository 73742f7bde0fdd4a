-- How a tenant's requests are carried: bodies, WebSocket, and the authority that verifies its https upstreams.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0004_carriage';
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

ALTER TABLE poolgate.tenants
    ADD COLUMN upstream_ca text COLLATE "C"
        CONSTRAINT tenants_upstream_ca_check CHECK (upstream_ca ~ '^[a-z0-9-]{1,64}$'),
    ADD COLUMN max_body_bytes bigint
        CONSTRAINT tenants_max_body_bytes_check CHECK (max_body_bytes > 0),
    ADD COLUMN websockets text COLLATE "C" NOT NULL DEFAULT 'expire'
        CONSTRAINT tenants_websockets_check CHECK (websockets IN ('expire', 'outlive', 'off')),
    ADD COLUMN websocket_grace interval
        CONSTRAINT tenants_websocket_grace_check CHECK (websocket_grace BETWEEN interval '0' AND interval '30 days');

COMMENT ON COLUMN poolgate.tenants.upstream_ca IS
    'CA file, by its name without .pem, that verifies https:// upstreams; null means the system''s roots.';
COMMENT ON COLUMN poolgate.tenants.max_body_bytes IS
    'Largest body of a request; null leaves the gateway''s own bound.';
COMMENT ON COLUMN poolgate.tenants.websockets IS
    'expire: closed when the token expires; outlive: not closed by that; off: served as plain requests.';
COMMENT ON COLUMN poolgate.tenants.websocket_grace IS
    'How long a WebSocket may go on after its token has expired; null means no time.';

-- What is wrong with the columns above, in sentences; only those that differ from the old row are looked at.
CREATE FUNCTION poolgate.carriage_flaw(t poolgate.tenants, old poolgate.tenants) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF t.upstream_ca IS DISTINCT FROM old.upstream_ca AND t.upstream_ca !~ '^[a-z0-9-]{1,64}$' THEN
        RETURN ARRAY['upstream_ca', format('upstream_ca %s is no name of a CA file', poolgate.shown(t.upstream_ca)),
            'Write the file''s name without .pem: 1 to 64 lower-case letters, digits and hyphens.'];
    ELSIF t.max_body_bytes IS DISTINCT FROM old.max_body_bytes AND t.max_body_bytes <= 0 THEN
        RETURN ARRAY['max_body_bytes', format('max_body_bytes %s would refuse every body', t.max_body_bytes),
            'Write a number of bytes, or NULL for the gateway''s own bound.'];
    ELSIF t.websockets IS NULL OR t.websockets NOT IN ('expire', 'outlive', 'off') THEN
        RETURN ARRAY['websockets', format('websockets %s is unknown', poolgate.shown(t.websockets)),
            'Write ''expire'', ''outlive'' or ''off''.'];
    ELSIF t.websocket_grace IS DISTINCT FROM old.websocket_grace
        AND t.websocket_grace NOT BETWEEN interval '0' AND interval '30 days' THEN
        RETURN ARRAY['websocket_grace', format('websocket_grace %s is out of bounds', t.websocket_grace),
            'Write an interval from 0 to 30 days, such as ''5 minutes'', or NULL.'];
    END IF;
    RETURN NULL;
END
$function$;

-- As before, with the new columns looked at too.
CREATE OR REPLACE FUNCTION poolgate.check_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw CONSTANT text[] := coalesce(poolgate.tenant_flaw(NEW, OLD), poolgate.carriage_flaw(NEW, OLD));
BEGIN
    IF flaw IS NOT NULL THEN
        RAISE EXCEPTION '%', flaw[2] USING
            ERRCODE = 'check_violation', HINT = flaw[3],
            SCHEMA = 'poolgate', TABLE = 'tenants', COLUMN = flaw[1];
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

REVOKE ALL ON FUNCTION poolgate.carriage_flaw(poolgate.tenants, poolgate.tenants) FROM PUBLIC;

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 4, this_checksum);
END
$migration$;

COMMIT;
