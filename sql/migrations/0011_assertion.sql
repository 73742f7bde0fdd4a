-- Signed assertions: whether a tenant's upstream gets one, and for whom it is.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0011_assertion';
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

-- Defaults that do not change, so that the table is not written anew. Gateways read a table anew whose columns have
-- changed; those of an earlier version do not name the new ones.
ALTER TABLE poolgate.tenants
    ADD COLUMN assertion boolean NOT NULL DEFAULT true,
    ADD COLUMN assertion_audience text COLLATE "C"
        CONSTRAINT tenants_assertion_audience_check CHECK (
            octet_length(assertion_audience) <= 512 AND assertion_audience ~ '^[\x21-\x7e]+$');

-- As before, with the new columns.
CREATE OR REPLACE FUNCTION poolgate.policy_flaw(t poolgate.tenants, old poolgate.tenants) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF t.second_region IS DISTINCT FROM old.second_region OR t.second_pool_id IS DISTINCT FROM old.second_pool_id
        OR t.pool_id IS DISTINCT FROM old.pool_id THEN
        IF (t.second_region IS NULL) <> (t.second_pool_id IS NULL) THEN
            RETURN ARRAY['second_pool_id', 'second_region and second_pool_id need each other', 'Write both, or NULL for both.'];
        ELSIF t.second_pool_id IS NOT NULL THEN
            flaw := poolgate.pool_flaw(t.second_region, t.second_pool_id);
            IF flaw IS NOT NULL THEN
                RETURN ARRAY['second_' || flaw[1], 'second_' || flaw[2], flaw[3]];
            ELSIF t.second_pool_id = t.pool_id THEN
                RETURN ARRAY['second_pool_id', format('second_pool_id %s is the first pool', poolgate.shown(t.second_pool_id)),
                    'Write the id of another pool, or NULL.'];
            END IF;
        END IF;
    END IF;
    IF t.claim_headers IS NULL OR t.claim_headers IS DISTINCT FROM old.claim_headers THEN
        flaw := poolgate.claim_headers_flaw(t.claim_headers);
    END IF;
    IF flaw IS NULL AND t.cors_origins IS NOT NULL AND t.cors_origins IS DISTINCT FROM old.cors_origins THEN
        flaw := poolgate.cors_origins_flaw(t.cors_origins);
    END IF;
    IF flaw IS NOT NULL THEN
        RETURN flaw;
    ELSIF t.header_profile IS NULL OR t.header_profile NOT IN ('poolgate', 'oauth2-proxy', 'alb', 'authelia') THEN
        RETURN ARRAY['header_profile', format('header_profile %s is unknown', poolgate.shown(t.header_profile)),
            'Write ''poolgate'', ''oauth2-proxy'', ''alb'' or ''authelia''.'];
    ELSIF t.forward_token IS NULL THEN
        RETURN ARRAY['forward_token', 'forward_token is null', 'Write true or false.'];
    ELSIF t.allow_preflights IS NULL THEN
        RETURN ARRAY['allow_preflights', 'allow_preflights is null', 'Write true or false.'];
    ELSIF t.assertion IS NULL THEN
        RETURN ARRAY['assertion', 'assertion is null', 'Write true or false.'];
    ELSIF t.assertion_audience IS DISTINCT FROM old.assertion_audience
        AND (octet_length(t.assertion_audience) > 512 OR t.assertion_audience !~ '^[\x21-\x7e]+$') THEN
        RETURN ARRAY['assertion_audience',
            format('assertion_audience %s is empty, too long or holds more than printable ASCII', poolgate.shown(t.assertion_audience)),
            'Write 1 to 512 printable ASCII characters without spaces, such as ''https://api.example.com'', or NULL for the upstream''s origin.'];
    ELSIF t.cookie_name IS DISTINCT FROM old.cookie_name
        AND t.cookie_name !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$' THEN
        RETURN ARRAY['cookie_name', format('cookie_name %s is no cookie''s name', poolgate.shown(t.cookie_name)),
            'Write a name without spaces, quotes, commas, semicolons and equals signs, or NULL for no cookie.'];
    ELSIF t.query_parameter IS DISTINCT FROM old.query_parameter
        AND t.query_parameter !~ '^[A-Za-z0-9_.~-]{1,128}$' THEN
        RETURN ARRAY['query_parameter', format('query_parameter %s is no plain name', poolgate.shown(t.query_parameter)),
            'Write letters, digits, hyphens, underscores, dots and tildes, or NULL for no parameter.'];
    ELSIF t.max_token_age IS DISTINCT FROM old.max_token_age
        AND t.max_token_age NOT BETWEEN interval '1 second' AND interval '30 days' THEN
        RETURN ARRAY['max_token_age', format('max_token_age %s is out of bounds', t.max_token_age),
            'Write an interval from 1 second to 30 days, such as ''8 hours'', or NULL.'];
    END IF;
    RETURN NULL;
END
$function$;

-- As before, with the new columns.
CREATE OR REPLACE FUNCTION poolgate.tenant_of_history(entry jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT jsonb_build_object('assertion', true) || CASE WHEN entry ? 'at_expiry' THEN entry ELSE
        (entry - 'websocket_grace') || jsonb_build_object(
            'websockets', entry ->> 'websockets' IS DISTINCT FROM 'off',
            'at_expiry', CASE entry ->> 'websockets' WHEN 'outlive' THEN 'outlive' ELSE 'close' END,
            'expiry_grace', CASE entry ->> 'websockets' WHEN 'expire' THEN entry -> 'websocket_grace' END)
        END
$function$;

-- Settings of the calling session change neither how our functions are read nor what they print or see. A function that is
-- replaced keeps what was set for it only where it says so again.
FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace AND p.proname IN (
    'policy_flaw', 'tenant_of_history') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', routine);
    FOREACH setting IN ARRAY ARRAY['IntervalStyle = postgres', 'TimeZone = UTC', 'DateStyle = ISO', 'bytea_output = hex',
        'row_security = off', 'jit = off'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET %s', routine, setting);
    END LOOP;
END LOOP;
PERFORM poolgate.grant_privileges();

FOR described IN SELECT * FROM (VALUES
    ('assertion', 'Whether the upstream gets the signed assertion `X-Poolgate-Assertion`, where the gateway has keys to sign one.'),
    ('assertion_audience', 'For whom the assertion is (`aud`), 1 to 512 printable ASCII characters; null means the origin of the upstream.')
) AS meanings (column_name, meaning) LOOP
    EXECUTE format('COMMENT ON COLUMN poolgate.tenants.%I IS %L', described.column_name, described.meaning);
END LOOP;

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 11, this_checksum);
END
$migration$;

COMMIT;
