-- 100 hosts of 253 bytes in one statement: far more than a NOTIFY can carry, and committed all the same.
LISTEN poolgate;
INSERT INTO poolgate.tenants (host, region, pool_id)
SELECT lpad(n::text, 3, '0') || repeat('.' || repeat('l', 49), 5), 'eu-west-1', 'eu-west-1_a' FROM generate_series(1, 100) n;
SELECT pg_temp.holds(count(*) = 100, 'all were inserted') FROM poolgate.tenants WHERE octet_length(host) = 253;
DELETE FROM poolgate.tenants WHERE octet_length(host) = 253;
