"""What one tenant does to itself stays with it: shown by who is answered, not by how fast."""

import contextlib
import select
import signal
import socket
import threading

import pytest

import upstream as up
from conftest import make_tenant
from gateway import Gateway
from processes import wait_until
from stage import Stage
from wire import Connection, request


@pytest.fixture
def two(start, migrated, stand_in, pool, upstream):
    """A gateway with one loop, which everybody shares; a tenant that disturbs it, and one that is disturbed."""
    database = migrated()
    gateway = start(database_url=database.url, workers=1)

    def make(**columns):
        loud = make_tenant(gateway, database, stand_in, pool + "a", **columns)
        return loud, make_tenant(gateway, database, stand_in, pool + "b")
    return make


@contextlib.contextmanager
def frozen(gateway):
    """The gateway stands still, so that everything sent meanwhile is there at once when it goes on."""
    gateway.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        gateway.process.send_signal(signal.SIGCONT)


def forged(tenant, count):
    """Tokens that pass every cheap check and fail at the signature, each another one."""
    for token in tenant.stand_in.mint_many(tenant.pool, count):
        head, payload, signature = token.split(".")
        yield f"{head}.{payload}.{signature[::-1]}"


def send(connections, tenant, tokens, path="/"):
    for connection, token in zip(connections, tokens, strict=True):
        connection.send(request("GET", path, tenant.host, token))


@pytest.fixture
def crowd():
    """Makes connections that were all accepted, since each has had an answer; closes them in the end."""
    opened = []

    def make(tenant, count):
        connections = [Connection(tenant.gateway.port, timeout=60) for _ in range(count)]
        opened.extend(connections)
        for connection in connections:
            assert connection.request("GET", "/", tenant.host).status == 401
        return connections
    yield make
    for connection in opened:
        connection.socket.close()


def statuses(connections):
    """How often each status and code came."""
    counts = {}
    for connection in connections:
        answer = connection.read()
        key = answer.status if answer.status == 200 else (answer.status, answer.error)
        counts[key] = counts.get(key, 0) + 1
    return counts


def unanswered(connections):
    """Of those, the ones to whom nothing was said yet."""
    asked = select.poll()
    for connection in connections:
        asked.register(connection.socket, select.POLLIN)
    spoken = {descriptor for descriptor, _ in asked.poll(0)}
    return [connection for connection in connections if connection.socket.fileno() not in spoken]


def test_a_tenant_with_too_many_tokens_to_verify_is_overloaded_alone(crowd, two):
    loud, quiet = two()
    warm = quiet.token()
    assert quiet.get(warm).status == loud.get(loud.token()).status == 200
    flood, tokens = crowd(loud, 900), list(forged(loud, 900))
    served, cold = crowd(quiet, 60), quiet.stand_in.mint_many(quiet.pool, 30)
    with frozen(loud.gateway):
        send(flood, loud, tokens)
        send(served[:30], quiet, [warm] * 30)
        send(served[30:], quiet, cold)
    assert statuses(served) == {200: 60}
    counts = statuses(flood)
    assert counts.keys() == {(401, "invalid_token"), (503, "overloaded")}, counts
    # 256 may wait, and each of those was judged.
    assert counts[401, "invalid_token"] >= 256
    # When the line is empty again, the tenant is served as before.
    assert loud.get(loud.token()).status == 200


def test_who_is_turned_away_from_the_line_is_told_when_to_come_back(crowd, two):
    loud, _ = two()
    flood, tokens = crowd(loud, 900), list(forged(loud, 900))
    with frozen(loud.gateway):
        send(flood, loud, tokens)
    turned_away = [answer for answer in (connection.read() for connection in flood) if answer.status == 503]
    assert turned_away
    assert all(int(answer.header("Retry-After")) >= 1 for answer in turned_away)


