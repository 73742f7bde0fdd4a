"""`poolgate tenants`, `rules` and `revoke`, against a real database and a running gateway."""

import json
import os
import pty
import pwd
import re
import subprocess
import threading

import pytest

from gateway import Gateway
from processes import wait_until


@pytest.fixture(scope="module")
def place(binaries, migrated, stand_in, shared_upstream):
    """A database with a gateway, and its admin's command line."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template)
    gateway.database = database
    yield gateway
    gateway.remove()


@pytest.fixture
def poolgate(place, run):
    """Runs a command as the admin; what it prints as JSON, unless the exit status is another."""
    def begin(*words, status=0, **options):
        done = run(*words, environment={"POOLGATE_DATABASE_URL": place.database.url}, **options)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout) if status == 0 and "--table" not in words else done
    return begin


@pytest.fixture
def host(pool):
    return f"{pool.split('_')[1].lower()}.example.com"


def column(change, name):
    return change["columns"][name]["before"], change["columns"][name]["after"]


def test_a_tenant_is_added_served_changed_suspended_resumed_and_removed(place, poolgate, host, pool, stand_in):
    added = poolgate("tenants", "add", host, pool, "token_uses=access", "--wait")
    assert added["live_on"] == 1 and added["dry_run"] is False
    assert added["changes"][0]["operation"] == "insert" and added["changes"][0]["key"] == host
    token = stand_in.mint(pool)
    assert place.get(host, token).status == 200

    poolgate("rules", "add", host, "/public", "access=public", "--wait")
    assert place.get(host, path="/public/x").status == 200
    changed = poolgate("tenants", "set", host, "required_groups=a,b", "comment=x=y", "--wait")["changes"][0]
    assert column(changed, "required_groups") == (None, ["a", "b"]) and column(changed, "comment") == (None, "x=y")
    assert place.get(host, token).status == 403
    assert poolgate("tenants", "set", host, "required_groups=null", "comment=", "--wait")["changes"][0]["operation"] == "update"

    assert column(poolgate("tenants", "suspend", host, "--wait")["changes"][0], "status") == ("active", "suspended")
    assert place.get(host, token).status == 403
    assert poolgate("tenants", "suspend", host)["changes"][0]["operation"] == "none"
    poolgate("tenants", "resume", host, "--wait", "5s")
    assert place.get(host, token).status == 200

    removed = poolgate("tenants", "remove", host, "--wait")["changes"]
    assert [(change["table"], change["operation"]) for change in removed] == [("rules", "delete"), ("tenants", "delete")]
    assert place.get(host, token).status == 421


def test_show_says_how_the_tenant_is_doing_and_finds_it_by_a_wildcard(place, poolgate, host, pool):
    poolgate("tenants", "add", f"*.{host}", pool, "--wait")
    place.wait_status(401, f"a.b.{host}")
    shown = poolgate("tenants", "show", f"A.b.{host}")
    assert shown["host"] == f"*.{host}" and shown["pool_id"] == pool and shown["token_uses"] == ["access", "id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", shown["created_at"])
    assert len(shown["gateways"]) == 1 and shown["gateways"][0]["state"] in ("ready", "waiting")
    assert f"a.b.{host} is served by *.{host}" in poolgate("tenants", "show", f"a.b.{host}", "--table").stdout
    assert "there is no tenant" in poolgate("tenants", "show", host, status=1).stderr


def test_tables_are_for_people_and_json_for_the_rest(place, poolgate, run, host, pool):
    poolgate("tenants", "add", host, pool, "comment=first")
    environment = {"POOLGATE_DATABASE_URL": place.database.url}
    done = run("tenants", "list", host, "--table", environment=environment)
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["HOST", "POOL", "STATUS", "UPSTREAM", "CHANGED", "COMMENT"]
    assert line.split()[:3] == [host, pool, "active"] and "ago" in line or "now" in line
    assert [row["host"] for row in poolgate("tenants", "list", host)] == [host]
    assert [row["host"] for row in poolgate("tenants", "list", "--pool", f"https://cognito-idp.eu-west-1.amazonaws.com/{pool}")] == [host]
    assert poolgate("tenants", "list", host, "--status", "suspended") == []
    done = run("tenants", "show", host, "--table", environment=environment)
    assert re.search(r"^created_at +\S+Z \((now|\d+ s ago)\)$", done.stdout, re.MULTILINE), done.stdout


def test_what_others_wrote_cannot_drive_the_terminal(place, poolgate, binaries, host, pool):
    """A pseudo-terminal in place of a person's."""
    place.database.add(host, pool, comment="\x1b]0;owned\x07\x1b[31mred\u009b2J\u202egnp\r\nsecond")
    seen = {}
    for words in ("tenants", "show", host), ("tenants", "show", host, "--json"), ("tenants", "list", host), ("export", host):
        child, terminal = pty.fork()
        if child == 0:
            os.environ["POOLGATE_DATABASE_URL"] = place.database.url
            os.execv(str(binaries / "poolgate"), ["poolgate", *words])
        output = b""
        try:
            while piece := os.read(terminal, 65536):
                output += piece
        except OSError:
            pass
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, output
        text = output.decode()
        bad = [character for character in text if ord(character) < 32 and character not in "\r\n" or 127 <= ord(character) < 160
               or character == "\u202e"]
        assert not bad, (words, text)
        seen[words] = text
    assert r"\u{1B}]0;owned\u{7}" in seen["tenants", "show", host].replace("\r\n", "")
    assert r"\u001b]0;owned\u0007" in seen["tenants", "show", host, "--json"]


