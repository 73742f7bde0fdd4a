"""Questions of other proxies whether a request may pass: forward-auth, and Envoy's ext_authz over HTTP."""

import json
import urllib.request

import pytest

import asking
from conftest import make_tenant
from gateway import Gateway, run
from processes import wait_until
from wire import Connection

FORMS = ["forwarded", "original", "envoy"]
SECRET = "a-long-secret-of-a-proxy"


def begin(binaries, migrated, stand_in, upstream, **options):
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
        forward_auth_listen="127.0.0.1:0", ext_authz_listen="127.0.0.1:0", access_log="on", **options)
    gateway.database, gateway.asked = database, gateway.port_of("forward_auth")
    return gateway


@pytest.fixture(scope="module")
def asked(binaries, migrated, stand_in, shared_upstream):
    """A gateway that everybody on this machine may ask."""
    gateway = begin(binaries, migrated, stand_in, shared_upstream, trusted_callers="127.0.0.0/8", max_connections_per_address=4)
    yield gateway
    gateway.remove()


@pytest.fixture(scope="module")
def guarded(binaries, migrated, stand_in, shared_upstream):
    """One that only those may ask who know the secret."""
    gateway = begin(
        binaries, migrated, stand_in, shared_upstream, trusted_callers="192.0.2.0/24", caller_secret=SECRET, max_connections_per_address=4)
    yield gateway
    gateway.remove()


@pytest.fixture
def acme(asked, stand_in, pool):
    return make_tenant(asked, asked.database, stand_in, pool)


def of_identity(answer):
    return [name for name, _ in answer.headers if name.lower().startswith(("x-forwarded", "x-poolgate-", "remote-")) and name.lower() != "x-poolgate-code"]


def test_questions_that_are_cancelled_end_no_others(asked, acme):
    """A proxy cancels each question whose client went away, and has those of all tenants on one connection."""
    client, token = asking.http2(asked.asked), acme.token()
    method, path, host, fields = asking.question("forwarded", acme.host, token)
    fields = [(name.lower(), value) for name, value in fields]
    for _ in range(600):
        stream = client.send(host, method=method, path=path, fields=fields)
        client.h2.reset_stream(stream, 8)
        client.flush()
    assert asking.ask_by_http2(client, "forwarded", acme.host, token).status == 200
    assert not client.goaways
    client.close()


@pytest.mark.parametrize("form", FORMS)
def test_where_a_request_would_go_is_nothing_to_ask_about(binaries, migrated, stand_in, pool, form):
    """A gateway that is only asked needs no upstream, nor do its rows."""
    gateway = Gateway(
        binaries, database_url=(database := migrated()).url, jwks_url_template=stand_in.template,
        forward_auth_listen="127.0.0.1:0", trusted_callers="127.0.0.0/8")
    try:
        database.add(host := "asked.example.com", pool)
        assert gateway.wait_status(503, host).error == "no_upstream"
        port = gateway.port_of("forward_auth")
        assert asking.ask(port, form, host).status == 401
        answer = asking.ask(port, form, host, stand_in.mint(pool, username="alice"))
        assert (answer.status, answer.header("X-Forwarded-User")) == (200, "alice")
    finally:
        gateway.remove()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wire", ["http1", "http2"])
def test_the_verdict_is_the_status_and_the_caller_stands_in_the_headers(asked, acme, upstream, form, wire):
    if wire == "http2":
        client = asking.http2(asked.asked)
        def ask(*arguments, **options):
            return asking.ask_by_http2(client, form, *arguments, **options)
    else:
        def ask(*arguments, **options):
            return asking.ask(asked.asked, form, *arguments, **options)
    token, connections = acme.token(username="alice"), upstream.connections
    yes = ask(acme.host, token)
    assert yes.status == 200 and yes.body == b""
    assert yes.header("X-Forwarded-User") == "alice" and yes.header("X-Poolgate-Tenant") == acme.host
    assert yes.header("X-Poolgate-Code") is None and yes.header("X-Request-Id")
    no = ask(acme.host)
    assert (no.status, no.error, no.header("X-Poolgate-Code")) == (401, "missing_token", "missing_token")
    assert no.header("WWW-Authenticate") == f'Bearer realm="{acme.host}"'
    stale = ask(acme.host, acme.token(ttl=-5))
    assert (stale.status, stale.header("X-Poolgate-Code")) == (401, "expired")
    unknown = ask("nobody.example", token)
    assert (unknown.status, unknown.header("X-Poolgate-Code")) == (403 if form == "original" else 421, "unknown_host")
    for answer in [no, stale, unknown]:
        assert not of_identity(answer)
    assert upstream.requests == [] and upstream.connections == connections


