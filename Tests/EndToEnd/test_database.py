"""What the gateway reads is what is there: whoever stands between it and its database, whatever hides, restores,
replicates or cuts what it reads."""

import concurrent.futures
import contextlib
import json
import subprocess
import time

import pytest

from conftest import NUMBERS, make_tenant
from gateway import run as run_command
from mangler import Mangler
from pooler import Crowd, Pooler
from processes import TOP, Postgres, wait_until

EARLIER = {"claims": {"iat": int(time.time()) - 60}}


def revoke(database, pool, subject, **more):
    columns = {"region": pool.split("_")[0], "pool_id": pool, "subject": subject} | more
    database.sql(
        f"INSERT INTO poolgate.revocations ({', '.join(columns)}) VALUES ({', '.join(repr(value) for value in columns.values())})")


def revoke_many(database, pool, count):
    database.sql(f"""
        INSERT INTO poolgate.revocations (region, pool_id, jti)
        SELECT 'eu-west-1', '{pool}', 'j-' || n FROM generate_series(1, {count}) n""")


def link(gateway):
    return json.loads(gateway.admin("/status")[1])["directory"]


@pytest.fixture
def cluster():
    """Makes clusters of the test's own."""
    with contextlib.ExitStack() as stack:
        def make(**settings):
            server = Postgres(**settings)
            stack.callback(server.remove)
            return server
        yield make


# Poolers.

@pytest.mark.parametrize("mode, size, round_robin", [
    ("transaction", 1, False), ("transaction", 4, False), ("transaction", 4, True), ("session", 6, False)])
def test_behind_a_pooler_everything_is_read_and_nothing_is_left_to_others(start, database, stand_in, pool, mode, size, round_robin):
    count = 20_000
    # Its sessions begin with what a gateway must not leave otherwise.
    database.server.sql(f"ALTER DATABASE {database.name} SET jit = on", "postgres")
    database.add("first.example.com", pool)
    revoke_many(database, pool, count)
    revoke(database, pool, "s-1")
    pooler = Pooler(database, mode, size, round_robin)
    try:
        with Crowd(pooler, min(size, 3) if mode == "transaction" else 1):
            gateway = start(database_url=pooler.url)
            assert gateway.wait_event("directory_read", read="everything")["revocations"] == count + 1
            tenant = make_tenant(gateway, database, stand_in, pool)
            assert tenant.get(tenant.token(sub="s-1", **EARLIER)).status == 401
            good = tenant.token(sub="s-2", **EARLIER)
            assert gateway.wait_status(200, tenant.host, good)
            revoke(database, pool, "s-2")
            gateway.wait_status(401, tenant.host, good)
            if mode == "transaction":
                gateway.wait_event("listen_swallowed")
                assert link(gateway).get("listening") is False
            else:
                wait_until(lambda: link(gateway).get("listening"))
                assert not gateway.events("listen_swallowed")
            for number in range(3):
                database.add(f"later{number}.example.com", pool)
                gateway.wait_status(401, f"later{number}.example.com", seconds=20)
            assert not gateway.events("database_lost") and not gateway.events("health_unwritable")
        if mode == "transaction":
            sessions = pooler.every_session("""
                SELECT current_setting('statement_timeout'), current_setting('jit'), current_setting('row_security'),
                    (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_prepared_statements),
                    (SELECT count(*) FROM pg_cursors WHERE is_holdable),
                    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), current_setting('enable_seqscan')""")
            assert len(sessions) == size
            assert {answer.strip() for answer in sessions.values()} == {"0|on|on|0|0|0|0|on"}
    finally:
        pooler.remove()


def test_migrations_over_a_pooler_leave_no_lock_behind(postgres, run):
    database = postgres.new_database()
    pooler = Pooler(database, "transaction", 2)
    try:
        with Crowd(pooler, 2):
            with concurrent.futures.ThreadPoolExecutor() as threads:
                for done in threads.map(lambda _: run("migrate", "--database-url", pooler.url), range(2)):
                    assert done.returncode == 0 and "already a transaction" not in done.stdout, done.stdout + done.stderr
        assert {answer.strip() for answer in pooler.every_session("""
            SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), current_setting('statement_timeout')""").values()
                } == {"0|0"}
    finally:
        pooler.remove()


