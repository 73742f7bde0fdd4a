-- Tenants, their checks, their change tracking and their history.
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
    this_name CONSTANT text := '0001_tenants';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
BEGIN
IF to_regclass('poolgate.migrations') IS NOT NULL THEN
    IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
        IF NOT EXISTS (
            SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
            RAISE WARNING 'migration % was applied with another text than this file has', this_name;
        END IF;
        RETURN;
    END IF;
END IF;

CREATE SCHEMA IF NOT EXISTS poolgate;
COMMENT ON SCHEMA poolgate IS 'Tenants of the Poolgate gateway, their history and their health.';

-- Which migration files this database has seen.
CREATE TABLE poolgate.migrations (
    name text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL UNIQUE,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON COLUMN poolgate.migrations.checksum IS
    'SHA-256 of the text between the two migration marks of the file, in hexadecimal.';

-- One row a host. The checks stand behind the trigger, which says the same in sentences.
CREATE TABLE poolgate.tenants (
    host text COLLATE "C" PRIMARY KEY,
    region text COLLATE "C" NOT NULL,
    pool_id text COLLATE "C" NOT NULL,
    additional_regions text[] NOT NULL DEFAULT '{}',
    upstream text,
    client_ids text[],
    token_uses text[] NOT NULL DEFAULT '{access,id}',
    required_groups text[],
    required_scopes text[],
    allow_unverified_email boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'active',
    comment text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT tenants_host_check CHECK (
        octet_length(host) <= 253
        AND host ~ '^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$'
        AND host !~ '(^|\.)-|-(\.|$)|[^.]{64}'),
    CONSTRAINT tenants_region_check CHECK (region ~ '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?$'),
    CONSTRAINT tenants_pool_id_check CHECK (
        octet_length(pool_id) <= 128
        AND starts_with(pool_id, region || '_')
        AND substr(pool_id, length(region) + 2) ~ '^[A-Za-z0-9]+$'),
    CONSTRAINT tenants_additional_regions_check CHECK (
        cardinality(additional_regions) <= 16
        AND array_position(additional_regions, NULL) IS NULL),
    CONSTRAINT tenants_upstream_check CHECK (
        octet_length(upstream) <= 4096
        AND upstream ~ '^https?://[a-z0-9_.:[\]-]+( https?://[a-z0-9_.:[\]-]+)*$'),
    CONSTRAINT tenants_client_ids_check CHECK (
        cardinality(client_ids) BETWEEN 1 AND 1000
        AND array_position(client_ids, NULL) IS NULL AND '' <> ALL (client_ids)),
    CONSTRAINT tenants_token_uses_check CHECK (
        cardinality(token_uses) BETWEEN 1 AND 2 AND token_uses <@ '{access,id}'),
    CONSTRAINT tenants_required_groups_check CHECK (
        cardinality(required_groups) BETWEEN 1 AND 1000
        AND array_position(required_groups, NULL) IS NULL AND '' <> ALL (required_groups)),
    CONSTRAINT tenants_required_scopes_check CHECK (
        cardinality(required_scopes) BETWEEN 1 AND 1000
        AND array_position(required_scopes, NULL) IS NULL AND '' <> ALL (required_scopes)),
    CONSTRAINT tenants_status_check CHECK (status IN ('active', 'suspended')),
    CONSTRAINT tenants_comment_check CHECK (length(comment) <= 4000)
);
CREATE INDEX tenants_changed ON poolgate.tenants (changed);

COMMENT ON COLUMN poolgate.tenants.host IS
    'Lower-case host without port; *.example.com matches any depth below; exact beats wildcard.';
COMMENT ON COLUMN poolgate.tenants.region IS 'AWS region of the Cognito user pool.';
COMMENT ON COLUMN poolgate.tenants.pool_id IS 'Id of the Cognito user pool; it begins with its region.';
COMMENT ON COLUMN poolgate.tenants.additional_regions IS
    'Replica regions whose issuer is accepted too.';
COMMENT ON COLUMN poolgate.tenants.upstream IS
    'http:// or https:// origins separated by single spaces; null means the default upstream.';
COMMENT ON COLUMN poolgate.tenants.client_ids IS
    'App clients accepted; null accepts every client of the pool.';
COMMENT ON COLUMN poolgate.tenants.token_uses IS 'Kinds of token accepted: access, id or both.';
COMMENT ON COLUMN poolgate.tenants.required_groups IS 'Any of these groups suffices; null asks for none.';
COMMENT ON COLUMN poolgate.tenants.required_scopes IS 'Any of these scopes suffices; null asks for none.';
COMMENT ON COLUMN poolgate.tenants.allow_unverified_email IS
    'Whether X-Forwarded-Email is sent although Cognito has not verified the address.';
COMMENT ON COLUMN poolgate.tenants.status IS 'active, or suspended (every request is answered 403).';
COMMENT ON COLUMN poolgate.tenants.updated_at IS 'When the content last changed; set by trigger.';
COMMENT ON COLUMN poolgate.tenants.changed IS
    'Transaction that last wrote the row; set by trigger. Gateways find changed rows by it.';

-- What happened to each host. Triggers write it, prune_history shortens it, nobody else touches it.
CREATE TABLE poolgate.tenant_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation text NOT NULL CHECK (operation IN ('insert', 'update', 'delete', 'truncate')),
    host text COLLATE "C",
    before jsonb,
    after jsonb,
    role_name text NOT NULL DEFAULT session_user,
    application_name text NOT NULL DEFAULT current_setting('application_name'),
    actor text DEFAULT left(nullif(current_setting('poolgate.actor', true), ''), 200),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    changed xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX tenant_history_host ON poolgate.tenant_history (host, id);
CREATE INDEX tenant_history_recorded_at ON poolgate.tenant_history USING brin (recorded_at);
CREATE INDEX tenant_history_gone ON poolgate.tenant_history (changed)
    WHERE operation IN ('delete', 'truncate');
COMMENT ON COLUMN poolgate.tenant_history.actor IS
    'The setting poolgate.actor of the writer''s session: a person behind a shared role.';

-- A value as a refusal shows it: quoted, bounded, without control characters.
CREATE FUNCTION poolgate.shown(value text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT coalesce('"' || regexp_replace(left(value, 80), '[\x01-\x1f\x7f]', '?', 'g')
        || CASE WHEN length(value) > 80 THEN '...' ELSE '' END || '"', 'null')
$function$;

-- The functions named ..._flaw return null for a value that may stand in a row, else the column, a sentence
-- that says what is wrong, and a sentence that says what to write.

CREATE FUNCTION poolgate.host_flaw(host text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    given text;
    bare text;
    sentence text;
    remedy text;
BEGIN
    IF octet_length(host) <= 253
        AND host ~ '^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$'
        AND host !~ '(^|\.)-|-(\.|$)|[^.]{64}'
        AND (host !~ '(^|\.)[0-9]+$'
            OR host ~ '^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(?!$)|$)){4}$') THEN
        RETURN NULL;
    END IF;
    given := poolgate.shown(host);
    bare := left(lower(regexp_replace(regexp_replace(
        host, '^[A-Za-z][A-Za-z0-9+.-]*://', ''), '[/?#].*$', '') COLLATE "C"), 253);
    IF host IS NULL OR host = '' THEN
        sentence := format('host is %s', CASE WHEN host IS NULL THEN 'null' ELSE 'empty' END);
        remedy := 'Write the name that clients ask for, such as ''acme.example.com''.';
    ELSIF host ~ '[\x01-\x20\x7f]' THEN
        sentence := format('host %s contains white space or a control character', given);
        remedy := 'Write one host name and nothing around it; each host has a row of its own.';
    ELSIF host ~ '://' THEN
        sentence := format('host %s contains a scheme', given);
        remedy := format('Write only the host: %L.', bare);
    ELSIF host ~ '[/?#]' THEN
        sentence := format('host %s contains a path', given);
        remedy := format('Write only the host: %L.', bare);
    ELSIF host ~ '@' THEN
        sentence := format('host %s contains a user name', given);
        remedy := 'Write only what stands after the @.';
    ELSIF host ~ '^[^:]+:[0-9]*$' THEN
        sentence := format('host %s contains a port', given);
        remedy := format('Write %L: a tenant answers on every port that the gateway listens on.',
            split_part(bare, ':', 1));
    ELSIF host ~ '[:[\]]' THEN
        sentence := format('host %s is not a DNS name or an IPv4 address', given);
        remedy := 'Write a DNS name; give an IPv6 address a name first.';
    ELSIF host ~ '[^\x01-\x7f]' THEN
        sentence := format('host %s contains a character outside ASCII', given);
        remedy := 'Write the name in its ASCII form (punycode), whose labels begin with xn--.';
    ELSIF host ~ '\.$' THEN
        sentence := format('host %s ends in a dot', given);
        remedy := format('Write %L.', rtrim(bare, '.'));
    ELSIF host ~ '[A-Z]' THEN
        sentence := format('host %s contains upper-case letters', given);
        remedy := format('Write %L: host names are compared in lower case.', bare);
    ELSIF host = '*' THEN
        sentence := format('host %s would match every name', given);
        remedy := 'Write the domain below which it shall match, such as ''*.example.com''.';
    ELSIF host ~ '\*' AND host !~ '^\*\.[^*]+$' THEN
        sentence := format('host %s has a wildcard that is not its whole first label', given);
        remedy := 'Write ''*.example.com'': the wildcard stands first, alone in its label, and matches any depth.';
    ELSIF octet_length(host) > 253 THEN
        sentence := format('host %s has %s bytes', given, octet_length(host));
        remedy := 'A host name has at most 253 bytes.';
    ELSIF host ~ '[^.]{64}' THEN
        sentence := format('host %s has a label of more than 63 characters', given);
        remedy := 'Each part between two dots has at most 63 characters.';
    ELSIF host ~ '^\.|\.\.' THEN
        sentence := format('host %s has an empty label', given);
        remedy := 'Write a name without a leading dot and without two dots in a row.';
    ELSIF host ~ '(^|\.)-|-(\.|$)' THEN
        sentence := format('host %s has a label that begins or ends with a hyphen', given);
        remedy := 'Each part between two dots begins and ends with a letter or digit.';
    ELSIF host ~ '(^|\.)[0-9]+$' THEN
        sentence := format('host %s ends in a number but is no IPv4 address', given);
        remedy := 'Write a DNS name, or four numbers from 0 to 255 without leading zeros and without a wildcard.';
    ELSE
        sentence := format('host %s contains a character that no host name has', given);
        remedy := 'Write a host name: lower-case letters, digits, hyphens, underscores and dots.';
    END IF;
    RETURN ARRAY['host', sentence, remedy];
END
$function$;

CREATE FUNCTION poolgate.pool_flaw(region text, pool_id text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    region_pattern CONSTANT text := '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?$';
    prefix text;
BEGIN
    IF octet_length(pool_id) <= 128 AND starts_with(pool_id, region || '_')
        AND pool_id ~ '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?_[A-Za-z0-9]+$' THEN
        RETURN NULL;
    END IF;
    prefix := split_part(pool_id, '_', 1);
    IF region IS NULL THEN
        RETURN ARRAY['region', 'region is null', 'Write the region of the user pool, such as ''eu-west-1''.'];
    ELSIF pool_id IS NULL THEN
        RETURN ARRAY['pool_id', 'pool_id is null',
            'Write the id of the user pool, such as ''eu-west-1_PwMfVzLQg''.'];
    ELSIF region !~ region_pattern THEN
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

-- An origin is scheme://host or scheme://host:port.
CREATE FUNCTION poolgate.origin_flaw(origin text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    given CONSTANT text := poolgate.shown(origin);
    example CONSTANT text := 'Write an origin, such as ''http://10.0.0.5:8080'' or ''https://api.internal''.';
    authority CONSTANT text := regexp_replace(origin, '^https?://', '');
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
    ELSIF origin !~ '^https?://' THEN
        RETURN ARRAY['upstream', format('upstream %s does not begin with http:// or https://', given), example];
    ELSIF authority ~ '[/?#]' THEN
        RETURN ARRAY['upstream', format('upstream %s contains a path or a query', given),
            format('Write only the origin: %L.', left(substring(origin FROM '^https?://[^/?#]*'), 300))];
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

CREATE FUNCTION poolgate.upstream_flaw(upstream text) RETURNS text[]
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
            SELECT count(DISTINCT regexp_replace(o, '^(http(?=://.*:80$)|https(?=://.*:443$))(.*):[0-9]+$', '\1\2') COLLATE "C")
            FROM unnest(origins) o) THEN
        RETURN ARRAY['upstream', format('upstream %s names an origin twice', poolgate.shown(upstream)),
            'Write each origin once.'];
    END IF;
    RETURN NULL;
END
$function$;

-- A list is refused when it is empty, nested or too long, or has an element that is null, repeated, longer than
-- `longest` characters or of another shape than the pattern.
CREATE FUNCTION poolgate.list_flaw(
    column_name text, list text[], most integer, longest integer, pattern text, empty_remedy text, remedy text
) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
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
        END IF;
    END LOOP;
    IF cardinality(list) > 1
        AND cardinality(list) <> (SELECT count(DISTINCT e COLLATE "C") FROM unnest(list) e) THEN
        RETURN ARRAY[column_name, format('%s names something twice', column_name), 'Write each element once.'];
    END IF;
    RETURN NULL;
END
$function$;

-- What is wrong with a row, looking only at columns that differ from the old row (null for an INSERT), so that a
-- row which a newer rule would refuse can still be suspended.
CREATE FUNCTION poolgate.tenant_flaw(t poolgate.tenants, old poolgate.tenants) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw text[];
BEGIN
    IF t.host IS NULL OR t.host IS DISTINCT FROM old.host THEN
        flaw := poolgate.host_flaw(t.host);
    END IF;
    IF flaw IS NULL AND (t.region IS NULL OR t.pool_id IS NULL
        OR t.region IS DISTINCT FROM old.region OR t.pool_id IS DISTINCT FROM old.pool_id) THEN
        flaw := poolgate.pool_flaw(t.region, t.pool_id);
    END IF;
    IF flaw IS NULL AND t.upstream IS NOT NULL AND t.upstream IS DISTINCT FROM old.upstream THEN
        flaw := poolgate.upstream_flaw(t.upstream);
    END IF;
    IF flaw IS NULL AND t.client_ids IS NOT NULL AND t.client_ids IS DISTINCT FROM old.client_ids THEN
        flaw := poolgate.list_flaw('client_ids', t.client_ids, 1000, 128, '^[!-~]+$',
            'Write NULL to accept every app client of the pool, or name at least one: ''{1example23456789}''.',
            'Write the ids of app clients, each an element of its own: ''{1example23456789}''.');
    END IF;
    IF flaw IS NULL AND t.required_groups IS NOT NULL AND t.required_groups IS DISTINCT FROM old.required_groups THEN
        flaw := poolgate.list_flaw('required_groups', t.required_groups, 1000, 128, '^[^\x01-\x20\x7f]+$',
            'Write NULL to ask for no group, or name at least one: ''{admins}''.',
            'Write the names of groups, each an element of its own, without spaces: ''{admins,staff}''.');
    END IF;
    IF flaw IS NULL AND t.required_scopes IS NOT NULL AND t.required_scopes IS DISTINCT FROM old.required_scopes THEN
        flaw := poolgate.list_flaw('required_scopes', t.required_scopes, 1000, 513, '^[\x21\x23-\x5b\x5d-\x7e]+$',
            'Write NULL to ask for no scope, or name at least one: ''{orders/read}''.',
            'Write scopes, each an element of its own, without spaces: ''{openid,orders/read}''.');
    END IF;
    IF flaw IS NOT NULL THEN
        RETURN flaw;
    END IF;
    IF t.additional_regions IS NULL THEN
        RETURN ARRAY['additional_regions', 'additional_regions is null',
            'Write ''{}'' where the pool has no replicas.'];
    ELSIF t.additional_regions <> '{}' THEN
        IF t.additional_regions IS DISTINCT FROM old.additional_regions THEN
            flaw := poolgate.list_flaw('additional_regions', t.additional_regions, 16, 32,
                '^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[1-9][0-9]?$', '',
                'Write regions as AWS does: ''{eu-central-1,eu-north-1}''.');
        END IF;
        IF flaw IS NULL AND t.region = ANY (t.additional_regions) THEN
            flaw := ARRAY['additional_regions',
                format('additional_regions contains the pool''s own region %s', poolgate.shown(t.region)),
                'Leave it out: the pool''s own region is always accepted.'];
        END IF;
    END IF;
    IF t.token_uses IS NULL OR cardinality(t.token_uses) NOT BETWEEN 1 AND 2 OR NOT t.token_uses <@ '{access,id}'
        OR array_ndims(t.token_uses) <> 1 OR array_lower(t.token_uses, 1) <> 1
        OR t.token_uses[1] = t.token_uses[2] THEN
        RETURN ARRAY['token_uses',
            format('token_uses %s is not a choice of access and id', poolgate.shown(t.token_uses::text)),
            'Write ''{access}'', ''{id}'' or ''{access,id}''.'];
    ELSIF t.allow_unverified_email IS NULL THEN
        RETURN ARRAY['allow_unverified_email', 'allow_unverified_email is null', 'Write true or false.'];
    ELSIF t.status IS NULL OR t.status NOT IN ('active', 'suspended') THEN
        RETURN ARRAY['status', format('status %s is unknown', poolgate.shown(t.status)),
            'Write ''active'' or ''suspended''.'];
    ELSIF length(t.comment) > 4000 THEN
        RETURN ARRAY['comment', format('comment has %s characters', length(t.comment)), 'Write at most 4000.'];
    END IF;
    RETURN flaw;
END
$function$;

-- Refuses a bad row in sentences and stamps a good one.
CREATE FUNCTION poolgate.check_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    flaw CONSTANT text[] := poolgate.tenant_flaw(NEW, OLD);
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

-- Writes the history of one statement and tells the gateways to look. A host renamed is one host gone, one come.
CREATE FUNCTION poolgate.record_tenants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN
            RETURN NULL;
        END IF;
        INSERT INTO poolgate.tenant_history (operation, host, after)
            SELECT 'insert', n.host, to_jsonb(n) - 'changed' FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN
            RETURN NULL;
        END IF;
        INSERT INTO poolgate.tenant_history (operation, host, before, after)
            SELECT
                CASE WHEN o.host IS NULL THEN 'insert' WHEN n.host IS NULL THEN 'delete' ELSE 'update' END,
                coalesce(n.host, o.host), to_jsonb(o) - 'changed', to_jsonb(n) - 'changed'
            FROM old_rows o FULL JOIN new_rows n ON n.host = o.host
            WHERE to_jsonb(o) - 'changed' IS DISTINCT FROM to_jsonb(n) - 'changed';
    ELSIF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM old_rows) THEN
            RETURN NULL;
        END IF;
        INSERT INTO poolgate.tenant_history (operation, host, before)
            SELECT 'delete', o.host, to_jsonb(o) - 'changed' FROM old_rows o;
    ELSE
        INSERT INTO poolgate.tenant_history (operation) VALUES ('truncate');
    END IF;
    PERFORM pg_notify('poolgate', 'tenants');
    RETURN NULL;
END
$function$;

CREATE FUNCTION poolgate.guard_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF TG_OP = 'UPDATE' OR pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'poolgate.tenant_history is written by triggers alone' USING
            ERRCODE = 'insufficient_privilege',
            HINT = 'Write to poolgate.tenants; to shorten the history, call poolgate.prune_history(interval).';
    END IF;
    RETURN NULL;
END
$function$;

-- Deletes history older than the interval, at least an hour, and returns how many entries went. Gateways learn
-- of deleted tenants from the history, which is why its last hour stays.
CREATE FUNCTION poolgate.prune_history(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    pruned bigint;
BEGIN
    IF older_than IS NULL OR older_than < interval '1 hour' THEN
        RAISE EXCEPTION 'the last hour of the history cannot be pruned' USING
            ERRCODE = 'check_violation',
            HINT = 'Write an interval of at least ''1 hour'', such as ''90 days''.';
    END IF;
    DELETE FROM poolgate.tenant_history WHERE recorded_at < now() - older_than;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$function$;

CREATE TRIGGER check_tenant BEFORE INSERT OR UPDATE ON poolgate.tenants
    FOR EACH ROW EXECUTE FUNCTION poolgate.check_tenant();
CREATE TRIGGER record_inserted AFTER INSERT ON poolgate.tenants REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_tenants();
CREATE TRIGGER record_updated AFTER UPDATE ON poolgate.tenants
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_tenants();
CREATE TRIGGER record_deleted AFTER DELETE ON poolgate.tenants REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_tenants();
CREATE TRIGGER record_truncated AFTER TRUNCATE ON poolgate.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.record_tenants();
CREATE TRIGGER guard_history BEFORE INSERT OR UPDATE ON poolgate.tenant_history
    FOR EACH STATEMENT EXECUTE FUNCTION poolgate.guard_history();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA poolgate FROM PUBLIC;
INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 1, this_checksum);
END
$migration$;

COMMIT;
