-- Every refusal names the bad value and says what to write.
BEGIN;
SELECT pg_temp.refused('host', v, m, h) FROM (VALUES
    (NULL, 'host is null', 'Write the name%'),
    ('', 'host is empty', 'Write the name%'),
    ('Acme.example.com', 'host "Acme.example.com" contains upper-case letters', 'Write ''acme.example.com''%'),
    ('acme.example.com:443', 'host "acme.example.com:443" contains a port', 'Write ''acme.example.com''%'),
    ('Acme.example.com:443', '% contains a port', 'Write ''acme.example.com''%'),
    ('acme.example.com.', '% ends in a dot', 'Write ''acme.example.com''.'),
    ('https://acme.example.com/x', '% contains a scheme', '%''acme.example.com''.'),
    ('acme.example.com/x', '% contains a path', '%''acme.example.com''.'),
    ('joe@acme.example.com', '% contains a user name', '%after the @%'),
    ('*', '% would match every name', '%''*.example.com''%'),
    ('*.', '% ends in a dot', '%'),
    ('a.*.example.com', '% has a wildcard that is not its whole first label', '%'),
    ('*a.example.com', '% has a wildcard that is not its whole first label', '%'),
    ('*.*.example.com', '% has a wildcard that is not its whole first label', '%'),
    ('acme.*', '% has a wildcard that is not its whole first label', '%'),
    ('bücher.example', '% contains a character outside ASCII', '%punycode%'),
    (' acme.example.com', '% contains white space%', '%'),
    (E'acme.example.com\n', 'host "acme.example.com?" contains white space%', '%'),
    ('a.example.com b.example.com', '% contains white space%', '%row of its own%'),
    ('[::1]', '% is not a DNS name or an IPv4 address', '%'),
    ('::1', '% is not a DNS name or an IPv4 address', '%'),
    ('.example.com', '% has an empty label', '%'),
    ('a..example.com', '% has an empty label', '%'),
    ('-a.example.com', '% begins or ends with a hyphen', '%'),
    ('a-.example.com', '% begins or ends with a hyphen', '%'),
    ('a.example.com-', '% begins or ends with a hyphen', '%'),
    ('127.0.0.256', '% no IPv4 address', '%'),
    ('127.0.0.01', '% no IPv4 address', '%'),
    ('1.2.3', '% no IPv4 address', '%'),
    ('1.2.3.4.5', '% no IPv4 address', '%'),
    ('*.0.0.1', '% no IPv4 address', '%'),
    ('a%b.example.com', '% contains a character that no host name has', '%'),
    (repeat('a', 64) || '.example.com', '% label of more than 63 characters', '%'),
    (repeat(repeat('a', 61) || '.', 4) || 'abcdef', '%" has 254 bytes', '%253 bytes.')) v (v, m, h);

SELECT pg_temp.refused('region', v, m, h) FROM (VALUES
    (NULL, 'region is null', 'Write the region%'),
    ('', 'region "" has not the form%', '%'),
    ('eu-west', 'region "eu-west" has not the form of an AWS region', '%''eu-west-1''%'),
    ('EU-WEST-1', 'region "EU-WEST-1" has not the form%', '%'),
    ('eu-west-1a', '% has not the form%', '%without a zone letter%'),
    ('eu_west_1', '% has not the form%', '%'),
    ('us-east-1', 'pool_id "eu-west-1_PwMfVzLQg" lies in another region than "us-east-1"',
        'Write region ''eu-west-1'', or the id of a pool in us-east-1.')) v (v, m, h);

SELECT pg_temp.refused('pool_id', v, m, h) FROM (VALUES
    (NULL, 'pool_id is null', 'Write the id%'),
    ('', 'pool_id "" has not the form%', '%''eu-west-1_PwMfVzLQg''.'),
    ('us-east-1_PwMfVzLQg', '% lies in another region than "eu-west-1"', 'Write region ''us-east-1''%'),
    ('PwMfVzLQg', '% has not the form of a pool id', '%'),
    ('eu-west-1_', '% has not the form of a pool id', '%'),
    ('eu-west-1_a_b', '% has not the form of a pool id', '%'),
    ('eu-west-1-PwMfVzLQg', '% has not the form of a pool id', '%'),
    ('eu-west-1_PwMf/../x', '% is an address or an ARN', '%'),
    ('arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_a', '% is an address or an ARN', '%after the last slash%'),
    ('eu-west-1_' || repeat('a', 119), '% has 129 bytes', '%128%')) v (v, m, h);