def test_a_pooler_that_moves_to_another_server_is_noticed(start, database, migrated, stand_in, pool):
    """The client's connection stays while the server behind it becomes another, as at a failover."""
    other = migrated()
    make = f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('%s', 'eu-west-1', '{pool}')"
    database.sql(make % "old.example.com")
    other.sql(make % "new.example.com")
    pooler = Pooler(database, "transaction", 2)
    try:
        gateway = start(database_url=pooler.url)
        gateway.wait_status(401, "old.example.com")
        configuration = pooler.folder / "pgbouncer.ini"
        configuration.write_text(configuration.read_text().replace(
            "port=", f"dbname={other.name} port="))
        admin = ["psql", "-XqAt", "-h", "127.0.0.1", "-p", str(pooler.port), "-U", "postgres", "pgbouncer"]
        configuration.write_text(configuration.read_text() + "admin_users = postgres\n")
        pooler.process.send_signal(1)
        wait_until(lambda: subprocess.run([*admin, "-c", "SHOW VERSION"], capture_output=True).returncode == 0)
        subprocess.run([*admin, "-c", "RECONNECT"], check=True, capture_output=True)
        gateway.wait_status(401, "new.example.com")
        gateway.wait_status(421, "old.example.com")
    finally:
        pooler.remove()


# Rows that are hidden, lost, doubled.

