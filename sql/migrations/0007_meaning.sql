-- Rows that can never match are refused in sentences, and what is hardly meant is told in a NOTICE.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0007_meaning';
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

-- A value as a refusal shows it: quoted, bounded, without control characters.
CREATE OR REPLACE FUNCTION poolgate.shown(value text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT coalesce('"' || regexp_replace(left(value, 80), '[\x01-\x1f\x7f]', '?', 'g')
        || CASE WHEN length(value) <= 80 THEN ''
            WHEN getdatabaseencoding() = 'UTF8' THEN chr(CASE getdatabaseencoding() WHEN 'UTF8' THEN 8230 ELSE 46 END)
            ELSE '...' END || '"', 'null')
$function$;

CREATE OR REPLACE FUNCTION poolgate.is_protected_header(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT regexp_replace(lower(name COLLATE "C"), '[^a-z0-9]', '_', 'g')
        ~ ('^(x_poolgate_.*|x_forwarded_.*|x_real_ip|forwarded|x_auth_request_.*|x_amzn_oidc_.*|x_pomerium_.*'
            || '|x_goog_.*|x_consumer_.*|x_credential_identifier|x_anonymous_consumer|x_authenticated_.*|x_webauth_.*'
            || '|x_authentik_.*|x_ms_client_principal.*|x_vouch_user|x_token_subject|x_remote_.*|x_original_.*'
            || '|x_rewrite_url|x_http_method.*|x_method_override)$')
$function$;

-- As before; spaces that are none of ASCII's are no part of a name either, however well they hide.
CREATE OR REPLACE FUNCTION poolgate.list_flaw(
    column_name text, list text[], most integer, longest integer, pattern text, empty_remedy text, remedy text
) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    is_utf8 CONSTANT boolean := getdatabaseencoding() = 'UTF8';
    element text;
BEGIN
    IF cardinality(list) = 0 THEN
        RETURN ARRAY[column_name, format('%s is an empty list, which nobody could satisfy', column_name), empty_remedy];
    ELSIF array_ndims(list) <> 1 OR array_lower(list, 1) <> 1 THEN
        RETURN ARRAY[column_name, format('%s is nested or does not begin at index 1', column_name),
            'Write a plain list, such as ''{one,two}''.'];
    ELSIF cardinality(list) > most THEN
        RETURN ARRAY[column_name, format('%s has %s elements', column_name, cardinality(list)),
            format('Write at most %s.', most)];
    END IF;
    FOREACH element IN ARRAY list LOOP
        IF element IS NULL THEN
            RETURN ARRAY[column_name, format('%s contains a null', column_name), remedy];
        ELSIF element = '' THEN
            RETURN ARRAY[column_name, format('%s contains an empty string', column_name), remedy];
        ELSIF length(element) > longest OR element !~ pattern THEN
            RETURN ARRAY[column_name,
                format('%s contains %s, which cannot be right', column_name, poolgate.shown(element)), remedy];
        ELSIF is_utf8 AND octet_length(element) > length(element) THEN
            IF element ~ '[\u0080-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]' THEN
                RETURN ARRAY[column_name, format('%s contains %s, in which a space or an invisible character hides',
                    column_name, poolgate.shown(element)), remedy];
            END IF;
        END IF;
    END LOOP;
    IF cardinality(list) > 1
        AND cardinality(list) <> (SELECT count(DISTINCT e COLLATE "C") FROM unnest(list) e) THEN
        RETURN ARRAY[column_name, format('%s names something twice', column_name), 'Write each element once.'];
    END IF;
    RETURN NULL;
END
$function$;

-- As before; no region's name has more than 32 characters.
CREATE OR REPLACE FUNCTION poolgate.pool_flaw(region text, pool_id text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    region_pattern CONSTANT text := '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?$';
    prefix text;
BEGIN
    IF octet_length(pool_id) <= 128 AND octet_length(region) <= 32 AND starts_with(pool_id, region || '_')
        AND pool_id ~ '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?_[A-Za-z0-9]+$' THEN
        RETURN NULL;
    END IF;
    prefix := split_part(pool_id, '_', 1);
    IF region IS NULL THEN
        RETURN ARRAY['region', 'region is null', 'Write the region of the user pool, such as ''eu-west-1''.'];
    ELSIF pool_id IS NULL THEN
        RETURN ARRAY['pool_id', 'pool_id is null',
            'Write the id of the user pool, such as ''eu-west-1_PwMfVzLQg''.'];
    ELSIF region !~ region_pattern OR octet_length(region) > 32 THEN
        RETURN ARRAY['region',
            format('region %s has not the form of an AWS region', poolgate.shown(region)),
            'Write it as AWS does, in lower case and without a zone letter: ''eu-west-1'', ''us-gov-west-1''.'];
    ELSIF pool_id ~ '[/:]' THEN
        RETURN ARRAY['pool_id',
            format('pool_id %s is an address or an ARN', poolgate.shown(pool_id)),
            'Write only the id after the last slash, such as ''eu-west-1_PwMfVzLQg''.'];
    ELSIF octet_length(pool_id) > 128 THEN
        RETURN ARRAY['pool_id',
            format('pool_id %s has %s bytes', poolgate.shown(pool_id), octet_length(pool_id)),
            'A pool id has at most 55 characters at AWS, and at most 128 here.'];
    ELSIF prefix !~ region_pattern OR substr(pool_id, length(prefix) + 1) !~ '^_[A-Za-z0-9]+$' THEN
        RETURN ARRAY['pool_id',
            format('pool_id %s has not the form of a pool id', poolgate.shown(pool_id)),
            format('Write the region, an underscore, then letters and digits: %L.', region || '_PwMfVzLQg')];
    END IF;
    RETURN ARRAY['pool_id',
        format('pool_id %s lies in another region than %s', poolgate.shown(pool_id), poolgate.shown(region)),
        format('Write region %L, or the id of a pool in %s.', prefix, region)];
END
$function$;

-- Claims.

-- What stands in a claim of this name, where Cognito says so: text, number, flag, texts or
-- objects (arrays of them); null for every other claim.
CREATE FUNCTION poolgate.claim_kind(name text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE
        WHEN name LIKE 'custom:%' THEN 'text'
        WHEN name IN ('sub', 'iss', 'aud', 'client_id', 'username', 'cognito:username', 'scope', 'token_use', 'jti',
            'origin_jti', 'email', 'event_id', 'phone_number') THEN 'text'
        WHEN name IN ('exp', 'iat', 'auth_time') THEN 'number'
        WHEN name IN ('email_verified', 'phone_number_verified') THEN 'flag'
        WHEN name = 'cognito:groups' THEN 'texts'
        WHEN name = 'identities' THEN 'objects'
    END
$function$;

-- The names of a claim's place, from the outermost in; of a JSON pointer (RFC 6901) unescaped.
CREATE FUNCTION poolgate.claim_names(claim text) RETURNS text[]
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE WHEN claim NOT LIKE '/%' THEN ARRAY[claim] WHEN claim = '/' THEN ARRAY['']
        ELSE string_to_array(substr(claim, 2), '/') END
$function$;

CREATE FUNCTION poolgate.claim_flaw(column_name text, claim text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    names CONSTANT text[] := poolgate.claim_names(claim);
    given CONSTANT text := poolgate.shown(claim);
BEGIN
    IF octet_length(convert_to(claim, 'UTF8')) NOT BETWEEN 1 AND 256 THEN
        RETURN ARRAY[column_name, format('%s names a claim of no or more than 256 bytes', column_name),
            'Write the claim''s name, or a JSON pointer into it that begins with a slash: ''/address/locality''.'];
    ELSIF claim ~ '[\x01-\x1f\x7f]|^ | $' THEN
        RETURN ARRAY[column_name, format('%s names the claim %s, which has white space around it', column_name, given),
            'Write the claim''s name as it stands in the token.'];
    ELSIF claim LIKE '/%' AND claim ~ '~([^01]|$)' THEN
        RETURN ARRAY[column_name, format('%s names %s, which is no JSON pointer', column_name, given),
            'In a JSON pointer (RFC 6901) a tilde is written ~0 and a slash within a name ~1.'];
    ELSIF claim LIKE '/%' AND '' = ANY (names) THEN
        RETURN ARRAY[column_name, format('%s names %s, in which a name is empty', column_name, given),
            'Write a JSON pointer such as ''/address/locality'', with no slash at its end and no two in a row.'];
    ELSIF claim LIKE '/%' AND cardinality(names) > 1 AND '-' = ANY (names[2:]) THEN
        RETURN ARRAY[column_name, format('%s names %s, where nothing can stand', column_name, given),
            'A place in an array is a number that begins at 0: ''/identities/0/providerName''.'];
    ELSIF cardinality(names) > 1 AND poolgate.claim_kind(replace(replace(names[1], '~1', '/'), '~0', '~'))
            IN ('text', 'number', 'flag') THEN
        RETURN ARRAY[column_name, format('%s names %s, but nothing stands below %s', column_name, given, poolgate.shown(names[1])),
            'Write the claim alone: Cognito writes a single value there, and strings in all of custom:*.'];
    ELSIF claim LIKE '/%' AND names[1] IN ('cognito:groups', 'identities') AND names[2] !~ '^(0|[1-9][0-9]{0,3})$' THEN
        RETURN ARRAY[column_name, format('%s names %s, but %s is an array', column_name, given, poolgate.shown(names[1])),
            'A place in an array is a number that begins at 0: ''/identities/0/providerName''.'];
    ELSIF claim LIKE '/%' AND names[1] = 'cognito:groups' AND cardinality(names) > 2 THEN
        RETURN ARRAY[column_name, format('%s names %s, but nothing stands below a group', column_name, given),
            'Write required_groups, or ''/cognito:groups/0''.'];
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.claim_headers_flaw(claim_headers jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    remedy CONSTANT text := 'Write header names with the claims that they carry: ''{"X-Plan": "custom:plan"}''.';
    header text;
    claim jsonb;
    flaw text[];
BEGIN
    IF claim_headers IS NULL OR jsonb_typeof(claim_headers) <> 'object' THEN
        RETURN ARRAY['claim_headers', 'claim_headers is no object', remedy];
    ELSIF (SELECT count(*) FROM jsonb_object_keys(claim_headers)) > 32
        OR octet_length(convert_to(claim_headers::text, 'UTF8')) > 8192 THEN
        RETURN ARRAY['claim_headers', 'claim_headers has more than 32 members or 8192 bytes', 'Map fewer claims.'];
    END IF;
    FOR header, claim IN SELECT key, value FROM jsonb_each(claim_headers) LOOP
        IF header !~ '^X-[A-Za-z0-9-]{1,62}$' THEN
            RETURN ARRAY['claim_headers', format('claim_headers names %s, which is no header that it may write',
                poolgate.shown(header)), 'Write a name of letters, digits and hyphens that begins with X-.'];
        ELSIF poolgate.is_protected_header(header) THEN
            RETURN ARRAY['claim_headers', format('claim_headers names %s, which the gateway writes or strips itself',
                poolgate.shown(header)), 'Choose another name, such as ''X-Plan''.'];
        ELSIF jsonb_typeof(claim) <> 'string' OR claim #>> '{}' = '' THEN
            RETURN ARRAY['claim_headers', format('claim_headers maps %s to what is no claim', poolgate.shown(header)),
                'Write the claim''s name, or a JSON pointer into it that begins with a slash: ''/address/locality''.'];
        END IF;
        flaw := poolgate.claim_flaw('claim_headers', claim #>> '{}');
        IF flaw IS NOT NULL THEN
            RETURN flaw;
        END IF;
    END LOOP;
    IF (SELECT count(DISTINCT upper(key COLLATE "C")) <> count(*) FROM jsonb_object_keys(claim_headers) key) THEN
        RETURN ARRAY['claim_headers', 'claim_headers names a header twice', 'Write each name once; case makes no difference.'];
    END IF;
    RETURN NULL;
END
$function$;

-- What is wrong with the values that a rule asks of a claim whose kind is known.
CREATE FUNCTION poolgate.wanted_flaw(claim text, wanted jsonb, needs_all boolean) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    names CONSTANT text[] := poolgate.claim_names(claim);
    given CONSTANT text := poolgate.shown(claim);
    kind CONSTANT text := CASE WHEN cardinality(names) = 1 OR names[1] IN ('cognito:groups', 'identities')
        THEN poolgate.claim_kind(CASE WHEN claim LIKE '/%' THEN replace(replace(names[1], '~1', '/'), '~0', '~') ELSE names[1] END) END;
    element jsonb;
    type text;
BEGIN
    IF kind = 'objects' AND cardinality(names) < 3 THEN
        RETURN ARRAY['required_claims', format('required_claims compares %s with a value, but Cognito writes objects there', given),
            'Write a JSON pointer to a value in one of them: ''/identities/0/providerName''.'];
    END IF;
    FOR element IN SELECT value FROM jsonb_array_elements(wanted) LOOP
        type := jsonb_typeof(element);
        IF kind IN ('text', 'texts', 'objects') AND type <> 'string' THEN
            IF names[1] LIKE 'custom:%' THEN
                RETURN ARRAY['required_claims', format(
                    'required_claims compares %s with a %s: a custom:* claim compares with strings only, since Cognito writes strings',
                    given, type), format('Write %s.', left(jsonb_build_object(claim, element #>> '{}')::text, 300))];
            END IF;
            RETURN ARRAY['required_claims', format('required_claims compares %s with a %s, but Cognito writes strings there', given, type),
                format('Write %s.', left(jsonb_build_object(claim, element #>> '{}')::text, 300))];
        ELSIF kind = 'number' AND type <> 'number' THEN
            RETURN ARRAY['required_claims', format('required_claims compares %s with a %s, but Cognito writes a number there', given, type),
                'Write a whole number, without quotes.'];
        ELSIF kind = 'flag' AND type <> 'boolean' AND lower(element #>> '{}' COLLATE "C") NOT IN ('true', 'false') THEN
            RETURN ARRAY['required_claims', format('required_claims compares %s with what is neither true nor false', given),
                format('Write %s.', left(jsonb_build_object(claim, true)::text, 300))];
        ELSIF trim(LEADING '/' FROM claim) = 'token_use' AND element #>> '{}' NOT IN ('access', 'id') THEN
            RETURN ARRAY['required_claims', format('required_claims compares %s with what is neither access nor id', given),
                'Write {"token_use": "access"} or {"token_use": "id"}.'];
        END IF;
    END LOOP;
    IF needs_all AND kind IN ('text', 'number', 'flag', 'objects')
        AND (SELECT count(DISTINCT value) FROM jsonb_array_elements(wanted)) > 1 THEN
        RETURN ARRAY['required_claims', format('required_claims asks %s for several values at once, but it holds a single one', given),
            'Write an array of values of which one suffices, without "all".'];
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION poolgate.required_claims_flaw(required_claims jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    remedy CONSTANT text := 'Write claims with a value, an array of which one suffices, or {"all": [...]}: ''{"custom:plan": ["pro", "team"]}''.';
    claim text;
    wanted jsonb;
    needs_all boolean;
    element jsonb;
    flaw text[];
BEGIN
    IF jsonb_typeof(required_claims) <> 'object' OR required_claims = '{}' THEN
        RETURN ARRAY['required_claims', 'required_claims is no object with members', remedy];
    ELSIF octet_length(convert_to(required_claims::text, 'UTF8')) > 8192 THEN
        RETURN ARRAY['required_claims', 'required_claims has more than 8192 bytes', 'Ask for fewer values.'];
    ELSIF (SELECT count(*) FROM jsonb_object_keys(required_claims)) > 256 THEN
        RETURN ARRAY['required_claims', 'required_claims has more than 256 members', 'Ask for fewer claims.'];
    END IF;
    FOR claim, wanted IN SELECT key, value FROM jsonb_each(required_claims) LOOP
        flaw := poolgate.claim_flaw('required_claims', claim);
        IF flaw IS NOT NULL THEN
            RETURN flaw;
        END IF;
        needs_all := jsonb_typeof(wanted) = 'object' AND wanted ? 'all' AND wanted - 'all' = '{}';
        IF needs_all THEN
            wanted := wanted -> 'all';
            IF jsonb_typeof(wanted) <> 'array' THEN
                wanted := 'null';
            END IF;
        END IF;
        IF jsonb_typeof(wanted) <> 'array' THEN
            wanted := jsonb_build_array(wanted);
        END IF;
        IF wanted = '[]' THEN
            RETURN ARRAY['required_claims', format('required_claims asks of %s for none of no values', poolgate.shown(claim)), remedy];
        END IF;
        FOR element IN SELECT value FROM jsonb_array_elements(wanted) LOOP
            IF jsonb_typeof(element) NOT IN ('string', 'boolean')
                AND NOT (jsonb_typeof(element) = 'number' AND element::text ~ '^-?[0-9]{1,18}$') THEN
                RETURN ARRAY['required_claims',
                    format('required_claims asks of %s for what is no string, boolean or whole number', poolgate.shown(claim)), remedy];
            END IF;
        END LOOP;
        flaw := poolgate.wanted_flaw(claim, wanted, needs_all);
        IF flaw IS NOT NULL THEN
            RETURN flaw;
        END IF;
    END LOOP;
    RETURN NULL;
END
$function$;

-- Origins as browsers write them (RFC 6454): in lower case, without a scheme's own port, IPv6 in its short form. What is
-- no origin stays as it is, for a refusal to show.
CREATE FUNCTION poolgate.canonical_origin(origin text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    lowered text := lower(origin COLLATE "C");
    name text;
BEGIN
    lowered := regexp_replace(lowered, '^(http(?=:.*:80$)|https(?=:.*:443$))(://([^:/?#@]+|\[[0-9a-f:.]+\])):[0-9]+$', '\1\2');
    name := substring(lowered FROM '^https?://\[([0-9a-f:.]+)\](?::[0-9]+)?$');
    IF name IS NOT NULL THEN
        BEGIN
            lowered := replace(lowered, '[' || name || ']', '[' || host(name::inet) || ']');
        EXCEPTION WHEN invalid_text_representation THEN
            NULL;
        END;
    END IF;
    RETURN lowered;
END
$function$;

CREATE FUNCTION poolgate.canonical_origins(origins text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE WHEN origins IS NULL OR array_ndims(origins) IS DISTINCT FROM 1 OR array_lower(origins, 1) <> 1 THEN origins
        ELSE (SELECT array_agg(poolgate.canonical_origin(o.origin) ORDER BY o.place)
            FROM unnest(origins) WITH ORDINALITY o (origin, place)) END
$function$;

CREATE FUNCTION poolgate.cors_origins_flaw(cors_origins text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    remedy CONSTANT text := 'Write origins as browsers do, without a path: ''{https://app.example.com}''.';
    origin text;
    flaw text[] := poolgate.list_flaw('cors_origins', cors_origins, 100, 300, '^https?://[a-z0-9_.:[\]-]+$',
        'Write NULL to let no page read refusals, or name at least one origin.', remedy);
BEGIN
    IF flaw IS NULL THEN
        FOREACH origin IN ARRAY cors_origins LOOP
            flaw := poolgate.origin_flaw(origin);
            IF flaw IS NOT NULL THEN
                RETURN ARRAY['cors_origins', 'cors_origins' || substr(flaw[2], length('upstream') + 1), remedy];
            END IF;
        END LOOP;
    END IF;
    RETURN flaw;
END
$function$;

-- As before, with origins looked at more closely.
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

-- As before, with origins in their canonical form.
CREATE OR REPLACE FUNCTION poolgate.check_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        NEW.changed := pg_current_xact_id();
        RETURN NEW;
    END IF;
    IF NEW.cors_origins IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.cors_origins IS DISTINCT FROM OLD.cors_origins) THEN
        NEW.cors_origins := poolgate.canonical_origins(NEW.cors_origins);
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

-- Rules.

-- As before; encodings must make UTF-8.
CREATE OR REPLACE FUNCTION poolgate.path_prefix_flaw(path_prefix text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    given CONSTANT text := poolgate.shown(path_prefix);
    sentence text;
    remedy text;
BEGIN
    IF path_prefix IS NULL OR path_prefix = '' THEN
        sentence := format('path_prefix is %s', CASE WHEN path_prefix IS NULL THEN 'null' ELSE 'empty' END);
        remedy := 'Write ''/'' for every path, or a path such as ''/public''.';
    ELSIF octet_length(path_prefix) > 1024 THEN
        sentence := format('path_prefix %s has %s bytes', given, octet_length(path_prefix));
        remedy := 'Write at most 1024.';
    ELSIF path_prefix ~ '[\x01-\x20\x7f]' THEN
        sentence := format('path_prefix %s contains white space or a control character', given);
        remedy := 'Write the path as it stands in a request, percent-encoded.';
    ELSIF path_prefix !~ '^/' THEN
        sentence := format('path_prefix %s does not begin with a slash', given);
        remedy := 'Write a path such as ''/public''.';
    ELSIF path_prefix ~ '[?#]' THEN
        sentence := format('path_prefix %s contains a query or a fragment', given);
        remedy := 'Write the path alone: rules do not look at queries.';
    ELSIF path_prefix ~ '.\*$' THEN
        sentence := format('path_prefix %s ends in a wildcard', given);
        remedy := 'Leave it out: a prefix covers everything below it.';
    ELSIF path_prefix ~ './$' THEN
        sentence := format('path_prefix %s ends in a slash', given);
        remedy := format('Write %L: it covers the path itself and everything below it.', left(rtrim(path_prefix, '/'), 300));
    ELSIF path_prefix ~ '//' THEN
        sentence := format('path_prefix %s has an empty segment', given);
        remedy := 'Write single slashes: requests with two in a row are refused.';
    ELSIF path_prefix ~ '/\.\.?(/|$)' THEN
        sentence := format('path_prefix %s has a segment of dots', given);
        remedy := 'Write the path that is meant: requests with such segments are refused.';
    ELSIF path_prefix ~ '[\\;]|%(2[fF]|5[cC]|00|3[bB]|25)' THEN
        sentence := format('path_prefix %s contains what no request may', given);
        remedy := 'Requests with a backslash, a semicolon, NUL, or an encoded slash or percent sign are refused.';
    ELSIF path_prefix ~* '%(2d|2e|5f|7e|3[0-9]|[46][1-9a-f]|[57][0-9a])' THEN
        sentence := format('path_prefix %s encodes a character that needs no encoding', given);
        remedy := 'Write letters, digits, hyphens, dots, underscores and tildes as they are.';
    ELSIF path_prefix ~ '%[0-9A-Fa-f]{2}' AND path_prefix ~ '%([a-f].|.[a-f])' THEN
        sentence := format('path_prefix %s has an encoding in lower case', given);
        remedy := 'Write it in upper case, such as ''%C3%BC''.';
    ELSIF path_prefix !~ '^(/|(/([A-Za-z0-9._~!$&''()*+,=:@-]|%[0-9A-F]{2})+)+)$' THEN
        sentence := format('path_prefix %s contains a character that no path has', given);
        remedy := 'Write the path as it stands in a request, percent-encoded over UTF-8: ''/f%C3%BCr''.';
    ELSIF path_prefix ~ '%' THEN
        BEGIN
            PERFORM convert_from(poolgate.decoded_path(path_prefix), 'UTF8');
            RETURN NULL;
        EXCEPTION
            WHEN untranslatable_character THEN
                RETURN NULL;  -- It is UTF-8, though of characters that this database could not hold.
            WHEN character_not_in_repertoire THEN
                sentence := format('path_prefix %s has encodings that are no UTF-8', given);
                remedy := 'Requests with such paths are refused. Percent-encode over UTF-8: ''/f%C3%BCr''.';
        END;
    ELSE
        RETURN NULL;
    END IF;
    RETURN ARRAY['path_prefix', sentence, remedy];
END
$function$;

CREATE FUNCTION poolgate.methods_flaw(methods text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    -- IANA's registry of methods, and those in wide use that it lacks.
    known CONSTANT text[] := '{GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS,ACL,BASELINE-CONTROL,BIND,CHECKIN,CHECKOUT,COPY,LABEL,LINK,
        LOCK,MERGE,MKACTIVITY,MKCALENDAR,MKCOL,MKREDIRECTREF,MKWORKSPACE,MOVE,ORDERPATCH,PROPFIND,PROPPATCH,QUERY,REBIND,REPORT,
        SEARCH,UNBIND,UNCHECKOUT,UNLINK,UNLOCK,UPDATE,UPDATEREDIRECTREF,VERSION-CONTROL,
        PURGE,BAN,NOTIFY,SUBSCRIBE,UNSUBSCRIBE,M-SEARCH,SOURCE,VIEW,POLL,BCOPY,BDELETE,BMOVE,BPROPFIND,BPROPPATCH,
        X-MS-ENUMATTS,RPC_IN_DATA,RPC_OUT_DATA}';
    method text;
    flaw text[];
BEGIN
    flaw := poolgate.list_flaw('methods', methods, 32, 32, '^[A-Za-z][A-Za-z_-]*$',
        'Write NULL for every method, or name at least one: ''{GET,POST}''.',
        'Write methods in upper case, each an element of its own: ''{GET,POST}''.');
    IF flaw IS NOT NULL THEN
        RETURN flaw;
    END IF;
    FOREACH method IN ARRAY methods LOOP
        IF method ~ '[a-z]' THEN
            RETURN ARRAY['methods', format('methods contains %s, which has lower-case letters', poolgate.shown(method)),
                format('Write it in upper case, %L: letter case counts, and requests with lower-case methods are refused where a host has rules.',
                    upper(method COLLATE "C"))];
        ELSIF method IN ('CONNECT', 'TRACE', 'PRI') THEN
            RETURN ARRAY['methods', format('methods contains %s, which the gateway never serves', poolgate.shown(method)),
                'Leave it out: such requests are answered 405, whatever a rule says.'];
        ELSIF method <> ALL (known) THEN
            RETURN ARRAY['methods', format('methods contains %s, which is no method of HTTP', poolgate.shown(method)),
                'Write methods such as GET, POST, PUT, PATCH, DELETE, OPTIONS or those of WebDAV; a rule without methods (NULL) is for all others.'];
        END IF;
    END LOOP;
    RETURN NULL;
END
$function$;

-- As before; whether the host is there is asked elsewhere.
CREATE OR REPLACE FUNCTION poolgate.rule_flaw(r poolgate.rules) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    group_remedy CONSTANT text := 'Write the names of groups, each an element of its own, without spaces: ''{admins,staff}''.';
    scope_remedy CONSTANT text := 'Write scopes, each an element of its own, without spaces: ''{openid,orders/read}''.';
    no_group CONSTANT text := 'Write NULL to ask for no group, or name at least one: ''{admins}''.';
    no_scope CONSTANT text := 'Write NULL to ask for no scope, or name at least one: ''{orders/read}''.';
    flaw text[] := poolgate.path_prefix_flaw(r.path_prefix);
BEGIN
    IF flaw IS NULL AND r.methods IS NOT NULL THEN
        flaw := poolgate.methods_flaw(r.methods);
    END IF;
    IF flaw IS NULL AND (r.access IS NULL OR r.access NOT IN ('public', 'optional', 'authenticated')) THEN
        flaw := ARRAY['access', format('access %s is unknown', poolgate.shown(r.access)),
            'Write ''public'', ''optional'' or ''authenticated''.'];
    END IF;
    IF flaw IS NULL AND r.access <> 'authenticated'
        AND num_nonnulls(r.required_groups, r.every_group, r.required_scopes, r.every_scope, r.required_claims) > 0 THEN
        flaw := ARRAY['access', format('access %s asks for nothing, yet the rule names groups, scopes or claims', poolgate.shown(r.access)),
            'Write ''authenticated'', or NULL for what the rule asks for.'];
    END IF;
    IF flaw IS NULL AND r.required_groups IS NOT NULL THEN
        flaw := poolgate.list_flaw('required_groups', r.required_groups, 1000, 128, '^[^\x01-\x20\x7f]+$', no_group, group_remedy);
    END IF;
    IF flaw IS NULL AND r.every_group IS NOT NULL THEN
        flaw := poolgate.list_flaw('every_group', r.every_group, 1000, 128, '^[^\x01-\x20\x7f]+$', no_group, group_remedy);
    END IF;
    IF flaw IS NULL AND r.required_scopes IS NOT NULL THEN
        flaw := poolgate.list_flaw(
            'required_scopes', r.required_scopes, 1000, 513, '^[\x21\x23-\x5b\x5d-\x7e]+$', no_scope, scope_remedy);
    END IF;
    IF flaw IS NULL AND r.every_scope IS NOT NULL THEN
        flaw := poolgate.list_flaw('every_scope', r.every_scope, 1000, 513, '^[\x21\x23-\x5b\x5d-\x7e]+$', no_scope, scope_remedy);
    END IF;
    IF flaw IS NULL AND r.required_claims IS NOT NULL THEN
        flaw := poolgate.required_claims_flaw(r.required_claims);
    END IF;
    IF flaw IS NULL AND r.shadow IS NULL THEN
        flaw := ARRAY['shadow', 'shadow is null', 'Write true or false.'];
    END IF;
    IF flaw IS NULL AND length(r.comment) > 4000 THEN
        flaw := ARRAY['comment', format('comment has %s characters', length(r.comment)), 'Write at most 4000.'];
    END IF;
    RETURN flaw;
END
$function$;

-- What could be meant, but hardly is, is told in a NOTICE: at most five a statement. Rows of a statement have no statistics,
-- without which Postgres would compare each with each.

CREATE FUNCTION poolgate.claim_doubts(column_name text, claims text[]) RETURNS TABLE (sentence text, remedy text)
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT format('%s names the claim %s, whose name contains a slash', column_name, poolgate.shown(c)),
        format('A JSON pointer begins with one: %L.', '/' || left(c, 300))
    FROM unnest(claims) c WHERE c LIKE '%/%' AND c NOT LIKE '/%' AND c !~ '^[A-Za-z][A-Za-z0-9+.-]*:'
$function$;

CREATE FUNCTION poolgate.tenant_doubts(t poolgate.tenants) RETURNS TABLE (sentence text, remedy text)
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
    FROM unnest(string_to_array(t.upstream, ' ')) o WHERE o ~ '^https?://' AND split_part(split_part(o, '://', 2), ':', 1) = t.host
    UNION ALL
    SELECT format('upstream %s lies at an address that the gateway never connects to', poolgate.shown(o)),
        'Link-local addresses and those of clouds'' metadata are refused.'
    FROM unnest(string_to_array(t.upstream, ' ')) o
    WHERE o ~ '^https?://(169\.254\.|100\.100\.100\.200|168\.63\.129\.16|\[fe[89ab][0-9a-f]:|\[fd00:ec2::254\]|\[fd20:ce::254\])'
    UNION ALL
    SELECT format('upstream %s speaks one scheme at the other''s port', poolgate.shown(o)), 'Look whether http and https are mixed up.'
    FROM unnest(string_to_array(t.upstream, ' ')) o WHERE o ~ '^(http:.*:443|https:.*:80)$'
    UNION ALL
    SELECT 'required_scopes can be met by no id token, and token_uses accepts no other', 'Add ''access'' to token_uses, or write NULL for required_scopes.'
    WHERE t.token_uses = '{id}' AND t.required_scopes IS NOT NULL
    UNION ALL
    SELECT format('required_groups names %s, a single group with a comma in its name', poolgate.shown(g)),
        'Write each group as an element of its own: ''{admins,staff}''.'
    FROM unnest(t.required_groups) g WHERE g LIKE '%,%'
$function$;

CREATE FUNCTION poolgate.rule_doubts(r poolgate.rules) RETURNS TABLE (sentence text, remedy text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT * FROM poolgate.claim_doubts('required_claims', ARRAY(
        SELECT jsonb_object_keys(CASE jsonb_typeof(r.required_claims) WHEN 'object' THEN r.required_claims ELSE '{}' END)))
    UNION ALL
    SELECT format('a rule names %s, a single group with a comma in its name', poolgate.shown(g)),
        'Write each group as an element of its own: ''{admins,staff}''.'
    FROM unnest(coalesce(r.required_groups, '{}') || coalesce(r.every_group, '{}')) g WHERE g LIKE '%,%'
$function$;

CREATE FUNCTION poolgate.tell_doubts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $function$
DECLARE
    doubt record;
BEGIN
    -- The conditions are cheap ones, for the few rows that are worth a look.
    IF TG_TABLE_NAME = 'tenants' AND TG_OP = 'INSERT' THEN
        FOR doubt IN
            SELECT d.* FROM new_rows n, LATERAL poolgate.tenant_doubts(n) d WHERE
                    n.max_token_age < interval '1 minute' OR n.claim_headers::text ~ '/' OR n.token_uses = '{id}'
                    OR n.upstream ~ '169\.254|168\.63|100\.100|::|\[fe|:443|:80( |$)' OR strpos(n.upstream, n.host) > 0
                    OR cardinality(n.additional_regions) > 0 OR n.second_region IS NOT NULL
                    OR n.region !~ '^(eu|us|ap)-[a-z]+-[0-9]$' OR n.region !~ '^..-(north|south|east|west|central)(east|west)?-'
                    OR array_to_string(n.required_groups, ' ') ~ ','
            LIMIT 5
        LOOP
            RAISE NOTICE '%', doubt.sentence USING HINT = doubt.remedy;
        END LOOP;
    ELSIF TG_TABLE_NAME = 'tenants' THEN
        FOR doubt IN
            SELECT d.* FROM new_rows n LEFT JOIN old_rows o ON o.host = n.host, LATERAL poolgate.tenant_doubts(n) d
                WHERE (
                    n.max_token_age < interval '1 minute' OR n.claim_headers::text ~ '/' OR n.token_uses = '{id}'
                    OR n.upstream ~ '169\.254|168\.63|100\.100|::|\[fe|:443|:80( |$)' OR strpos(n.upstream, n.host) > 0
                    OR cardinality(n.additional_regions) > 0 OR n.second_region IS NOT NULL
                    OR n.region !~ '^(eu|us|ap)-[a-z]+-[0-9]$' OR n.region !~ '^..-(north|south|east|west|central)(east|west)?-'
                    OR array_to_string(n.required_groups, ' ') ~ ','
                    )
                    AND (n.max_token_age, n.claim_headers, n.token_uses, n.upstream, n.additional_regions, n.second_region, n.region,
                        n.required_groups, n.required_scopes)
                    IS DISTINCT FROM (o.max_token_age, o.claim_headers, o.token_uses, o.upstream, o.additional_regions, o.second_region,
                        o.region, o.required_groups, o.required_scopes)
            LIMIT 5
        LOOP
            RAISE NOTICE '%', doubt.sentence USING HINT = doubt.remedy;
        END LOOP;
    ELSE
        FOR doubt IN SELECT d.* FROM new_rows n, LATERAL poolgate.rule_doubts(n) d LIMIT 5 LOOP
            RAISE NOTICE '%', doubt.sentence USING HINT = doubt.remedy;
        END LOOP;
    END IF;
    RETURN NULL;
END
$function$;

CREATE INDEX tenants_pool_id ON poolgate.tenants (pool_id);
CREATE INDEX tenants_second_pool_id ON poolgate.tenants (second_pool_id) WHERE second_pool_id IS NOT NULL;

CREATE FUNCTION poolgate.tell_revocation_doubts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    uuid CONSTANT text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    doubt record;
BEGIN
    FOR doubt IN
        SELECT format('no tenant names the pool %s: the entry revokes nothing until one does', poolgate.shown(p.pool_id)) AS sentence,
            'Compare the id with pool_id and second_pool_id in poolgate.tenants.' AS remedy
        FROM (SELECT DISTINCT n.pool_id FROM new_rows n) p
        WHERE NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.pool_id = p.pool_id)
            AND NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.second_pool_id = p.pool_id)
        LIMIT 5
    LOOP
        RAISE NOTICE '%', doubt.sentence USING HINT = doubt.remedy;
    END LOOP;
    SELECT count(*) AS number, min(n.subject) AS example INTO doubt FROM new_rows n WHERE n.subject !~ uuid;
    IF doubt.number > 0 THEN
        RAISE NOTICE 'subject % is not the UUID in lower case that Cognito gives a user%', poolgate.shown(doubt.example),
            CASE doubt.number WHEN 1 THEN '' ELSE format(', nor are %s more', doubt.number - 1) END USING
            HINT = 'Write the user''s sub, not the user name or the address; for a machine''s tokens write client_id instead.';
    END IF;
    IF EXISTS (SELECT FROM new_rows n WHERE coalesce(n.jti, n.origin_jti) !~ uuid) THEN
        RAISE NOTICE 'a jti or origin_jti is not the UUID in lower case that Cognito gives a token' USING
            HINT = 'Write the claim''s value as it stands in the token, not the token.';
    END IF;
    SELECT count(*) AS number, min(n.expires_at) AS example INTO doubt FROM new_rows n WHERE n.expires_at <= now();
    IF doubt.number > 0 THEN
        RAISE NOTICE 'expires_at % has passed: the entry revokes nothing', doubt.example USING
            HINT = 'Leave expires_at out for 25 hours from now.';
    END IF;
    SELECT count(*) AS number, max(n.issued_before) AS example INTO doubt
        FROM new_rows n WHERE n.issued_before > now() + interval '1 minute' AND n.jti IS NULL AND n.origin_jti IS NULL;
    IF doubt.number > 0 THEN
        RAISE NOTICE 'issued_before % lies ahead: tokens that are issued until then are refused as well', doubt.example USING
            HINT = 'Leave issued_before out for now.';
    END IF;
    SELECT count(*) AS number, min(n.issued_before) AS example INTO doubt
        FROM new_rows n WHERE n.issued_before < now() - interval '24 hours' AND n.jti IS NULL AND n.origin_jti IS NULL;
    IF doubt.number > 0 THEN
        RAISE NOTICE 'issued_before % is more than a day ago: tokens that old have expired, and later ones stay good', doubt.example USING
            HINT = 'Leave issued_before out for now.';
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER tell_inserted AFTER INSERT ON poolgate.tenants REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_doubts();
CREATE TRIGGER tell_updated AFTER UPDATE ON poolgate.tenants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_doubts();
CREATE TRIGGER tell_inserted AFTER INSERT ON poolgate.rules REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_doubts();
CREATE TRIGGER tell_updated AFTER UPDATE ON poolgate.rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_doubts();
CREATE TRIGGER tell_inserted AFTER INSERT ON poolgate.revocations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_revocation_doubts();
CREATE TRIGGER tell_updated AFTER UPDATE ON poolgate.revocations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.tell_revocation_doubts();

-- Origins that were written before are put into the form in which they are compared; one that is none stays.
UPDATE poolgate.tenants t SET cors_origins = poolgate.canonical_origins(t.cors_origins)
    WHERE t.cors_origins IS DISTINCT FROM poolgate.canonical_origins(t.cors_origins)
        AND poolgate.cors_origins_flaw(poolgate.canonical_origins(t.cors_origins)) IS NULL;

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

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 7, this_checksum);
END
$migration$;

COMMIT;
