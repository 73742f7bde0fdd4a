-- The columns of a tenant's policy, and rules: what is refused in which words, what is accepted, what marks a change.
BEGIN;
SELECT pg_temp.refused(c, v, m, h) FROM (VALUES
    ('second_pool_id', 'eu-west-1_Two', 'second_region and second_pool_id need each other', 'Write both%'),
    ('second_region', 'eu-west-1', 'second_region and second_pool_id need each other', 'Write both%'),
    ('claim_headers', '[]', 'claim_headers is no object', '%custom:plan%'),
    ('claim_headers', '{"Plan": "custom:plan"}', 'claim_headers names "Plan", which is no header that it may write', '%begins with X-.'),
    ('claim_headers', '{"X-Plan ": "custom:plan"}', '%no header that it may write', '%'),
    ('claim_headers', '{"X-Pl_an": "custom:plan"}', '%no header that it may write', '%'),
    ('claim_headers', '{"X-Poolgate-Plan": "custom:plan"}', '%which the gateway writes or strips itself', 'Choose another name%'),
    ('claim_headers', '{"X-Forwarded-User": "sub"}', '%which the gateway writes or strips itself', 'Choose another name%'),
    ('claim_headers', '{"X-HTTP-Method-Override": "sub"}', '%which the gateway writes or strips itself', 'Choose another name%'),
    ('claim_headers', '{"X-Plan": 1}', 'claim_headers maps "X-Plan" to what is no claim', '%JSON pointer%'),
    ('claim_headers', '{"X-Plan": ""}', 'claim_headers maps "X-Plan" to what is no claim', '%'),
    ('claim_headers', '{"X-Plan": "a", "X-PLAN": "b"}', 'claim_headers names a header twice', '%case makes no difference.'),
    ('header_profile', 'keycloak', 'header_profile "keycloak" is unknown', '%''authelia''.'),
    ('header_profile', NULL, 'header_profile % is unknown', '%'),
    ('forward_token', NULL, 'forward_token is null', 'Write true or false.'),
    ('allow_preflights', NULL, 'allow_preflights is null', 'Write true or false.'),
    ('cookie_name', 'a=b', 'cookie_name "a=b" is no cookie''s name', '%equals signs%'),
    ('cookie_name', '', 'cookie_name % is no cookie''s name', '%'),
    ('cookie_name', 'a;b', '% is no cookie''s name', '%'),
    ('query_parameter', 'access token', 'query_parameter "access token" is no plain name', 'Write letters%'),
    ('query_parameter', 'a&b', '% is no plain name', '%'),
    ('cors_origins', '{}', '%cors_origins%', 'Write NULL to let no page%'),
    ('cors_origins', '{https://app.example.com/}', '%https://app.example.com/%', '%without a path%'),
    ('cors_origins', '{*}', '%*%', '%'),
    ('cors_origins', '{null}', '%', '%'),
    ('max_token_age', '0', 'max_token_age 00:00:00 is out of bounds', '%1 second to 30 days%'),
    ('max_token_age', '31 days', 'max_token_age 31 days is out of bounds', '%')) v (c, v, m, h);
SELECT pg_temp.fails($$INSERT INTO poolgate.tenants (host, region, pool_id, second_region, second_pool_id)
    VALUES ('acme.example.com', 'eu-west-1', 'eu-west-1_One', 'eu-west-1', 'eu-west-1_One')$$, '23514',
    'second_pool_id "eu-west-1_One" is the first pool', '%another pool%');
SELECT pg_temp.fails($$INSERT INTO poolgate.tenants (host, region, pool_id, second_region, second_pool_id)
    VALUES ('acme.example.com', 'eu-west-1', 'eu-west-1_One', 'eu-west-1', 'us-east-1_Two')$$, '23514',
    'second_pool_id%', '%');

INSERT INTO poolgate.tenants (host, region, pool_id, second_region, second_pool_id, claim_headers, header_profile,
    forward_token, cookie_name, query_parameter, cors_origins, allow_preflights, max_token_age)
