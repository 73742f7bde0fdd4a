-- Role by role: exactly these rights on every table and view of the schema, and on no other function. What a later file adds
-- must be added here, too.
CREATE ROLE poolgate_test_nobody;
CREATE TEMP TABLE wanted AS
SELECT 'poolgate_gateway' AS role, relation, unnest(string_to_array(rights, ' ')) AS may FROM (VALUES
    ('migrations', 'SELECT'), ('tenants', 'SELECT'), ('tenant_rules', 'SELECT'), ('revocation_entries', 'SELECT'),
    ('lifted_revocations', 'SELECT'), ('withdrawn_keys', 'SELECT'), ('tenant_history', 'SELECT'), ('replicas', 'SELECT'),
    ('tenant_status', 'SELECT'), ('tenant_summary', 'SELECT'), ('instances', 'SELECT INSERT UPDATE DELETE'),
    ('pool_health', 'SELECT INSERT UPDATE DELETE'), ('tenant_quarantine', 'SELECT INSERT UPDATE DELETE')) g (relation, rights)
UNION ALL
SELECT 'poolgate_admin', c.relname, unnest(CASE WHEN c.relname IN ('tenants', 'rules', 'revocations', 'withdrawn_keys')
    THEN '{SELECT,INSERT,UPDATE,DELETE}' ELSE '{SELECT}' END::text[])
FROM pg_class c WHERE c.relnamespace = 'poolgate'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm');
CREATE TEMP TABLE granted AS
SELECT r.role, c.relname::text AS relation, p.may
FROM unnest('{poolgate_gateway,poolgate_admin,poolgate_test_nobody}'::text[]) r (role), pg_class c,
    unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p (may)
WHERE c.relnamespace = 'poolgate'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    AND has_table_privilege(r.role, c.oid, p.may);
SELECT pg_temp.holds(false, format('%s has what it should not: %s on %s', role, may, relation)) FROM (TABLE granted EXCEPT TABLE wanted) d;
SELECT pg_temp.holds(false, format('%s lacks %s on %s', role, may, relation)) FROM (TABLE wanted EXCEPT TABLE granted) d;
SELECT pg_temp.holds(count(*) = 0, 'no column can be written otherwise: ' || coalesce(string_agg(format('%s %s.%s', r.role, c.relname, a.attname), ', '), ''))
    FROM unnest('{poolgate_gateway,poolgate_admin,poolgate_test_nobody}'::text[]) r (role), pg_class c JOIN pg_attribute a ON a.attrelid = c.oid,
        unnest('{INSERT,UPDATE,REFERENCES}'::text[]) p (may)
    WHERE c.relnamespace = 'poolgate'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
    AND has_column_privilege(r.role, c.oid, a.attnum, p.may) AND NOT EXISTS (
        SELECT FROM wanted w WHERE w.role = r.role AND w.relation = c.relname AND w.may = p.may);
SELECT pg_temp.holds(coalesce(string_agg(p.proname, ' ' ORDER BY p.proname), '') = r.functions,
    format('%s may call: %s', r.role, string_agg(p.proname, ' ' ORDER BY p.proname)))
    FROM (VALUES ('poolgate_gateway', 'has_read'), ('poolgate_admin', 'has_read prune_history tenant_of_history wait_until_live'),
        ('poolgate_test_nobody', '')) r (role, functions)
    LEFT JOIN pg_proc p ON p.pronamespace = 'poolgate'::regnamespace AND has_function_privilege(r.role, p.oid, 'EXECUTE')
    GROUP BY r.role, r.functions;
SELECT pg_temp.holds(has_schema_privilege(r.role, 'poolgate', 'USAGE') = r.uses AND NOT has_schema_privilege(r.role, 'poolgate', 'CREATE'),
    r.role || ' and the schema') FROM (VALUES ('poolgate_gateway', true), ('poolgate_admin', true), ('poolgate_test_nobody', false)) r (role, uses);
-- Settings of the session that calls do not reach what functions read and print.
SELECT pg_temp.holds(count(*) = 0, 'every function pins how it is read: ' || coalesce(string_agg(p.proname, ', '), ''))
    FROM pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace
    AND NOT p.proconfig @> '{"search_path=pg_catalog, pg_temp",standard_conforming_strings=on}';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SET ROLE poolgate_admin;
SELECT count(*) FROM poolgate.lifted_revocations, poolgate.revocation_entries, poolgate.tenant_rules, poolgate.tenant_status;
RESET ROLE;
DROP ROLE poolgate_test_nobody;