@pytest.mark.parametrize("form", FORMS)
def test_a_connection_lives_through_every_verdict(asked, acme, form):
    good, stale, other = acme.token(), acme.token(ttl=-5), "nobody.example"
    with Connection(asked.asked) as connection:
        for _ in range(20):
            for host, token, path, status in [
                    (acme.host, good, "/", {200}), (acme.host, None, "/", {401}), (acme.host, stale, "/x", {401}), (other, good, "/", {403, 421}),
                    (acme.host, good, "/a#b" if form != "envoy" else "/a", {400, 403, 200}), (acme.host, good, "/y", {200})]:
                answer = asking.ask(None, form, host, token, path=path, connection=connection)
                assert answer.status in status and answer.header("Connection") is None, (path, answer.status)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_client_pretends_is_in_no_answer(asked, acme, form):
    acme.database.sql(f"INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('{acme.host}', '/public', 'public')")
    wait_until(lambda: acme.get(path="/public").status == 200, 20)
    spoofed = [(name, "forged") for name in ("X-Forwarded-User", "X-Poolgate-Subject", "X_Forwarded_User", "X-Forwarded-Email", "Remote-User")]
    for path, token, status in [("/", acme.token(username="alice"), 200), ("/public", None, 200), ("/", None, 401), ("/", "x", 401)]:
        answer = asking.ask(asked.asked, form, acme.host, token, path=path, fields=spoofed)
        assert answer.status == status
        assert all("forged" not in value for _, value in answer.headers) and b"forged" not in answer.body
        removed = set((answer.header("X-Envoy-Auth-Headers-To-Remove") or "").split(",")) - {""}
        if form == "envoy" and status == 200:
            assert removed >= {"x_forwarded_user", "x-forwarded-email", "remote-user"}
            assert ("x-forwarded-user" in removed) == (token is None)
        else:
            assert not removed
        assert answer.header("X-Forwarded-User") == ("alice" if status == 200 and token else None)


@pytest.mark.parametrize("family", ["forwarded", "original"])
def test_a_question_that_does_not_say_one_thing_is_refused(asked, acme, family):
    names = dict(zip(("method", "host", "path"), asking.FAMILIES[family]))
    other = asking.FAMILIES["original" if family == "forwarded" else "forwarded"]
    said = {"method": "GET", "host": acme.host, "path": "/"}
    token = acme.token()
    one = [(names[part], said[part]) for part in said]
    with Connection(asked.asked) as connection:
        def ask(fields):
            answer = connection.request("GET", "/", "gate", token, fields)
            return answer.status, answer.header("X-Poolgate-Code")
        assert ask(one) == (200, None)
        # Where it is about the first family too, nginx may be who asks.
        refused = {"forwarded": (400, "bad_question"), "original": (403, "bad_question")}
        for field in other:
            assert ask([*one, (field, "x")]) == refused["original"], field
        for field, value in one:
            assert ask([*one, (field, value)]) == refused[family], field
            assert ask([pair for pair in one if pair[0] != field]) == refused[family], field
            assert ask([(name, "" if name == field else text) for name, text in one]) == refused[family], field
            assert ask([(name, f"{text}, {text}" if name == field else text) for name, text in one]) == refused[family], field
            assert ask([*one, (field.replace("-", "_"), value)]) == refused[family], field
        assert ask([]) == refused["forwarded"]
        assert ask(one) == (200, None)
    wait_until(lambda: {line["detail"] for line in asked.events("refused") if line["code"] == "bad_question"}
               >= {"both_families", "repeated", "listed", "misspelled"}, 20)