VALUES ('acme.example.com', 'eu-west-1', 'eu-west-1_One', 'us-east-1', 'us-east-1_Two',
    '{"X-Plan": "custom:plan", "X-City": "/address/locality"}', 'oauth2-proxy', false, '__Host-token', 'access_token',
    '{https://app.example.com,http://localhost:3000}', false, '8 hours');
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('*.example.com', 'eu-west-1', 'eu-west-1_One');

-- The bounds themselves are good.
UPDATE poolgate.tenants SET max_token_age = '1 second' WHERE host = 'acme.example.com';
UPDATE poolgate.tenants SET max_token_age = '30 days' WHERE host = 'acme.example.com';
COMMIT;

-- Rules.

BEGIN;
SELECT pg_temp.refused('rules', '{"host": "acme.example.com", "path_prefix": "/x"}', c, v, m, h) FROM (VALUES
    ('host', 'nobody.example.com', 'host "nobody.example.com" is not registered', 'INSERT it into poolgate.tenants first%'),
    ('host', 'Acme.example.com', '% is not registered', '%'),
    ('path_prefix', NULL, 'path_prefix is null', 'Write ''/'' for every path%'),
    ('path_prefix', '', 'path_prefix is empty', '%'),
    ('path_prefix', 'public', 'path_prefix "public" does not begin with a slash', '%'),
    ('path_prefix', '/a b', '% contains white space or a control character', '%percent-encoded.'),
    ('path_prefix', '/a?b', '% contains a query or a fragment', '%'),
    ('path_prefix', '/a/*', '% ends in a wildcard', '%everything below it.'),
    ('path_prefix', '/a/', '% ends in a slash', 'Write ''/a''%'),
    ('path_prefix', '//', '%', '%'),
    ('path_prefix', '/a//b', '% has an empty segment', '%'),
    ('path_prefix', '/a/../b', '% has a segment of dots', '%'),
    ('path_prefix', '/a/.', '% has a segment of dots', '%'),
    ('path_prefix', '/a;b', '% contains what no request may', '%'),
    ('path_prefix', '/a\b', '% contains what no request may', '%'),
    ('path_prefix', '/a%2Fb', '% contains what no request may', '%'),
    ('path_prefix', '/%41', '% encodes a character that needs no encoding', '%'),
    ('path_prefix', '/%c3%bc', '% has an encoding in lower case', '%'),
    ('path_prefix', '/ü', '% contains a character that no path has', '%'),
    ('path_prefix', '/' || repeat('a', 1024), '% has 1025 bytes', '%'),
    ('methods', '{}', '%methods%', 'Write NULL for every method%'),
    ('methods', '{get}', '%get%', '%upper case%'),
    ('access', 'private', 'access "private" is unknown', '%''optional''%'),
    ('access', NULL, 'access % is unknown', '%'),
    ('required_groups', '{}', '%required_groups%', '%'),
    ('every_group', '{""}', '%every_group%', '%'),
    ('required_scopes', '{a b}', '%required_scopes%', '%'),
    ('every_scope', '{}', '%every_scope%', '%'),
    ('required_claims', '{}', 'required_claims is no object with members', '%'),
    ('required_claims', '[]', 'required_claims is no object with members', '%'),
    ('required_claims', '{"a": []}', 'required_claims asks of "a" for%', '%'),
    ('required_claims', '{"a": {"any": 1}}', 'required_claims asks of "a" for%', '%'),
    ('required_claims', '{"a": {"all": 1}}', 'required_claims asks of "a" for%', '%'),
    ('required_claims', '{"a": 1.5}', 'required_claims asks of "a" for%', '%'),
    ('required_claims', '{"a": null}', 'required_claims asks of "a" for%', '%'),
    ('shadow', NULL, 'shadow is null', '%')) v (c, v, m, h);
SELECT pg_temp.fails($$INSERT INTO poolgate.rules (host, path_prefix, access, required_groups)
    VALUES ('acme.example.com', '/', 'public', '{admins}')$$, '23514', 'access "public" asks for nothing%', '%');

