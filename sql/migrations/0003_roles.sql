-- The two roles and what they may do. Where this user may not create roles, the file says what to run and goes on.

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_min_messages = notice;
-- In a statement of its own, so that what follows sees what whoever held it before committed.
SELECT pg_advisory_xact_lock(7020669201311);

DO $migration$
DECLARE
    this_name CONSTANT text := '0003_roles';
    this_checksum CONSTANT text := encode(sha256(convert_to(
        split_part(current_query(), '$migra' || 'tion$', 2), 'UTF8')), 'hex');
    role_name text;
BEGIN
IF EXISTS (SELECT FROM poolgate.migrations m WHERE m.name = this_name) THEN
    IF NOT EXISTS (
        SELECT FROM poolgate.migrations m WHERE m.name = this_name AND m.checksum = this_checksum) THEN
        RAISE WARNING 'migration % was applied with another text than this file has', this_name;
    END IF;
    RETURN;
END IF;

-- Grants both roles exactly what they need, as far as the roles exist. Call it again after creating them.
CREATE FUNCTION poolgate.grant_privileges() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_gateway') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_gateway;
        GRANT SELECT ON poolgate.migrations, poolgate.tenants TO poolgate_gateway;
        GRANT SELECT (id, operation, host, changed) ON poolgate.tenant_history TO poolgate_gateway;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON poolgate.instances, poolgate.pool_health, poolgate.tenant_quarantine TO poolgate_gateway;
        GRANT SELECT ON poolgate.tenant_status TO poolgate_gateway;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poolgate_admin') THEN
        GRANT USAGE ON SCHEMA poolgate TO poolgate_admin;
        GRANT SELECT, INSERT, UPDATE, DELETE ON poolgate.tenants TO poolgate_admin;
        GRANT SELECT ON poolgate.migrations, poolgate.tenant_history, poolgate.instances, poolgate.pool_health,
            poolgate.tenant_quarantine, poolgate.tenant_status TO poolgate_admin;
        GRANT EXECUTE ON FUNCTION poolgate.prune_history(interval), poolgate.wait_until_live(text, interval)
            TO poolgate_admin;
    END IF;
END
$function$;
REVOKE ALL ON FUNCTION poolgate.grant_privileges() FROM PUBLIC;

FOREACH role_name IN ARRAY ARRAY['poolgate_gateway', 'poolgate_admin'] LOOP
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN
            RAISE WARNING 'role % could not be created; ask an administrator to run: CREATE ROLE % NOLOGIN; then run as this user: SELECT poolgate.grant_privileges();',
                role_name, role_name;
        WHEN duplicate_object OR unique_violation THEN
            NULL;  -- Another database of this cluster has just created it.
    END;
END LOOP;
PERFORM poolgate.grant_privileges();

INSERT INTO poolgate.migrations (name, version, checksum) VALUES (this_name, 3, this_checksum);
END
$migration$;

COMMIT;