@pytest.mark.parametrize("form", FORMS)
def test_a_body_is_dropped_and_the_connection_lives_while_that_is_little(asked, acme, form):
    token = acme.token()
    for length, lives in [(1, True), (5_000, True), (60_000, True), (200_000, False)]:
        with Connection(asked.asked) as connection:
            answer = asking.ask(None, form, acme.host, token, method="POST", connection=connection, body=b"x" * length)
            assert answer.status == 200
            assert answer.header("Connection") == (None if lives else "close"), length
            if lives:
                assert asking.ask(None, form, acme.host, connection=connection).status == 401
                assert asking.ask(None, form, acme.host, token, connection=connection).status == 200
            else:
                assert connection.is_closed()
    method, path, host, fields = asking.question(form, acme.host, token, method="POST")
    with Connection(asked.asked) as connection:
        for chunk in (b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"):
            assert connection.request(method, path, host, None, [*fields, ("Transfer-Encoding", "chunked")], chunk).status == 200
        # One that comes late, in pieces.
        connection.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n".encode()
                        + "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n01234")
        assert connection.read().status == 200
        connection.send(b"56789")
        assert asking.ask(None, form, acme.host, token, connection=connection).status == 200
    # Whoever waits to be told to send it does not send it.
    with Connection(asked.asked) as connection:
        answer = connection.request(method, path, host, None, [*fields, ("Content-Length", "9"), ("Expect", "100-continue")])
        assert answer.status == 200 and answer.header("Connection") == "close"


def test_a_body_in_bad_chunks_ends_the_connection_behind_its_answer(asked, acme):
    method, path, host, fields = asking.question("forwarded", acme.host, acme.token())
    with Connection(asked.asked) as connection:
        answer = connection.request(method, path, host, None, [*fields, ("Transfer-Encoding", "chunked")], b"zz\r\n")
        assert answer.status == 200 and connection.is_closed()


def test_a_question_by_http_1_0_is_answered_as_nginx_asks_it(asked, acme):
    for line, lives in [("", False), ("Connection: keep-alive\r\n", True)]:
        with Connection(asked.asked) as connection:
            for _ in range(2 if lives else 1):
                connection.send((f"GET /verify HTTP/1.0\r\nHost: gate\r\n{line}X-Original-Method: GET\r\nX-Original-Host: {acme.host}\r\n"
                                 f"X-Original-URI: /\r\nAuthorization: Bearer {acme.token()}\r\n\r\n").encode())
                answer = connection.read()
                assert answer.status == 200 and answer.header("Connection") == ("keep-alive" if lives else "close")


def test_head_is_asked_with_head_by_envoy_and_with_get_by_the_others(asked, acme):
    token = acme.token()
    for form in FORMS:
        with Connection(asked.asked) as connection:
            for given, status in [(token, 200), (None, 401), (token, 200)]:
                method, path, host, fields = asking.question(form, acme.host, given, method="HEAD")
                answer = connection.request(method, path, host, None, fields)
                assert answer.status == status
                assert bool(answer.body) == (status == 401 and form != "envoy")


def test_only_trusted_callers_are_answered(guarded, stand_in, pool):
    acme = make_tenant(guarded, guarded.database, stand_in, pool)
    token = acme.token()
    for form in FORMS:
        for host in (acme.host, "nobody.example"):
            for fields in [(), [("X-Poolgate-Caller", "wrong")], [("X-Poolgate-Caller", SECRET + "x")], [("X_Poolgate_Caller", SECRET)],
                           [("X-Poolgate-Caller", SECRET), ("X-Poolgate-Caller", SECRET)], [("X-Forwarded-For", "192.0.2.1")]]:
                with Connection(guarded.asked) as connection:
                    answer = asking.ask(None, form, host, token, fields=fields, connection=connection)
                    assert (answer.status, answer.error, answer.header("X-Poolgate-Code")) == (403, "untrusted_caller", None), (form, fields)
                    assert not of_identity(answer) and answer.header("Connection") == "close"
        answer = asking.ask(guarded.asked, form, acme.host, token, fields=[("x-poolgate-caller", SECRET)])
        assert answer.status == 200 and answer.header("X-Forwarded-User")
        client = asking.http2(guarded.asked)
        assert asking.ask_by_http2(client, form, acme.host, token, fields=[("x-poolgate-caller", SECRET)]).status == 200
        # The secret counts for the question that has it, and not for the connection.
        assert asking.ask_by_http2(client, form, acme.host, token).status == 403
    assert SECRET not in guarded.log()
    assert {line.get("host") for line in guarded.events("refused") if line["code"] == "untrusted_caller"} == {""}


