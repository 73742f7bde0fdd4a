-- What could never match is refused in a sentence; what could be meant is taken.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('m.example.com', 'eu-west-1', 'eu-west-1_One');
BEGIN;
SELECT pg_temp.refused('rules', '{"host": "m.example.com", "path_prefix": "/x"}', c, v, m, h) FROM (VALUES
    ('required_claims', '{"/a~2b": "x"}', 'required_claims names "/a~2b", which is no JSON pointer', '%~0%~1%'),
    ('required_claims', '{"/a~": "x"}', '% is no JSON pointer', '%'),
    ('required_claims', '{"/": "x"}', '% in which a name is empty', '%'),
    ('required_claims', '{"/a/": "x"}', '% in which a name is empty', '%'),
    ('required_claims', '{"/a//b": "x"}', '% in which a name is empty', '%'),
    ('required_claims', '{"/identities/-": "x"}', '% where nothing can stand', '%/identities/0/providerName%'),
    ('required_claims', '{"/identities/providerName": "x"}', '% but "identities" is an array', '%/identities/0/providerName%'),
    ('required_claims', '{"/identities/00/providerName": "x"}', '% but "identities" is an array', '%'),
    ('required_claims', '{"/cognito:groups/admins": "x"}', '% but "cognito:groups" is an array', '%'),
    ('required_claims', '{"/cognito:groups/0/1": "x"}', '% but nothing stands below a group', '%'),
    ('required_claims', '{"identities": "Google"}', '% with a value, but Cognito writes objects there', '%/identities/0/providerName%'),
    ('required_claims', '{"/identities/0": "Google"}', '% with a value, but Cognito writes objects there', '%'),
    ('required_claims', '{"/identities/0/primary": true}', '% "/identities/0/primary" with a boolean, but Cognito writes strings there', 'Write {"/identities/0/primary": "true"}.'),
    ('required_claims', '{"/identities/0/dateCreated": [1]}', '% with a number, but Cognito writes strings there', '%'),
    ('required_claims', '{"/identities/0/userId": {"all": ["a", "b"]}}', '% for several values at once%', '%'),
    ('required_claims', '{"token_use": "refresh"}', '% "token_use" with what is neither access nor id', '%'),
    ('required_claims', '{"/token_use": ["id", "ID"]}', '% with what is neither access nor id', '%'),
    ('required_claims', '{"/custom:a/b": "x"}', '% but nothing stands below "custom:a"', '%'),
    ('required_claims', '{"/sub/0": "x"}', '% but nothing stands below "sub"', '%'),
    ('required_claims', '{" plan": "x"}', '% which has white space around it', '%'),
    ('required_claims', '{"plan\n": "x"}', '% which has white space around it', '%'),
    ('required_claims', '{"custom:level": 3}', 'required_claims compares "custom:level" with a number: a custom:* claim compares with strings only, since Cognito writes strings', 'Write {"custom:level": "3"}.'),
    ('required_claims', '{"custom:level": [1, "2"]}', '% with a number: a custom:* claim compares with strings only%', '%'),
    ('required_claims', '{"custom:level": {"all": [true]}}', '% with a boolean: a custom:* claim compares with strings only%', '%'),
    ('required_claims', '{"/custom:level": 3}', '% with a number: a custom:* claim compares with strings only%', '%'),
    ('required_claims', '{"custom:level": {"all": ["1", "2"]}}', '% for several values at once, but it holds a single one', '%'),
    ('required_claims', '{"email": true}', '% "email" with a boolean, but Cognito writes strings there', '%'),
    ('required_claims', '{"cognito:groups": [7]}', '% "cognito:groups" with a number%', '%'),
    ('required_claims', '{"auth_time": "7"}', '% "auth_time" with a string, but Cognito writes a number there', '%'),
    ('required_claims', '{"email_verified": "yes"}', '% "email_verified" with what is neither true nor false', 'Write {"email_verified": true}.'),
    ('required_claims', '{"email_verified": 1}', '% "email_verified" with what is neither true nor false', '%'),
    ('required_claims', (SELECT jsonb_object_agg('c' || n, 1)::text FROM generate_series(1, 257) n), '% more than 256 members', '%'),
    ('required_claims', jsonb_build_object(repeat('é', 129), 'x')::text, '% of no or more than 256 bytes', '%'),
    ('methods', '{PSOT}', 'methods contains "PSOT", which is no method of HTTP', '%WebDAV%'),
    ('methods', '{GET,PST}', 'methods contains "PST", %', '%'),
    ('methods', '{post}', 'methods contains "post", which has lower-case letters', 'Write it in upper case, ''POST''%'),
    ('methods', '{Post}', 'methods contains "Post", which has lower-case letters', '%'),
    ('methods', '{TRACE}', 'methods contains "TRACE", which the gateway never serves', '%405%'),
    ('methods', '{CONNECT}', 'methods contains "CONNECT", which the gateway never serves', '%'),
    ('methods', '{"GET "}', 'methods contains "GET ", which cannot be right', '%'),
    ('path_prefix', '/%FF', '% has encodings that are no UTF-8', '%'),
    ('path_prefix', '/%C3', '% has encodings that are no UTF-8', '%'),
    ('path_prefix', '/a%C0%AFb', '% has encodings that are no UTF-8', '%'),
    ('path_prefix', '/%ED%A0%80', '% has encodings that are no UTF-8', '%'),
    ('path_prefix', '/%F4%90%80%80', '% has encodings that are no UTF-8', '%'),
    ('required_groups', '{" admins"}', 'required_groups contains " admins", which cannot be right', '%without spaces%'),
    ('every_group', '{"admins "}', 'every_group contains "admins ", which cannot be right', '%'),
    ('every_scope', '{}', 'every_scope is an empty list%', '%')) v (c, v, m, h);