def test_the_database_judges_and_its_sentence_and_hint_are_shown(place, poolgate, host, pool):
    done = poolgate("tenants", "add", host.upper(), pool, status=1)
    assert re.search(r"^poolgate: host .*\nHINT: Write ", done.stderr), done.stderr
    assert place.database.sql(f"SELECT count(*) FROM poolgate.tenants WHERE pool_id = '{pool}'") == "0"
    poolgate("tenants", "add", host, pool)
    assert "already" in poolgate("tenants", "add", host, pool, status=1).stderr
    done = poolgate("tenants", "set", host, "max_body_bytes=many", status=1)
    assert "bigint" in done.stderr and '"many"' in done.stderr
    # What it only doubts is told as well.
    done = poolgate("tenants", "set", host, 'required_groups={"ops,night"}', "--table")
    assert "NOTICE" in done.stderr and "HINT: " in done.stderr and "ops,night" in done.stdout


def test_a_trial_leaves_nothing_and_is_judged_as_at_commit(place, poolgate, host, pool):
    def state():
        return place.database.sql("""
            SELECT (SELECT count(*) FROM poolgate.tenants), (SELECT count(*) FROM poolgate.rules),
                (SELECT count(*) FROM poolgate.revocations), (SELECT max(id) FROM poolgate.tenant_history)""")
    poolgate("tenants", "add", host, pool)
    poolgate("rules", "add", host, "/a")
    before = state()
    assert poolgate("tenants", "add", f"x.{host}", pool, "--dry-run")["dry_run"] is True
    assert column(poolgate("tenants", "set", host, "comment=x", "--dry-run")["changes"][0], "comment") == (None, "x")
    assert len(poolgate("tenants", "remove", host, "--dry-run")["changes"]) == 2
    assert poolgate("rules", "add", host, "/b", "--dry-run", "--wait")["live_on"] is None
    assert poolgate("revoke", "--pool", pool, "--whole-pool", "--dry-run")["changes"][0]["operation"] == "insert"
    assert "is for" in poolgate("rules", "add", host, "/a", "--dry-run", status=1).stderr
    assert state() == before


def test_several_hosts_are_written_together_or_not_at_all(place, poolgate, host, pool):
    poolgate("tenants", "add", host, pool)
    done = poolgate("tenants", "suspend", host, f"no.{host}", status=1)
    assert f"there is no tenant no.{host}" in done.stderr
    done = poolgate("tenants", "remove", host, f"no.{host}", status=1)
    assert place.database.sql(f"SELECT status FROM poolgate.tenants WHERE host = '{host}'") == "active"


def test_the_history_knows_who_was_behind_it(place, poolgate, host, pool):
    poolgate("tenants", "add", host, pool, "--actor", "joe@example.com")
    poolgate("tenants", "set", host, "comment=x")
    assert place.database.sql(f"""
        SELECT actor, application_name FROM poolgate.tenant_history WHERE host = '{host}' ORDER BY id""").splitlines() == [
            "joe@example.com|poolgate", f"{pwd.getpwuid(os.getuid()).pw_name}|poolgate"]