def test_the_connections_of_a_trusted_caller_are_not_counted_as_those_of_one_client(asked, guarded, acme, stand_in, pool):
    for gateway, host, fields in [(asked, acme.host, []), (guarded, "nobody.example", [("X-Poolgate-Caller", SECRET)])]:
        connections = [Connection(gateway.asked) for _ in range(3)]
        for _ in range(8):
            for connection in connections:
                assert asking.ask(None, "envoy", host, fields=fields, connection=connection).status in (401, 421)
            connections.append(Connection(gateway.asked))
        for connection in connections:
            connection.socket.close()
    # Others are.
    def is_full():
        connections = [Connection(guarded.asked) for _ in range(4)]
        status = asking.ask(guarded.asked, "envoy", "x").status
        for connection in connections:
            connection.socket.close()
        return status == 503
    wait_until(is_full, 20)


def test_log_metrics_and_status_name_the_surface(asked, acme, upstream):
    def counts():
        lines = [line.split() for line in asked.admin("/metrics")[1].splitlines() if line.startswith("poolgate_questions_total")]
        return {line[0]: int(line[1]) for line in lines}
    before = counts()
    token = acme.token(sub="s-1")
    forwarded = [("X-Forwarded-For", "203.0.113.9"), ("X-Request-Id", "from-the-proxy")]
    answer = asking.ask(asked.asked, "original", acme.host, token, path="/a?secret=1", fields=forwarded)
    assert answer.status == 200 and answer.header("X-Request-Id") == "from-the-proxy"
    line = asked.wait_event("request", 20, request_id="from-the-proxy")
    assert (line["surface"], line["tenant"], line["client"], line["path"], line["subject"], line["status"]) == (
        "forward_auth", acme.host, "203.0.113.9", "/a", "s-1", 200)
    assert "upstream" not in line and "secret" not in json.dumps(line)
    refused = asking.ask(asked.asked, "original", "nobody.example", token)
    line = asked.wait_event("refused", 20, request_id=refused.header("X-Request-Id"))
    assert (line["surface"], line["status"], line["code"]) == ("forward_auth", 403, "unknown_host")
    envoy = asking.ask(asked.asked, "envoy", acme.host)
    assert asked.wait_event("refused", 20, request_id=envoy.header("X-Request-Id"))["surface"] == "ext_authz_http"
    acme.get(token)
    assert "surface" not in asked.wait_event("request", 20, upstream=upstream.url)
    changes = {name: count - before[name] for name, count in counts().items() if count != before[name]}
    assert changes == {
        'poolgate_questions_total{surface="forward_auth",verdict="admitted"}': 1,
        'poolgate_questions_total{surface="forward_auth",verdict="refused"}': 1,
        'poolgate_questions_total{surface="ext_authz_http",verdict="refused"}': 1}
    listeners = {entry["listener"]: entry["address"] for entry in json.loads(asked.admin("/status")[1])["listeners"]}
    assert listeners["forward_auth"] == f"127.0.0.1:{asked.asked}" and "ext_authz" in listeners


def test_http_1_is_not_spoken_where_grpc_is(asked):
    with Connection(asked.port_of("ext_authz")) as connection:
        assert connection.request("GET", "/", "x").status == 505


def test_a_question_waits_for_a_key_and_for_its_turn_as_a_request_does(asked, stand_in, pool):
    acme = make_tenant(asked, asked.database, stand_in, pool)
    tokens = stand_in.mint_many(pool, 40)
    stand_in.rotate(pool)
    with Connection(asked.asked) as connection:
        for token in [*tokens, stand_in.mint(pool)]:
            assert asking.ask(None, "forwarded", acme.host, token, connection=connection).status == 200
    client = asking.http2(asked.asked)
    names = asking.FAMILIES["forwarded"]
    streams = [client.send("gate", token, fields=[(name.lower(), value) for name, value in zip(names, ("GET", acme.host, "/"))])
               for token in stand_in.mint_many(pool, 60)]
    assert {client.wait(stream, 20).status for stream in streams} == {200}


def test_the_listeners_need_to_be_told_whom_to_trust(binaries, run, database):
    for flag in ("--forward-auth-listen", "--ext-authz-listen"):
        done = run("serve", flag, "127.0.0.1:0", "--database-url", database.url)
        assert done.returncode == 64 and "POOLGATE_TRUSTED_CALLERS" in done.stdout + done.stderr
        done = run("check", "--table", flag, "127.0.0.1:0", "--caller-secret", SECRET, "--database-url", database.url)
        assert f"listener {flag}" in done.stdout and SECRET not in done.stdout + done.stderr
