"""Either side going away in the middle: who is told, how soon, and what never looks whole."""

import http.client
import random
import socket
import subprocess
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from stage import CHUNKED, LENGTH, UNTIL_CLOSE, Stage, chunk, head, http_1_0, narrow, reset
from wire import request


@pytest.fixture
def stage():
    upstream = Stage()
    yield upstream
    upstream.remove()


@pytest.fixture
def tenant(gateway, stand_in, pool, stage):
    """A tenant whose upstream is the test."""
    return make_tenant(gateway, gateway.database, stand_in, pool, upstream=stage.url)


# A client that goes away

def begin_upload(tenant):
    return request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "100")], b"abc")


def begin_chunks(tenant):
    return request("POST", "/", tenant.host, tenant.token(), [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n"


def whole(tenant):
    return request("GET", "/", tenant.host, tenant.token())


@pytest.mark.parametrize("begin", [begin_upload, begin_chunks])
@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answer under way"])
def test_a_fin_inside_a_request_cancels_the_upstream_within_a_second(gateway, tenant, stage, begin, answered):
    with gateway.connect() as connection:
        connection.send(begin(tenant))
        peer = stage.accept()
        if answered:
            peer.send(CHUNKED)
            assert head(connection)[0] == 200
        connection.socket.shutdown(socket.SHUT_WR)
        assert peer.is_cancelled(20)
        # Nothing that the client could take for a whole answer.
        with pytest.raises((ConnectionError, AssertionError)):
            head(connection) if not answered else chunk(connection)


@pytest.mark.parametrize("begin", [begin_upload, begin_chunks, whole])
@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answer under way"])
def test_a_reset_cancels_the_upstream_within_a_second(gateway, tenant, stage, begin, answered):
    connection = gateway.connect()
    connection.send(begin(tenant))
    peer = stage.accept()
    if answered:
        peer.send(CHUNKED)
        assert head(connection)[0] == 200
    reset(connection.socket)
    connection.socket.close()
    assert peer.is_cancelled(20)


def test_a_client_that_closed_is_noticed_with_the_next_event(gateway, tenant, stage):
    connection = gateway.connect()
    connection.send(whole(tenant))
    peer = stage.accept()
    peer.send(CHUNKED)
    assert head(connection)[0] == 200
    connection.socket.close()
    # The first event is answered by a reset, which is what tells a closed client from a half-closed one.
    peer.send(b"3\r\nabc\r\n")
    assert peer.is_cancelled(20)


def test_a_half_closed_client_gets_event_after_event(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(whole(tenant))
        connection.socket.shutdown(socket.SHUT_WR)
        peer = stage.accept()
        peer.send(CHUNKED)
        assert head(connection)[0] == 200
        for _ in range(3):
            assert not peer.is_cancelled(0.3)
            peer.send(b"3\r\nabc\r\n")
            assert chunk(connection) == b"abc"
        peer.socket.settimeout(20)
        peer.send(b"0\r\n\r\n")
        assert connection.chunks() == (b"", True)
        assert connection.is_closed()


@pytest.mark.parametrize("size", [0, 1, 30000])
def test_a_whole_body_with_a_fin_is_served(gateway, tenant, stage, size):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", str(size))], b"x" * size))
        connection.socket.shutdown(socket.SHUT_WR)
        peer = stage.accept()
        assert up.exactly(peer.reader, size) == b"x" * size
        peer.send(LENGTH % 2 + b"ok")
        assert connection.read().body == b"ok"
        assert connection.is_closed()


@pytest.mark.waits_long
def test_a_half_closed_client_gets_its_answer_however_long_it_takes(gateway, tenant, stage):
    """Longer than any clock of the gateway's own for a client, shorter than the upstream's."""
    with gateway.connect() as connection:
        connection.send(whole(tenant))
        peer = stage.accept()
        connection.socket.shutdown(socket.SHUT_WR)
        assert not peer.is_cancelled(11)
        peer.send(LENGTH % 2 + b"ok")
        connection.socket.settimeout(20)
        assert connection.read().body == b"ok"
        assert connection.is_closed()


@pytest.mark.parametrize("kind", ["kept alive", "closing", "HTTP/1.0"])
def test_a_half_closed_client_gets_the_whole_of_an_answer_that_waits_at_the_gateway(gateway, tenant, stage, kind):
    """Of every size, since what matters is how much of it waits when the client's FIN comes."""
    fields = [("Connection", "close")] if kind == "closing" else []
    message = request("GET", "/", tenant.host, tenant.token(), fields)
    body = bytes(range(256)) * (4 << 12)
    for size in range(64 << 10, 4 << 20, 300 << 10):
        connection = narrow(gateway.port)
        connection.send(http_1_0(message) if kind == "HTTP/1.0" else message)
        peer = stage.accept()
        answer = LENGTH % size + body[:size]
        writer = threading.Thread(target=swallow, args=(peer, answer))
        writer.start()
        writer.join(0.2)
        connection.socket.shutdown(socket.SHUT_WR)
        time.sleep(0.03)
        answer = connection.read()
        assert (answer.whole, len(answer.body)) == (True, size)
        connection.socket.close()
        peer.socket.shutdown(socket.SHUT_RDWR)
        writer.join()


def test_an_early_answer_that_the_gateway_has_whole_reaches_a_client_that_ends_its_upload_there(gateway, tenant, stage):
    """The FIN is inside the request, but nothing is left to cancel: the gateway has hung up on the upstream already."""
    token, body = tenant.token(), bytes(range(256)) * 256
    for size in range(16 << 10, 64 << 10, 6 << 10):
        connection = narrow(gateway.port)
        connection.send(request("POST", "/", tenant.host, token, [("Content-Length", "1000000")]))
        peer = stage.accept()
        peer.send(LENGTH % size + body[:size])
        assert peer.is_cancelled(20)
        connection.socket.shutdown(socket.SHUT_WR)
        answer = connection.read()
        assert (answer.whole, len(answer.body)) == (True, size)
        connection.socket.close()


def swallow(peer, data):
    try:
        peer.send(data)
    except OSError:
        pass


# An upstream that dies in the middle

HALVES = {
    "length": (LENGTH % 10, b"abc"),
    "between chunks": (CHUNKED, b"3\r\nabc\r\n"),
    "inside a chunk": (CHUNKED, b"9\r\nabc"),
    "inside a size": (CHUNKED, b"3\r\nabc\r\n1"),
    "inside a chunk's end": (CHUNKED, b"3\r\nabc\r"),
    "inside the last chunk": (CHUNKED, b"3\r\nabc\r\n0\r\n"),
    "inside the trailers": (CHUNKED, b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n"),
    "until close": (UNTIL_CLOSE, b"abc"),
}


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("framing, death", [
    (framing, death) for framing in HALVES for death in ("closes", "resets")
    # That is the regular end of such an answer.
    if (framing, death) != ("until close", "closes")])
def test_an_answer_that_breaks_off_can_never_look_whole(gateway, tenant, stage, framing, death, version):
    start, half = HALVES[framing]
    with gateway.connect() as connection:
        message = request("GET", "/", tenant.host, tenant.token())
        connection.send(message if version == "HTTP/1.1" else http_1_0(message))
        peer = stage.accept()
        peer.send(start + half)
        # The first bytes are through before the end begins, so that a reset cannot eat them.
        while b"abc" not in connection.buffer:
            assert connection._more()
        peer.close() if death == "closes" else peer.reset()
        answer = connection.read()
        assert answer.status == 200
        assert answer.body.startswith(b"abc") and not answer.whole


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("garbage", [b"nonsense\r\n", b"3\r\nabcd\r\n", b"0\r\nnonsense\r\n\r\n", b"-1\r\n", b"3\nabc\r\n"])
def test_an_answer_that_turns_to_garbage_can_never_look_whole(gateway, tenant, stage, garbage, version):
    message = request("GET", "/", tenant.host, tenant.token())
    with gateway.connect() as connection:
        connection.send(message if version == "HTTP/1.1" else http_1_0(message))
        peer = stage.accept()
        peer.send(CHUNKED + b"3\r\nabc\r\n")
        while b"abc" not in connection.buffer:
            assert connection._more()
        peer.send(garbage)
        answer = connection.read()
        assert answer.body.startswith(b"abc") and not answer.whole
        assert peer.is_cancelled(20)


@pytest.mark.parametrize("framing", HALVES)
def test_curl_calls_an_answer_that_breaks_off_an_error(gateway, tenant, stage, framing):
    start, half = HALVES[framing]
    curl = subprocess.Popen(
        ["curl", "-sS", "-N", "--max-time", "20", "-H", f"Host: {tenant.host}", "-H", f"Authorization: Bearer {tenant.token()}",
         f"http://127.0.0.1:{gateway.port}/"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peer = stage.accept()
    peer.send(start + half)
    assert curl.stdout.read(3) == b"abc"
    peer.reset()
    # 18: the transfer was shorter than announced; 56: the connection failed while receiving.
    assert curl.wait(timeout=20) in (18, 56), curl.stderr.read()


def test_nobody_is_answered_behind_an_answer_that_broke_off(gateway, tenant, stage):
    message = request("GET", "/", tenant.host, tenant.token())
    with gateway.connect() as connection:
        connection.send(message * 3)
        peer = stage.accept()
        peer.send(LENGTH % 10 + b"abc")
        while b"abc" not in connection.buffer:
            assert connection._more()
        peer.reset()
        assert not connection.read().whole
        assert connection.is_closed()


def test_an_upstream_that_dies_inside_an_upload_is_502(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "100")], b"abc"))
        peer = stage.accept()
        assert up.exactly(peer.reader, 3) == b"abc"
        peer.reset()
        answer = connection.read()
        assert (answer.status, answer.error) == (502, "upstream_reset")
        assert answer.header("Connection") == "close"


# A FIN behind what is not whole

def test_a_fin_inside_a_pipelined_request_ends_the_connection_after_the_answers_before_it(gateway, tenant, stage):
    message = request("GET", "/a", tenant.host, tenant.token())
    with gateway.connect() as connection:
        connection.send(message + request("GET", "/b", tenant.host)[:-5])
        connection.socket.shutdown(socket.SHUT_WR)
        begun = time.monotonic()
        stage.accept().send(LENGTH % 2 + b"ok")
        assert connection.read().body == b"ok"
        assert connection.is_closed()
        # Long before the time that a head may take.
        assert time.monotonic() - begun < 12


def test_a_fin_inside_a_body_cancels_the_upstream_also_when_it_came_before_the_connection(gateway, stand_in, pool, own_upstream):
    """Everything, the FIN included, is there before the pool has answered or the upstream is connected."""
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=own_upstream.url)
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "10")], b"abc"))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.socket.recv(100) == b""
    assert own_upstream.requests == []


