-- What each table and column means: psql's \d+ shows it, and sql/README.md is made of it by sql/columns.sql.
-- One transaction. A second run finds its own record and does nothing. `psql -f` applies it as well as `poolgate migrate`.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0008_comments';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
    described record;
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

FOR described IN SELECT * FROM (VALUES
    ('TABLE', 'tenants', 'What a host is to the gateway: one row a host.'),
    ('TABLE', 'rules', 'What a path of a host asks of its callers; the longest prefix of whole segments decides.'),
    ('TABLE', 'revocations', 'Tokens of a pool that are refused before they expire.'),
    ('TABLE', 'tenant_history', 'One entry a changed tenant, rule or revocation. Triggers alone write it; `prune_history` shortens it, except for the last hour.'),
    ('TABLE', 'instances', 'One row a running gateway, written by it.'),
    ('TABLE', 'pool_health', 'How each gateway stands with each key endpoint, written by it.'),
    ('TABLE', 'tenant_quarantine', 'Rows that a gateway does not serve because its rules are newer than the trigger''s, written by it.'),
    ('VIEW', 'tenant_status', 'How each tenant stands at each running gateway; one row with a null `instance` where none runs.'),
    ('TABLE', 'migrations', 'Which files of sql/migrations were applied.'),
    ('TABLE', 'lifted_revocations', 'Which revocations were lifted, for a day at least; triggers write it for gateways.'),
    ('VIEW', 'tenant_rules', 'Rules as gateways read them.'),
    ('VIEW', 'revocation_entries', 'Revocations as gateways read them.')
) AS meanings (kind, name, meaning) LOOP
    EXECUTE format('COMMENT ON %s poolgate.%I IS %L', described.kind, described.name, described.meaning);
END LOOP;