-- A space or an invisible character that is none of ASCII's, where the database can hold one.
DO $$
BEGIN
    IF getdatabaseencoding() = 'UTF8' THEN
        PERFORM pg_temp.refused('rules', '{"host": "m.example.com", "path_prefix": "/x"}', 'required_groups',
            format('{admins%s}', chr(code)), '% in which a space or an invisible character hides', '%')
            FROM unnest('{160,8203,8239,12288,65279}'::integer[]) code;
    END IF;
END
$$;
SELECT pg_temp.refused('claim_headers', v, m, '%') FROM (VALUES
    ('{"X-Plan": "/a~2b"}', '% is no JSON pointer'), ('{"X-Plan": "/custom:a/b"}', '% nothing stands below%'),
    ('{"X-Idp": "/identities/providerName"}', '% but "identities" is an array'),
    ('{"X-Plan": "plan "}', '% white space around it'), ('{"X-Plan": "/"}', '% in which a name is empty'),
    ('{"X-Method-Override": "sub"}', '% which the gateway writes or strips itself'),
    ('{"X-i": "sub", "X-I": "sub"}', 'claim_headers names a header twice')) v (v, m);
SELECT pg_temp.refused('cors_origins', v, m, 'Write origins as browsers do%') FROM (VALUES
    ('{https://app.example.com:0}', 'cors_origins "https://app.example.com:0" has a port that does not exist'),
    ('{https://app.example.com:0443}', '%'), ('{https://app.example.com:}', '%'), ('{https://-a.example.com}', '%no valid host'),
    ('{https://a..example.com}', '%no valid host'), ('{https://1.2.3}', '%no valid host'), ('{https://[::g]}', '%'),
    ('{https://u@app.example.com}', '%'), ('{ftp://app.example.com}', '%'), ('{https://*.example.com}', '%'),
    ('{app.example.com}', '%'), ('{https://app.example.com?x}', '%')) v (v, m);
SELECT pg_temp.refused('cors_origins', '{https://a.example,https://A.example:443}', 'cors_origins names something twice', '%');
SELECT pg_temp.refused('region', 'abcd-aaaaaaaaaaaaaaaa-bbbbbbbbbbb-12', '% has not the form of an AWS region', '%');
ROLLBACK;

-- Origins are stored as they are compared.
BEGIN;
INSERT INTO poolgate.tenants (host, region, pool_id, cors_origins) VALUES ('o.example.com', 'eu-west-1', 'eu-west-1_One', ARRAY[
    'https://app.example.com:443', 'http://APP.example.com:80', 'HTTPS://b.example', 'https://c.example:80', 'http://d.example:443',
    'http://localhost:3000', 'https://[2001:DB8:0::1]:443', 'http://[::1]:8080', 'http://127.0.0.1']);
