"""HTTP/2 on both sides: real clients and servers, and the same verdicts and heads by every pair of wires."""

import json
import re
import subprocess

import pytest

from certificates import Authority
from conftest import make_tenant
from gateway import Gateway
from h2wire import Client, Server
from processes import wait_until


def curl(*arguments):
    return subprocess.run(
        ["curl", "-sS", "--max-time", "10", "-D", "-", *arguments], capture_output=True, text=True, timeout=20)


def test_prior_knowledge(tenant, gateway, upstream):
    """A client that knows is served by HTTP/2 in clear, and the upstream is told who it is."""
    done = curl(
        "--http2-prior-knowledge", "-H", f"Host: {tenant.host}", "-H", f"Authorization: Bearer {tenant.token()}",
        f"http://127.0.0.1:{gateway.port}/hello?x=1")
    assert done.stdout.startswith("HTTP/2 200"), done.stderr
    assert upstream.last.version == "HTTP/1.1"
    assert upstream.last.target == "/hello?x=1"
    assert upstream.last.value("X-Forwarded-User") == "alice"
    assert upstream.last.value("Host") == tenant.host
    assert upstream.last.value("Via").startswith("2.0 ")


def test_upgrade_is_ignored(tenant, gateway, upstream):
    """`Upgrade: h2c` is served plain (RFC 9113 §3.1)."""
    done = curl(
        "--http2", "-H", f"Host: {tenant.host}", "-H", f"Authorization: Bearer {tenant.token()}",
        f"http://127.0.0.1:{gateway.port}/")
    assert done.stdout.startswith("HTTP/1.1 200"), done.stdout
    assert upstream.last.values("Upgrade") == [] and upstream.last.values("HTTP2-Settings") == []


def test_a_row_names_upstreams_of_both_versions(tenant, upstream, gateway):
    """The row's own upstream speaks HTTP/2 in clear; then it has one of each kind, and both are asked."""
    own = Server(behave=lambda call: call.answer(200, [("x-wire", "2")], b"hello"))
    try:
        tenant.update_and_wait(f"upstream = '{own.url}'")
        answer = tenant.get(tenant.token())
        assert answer.status == 200 and answer.header("x-wire") == "2"
        tenant.update_and_wait(f"upstream = '{own.url} {upstream.url}'")
        seen = set()

        def both():
            seen.add(tenant.get(tenant.token()).header("x-wire"))
            return seen == {"2", None}
        wait_until(both, 20, "an answer of each")
    finally:
        own.remove()


def test_off(start, database):
    """With `http2 off` a preface is a request like any other, and a bad one."""
    gateway = start(database_url=database.url, http2="off")
    done = curl("--http2-prior-knowledge", f"http://127.0.0.1:{gateway.port}/")
    assert done.returncode != 0 and "HTTP/2" not in done.stdout


def test_alpn(start, database, stand_in, pool, upstream, tmp_path):
    """With TLS the client chooses by ALPN."""
    authority = Authority(tmp_path)
    folder = tmp_path / "pairs"
    folder.mkdir()
    authority.issue(folder, "acme", "acme.example.com")
    gateway = start(database_url=database.url, tls_listen="127.0.0.1:0", tls_certificates=str(folder))
    tenant = make_tenant(gateway, database, stand_in, pool, host="acme.example.com")
    for flag, version in [("--http2", "HTTP/2 200"), ("--http1.1", "HTTP/1.1 200")]:
        done = curl(
            flag, "--cacert", str(authority.file), "--connect-to", f"acme.example.com:443:127.0.0.1:{gateway.port_of('tls')}",
            "-H", f"Authorization: Bearer {tenant.token()}", "https://acme.example.com/")
        assert done.stdout.startswith(version), done.stdout + done.stderr
        assert upstream.last.value("X-Forwarded-Proto") == "https"


def test_refusals(tenant, gateway):
    """A refusal by HTTP/2 is the same as by HTTP/1: status, challenge, body."""
    answers = []
    for flag in ["--http1.1", "--http2-prior-knowledge"]:
        done = curl(flag, "-H", f"Host: {tenant.host}", f"http://127.0.0.1:{gateway.port}/")
        head, body = done.stdout.split("\n\n", 1)
        status, *fields = head.split("\n")
        body = json.loads(body)
        assert re.fullmatch("[0-9a-f]{32}", body.pop("request_id"))
        names = {line.split(":")[0].lower(): line.split(":", 1)[1].strip() for line in fields if line.strip()}
        for name in ["date", "x-request-id", "content-length"]:
            names.pop(name)
        answers.append((status.split()[1], names, body))
    assert answers[0] == answers[1]
    assert answers[0][0] == "401"


