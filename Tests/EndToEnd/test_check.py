"""`poolgate check`, each of its findings provoked for real."""

import contextlib
import email.utils
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.request

import pytest

import certificates
from certificates import DAY, Authority
from screen import Screen


@pytest.fixture
def check(run, database, stand_in, tmp_path):
    """Runs the check on the database, and gives its exit status and findings."""
    def begin(*arguments, status=None, url=database.url, template=stand_in.template, **environment):
        variables = {
            "POOLGATE_DATABASE_URL": url, "POOLGATE_JWKS_URL_TEMPLATE": template,
            "POOLGATE_STATE_DIR": str(tmp_path / "state"),
        } | {f"POOLGATE_{name.upper()}": str(value) for name, value in environment.items()}
        done = run("check", "--json", *arguments, environment=variables)
        document = json.loads(done.stdout)
        if status is not None:
            assert done.returncode == status, done.stdout + done.stderr
        levels = [finding["level"] for finding in document["findings"]]
        assert document["failures"] == levels.count("fail") and document["warnings"] == levels.count("warn")
        assert document["ok"] == ("fail" not in levels)
        return document["findings"]
    return begin


def only(findings, subject, level):
    """The one finding about something, as it is shown on one line."""
    found = [finding for finding in findings if finding["subject"] == subject]
    assert [finding["level"] for finding in found] == [level], (subject, found or findings)
    return found[0]["finding"] + "; " + found[0].get("advice", "")


def trouble(findings):
    return [finding for finding in findings if finding["level"] != "ok"]


# Upstreams