FOR described IN SELECT * FROM (VALUES
    ('tenants', 'host', 'Lower-case host without port; `*.example.com` matches any depth below. Exact beats wildcard, a longer wildcard beats a shorter one.'),
    ('tenants', 'region', 'AWS region of the Cognito user pool.'),
    ('tenants', 'pool_id', 'Id of the Cognito user pool; it begins with its region.'),
    ('tenants', 'additional_regions', 'Replica regions whose issuer is accepted too.'),
    ('tenants', 'upstream', 'One or more `http://` or `https://` origins separated by single spaces; each request goes to the less busy of two chosen at random. Null means the default upstream.'),
    ('tenants', 'client_ids', 'App clients accepted; null accepts every client of the pool.'),
    ('tenants', 'token_uses', 'Kinds of token accepted: `{access}`, `{id}` or both.'),
    ('tenants', 'required_groups', 'Any of these groups suffices; null asks for none.'),
    ('tenants', 'required_scopes', 'Any of these scopes suffices; null asks for none.'),
    ('tenants', 'allow_unverified_email', 'Whether `X-Forwarded-Email` is sent although Cognito has not verified the address.'),
    ('tenants', 'status', '`active`, or `suspended`: every request is refused with 403.'),
    ('tenants', 'comment', 'Yours, at most 4,000 characters.'),
    ('tenants', 'created_at', 'When the row was made.'),
    ('tenants', 'updated_at', 'When the content last changed; set by trigger, whatever a statement says.'),
    ('tenants', 'changed', 'Transaction that last wrote the row; set by trigger. Gateways find changed rows by it.'),
    ('tenants', 'upstream_ca', 'The CA file that verifies `https://` upstreams, by its name without `.pem` in the setting `upstream-cas`; null means the system''s authorities.'),
    ('tenants', 'max_body_bytes', 'Largest body of a request, 413 beyond it; null leaves the gateway''s own bound.'),
    ('tenants', 'websockets', '`expire`: a WebSocket is closed (1008) when its token expires; `outlive`: it is not; `off`: it is served as a plain request. Suspension and removal always close.'),
    ('tenants', 'websocket_grace', 'How long a WebSocket may go on after its token has expired, at most 30 days; null means no time.'),
    ('tenants', 'second_region', 'Region of the second pool.'),
    ('tenants', 'second_pool_id', 'A second pool, for migration or staff; a token''s `iss` picks one of the two.'),
    ('tenants', 'claim_headers', 'Header name to claim, or to a JSON pointer into one: `{"X-Plan": "custom:plan", "X-City": "/address/locality"}`; at most 32.'),
    ('tenants', 'header_profile', 'Whose identity headers services read besides ours: `poolgate` (no others), `oauth2-proxy`, `alb` or `authelia`.'),
    ('tenants', 'forward_token', 'Whether `Authorization` reaches the upstream.'),
    ('tenants', 'cookie_name', 'A cookie that may hold the token; it never reaches the upstream.'),
    ('tenants', 'query_parameter', 'A query parameter that may hold the token; it never reaches the upstream.'),
    ('tenants', 'cors_origins', 'Origins whose pages may read our own refusals, and may send a token by cookie; stored as browsers write them: lower case, without a scheme''s own port.'),
    ('tenants', 'allow_preflights', 'Whether CORS preflights pass without a token.'),
    ('tenants', 'max_token_age', 'How long after its `iat` a token is good at most, 1 second to 30 days; null leaves that to its `exp`.'),

    ('rules', 'id', 'Given by the database; the log and `poolgate explain` name rules by it.'),
    ('rules', 'host', 'As the tenant''s row writes it, wildcard included.'),
    ('rules', 'path_prefix', '`/`, or a path without a slash at its end, in its normal form; it covers whole segments.'),
    ('rules', 'methods', 'Methods that the rule is for, in upper case; null is all that no other rule of the prefix names. `GET` covers `HEAD`. Those of IANA''s registry and others in wide use.'),
    ('rules', 'access', '`authenticated`: a good token is needed. `optional`: none is needed, a bad one is refused. `public`: no token is looked at.'),
    ('rules', 'required_groups', 'Any of these groups suffices, besides what the tenant''s row asks for.'),
    ('rules', 'every_group', 'All of these groups are needed.'),
    ('rules', 'required_scopes', 'Any of these scopes suffices, besides what the tenant''s row asks for.'),
    ('rules', 'every_scope', 'All of these scopes are needed.'),
    ('rules', 'required_claims', 'Claim to value, to an array of values of which one suffices, or to `{"all": [...]}`. A claim is a name, or a JSON pointer that begins with a slash; `custom:*` is compared with strings only.'),
    ('rules', 'shadow', 'Judged and reported (`would_refuse` in the log), not enforced.'),
    ('rules', 'comment', 'Yours, at most 4,000 characters.'),
    ('rules', 'created_at', 'When the rule was made.'),
    ('rules', 'updated_at', 'When the content last changed; set by trigger.'),
    ('rules', 'changed', 'Transaction that last wrote the row; set by trigger.'),

    ('revocations', 'id', 'Given by the database.'),
    ('revocations', 'region', 'Region of the pool.'),
    ('revocations', 'pool_id', 'The pool whose tokens are meant: all of them where the next four are null.'),
    ('revocations', 'subject', 'All tokens of the user with this `sub`. Of the four at most one is given.'),
    ('revocations', 'origin_jti', 'All tokens of one sign-in.'),
    ('revocations', 'jti', 'One token.'),
    ('revocations', 'client_id', 'All tokens of an app client.'),
    ('revocations', 'issued_before', 'Tokens with an earlier `iat` fall under the entry, up to the next full second; of no meaning for `jti` and `origin_jti`.'),
    ('revocations', 'expires_at', 'When the entry ends, 25 hours from now unless given; Cognito''s tokens live 24 at most.'),
    ('revocations', 'reason', 'Yours, at most 4,000 characters.'),
    ('revocations', 'created_at', 'When the entry was made.'),
    ('revocations', 'created_by', 'Who made it; set by trigger.'),
    ('revocations', 'digest', 'What gateways compare tokens with; set by trigger.'),
    ('revocations', 'changed', 'Transaction that last wrote the row; set by trigger.'),

    ('tenant_history', 'id', 'Counts up; not in the order of the commits.'),
    ('tenant_history', 'operation', '`insert`, `update`, `delete` or `truncate`; `lift` where a revocation was deleted before it expired. A `truncate` that names a host asks gateways to read that host anew.'),
    ('tenant_history', 'host', 'Of a tenant or rule.'),
    ('tenant_history', 'before', 'The row as it was; null for an insert.'),
    ('tenant_history', 'after', 'The row as it became; null for a deletion.'),
    ('tenant_history', 'role_name', 'The user of the session (`session_user`).'),
    ('tenant_history', 'application_name', 'The setting of that name of the writer''s session.'),
    ('tenant_history', 'actor', 'The setting `poolgate.actor` of the writer''s session: a person behind a shared role.'),
    ('tenant_history', 'recorded_at', 'When the transaction began.'),
    ('tenant_history', 'changed', 'The transaction.'),
    ('tenant_history', 'table_name', 'What the entry is of: `tenants`, `rules` or `revocations`.'),
    ('tenant_history', 'writer', 'The subtransaction that wrote the entry, within a savepoint: equal to `xmin`, so that a restored entry shows.'),

    ('instances', 'instance', 'The gateway''s name, made at its start.'),
    ('instances', 'host_name', 'The machine it runs on.'),
    ('instances', 'version', 'Its version.'),
    ('instances', 'started_at', 'When it started.'),
    ('instances', 'seen_at', 'When it last wrote; after 3 minutes it is not shown any more.'),
    ('instances', 'snapshot', 'The database snapshot whose tenants it serves; null before its first load.'),
    ('instances', 'tenants', 'How many tenants it serves.'),
    ('instances', 'quarantined', 'How many rows it cannot serve.'),
    ('instances', 'pools', 'How many user pools it knows.'),
    ('instances', 'full_snapshot', 'The database snapshot in which it last read every row, whatever their stamps say.'),

    ('pool_health', 'instance', 'The gateway.'),
    ('pool_health', 'region', 'Region of the pool.'),
    ('pool_health', 'pool_id', 'The pool.'),
    ('pool_health', 'state', '`ready`: the latest fetch succeeded. `waiting`: none was tried yet. `failing`: the latest fetch failed; `keys` says whether old ones serve on.'),
    ('pool_health', 'detail', 'Why the latest fetch failed.'),
    ('pool_health', 'keys', 'How many usable keys the gateway has.'),
    ('pool_health', 'key_ids', 'Their names (`kid`).'),
    ('pool_health', 'since', 'When the state began.'),
    ('pool_health', 'succeeded_at', 'When a fetch last succeeded.'),
    ('pool_health', 'attempted_at', 'When a fetch was last tried.'),
    ('pool_health', 'next_attempt_at', 'When the next one is due.'),
    ('pool_health', 'updated_at', 'When the row was written.'),

    ('tenant_quarantine', 'instance', 'The gateway.'),
    ('tenant_quarantine', 'host', 'The host, which it answers with 503.'),
    ('tenant_quarantine', 'detail', 'Why it cannot serve the row.'),
    ('tenant_quarantine', 'since', 'Since when.'),

    ('tenant_status', 'host', 'The tenant.'),
    ('tenant_status', 'instance', 'The gateway; null where none runs.'),
    ('tenant_status', 'state', '`ready`, `waiting`, `failing`, `suspended` or `quarantined`.'),
    ('tenant_status', 'detail', 'Why.'),
    ('tenant_status', 'keys', 'How many usable keys there are; above 0 a `failing` pool still serves with them.'),
    ('tenant_status', 'since', 'When the state began.')
) AS meanings (table_name, column_name, meaning) LOOP
    EXECUTE format('COMMENT ON COLUMN poolgate.%I.%I IS %L',
        described.table_name, described.column_name, described.meaning);
END LOOP;

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 8, this_checksum);
END
$migration$;

COMMIT;