SELECT pg_temp.refused('additional_regions', v, m, h) FROM (VALUES
    (NULL, 'additional_regions is null', '%''{}''%'),
    ('{eu-west-1}', '% contains the pool''s own region "eu-west-1"', 'Leave it out%'),
    ('{eu-central-1,eu}', '% contains "eu", which cannot be right', '%'),
    ('{eu-central-1,NULL}', '% contains a null', '%'),
    ('{eu-central-1,eu-central-1}', '% names something twice', '%')) v (v, m, h);

SELECT pg_temp.refused('upstream', v, m, h) FROM (VALUES
    ('', 'upstream is empty', '%NULL for the default upstream%'),
    ('api.internal:8080', '% does not begin with http://, https://, h2c:// or h2://', 'Write an origin%'),
    ('ftp://api.internal', '% does not begin with http://, https://, h2c:// or h2://', '%'),
    ('h2cc://api.internal', '% does not begin with http://%', '%'),
    ('H2C://api.internal', '% contains upper-case letters', 'Write ''h2c://api.internal''.'),
    ('h2://api.internal/x', '% contains a path or a query', '%''h2://api.internal''.'),
    ('h2c://u@api.internal', 'upstream contains a user name or a password', '%'),
    ('h2c://', '% has no valid host', '%'),
    ('h2c://a h2c://a:80', '% names an origin twice', '%'),
    ('h2://a h2://a:443', '% names an origin twice', '%'),
    ('http://API.internal', '% contains upper-case letters', 'Write ''http://api.internal''.'),
    ('http://api.internal/', '% contains a path or a query', '%''http://api.internal''.'),
    ('http://api.internal?x', '% contains a path or a query', '%''http://api.internal''.'),
    ('http://u:secret@api.internal', 'upstream contains a user name or a password', 'Write an origin%'),
    ('http://a  http://b', '% white space other than single spaces%', '%'),
    (' http://a', '% white space other than single spaces%', '%'),
    ('http://a ', '% white space other than single spaces%', '%'),
    (E'http://a\thttp://b', '% white space other than single spaces%', '%'),
    ('http://a,http://b', '% separates origins by something other than a space', 'Write one space%'),
    ('http://a:0', '% has a port that does not exist', '%1 to 65535%'),
    ('http://a:65536', '% has a port that does not exist', '%'),
    ('http://a:080', '% has a port that does not exist', '%'),
    ('http://a:', '% has a port that does not exist', '%'),
    ('http://a:+80', '% has a port that does not exist', '%'),
    ('http://', '% has no valid host', '%'),
    ('http://*.example.com', '% has no valid host', '%'),
    ('http://a%b', '% has no valid host', '%'),
    ('http://1.2.3', '% has no valid host', '%'),
    ('http://[::1', '% IPv6 address', '%'),
    ('http://[::g]', '% has no valid IPv6 address', '%'),
    ('http://[127.0.0.1]', '% has no valid IPv6 address', '%'),
    ('http://[::1]x', '% has a port that does not exist', '%'),
    ('http://a http://a', '% names an origin twice', '%'),
    ('http://a http://b:80 http://a:80', '% names an origin twice', '%'),
    ('https://a:443 https://a', '% names an origin twice', '%'),
    (rtrim(repeat('http://a ', 33)), 'upstream has 33 origins%', '%at most 32%')) v (v, m, h);

