"""Several upstreams a row: who gets a request, who is left out for a while, how long one waits, and names that move."""

import collections
import contextlib
import concurrent.futures
import socket
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from gateway import Gateway
from names import Names
from processes import wait_until
from stage import reset
from upstream import Upstream
from wire import request


class Elsewhere(Upstream):
    """An upstream at a loopback address of its own."""

    def __init__(self, address, port=0):
        self.listener = socket.create_server((address, port), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.requests, self.open, self.connections, self.behave = [], set(), 0, None
        threading.Thread(target=self._accept, daemon=True).start()


@pytest.fixture
def upstreams():
    """Makes upstreams that end with the test."""
    running = []

    def make(kind=Upstream, *arguments):
        running.append(kind(*arguments))
        return running[-1]
    yield make
    for server in running:
        server.remove()


@pytest.fixture
def refusing():
    """An origin that refuses every connection: the port is taken, nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def register(gateway, stand_in, pool):
    """Makes a tenant of the shared gateway with these upstreams."""
    def make(*urls):
        return make_tenant(gateway, gateway.database, stand_in, pool, upstream=" ".join(urls))
    return make


def break_off(_received, connection, _number):
    """Gives no answer; the connection is reset."""
    reset(connection)


# Who gets a request

def test_equal_upstreams_both_get_a_share(register, upstreams):
    first, second = upstreams(), upstreams()
    tenant = register(first.url, second.url)
    token = tenant.token()
    for _ in range(60):
        assert tenant.get(token).status == 200
    assert min(len(first.requests), len(second.requests)) >= 10


def test_a_slow_upstream_gets_less_than_a_fast_one(register, upstreams):
    """The slow one holds what it got until the end, so that only the load can tell the two apart."""
    slow, fast = upstreams(), upstreams()
    release = threading.Event()

    def hold(*_):
        release.wait(60)
        return up.answer(200)
    slow.behave = hold
    tenant = register(slow.url, fast.url)
    token = tenant.token()
    with concurrent.futures.ThreadPoolExecutor(60) as threads:
        answers = []
        for number in range(1, 61):
            answers.append(threads.submit(tenant.get, token))
            # The next one comes when the fast one is idle again, however long this machine takes for that.
            wait_until(lambda: len(slow.requests) + len(fast.requests) == number
                       and sum(answer.done() for answer in answers) == len(fast.requests), what=f"request {number}")
        release.set()
        assert {answer.result().status for answer in answers} == {200}
    assert len(fast.requests) >= 45, f"the slow one got {len(slow.requests)} of 60"


def test_a_refused_connection_moves_to_another_upstream_unseen(register, upstreams, refusing):
    good = upstreams()
    tenant = register(refusing, good.url)
    token = tenant.token()
    for number in range(30):
        body = b"x" * 5000 if number % 2 else b""
        assert tenant.get(token, method="POST" if body else "GET", body=body).status == 200
    assert len(good.requests) == 30
    assert {len(received.body) for received in good.requests} == {0, 5000}


def test_where_every_upstream_refuses_the_client_is_told(register, refusing):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        tenant = register(refusing, f"http://127.0.0.1:{taken.getsockname()[1]}")
        for _ in range(8):
            answer = tenant.get(tenant.token())
            assert (answer.status, answer.error) == (502, "upstream_refused")


def test_a_request_that_was_sent_is_not_sent_to_another_upstream(register, upstreams):
    bad, worse = upstreams(), upstreams()
    bad.behave = worse.behave = break_off
    tenant = register(bad.url, worse.url)
    for number in range(1, 5):
        assert tenant.get(tenant.token(), method="POST", body=b"x").status == 502
        assert len(bad.requests) + len(worse.requests) == number


# Who is left out for a while

def test_the_only_upstream_is_never_left_out(register, upstreams):
    only = upstreams()
    only.behave = break_off
    tenant = register(only.url)
    token = tenant.token()
    for number in range(1, 13):
        assert tenant.get(token).status == 502
        assert len(only.requests) == number
    only.behave = None
    assert tenant.get(token).status == 200


def test_where_all_fail_all_are_used(register, upstreams):
    both = [upstreams(), upstreams()]
    for server in both:
        server.behave = break_off
    tenant = register(*(server.url for server in both))
    token = tenant.token()
    # More than enough for both to be left out.
    for number in range(1, 31):
        assert tenant.get(token).status == 502
        assert sum(len(server.requests) for server in both) == number
    for server in both:
        server.behave = None
        server.requests.clear()
    for _ in range(30):
        assert tenant.get(token).status == 200
    assert min(len(server.requests) for server in both) >= 3


@pytest.mark.waits_long
def test_a_failing_upstream_is_left_out_longer_each_time_and_comes_back_slowly(start, database, stand_in, pool, upstreams):
    """On one loop, since each finds out for itself; one request after the other, so that nobody is ever busy."""
    good, bad = upstreams(), upstreams()
    bad.behave = break_off
    gateway = start(database_url=database.url, workers=1)
    tenant = make_tenant(gateway, database, stand_in, pool, upstream=f"{good.url} {bad.url}")
    token = tenant.token()

    def ask():
        """One request; whether it went to the one that fails."""
        before = len(bad.requests)
        tenant.get(token)
        return len(bad.requests) > before

    def is_tried_again(seconds):
        """How long it was left out."""
        begun = time.monotonic()
        wait_until(ask, seconds, "a request to the one that was left out")
        return time.monotonic() - begun

    # Three failures in a row, and it is left out.
    wait_until(lambda: ask() and len(bad.requests) == 3, 20, "three failures")
    assert not any(ask() for _ in range(40))
    # Tried again after 5 s, somewhere in the 10 s in which it regains its share; it fails, and is left out for 10 s.
    assert 3 < is_tried_again(13) < 13
    assert not any(ask() for _ in range(40))
    bad.behave = None
    assert 8 < is_tried_again(18) < 18
    # Those were its first moments of ten seconds, and these are the next.
    back, went = time.monotonic(), []
    while time.monotonic() - back < 2 and len(went) < 400:
        went.append(ask())
    assert sum(went) < 0.35 * len(went), f"{sum(went)} of the first {len(went)} requests"
    latest = collections.deque(maxlen=100)
    wait_until(lambda: latest.append(ask()) or sum(latest) > 35, 20, "its full share")


# One tenant's answers are its own view of an upstream

def garbled(_received, connection, _number):
    connection.sendall(b"HTTP/1.1 nonsense\r\n\r\n")


def broken_body(_received, connection, _number):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")


def broken_head(_received, connection, _number):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    reset(connection)


@pytest.fixture
def neighbours(start, migrated, stand_in, pool, upstreams):
    """Tenants of one loop with the same two upstreams, the first of which behaves badly towards some hosts."""
    def make(count):
        odd, good = upstreams(), upstreams()
        database = migrated()
        gateway = start(database_url=database.url, workers=1)
        made = [make_tenant(gateway, database, stand_in, pool, upstream=f"{odd.url} {good.url}") for _ in range(count)]
        for tenant in made:
            tenant.warm = tenant.token()
        return made, odd

    yield make


def asks(tenant, server):
    """One request; whether it went to `server`."""
    before = len(server.requests)
    with contextlib.suppress(ConnectionError):
        tenant.get(tenant.warm)
    return len(server.requests) > before


@pytest.mark.parametrize("misbehave", [break_off, garbled, broken_head, broken_body])
def test_what_an_upstream_does_to_one_tenant_leaves_it_to_the_others(neighbours, misbehave):
    (loud, quiet), odd = neighbours(2)
    odd.behave = lambda received, *more: (misbehave if received.value("Host") == loud.host else up.default)(received, *more)
    # The tenant itself goes elsewhere after three failures, where the answer is seen to be bad before it begins.
    failures = sum(asks(loud, odd) for _ in range(60))
    assert failures == 3 or misbehave is broken_body
    went = sum(asks(quiet, odd) for _ in range(60))
    assert went >= 15, f"{went} of 60 went to the upstream that only another tenant has trouble with"


def test_an_upstream_that_fails_everybody_is_left_out_for_everybody(neighbours):
    """Three tenants each see it fail once; the fourth, that never asked before, is not sent there."""
    (*first, last), odd = neighbours(4)
    odd.behave = break_off
    for tenant in first:
        wait_until(lambda tenant=tenant: asks(tenant, odd), 20, "a request to the one that fails")
    assert not any(asks(last, odd) for _ in range(40))


def test_one_answer_to_anybody_ends_what_the_others_have_seen(neighbours):
    (one, two, three, last), odd = neighbours(4)
    odd.behave = lambda received, *more: (up.default if received.value("Host") == last.host else break_off)(received, *more)
    for tenant in (one, two, last, three):
        wait_until(lambda tenant=tenant: asks(tenant, odd), 20, "a request to it")
    assert sum(asks(last, odd) for _ in range(60)) >= 15


# How many, and how long one waits for one of them

@pytest.fixture
def bounded(start, migrated, stand_in, pool, own_upstream):
    """A gateway with one worker and few connections to its upstream, which holds every request until it is released."""
    def make(connections, wait, tenants=1):
        database = migrated()
        gateway = start(
            database_url=database.url, upstream=own_upstream.url, workers=1, max_upstream_connections=connections,
            upstream_wait=wait)
        made = [make_tenant(gateway, database, stand_in, pool) for _ in range(tenants)]
        own_upstream.gate = threading.Semaphore(0)
        own_upstream.peak = 0
        made[0].tokens = [tenant.token() for tenant in made]
        # The pool's keys are there before anything is counted.
        for tenant, token in zip(made, made[0].tokens):
            assert tenant.get(token).status == 200
        own_upstream.requests.clear()

        def hold(received, *_):
            own_upstream.peak = max(own_upstream.peak, len(own_upstream.open))
            own_upstream.gate.acquire(timeout=30)
            return up.answer(200, received.target.encode())
        own_upstream.behave = hold
        return made
    yield make
    if hasattr(own_upstream, "gate"):
        own_upstream.gate.release(10000)


def send(tenant, token, path):
    connection = tenant.gateway.connect()
    connection.socket.settimeout(30)
    connection.send(request("GET", path, tenant.host, token))
    return connection


def everything_was_read(tenant):
    """With one loop, an answer to what came later means that what came before was seen."""
    for _ in range(3):
        assert tenant.get().status == 401


def test_who_waits_too_long_for_a_connection_gets_503(bounded, own_upstream):
    tenant, = bounded(connections=2, wait="1s")
    token, = tenant.tokens
    held = [send(tenant, token, f"/{number}") for number in range(2)]
    wait_until(lambda: len(own_upstream.requests) == 2)
    begun = time.monotonic()
    answer = tenant.get(token)
    assert (answer.status, answer.error) == (503, "overloaded")
    assert int(answer.header("Retry-After")) >= 1
    assert 0.7 < time.monotonic() - begun < 15
    own_upstream.gate.release(2)
    assert {connection.read().status for connection in held} == {200}
    own_upstream.gate.release(1)
    assert tenant.get(token).status == 200


def test_who_waits_is_served_when_a_connection_becomes_free(bounded, own_upstream):
    tenant, = bounded(connections=2, wait="20s")
    token, = tenant.tokens
    clients = [send(tenant, token, f"/{number}") for number in range(12)]
    wait_until(lambda: len(own_upstream.requests) == 2)
    everything_was_read(tenant)
    assert len(own_upstream.requests) == 2
    own_upstream.gate.release(12)
    assert sorted(connection.read().body for connection in clients) == sorted(b"/%d" % number for number in range(12))
    assert own_upstream.peak <= 2


def test_a_client_that_left_the_line_is_not_served(bounded, own_upstream):
    tenant, = bounded(connections=1, wait="20s")
    token, = tenant.tokens
    first = send(tenant, token, "/first")
    wait_until(lambda: own_upstream.requests)
    gone, last = send(tenant, token, "/gone"), send(tenant, token, "/last")
    everything_was_read(tenant)
    reset(gone.socket)
    gone.socket.close()
    everything_was_read(tenant)
    own_upstream.gate.release(3)
    assert first.read().status == last.read().status == 200
    assert [received.target for received in own_upstream.requests] == ["/first", "/last"]


def test_tenants_take_turns_in_the_line(bounded, own_upstream):
    """Ten requests of one tenant wait when the other's first comes: it is among the next two."""
    busy, quiet = bounded(connections=1, wait="20s", tenants=2)
    busy_token, quiet_token = busy.tokens
    clients = [send(busy, busy_token, f"/busy/{number}") for number in range(10)]
    wait_until(lambda: own_upstream.requests)
    everything_was_read(busy)
    clients += [send(quiet, quiet_token, f"/quiet/{number}") for number in range(2)]
    everything_was_read(busy)
    own_upstream.gate.release(12)
    assert {connection.read().status for connection in clients} == {200}
    order = [received.target.split("/")[1] for received in own_upstream.requests]
    assert order[:6].count("quiet") == 2, order


def test_the_line_has_an_end(bounded, own_upstream):
    """1,024 may wait; the next one is refused at once and not after the wait."""
    tenant, = bounded(connections=1, wait="60s")
    token, = tenant.tokens
    clients = [send(tenant, token, "/") for _ in range(1025)]
    everything_was_read(tenant)
    begun = time.monotonic()
    answer = tenant.get(token)
    assert (answer.status, answer.error) == (503, "overloaded")
    assert time.monotonic() - begun < 30
    assert len(own_upstream.requests) == 1
    for connection in clients:
        connection.socket.close()


# Names that move

@pytest.fixture
def resolving(binaries, migrated, stand_in, tmp_path):
    """Starts a gateway that sees a hosts file of its own, in a mount namespace."""
    names = Names(tmp_path, binaries)
    if not names.works:
        pytest.skip("mounting is not allowed here, and the machine's own hosts file is not ours to change")
    running = []

    def begin():
        database = migrated()
        running.append(Gateway(tmp_path, database_url=database.url, jwks_url_template=stand_in.template))
        running[0].database = database
        return running[0]
    begin.name = names.set
    yield begin
    for gateway in running:
        gateway.remove()


@pytest.mark.waits_long
def test_a_name_is_followed_when_it_moves_and_kept_when_it_vanishes(resolving, stand_in, pool, upstreams):
    old = upstreams(Elsewhere, "127.0.0.1")
    new = upstreams(Elsewhere, "127.0.0.2", old.port)
    resolving.name(moving=["127.0.0.1"])
    gateway = resolving()
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=f"http://moving.test:{old.port}")
    token = tenant.token()
    with gateway.connect() as connection:
        def ask():
            answer = connection.request("GET", "/", tenant.host, token)
            assert answer.status == 200
            time.sleep(0.02)
            return answer
        for _ in range(10):
            ask()
        assert old.requests and not new.requests
        resolving.name(moving=["127.0.0.2"])
        wait_until(lambda: ask() and new.requests, 30, "a request at the new address")
        wait_until(lambda: ask() and not old.open, 30, "the end of the connections to the old address")
        resolving.name()
        until = time.monotonic() + 7
        while time.monotonic() < until:
            ask()


@pytest.mark.parametrize("dead", ["127.0.0.3", "240.0.0.1"])
def test_a_dead_address_among_several_of_a_name_is_stepped_over(resolving, stand_in, pool, upstreams, dead):
    alive = upstreams(Elsewhere, "127.0.0.2")
    resolving.name(several=[dead, "127.0.0.2"])
    gateway = resolving()
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=f"http://several.test:{alive.port}")
    token = tenant.token()
    for number in range(12):
        body = b"x" if number % 2 else b""
        assert tenant.get(token, method="POST" if body else "GET", body=body, headers=[("Connection", "close")]).status == 200
    assert len(alive.requests) == 12
