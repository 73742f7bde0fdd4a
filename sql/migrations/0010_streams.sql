-- WebSockets and gRPC calls at the end of their token, and upstreams that speak HTTP/2.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0010_streams';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
    without_websockets text[];
    outliving text[];
    routine regprocedure;
    setting text;
    found record;
    described record;
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

-- What becomes of whatever lasts longer than its token is said once, for WebSockets and gRPC calls alike; whether
-- WebSockets are carried at all is said beside it. A gateway of an earlier version reads columns that are gone: it serves
-- on what it has, and learns of no change, until it is replaced. That is better than to misread columns of another meaning.
--
-- Nothing rewrites the table. Rows mean what they meant, so neither stamps nor history say that they changed; gateways read
-- a table anew whose columns have changed.

SELECT array_agg(t.host) FILTER (WHERE t.websockets = 'off'), array_agg(t.host) FILTER (WHERE t.websockets = 'outlive')
    INTO without_websockets, outliving FROM poolgate.tenants t WHERE t.websockets <> 'expire';

ALTER TABLE poolgate.tenants RENAME COLUMN websocket_grace TO expiry_grace;
ALTER TABLE poolgate.tenants RENAME CONSTRAINT tenants_websocket_grace_check TO tenants_expiry_grace_check;
ALTER TABLE poolgate.tenants DROP COLUMN websockets;
ALTER TABLE poolgate.tenants
    ADD COLUMN websockets boolean NOT NULL DEFAULT true,
    ADD COLUMN at_expiry text COLLATE "C" NOT NULL DEFAULT 'close'
        CONSTRAINT tenants_at_expiry_check CHECK (at_expiry IN ('close', 'outlive')),
    DROP CONSTRAINT tenants_upstream_check,
    ADD CONSTRAINT tenants_upstream_check CHECK (
        octet_length(upstream) <= 4096
        AND upstream ~ '^(https?|h2c?)://[a-z0-9_.:[\]-]+( (https?|h2c?)://[a-z0-9_.:[\]-]+)*$');

-- As before, with the new columns.
CREATE OR REPLACE FUNCTION poolgate.carriage_flaw(t poolgate.tenants, old poolgate.tenants) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF t.upstream_ca IS DISTINCT FROM old.upstream_ca AND t.upstream_ca !~ '^[a-z0-9-]{1,64}$' THEN
        RETURN ARRAY['upstream_ca', format('upstream_ca %s is no name of a CA file', poolgate.shown(t.upstream_ca)),
            'Write the file''s name without .pem: 1 to 64 lower-case letters, digits and hyphens.'];
    ELSIF t.max_body_bytes IS DISTINCT FROM old.max_body_bytes AND t.max_body_bytes <= 0 THEN
        RETURN ARRAY['max_body_bytes', format('max_body_bytes %s would refuse every body', t.max_body_bytes),
            'Write a number of bytes, or NULL for the gateway''s own bound.'];
    ELSIF t.websockets IS NULL THEN
        RETURN ARRAY['websockets', 'websockets is null', 'Write true or false.'];
    ELSIF t.at_expiry IS NULL OR t.at_expiry NOT IN ('close', 'outlive') THEN
        RETURN ARRAY['at_expiry', format('at_expiry %s is unknown', poolgate.shown(t.at_expiry)),
            'Write ''close'' or ''outlive''.'];
    ELSIF t.expiry_grace IS DISTINCT FROM old.expiry_grace
        AND t.expiry_grace NOT BETWEEN interval '0' AND interval '30 days' THEN
        RETURN ARRAY['expiry_grace', format('expiry_grace %s is out of bounds', t.expiry_grace),
            'Write an interval from 0 to 30 days, such as ''5 minutes'', or NULL.'];
    END IF;
    RETURN NULL;
END
$function$;

