-- Rules by path, where tokens may stand, what services are told, and tokens that are revoked before they expire.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0005_policy';
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

-- Tenants.

ALTER TABLE poolgate.tenants
    ADD COLUMN second_region text COLLATE "C",
    ADD COLUMN second_pool_id text COLLATE "C",
    ADD COLUMN claim_headers jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN header_profile text COLLATE "C" NOT NULL DEFAULT 'poolgate'
        CONSTRAINT tenants_header_profile_check
            CHECK (header_profile IN ('poolgate', 'oauth2-proxy', 'alb', 'authelia')),
    ADD COLUMN forward_token boolean NOT NULL DEFAULT true,
    ADD COLUMN cookie_name text COLLATE "C"
        CONSTRAINT tenants_cookie_name_check CHECK (cookie_name ~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$'),
    ADD COLUMN query_parameter text COLLATE "C"
        CONSTRAINT tenants_query_parameter_check CHECK (query_parameter ~ '^[A-Za-z0-9_.~-]{1,128}$'),
    ADD COLUMN cors_origins text[]
        CONSTRAINT tenants_cors_origins_check CHECK (
            cardinality(cors_origins) BETWEEN 1 AND 100
            AND array_position(cors_origins, NULL) IS NULL AND '' <> ALL (cors_origins)),
    ADD COLUMN allow_preflights boolean NOT NULL DEFAULT true,
    ADD COLUMN max_token_age interval
        CONSTRAINT tenants_max_token_age_check CHECK (max_token_age BETWEEN interval '1 second' AND interval '30 days'),
    ADD CONSTRAINT tenants_second_pool_id_check CHECK (
        (second_region IS NULL) = (second_pool_id IS NULL)
        AND (second_pool_id IS NULL OR (
            octet_length(second_pool_id) <= 128
            AND starts_with(second_pool_id, second_region || '_')
            AND substr(second_pool_id, length(second_region) + 2) ~ '^[A-Za-z0-9]+$'
            AND second_pool_id <> pool_id))),
    ADD CONSTRAINT tenants_claim_headers_check CHECK (
        jsonb_typeof(claim_headers) = 'object' AND octet_length(claim_headers::text) <= 8192);

COMMENT ON COLUMN poolgate.tenants.second_region IS 'Region of the second pool.';
COMMENT ON COLUMN poolgate.tenants.second_pool_id IS
    'A second pool, for migration or staff; a token''s iss picks exactly one of the two.';
COMMENT ON COLUMN poolgate.tenants.claim_headers IS
    'Header name to claim: {"X-Plan": "custom:plan", "X-City": "/address/locality"}.';
COMMENT ON COLUMN poolgate.tenants.header_profile IS
    'Whose identity headers services read besides ours: poolgate (no others), oauth2-proxy, alb or authelia.';
COMMENT ON COLUMN poolgate.tenants.forward_token IS 'Whether Authorization reaches the upstream.';
COMMENT ON COLUMN poolgate.tenants.cookie_name IS 'A cookie that may hold the token; it never reaches the upstream.';
COMMENT ON COLUMN poolgate.tenants.query_parameter IS
    'A query parameter that may hold the token; it never reaches the upstream.';
COMMENT ON COLUMN poolgate.tenants.cors_origins IS
    'Origins whose pages may read our own refusals, and may send a token by cookie.';
COMMENT ON COLUMN poolgate.tenants.allow_preflights IS 'Whether CORS preflights pass without a token.';
COMMENT ON COLUMN poolgate.tenants.max_token_age IS
    'How long after its iat a token is good at most; null leaves that to its exp.';

-- Whether the gateway writes a header of this name itself, or strips it as another gateway's: case and every character
-- that is no letter or digit make no difference.
CREATE FUNCTION poolgate.is_protected_header(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT regexp_replace(lower(name COLLATE "C"), '[^a-z0-9]', '_', 'g')
        ~ ('^(x_poolgate_.*|x_forwarded_.*|x_real_ip|forwarded|x_auth_request_.*|x_amzn_oidc_.*|x_pomerium_.*'
            || '|x_goog_.*|x_consumer_.*|x_credential_identifier|x_anonymous_consumer|x_authenticated_.*|x_webauth_.*'
            || '|x_authentik_.*|x_ms_client_principal.*|x_vouch_user|x_token_subject|x_remote_.*|x_original_.*'
            || '|x_rewrite_url|x_http_method.*)$')
$function$;

CREATE FUNCTION poolgate.claim_headers_flaw(claim_headers jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    remedy CONSTANT text := 'Write header names with the claims that they carry: ''{"X-Plan": "custom:plan"}''.';
    header text;
    claim jsonb;
BEGIN
    IF claim_headers IS NULL OR jsonb_typeof(claim_headers) <> 'object' THEN
        RETURN ARRAY['claim_headers', 'claim_headers is no object', remedy];
    ELSIF (SELECT count(*) FROM jsonb_object_keys(claim_headers)) > 32
        OR octet_length(claim_headers::text) > 8192 THEN
        RETURN ARRAY['claim_headers', 'claim_headers has more than 32 members or 8192 bytes', 'Map fewer claims.'];
    END IF;
    FOR header, claim IN SELECT key, value FROM jsonb_each(claim_headers) LOOP
        IF header !~ '^X-[A-Za-z0-9-]{1,62}$' THEN
            RETURN ARRAY['claim_headers', format('claim_headers names %s, which is no header that it may write',
                poolgate.shown(header)), 'Write a name of letters, digits and hyphens that begins with X-.'];
        ELSIF poolgate.is_protected_header(header) THEN
            RETURN ARRAY['claim_headers', format('claim_headers names %s, which the gateway writes or strips itself',
                poolgate.shown(header)), 'Choose another name, such as ''X-Plan''.'];
        ELSIF jsonb_typeof(claim) <> 'string' OR octet_length(claim #>> '{}') NOT BETWEEN 1 AND 256 THEN
            RETURN ARRAY['claim_headers', format('claim_headers maps %s to what is no claim', poolgate.shown(header)),
                'Write the claim''s name, or a JSON pointer into it that begins with a slash: ''/address/locality''.'];
        END IF;
    END LOOP;
    IF (SELECT count(DISTINCT upper(key)) <> count(*) FROM jsonb_object_keys(claim_headers) key) THEN
        RETURN ARRAY['claim_headers', 'claim_headers names a header twice', 'Write each name once; case makes no difference.'];
    END IF;
    RETURN NULL;
END
$function$;

-- What is wrong with the columns above; only those that differ from the old row are looked at.
CREATE FUNCTION poolgate.policy_flaw(t poolgate.tenants, old poolgate.tenants) RETURNS text[]
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
        flaw := poolgate.list_flaw('cors_origins', t.cors_origins, 100, 300, '^https?://[a-z0-9_.:[\]-]+$',
            'Write NULL to let no page read refusals, or name at least one origin.',
            'Write origins as browsers do, in lower case and without a path: ''{https://app.example.com}''.');
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

-- As before, with the new columns looked at too.
CREATE OR REPLACE FUNCTION poolgate.check_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw CONSTANT text[] := coalesce(
        poolgate.tenant_flaw(NEW, OLD), poolgate.carriage_flaw(NEW, OLD), poolgate.policy_flaw(NEW, OLD));
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

-- Rules. A gateway reads them with their tenant: whatever changes a rule marks the tenant's row as changed.

CREATE TABLE poolgate.rules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text COLLATE "C" NOT NULL REFERENCES poolgate.tenants ON UPDATE CASCADE ON DELETE CASCADE,
    path_prefix text COLLATE "C" NOT NULL
        CONSTRAINT rules_path_prefix_check CHECK (
            octet_length(path_prefix) <= 1024
            AND path_prefix ~ '^(/|(/([A-Za-z0-9._~!$&''()*+,=:@-]|%[0-9A-F]{2})+)+)$'
            AND path_prefix !~ '/\.\.?(/|$)'),
    methods text[]
        CONSTRAINT rules_methods_check CHECK (
            cardinality(methods) BETWEEN 1 AND 32 AND array_position(methods, NULL) IS NULL),
    access text COLLATE "C" NOT NULL DEFAULT 'authenticated'
        CONSTRAINT rules_access_check CHECK (access IN ('public', 'optional', 'authenticated')),
    required_groups text[]
        CONSTRAINT rules_required_groups_check CHECK (
            cardinality(required_groups) BETWEEN 1 AND 1000 AND array_position(required_groups, NULL) IS NULL),
    every_group text[]
        CONSTRAINT rules_every_group_check CHECK (
            cardinality(every_group) BETWEEN 1 AND 1000 AND array_position(every_group, NULL) IS NULL),
    required_scopes text[]
        CONSTRAINT rules_required_scopes_check CHECK (
            cardinality(required_scopes) BETWEEN 1 AND 1000 AND array_position(required_scopes, NULL) IS NULL),
    every_scope text[]
        CONSTRAINT rules_every_scope_check CHECK (
            cardinality(every_scope) BETWEEN 1 AND 1000 AND array_position(every_scope, NULL) IS NULL),
    required_claims jsonb
        CONSTRAINT rules_required_claims_check CHECK (
            jsonb_typeof(required_claims) = 'object' AND octet_length(required_claims::text) <= 8192),
    shadow boolean NOT NULL DEFAULT false,
    comment text CONSTRAINT rules_comment_check CHECK (length(comment) <= 4000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rules_needs_check CHECK (
        access = 'authenticated'
        OR coalesce(required_groups, every_group, required_scopes, every_scope) IS NULL AND required_claims IS NULL)
);
CREATE INDEX rules_host ON poolgate.rules (host, path_prefix);
COMMENT ON TABLE poolgate.rules IS
    'What a path of a host asks of its callers: the longest prefix of whole segments decides; without a rule a token is needed.';
COMMENT ON COLUMN poolgate.rules.methods IS
    'Methods that the rule is for; null is all that no other rule of the prefix names. GET covers HEAD.';
COMMENT ON COLUMN poolgate.rules.access IS
    'public: no token is looked at. optional: none is needed, a bad one is refused. authenticated: a good one is needed.';
COMMENT ON COLUMN poolgate.rules.required_groups IS 'Any of these groups suffices, besides what the tenant''s row asks for.';
COMMENT ON COLUMN poolgate.rules.every_group IS 'All of these groups are needed.';
COMMENT ON COLUMN poolgate.rules.required_scopes IS 'Any of these scopes suffices, besides what the tenant''s row asks for.';
COMMENT ON COLUMN poolgate.rules.every_scope IS 'All of these scopes are needed.';
COMMENT ON COLUMN poolgate.rules.required_claims IS
    'Each claim must be the value, or one of an array; {"all": [...]} asks that the claim, an array, holds all of them.';
COMMENT ON COLUMN poolgate.rules.shadow IS 'Judged and reported (would_refuse), not enforced.';

CREATE FUNCTION poolgate.path_prefix_flaw(path_prefix text) RETURNS text[]
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
    ELSE
        RETURN NULL;
    END IF;
    RETURN ARRAY['path_prefix', sentence, remedy];
END
$function$;

CREATE FUNCTION poolgate.required_claims_flaw(required_claims jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    remedy CONSTANT text := 'Write claims with a value, an array of which one suffices, or {"all": [...]}: ''{"custom:plan": ["pro", "team"]}''.';
    claim text;
    wanted jsonb;
    element jsonb;
BEGIN
    IF jsonb_typeof(required_claims) <> 'object' OR required_claims = '{}' THEN
        RETURN ARRAY['required_claims', 'required_claims is no object with members', remedy];
    ELSIF octet_length(required_claims::text) > 8192 THEN
        RETURN ARRAY['required_claims', 'required_claims has more than 8192 bytes', 'Ask for fewer values.'];
    END IF;
    FOR claim, wanted IN SELECT key, value FROM jsonb_each(required_claims) LOOP
        IF octet_length(claim) NOT BETWEEN 1 AND 256 THEN
            RETURN ARRAY['required_claims', 'required_claims names a claim of no or more than 256 bytes', remedy];
        END IF;
        IF jsonb_typeof(wanted) = 'object' AND wanted ? 'all' AND wanted - 'all' = '{}' THEN
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
    END LOOP;
    RETURN NULL;
END
$function$;

CREATE FUNCTION poolgate.rule_flaw(r poolgate.rules) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF NOT EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = r.host) THEN
        RETURN ARRAY['host', format('host %s is not registered', poolgate.shown(r.host)),
            'INSERT it into poolgate.tenants first; a wildcard is written as it stands there.'];
    END IF;
    flaw := poolgate.path_prefix_flaw(r.path_prefix);
    IF flaw IS NULL AND r.methods IS NOT NULL THEN
        flaw := poolgate.list_flaw('methods', r.methods, 32, 32, '^[A-Z][A-Z_-]*$',
            'Write NULL for every method, or name at least one: ''{GET,POST}''.',
            'Write methods in upper case, each an element of its own: ''{GET,POST}''.');
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
        flaw := poolgate.list_flaw('required_groups', r.required_groups, 1000, 128, '^[^\x01-\x20\x7f]+$',
            'Write NULL to ask for no group, or name at least one: ''{admins}''.', 'Write the names of groups: ''{admins,staff}''.');
    END IF;
    IF flaw IS NULL AND r.every_group IS NOT NULL THEN
        flaw := poolgate.list_flaw('every_group', r.every_group, 1000, 128, '^[^\x01-\x20\x7f]+$',
            'Write NULL to ask for no group, or name at least one: ''{admins}''.', 'Write the names of groups: ''{admins,staff}''.');
    END IF;
    IF flaw IS NULL AND r.required_scopes IS NOT NULL THEN
        flaw := poolgate.list_flaw('required_scopes', r.required_scopes, 1000, 513, '^[\x21\x23-\x5b\x5d-\x7e]+$',
            'Write NULL to ask for no scope, or name at least one: ''{orders/read}''.', 'Write scopes: ''{openid,orders/read}''.');
    END IF;
    IF flaw IS NULL AND r.every_scope IS NOT NULL THEN
        flaw := poolgate.list_flaw('every_scope', r.every_scope, 1000, 513, '^[\x21\x23-\x5b\x5d-\x7e]+$',
            'Write NULL to ask for no scope, or name at least one: ''{orders/read}''.', 'Write scopes: ''{openid,orders/read}''.');
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

-- Refuses a bad rule in sentences. The tenant's row is locked, so that two rules that contradict each other cannot be
-- written side by side.
CREATE FUNCTION poolgate.check_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
    other poolgate.rules;
BEGIN
    PERFORM FROM poolgate.tenants t WHERE t.host = NEW.host FOR NO KEY UPDATE;
    flaw := poolgate.rule_flaw(NEW);
    IF flaw IS NULL THEN
        SELECT * INTO other FROM poolgate.rules r
            WHERE r.host = NEW.host AND r.path_prefix = NEW.path_prefix AND r.shadow = NEW.shadow AND r.id <> NEW.id
                AND (r.methods IS NULL AND NEW.methods IS NULL OR r.methods && NEW.methods) LIMIT 1;
        IF FOUND THEN
            flaw := ARRAY['methods', format('rule %s is for %s of %s already', other.id,
                coalesce(array_to_string(other.methods, ', '), 'every other method'), poolgate.shown(NEW.path_prefix)),
                'UPDATE that rule, or name other methods.'];
        ELSIF (SELECT count(*) FROM poolgate.rules r WHERE r.host = NEW.host AND r.id <> NEW.id) >= 256 THEN
            flaw := ARRAY['host', format('host %s has 256 rules', poolgate.shown(NEW.host)), 'Join some by a shorter prefix.'];
        END IF;
    END IF;
    IF flaw IS NOT NULL THEN
        RAISE EXCEPTION '%', flaw[2] USING
            ERRCODE = 'check_violation', HINT = flaw[3],
            SCHEMA = 'poolgate', TABLE = 'rules', COLUMN = flaw[1];
    END IF;
    NEW.created_at := CASE WHEN TG_OP = 'UPDATE' THEN OLD.created_at ELSE now() END;
    NEW.updated_at := now();
    RETURN NEW;
END
$function$;

-- Marks the tenants of changed rules as changed, which notifies the gateways.
CREATE FUNCTION poolgate.touch_tenants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE poolgate.tenants SET host = host WHERE host IN (SELECT n.host FROM new_rows n);
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE poolgate.tenants SET host = host
            WHERE host IN (SELECT n.host FROM new_rows n UNION SELECT o.host FROM old_rows o);
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE poolgate.tenants SET host = host WHERE host IN (SELECT o.host FROM old_rows o);
    ELSE
        INSERT INTO poolgate.tenant_history (operation) VALUES ('truncate');
        PERFORM pg_notify('poolgate', 'rules');
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER check_rule BEFORE INSERT OR UPDATE ON poolgate.rules
    FOR EACH ROW EXECUTE FUNCTION poolgate.check_rule();
CREATE TRIGGER touch_inserted AFTER INSERT ON poolgate.rules REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.touch_tenants();
CREATE TRIGGER touch_updated AFTER UPDATE ON poolgate.rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.touch_tenants();
CREATE TRIGGER touch_deleted AFTER DELETE ON poolgate.rules REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.touch_tenants();
CREATE TRIGGER touch_truncated AFTER TRUNCATE ON poolgate.rules
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.touch_tenants();

-- The rules of each host that has any, as gateways read them: an array of objects.
CREATE VIEW poolgate.tenant_rules AS
SELECT r.host,
    jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - '{host,comment,created_at,updated_at}'::text[]) ORDER BY r.id)::text AS rules
FROM poolgate.rules r GROUP BY r.host;

-- Revocations.

CREATE TABLE poolgate.revocations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region text COLLATE "C" NOT NULL,
    pool_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C",
    origin_jti text COLLATE "C",
    jti text COLLATE "C",
    client_id text COLLATE "C",
    issued_before timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '25 hours',
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT session_user,
    digest bytea NOT NULL,
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT revocations_pool_id_check CHECK (octet_length(pool_id) <= 128 AND starts_with(pool_id, region || '_')),
    CONSTRAINT revocations_kind_check CHECK (num_nonnulls(subject, origin_jti, jti, client_id) <= 1),
    CONSTRAINT revocations_value_check CHECK (
        octet_length(coalesce(subject, origin_jti, jti, client_id)) BETWEEN 1 AND 512),
    CONSTRAINT revocations_times_check CHECK (isfinite(issued_before) AND isfinite(expires_at)),
    CONSTRAINT revocations_reason_check CHECK (length(reason) <= 4000)
);
CREATE INDEX revocations_changed ON poolgate.revocations (changed);
CREATE INDEX revocations_expires_at ON poolgate.revocations (expires_at);
COMMENT ON TABLE poolgate.revocations IS
    'Tokens of a pool that are refused before they expire: of one subject, sign-in (origin_jti), token (jti) or app client, or all.';
COMMENT ON COLUMN poolgate.revocations.issued_before IS
    'Tokens with an earlier iat fall under the entry, up to the next full second; of no meaning for jti and origin_jti.';
COMMENT ON COLUMN poolgate.revocations.digest IS 'What gateways know the entry by; written by a trigger.';
COMMENT ON COLUMN poolgate.revocations.expires_at IS 'When the entry ends; tokens live 24 hours at most.';

-- Entries that went before they expired. Gateways learn of them here; kept for an hour.
CREATE TABLE poolgate.lifted_revocations (
    id bigint,
    digest bytea,
    lifted_at timestamptz NOT NULL DEFAULT now(),
    changed xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX lifted_revocations_changed ON poolgate.lifted_revocations (changed);
CREATE INDEX lifted_revocations_lifted_at ON poolgate.lifted_revocations (lifted_at);
COMMENT ON COLUMN poolgate.lifted_revocations.id IS 'Null where the table was truncated.';

-- What a gateway knows an entry by: the first half of the SHA-256 of its kind, pool and value.
CREATE FUNCTION poolgate.revocation_digest(r poolgate.revocations) RETURNS bytea
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT substr(sha256(convert_to(concat_ws(E'\n',
        CASE WHEN r.subject IS NOT NULL THEN 's' WHEN r.origin_jti IS NOT NULL THEN 'o' WHEN r.jti IS NOT NULL THEN 'j'
            WHEN r.client_id IS NOT NULL THEN 'c' ELSE 'p' END,
        r.region, r.pool_id, coalesce(r.subject, r.origin_jti, r.jti, r.client_id, '')), 'UTF8')), 1, 16)
$function$;

-- An entry as gateways read it: the pool is told by the digest, times are whole seconds since 1970. An entry by jti or
-- origin_jti is good for every iat.
CREATE VIEW poolgate.revocation_entries AS
SELECT r.id, r.digest, r.region, r.pool_id,
    CASE WHEN r.jti IS NOT NULL OR r.origin_jti IS NOT NULL THEN 9223372036854775807
        ELSE ceil(date_part('epoch', r.issued_before))::bigint END AS issued_before,
    ceil(date_part('epoch', r.expires_at))::bigint AS expires_at, r.changed
FROM poolgate.revocations r;

CREATE FUNCTION poolgate.check_revocation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[] := poolgate.pool_flaw(NEW.region, NEW.pool_id);
    value CONSTANT text := coalesce(NEW.subject, NEW.origin_jti, NEW.jti, NEW.client_id);
BEGIN
    IF flaw IS NOT NULL THEN
        NULL;
    ELSIF num_nonnulls(NEW.subject, NEW.origin_jti, NEW.jti, NEW.client_id) > 1 THEN
        flaw := ARRAY['subject', 'an entry names more than one of subject, origin_jti, jti and client_id',
            'Write one of them, or none to revoke the whole pool; more are entries of their own.'];
    ELSIF value = '' THEN
        flaw := ARRAY['subject', 'an entry names an empty id', 'Write the id, or NULL.'];
    ELSIF octet_length(value) > 512 THEN
        flaw := ARRAY['subject', format('an entry names an id of %s bytes', octet_length(value)), 'Write at most 512.'];
    ELSIF NEW.issued_before IS NULL OR NOT isfinite(NEW.issued_before) THEN
        flaw := ARRAY['issued_before', 'issued_before is no instant', 'Write an instant, or leave it out for now.'];
    ELSIF NEW.expires_at IS NULL OR NOT isfinite(NEW.expires_at) THEN
        flaw := ARRAY['expires_at', 'expires_at is no instant', 'Write an instant, or leave it out for 25 hours from now.'];
    ELSIF length(NEW.reason) > 4000 THEN
        flaw := ARRAY['reason', format('reason has %s characters', length(NEW.reason)), 'Write at most 4000.'];
    ELSIF TG_OP = 'UPDATE' THEN
        IF poolgate.revocation_digest(NEW) <> OLD.digest OR NEW.id <> OLD.id THEN
            flaw := ARRAY['subject', 'an entry cannot become that of other tokens',
                'DELETE it and INSERT another; only its times and its reason can be changed.'];
        END IF;
    END IF;
    IF flaw IS NOT NULL THEN
        RAISE EXCEPTION '%', flaw[2] USING
            ERRCODE = 'check_violation', HINT = flaw[3],
            SCHEMA = 'poolgate', TABLE = 'revocations', COLUMN = flaw[1];
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.created_at := OLD.created_at;
        NEW.created_by := OLD.created_by;
    ELSE
        NEW.created_at := now();
        NEW.created_by := session_user;
    END IF;
    NEW.digest := poolgate.revocation_digest(NEW);
    NEW.changed := pg_current_xact_id();
    RETURN NEW;
END
$function$;

-- Tells the gateways to look, and remembers what went; each statement also clears away what has expired.
CREATE FUNCTION poolgate.record_revocations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM old_rows o WHERE o.expires_at > now()) THEN
            RETURN NULL;
        END IF;
        INSERT INTO poolgate.lifted_revocations (id, digest)
            SELECT o.id, o.digest FROM old_rows o WHERE o.expires_at > now();
    ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO poolgate.lifted_revocations DEFAULT VALUES;
    ELSIF pg_trigger_depth() = 1 THEN
        DELETE FROM poolgate.revocations r USING (
            SELECT e.id FROM poolgate.revocations e WHERE e.expires_at < now() - interval '1 minute'
            ORDER BY e.expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED) expired
            WHERE r.id = expired.id;
        DELETE FROM poolgate.lifted_revocations l WHERE l.lifted_at < now() - interval '1 day';
    END IF;
    PERFORM pg_notify('poolgate', 'revocations');
    RETURN NULL;
END
$function$;

CREATE TRIGGER check_revocation BEFORE INSERT OR UPDATE ON poolgate.revocations
    FOR EACH ROW EXECUTE FUNCTION poolgate.check_revocation();
CREATE TRIGGER record_written AFTER INSERT OR UPDATE OR TRUNCATE ON poolgate.revocations
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_revocations();
CREATE TRIGGER record_deleted AFTER DELETE ON poolgate.revocations REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_revocations();

-- As before, with the new tables.
CREATE OR REPLACE FUNCTION poolgate.grant_privileges() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_gateway') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_gateway;
        GRANT SELECT ON poolgate.migrations, poolgate.tenants, poolgate.tenant_rules, poolgate.revocation_entries,
            poolgate.lifted_revocations TO poolgate_gateway;
        GRANT SELECT (id, operation, host, changed) ON poolgate.tenant_history TO poolgate_gateway;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON poolgate.instances, poolgate.pool_health, poolgate.tenant_quarantine TO poolgate_gateway;
        GRANT SELECT ON poolgate.tenant_status TO poolgate_gateway;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_admin') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_admin;
        GRANT SELECT, INSERT, UPDATE, DELETE ON poolgate.tenants, poolgate.rules, poolgate.revocations TO poolgate_admin;
        GRANT SELECT ON poolgate.migrations, poolgate.tenant_history, poolgate.instances, poolgate.pool_health,
            poolgate.tenant_quarantine, poolgate.tenant_status TO poolgate_admin;
        GRANT EXECUTE ON FUNCTION poolgate.prune_history(interval), poolgate.wait_until_live(text, interval)
            TO poolgate_admin;
    END IF;
END
$function$;
PERFORM poolgate.grant_privileges();

REVOKE ALL ON FUNCTION poolgate.is_protected_header(text), poolgate.claim_headers_flaw(jsonb),
    poolgate.policy_flaw(poolgate.tenants, poolgate.tenants), poolgate.path_prefix_flaw(text),
    poolgate.required_claims_flaw(jsonb), poolgate.rule_flaw(poolgate.rules), poolgate.check_rule(),
    poolgate.touch_tenants(), poolgate.revocation_digest(poolgate.revocations),
    poolgate.check_revocation(), poolgate.record_revocations() FROM PUBLIC;
PERFORM poolgate.grant_privileges();

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 5, this_checksum);
END
$migration$;

COMMIT;