SELECT pg_temp.refused(c, v, m, h) FROM (VALUES
    ('client_ids', '{}', 'client_ids is an empty list%', 'Write NULL to accept every app client%'),
    ('client_ids', '{a,NULL}', 'client_ids contains a null', 'Write the ids%'),
    ('client_ids', '{""}', 'client_ids contains an empty string', '%'),
    ('client_ids', '{"a b"}', 'client_ids contains "a b", which%', '%'),
    ('client_ids', '{a,a}', 'client_ids names something twice', '%'),
    ('client_ids', '{{a},{b}}', 'client_ids is nested%', '%'),
    ('client_ids', '[0:1]={a,b}', 'client_ids is nested or does not begin at index 1', '%'),
    ('required_groups', '{}', 'required_groups is an empty list%', 'Write NULL to ask for no group%'),
    ('required_groups', '{NULL}', 'required_groups contains a null', '%'),
    ('required_groups', '{""}', 'required_groups contains an empty string', '%'),
    ('required_groups', '{"two words"}', 'required_groups contains "two words"%', '%'),
    ('required_groups', '{a,b,a}', 'required_groups names something twice', '%'),
    ('required_groups', '{' || repeat('g', 129) || '}', 'required_groups contains "ggg%"%', '%'),
    ('required_scopes', '{}', 'required_scopes is an empty list%', 'Write NULL to ask for no scope%'),
    ('required_scopes', '{"openid email"}', 'required_scopes contains "openid email"%', '%element of its own%'),
    ('required_scopes', '{"a\\b"}', 'required_scopes contains %', '%'),
    ('required_scopes', '{' || repeat('s', 514) || '}', 'required_scopes contains "sss%"%', '%'),
    ('token_uses', NULL, 'token_uses null is not a choice%', 'Write ''{access}''%'),
    ('token_uses', '{}', 'token_uses "{}" is not a choice%', '%'),
    ('token_uses', '{refresh}', 'token_uses "{refresh}" is not a choice%', '%'),
    ('token_uses', '{access,NULL}', '% is not a choice%', '%'),
    ('token_uses', '{id,id}', '% is not a choice%', '%'),
    ('token_uses', '{{id},{access}}', '% is not a choice%', '%'),
    ('status', NULL, 'status null is unknown', 'Write ''active'' or ''suspended''.'),
    ('status', 'disabled', 'status "disabled" is unknown', 'Write ''active'' or ''suspended''.'),
    ('allow_unverified_email', NULL, 'allow_unverified_email is null', 'Write true or false.'),
    ('comment', repeat('x', 4001), 'comment has 4001 characters', '%4000%'),
    ('upstream_ca', '', 'upstream_ca "" is no name of a CA file', 'Write the file''s name without .pem%'),
    ('upstream_ca', '../secret', 'upstream_ca "../secret" is no name of a CA file', '%lower-case letters, digits and hyphens.'),
    ('upstream_ca', 'Inside', 'upstream_ca "Inside" is no name of a CA file', '%'),
    ('upstream_ca', 'inside.pem', 'upstream_ca "inside.pem" is no name of a CA file', '%'),
    ('upstream_ca', E'inside\n', 'upstream_ca "inside?" is no name of a CA file', '%'),
    ('upstream_ca', repeat('a', 65), 'upstream_ca "aaa%" is no name of a CA file', '%'),
    ('max_body_bytes', '0', 'max_body_bytes 0 would refuse every body', '%NULL for the gateway''s own bound.'),
    ('max_body_bytes', '-1', 'max_body_bytes -1 would refuse every body', '%'),
    ('websockets', NULL, 'websockets is null', 'Write true or false.'),
    ('assertion', NULL, 'assertion is null', 'Write true or false.'),
    ('assertion_audience', '', 'assertion_audience "" is empty, too long%', '%or NULL for the upstream''s origin.'),
    ('assertion_audience', 'two words', 'assertion_audience "two words" is empty%', '%without spaces%'),
    ('assertion_audience', 'große', 'assertion_audience "gro%" is empty, too long or holds more than printable ASCII', '%'),
    ('assertion_audience', E'a\n', 'assertion_audience "a?" is empty%', '%'),
    ('assertion_audience', repeat('a', 513), 'assertion_audience "aaa%" is empty%', '%'),
    ('at_expiry', NULL, 'at_expiry null is unknown', 'Write ''close'' or ''outlive''.'),
    ('at_expiry', 'expire', 'at_expiry "expire" is unknown', '%'),
    ('expiry_grace', '-1 second', 'expiry_grace -00:00:01 is out of bounds', '%from 0 to 30 days%'),
    ('expiry_grace', '30 days 1 second', 'expiry_grace 30 days 00:00:01 is out of bounds', '%')) v (c, v, m, h);

SELECT pg_temp.fails($$INSERT INTO poolgate.tenants (host, region, pool_id, required_groups)
    SELECT 'a.example.com', 'eu-west-1', 'eu-west-1_a', array_agg('g' || n) FROM generate_series(1, 1001) n$$,
    '23514', 'required_groups has 1001 elements', 'Write at most 1000.');

-- A shown value is bounded and carries no control character.
SELECT pg_temp.fails(format('INSERT INTO poolgate.tenants (host, region, pool_id) VALUES (%L, ''eu-west-1'', ''eu-west-1_a'')',
    E'\x1b[31m' || repeat('a', 5000)), '23514', 'host "?[31maaa%" contains white space or a control character');

-- An UPDATE is judged by what it changes: a row from before a rule can still be suspended.
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.example.com', 'eu-west-1', 'eu-west-1_a');
SELECT pg_temp.fails($$UPDATE poolgate.tenants SET upstream = 'http://a/' WHERE host = 'a.example.com'$$, '23514', '%contains a path%');
SELECT pg_temp.fails($$UPDATE poolgate.tenants SET region = 'us-east-1'$$, '23514', '% lies in another region%');
ALTER TABLE poolgate.tenants DISABLE TRIGGER check_tenant;
UPDATE poolgate.tenants SET upstream = 'http://x:99999', required_groups = '{"old rule"}';
ALTER TABLE poolgate.tenants ENABLE TRIGGER check_tenant;
UPDATE poolgate.tenants SET status = 'suspended';
SELECT pg_temp.holds((SELECT status = 'suspended' FROM poolgate.tenants), 'a row of an older rule can be suspended');
ROLLBACK;
