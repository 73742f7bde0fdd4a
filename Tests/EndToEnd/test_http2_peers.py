"""HTTP/2 with programs that others wrote: browsers and load generators before the gateway, proxies before and behind it."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from browser import Browser
from certificates import Authority
from conftest import make_tenant
from envoy import Envoy
from gateway import Gateway
from h2wire import Client
from nginx import Nginx
from processes import connects, free_port, stop, wait_until
from test_proxied import header

LARGE = os.urandom(1_500_000)


@pytest.fixture(scope="module")
def site(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    """A gateway on all of its ports, with an access log."""
    folder = tmp_path_factory.mktemp("peers")
    authority = Authority(folder)
    (folder / "pairs").mkdir()
    authority.issue(folder / "pairs", "acme", "acme.example.com")
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        tls_listen="127.0.0.1:0", tls_certificates=str(folder / "pairs"), access_log="true",
        trusted_proxies="127.0.0.2/32")
    gateway.database, gateway.tls_port = database, gateway.port_of("tls")
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def customer(site, stand_in, pool, upstream):
    return make_tenant(site, site.database, stand_in, pool)


@pytest.fixture(scope="module")
def envoy(site):
    proxy = Envoy(site.port)
    yield proxy
    proxy.remove()


@pytest.fixture(scope="module")
def nginx():
    """Answers by HTTP/2 with a file."""
    server = Nginx("server { listen 127.0.0.1:PORT http2; root FILES; }")
    (server.files / "large").write_bytes(LARGE)
    (server.files / "small").write_bytes(b"nginx says")
    yield server
    server.remove()


@pytest.fixture(scope="module")
def nghttpd(tmp_path_factory):
    """Answers with a file, or to an upload with what was uploaded."""
    folder, port = tmp_path_factory.mktemp("nghttpd"), free_port()
    (folder / "large").write_bytes(LARGE)
    process = subprocess.Popen(
        [shutil.which("nghttpd") or "/usr/sbin/nghttpd", "--no-tls", "--echo-upload", "-a", "127.0.0.1", "-d", str(folder),
         str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: connects(port), 20, "nghttpd")
    yield f"h2c://127.0.0.1:{port}"
    stop(process)


# Before the gateway

def test_a_browser_chooses_it_and_shares_one_connection(site, stand_in, pool, upstream):
    """Chromium, by TLS: forty requests at once, uploads among them, by one connection."""
    tenant = make_tenant(site, site.database, stand_in, pool, host="acme.example.com")
    tab = Browser("--ignore-certificate-errors", f"--host-resolver-rules=MAP acme.example.com 127.0.0.1:{site.tls_port}")
    before = metric(site, "poolgate_http2_connections_total")
    try:
        tab.open("https://acme.example.com/")
        assert "missing_token" in tab.text()
        statuses = tab.run(f"""Promise.all(Array.from({{length: 40}}, (_, n) => fetch('/echo/' + n, {{
            method: n % 4 ? 'GET' : 'POST', body: n % 4 ? null : 'x'.repeat(200000),
            headers: {{authorization: 'Bearer {tenant.token()}'}}}}).then(async r => [r.status, (await r.text()).length])))""")
        assert {status for status, _ in statuses} == {200}
        spoken = tab.run("""[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
            .filter(e => e.name.includes('acme.example.com')).map(e => e.nextHopProtocol)""")
        assert set(spoken) == {"h2"}
    finally:
        tab.remove()
    assert metric(site, "poolgate_http2_connections_total") - before <= 2
    assert len(upstream.requests) == 40
    assert {received.value("X-Forwarded-Proto") for received in upstream.requests} == {"https"}
    assert sorted(len(received.body) for received in upstream.requests)[-10:] == [200_000] * 10


def metric(gateway, name):
    found = re.search(rf"(?m)^{name} (\S+)$", gateway.admin("/metrics")[1])
    return float(found[1]) if found else 0


def test_h2load(site, customer):
    """3,000 requests, 30 at once on each of ten connections: all are answered."""
    done = subprocess.run(
        ["h2load", "-n3000", "-c10", "-m30", "-H", f":authority: {customer.host}", "-H",
         f"authorization: Bearer {customer.token()}", f"http://127.0.0.1:{site.port}/"],
        capture_output=True, text=True, timeout=60)
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout + done.stderr
    assert "status codes: 3000 2xx" in done.stdout


def test_nghttp(site, customer, upstream, tmp_path):
    """It opens idle streams for priorities, uploads, and asks for several at once."""
    body = tmp_path / "body"
    body.write_bytes(LARGE)
    done = subprocess.run(
        ["nghttp", "-v", "-d", str(body), "-H", f":authority: {customer.host}", "-H",
         f"authorization: Bearer {customer.token()}", *[f"http://127.0.0.1:{site.port}/{number}" for number in range(5)]],
        capture_output=True, timeout=60)
    assert done.stdout.count(b":status: 200") == 5, done.stdout[-3000:]
    assert b"GOAWAY" not in done.stdout.split(b"recv", 1)[1] or b"NO_ERROR" in done.stdout
    assert sorted(received.target for received in upstream.requests) == [f"/{number}" for number in range(5)]
    assert all(received.body == LARGE for received in upstream.requests)


def test_envoy_before_the_gateway(site, customer, envoy, upstream):
    """Requests of many clients share Envoy's connection, by HTTP/2."""
    client = Client(envoy.port)
    token = customer.token()
    streams = [client.send(customer.host, token if number % 2 else "rubbish", path=f"/{number}") for number in range(40)]
    upload = client.send(customer.host, token, method="POST", path="/upload", body=LARGE)
    assert [client.wait(stream).status for stream in streams] == [200 if number % 2 else 401 for number in range(40)]
    assert client.wait(upload).status == 200
    assert next(received for received in upstream.requests if received.target == "/upload").body == LARGE
    assert {received.value("Via").split()[0] for received in upstream.requests} == {"2.0"}
    client.close()


def test_nginx_before_the_gateway(site, customer, upstream):
    """nginx takes HTTP/2 and asks by HTTP/1.1: the upstream sees the same."""
    front = Nginx(f"""server {{
        listen 127.0.0.1:PORT http2;
        location / {{ proxy_pass http://127.0.0.1:{site.port}; proxy_http_version 1.1; proxy_set_header Host $http_host;
                      proxy_set_header Connection ""; client_max_body_size 10m; }}
    }}""")
    try:
        client = Client(front.port)
        answer = client.get(customer.host, customer.token(), method="POST", body=LARGE)
        assert (answer.status, upstream.last.body) == (200, LARGE)
        assert client.get(customer.host).status == 401
        client.close()
    finally:
        front.remove()


def test_a_proxy_header_stands_before_the_preface(binaries, migrated, stand_in, pool, upstream, start):
    """Behind a balancer for connections: its client's address is the request's, on every stream."""
    database = migrated()
    gateway = start(database_url=database.url, proxy_protocol="v2")
    database.add("balanced.example.com", pool)
    token = stand_in.mint(pool)

    def ask():
        for pieces in (None, 1):
            connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            first = header(socket.AF_INET, "203.0.113.7", "10.0.0.1")
            for index in range(0, len(first), pieces or len(first)):
                connection.sendall(first[index:index + (pieces or len(first))])
            client = Client(None, connection=connection)
            streams = [client.send("balanced.example.com", token) for _ in range(3)]
            answers = [client.wait(stream) for stream in streams]
            client.close()
            if [answer.status for answer in answers] != [200] * 3:
                return False
        return True
    wait_until(ask, 20, "the tenant")
    assert {received.value("X-Forwarded-For") for received in upstream.requests} == {"203.0.113.7"}


# Behind the gateway

def ask_both(site, tenant, path, **options):
    """The body of a response by HTTP/2 and by HTTP/1."""
    client = Client(site.port)
    token = tenant.token()
    answers = [client.get(tenant.host, token, path=path, **options), site.get(tenant.host, token, path=path, **options)]
    client.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    return answers[0].body


def test_nginx_behind_the_gateway(site, stand_in, pool, nginx):
    tenant = make_tenant(site, site.database, stand_in, pool, upstream=nginx.url.replace("http:", "h2c:"))
    assert ask_both(site, tenant, "/small") == b"nginx says"
    assert ask_both(site, tenant, "/large") == LARGE
    client = Client(site.port)
    streams = [client.send(tenant.host, tenant.token(), path="/large") for _ in range(20)]
    assert all(client.wait(stream).body == LARGE for stream in streams)
    client.close()


def test_envoy_behind_the_gateway(site, stand_in, pool, envoy):
    tenant = make_tenant(site, site.database, stand_in, pool, upstream=f"h2c://127.0.0.1:{envoy.behind}")
    assert ask_both(site, tenant, "/") == b"envoy says"
    assert ask_both(site, tenant, "/", method="POST", body=b"a" * 100_000) == b"envoy says"


def test_nghttpd_behind_the_gateway(site, stand_in, pool, nghttpd):
    tenant = make_tenant(site, site.database, stand_in, pool, upstream=nghttpd)
    assert ask_both(site, tenant, "/large") == LARGE
    assert ask_both(site, tenant, "/", method="POST", body=LARGE) == LARGE


# What the gateway says of it

def test_log_metrics_and_explanation_name_the_protocol(site, stand_in, pool, upstream, run, nghttpd):
    """A line of the access log has the client's, the counters tell its requests apart, and an explanation has the upstream's."""
    tenant = make_tenant(site, site.database, stand_in, pool, upstream=nghttpd)
    before = metric(site, "poolgate_http2_requests_total")
    client = Client(site.port)
    answer = client.get(tenant.host, tenant.token(), path="/large")
    client.close()
    lines = [site.wait_event("request", request_id=answer.value("x-request-id")),
             site.wait_event("request", request_id=tenant.get(tenant.token(), path="/large").header("X-Request-Id"))]
    assert [(line["protocol"], line["upstream"]) for line in lines] == [("HTTP/2", nghttpd), ("HTTP/1.1", nghttpd)]
    assert metric(site, "poolgate_http2_requests_total") == before + 1
    done = run("explain", "--host", tenant.host, "--token", "-", "--json", "--database-url", site.database.url,
               "--jwks-url-template", stand_in.template, stdin=tenant.token())
    assert nghttpd in json.dumps(json.loads(done.stdout)).replace("\\/", "/"), done.stdout
