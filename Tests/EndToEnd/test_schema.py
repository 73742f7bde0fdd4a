"""The schema, as writers of every kind meet it: versions, encodings, sessions, transactions side by side."""

import itertools
import os
import pathlib
import selectors
import subprocess
import time

import pytest

from processes import TOP, Postgres, postgres_programs, wait_until

MIGRATIONS = sorted((TOP / "sql/migrations").glob("*.sql"))
NUMBERS = itertools.count(1)
VERSIONS = postgres_programs()


@pytest.fixture(scope="module", params=sorted(VERSIONS))
def server(request):
    server = Postgres(VERSIONS[request.param])
    yield server
    server.remove()


@pytest.fixture(scope="module")
def schema(postgres):
    """A database that plain psql migrated."""
    return migrate(postgres.new_database())


def migrate(database, **environment):
    for path in MIGRATIONS:
        done = psql(database, "-o", "/dev/null", "-f", str(path), **environment)
        assert done.returncode == 0 and not done.stderr, done.stderr
    return database


def psql(database, *arguments, text=None, **environment):
    return subprocess.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments, database.url], input=text, capture_output=True, text=True,
        env=os.environ | environment)


def make_database(server, encoding):
    name = f"{encoding.lower()}{next(NUMBERS)}"
    server.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0", "postgres")
    database = server.new_database()
    database.name = name
    return database