def test_warm_requests_do_not_wait_in_the_line(crowd, two):
    """They are answered although they came last; so is a cold one of another tenant."""
    loud, quiet = two()
    warm = loud.token()
    assert loud.get(warm).status == quiet.get(quiet.token()).status == 200
    flood, tokens = crowd(loud, 250), list(forged(loud, 250))
    late = crowd(loud, 20)
    with frozen(loud.gateway):
        send(flood, loud, tokens)
        send(late, loud, [warm] * 20)
    assert statuses(late) == {200: 20}
    assert statuses(flood) == {(401, "invalid_token"): 250}


@pytest.mark.parametrize("mode", ["hang", "500", "slow", "garbage"])
def test_failing_keys_of_a_tenant_are_its_own_trouble(crowd, two, mode):
    loud, quiet = two()
    warm = quiet.token()
    assert quiet.get(warm).status == 200
    loud.stand_in.fail(loud.pool, mode)
    # A key that the gateway has not seen: everybody who asks with it waits for the endpoint.
    loud.stand_in.rotate(loud.pool)
    tokens = loud.stand_in.mint_many(loud.pool, 200)
    waiting = crowd(loud, 200)
    send(waiting, loud, tokens)
    for number in range(20):
        assert quiet.get(warm).status == 200
        assert quiet.get(quiet.token()).status == 200
    if mode in ("hang", "slow"):
        assert unanswered(waiting), "nobody waited while the other tenant was served"
    # A new key of the quiet tenant is fetched all the same.
    quiet.stand_in.rotate(quiet.pool)
    assert quiet.get(quiet.token()).status == 200
    assert statuses(waiting).keys() <= {(503, "keys_unavailable"), (401, "invalid_token")}
    loud.stand_in.recover(loud.pool)


def test_tokens_that_name_unknown_keys_do_not_keep_another_tenant_from_its_new_key(crowd, two):
    loud, quiet = two()
    assert quiet.get(quiet.token()).status == loud.get(loud.token()).status == 200
    before = loud.stand_in.fetches(loud.pool)
    tokens = [loud.token(header={"kid": f"nobody{number}"}) for number in range(100)]
    flood = crowd(loud, 100)
    send(flood, loud, tokens)
    quiet.stand_in.rotate(quiet.pool)
    assert quiet.get(quiet.token()).status == 200
    assert statuses(flood).keys() <= {(401, "invalid_token"), (503, "keys_unavailable")}
    # Three at once, and one more every ten seconds.
    assert loud.stand_in.fetches(loud.pool) - before <= 5


def test_a_hanging_upstream_of_a_tenant_holds_up_nobody_else(crowd, two):
    stage = Stage()
    loud, quiet = two(upstream=stage.url)
    token, warm = loud.token(), quiet.token()
    hanging = crowd(loud, 200)
    send(hanging, loud, [token] * 200)
    wait_until(lambda: len(stage.peers) == 100 or stage.accept(), 20, "a hundred requests at the upstream")
    for _ in range(20):
        assert quiet.get(warm).status == 200
        assert quiet.get(quiet.token()).status == 200
    assert len(unanswered(hanging)) == 200
    stage.remove()