def test_rows_hidden_by_row_security_are_an_error_and_the_old_directory_stays(postgres, migrated, start, binaries, role, stand_in, pool):
    migrated()  # For the roles, which the owner below may not make.
    owner = f"owner{next(NUMBERS)}"
    database = postgres.new_database()
    postgres.sql(f"CREATE ROLE {owner} LOGIN; GRANT CREATE ON DATABASE {database.name} TO {owner}", "postgres")
    done = run_command(binaries, "migrate", "--database-url", database.url.replace("postgres@", f"{owner}@"))
    assert done.returncode == 0, done.stdout + done.stderr
    database.sql(f"GRANT poolgate_gateway TO {role.name}")
    gateway = start(database_url=role(database))
    tenant = make_tenant(gateway, database, stand_in, pool)
    revoke(database, pool, "s-1")
    bad, good = tenant.token(sub="s-1", **EARLIER), tenant.token(sub="s-2", **EARLIER)
    gateway.wait_status(401, tenant.host, bad)
    gateway.wait_status(200, tenant.host, good)
    reports = "SELECT count(*) FROM poolgate.instances"
    tables = database.sql("SELECT relname FROM pg_class WHERE relnamespace = 'poolgate'::regnamespace AND relkind = 'r'").split()
    read = ["tenants", "tenant_history", "rules", "revocations", "migrations"] + [
        name for name in tables if name == "lifted_revocations"]
    for table in read:
        database.sql(f"ALTER TABLE poolgate.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")

        def told(table=table):
            # What changes are told by is looked at when something is announced.
            database.sql("NOTIFY poolgate")
            return next((line for line in gateway.events("database_lost") if f'"{table}"' in line["error"]), None)
        found = wait_until(told, 30, table)
        assert "ROW LEVEL SECURITY" in found["advice"]
        assert tenant.get(good).status == 200 and tenant.get(bad).status == 401
        assert gateway.admin("/ready")[0] == 200
        database.sql(f"ALTER TABLE poolgate.{table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        wait_until(lambda: link(gateway)["link"] == "connected", 30)
    database.add("later.example.com", pool)
    gateway.wait_status(401, "later.example.com")
    for table in ("instances", "pool_health", "tenant_quarantine"):
        database.sql(f"ALTER TABLE poolgate.{table} ENABLE ROW LEVEL SECURITY")
    database.sql("UPDATE poolgate.tenants SET comment = 'x'")
    assert "ROW LEVEL SECURITY" in gateway.wait_event("health_unwritable")["advice"]
    assert tenant.get(good).status == 200 and int(database.sql(reports)) > 0


@pytest.mark.waits_long
def test_a_read_that_lost_or_repeated_a_row_is_never_believed(start, database, stand_in, pool):
    link_between = Mangler(database)
    try:
        hosts = [f"m{number}.example.com" for number in range(6)]
        for host in hosts:
            database.add(host, pool)
        for number in range(6):
            revoke(database, pool, f"s-{number}")
        gateway = start(database_url=link_between.url)
        bad = [stand_in.mint(pool, sub=f"s-{number}", **EARLIER) for number in range(6)]
        good = stand_in.mint(pool, sub="s-9", **EARLIER)
        for column in ("issued_before", "header_profile"):
            for fault in ("drop", "double", "swap", "cut"):
                before = len(gateway.events("database_lost"))
                link_between.set(fault, column)
                said = "nothing was taken" if fault != "cut" else "connection was lost"
                wait_until(lambda before=before, said=said: link_between.mangled and any(
                    said in line["error"] for line in gateway.events("database_lost")[before:]), 30, f"{fault} of {column}")
                assert [gateway.get(host, good).status for host in hosts] == [200] * 6, (fault, column)
                assert [gateway.get(hosts[0], token).status for token in bad] == [401] * 6, (fault, column)
                link_between.set(None)
                wait_until(lambda: link(gateway).get("listening"), 30)
        database.add("m9.example.com", pool)
        gateway.wait_status(401, "m9.example.com", seconds=30)
    finally:
        link_between.remove()


# Transaction ids are not time.

def burn_transactions(database, count=30_000):
    """Moves the cluster's counter on."""
    database.sql(f"""
        CREATE TABLE IF NOT EXISTS public.burned (n int);
        DO $$ BEGIN FOR i IN 1..{count} LOOP
            BEGIN INSERT INTO public.burned VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP; END $$;
        DROP TABLE public.burned""")


def restore(old, new):
    dump = subprocess.run(
        ["pg_dump", "-h", "127.0.0.1", "-p", str(old.server.port), "-U", "postgres", old.name], check=True, capture_output=True, text=True)
    new.sql(dump.stdout)


def test_a_dump_restored_into_a_younger_cluster_serves_at_once_and_for_good(cluster, start, database, stand_in, pool):
    burn_transactions(database)
    database.sql(f"""
        INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT h || '.example.com', 'eu-west-1', '{pool}' FROM unnest('{{again,other,renamed}}'::text[]) h""")
    revoke(database, pool, "s-1")
    revoke(database, pool, "s-2")
    database.sql(f"""
        TRUNCATE poolgate.tenants CASCADE;
        INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('again.example.com', 'eu-west-1', '{pool}');
        DELETE FROM poolgate.tenants;
        INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT h || '.example.com', 'eu-west-1', '{pool}' FROM unnest('{{again,other,gone}}'::text[]) h;
        DELETE FROM poolgate.tenants WHERE host = 'gone.example.com';
        DELETE FROM poolgate.revocations WHERE subject = 's-2'""")
    young = cluster().new_database()
    young.sql("CREATE ROLE poolgate_gateway NOLOGIN; CREATE ROLE poolgate_admin NOLOGIN")
    # The gateway is there before the restore, which brings rows before it brings triggers.
    gateway = start(database_url=young.url, ready=False)
    gateway.wait_event("schema_too_old")
    restore(database, young)
    gateway.admin_port = gateway.port_of("admin", 20)
    gateway.wait_ready()
    gateway.port = gateway.port_of("proxy", 20)
    bad, good = (stand_in.mint(pool, sub=subject, **EARLIER) for subject in ("s-1", "s-2"))

    def holds():
        assert gateway.get("again.example.com", good).status == 200
        assert gateway.get("other.example.com", good).status == 200
        assert gateway.get("again.example.com", bad).status == 401
        assert gateway.get("gone.example.com").status == 421
    gateway.wait_status(200, "again.example.com", good, seconds=20)
    gateway.wait_status(401, "again.example.com", bad, seconds=20)
    gateway.wait_status(200, "again.example.com", good, seconds=20)
    holds()
    whole = len(gateway.events("directory_read"))
    for number in range(8):
        young.sql(f"UPDATE poolgate.tenants SET max_body_bytes = {number + 1} WHERE host = 'other.example.com'")
        young.add(f"n{number}.example.com", pool)
        gateway.wait_status(401, f"n{number}.example.com")
        holds()
    reads = gateway.events("directory_read")[whole:]
    assert [read["read"] for read in reads].count("changes") >= 8, reads
    young.sql("DELETE FROM poolgate.tenants WHERE host = 'again.example.com'")
    gateway.wait_status(421, "again.example.com")
    young.add("again.example.com", pool)
    gateway.wait_status(401, "again.example.com")


def test_rows_restored_in_place_by_a_foreign_dump_are_found(start, database, stand_in, pool):
    """Data alone, with triggers off, under a running gateway: stamps of another time and no announcement."""
    for host in ("stays", "goes"):
        database.add(f"{host}.example.com", pool)
    gateway = start(database_url=database.url)
    gateway.wait_status(401, "goes.example.com")
    database.sql(f"""
        ALTER TABLE poolgate.tenants DISABLE TRIGGER ALL;
        DELETE FROM poolgate.tenants WHERE host = 'goes.example.com';
        INSERT INTO poolgate.tenants (host, region, pool_id, changed) VALUES
            ('past.example.com', 'eu-west-1', '{pool}', '3'), ('future.example.com', 'eu-west-1', '{pool}', '99999999999');
        ALTER TABLE poolgate.tenants ENABLE TRIGGER ALL""")
    gateway.wait_status(401, "past.example.com", seconds=20)
    gateway.wait_status(401, "future.example.com")
    gateway.wait_status(421, "goes.example.com")
    assert gateway.get("stays.example.com").status == 401


def test_writes_of_a_replication_role_are_live(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token(sub="s-1", **EARLIER)
    gateway.wait_status(200, tenant.host, token)
    database.sql(f"""
        SET session_replication_role = replica;
        INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('replica.example.com', 'eu-west-1', '{pool}');
        INSERT INTO poolgate.revocations (region, pool_id, subject, digest, changed)
        SELECT 'eu-west-1', '{pool}', 's-1', poolgate.revocation_digest(r), '99999999999' FROM (
            SELECT (jsonb_populate_record(NULL::poolgate.revocations,
                '{{"region": "eu-west-1", "pool_id": "{pool}", "subject": "s-1"}}')).*) r""")
    gateway.wait_status(401, "replica.example.com", seconds=40)
    gateway.wait_status(401, tenant.host, token, seconds=40)
    database.sql(f"SET session_replication_role = replica; DELETE FROM poolgate.tenants WHERE host = '{tenant.host}'")
    gateway.wait_status(421, tenant.host, seconds=40)


def test_a_logical_subscriber_serves_what_its_publisher_writes(cluster, binaries, start, stand_in, pool):
    server = cluster(wal_level="logical")
    source, target = server.new_database(), server.new_database()
    for database in (source, target):
        assert run_command(binaries, "migrate", "--database-url", database.url).returncode == 0
    tables = "poolgate.tenants, poolgate.rules, poolgate.revocations"
    source.add("first.example.com", pool)
    source.sql(f"CREATE PUBLICATION p FOR TABLE {tables}; SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
    target.sql(f"CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port={server.port} user=postgres dbname={source.name}' "
               "PUBLICATION p WITH (create_slot = false, slot_name = 's')")
    try:
        gateway = start(database_url=target.url)
        gateway.wait_status(401, "first.example.com", seconds=45)
        token = stand_in.mint(pool, sub="s-1", **EARLIER)
        gateway.wait_status(200, "first.example.com", token)
        source.add("second.example.com", pool)
        revoke(source, pool, "s-1")
        gateway.wait_status(401, "second.example.com", seconds=45)
        gateway.wait_status(401, "first.example.com", token, seconds=45)
        source.sql("INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('second.example.com', '/open', 'public')")
        source.sql("UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'first.example.com'")
        gateway.wait_status(403, "first.example.com", seconds=45)
        gateway.wait_status(200, "second.example.com", path="/open", seconds=45)
        source.sql("DELETE FROM poolgate.tenants WHERE host = 'first.example.com'")
        gateway.wait_status(421, "first.example.com", seconds=45)
    finally:
        target.sql("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s", check=False)


# Sessions are not immortal, nor as we left them.

def test_what_a_role_sets_for_its_sessions_neither_ends_nor_alarms_the_gateway(start, database, role, stand_in, pool):
    # The role's own statement timeout holds until the gateway's is set, which a busy server takes some milliseconds for.
    database.sql(f"GRANT poolgate_gateway TO {role.name}")
    for name, value in {
            "idle_session_timeout": "1s", "statement_timeout": "100ms", "lock_timeout": "1ms",
            "idle_in_transaction_session_timeout": "1ms", "default_transaction_isolation": "serializable", "row_security": "on",
            "intervalstyle": "iso_8601", "datestyle": "German", "bytea_output": "escape", "timezone": "Asia/Kathmandu",
            "standard_conforming_strings": "off", "enable_indexscan": "off"}.items():
        database.sql(f"ALTER ROLE {role.name} SET {name} = '{value}'")
    gateway = start(database_url=role(database))
    tenant = make_tenant(gateway, database, stand_in, pool, max_token_age="1 hour")
    assert gateway.wait_status(200, tenant.host, tenant.token(claims={"iat": int(time.time())}))
    time.sleep(3)
    # Reads and writes that take longer than what the role allows.
    for table in ("tenants", "instances"):
        database.sql(f"BEGIN; LOCK TABLE poolgate.{table}; SELECT pg_sleep(0.7); COMMIT")
    database.sql("SELECT poolgate.wait_until_live('" + tenant.host + "')")
    tenant.update("status = 'suspended'")
    gateway.wait_status(403, tenant.host, seconds=20)
    database.sql("SELECT poolgate.wait_until_live('" + tenant.host + "')")
    for event in ("database_lost", "health_unwritable", "listen_swallowed"):
        assert not gateway.events(event), gateway.log()
    assert link(gateway).get("listening")


def test_a_session_that_is_ended_for_idling_is_made_anew_without_a_word(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    wait_until(lambda: link(gateway).get("listening"))
    # Shorter than the sign of life that is under way, so that the sessions are ended once.
    database.sql("ALTER SYSTEM SET idle_session_timeout = '700ms'")
    database.sql("SELECT pg_reload_conf()")
    try:
        time.sleep(3)
        tenant.update("status = 'suspended'")
        gateway.wait_status(403, tenant.host, seconds=20)
        database.sql("SELECT poolgate.wait_until_live('" + tenant.host + "')")
        for event in ("database_lost", "health_unwritable"):
            assert not gateway.events(event), gateway.log()
    finally:
        database.sql("ALTER SYSTEM RESET idle_session_timeout")
        database.sql("SELECT pg_reload_conf()")


# Bounds.

def test_a_flood_of_one_tenants_revocations_keeps_no_other_tenants_row_waiting(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    whole = len([read for read in gateway.events("directory_read") if read["read"] == "everything"])
    count = 60_000
    flood = f"INSERT INTO poolgate.revocations (region, pool_id, jti) SELECT 'eu-west-1', '{pool}', 'j-' || n FROM generate_series(1, {count}) n"
    database.sql(f"BEGIN; {flood}; INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('beside.example.com', 'eu-west-1', '{pool}'); COMMIT")
    gateway.wait_status(401, "beside.example.com")
    wait_until(lambda: gateway.events("directory_read")[-1]["revocations"] == count, 20)
    reads = gateway.events("directory_read")
    assert len([read for read in reads if read["read"] == "everything"]) == whole
    # The other's row came with the first batch.
    grown = [read["revocations"] for read in reads if read["revocations"] > 0]
    assert grown[0] <= 10_000 and len(grown) >= count / 10_000
    assert tenant.get(tenant.token(claims=EARLIER["claims"] | {"jti": f"j-{count}"})).status == 401
    assert tenant.get(tenant.token(claims=EARLIER["claims"] | {"jti": "j-0"})).status == 200
    database.sql(f"SELECT poolgate.wait_until_live('{tenant.host}')")


def test_announcements_and_rows_of_any_size_cost_a_bounded_memory(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    huge = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    gateway.wait_status(200, tenant.host, token)
    before = gateway.rss_mib()
    database.sql("SELECT count(pg_notify('poolgate', repeat('x', 7900) || n)) FROM generate_series(1, 10000) n")
    database.sql(f"""
        ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
        DO $$ DECLARE c record; BEGIN
          FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'poolgate.tenants'::regclass AND contype = 'c' LOOP
            EXECUTE format('ALTER TABLE poolgate.tenants DROP CONSTRAINT %I', c.conname);
          END LOOP; END $$;
        UPDATE poolgate.tenants SET upstream = repeat('x', 104857600), changed = pg_current_xact_id() WHERE host = '{huge.host}';
        UPDATE poolgate.tenants SET client_ids = ARRAY[repeat('x', 104857600)], changed = pg_current_xact_id() WHERE host = '{huge.host}';
        ALTER TABLE poolgate.tenants ENABLE TRIGGER USER; NOTIFY poolgate""")
    answer = gateway.wait_status(503, huge.host, seconds=20)
    assert answer.error == "tenant_misconfigured"
    tenant.update("max_body_bytes = 7")
    database.sql(f"SELECT poolgate.wait_until_live('{tenant.host}')")
    assert tenant.get(token).status == 200
    assert "4194304" in database.sql(f"SELECT detail FROM poolgate.tenant_status WHERE host = '{huge.host}'")
    assert gateway.rss_mib() - before < 40


# What to do is said.

def test_a_forgotten_grant_says_what_to_grant(start, run, database, role):
    gateway = start(database_url=role(database), ready=False)
    assert "GRANT poolgate_gateway" in gateway.wait_event("database_lost")["advice"]
    done = run("check", "--table", environment={"POOLGATE_DATABASE_URL": role(database)})
    assert done.returncode == 1 and "FAIL" in done.stdout and "GRANT poolgate_gateway" in done.stdout
    database.sql(f"GRANT poolgate_gateway TO {role.name}")
    gateway.wait_event("ready", 30)


def test_a_user_that_is_made_read_only_hears_what_makes_it_so(run, database, role):
    url = role(database)
    database.sql(f"GRANT poolgate_gateway TO {role.name}; ALTER ROLE {role.name} SET default_transaction_read_only = on")
    done = run("check", "--table", environment={"POOLGATE_DATABASE_URL": url})
    assert done.returncode == 1 and "RESET default_transaction_read_only" in done.stdout
    database.sql(f"ALTER ROLE {role.name} RESET default_transaction_read_only")
    assert "FAIL" not in run("check", "--table", environment={"POOLGATE_DATABASE_URL": url}).stdout


def test_an_old_schema_says_migrate_and_a_user_that_may_not_hears_who_may(start, run, postgres, role):
    database = postgres.new_database()
    for name in ("0001_tenants", "0002_health", "0003_roles"):
        database.sql((TOP / "sql/migrations" / f"{name}.sql").read_text())
    gateway = start(database_url=database.url, ready=False)
    assert "poolgate migrate" in gateway.wait_event("schema_too_old")["advice"]
    database.sql(f"GRANT poolgate_gateway TO {role.name}")
    for url in (database.url, role(database)):
        done = run("check", "--table", environment={"POOLGATE_DATABASE_URL": url})
        assert done.returncode == 1 and "run 'poolgate migrate'" in done.stdout and "does not exist" not in done.stdout
        done = run("explain", "--table", "--host", "a.example.com", "--token", "-", stdin="x", environment={"POOLGATE_DATABASE_URL": url})
        assert done.returncode == 69 and "run 'poolgate migrate'" in done.stderr and "does not exist" not in done.stderr
    for url, says in ((role(database), "user postgres, who owns the schema"), (role(postgres.new_database()), "may CREATE")):
        done = run("migrate", environment={"POOLGATE_DATABASE_URL": url})
        assert done.returncode == 1 and says in done.stderr, done.stderr
    assert run("migrate", environment={"POOLGATE_DATABASE_URL": database.url}).returncode == 0
    gateway.wait_event("ready", 30)
