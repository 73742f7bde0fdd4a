-- Each file has recorded itself, once.
SELECT pg_temp.holds(count(*) >= 3 AND bool_and(checksum ~ '^[0-9a-f]{64}$' AND name LIKE lpad(version::text, 4, '0') || '\_%'),
    'each migration stands with its checksum') FROM poolgate.migrations;
SELECT pg_temp.holds(count(*) = max(version), 'versions have no gap') FROM poolgate.migrations;