class Session:
    """A psql of its own, which keeps its transaction open between statements."""

    def __init__(self, database):
        self.process = subprocess.Popen(
            ["psql", "-XqAt", database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, text):
        """What is printed, errors included."""
        mark = f"end {next(NUMBERS)}"
        self.process.stdin.write(f"{text}\n\\echo {mark}\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == mark:
                return "".join(lines)
            lines.append(line)
        raise AssertionError("psql ended: " + "".join(lines))

    def must(self, text):
        printed = self.run(text)
        assert "ERROR" not in printed, f"{text}\n{printed}"
        return printed

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def sessions(schema):
    opened = [Session(schema), Session(schema)]
    yield opened
    for session in opened:
        session.close()


# Versions, encodings, settings.


def run_sql_tests(database):
    done = subprocess.run(
        ["bash", str(TOP / "sql/tests/run")], env=os.environ | {"DATABASE_URL": database.url}, capture_output=True, text=True)
    assert done.returncode == 0 and "FAILED" not in done.stdout, done.stdout + done.stderr


def test_the_sql_tests_hold_on_every_version_that_is_installed(server):
    run_sql_tests(server.new_database())


@pytest.mark.parametrize("encoding", ["LATIN1", "LATIN9", "SQL_ASCII", "EUC_JP"])
def test_the_sql_tests_hold_in_a_database_of_any_encoding(postgres, encoding):
    run_sql_tests(make_database(postgres, encoding))


def test_migration_files_hold_nothing_that_some_encoding_lacks():
    for path in MIGRATIONS:
        assert path.read_bytes().isascii(), path


@pytest.mark.parametrize("encoding", ["LATIN1", "LATIN9", "SQL_ASCII"])
def test_the_program_migrates_and_serves_a_database_of_any_encoding(postgres, run, start, stand_in, pool, encoding):
    database = make_database(postgres, encoding)
    done = run("migrate", "--database-url", database.url)
    assert done.returncode == 0, done.stdout + done.stderr
    database.sql(f"""SET client_encoding = 'UTF8';
        INSERT INTO poolgate.tenants (host, region, pool_id, required_groups) VALUES ('enc.example.com', 'eu-west-1', '{pool}', '{{Bücher}}')""")
    gateway = start(database_url=database.url)
    gateway.wait_status(403, "enc.example.com", stand_in.mint(pool))
    gateway.wait_status(200, "enc.example.com", stand_in.mint(pool, claims={"cognito:groups": ["Bücher"]}))


# Whatever a session has set before: written in words that mean the same under all of them.
HOSTILE = {
    "standard_conforming_strings": "off", "DateStyle": "German", "IntervalStyle": "sql_standard", "search_path": "evil,public",
    "bytea_output": "escape", "extra_float_digits": "-15", "TimeZone": "Asia/Kathmandu", "row_security": "off",
    "default_transaction_isolation": "serializable", "lc_messages": "C", "array_nulls": "off", "transform_null_equals": "on",
    "client_encoding": "LATIN1", "lc_time": "C", "check_function_bodies": "off", "plan_cache_mode": "force_generic_plan",
    "plpgsql.variable_conflict": "use_column", "default_tablespace": "", "escape_string_warning": "off",
    "backslash_quote": "on", "quote_all_identifiers": "on", "default_transaction_deferrable": "on", "bytea_output ": "hex",
}
SCRIPT = r"""
INSERT INTO poolgate.tenants (host, region, pool_id, max_token_age, expiry_grace, cors_origins, claim_headers)
    VALUES ('good.example.com', 'eu-west-1', 'eu-west-1_a', '36:00:00', '26:00:00', '{https://A.example:443}', '{"X-A": "/a/0"}');
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('*.good.example.com', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.*.example.com', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('1.2.3', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('x.example.com:80', 'eu-west-1', 'eu-west-1_a');
INSERT INTO poolgate.tenants (host, region, pool_id, upstream) VALUES ('u.example.com', 'eu-west-1', 'eu-west-1_a', 'http://[::1]:80 http://a.b');
INSERT INTO poolgate.tenants (host, region, pool_id, upstream) VALUES ('v.example.com', 'eu-west-1', 'eu-west-1_a', 'http://a/b');
INSERT INTO poolgate.tenants (host, region, pool_id, max_token_age) VALUES ('v.example.com', 'eu-west-1', 'eu-west-1_a', '1000:00:00');
INSERT INTO poolgate.tenants (host, region, pool_id, required_scopes) VALUES ('s.example.com', 'eu-west-1', 'eu-west-1_a', ARRAY['a b']);
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('good.example.com', '/a.b~c/%C3%BC');
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('good.example.com', '/a/../b');
INSERT INTO poolgate.rules (host, path_prefix) VALUES ('good.example.com', '/%2E');
INSERT INTO poolgate.rules (host, path_prefix, required_claims) VALUES ('good.example.com', '/c', '{"custom:level": 3}');
INSERT INTO poolgate.rules (host, path_prefix, required_claims) VALUES ('good.example.com', '/c', '{"n": 3, "/b/0": ["x"]}');
INSERT INTO poolgate.revocations (region, pool_id, subject, issued_before, expires_at) VALUES ('eu-west-1', 'eu-west-1_a',
    '8f14e45f-ceea-467f-9575-1d3f5a0e9a11', to_timestamp(4000000000.5), to_timestamp(4000000001.25));
INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_a', 'a b');
UPDATE poolgate.tenants SET host = 'better.example.com' WHERE host = 'good.example.com';
DELETE FROM poolgate.revocations;
"""
ASKED = """
SELECT host, after #- '{created_at}' #- '{updated_at}', before #- '{created_at}' #- '{updated_at}', table_name, operation
FROM poolgate.tenant_history ORDER BY id;
SELECT host, extract(epoch FROM max_token_age), cors_origins FROM poolgate.tenants ORDER BY host; SELECT * FROM poolgate.tenant_rules;
SELECT encode(digest, 'hex') FROM poolgate.lifted_revocations;
"""


def outcome(database, setting=None, value=None):
    """What the script prints in a session of this setting, and what it leaves."""
    before = f"SET {setting} = '{value}';\n" if setting else ""
    done = subprocess.run(["psql", "-XqAt", database.url], input=before + SCRIPT, capture_output=True, text=True)
    left = database.sql(ASKED)
    database.sql("DELETE FROM poolgate.rules; DELETE FROM poolgate.tenants; TRUNCATE poolgate.lifted_revocations, poolgate.tenant_history RESTART IDENTITY;"
                 "ALTER TABLE poolgate.rules ALTER id RESTART; ALTER TABLE poolgate.revocations ALTER id RESTART")
    lines = [line.split(": ", 1)[1] for line in done.stderr.splitlines() if line.startswith(("psql", "ERROR", "HINT", "NOTICE")) and ": " in line]
    return lines, left


def test_no_setting_of_a_writers_session_changes_what_is_refused_recorded_or_read(postgres):
    database = migrate(postgres.new_database())
    database.sql("CREATE SCHEMA evil; CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil'''")
    expected = outcome(database)
    assert len(expected[0]) >= 18 and expected[1].count("\n") >= 10
    for setting, value in HOSTILE.items():
        assert outcome(database, setting, value) == expected, setting


@pytest.mark.parametrize("setting,value", list(HOSTILE.items()))
def test_no_setting_of_the_session_that_migrates_changes_the_schema(postgres, schema, setting, value):
    if setting.startswith(("search_path", "bytea_output ")):
        pytest.skip("said by another case")
    database = migrate(postgres.new_database(), PGOPTIONS=f"-c {setting}={value}")
    assert fingerprint(database) == fingerprint(schema)


def fingerprint(database):
    return database.sql("""
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'poolgate'::regnamespace ORDER BY p.proname;
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'poolgate'::regnamespace ORDER BY 1, 2;
        SELECT pg_get_triggerdef(g.oid), g.tgenabled FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
        WHERE c.relnamespace = 'poolgate'::regnamespace AND NOT g.tgisinternal ORDER BY 1;
        SELECT viewname, definition FROM pg_views WHERE schemaname = 'poolgate' ORDER BY 1;
        SELECT name, checksum FROM poolgate.migrations ORDER BY 1""")


def test_a_database_of_the_version_before_keeps_its_rows_and_is_told_nothing_that_is_not_so(postgres, binaries, run):
    database = postgres.new_database()
    for path in MIGRATIONS[:5]:
        assert psql(database, "-f", str(path)).returncode == 0
    # As the files were recorded before they were put into characters that every encoding has.
    database.sql("""
        UPDATE poolgate.migrations SET checksum = '777b5e0de7efd1ef6c0fc2e7d7b1737e219c3d24bb1da771977e52c56cfcf564' WHERE version = 1;
        UPDATE poolgate.migrations SET checksum = '72dc3faee2cf5c428b74f7ae424982f73607558e8bc414d2bf4af3b88830d369' WHERE version = 5;
        INSERT INTO poolgate.tenants (host, region, pool_id, cors_origins)
            VALUES ('old.example.com', 'eu-west-1', 'eu-west-1_a', '{https://app.example.com:443}');
        INSERT INTO poolgate.rules (host, path_prefix) VALUES ('old.example.com', '/x');
        INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_a', 'j');
        INSERT INTO poolgate.lifted_revocations DEFAULT VALUES""")
    done = run("migrate", "--database-url", database.url)
    assert done.returncode == 0 and "other text" not in done.stdout + done.stderr, done.stdout + done.stderr
    migrate(database)
    assert database.sql("""SELECT cors_origins::text FROM poolgate.tenants UNION ALL SELECT path_prefix FROM poolgate.rules
        UNION ALL SELECT jti FROM poolgate.revocations""").split() == ["{https://app.example.com}", "/x", "j"]


def test_rows_of_version_9_keep_their_meaning_and_their_history_can_be_read(postgres, run):
    database = postgres.new_database()
    for path in MIGRATIONS[:9]:
        assert psql(database, "-f", str(path)).returncode == 0
    database.sql("""
        INSERT INTO poolgate.tenants (host, region, pool_id, websockets, websocket_grace)
        SELECT w || '.example.com', 'eu-west-1', 'eu-west-1_a', w, '90 s' FROM unnest('{expire,outlive,off}'::text[]) w""")
    before = database.sql("SELECT host, changed, updated_at FROM poolgate.tenants ORDER BY host")
    done = run("migrate", "--database-url", database.url)
    assert done.returncode == 0, done.stdout + done.stderr
    columns = "websockets, at_expiry, expiry_grace, assertion, assertion_audience"
    rows = database.sql(f"SELECT host, {columns} FROM poolgate.tenants ORDER BY host").splitlines()
    assert rows == ["expire.example.com|t|close|00:01:30|t|", "off.example.com|f|close||t|", "outlive.example.com|t|outlive||t|"]
    # Nothing was written, as far as stamps and history tell, and what was deleted can come back.
    assert database.sql("SELECT host, changed, updated_at FROM poolgate.tenants ORDER BY host") == before
    assert database.sql("SELECT count(*) FROM poolgate.tenant_history") == "3"
    assert database.sql("SELECT string_agg(tgenabled::text, '') FROM pg_trigger WHERE tgrelid = 'poolgate.tenants'::regclass AND tgenabled = 'D'") == ""
    database.sql("DELETE FROM poolgate.tenants")
    database.sql("""INSERT INTO poolgate.tenants SELECT (jsonb_populate_record(NULL::poolgate.tenants, poolgate.tenant_of_history(after))).*
        FROM poolgate.tenant_history WHERE operation = 'insert'""")
    assert database.sql(f"SELECT host, {columns} FROM poolgate.tenants ORDER BY host").splitlines() == rows


# Transactions side by side.


def statements(number, who):
    """What a writer may do, each with the row that it alone may hold; `shared` rows are the same for both writers."""
    own = f"{who}{number}"
    shared = f"shared{number}.example.com"
    return {
        "insert a tenant": f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('new-{own}.example.com', 'eu-west-1', 'eu-west-1_a')",
        "upsert a tenant": f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('up-{own}.example.com', 'eu-west-1', 'eu-west-1_a') "
                           "ON CONFLICT (host) DO UPDATE SET pool_id = excluded.pool_id",
        "update a tenant": f"UPDATE poolgate.tenants SET comment = '{who}' WHERE host = 'up-{own}.example.com'",
        "touch the shared tenant": f"UPDATE poolgate.tenants SET comment = '{who}' WHERE host = '{shared}'",
        "rename a tenant": f"UPDATE poolgate.tenants SET host = 'rn-{own}.example.com' WHERE host = 'up-{own}.example.com'",
        "replace a tenant": f"DELETE FROM poolgate.tenants WHERE host = 'up-{own}.example.com'; "
                            f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('up-{own}.example.com', 'eu-west-1', 'eu-west-1_b')",
        "delete a tenant": f"DELETE FROM poolgate.rules WHERE host = 'up-{own}.example.com'; DELETE FROM poolgate.tenants WHERE host = 'up-{own}.example.com'",
        "write a rule of the shared host": f"INSERT INTO poolgate.rules (host, path_prefix) VALUES ('{shared}', '/new-{own}')",
        "change a rule of the shared host": f"UPDATE poolgate.rules SET required_groups = '{{{who}}}' WHERE host = '{shared}' AND path_prefix = '/{who}'",
        "delete a rule of the shared host": f"DELETE FROM poolgate.rules WHERE host = '{shared}' AND path_prefix = '/{who}'",
        "revoke": f"INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_a', '{own}')",
        "change a revocation": f"UPDATE poolgate.revocations SET reason = '{who}' WHERE jti = '{own}'",
        "lift": f"DELETE FROM poolgate.revocations WHERE jti = '{own}'",
        "prune": "SELECT poolgate.prune_history('1 hour')",
        "wait": f"SELECT poolgate.wait_until_live('{shared}', '1 ms')",
    }


def prepare(number):
    """Rows for both writers, and work for every housekeeping that there is."""
    hosts = [f"up-{who}{number}.example.com" for who in "ab"] + [f"shared{number}.example.com"]
    values = ", ".join(f"('{host}', 'eu-west-1', 'eu-west-1_a')" for host in hosts)
    return f"""
        BEGIN;
        INSERT INTO poolgate.tenants (host, region, pool_id) VALUES {values};
        INSERT INTO poolgate.rules (host, path_prefix) SELECT host, '/' || p FROM unnest('{{{','.join(hosts)}}}'::text[]) host, unnest('{{a,b}}'::text[]) p;
        INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_a', 'a{number}'), ('eu-west-1', 'eu-west-1_a', 'b{number}');
        COMMIT;
        SET session_replication_role = replica;
        INSERT INTO poolgate.tenant_history (operation, host, recorded_at) SELECT 'update', 'x', now() - interval '2 days' FROM generate_series(1, 5);
        INSERT INTO poolgate.revocations (region, pool_id, jti, expires_at, digest)
            SELECT 'eu-west-1', 'eu-west-1_a', 'old' || n, now() - interval '1 hour', '' FROM generate_series(1, 5) n;
        INSERT INTO poolgate.lifted_revocations (id, lifted_at) SELECT n, now() - interval '2 days' FROM generate_series(1, 5) n;
        RESET session_replication_role;"""


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_nothing_that_an_open_transaction_wrote_makes_another_wait(schema, sessions, isolation):
    """Every pair of statements; what both touch is never the same row, but for the one pair where it must be."""
    one, other = sessions
    schema.sql("INSERT INTO poolgate.instances (instance, host_name, version, started_at, snapshot) "
               "VALUES ('i', 'h', '1', now(), '1:1:') ON CONFLICT DO NOTHING")
    kinds = list(statements(0, "a"))
    for first, second in itertools.product(kinds, kinds):
        if first == second == "touch the shared tenant" or "wait" == first:
            continue
        if isolation == "REPEATABLE READ" and (second == "wait" or first != "touch the shared tenant" and "shared" not in second):
            continue
        number = next(NUMBERS)
        one.must(prepare(number))
        one.must("BEGIN; " + statements(number, "a")[first] + ";")
        printed = other.run(
            f"SET lock_timeout = '5s'; BEGIN ISOLATION LEVEL {isolation}; {statements(number, 'b')[second]}; COMMIT;")
        assert "lock timeout" not in printed and (second == "wait" or "ERROR" not in printed), f"{first}, then {second}: {printed}"
        if second == "write a rule of the shared host":
            # Noticed by who reads what changed: the row's stamp, or an entry of the history that names the host.
            assert schema.sql(f"""SELECT count(*) FROM poolgate.rules r WHERE path_prefix = '/new-b{number}' AND (
                EXISTS (SELECT FROM poolgate.tenants t WHERE t.host = r.host AND t.changed >= r.changed) OR EXISTS (
                SELECT FROM poolgate.tenant_history h WHERE h.host = r.host AND h.changed = r.changed AND operation = 'truncate'))""") == "1"
        one.must("COMMIT;")


def test_rules_that_contradict_each_other_are_refused_at_the_second_commit(schema, sessions):
    one, other = sessions
    number = next(NUMBERS)
    one.must(prepare(number))
    write = f"BEGIN; INSERT INTO poolgate.rules (host, path_prefix) VALUES ('shared{number}.example.com', '/same');"
    one.must(write)
    other.must(write)
    one.must("COMMIT;")
    assert 'is for every other method of "/same" already' in other.run("COMMIT;")


def test_a_rule_of_a_host_that_another_transaction_deletes_is_refused_in_a_sentence(schema, sessions):
    one, other = sessions
    number = next(NUMBERS)
    schema.sql(f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('gone{number}.example.com', 'eu-west-1', 'eu-west-1_a')")
    other.must(f"BEGIN; INSERT INTO poolgate.rules (host, path_prefix) VALUES ('gone{number}.example.com', '/');")
    one.must(f"DELETE FROM poolgate.tenants WHERE host = 'gone{number}.example.com';")
    assert f'host "gone{number}.example.com" is not registered' in other.run("COMMIT;")


def test_a_publication_for_all_tables_stops_no_statement(postgres):
    database = migrate(postgres.new_database())
    database.sql("CREATE PUBLICATION p FOR ALL TABLES")
    number = next(NUMBERS)
    database.sql(prepare(number))
    for statement in statements(number, "a").values():
        if "wait_until_live" not in statement:
            database.sql(statement)
    database.sql("""
        INSERT INTO poolgate.instances (instance, host_name, version, started_at) VALUES ('i', 'h', '1', now());
        INSERT INTO poolgate.pool_health (instance, region, pool_id, state) VALUES ('i', 'eu-west-1', 'eu-west-1_a', 'ready');
        INSERT INTO poolgate.tenant_quarantine (instance, host, detail) VALUES ('i', 'h', 'd');
        UPDATE poolgate.pool_health SET keys = 1; UPDATE poolgate.tenant_quarantine SET detail = 'e'; DELETE FROM poolgate.instances;
        UPDATE poolgate.migrations SET applied_by = 'me'; DELETE FROM poolgate.lifted_revocations;
        DELETE FROM poolgate.rules; DELETE FROM poolgate.tenants; DELETE FROM poolgate.revocations""")


def test_what_a_subscription_writes_is_stamped_recorded_and_told():
    server = Postgres(wal_level="logical")
    try:
        publisher, subscriber = migrate(server.new_database()), migrate(server.new_database())
        tables = "poolgate.tenants, poolgate.rules, poolgate.revocations"
        publisher.sql(f"CREATE PUBLICATION p FOR TABLE {tables}")
        publisher.sql("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        subscriber.sql(f"CREATE SUBSCRIPTION s CONNECTION '{publisher.url}' PUBLICATION p WITH (create_slot = false, slot_name = 's')")
        wait_until(lambda: subscriber.sql("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel") == "t", 30, "the first copy")
        publisher.sql("""
            BEGIN; INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('far.example.com', 'eu-west-1', 'eu-west-1_a'),
                ('away.example.com', 'eu-west-1', 'eu-west-1_a');
            INSERT INTO poolgate.rules (host, path_prefix) VALUES ('far.example.com', '/admin');
            INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_a', 'j'); COMMIT;
            UPDATE poolgate.tenants SET comment = 'x' WHERE host = 'far.example.com';
            DELETE FROM poolgate.tenants WHERE host = 'away.example.com'; DELETE FROM poolgate.revocations""")
        wait_until(lambda: subscriber.sql("SELECT count(*) FROM poolgate.tenant_history WHERE operation = 'lift'") == "1", 20, "replication")
        assert subscriber.sql("""SELECT string_agg(concat_ws(' ', table_name, operation, host), ', ' ORDER BY id) FROM poolgate.tenant_history""") == (
            "tenants insert far.example.com, tenants insert away.example.com, rules insert far.example.com, revocations insert, "
            "tenants update far.example.com, tenants delete away.example.com, revocations lift")
        assert subscriber.sql("SELECT bool_and(xmin = changed::xid) FROM poolgate.tenants") == "t"
        assert subscriber.sql("SELECT count(*) FROM poolgate.lifted_revocations WHERE id IS NOT NULL") == "1"
        subscriber.sql("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s")
    finally:
        server.remove()


# What is hardly meant is said, and taken.


GATEWAY_WITH_KEY = """
    INSERT INTO poolgate.instances (instance, host_name, version, started_at) VALUES ('holder', 'h', '1', now());
    INSERT INTO poolgate.pool_health (instance, region, pool_id, state, key_ids) VALUES ('holder', 'eu-west-1', 'eu-west-1_a', 'ready', '{k}');
    """


@pytest.mark.parametrize("statement,notice", [
    ("INSERT INTO poolgate.revocations (region, pool_id) VALUES ('eu-west-1', 'eu-west-1_Nobody')", 'no tenant names the pool "eu-west-1_Nobody"'),
    ("INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_a', 'alice@example.com')", 'subject "alice@example.com" is not the UUID'),
    ("INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_a', '8F14E45F-CEEA-467F-9575-1D3F5A0E9A11')", "in lower case"),
    ("INSERT INTO poolgate.revocations (region, pool_id, client_id, expires_at) VALUES ('eu-west-1', 'eu-west-1_a', 'c', now() - interval '1 day')", "has passed: the entry revokes nothing"),
    ("INSERT INTO poolgate.revocations (region, pool_id, client_id, issued_before) VALUES ('eu-west-1', 'eu-west-1_a', 'c', now() + interval '1 day')", "lies ahead"),
    ("INSERT INTO poolgate.revocations (region, pool_id, client_id, issued_before) VALUES ('eu-west-1', 'eu-west-1_a', 'c', to_timestamp(0))", "more than a day ago"),
    ("UPDATE poolgate.tenants SET max_token_age = '8' WHERE host = 'n.example.com'", "less than a minute: a number without a unit means seconds"),
    ("UPDATE poolgate.tenants SET claim_headers = '{\"X-C\": \"address/country\"}' WHERE host = 'n.example.com'", "whose name contains a slash"),
    ("INSERT INTO poolgate.rules (host, path_prefix, required_claims) VALUES ('n.example.com', '/n', '{\"address/country\": \"DE\"}')", "whose name contains a slash"),
    ("INSERT INTO poolgate.rules (host, path_prefix, every_group) VALUES ('n.example.com', '/g', '{\"admins,staff\"}')", "a single group with a comma"),
    ("UPDATE poolgate.tenants SET upstream = 'http://n.example.com:8080' WHERE host = 'n.example.com'", "leads back to the host itself"),
    ("INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('w.example.com', 'eu-wast-1', 'eu-wast-1_a')", "no region that AWS is known to have"),
    ("INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_a', 'eyJhbGciOiJub25lIn0.e30.')", "jti or origin_jti is not the UUID"),
    ("INSERT INTO poolgate.revocations (region, pool_id, origin_jti) VALUES ('eu-west-1', 'eu-west-1_a', 'alice')", "jti or origin_jti is not the UUID"),
    ("INSERT INTO poolgate.revocations (region, pool_id, subject) VALUES ('eu-west-1', 'eu-west-1_a', '8f14e45f-ceea-467f-9575-1d3f5a0e9a11')", None),
    ("INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', 'eu-west-1_a', '8f14e45f-ceea-467f-9575-1d3f5a0e9a11')", None),
    ("UPDATE poolgate.tenants SET max_token_age = '8 hours', upstream = 'https://api.internal' WHERE host = 'n.example.com'", None),
    ("UPDATE poolgate.tenants SET host = host", None),
    ("INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_NobodyHasIt', 'k')", "no tenant has pool"),
    (GATEWAY_WITH_KEY + "INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'other')", "no gateway has a key"),
    (GATEWAY_WITH_KEY + "INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', 'eu-west-1_a', 'k')", None),
])
def test_what_is_hardly_meant_is_told_in_a_notice_with_a_hint(schema, statement, notice):
    printed = psql(schema, text=f"""BEGIN; INSERT INTO poolgate.tenants (host, region, pool_id, max_token_age)
        VALUES ('n.example.com', 'eu-west-1', 'eu-west-1_a', NULL); {statement}; ROLLBACK;""").stderr
    if notice is None:
        assert printed == ""
    else:
        assert "NOTICE" in printed and notice in printed and "HINT" in printed and printed.count("NOTICE") == 1


def test_waiting_for_a_row_without_a_stamp_ends_when_everything_was_read_and_not_before(start, database, stand_in, pool):
    database.add("first.example.com", pool)
    gateway = start(database_url=database.url)
    gateway.wait_status(401, "first.example.com")
    assert database.sql("SELECT poolgate.wait_until_live('first.example.com', '10 s')") == "1"
    # As a data-only restore writes it: with the triggers disabled, and the stamp of another cluster.
    database.sql(f"""ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
        INSERT INTO poolgate.tenants (host, region, pool_id, changed) VALUES ('restored.example.com', 'eu-west-1', '{pool}', '3');
        ALTER TABLE poolgate.tenants ENABLE TRIGGER USER""")
    database.sql("SELECT poolgate.enable_triggers()")
    asked = time.monotonic()
    while gateway.get("restored.example.com").status == 421:
        done = database.sql("SELECT poolgate.wait_until_live('restored.example.com', '1 ms')", check=False)
        if done.returncode == 0:
            assert gateway.get("restored.example.com").status == 401, "it was said to be live before it was"
        assert time.monotonic() - asked < 60
    assert database.sql("SELECT poolgate.wait_until_live('restored.example.com', '20 s')") == "1"


def test_every_table_and_column_stands_in_the_document(schema):
    document = (TOP / "sql/README.md").read_text()
    names = schema.sql(
        "SELECT DISTINCT unnest(ARRAY[table_name, column_name]) FROM information_schema.columns WHERE table_schema = 'poolgate'"
        " AND table_name NOT IN ('lifted_revocations', 'revocation_entries', 'tenant_rules', 'migrations')").split()
    assert len(names) > 60
    assert [name for name in names if f"`{name}`" not in document] == []
