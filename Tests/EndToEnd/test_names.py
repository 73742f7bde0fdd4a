"""Names of upstreams: a name server that says nothing, or says no, is the trouble of those who need it."""

import os
import socket

import pytest

from certificates import Authority, server
from conftest import make_tenant
from gateway import Gateway
from names import Names, NameServer
from processes import wait_until
from upstream import Upstream
from wire import request

TIMED_OUT = (504, "upstream_connect_timeout")
PREFLIGHT = [("Origin", "https://page.test"), ("Access-Control-Request-Method", "GET")]


@pytest.fixture
def server_of_names():
    try:
        made = NameServer()
    except PermissionError:
        pytest.skip("port 53 is not ours to take here")
    yield made
    made.remove()


@pytest.fixture
def named(binaries, migrated, stand_in, tmp_path, server_of_names):
    """A gateway on one loop that resolves names as the test says; `add(upstream)` registers a host, live."""
    names = Names(tmp_path, binaries, server_of_names)
    if not names.works:
        pytest.skip("mounting is not allowed here, and the machine's own files are not ours to change")
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    database = migrated()
    made = Gateway(
        tmp_path, database_url=database.url, jwks_url_template=stand_in.template, workers=1, upstream_cas=authorities)
    made.database, made.names, made.authorities, made.name_server = database, names, authorities, server_of_names
    yield made
    assert made.process.poll() is None, made.log()[-3000:]
    made.remove()


@pytest.fixture
def register(named, stand_in, pool):
    def make(upstream, **columns):
        return make_tenant(named, named.database, stand_in, pool, upstream=upstream, **columns)
    return make


class TLSUpstream(Upstream):
    """An upstream for `localhost` that a CA file of the gateway's verifies."""

    def __init__(self, folder, authorities):
        Authority(authorities, "inside").issue(folder, "inner", "localhost")
        self.tls = server(folder, "inner")
        super().__init__()

    def _serve(self, connection, number):
        try:
            secure = self.tls.wrap_socket(connection, server_side=True)
        except OSError:
            return
        super()._serve(secure, number)


@pytest.fixture
def tls_upstream(named, tmp_path):
    made = TLSUpstream(tmp_path, named.authorities)
    yield made
    made.remove()


def ask(tenant, token=None, headers=(), method="GET"):
    """Sends one request on a connection of its own, whose answer is read later."""
    connection = tenant.gateway.connect()
    connection.socket.settimeout(30)
    connection.send(request(method, "/", tenant.host, token, headers))
    return connection


def preflight(tenant):
    return ask(tenant, headers=PREFLIGHT, method="OPTIONS")


def faults(connections):
    """Status and word of each answer, once each."""
    found = set()
    for connection in connections:
        answer = connection.read()
        found.add(answer.status if answer.status == 200 else (answer.status, answer.error))
        connection.socket.close()
    return found


def test_a_silent_name_server_of_one_tenant_keeps_nobody_else_waiting(named, register, upstream, tls_upstream):
    """Thirty preflights need no token; the others' names and certificates are all needed for the first time."""
    silent = register(f"http://silent.mute:{upstream.port}")
    named.names.set(fresh=["127.0.0.1"])
    named.name_server.known["other.example"] = "127.0.0.1"
    others = [register(f"http://fresh.test:{upstream.port}"), register(f"http://other.example:{upstream.port}"),
              register(f"https://localhost:{tls_upstream.port}", upstream_ca="inside")]
    tokens = [tenant.token() for tenant in others]
    waiting = [preflight(silent) for _ in range(30)]
    wait_until(lambda: named.name_server.times("silent.mute"), 20, "a question to the name server")
    for tenant, token in zip(others, tokens):
        assert tenant.get(token).status == 200
    assert faults(waiting) == {TIMED_OUT}
    # Whoever comes while the name still hangs waits no longer for it than those before.
    assert faults([preflight(silent) for _ in range(30)]) == {TIMED_OUT}