def test_an_upstream_that_accepts_nothing_holds_up_nobody_else(crowd, two):
    """Connections to it hang until their time is over, and their number is bounded."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = []
        loud, quiet = two(upstream=f"http://127.0.0.1:{full.getsockname()[1]}")
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        token, warm = loud.token(), quiet.token()
        hanging = crowd(loud, 100)
        send(hanging, loud, [token] * 100)
        for _ in range(20):
            assert quiet.get(warm).status == 200
        assert statuses(hanging).keys() <= {(504, "upstream_connect_timeout"), (503, "overloaded")}
        for filler in fillers:
            filler.close()


# Connections to an upstream that tenants share

PREFLIGHT = [("Origin", "https://page.test"), ("Access-Control-Request-Method", "GET")]
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
CONNECTIONS = 20


class Holding:
    """An upstream that keeps what asks for `/held` until it is let go, and counts what it keeps by host."""

    def __init__(self, server):
        self.gate, self.held, self.lock = threading.Semaphore(0), {}, threading.Lock()
        server.behave = self

    def __call__(self, received, *_):
        if received.target != "/held":
            return up.default(received, None, 0)
        host = received.value("Host")
        with self.lock:
            self.held[host] = self.held.get(host, 0) + 1
        self.gate.acquire(timeout=60)
        with self.lock:
            self.held[host] -= 1
        return up.answer(200, b"let go")

    def let_go(self):
        self.gate.release(100_000)


@pytest.fixture
def crowded(start, migrated, stand_in, pool, own_upstream):
    """A gateway with one loop and few connections to the one upstream of all its tenants."""
    holding = Holding(own_upstream)

    def make(tenants=2, connections=CONNECTIONS, wait="30s"):
        database = migrated()
        gateway = start(database_url=database.url, upstream=own_upstream.url, workers=1,
                        max_upstream_connections=connections, upstream_wait=wait)
        made = [make_tenant(gateway, database, stand_in, pool + chr(ord("a") + number)) for number in range(tenants)]
        for tenant in made:
            tenant.warm = tenant.token()
            assert tenant.get(tenant.warm).status == 200
        return made, holding
    yield make
    holding.let_go()


def connect(tenant, count, timeout=60):
    return [Connection(tenant.gateway.port, timeout=timeout) for _ in range(count)]


def flood(tenant, kind, count):
    """Requests that keep the connections they get: nobody ends them."""
    connections = connect(tenant, count)
    for connection in connections:
        connection.send({
            "preflights": request("OPTIONS", "/held", tenant.host, headers=PREFLIGHT),
            "slow answers": request("GET", "/held", tenant.host, tenant.warm),
            "trickled bodies": request("POST", "/", tenant.host, tenant.warm, [("Content-Length", "1000")]) + b"x",
            "trickled chunks": request("POST", "/", tenant.host, tenant.warm, [("Transfer-Encoding", "chunked")]) + b"5\r\nx",
            "handshakes": request("GET", "/held", tenant.host, tenant.warm, UPGRADE),
        }[kind])
    return connections


KINDS = ["preflights", "slow answers", "trickled bodies", "trickled chunks", "handshakes"]


def everything_was_read(tenant):
    """With one loop, an answer to what came later means that what came before was seen."""
    for _ in range(3):
        assert tenant.get().status == 401


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_takes_all_connections_of_an_upstream_that_others_use(crowded, kind):
    (loud, quiet), _ = crowded()
    hostile = flood(loud, kind, 3 * CONNECTIONS)
    everything_was_read(loud)
    for _ in range(10):
        assert quiet.get(quiet.warm).status == 200
    assert len(unanswered(hostile)) == 3 * CONNECTIONS


@pytest.mark.parametrize("tenants", [1, 2])
def test_requests_without_a_token_leave_connections_to_the_tenant_s_own_users(crowded, tenants):
    (loud, *_), _ = crowded(tenants)
    hostile = flood(loud, "preflights", 3 * CONNECTIONS)
    everything_was_read(loud)
    for _ in range(10):
        assert loud.get(loud.warm).status == 200
    assert len(unanswered(hostile)) == 3 * CONNECTIONS


def test_many_tenants_that_take_all_they_get_leave_a_connection_to_one_that_has_none(crowded):
    (*loud, quiet), _ = crowded(6, connections=64)
    hostile = [connection for tenant in loud for connection in flood(tenant, "slow answers", 64)]
    everything_was_read(quiet)
    for _ in range(10):
        assert quiet.get(quiet.warm).status == 200
    assert len(unanswered(hostile)) == len(hostile)


def test_a_tenant_that_shares_its_upstream_with_nobody_uses_all_connections(crowded):
    (alone,), holding = crowded(1)
    hungry = flood(alone, "slow answers", CONNECTIONS + 5)
    wait_until(lambda: holding.held.get(alone.host) == CONNECTIONS, 20, "all connections in use")
    holding.let_go()
    assert statuses(hungry) == {200: CONNECTIONS + 5}


def test_a_tenant_gets_its_share_as_soon_as_another_row_names_the_upstream(crowded):
    """The one that was alone keeps what it has, and gets no more before it is within its share."""
    (alone,), holding = crowded(1)
    hungry = flood(alone, "slow answers", CONNECTIONS + 5)
    wait_until(lambda: holding.held.get(alone.host) == CONNECTIONS, 20, "all connections in use")
    late = make_tenant(alone.gateway, alone.database, alone.stand_in, alone.pool + "z")
    token = late.token()
    waiting = connect(late, 1)
    send(waiting, late, [token])
    everything_was_read(alone)
    holding.gate.release(1)
    assert statuses(waiting) == {200: 1}
    holding.let_go()
    assert statuses(hungry) == {200: CONNECTIONS + 5}


def test_what_a_tenant_holds_counts_on_when_its_row_changes(crowded):
    (loud, quiet), holding = crowded()
    hostile = flood(loud, "slow answers", CONNECTIONS)
    wait_until(lambda: holding.held.get(loud.host) == CONNECTIONS * 3 // 4, 20, "its share in use")
    for column in ("allow_unverified_email = true", "max_body_bytes = 100000"):
        loud.update_and_wait(column)
        hostile += flood(loud, "slow answers", CONNECTIONS)
        everything_was_read(loud)
        assert quiet.get(quiet.warm).status == 200
        assert holding.held[loud.host] == CONNECTIONS * 3 // 4
    assert len(unanswered(hostile)) == len(hostile)


def test_a_tenant_whose_requests_fill_its_part_of_the_line_turns_nobody_else_s_away(crowded):
    (loud, quiet), holding = crowded(connections=4)
    hostile = flood(loud, "slow answers", 1200)
    everything_was_read(loud)
    patient = flood(quiet, "slow answers", 20)
    everything_was_read(quiet)
    turned_away = 1200 - len(unanswered(hostile))
    assert 0 < turned_away <= 1200 - 512
    assert len(unanswered(patient)) == 20
    holding.let_go()
    assert statuses(patient) == {200: 20}
    assert statuses(hostile) == {200: 1200 - turned_away, (503, "overloaded"): turned_away}


def test_idle_connections_of_one_tenant_s_upstream_push_out_no_other_s(binaries, migrated, stand_in, pool, own_upstream, tmp_path):
    """A quarter of the descriptors may be idle, and as many clients come: 64 here."""
    program = tmp_path / "poolgate"
    program.write_text(f'#!/bin/sh\nulimit -n 256\nexec {binaries}/poolgate "$@"\n')
    program.chmod(0o755)
    holding, others = Holding(own_upstream), [up.Upstream(), up.Upstream()]
    for other in others:
        other.behave = lambda *_: up.answer(200, headers=[("Keep-Alive", "timeout=60")])
    database = migrated()
    gateway = Gateway(tmp_path, database_url=database.url, jwks_url_template=stand_in.template, workers=1)
    try:
        loud, quiet, late = (
            make_tenant(gateway, database, stand_in, pool + letter, upstream=server.url)
            for letter, server in zip("abc", [own_upstream, *others]))
        loud.warm = loud.token()
        token = quiet.token()
        assert quiet.get(token).status == 200
        hungry = flood(loud, "slow answers", 63)
        wait_until(lambda: holding.held.get(loud.host) == 63, 20, "as many requests under way as clients may come")
        holding.let_go()
        assert statuses(hungry) == {200: 63}
        for connection in hungry:
            connection.socket.close()
        # One too many: an idle connection has to go, and the quiet tenant's was used longest ago.
        gateway.wait_status(200, late.host, late.token())
        wait_until(lambda: len(own_upstream.open) < 63, 20, "the end of an idle connection")
        gateway.wait_status(200, quiet.host, token)
        assert others[0].connections == 1
    finally:
        gateway.remove()
        for other in others:
            other.remove()