SELECT pg_temp.holds(cors_origins = ARRAY['https://app.example.com', 'http://app.example.com', 'https://b.example',
    'https://c.example:80', 'http://d.example:443', 'http://localhost:3000', 'https://[2001:db8::1]', 'http://[::1]:8080',
    'http://127.0.0.1'], 'canonical: ' || cors_origins::text) FROM poolgate.tenants WHERE host = 'o.example.com';
UPDATE poolgate.tenants SET cors_origins = '{https://E.example:443}' WHERE host = 'o.example.com';
SELECT pg_temp.holds(cors_origins = '{https://e.example}', 'by UPDATE too') FROM poolgate.tenants WHERE host = 'o.example.com';

-- What works is taken.
INSERT INTO poolgate.rules (host, path_prefix, required_claims)
SELECT 'm.example.com', '/c' || n, v::jsonb FROM unnest(ARRAY[
    '{"/identities/0/providerName": "Google"}', '{"custom:level": "3"}', '{"email_verified": "true"}', '{"email_verified": true}',
    '{"email_verified": ["TRUE", false]}', '{"/a~1b/~0c": 1}', '{"level": 3}', '{"cognito:groups": {"all": ["a", "b"]}}',
    '{"https://example.com/role": "x"}', '{"/cognito:groups/0": "a"}', '{"auth_time": 7}', '{"token_use": ["access", "id"]}', '{"/identities/12/primary": "true"}', '{"address/country": "DE"}'])
    WITH ORDINALITY u (v, n);
INSERT INTO poolgate.rules (host, path_prefix, methods) SELECT 'm.example.com', '/m', ARRAY[m] FROM unnest(
    '{GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS,PROPFIND,MKCOL,LOCK,REPORT,VERSION-CONTROL,M-SEARCH,PURGE,QUERY}'::text[]) m;
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('m.example.com', '/%E2%82%AC'), ('m.example.com', '/%F0%9F%98%80'),
    ('m.example.com', '/%40at'), ('m.example.com', '/odata/$batch'), ('m.example.com', '/v1/keys:rotate');
ROLLBACK;

-- What is hardly meant, and what the NOTICE says of it.
SELECT pg_temp.holds(d.sentence LIKE m, 'a doubt: ' || coalesce(d.sentence, '-'))
FROM (VALUES
    ('{"max_token_age": "00:00:08"}', 'max_token_age 00:00:08 is less than a minute: a number without a unit means seconds'),
    ('{"region": "eu-wast-1"}', '"eu-wast-1" is no region that AWS is known to have'),
    ('{"additional_regions": ["eu-west-1", "us-nord-2"]}', '"us-nord-2" is no region%'),
    ('{"claim_headers": {"X-Country": "address/country"}}', 'claim_headers names the claim "address/country", whose name contains a slash'),
    ('{"upstream": "http://acme.example.com:8080"}', 'upstream % leads back to the host itself'),
    ('{"upstream": "http://169.254.169.254"}', 'upstream % lies at an address that the gateway never connects to'),
    ('{"upstream": "h2c://acme.example.com:8080"}', 'upstream % leads back to the host itself'),
    ('{"upstream": "h2c://169.254.169.254"}', 'upstream % lies at an address that the gateway never connects to'),
    ('{"upstream": "h2c://b:443"}', 'upstream "h2c://b:443" speaks one scheme at the other''s port'),
    ('{"upstream": "http://a h2c://b:80 h2://b:443"}', NULL),
    ('{"upstream": "http://a http://b:443"}', 'upstream "http://b:443" speaks one scheme at the other''s port'),
    ('{"required_groups": ["admins,staff"]}', 'required_groups names "admins,staff", a single group%'),
    ('{"token_uses": ["id"], "required_scopes": ["a"]}', 'required_scopes can be met by no id token%'),
    ('{"claim_headers": {"X-Role": "https://example.com/role"}, "max_token_age": "00:01:00", "additional_regions":
        ["us-gov-west-1", "eusc-de-east-1", "us-isob-east-1", "ap-southeast-5", "cn-northwest-1", "mx-central-1", "il-central-1"]}', NULL)) v (t, m)
LEFT JOIN LATERAL poolgate.tenant_doubts(jsonb_populate_record(NULL::poolgate.tenants,
    '{"host": "acme.example.com", "region": "eu-west-1", "pool_id": "eu-west-1_a"}'::jsonb || v.t::jsonb)) d ON true
WHERE m IS NOT NULL OR d.sentence IS NOT NULL;
DELETE FROM poolgate.tenants;
