-- With the trigger gone, the plain checks still keep out what would be dangerous.
BEGIN;
ALTER TABLE poolgate.tenants DISABLE TRIGGER check_tenant;
SELECT pg_temp.refused(c, v, '%violates check constraint "tenants_' || c || '_check"', '%') FROM (VALUES
    ('host', 'Acme.example.com'), ('host', 'acme.example.com:443'), ('host', 'a.*.example.com'), ('host', '*'),
    ('host', 'acme.example.com.'), ('host', E'acme.example.com\n'), ('host', repeat('a', 64)),
    ('pool_id', 'us-east-1_PwMfVzLQg'), ('pool_id', 'eu-west-1_a/b'), ('pool_id', 'eu-west-1_'),
    ('region', 'EU'),
    ('additional_regions', '{NULL}'),
    ('upstream', 'http://a/'), ('upstream', 'http://a  http://b'), ('upstream', 'http://u@a'), ('upstream', 'h3://a'), ('upstream', 'h2cc://a'), ('upstream', ''),
    ('client_ids', '{}'), ('client_ids', '{NULL}'), ('client_ids', '{""}'),
    ('required_groups', '{}'), ('required_groups', '{NULL}'), ('required_groups', '{""}'),
    ('required_scopes', '{}'), ('required_scopes', '{NULL}'), ('required_scopes', '{""}'),
    ('token_uses', '{}'), ('token_uses', '{refresh}'), ('token_uses', '{NULL}'),
    ('status', 'disabled'),
    ('upstream_ca', '../secret'), ('upstream_ca', ''), ('max_body_bytes', '0'), ('at_expiry', 'expire'),
    ('assertion_audience', ''), ('assertion_audience', 'a b'), ('assertion_audience', repeat('a', 513)),
    ('expiry_grace', '-1 second'), ('expiry_grace', '31 days'),
    ('comment', repeat('x', 4001))) v (c, v) WHERE c <> 'region';
SELECT pg_temp.refused('region', 'EU', '%violates check constraint "tenants_%', '%');
ROLLBACK;