INSERT INTO poolgate.rules (host, path_prefix, methods, access) VALUES
    ('acme.example.com', '/', NULL, 'public'), ('acme.example.com', '/', '{POST,PUT}', 'authenticated'),
    ('acme.example.com', '/f%C3%BCr/a.b~c', NULL, 'optional'), ('*.example.com', '/', NULL, 'public');
SELECT pg_temp.fails($$INSERT INTO poolgate.rules (host, path_prefix, methods) VALUES ('acme.example.com', '/', '{PUT}')$$,
    '23514', 'rule % is for POST, PUT of "/" already', 'UPDATE that rule%');
SELECT pg_temp.fails($$INSERT INTO poolgate.rules (host, path_prefix) VALUES ('acme.example.com', '/')$$,
    '23514', 'rule % is for every other method of "/" already', '%');
-- The same in shadow contradicts nothing.
INSERT INTO poolgate.rules (host, path_prefix, required_claims, shadow)
VALUES ('acme.example.com', '/', '{"custom:plan": ["pro", "team"], "/a/b": {"all": [1, true]}}', true);
INSERT INTO poolgate.rules (host, path_prefix) SELECT 'acme.example.com', '/' || n FROM generate_series(1, 252) n;
SELECT pg_temp.fails($$INSERT INTO poolgate.rules (host, path_prefix) VALUES ('acme.example.com', '/more')$$, '23514',
    'host "acme.example.com" has 256 rules', '%');
COMMIT;

-- Whatever happens to a rule marks its tenant at COMMIT, and no other.
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE poolgate.rules SET comment = 'x' WHERE host = 'acme.example.com' AND path_prefix = '/1';
SELECT pg_temp.holds((SELECT array_agg(host) = '{acme.example.com}' FROM poolgate.tenants
    WHERE changed = pg_current_xact_id()), 'an UPDATE marks the tenant');
COMMIT;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM poolgate.rules WHERE host = 'acme.example.com' AND path_prefix ~ '^/[0-9]';
SELECT pg_temp.holds((SELECT array_agg(host) = '{acme.example.com}' FROM poolgate.tenants
    WHERE changed = pg_current_xact_id()), 'a DELETE marks the tenant');
COMMIT;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE poolgate.rules SET host = '*.example.com' WHERE host = 'acme.example.com' AND path_prefix ~ '^/f';
SELECT pg_temp.holds((SELECT count(*) = 2 FROM poolgate.tenants WHERE changed = pg_current_xact_id()),
    'a rule that moves marks both');
COMMIT;
BEGIN;
TRUNCATE poolgate.rules;
SELECT pg_temp.holds((SELECT operation = 'truncate' AND changed = pg_current_xact_id()
    FROM poolgate.tenant_history ORDER BY id DESC LIMIT 1), 'TRUNCATE makes gateways read everything');
ROLLBACK;

-- What gateways read.
SELECT pg_temp.holds((SELECT rules::jsonb - 'id' = '[{"path_prefix": "/", "access": "public", "shadow": false}]'::jsonb
    OR jsonb_array_length(rules::jsonb) = 2 FROM poolgate.tenant_rules WHERE host = '*.example.com'), 'rules are told in one');
SELECT pg_temp.holds((SELECT rules NOT LIKE '%null%' AND rules NOT LIKE '%created_at%' FROM poolgate.tenant_rules
    WHERE host = 'acme.example.com'), 'without nulls and what does not matter');

-- A host that is renamed keeps its rules; one that goes takes none along and leaves none behind.
UPDATE poolgate.tenants SET host = 'new.example.com' WHERE host = 'acme.example.com';
SELECT pg_temp.holds((SELECT count(*) = 3 FROM poolgate.rules WHERE host = 'new.example.com'), 'rules follow a host');
BEGIN;
DELETE FROM poolgate.tenants WHERE host IN ('new.example.com', '*.example.com');
SELECT pg_temp.fails('SET CONSTRAINTS ALL IMMEDIATE', '23514', 'host % was deleted, but % stayed behind', '%INSERT the host again%');
DELETE FROM poolgate.rules;
COMMIT;
SELECT pg_temp.holds(NOT EXISTS (SELECT FROM poolgate.rules), 'rules go before their host is gone');