def test_every_request_before_a_fin_is_answered_in_order(gateway, stand_in, pool, upstream):
    """Refused and admitted ones in any order, in one write or in several: what waits for its turn is not lost."""
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=upstream.url)
    generator, token = random.Random(7), tenant.token()
    kinds = {
        401: request("GET", "/", tenant.host), 421: request("GET", "/", "nobody.example.com"),
        200: request("GET", "/", tenant.host, token)}
    posts = {401: request("POST", "/", tenant.host, body=b"b" * 50), 200: request("POST", "/", tenant.host, token, body=b"b")}
    for _ in range(40):
        expected = generator.choices(list(kinds), k=generator.randint(1, 9))
        stream = b"".join(generator.choice([kinds, posts if status in posts else kinds])[status] for status in expected)
        with gateway.connect() as connection:
            middle = generator.choice([0, generator.randint(0, len(stream))])
            connection.send(stream[:middle])
            connection.send(stream[middle:])
            connection.socket.shutdown(socket.SHUT_WR)
            assert [connection.read().status for _ in expected] == expected
            assert connection.is_closed()


@pytest.mark.parametrize("size", [100_000, 8 << 20, 40 << 20])
def test_pythons_http_client_sees_the_refusal_of_an_upload(gateway, tenant, size):
    """It writes the whole body before it reads."""
    client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    client.request("POST", "/", body=b"b" * size, headers={"Host": tenant.host})
    assert client.getresponse().status == 401
    client.close()


def test_a_refused_upload_that_trickles_is_read_for_as_long_as_something_comes(gateway, tenant):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, headers=[("Content-Length", "10000000")]))
        for _ in range(6):
            connection.send(b"b" * 1000)
            time.sleep(0.4)
        assert connection.read().status == 401


def test_a_refused_upload_that_never_ends_is_ended_after_five_seconds(gateway, tenant):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, headers=[("Content-Length", "10000000")]))
        begun = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begun < 15:
                connection.send(b"b" * 1000)
                time.sleep(0.2)
