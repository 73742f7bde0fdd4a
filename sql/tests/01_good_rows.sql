-- Three columns are enough, and every good value is taken.
BEGIN;
INSERT INTO poolgate.tenants (host, region, pool_id)
    VALUES ('acme.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg');
SELECT pg_temp.holds(
    additional_regions = '{}' AND upstream IS NULL AND client_ids IS NULL AND token_uses = '{access,id}'
    AND required_groups IS NULL AND required_scopes IS NULL AND NOT allow_unverified_email
    AND upstream_ca IS NULL AND max_body_bytes IS NULL AND websockets AND at_expiry = 'close' AND expiry_grace IS NULL
    AND assertion AND assertion_audience IS NULL
    AND status = 'active' AND comment IS NULL AND created_at = now() AND updated_at = now()
    AND changed = pg_current_xact_id(),
    'the defaults of a row of three columns') FROM poolgate.tenants WHERE host = 'acme.example.com';

INSERT INTO poolgate.tenants (host, region, pool_id)
SELECT host, 'eu-west-1', 'eu-west-1_PwMfVzLQg' FROM unnest(ARRAY[
    '*.example.com', '*.deep.example.com', 'localhost', '*.localhost', 'a', '127.0.0.1', '255.255.255.255', '0.0.0.0',
    'xn--bcher-kva.example', '1.example.com', 'a--b.example.com', '_a.b_c.example.com', repeat('a', 63) || '.example.com',
    repeat(repeat('a', 61) || '.', 4) || 'abcde', '*.' || repeat(repeat('a', 61) || '.', 4) || 'abc']) host;
SELECT pg_temp.holds(max(octet_length(host)) = 253, 'a host of 253 bytes is taken') FROM poolgate.tenants;

INSERT INTO poolgate.tenants (host, region, pool_id)
SELECT replace(region, '-', '.') || '.example.org', region, region || '_' || suffix FROM (VALUES
    ('eu-west-1', 'A'), ('us-east-2', '0'), ('ap-southeast-5', 'PwMfVzLQg'), ('us-gov-west-1', 'PwMfVzLQg'),
    ('eusc-de-east-1', 'PwMfVzLQg'), ('cn-northwest-1', 'PwMfVzLQg'), ('mx-central-1', repeat('f', 32)),
    ('il-central-1', repeat('f', 128 - length('il-central-1_')))) v (region, suffix);

INSERT INTO poolgate.tenants (host, region, pool_id, upstream)
SELECT 'u' || n || '.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg', upstream FROM unnest(ARRAY[
    'http://127.0.0.1:8080', 'https://api.internal', 'http://[::1]:1', 'https://[2001:db8::1]', 'http://a:65535',
    'http://a_b:1 http://a_b:2 https://c http://c:443', 'h2c://10.0.0.5:50051', 'h2://api.internal', 'h2c://[::1]:1 h2://[::1]:1',
    'http://a https://a h2c://a h2://a', NULL]) WITH ORDINALITY u (upstream, n);

INSERT INTO poolgate.tenants (
    host, region, pool_id, additional_regions, client_ids, token_uses, required_groups, required_scopes,
    allow_unverified_email, status, comment)
VALUES ('all.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg', '{eu-central-1,us-gov-west-1}',
    '{1example23456789}', '{id}', '{admins,"a,b",Gruppe-Ä}', ARRAY['openid', 'https://api.example.com/orders/read', repeat('s', 513)],
    true, 'suspended', 'all columns');
INSERT INTO poolgate.tenants (host, region, pool_id, client_ids, required_groups)
SELECT 'many.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg', array_agg('c' || n), array_agg(rpad('g' || n, 128, 'g'))
    FROM generate_series(1, 1000) n;

INSERT INTO poolgate.tenants (host, region, pool_id, upstream_ca, max_body_bytes, websockets, at_expiry, expiry_grace)
SELECT 'c' || n || '.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg', ca, bytes, websockets, at_expiry, grace FROM (VALUES
    (1, 'inside-2', 1, false, 'close', interval '0'), (2, repeat('a', 64), 9223372036854775807, true, 'outlive', interval '30 days'),
    (3, NULL, NULL, true, 'close', interval '1 month')) v (n, ca, bytes, websockets, at_expiry, grace);

INSERT INTO poolgate.tenants (host, region, pool_id, assertion, assertion_audience)
SELECT 'as' || n || '.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg', assertion, audience FROM (VALUES
    (1, true, 'https://api.example.com'), (2, false, 'orders'), (3, true, repeat('~', 512)), (4, true, '!"\'),
    (5, false, NULL)) v (n, assertion, audience);
ROLLBACK;