-- As before, with HTTP/2.
CREATE OR REPLACE FUNCTION poolgate.origin_flaw(origin text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    given CONSTANT text := poolgate.shown(origin);
    example CONSTANT text := 'Write an origin, such as ''http://10.0.0.5:8080'' or ''https://api.internal''.';
    authority CONSTANT text := regexp_replace(origin, '^(https?|h2c?)://', '');
    name CONSTANT text := CASE WHEN authority ~ '^\['
        THEN regexp_replace(authority, '\].*$', ']') ELSE split_part(authority, ':', 1) END;
    port CONSTANT text := substr(authority, length(name) + 1);
    is_address boolean;
BEGIN
    IF authority ~ '@' THEN
        RETURN ARRAY['upstream', 'upstream contains a user name or a password', example];
    ELSIF origin ~ '[A-Z]' THEN
        RETURN ARRAY['upstream', format('upstream %s contains upper-case letters', given),
            format('Write %L.', left(lower(origin COLLATE "C"), 300))];
    ELSIF origin !~ '^(https?|h2c?)://' THEN
        RETURN ARRAY['upstream', format('upstream %s does not begin with http://, https://, h2c:// or h2://', given),
            example];
    ELSIF authority ~ '[/?#]' THEN
        RETURN ARRAY['upstream', format('upstream %s contains a path or a query', given),
            format('Write only the origin: %L.', left(substring(origin FROM '^(?:https?|h2c?)://[^/?#]*'), 300))];
    ELSIF port <> '' AND (port !~ '^:[1-9][0-9]{0,4}$' OR lpad(substr(port, 2), 5, '0') > '65535' COLLATE "C") THEN
        RETURN ARRAY['upstream', format('upstream %s has a port that does not exist', given),
            'Write a port from 1 to 65535, without leading zeros, or none.'];
    ELSIF name ~ '^\[' THEN
        BEGIN
            is_address := name ~ '^\[[0-9a-f:.]+\]$' AND family(btrim(name, '[]')::inet) = 6;
        EXCEPTION WHEN invalid_text_representation THEN
            is_address := false;
        END;
        IF NOT is_address THEN
            RETURN ARRAY['upstream', format('upstream %s has no valid IPv6 address', given), example];
        END IF;
    ELSIF name ~ '\*' OR poolgate.host_flaw(name) IS NOT NULL THEN
        RETURN ARRAY['upstream', format('upstream %s has no valid host', given), example];
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.upstream_flaw(upstream text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    origins CONSTANT text[] := string_to_array(upstream, ' ');
    origin text;
    flaw text[];
BEGIN
    IF upstream = '' THEN
        RETURN ARRAY['upstream', 'upstream is empty',
            'Write an origin, such as ''http://10.0.0.5:8080'', or NULL for the default upstream.'];
    ELSIF upstream ~ '[,;|]' THEN
        RETURN ARRAY['upstream',
            format('upstream %s separates origins by something other than a space',
                regexp_replace(poolgate.shown(upstream), '//[^/]*@', '//...@', 'g')),
            'Write one space between two origins.'];
    ELSIF upstream ~ '[\x01-\x1f\x7f]' OR '' = ANY (origins) THEN
        RETURN ARRAY['upstream',
            'upstream has white space other than single spaces between origins',
            'Write one space between two origins, none before the first and none after the last.'];
    ELSIF cardinality(origins) > 32 OR octet_length(upstream) > 4096 THEN
        RETURN ARRAY['upstream',
            format('upstream has %s origins and %s bytes', cardinality(origins), octet_length(upstream)),
            'Write at most 32 origins and 4096 bytes; put a load balancer in front of more.'];
    END IF;
    FOREACH origin IN ARRAY origins LOOP
        flaw := poolgate.origin_flaw(origin);
        IF flaw IS NOT NULL THEN
            RETURN flaw;
        END IF;
    END LOOP;
    IF cardinality(origins) > 1
        AND cardinality(origins) <> (
            SELECT count(DISTINCT regexp_replace(
                o, '^((?:http|h2c)(?=://.*:80$)|(?:https|h2)(?=://.*:443$))(.*):[0-9]+$', '\1\2') COLLATE "C")
            FROM unnest(origins) o) THEN
        RETURN ARRAY['upstream', format('upstream %s names an origin twice', poolgate.shown(upstream)),
            'Write each origin once.'];
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.tenant_doubts(t poolgate.tenants) RETURNS TABLE (sentence text, remedy text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT format('%s is no region that AWS is known to have', poolgate.shown(r)), 'Write it as AWS does, such as ''eu-west-1''.'
    FROM unnest(t.additional_regions || t.region || t.second_region) r
    WHERE r !~ '^((us|eu|ap|sa|ca|me|af|il|mx|cn)(-gov|-iso[a-z]?)?-(north|south|east|west|central)(east|west)?-[0-9]+|eusc-de-east-[0-9]+)$'
    UNION ALL
    SELECT format('max_token_age %s is less than a minute: a number without a unit means seconds', t.max_token_age),
        'Write a unit, such as ''8 hours''.'
    WHERE t.max_token_age < interval '1 minute'
    UNION ALL
    SELECT * FROM poolgate.claim_doubts('claim_headers', ARRAY(
        SELECT value FROM jsonb_each_text(CASE jsonb_typeof(t.claim_headers) WHEN 'object' THEN t.claim_headers ELSE '{}' END)))
    UNION ALL
    SELECT format('upstream %s leads back to the host itself', poolgate.shown(o)), 'Write the address of the service behind the gateway.'
    FROM unnest(string_to_array(t.upstream, ' ')) o WHERE o ~ '^(https?|h2c?)://' AND split_part(split_part(o, '://', 2), ':', 1) = t.host
    UNION ALL
    SELECT format('upstream %s lies at an address that the gateway never connects to', poolgate.shown(o)),
        'Link-local addresses and those of clouds'' metadata are refused.'
    FROM unnest(string_to_array(t.upstream, ' ')) o
    WHERE o ~ '^(https?|h2c?)://(169\.254\.|100\.100\.100\.200|168\.63\.129\.16|\[fe[89ab][0-9a-f]:|\[fd00:ec2::254\]|\[fd20:ce::254\])'
    UNION ALL
    SELECT format('upstream %s speaks one scheme at the other''s port', poolgate.shown(o)), 'http and h2c are in clear, https and h2 by TLS.'
    FROM unnest(string_to_array(t.upstream, ' ')) o WHERE o ~ '^((http|h2c):.*:443|(https|h2):.*:80)$'
    UNION ALL
    SELECT 'required_scopes can be met by no id token, and token_uses accepts no other', 'Add ''access'' to token_uses, or write NULL for required_scopes.'
    WHERE t.token_uses = '{id}' AND t.required_scopes IS NOT NULL
    UNION ALL
    SELECT format('required_groups names %s, a single group with a comma in its name', poolgate.shown(g)),
        'Write each group as an element of its own: ''{admins,staff}''.'
    FROM unnest(t.required_groups) g WHERE g LIKE '%,%'
$function$;

FOR found IN SELECT g.tgname FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid = 'poolgate.tenants'::regclass AND NOT g.tgisinternal AND p.pronamespace = 'poolgate'::regnamespace LOOP
    EXECUTE format('ALTER TABLE poolgate.tenants DISABLE TRIGGER %I', found.tgname);
END LOOP;
-- A grace that had no effect gets none.
UPDATE poolgate.tenants t SET websockets = false, expiry_grace = NULL WHERE t.host = ANY (without_websockets);
UPDATE poolgate.tenants t SET at_expiry = 'outlive', expiry_grace = NULL WHERE t.host = ANY (outliving);
PERFORM poolgate.enable_triggers();

-- A tenant as an entry of the history has it, in the columns of now: for `jsonb_populate_record`.
CREATE FUNCTION poolgate.tenant_of_history(entry jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE WHEN entry ? 'at_expiry' THEN entry ELSE
        (entry - 'websocket_grace') || jsonb_build_object(
            'websockets', entry ->> 'websockets' IS DISTINCT FROM 'off',
            'at_expiry', CASE entry ->> 'websockets' WHEN 'outlive' THEN 'outlive' ELSE 'close' END,
            'expiry_grace', CASE entry ->> 'websockets' WHEN 'expire' THEN entry -> 'websocket_grace' END)
        END
$function$;

-- As before, with the function above.
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
            poolgate.has_read(pg_snapshot, pg_snapshot, xid8, xid, boolean), poolgate.tenant_of_history(jsonb)
            TO poolgate_admin;
    END IF;
END
$function$;

-- Settings of the calling session change neither how our functions are read nor what they print or see. A function that is
-- replaced keeps what was set for it only where it says so again.
FOR routine IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace AND p.proname IN (
    'carriage_flaw', 'origin_flaw', 'upstream_flaw', 'tenant_doubts', 'tenant_of_history', 'grant_privileges') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', routine);
    FOREACH setting IN ARRAY ARRAY['IntervalStyle = postgres', 'TimeZone = UTC', 'DateStyle = ISO', 'bytea_output = hex',
        'row_security = off', 'jit = off'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET %s', routine, setting);
    END LOOP;
END LOOP;
PERFORM poolgate.grant_privileges();

FOR described IN SELECT * FROM (VALUES
    ('upstream', 'One or more origins separated by single spaces: `http://`, `https://`, `h2c://` (HTTP/2 in clear) or `h2://` (HTTP/2 by TLS). Each request goes to the less busy of two chosen at random. Null means the default upstream.'),
    ('upstream_ca', 'The CA file that verifies `https://` and `h2://` upstreams, by its name without `.pem` in the setting `upstream-cas`; null means the system''s authorities.'),
    ('websockets', 'Whether WebSockets are carried. False: a handshake is served as a plain request, and those that are open are closed.'),
    ('at_expiry', 'What becomes of an open WebSocket or gRPC call when its token expires. `close`: it is ended, after `expiry_grace`; `outlive`: it is not. Suspension and removal always end it.'),
    ('expiry_grace', 'How long a WebSocket or gRPC call may go on after its token has expired, at most 30 days; null means no time.')
) AS meanings (column_name, meaning) LOOP
    EXECUTE format('COMMENT ON COLUMN poolgate.tenants.%I IS %L', described.column_name, described.meaning);
END LOOP;

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 10, this_checksum);
END
$migration$;

COMMIT;