def test_a_change_that_somebody_else_makes_meanwhile_is_not_lost(place, poolgate, host, pool, run):
    poolgate("tenants", "add", host, pool)
    # Somebody else has changed the row and not committed yet: the command waits, and finds what they wrote.
    other = subprocess.Popen(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", place.database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    other.stdin.write(f"BEGIN; UPDATE poolgate.tenants SET comment = 'theirs', upstream = 'http://a:1' WHERE host = '{host}'; SELECT 1;\n")
    other.stdin.flush()
    assert other.stdout.readline() == "1\n"
    found = []
    thread = threading.Thread(target=lambda: found.append(poolgate("tenants", "set", host, "upstream=http://b:2")))
    thread.start()
    wait_until(lambda: place.database.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") == "1", 10, "the lock")
    other.communicate("COMMIT;\n", timeout=10)
    thread.join(20)
    assert column(found[0]["changes"][0], "upstream") == ("http://a:1", "http://b:2")
    assert place.database.sql(f"SELECT comment, upstream FROM poolgate.tenants WHERE host = '{host}'") == "theirs|http://b:2"


def test_rules_are_listed_as_they_match_and_tried_as_gateways_do(place, poolgate, host, pool):
    poolgate("tenants", "add", host, pool)
    ids = {}
    for path, *words in ("/shop", "access=optional"), ("/shop/admin", "required_groups=a,b", 'required_claims={"custom:plan": "pro"}'), \
            ("/", ), ("/shop", "methods=GET", "access=public"):
        ids[path, "methods=GET" in words] = poolgate("rules", "add", host, path, *words)["changes"][0]["key"]
    listed = [str(rule["id"]) for rule in poolgate("rules", "list", host)]
    assert listed == [ids["/shop/admin", False], ids["/shop", True], ids["/shop", False], ids["/", False]]
    assert "any group of a, b; claims" in poolgate("rules", "list", host, "--table").stdout
    assert str(poolgate("rules", "test", host, "HEAD", "/shop?x")["rule"]["id"]) == ids["/shop", True]
    assert str(poolgate("rules", "test", host, "POST", "/sh%6Fp/x")["rule"]["id"]) == ids["/shop", False]
    assert "400 " in poolgate("rules", "test", host, "GET", "/a//b", "--table", status=1).stdout
    shop = ids["/shop", False]
    assert column(poolgate("rules", "set", shop, "shadow=true", "--wait")["changes"][0], "shadow") == (False, True)
    tried = poolgate("rules", "test", host, "POST", "/shop")
    assert tried["shadow"] == int(shop) and str(tried["rule"]["id"]) == ids["/", False]
    assert poolgate("rules", "show", shop)["shadow"] is True
    assert poolgate("rules", "remove", shop, "--wait")["changes"][0]["operation"] == "delete"
    assert f"there is no rule {shop}" in poolgate("rules", "remove", shop, status=1).stderr
    assert "is no rule's id" in poolgate("rules", "show", "x", status=64).stderr


def test_tokens_are_revoked_and_the_revocation_lifted(place, poolgate, host, pool, stand_in):
    poolgate("tenants", "add", host, pool, "--wait")
    tokens = {"subject": stand_in.mint(pool, sub="someone"), "other": stand_in.mint(pool, sub="other")}
    for token in tokens.values():
        place.wait_status(200, host, token)
    done = poolgate("revoke", "--host", host, "--subject", "someone", "--reason", "left", "--expires", "30d", "--wait")
    assert done["live_on"] == 1
    assert place.get(host, tokens["subject"]).status == 401 and place.get(host, tokens["other"]).status == 200
    entry = done["changes"][0]
    assert column(entry, "reason") == (None, "left") and column(entry, "pool_id") == (None, pool)
    listed = poolgate("revoke", "--list", "--pool", pool)
    assert [str(row["id"]) for row in listed] == [entry["key"]]
    table = poolgate("revoke", "--list", "--host", host, "--table").stdout
    assert "every token of user someone" in table and re.search(r"Z \(in (29|30) days\)", table)
    assert poolgate("revoke", "--lift", entry["key"], "--wait")["changes"][0]["operation"] == "delete"
    assert place.get(host, tokens["subject"]).status == 200
    assert f"there is no revocation {entry['key']}" in poolgate("revoke", "--lift", entry["key"], status=1).stderr
    done = poolgate("revoke", "--pool", pool, "--whole-pool", "--wait", "--table")
    assert "EVERY token of the pool" in done.stdout and "poolgate revoke --lift" in done.stdout
    assert place.get(host, tokens["other"]).status == 401


def test_a_token_is_revoked_by_its_ids_and_never_shown(place, poolgate, host, pool, stand_in):
    poolgate("tenants", "add", host, pool, "--wait")
    token = stand_in.mint(pool)
    place.wait_status(200, host, token)
    done = poolgate("revoke", "--token", "-", "--table", "--wait", stdin=f"Bearer {token}\n")
    assert place.get(host, token).status == 401
    assert not any(part in done.stdout + done.stderr for part in token.split("."))
    for words, stdin in ((token,), ""), (("-",), "eyJhbGciOiJub25lIn0.e30."), (("-",), ""):
        done = poolgate("revoke", "--token", *words, stdin=stdin, status=64)
        assert "eyJ" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [
    ("revoke",), ("revoke", "--subject", "x"), ("revoke", "--pool", "nonsense", "--subject", "x"),
    ("revoke", "--pool", "eu-west-1_Abc"), ("revoke", "--pool", "eu-west-1_Abc", "--subject", "a", "--jti", "b"),
    ("revoke", "--list", "--lift", "3"), ("revoke", "--lift", "x"), ("revoke", "word", "--list"),
    ("tenants", "add", "a.example.com"), ("tenants", "add", "a.example.com", "nonsense"), ("tenants", "set", "a.example.com"),
    ("tenants", "set", "a.example.com", "upstraem=x"), ("tenants", "show"), ("tenants", "list", "a", "b"),
    ("tenants", "suspend", "a", "--waits"), ("rules", "test", "a", "GET"),
    ("import",), ("import", "/nowhere/tenants.csv"), ("tenants", "list", "--json", "--table"),
])
def test_a_wrong_use_is_told_and_ends_with_64(poolgate, words):
    done = poolgate(*words, status=64)
    assert done.stderr.startswith("poolgate: ") or "Error" in done.stderr, done.stderr
    assert done.stdout == ""


def test_a_database_that_cannot_be_reached_ends_with_69_and_one_that_may_not_be_written_with_1(place, run, host, pool):
    done = run("tenants", "list", environment={"POOLGATE_DATABASE_URL": "postgres://x@127.0.0.1:1/none"})
    assert done.returncode == 69 and "cannot be reached" in done.stderr
    place.database.sql("""
        DO $$ BEGIN CREATE ROLE reader_only LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT poolgate_gateway TO reader_only""")
    url = place.database.url.replace("postgres@", "reader_only@")
    done = run("tenants", "add", host, pool, environment={"POOLGATE_DATABASE_URL": url})
    assert done.returncode == 1 and "permission denied" in done.stderr and "GRANT poolgate_admin" in done.stderr


def test_every_column_of_the_schema_is_known_to_the_commands(place, poolgate, host, pool):
    """What a command shows and takes is what the tables have, with their defaults."""
    hidden = {"changed", "digest"}
    poolgate("tenants", "add", host, pool)
    rule = poolgate("rules", "add", host, "/")["changes"][0]["key"]
    poolgate("revoke", "--pool", pool, "--client", "x")
    rows = {
        "tenants": poolgate("tenants", "list", host)[0], "rules": poolgate("rules", "show", rule),
        "revocations": poolgate("revoke", "--list", "--pool", pool)[0]}
    for table, row in rows.items():
        columns = set(place.database.sql(
            f"SELECT attname FROM pg_attribute WHERE attrelid = 'poolgate.{table}'::regclass AND attnum > 0 AND NOT attisdropped").split())
        assert set(row) == columns - hidden, table
    # COLUMN= is the default of the column.
    defaults = dict(line.split("|", 1) for line in place.database.sql("""
        SELECT a.attname, coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL') FROM pg_attribute a
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = 'poolgate.tenants'::regclass AND a.attnum > 0 AND NOT a.attisdropped""").splitlines())
    optional = [name for name in defaults if name not in {"host", "region", "pool_id", "created_at", "updated_at"} | hidden]
    poolgate("tenants", "set", host, *(f"{name}=" for name in optional))
    for name in optional:
        assert place.database.sql(
            f"SELECT {name} IS NOT DISTINCT FROM {defaults[name]} FROM poolgate.tenants WHERE host = '{host}'") == "t", name
