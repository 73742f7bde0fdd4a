"""Each bound: what just fits is served, what is beyond it is told so by its own code, and nobody else suffers."""

import os
import shlex
import socket
import struct
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from gateway import Gateway
from processes import wait_until
from wire import Connection, request

HEAD, TARGET, FIELD, FIELDS, BODY = 4000, 300, 1500, 10, 1000


@pytest.fixture(scope="module")
def tight(binaries, migrated, stand_in, shared_upstream):
    """A gateway with small bounds, for all tests that only read them."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        max_head_bytes=HEAD, max_target_bytes=TARGET, max_header_bytes=FIELD, max_headers=FIELDS, max_body_bytes=BODY,
        head_timeout="1s", idle_timeout="2s", max_requests_per_connection=3)
    gateway.database = database
    yield gateway
    gateway.remove()


@pytest.fixture
def small(tight, stand_in, pool, upstream):
    """A tenant of that gateway."""
    return make_tenant(tight, tight.database, stand_in, pool)


class From(Connection):
    """A connection from another loopback address."""

    def __init__(self, port, address, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(address, 0))
        self.buffer = b""


# Heads

def of_head(size):
    start = b"GET / HTTP/1.1\r\nHost: a.example.com\r\n"
    lines = size - len(start) - 2
    parts = [lines // 4] * 3 + [lines - lines // 4 * 3]
    message = start + b"".join(b"X: " + b"x" * (part - 5) + b"\r\n" for part in parts) + b"\r\n"
    assert len(message) == size
    return message


def of_field(size):
    return b"GET / HTTP/1.1\r\nHost: a.example.com\r\nX: " + b"x" * (size - 3) + b"\r\n\r\n"


def of_target(size):
    return b"GET /" + b"x" * (size - 1) + b" HTTP/1.1\r\nHost: a.example.com\r\n\r\n"


def of_fields(count):
    return b"GET / HTTP/1.1\r\nHost: a.example.com\r\n" + b"X: x\r\n" * (count - 1) + b"\r\n"


@pytest.mark.parametrize("make, bound, status, code", [
    (of_head, HEAD, 431, "head_too_large"), (of_field, FIELD, 431, "field_too_large"),
    (of_fields, FIELDS, 431, "too_many_fields"), (of_target, TARGET, 414, "target_too_long"),
], ids=["head", "header", "headers", "target"])
@pytest.mark.parametrize("step", [97, 100_000], ids=["in pieces", "at once"])
def test_a_head_at_the_bound_is_read_and_one_beyond_is_refused(tight, make, bound, status, code, step):
    def ask(message):
        with tight.connect() as connection:
            try:
                for i in range(0, len(message), step):
                    connection.send(message[i:i + step])
            except OSError:
                # The refusal came before the end of the head.
                pass
            answer = connection.read()
            if answer.status == status:
                assert connection.is_closed()
            return answer
    assert ask(make(bound)).error == "unknown_host"
    refused = ask(make(bound + 1))
    assert (refused.status, refused.header("Connection")) == (status, "close")
    assert tight.wait_event("refused", request_id=refused.json["request_id"])["code"] == code


def test_heads_of_64_kb_pass_both_ways_where_that_is_allowed(start, database, stand_in, pool, upstream):
    size = 64 << 10
    gateway = start(
        database_url=database.url, max_head_bytes="256KiB", max_header_bytes="80KiB", max_target_bytes="64KiB")
    tenant = make_tenant(gateway, database, stand_in, pool)
    cookie, path = "a=" + "c" * (size - 2), "/" + "p" * (size - 1)
    upstream.behave = lambda *_: up.answer(200, b"ok", [("Set-Cookie", cookie)])
    message = request("GET", path, tenant.host, tenant.token(), [("Cookie", cookie)])
    with gateway.connect() as connection:
        for _ in range(2):
            connection.send(message)
            answer = connection.read()
            assert (answer.body, answer.header("Set-Cookie")) == (b"ok", cookie)
            assert (upstream.last.target, upstream.last.value("Cookie")) == (path, cookie)
        for i in range(0, len(message), 1000):
            connection.send(message[i:i + 1000])
        assert connection.read().body == b"ok"


# Bodies

def length(size):
    return [("Content-Length", str(size))], b"x" * size


def chunks(size):
    whole = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
        (b"x" * size)[i:i + 70] for i in range(0, size, 70)))
    return [("Transfer-Encoding", "chunked")], whole + b"0\r\n\r\n"


@pytest.mark.parametrize("own, bound", [(None, BODY), (400, 400), (5000, BODY), (BODY, BODY)])
@pytest.mark.parametrize("make", [length, chunks])
def test_a_body_may_have_the_smaller_bound_of_gateway_and_tenant(tight, stand_in, pool, upstream, make, own, bound):
    tenant = make_tenant(tight, tight.database, stand_in, pool, max_body_bytes=own)
    token = tenant.token()

    def ask(size):
        headers, wire = make(size)
        with tight.connect() as connection:
            connection.send(request("POST", f"/{size}", tenant.host, token, headers) + wire)
            return connection.read()
    for size in (0, 1, bound - 1, bound):
        assert ask(size).json["bodyBytes"] == size
    for size in (bound + 1, bound + 1000):
        answer = ask(size)
        assert (answer.status, answer.error, answer.header("Connection")) == (413, "body_too_large", "close")
    # The upstream never takes a part for the whole.
    assert max(len(received.body) for received in upstream.requests) == bound


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(tight, small, upstream):
    for headers in ([("Content-Length", str(BODY + 1))], [("Content-Length", str(BODY + 1)), ("Expect", "100-continue")]):
        with tight.connect() as connection:
            connection.send(request("POST", "/", small.host, small.token(), headers))
            interim = []
            assert connection.read(interim=interim).status == 413
            assert interim == []
    assert upstream.requests == []


def test_a_bound_of_a_tenant_holds_from_the_moment_it_is_written(gateway, tenant):
    token = tenant.token()
    assert tenant.get(token, method="POST", body=b"x" * 101).status == 200
    tenant.update("max_body_bytes = 100")
    gateway.wait_status(413, tenant.host, token, method="POST", body=b"x" * 101)
    assert tenant.get(token, method="POST", body=b"x" * 100).status == 200
    tenant.update("max_body_bytes = NULL")
    gateway.wait_status(200, tenant.host, token, method="POST", body=b"x" * 101)


# Time

@pytest.mark.parametrize("kept_alive", [False, True], ids=["new", "kept alive"])
def test_a_head_sent_byte_by_byte_has_the_same_time_as_any_other(tight, small, kept_alive):
    """Progress does not extend it, neither on a new connection nor on one that is kept alive."""
    with tight.connect() as connection:
        if kept_alive:
            assert connection.request("GET", "/", small.host).status == 401
        begun, stop = time.monotonic(), threading.Event()

        def drip():
            try:
                for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 400:
                    connection.send(bytes([byte]))
                    if stop.wait(0.1):
                        return
            except OSError:
                pass
        writer = threading.Thread(target=drip)
        writer.start()
        answer = connection.read()
        stop.set()
        writer.join()
        assert (answer.status, answer.error, answer.header("Connection")) == (408, "head_timeout", "close")
        assert 0.6 < time.monotonic() - begun < 12


def test_a_connection_that_says_nothing_is_closed_without_an_answer(tight):
    with tight.connect() as connection:
        begun = time.monotonic()
        assert connection.is_closed()
        assert 0.6 < time.monotonic() - begun < 12


def test_an_idle_connection_is_closed_after_its_time(tight, small):
    with tight.connect() as connection:
        assert connection.request("GET", "/", small.host).status == 401
        time.sleep(1.2)
        # Longer than a head may take, shorter than the connection may be idle; and the clock starts anew.
        assert connection.request("GET", "/", small.host).status == 401
        begun = time.monotonic()
        assert connection.is_closed()
        assert 1.5 < time.monotonic() - begun < 12


def test_a_request_under_way_is_not_idle(tight, small, upstream):
    def slow(*_):
        time.sleep(3)
        return up.answer(200, b"late")
    upstream.behave = slow
    assert small.get(small.token()).body == b"late"


# Requests a connection

def test_the_last_request_of_a_connection_is_told_so(tight, small):
    token = small.token()
    with tight.connect() as connection:
        answers = [connection.request("GET", "/", small.host, token if number else None) for number in range(3)]
        assert [answer.status for answer in answers] == [401, 200, 200]
        assert [answer.header("Connection") for answer in answers] == [None, None, "close"]
        assert connection.is_closed()


def test_requests_pipelined_beyond_the_bound_are_not_answered(tight, small):
    with tight.connect() as connection:
        connection.send(request("GET", "/", small.host) * 5)
        assert [connection.read().header("Connection") for _ in range(3)] == [None, None, "close"]
        assert connection.is_closed()


# Connections

def overloaded(connection, host):
    """Whether the gateway says that it has too many connections; either way it answers."""
    try:
        connection.send(request("GET", "/", host))
    except OSError:
        pass
    answer = connection.read()
    if answer.status != 503:
        assert answer.status == 401
        return False
    assert (answer.error, answer.header("Connection")) == ("overloaded", "close")
    assert int(answer.header("Retry-After")) >= 1
    assert connection.is_closed()
    return True


def test_connections_beyond_the_bound_are_answered_503_and_the_others_go_on(start, database, stand_in, pool):
    gateway = start(database_url=database.url, max_connections=8)
    tenant = make_tenant(gateway, database, stand_in, pool)
    kept = []

    def fill():
        """Until eight are open: the connections of the preparation may still be closing."""
        connection = gateway.connect()
        if overloaded(connection, tenant.host):
            connection.socket.close()
        else:
            kept.append(connection)
        return len(kept) == 8
    wait_until(fill)
    for _ in range(30):
        with gateway.connect() as connection:
            assert overloaded(connection, tenant.host)
    token = tenant.token()
    for connection in kept:
        assert connection.request("GET", "/", tenant.host, token).status == 200
    assert gateway.admin("/ready")[0] == 200
    kept.pop().socket.close()
    wait_until(fill)
    for connection in kept:
        connection.socket.close()


def test_connections_of_one_address_are_bounded_and_those_of_another_are_not_counted(start, database, stand_in, pool):
    gateway = start(database_url=database.url, max_connections_per_address=3)
    tenant = make_tenant(gateway, database, stand_in, pool)
    crowd = [From(gateway.port, "127.0.0.2") for _ in range(3)]
    assert not any(overloaded(connection, tenant.host) for connection in crowd)
    for _ in range(5):
        with From(gateway.port, "127.0.0.2") as connection:
            assert overloaded(connection, tenant.host)
    for address in ("127.0.0.1", "127.0.0.3"):
        with From(gateway.port, address) as connection:
            assert not overloaded(connection, tenant.host)
    crowd.pop().socket.close()

    def comes_in():
        with From(gateway.port, "127.0.0.2") as connection:
            return not overloaded(connection, tenant.host)
    wait_until(comes_in)
    for connection in crowd:
        connection.socket.close()


def test_behind_a_trusted_proxy_the_forwarded_address_counts(start, database, stand_in, pool, upstream):
    """By requests under way, since one connection of a load balancer carries many clients."""
    gateway = start(database_url=database.url, max_connections_per_address=2, trusted_proxies="127.0.0.0/8,10.0.0.0/8")
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    assert tenant.get(token).status == 200
    release = threading.Event()

    def hold(received, *_):
        if received.target == "/hold":
            release.wait(20)
        return up.answer(200, b"ok")
    upstream.behave = hold
    crowd, before = [gateway.connect() for _ in range(2)], len(upstream.requests)
    for connection in crowd:
        connection.send(request("GET", "/hold", tenant.host, token, [("X-Forwarded-For", "198.51.100.1, 203.0.113.7")]))
    wait_until(lambda: len(upstream.requests) - before == 2)

    def ask(*forwarded):
        return tenant.get(token, headers=[("X-Forwarded-For", value) for value in forwarded])
    for beyond in (["203.0.113.7"], ["203.0.113.8, 203.0.113.7"], ["203.0.113.7, 10.1.2.3"], ["203.0.113.8", "203.0.113.7"],
                   ["203.0.113.7:4711"], ['"203.0.113.7"'], ['"203.0.113.7:4711", [::ffff:10.1.2.3]:80'], ["unknown, 203.0.113.7"]):
        answer = ask(*beyond)
        assert (answer.status, answer.error) == (503, "overloaded"), beyond
    for served in (["203.0.113.8"], ["203.0.113.7, 203.0.113.8"], ["203.0.113.7, 203.0.113.8, 10.1.2.3"]):
        assert ask(*served).status == 200, served
    # Kept alive and idle, they count no longer.
    release.set()
    assert {connection.read().status for connection in crowd} == {200}
    wait_until(lambda: ask("203.0.113.7").status == 200)
    for connection in crowd:
        connection.socket.close()


def test_behind_proxy_protocol_the_address_of_its_header_counts(start, database, stand_in, pool):
    gateway = start(ready=False, database_url=database.url, max_connections_per_address=2, proxy_protocol="v2")
    gateway.admin_port = gateway.port_of("admin", 20)
    gateway.wait_ready()
    gateway.port = gateway.port_of("proxy", 20)

    def come(address):
        connection = gateway.connect()
        connection.send(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(
            "!H4s4sHH", 12, socket.inet_aton(address), socket.inet_aton("192.0.2.1"), 40000, 443))
        connection.send(request("GET", "/", "nobody.example.com"))
        return connection, connection.read()
    crowd = [come("203.0.113.7") for _ in range(2)]
    assert [answer.status for _, answer in crowd] == [421, 421]
    connection, answer = come("203.0.113.7")
    assert (answer.status, answer.error) == (503, "overloaded")
    assert connection.is_closed()
    assert come("203.0.113.8")[1].status == 421


@pytest.fixture
def poor(binaries, database, stand_in, shared_upstream, tmp_path):
    """A gateway that may open 512 descriptors."""
    program = tmp_path / "poolgate"
    program.write_text(f"#!/bin/sh\nulimit -n 512\nexec {shlex.quote(str(binaries / 'poolgate'))} \"$@\"\n")
    program.chmod(0o755)
    gateway = Gateway(
        tmp_path, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template)
    yield gateway
    gateway.remove()


def test_a_crowd_leaves_descriptors_for_upstreams_keys_and_the_database(poor, database, stand_in, pool):
    """By default half of them, less 128, are for clients: 128 of 512."""
    tenant = make_tenant(poor, database, stand_in, pool)
    crowd = [poor.connect() for _ in range(300)]
    served = [connection for connection in crowd if not overloaded(connection, tenant.host)]
    assert 110 <= len(served) <= 128
    assert len(os.listdir(f"/proc/{poor.process.pid}/fd")) < 384
    # A pool and a row that were never seen before, and an upstream with no connection yet.
    database.add("late.example.com", pool + "x")
    token = stand_in.mint(pool + "x")
    wait_until(lambda: served[0].request("GET", "/", "late.example.com", token).status == 200)
    for connection in served[1:100]:
        connection.send(request("GET", "/", "late.example.com", token))
    assert {connection.read().status for connection in served[1:100]} == {200}
    for connection in crowd:
        connection.socket.close()
    poor.wait_status(200, tenant.host, tenant.token(), seconds=15)