def test_upstreams_are_tried_each_origin_once(check, database, pool, upstream, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = f"http://127.0.0.1:{gone.getsockname()[1]}"
    for number in range(3):
        database.add(f"a{number}.example.com", pool, upstream=upstream.url)
    database.add("b.example.com", pool, upstream=dead)
    database.add("c.example.com", pool, upstream="http://nowhere.invalid:80")
    database.add("d.example.com", pool)
    findings = check(status=1)
    assert "of a0.example.com, a1.example.com, a2.example.com" in only(findings, f"upstream {upstream.url}", "ok")
    assert re.search("refuses connections.*of b.example.com; start the service", only(findings, f"upstream {dead}", "fail"))
    assert "has no address" in only(findings, "upstream http://nowhere.invalid:80", "fail")
    lost = [finding for finding in findings if finding["subject"] == "tenants" and finding["level"] == "warn"]
    assert "d.example.com" in lost[0]["finding"] and "b.example.com" not in lost[0]["finding"]
    # The row of its own is gone; the default serves what names none.
    database.sql("DELETE FROM poolgate.tenants WHERE host IN ('b.example.com', 'c.example.com')")
    findings = check(status=0, upstream=upstream.url)
    assert trouble(findings) == []
    findings = check(status=1, upstream=upstream.url, upstream_networks="10.0.0.0/8")
    assert "127.0.0.1 lies in none of upstream-networks" in only(findings, f"upstream {upstream.url}", "fail")
    findings = check(status=0, upstream=upstream.url, upstream_networks="127.0.0.0/8")
    assert trouble(findings) == []


def test_an_upstream_is_verified_by_the_authority_that_its_row_names(check, database, pool, tmp_path):
    cas = tmp_path / "cas"
    cas.mkdir()
    good, other = Authority(cas, "good"), Authority(cas, "other")
    good.issue(tmp_path, "server", "127.0.0.1")
    context = certificates.server(tmp_path, "server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
        threading.Thread(target=serve, daemon=True).start()
        origin = f"https://127.0.0.1:{listener.getsockname()[1]}"
        for name in "good", "other", "missing":
            database.add(f"{name}.example.com", pool, upstream=origin, upstream_ca=name)
        findings = check(status=1, upstream_cas=cas)
        listener.shutdown(socket.SHUT_RDWR)
    only(findings, f"upstream {origin} (good.pem)", "ok")
    assert "not one that other.pem vouches for" in only(findings, f"upstream {origin} (other.pem)", "fail")
    assert "no file missing.pem in upstream-cas" in only(findings, f"upstream {origin} (missing.pem)", "fail")


# Ports

@contextlib.contextmanager
def comings_and_goings():
    """Processes, and sockets that listen, come and go all the time."""
    over = threading.Event()

    def processes():
        while not over.is_set():
            for process in [subprocess.Popen(["true"]) for _ in range(10)]:
                process.wait()

    def listeners():
        while not over.is_set():
            for listener in [socket.create_server(("127.0.0.1", 0)) for _ in range(100)]:
                listener.close()
    threads = [threading.Thread(target=work) for work in (processes, listeners)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_who_holds_a_port_is_found_among_processes_and_sockets_that_come_and_go(check):
    with socket.create_server(("127.0.0.1", 0)) as other, comings_and_goings():
        address = f"127.0.0.1:{other.getsockname()[1]}"
        for _ in range(3):
            told = only(check("--listen", address, status=1), "listener --listen", "fail")
            assert f"{address} is taken, by " in told and f"(pid {os.getpid()})" in told


def test_a_port_that_is_taken_says_by_whom_and_a_gateway_is_no_mistake(check, start, database, upstream):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        findings = check("--listen", address, status=1, upstream=upstream.url)
        told = only(findings, "listener --listen", "fail")
        assert f"{address} is taken" in told
        assert f"{address} is taken, by " in told and f"(pid {os.getpid()})" in told
        only(findings, "listener --admin-listen", "ok")
    findings = check("--listen", "192.0.2.1:80", status=1)
    assert "no address 192.0.2.1" in only(findings, "listener --listen", "fail")
    gateway = start(database_url=database.url)
    places = ["--listen", f"127.0.0.1:{gateway.port}", "--admin-listen", f"127.0.0.1:{gateway.admin_port}"]
    findings = check(*places, status=0, upstream=upstream.url)
    for flag in "--listen", "--admin-listen":
        assert "a gateway already listens at" in only(findings, f"listener {flag}", "warn")
    findings = check(*places, "--running", status=0, upstream=upstream.url)
    assert trouble(findings) == []
    gateway.stop()
    findings = check(*places, "--running", status=0, upstream=upstream.url)
    assert "nothing listens at" in only(findings, "listener --listen", "warn")


# Files

def test_the_state_directory_is_this_users_and_closed(check, tmp_path):
    state = tmp_path / "state"
    assert "can be made" in only(check(status=0), "state directory", "ok")
    assert not state.exists()
    for mode, level, says in (0o700, "ok", "can be written"), (0o755, "warn", "others may read"), (0o777, "fail", "others may write"):
        state.mkdir(exist_ok=True)
        state.chmod(mode)
        told = only(check(status=1 if level == "fail" else 0), "state directory", level)
        assert says in told and (level == "ok" or f"chmod 0700 {state}" in told), told
    state.rmdir()
    state.write_text("")
    assert "is no folder" in only(check(status=1), "state directory", "fail")
    if os.geteuid() == 0:
        state.unlink()
        state.mkdir(mode=0o700)
        os.chown(state, 65534, 65534)
        assert "belongs to nobody" in only(check(status=0), "state directory", "warn")


def test_certificates_that_expire_are_broken_or_do_not_cover_are_told(check, database, pool, upstream, tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority = Authority(tmp_path)
    authority.issue(folder, "long", "a.example.com", lifetime=90 * DAY)
    authority.issue(folder, "month", "b.example.com", lifetime=20 * DAY)
    authority.issue(folder, "week", "c.example.com", lifetime=6.5 * DAY)
    authority.issue(folder, "old", "d.example.com", lifetime=-1 * DAY)
    authority.issue(folder, "later", "e.example.com", lifetime=90 * DAY, since=DAY)
    authority.issue(folder, "broken", "f.example.com", lifetime=90 * DAY)
    (folder / "broken.key").write_text("nonsense")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
         "-subj", "/CN=x", "-addext", "subjectAltName=DNS:*.wild.example", "-keyout", folder / "openssl.key",
         "-out", folder / "openssl.crt"], check=True, capture_output=True)
    for host in "a.example.com", "x.wild.example", "bare.example.com", "*.wild.example", "*.bare.example":
        database.add(host, pool)
    arguments = {"upstream": upstream.url, "tls_listen": "127.0.0.1:0", "tls_certificates": folder}
    findings = check(status=1, **arguments)
    assert "for a.example.com, until" in only(findings, "certificate long", "ok")
    assert re.search(r"expires at \S+Z \(in \d+ days\); see that it is renewed", only(findings, "certificate month", "warn"))
    assert "(in 6 days); renew it now" in only(findings, "certificate week", "warn")
    assert "renew it now" in only(findings, "certificate openssl", "warn")
    assert "expired at" in only(findings, "certificate old", "fail") and "ago" in only(findings, "certificate old", "fail")
    assert "not valid before" in only(findings, "certificate later", "fail")
    only(findings, "certificate broken", "fail")
    bare = only(findings, "certificates", "warn")
    assert "no certificate covers *.bare.example, bare.example.com;" in bare, bare
    for name in "month", "week", "old", "later", "broken", "openssl":
        for end in "crt", "key":
            (folder / f"{name}.{end}").unlink()
    database.sql("DELETE FROM poolgate.tenants WHERE host <> 'a.example.com'")
    assert trouble(check(status=0, **arguments)) == []


# The database

def test_a_grant_that_lacks_is_named_and_as_told_it_suffices(check, database, pool, role, upstream):
    url, name = role(database), role.name
    findings = check(status=1, url=url)
    assert f"GRANT poolgate_gateway TO {name}" in only(findings, "grants", "fail")
    database.sql(f"GRANT poolgate_gateway TO {name}")
    findings = check(status=0, url=url, upstream=upstream.url)
    assert trouble(findings) == [] and name in only(findings, "grants", "ok")
    database.sql("REVOKE SELECT ON poolgate.tenants FROM poolgate_gateway; REVOKE INSERT, UPDATE ON poolgate.pool_health FROM poolgate_gateway")
    told = [finding for finding in check(status=1, url=url) if finding["subject"] == "grants"]
    assert [finding["finding"] for finding in told] == [
        f"{name} lacks SELECT on poolgate.tenants", f"{name} lacks INSERT, UPDATE on poolgate.pool_health"]
    for finding in told:
        database.sql(re.search(r"(GRANT .* TO \S+?),? or ", finding["advice"])[1].rstrip(","))
    assert trouble(check(status=0, url=url, upstream=upstream.url)) == []


def test_triggers_that_are_off_and_rows_that_are_hidden_are_told(check, database, role, upstream):
    database.sql(f"GRANT poolgate_gateway TO {role.name}")
    url = role(database)
    assert "all are on" in only(check(status=0, upstream=upstream.url), "triggers", "ok")
    database.sql("ALTER TABLE poolgate.tenants DISABLE TRIGGER check_tenant")
    for user in url, database.url:
        told = only(check(status=0, url=user, upstream=upstream.url), "triggers", "warn")
        assert "check_tenant of poolgate.tenants" in told
    database.sql(re.search("SELECT .*", told)[0])
    assert "all are on" in only(check(status=0, upstream=upstream.url), "triggers", "ok")
    setting = f"ALTER ROLE {role.name} IN DATABASE {database.name}"
    database.sql(f"{setting} SET session_replication_role = replica")
    assert "session_replication_role is replica" in only(check(status=0, url=url, upstream=upstream.url), "triggers", "warn")
    database.sql(f"{setting} RESET session_replication_role")
    database.sql("ALTER TABLE poolgate.tenants ENABLE ROW LEVEL SECURITY")
    told = only(check(status=1, url=url), "row security", "fail")
    assert "hide rows of poolgate.tenants" in told
    assert "passes by it" in only(check(status=0), "row security", "warn")
    database.sql(re.search("'(ALTER .*)'", told)[1])
    assert "row security" not in [finding["subject"] for finding in check(status=0)]


def test_the_schemas_version_is_named(check, database, postgres):
    newest = int(database.sql("SELECT max(version) FROM poolgate.migrations"))
    assert f"version {newest}" in only(check(status=0), "schema", "ok")
    database.sql("INSERT INTO poolgate.migrations (name, version, checksum) VALUES ('9999_later', 9999, 'x')")
    assert f"version 9999, newer than the {newest}" in only(check(status=0), "schema", "warn")
    findings = check(status=1, url=postgres.new_database().url)
    assert "run 'poolgate migrate'" in only(findings, "schema", "fail") and len(trouble(findings)) == 1
    assert "cannot be reached" in only(check(status=1, url="postgresql://u@127.0.0.1:1/x"), "database", "fail")


# Keys and clocks

class KeyServer(http.server.ThreadingHTTPServer):
    """Key endpoints whose clocks are ahead by what the test says, for a pool each."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, body):
        self.ahead, self.body = {}, body
        super().__init__(("127.0.0.1", 0), KeyPages)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def template(self):
        return f"http://127.0.0.1:{self.server_port}/{{pool}}"


class KeyPages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seconds, age = self.server.ahead.get(self.path[1:], (0, 0))
        self.send_response_only(200)
        self.send_header("Date", email.utils.formatdate(time.time() + seconds, usegmt=True))
        self.send_header("Age", str(age))
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def keys(stand_in, pool):
    stand_in.mint(pool)
    with urllib.request.urlopen(stand_in.template.replace("{pool}", pool), timeout=10) as answer:
        server = KeyServer(answer.read())
    yield server
    server.shutdown()
    server.server_close()


def test_a_clock_that_is_off_is_told_by_the_middle_one_of_the_endpoints(check, database, upstream, keys):
    pools = [f"eu-west-1_Clock{number:04}" for number in range(3)]
    for pool in pools:
        database.add(f"{pool[10:].lower()}.example.com", pool)
    arguments = {"status": 0, "template": keys.template, "upstream": upstream.url}
    assert "within 5 s" in only(check(**arguments), "clock", "ok")
    keys.ahead = {pools[0]: (3600, 0)}
    assert "within 5 s" in only(check(**arguments), "clock", "ok")
    # A cache that has kept the answer for a minute is no clock that is a minute late.
    keys.ahead = {pool: (-60, 60) for pool in pools}
    assert "within 5 s" in only(check(**arguments), "clock", "ok")
    keys.ahead = {pool: (3600, 0) for pool in pools[:2]}
    assert re.search(r"is (59 min|1 h) behind the key endpoints'", only(check(**arguments), "clock", "warn"))
    keys.ahead = {pool: (-30, 0) for pool in pools}
    assert re.search(r"is (29|30|31) s ahead of the key endpoints'", only(check(**arguments), "clock", "warn"))


# What is shown

def test_many_pools_are_counted_and_a_bar_shows_how_far_it_is(binaries, database, upstream, keys, tmp_path):
    database.sql("""INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT 'h' || n || '.example.com', 'eu-west-1', 'eu-west-1_Many' || lpad(n::text, 5, '0') FROM generate_series(1, 300) n""")
    command = [
        str(binaries / "poolgate"), "check", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--database-url",
        database.url, "--jwks-url-template", keys.template, "--upstream", upstream.url, "--state-dir", str(tmp_path / "s")]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("POOLGATE_")}
    with Screen(columns=70) as screen:
        subprocess.run(command, stdout=screen.end, stderr=screen.end, env=variables, check=True, timeout=60)
    text = screen.text()
    assert "ok    keys: 300 pools publish theirs" in text.splitlines() and text.splitlines()[-1] == "all is well"
    # The bar was there, within the window, and is gone.
    bars = re.findall(r"\r(key endpoints [^\r\n]*)\r", screen.raw())
    assert bars and all(len(bar) < 70 and re.search(r"\[#*-*\]  \d+ of 300", bar) for bar in bars), bars
    assert "[#" not in text and "\x1b" not in screen.raw()
    with Screen() as screen:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=screen.end, env=variables, check=True, timeout=60)
    assert json.loads(done.stdout)["ok"] is True and screen.text().strip() == ""
    done = subprocess.run(command, capture_output=True, env=variables, check=True, timeout=60)
    assert done.stderr == b""


def test_warnings_fail_where_they_are_to(check, database, pool):
    database.add("a.example.com", pool)
    assert len(trouble(check(status=0))) == 1
    assert len(trouble(check("--strict", status=1))) == 1