def test_as_many_silent_names_as_a_row_may_have_and_many_such_rows_keep_nobody_else_waiting(named, register, upstream):
    rows = [register(" ".join(f"http://n{number}.r{row}.mute:{upstream.port}" for number in range(32))) for row in range(3)]
    rows += [register(f"http://alone{row}.mute:{upstream.port}") for row in range(40)]
    named.names.set(fresh=["127.0.0.1"])
    fresh = register(f"http://fresh.test:{upstream.port}")
    token = fresh.token()
    waiting = [preflight(tenant) for tenant in rows for _ in range(8)]
    wait_until(lambda: len(set(named.name_server.asked)) > 30, 20, "questions about more than thirty names")
    assert fresh.get(token).status == 200
    assert faults(waiting) <= {TIMED_OUT, (503, "overloaded")}


def test_a_name_is_looked_up_once_for_all_who_wait(named, register, upstream):
    """One question for IPv4 and one for IPv6, or the same again where the resolver takes a late answer for none."""
    server = named.name_server
    tenants = [register(f"http://shared.example:{upstream.port}") for _ in range(3)]
    tokens = [tenant.token() for tenant in tenants]
    server.is_mute = True
    waiting = [ask(tenant, token) for tenant, token in zip(tenants, tokens) for _ in range(10)]
    wait_until(lambda: server.times("shared.example") == 2, 20, "the questions")
    server.known["shared.example"] = "127.0.0.1"
    server.speak()
    assert faults(waiting) == {200}
    assert server.times("shared.example") in (2, 4)


def test_a_name_that_does_not_exist_is_not_asked_for_by_each_request(named, register):
    tenant = register("http://nowhere.example:1")
    token = tenant.token()
    assert faults([ask(tenant, token) for _ in range(60)]) == {(502, "upstream_unreachable")}
    assert named.name_server.times("nowhere.example") <= 12
    # It is found soon after it came to be.
    with socket.create_server(("127.0.0.1", 0)):
        named.name_server.known["nowhere.example"] = "127.0.0.1"
        wait_until(lambda: tenant.get(token).error == "upstream_refused", 20, "an attempt to connect")


def test_an_answer_that_comes_late_is_good_for_those_who_ask_then(named, register, upstream):
    server = named.name_server
    tenant = register(f"http://late.example:{upstream.port}")
    token = tenant.token()
    server.is_mute = True
    answer = tenant.get(token)
    assert (answer.status, answer.error) == TIMED_OUT
    server.known["late.example"] = "127.0.0.1"
    server.speak()
    named.wait_status(200, tenant.host, token)


def test_a_name_server_that_falls_silent_takes_nothing_from_names_that_are_known(named, register, upstream):
    """They are asked for again every 5 s; for 7 s each request goes to the address that was good."""
    server = named.name_server
    server.known["known.example"] = "127.0.0.1"
    tenant = register(f"http://known.example:{upstream.port}")
    token = tenant.token()
    assert tenant.get(token).status == 200
    before = server.times("known.example")
    server.is_mute = True
    wait_until(lambda: tenant.get(token).status != 200 or server.times("known.example") > before, 30, "another question")
    for _ in range(20):
        assert tenant.get(token, headers=[("Connection", "close")]).status == 200


@pytest.mark.parametrize("kind", ["fifo", "folder", "garbage"])
def test_a_file_of_authorities_that_cannot_be_read_keeps_nobody_else_waiting(named, register, tls_upstream, kind, upstream):
    path = named.authorities / "odd.pem"
    {"fifo": os.mkfifo, "folder": os.mkdir, "garbage": lambda path: path.write_text("x")}[kind](path)
    odd = register(f"https://localhost:{tls_upstream.port}", upstream_ca="odd")
    good = register(f"https://localhost:{tls_upstream.port}", upstream_ca="inside")
    plain = register(upstream.url)
    tokens = good.token(), plain.token()
    waiting = [preflight(odd) for _ in range(30)]
    assert good.get(tokens[0]).status == 200
    assert plain.get(tokens[1]).status == 200
    assert faults(waiting) == {(502, "upstream_tls")}
