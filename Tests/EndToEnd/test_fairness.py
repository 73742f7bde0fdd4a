"""What one tenant does to itself stays with it: shown by who is answered, not by how fast."""

import contextlib
import select
import signal
import socket

import pytest

from conftest import make_tenant
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
