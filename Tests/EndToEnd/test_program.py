"""The program as an operator meets it: commands, mistakes, start, stop, and the Postgres it brings along."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import make_tenant
from gateway import Gateway
from processes import Postgres, free_port, stop, wait_until


# Mistakes

def test_no_connection_takes_the_place_of_a_closed_standard_descriptor(binaries, database, stand_in, tmp_path):
    """Such as `poolgate serve >&- 2>&-`: the log must reach neither the database nor a client."""
    port = free_port()
    command = f'exec "$0" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:{port} --state-dir "$1" <&- >&- 2>&-'
    variables = os.environ | {"POOLGATE_DATABASE_URL": database.url, "POOLGATE_JWKS_URL_TEMPLATE": stand_in.template}
    gateway = subprocess.Popen(
        ["bash", "-c", command, str(binaries / "poolgate"), str(tmp_path / "state")], env=variables)
    try:
        def is_open():
            assert gateway.poll() is None
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        wait_until(is_open, 20, "the admin port")
        assert {os.readlink(f"/proc/{gateway.pid}/fd/{number}") for number in (0, 1, 2)} == {"/dev/null"}
    finally:
        stop(gateway)


def test_serve_without_a_database_names_both_choices(run):
    done = run("serve")
    assert done.returncode == 64
    assert "POOLGATE_DATABASE_URL" in done.stderr and "--embedded" in done.stderr


def test_every_mistake_is_reported_at_once(run, tmp_path):
    settings = tmp_path / "poolgate.yaml"
    settings.write_text("max-headers: many\nno-such-setting: 1\n")
    done = run(
        "serve", "--config", str(settings), "--workers", "0", "--no-such-flag", "--drain-timeout", "soon",
        environment={"POOLGATE_LISTEN": "nowhere", "POOLGATE_UPSTREAM": "ftp://x", "POOLGATE_LOG_LEVEL": "loud"})
    assert done.returncode == 64
    for word in ("max-headers", "no-such-setting", "workers", "no-such-flag", "drain-timeout", "POOLGATE_LISTEN",
                 "POOLGATE_UPSTREAM", "POOLGATE_LOG_LEVEL", "--embedded"):
        assert word in done.stderr, word


def test_a_flag_beats_a_variable_and_a_variable_the_file(start, database, tmp_path):
    settings = tmp_path / "poolgate.yaml"
    settings.write_text("max-headers: 5\nmax-target-bytes: 300\nmax-header-bytes: 500\n")
    gateway = start(
        "--config", str(settings), "--max-headers", "3", database_url=database.url, max_headers=4, max_target_bytes=200)
    assert gateway.get("a", headers=[("X", "y")] * 2).status == 421
    assert gateway.get("a", headers=[("X", "y")] * 3).status == 431
    assert gateway.get("a", path="/" + "a" * 199).status == 421
    assert gateway.get("a", path="/" + "a" * 200).status == 414
    assert gateway.get("a", headers=[("X", "y" * 500)]).status == 431


def test_a_password_never_shows(run):
    url = f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x"
    for command in ("check", "migrate"):
        done = run(command, "--database-url", url)
        assert done.returncode != 0
        assert "hunter2" not in done.stdout + done.stderr


def test_plain_http_keys_from_afar_are_a_mistake(run):
    done = run("serve", "--database-url", "postgresql:///x", "--jwks-url-template", "http://keys.example.com/{pool}")
    assert done.returncode == 64
    assert "POOLGATE_ALLOW_INSECURE_JWKS" in done.stderr


def test_an_open_admin_listener_needs_a_token(run):
    done = run("serve", "--database-url", "postgresql:///x", "--admin-listen", "0.0.0.0:0")
    assert done.returncode == 64
    assert "POOLGATE_ADMIN_TOKEN" in done.stderr


def test_help_lists_every_setting_with_its_default(run):
    text = run("serve", "--help").stdout
    for setting in ("--listen", "--admin-listen", "--database-url", "--embedded", "--state-dir", "--upstream",
                    "--jwks-url-template", "--issuer-template", "--workers", "--max-head-bytes", "--drain-timeout",
                    "--shutdown-delay", "--log-level", "--access-log"):
        assert setting in text, setting
    assert "127.0.0.1:8080" in text and "32KiB" in text


# Commands

def test_migrate_is_idempotent_and_refuses_a_newer_schema(run, postgres):
    database = postgres.new_database()
    for _ in range(2):
        assert run("migrate", "--database-url", database.url).returncode == 0
    tables = database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'poolgate'")
    assert int(tables) >= 5
    database.sql("INSERT INTO poolgate.migrations (name, version, checksum) VALUES ('9999_future', 9999, 'x')")
    done = run("migrate", "--database-url", database.url)
    assert done.returncode == 1
    assert "9999" in done.stdout + done.stderr


def test_two_first_migrations_at_once_both_succeed(binaries, postgres):
    database = postgres.new_database()
    runs = [subprocess.Popen([str(binaries / "poolgate"), "migrate", "--database-url", database.url]) for _ in range(4)]
    assert [process.wait(timeout=30) for process in runs] == [0] * 4


def test_the_same_files_apply_with_plain_psql(postgres, run):
    database = postgres.new_database()
    for _ in range(2):
        for path in sorted((pathlib.Path(__file__).parents[2] / "sql/migrations").glob("*.sql")):
            database.sql(path.read_text())
    done = run("migrate", "--database-url", database.url)
    assert done.returncode == 0, done.stderr


def test_check_tells_by_its_status(run, database, stand_in, pool, upstream):
    arguments = ("--database-url", database.url, "--jwks-url-template", stand_in.template, "--upstream", upstream.url)
    database.add("a.example.com", pool)
    done = run("check", "--table", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pool in done.stdout
    stand_in.fail(pool, "500")
    done = run("check", "--table", *arguments)
    assert done.returncode == 1
    assert "500" in done.stdout + done.stderr


def test_explain_names_the_check_that_failed_and_never_shows_the_token(run, database, stand_in, pool, upstream):
    arguments = ("--database-url", database.url, "--jwks-url-template", stand_in.template, "--upstream", upstream.url)
    database.add("a.example.com", pool, required_groups=["admins"])
    samples = {
        "groups": stand_in.mint(pool, groups=["staff"]),
        "issuer": stand_in.mint(pool, iss="https://evil.example"),
        "exp": stand_in.mint(pool, ttl=-10),
        "key": stand_in.mint(pool, header={"kid": "nobody"}),
        "signature": stand_in.mint(pool)[:-20] + "A" * 20,
    }
    for check, token in samples.items():
        done = run("explain", "--table", "--host", "a.example.com", "--token", "-", *arguments, stdin=token + "\n")
        assert done.returncode == 1, check
        failed = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith(("ok", " "))]
        assert any(check in line for line in failed), (check, done.stdout)
        assert not any(part in done.stdout + done.stderr for part in token.split("."))
    done = run("explain", "--table", "--host", "a.example.com", "--token", "-", *arguments, stdin=stand_in.mint(pool, groups=["admins"]))
    assert done.returncode == 0, done.stdout


def test_explain_refuses_what_http_refuses(run, database, pool, upstream):
    database.add("a.example.com", pool)
    arguments = ["--database-url", database.url, "--upstream", upstream.url]
    for host, path, status in [
            ("a.example.com:99999", "/", 400), ("a.example.com:8o", "/", 400), ("a.example.com:80:80", "/", 400),
            ("u@a.example.com", "/", 400), ("a.example.com", "/a b", 400), ("a.example.com", "", 400),
            (".a.example.com", "/", 421), ("a.example.com:8443", "/", 401), ("A.example.com.", "/", 401)]:
        done = run("explain", "--table", "--host", host, "--path", path, *arguments)
        assert done.returncode == 1 and f"refused: {status} " in done.stdout, (host, path, done.stdout, done.stderr)


def test_explain_shows_the_rule_that_decides_and_what_one_in_shadow_would_do(run, database, stand_in, pool, upstream):
    arguments = ("--database-url", database.url, "--jwks-url-template", stand_in.template, "--upstream", upstream.url)
    database.add("a.example.com", pool)
    database.sql("""INSERT INTO poolgate.rules (host, path_prefix, methods, access, required_groups, required_claims, shadow) VALUES
        ('a.example.com', '/open', NULL, 'public', NULL, NULL, false),
        ('a.example.com', '/admin', '{GET}', 'authenticated', '{admins}', '{"custom:plan": "pro"}', false),
        ('a.example.com', '/admin/new', NULL, 'authenticated', '{nobody}', NULL, true)""")

    def explain(*more, **order):
        token = ("--token", "-") if order else ()
        return run("explain", "--table", "--host", "a.example.com", *token, *more, *arguments, stdin=stand_in.mint(pool, **order) if order else "")
    done = explain("--path", "/open/x?y=z")
    assert done.returncode == 0 and ": /open, every method, public" in done.stdout, done.stdout
    done = explain("--path", "/admin", groups=["staff"])
    assert done.returncode == 1 and ": /admin, GET, authenticated" in done.stdout and "403 missing_group" in done.stdout
    assert "any group of admins; claim custom:plan one of" in done.stdout
    done = explain("--path", "/admin/new", groups=["admins"], claims={"custom:plan": "pro"})
    assert done.returncode == 0 and "would refuse: missing_group" in done.stdout, done.stdout
    done = explain("--path", "/admin", "--method", "POST", groups=["staff"])
    assert done.returncode == 0 and "none for it" in done.stdout
    done = explain("--path", "/open/../admin")
    assert done.returncode == 1 and "dot_segment" in done.stdout
    database.sql(f"INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', '{pool}', 'gone')")
    done = explain(claims={"jti": "gone"})
    assert done.returncode == 1 and "401 revoked" in done.stdout and "by its jti, stands" in done.stdout


def test_explain_takes_what_a_request_would_have(run, database, stand_in, pool, upstream):
    arguments = ("--database-url", database.url, "--jwks-url-template", stand_in.template, "--upstream", upstream.url)
    database.add("a.example.com", pool, cookie_name="jwt", query_parameter="t", cors_origins=["https://app.example"],
                 max_body_bytes=10)
    token = stand_in.mint(pool)

    def explain(*more, stdin=token):
        headers = [part for header in more for part in ("--header", header)] if more and ":" in more[0] else more
        done = run("explain", "--table", "--host", "a.example.com", "--token", "-", *headers, *arguments, stdin=stdin)
        assert not any(part in done.stdout + done.stderr for part in token.split(".")), done.stdout
        return done.stdout.splitlines()[-1].removeprefix("the request would be "), done.stdout
    assert explain()[0] == "forwarded"
    for source in ("Cookie: a=b; jwt={token}", "cookie: jwt=\"{token}\""):
        verdict, shown = explain(source)
        assert verdict == "forwarded" and "one, in the row's cookie" in shown, shown
    verdict, shown = explain("--path", "/x?a=b&t={token}")
    assert verdict == "forwarded" and "one, in the row's query parameter" in shown, shown
    for headers, refusal in [
            (("Cookie: jwt={token}", "Cookie: jwt=x"), "400 multiple_credentials"),
            (("Authorization: Bearer {token}", "Authorization: Bearer x"), "400 multiple_credentials"),
            (("Content-Length: 11", "Authorization: Bearer {token}"), "413 body_too_large"),
            (("Content-Length: x",), "400 bad_request"), (("Host: b",), "400 bad_request"), (("X: y\r\nZ: w",), "400 bad_request"),
            (("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
             "426 upgrade_required")]:
        verdict, shown = explain(*headers)
        assert verdict == f"refused: {refusal}", (headers, shown)
    post = ("--method", "POST", "--header", "Cookie: jwt={token}", "--header")
    for origin, refusal in [("https://evil.example", "refused: 403 cross_site"), ("https://app.example", "forwarded"),
                            ("https://a.example.com", "forwarded")]:
        verdict, shown = explain(*post, f"Origin: {origin}")
        assert verdict == refusal, shown
    done = run("explain", "--table", "--host", "a.example.com", "--method", "OPTIONS", "--header", "Origin: https://app.example",
               "--header", "Access-Control-Request-Method: PUT", *arguments)
    assert done.returncode == 0 and "preflight" in done.stdout, done.stdout


def test_pools_shows_a_table_of_a_running_gateway(run, gateway, tenant):
    tenant.get(tenant.token())
    done = run("pools", "--table", "--admin-listen", f"127.0.0.1:{gateway.admin_port}")
    assert done.returncode == 0, done.stderr
    assert tenant.pool in done.stdout
    assert run("pools", "--admin-listen", f"127.0.0.1:{free_port()}").returncode != 0


# Start, readiness, stop

def test_the_admin_port_opens_first_and_the_proxy_answers_starting_without_a_directory(start):
    begun = time.monotonic()
    gateway = start(database_url=f"postgresql://x@127.0.0.1:{free_port()}/x", ready=False)
    gateway.admin_port = gateway.port_of("admin")
    assert gateway.admin("/live")[0] == 200
    assert gateway.admin("/ready")[0] == 503
    gateway.port = gateway.port_of("proxy", 30)
    assert 4 < time.monotonic() - begun < 25
    answer = gateway.get("a.example.com")
    assert (answer.status, answer.error) == (503, "starting")
    assert answer.header("Retry-After")
    assert gateway.admin("/ready")[0] == 503


def test_an_older_schema_keeps_it_unready_until_migrated(start, postgres, run):
    database = postgres.new_database()
    gateway = start(database_url=database.url, ready=False)
    gateway.admin_port = gateway.port_of("admin")
    wait_until(lambda: "poolgate migrate" in gateway.log())
    assert gateway.admin("/ready")[0] == 503
    assert run("migrate", "--database-url", database.url).returncode == 0
    gateway.wait_ready()


def test_the_admin_port_answers_only_to_its_own_names(gateway):
    assert gateway.admin("/status")[0] == 200
    assert gateway.admin("/status", Host="evil.example")[0] in (403, 421)
    assert gateway.admin("/live", method="POST")[0] == 405
    assert gateway.admin(f"/pools/eu-west-1_x/refresh", method="POST", Origin="http://evil.example")[0] == 403
    assert gateway.admin("/nothing")[0] == 404


def stopping(gateway):
    """How long it takes to end."""
    begun = time.monotonic()
    assert gateway.stop() == 0
    return time.monotonic() - begun


def is_quick(attempt, seconds=1, attempts=5):
    """Whether it takes no longer than so on a machine that may be busy with other things: then one of a few attempts does."""
    took = []
    while not took or min(took) >= seconds:
        assert len(took) < attempts, took
        took.append(attempt())


def test_an_idle_gateway_stops_within_a_second(start, database):
    def attempt():
        gateway = start(database_url=database.url)
        with gateway.connect():
            return stopping(gateway)
    is_quick(attempt)


def test_a_gateway_that_waits_for_postgres_stops_within_a_second(start):
    def attempt():
        gateway = start(database_url=f"postgresql://x@127.0.0.1:{free_port()}/x", ready=False)
        gateway.port_of("admin")
        return stopping(gateway)
    is_quick(attempt)


def test_sigterm_lets_what_is_in_flight_finish(start, database, stand_in, pool, upstream):
    import upstream as up
    from wire import request
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    assert tenant.get(token).status == 200

    def slow(*_):
        time.sleep(1)
        return up.answer(200, b"late")
    upstream.behave = slow
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, token))
        wait_until(lambda: any(received.target == "/" for received in upstream.requests[1:]))
        gateway.process.send_signal(signal.SIGTERM)
        answer = connection.read()
        assert answer.body == b"late"
        assert answer.header("Connection") == "close"
    assert gateway.process.wait(timeout=20) == 0


def test_a_second_signal_ends_at_once(start, database, stand_in, pool, upstream):
    from wire import request
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    upstream.behave = lambda *_: time.sleep(20)
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        wait_until(lambda: upstream.requests)
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert gateway.process.poll() is None
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(timeout=15)


def test_the_drain_has_a_limit(start, database, stand_in, pool, upstream):
    from wire import request
    gateway = start(database_url=database.url, drain_timeout="1s")
    tenant = make_tenant(gateway, database, stand_in, pool)
    upstream.behave = lambda *_: time.sleep(20)
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        wait_until(lambda: upstream.requests)
        begun = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(timeout=20)
        assert 0.8 < time.monotonic() - begun < 15


def test_a_port_in_use_is_a_sentence(run, database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--database-url", database.url, "--admin-listen", "127.0.0.1:0", "--listen", f"127.0.0.1:{port}",
                   "--state-dir", tempfile.mkdtemp())
        assert done.returncode not in (0, 64)
        assert str(port) in done.stdout + done.stderr


def test_descriptors_running_out_neither_kill_nor_spin(binaries, start, database, stand_in, pool):
    import resource
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    assert tenant.get(token).status == 200
    used = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
    crowd = []
    for _ in range(60):
        crowd.append(socket.create_connection(("127.0.0.1", gateway.port)))
    time.sleep(1)
    before = sum(map(int, open(f"/proc/{gateway.process.pid}/stat").read().split()[13:15]))
    time.sleep(1)
    spent = sum(map(int, open(f"/proc/{gateway.process.pid}/stat").read().split()[13:15])) - before
    assert spent < 50, "it spins while descriptors are short"
    for connection in crowd:
        connection.close()
    gateway.wait_status(200, tenant.host, token, seconds=30)


# Embedded Postgres

@pytest.fixture
def state():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="poolgate-embedded-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def embedded(start, state):
    """Starts gateways on one embedded Postgres, and removes its data in the end."""
    folders = set()

    def begin(**options):
        gateway = start("--embedded", state=state, **options)
        gateway.psql = wait_until(lambda: next(
            (line[line.index("psql "):].strip() for line in "".join(gateway.text).splitlines() if line.startswith("psql ")), None))
        folders.update(line["folder"] for line in gateway.lines if "folder" in line)
        return gateway
    yield begin
    for folder in folders:
        if folder.startswith("/var/lib/poolgate/"):
            shutil.rmtree(pathlib.Path(folder).parent, ignore_errors=True)


def psql(gateway, statement):
    done = subprocess.run(
        ["bash", "-c", gateway.psql + ' -XqAt -v ON_ERROR_STOP=1 -c "$0"', statement], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_embedded_postgres_serves_a_tenant_from_the_first_minute_and_keeps_it(embedded, stand_in, pool):
    gateway = embedded()
    psql(gateway, f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('e.example.com', 'eu-west-1', '{pool}')")
    gateway.wait_status(200, "e.example.com", stand_in.mint(pool))
    assert psql(gateway, "SHOW server_encoding") == "UTF8"
    assert psql(gateway, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"
    assert gateway.stop() == 0
    again = embedded()
    again.wait_status(200, "e.example.com", stand_in.mint(pool))


def test_a_killed_gateway_leaves_a_postgres_that_the_next_one_adopts(embedded, stand_in, pool):
    gateway = embedded()
    psql(gateway, f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('e.example.com', 'eu-west-1', '{pool}')")
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    assert psql(gateway, "SELECT count(*) FROM poolgate.tenants") == "1"
    begun = psql(gateway, "SELECT pg_postmaster_start_time()")
    again = embedded()
    again.wait_status(200, "e.example.com", stand_in.mint(pool))
    assert psql(again, "SELECT pg_postmaster_start_time()") == begun


def test_two_gateways_share_one_embedded_postgres_and_only_the_starter_stops_it(embedded, stand_in, pool):
    first, second = embedded(), embedded()
    psql(second, f"INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('e.example.com', 'eu-west-1', '{pool}')")
    for gateway in (first, second):
        gateway.wait_status(200, "e.example.com", stand_in.mint(pool))
    assert second.stop() == 0
    assert psql(first, "SELECT 1") == "1"
    first.wait_status(200, "e.example.com", stand_in.mint(pool))


def test_data_of_another_major_version_are_left_alone(embedded, binaries, state):
    gateway = embedded()
    folder = pathlib.Path(next(line["folder"] for line in gateway.lines if "folder" in line))
    assert gateway.stop() == 0
    wait_until(lambda: not (folder / "postmaster.pid").exists(), what="the end of Postgres, for which a stop waits half a second")
    version = (folder / "PG_VERSION").read_text()
    gateway_version = version.strip()
    (folder / "PG_VERSION").write_text("13\n")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    other = Gateway(binaries, ["--embedded"], ready=False, state=state)
    assert other.process.wait(timeout=20) == 1
    other.reader.join(timeout=5)
    assert "13" in other.log() and gateway_version in other.log()
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before
    (folder / "PG_VERSION").write_text(version)


def test_half_a_head_does_not_hold_up_a_stop(start, database):
    gateway = start(database_url=database.url)
    with gateway.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a")
        time.sleep(0.2)
        begun = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        assert connection.read().status == 408
        assert gateway.process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 12