# The four pairs of wires

@pytest.fixture(scope="module")
def h2_upstream():
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def towards_h2(binaries, migrated, stand_in, h2_upstream):
    """A gateway whose upstream speaks HTTP/2 in clear."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=h2_upstream.url, jwks_url_template=stand_in.template)
    gateway.database = database
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def there(towards_h2, stand_in, pool, h2_upstream):
    """A tenant of that gateway."""
    h2_upstream.behave = lambda call: call.answer(
        200, [("content-type", "text/plain")], b"" if call.value(":method") == "HEAD" else b"hello")
    h2_upstream.waits = True
    h2_upstream.calls.clear()
    return make_tenant(towards_h2, towards_h2.database, stand_in, pool)


def seen_by_1(received):
    """What an upstream of HTTP/1 was sent, without what only frames it."""
    framing = {"host", "content-length", "transfer-encoding", "connection", "via"}
    fields = [(name.lower(), value) for name, value in received.headers if name.lower() not in framing]
    return received.method, received.target, received.value("Host"), fields, received.body


def seen_by_2(call):
    framing = {"content-length", "via"}
    pseudo = dict(call.headers[:4])
    fields = [(name, value) for name, value in call.headers[4:] if name not in framing]
    return pseudo[":method"], pseudo[":path"], pseudo[":authority"], fields, call.body


CORPUS = [
    {},
    {"path": "/a/b?c=d&e=f"},
    {"path": "/%7Euser/x%2Ey"},
    {"method": "HEAD"},
    {"method": "POST", "body": b"a" * 10},
    {"method": "POST", "body": b"b" * 200_000},
    {"method": "PUT", "body": b"", "fields": [("content-length", "0")]},
    {"method": "DELETE", "fields": [("x-a", "1"), ("x-a", "2")]},
    {"fields": [("cookie", "a=1; b=2"), ("accept", "text/html")]},
    {"fields": [("x-forwarded-user", "mallory"), ("x_poolgate_subject", "mallory"), ("x-poolgate-tenant", "other")]},
    {"fields": [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=1.2.3.4")]},
    {"token": None},
    {"token": "rubbish"},
    {"method": "TRACE"},
    {"path": "*", "method": "GET"},
    {"path": "/#x"},
    {"fields": [("expect", "other")]},
]


@pytest.mark.parametrize("request_of", CORPUS, ids=[str(case)[:50] for case in CORPUS])
def test_every_pair_of_wires_says_the_same(tenant, there, upstream, h2_upstream, request_of):
    """The same verdict by all four, and the same head and body at the upstream."""
    seen = {}
    for name, target in [("1", tenant), ("2", there)]:
        for client in "12":
            upstream.reset()
            h2_upstream.calls.clear()
            status = ask(client, target, dict(request_of))
            if status != 200:
                assert upstream.requests == [] and h2_upstream.calls == []
                seen[client + name] = status
                continue
            method, path, host, fields, body = (
                seen_by_1(upstream.last) if name == "1" else seen_by_2(h2_upstream.last))
            assert host == target.host
            fields = [(key, "*" if key in OWN else value.replace(target.host, "HOST").replace(target.pool, "POOL"))
                      for key, value in fields]
            seen[client + name] = (status, method, path, sorted(fields), body)
    assert seen["11"] == seen["12"] == seen["21"] == seen["22"]


# What differs from one request to the next.
OWN = {"authorization", "x-request-id", "x-poolgate-subject", "traceparent"}


def ask(wire, tenant, case):
    """The status of a request by one of the wires; a stream that was ended for what it asked for counts as 400."""
    token = case.pop("token", tenant.token())
    if wire == "1":
        fields = [(name, value) for name, value in case.pop("fields", [])]
        return tenant.gateway.get(tenant.host, token, headers=fields, **case).status
    client = Client(tenant.gateway.port)
    answer = client.get(tenant.host, token, **case)
    client.close()
    return answer.status or (400 if answer.reset is not None else None)
