"""HTTP/1.1 through the gateway: bodies, framing, connections, and what upstreams do wrong."""

import hashlib
import socket
import struct
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from processes import wait_until
from stage import LENGTH, Stage
from wire import request


@pytest.fixture
def stage():
    upstream = Stage()
    yield upstream
    upstream.remove()


def test_pipelined_requests_are_answered_in_order(gateway, tenant, upstream):
    token = tenant.token()

    def slow_first(received, _socket, _number):
        if received.target == "/0":
            time.sleep(0.2)
        return up.answer(200, received.target.encode())
    upstream.behave = slow_first
    with gateway.connect() as connection:
        connection.send(b"".join(request("GET", f"/{i}", tenant.host, token) for i in range(20)))
        assert [connection.read().body for _ in range(20)] == [f"/{i}".encode() for i in range(20)]


def test_pipelined_refusals_and_admissions_keep_their_order(gateway, tenant):
    token = tenant.token()
    with gateway.connect() as connection:
        connection.send(b"".join(
            request("POST", "/", tenant.host, token if i % 2 else None, body=b"x" * 10) for i in range(10)))
        assert [connection.read().status for _ in range(10)] == [401, 200] * 5


def test_a_head_may_come_byte_by_byte(gateway, tenant):
    with gateway.connect() as connection:
        for byte in request("GET", "/", tenant.host):
            connection.send(bytes([byte]))
        assert connection.read().status == 401


def test_connections_are_kept_alive_on_both_sides(gateway, tenant, own_upstream):
    tenant.update(f"upstream = '{own_upstream.url}'")
    token = tenant.token()
    wait_until(lambda: tenant.get(token).status == 200 and own_upstream.connections > 0)
    before = own_upstream.connections
    with gateway.connect() as connection:
        for _ in range(10):
            assert connection.request("GET", "/", tenant.host, token).status == 200
    assert own_upstream.connections - before <= 1


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 1 << 20])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_pass_whole(gateway, tenant, upstream, size, chunked):
    body = bytes(i * 7 & 255 for i in range(251)) * (size // 251 + 1)
    body = body[:size]
    digest = hashlib.sha256(body).hexdigest()
    upstream.behave = lambda received, *_: up.answer(200, hashlib.sha256(received.body).hexdigest().encode())
    headers = [("Transfer-Encoding", "chunked")] if chunked else [("Content-Length", str(size))]
    wire = body
    if chunked:
        wire = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part)
                        for part in (body[i:i + 5000] for i in range(0, size, 5000))) + b"0\r\n\r\n"
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), headers) + wire)
        assert connection.read().body.decode() == digest
        assert connection.request("GET", "/", tenant.host).status == 401


@pytest.mark.parametrize("bad", [b"xyz\r\n", b"3\nabc\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"0x3\r\nabc\r\n", b" 3\r\nabc\r\n",
                                 b"3 x\r\nabc\r\n", b"ffffffffffffffffff\r\n", b"3\r\nabc\n0\r\n\r\n"])
def test_a_malformed_chunk_is_400_and_the_upstream_never_sees_a_whole_request(gateway, tenant, upstream, bad):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Transfer-Encoding", "chunked")]) + bad + b"0\r\n\r\n")
        answer = connection.read()
        assert (answer.status, answer.error) == (400, "bad_request")
        assert connection.is_closed()
    assert upstream.requests == []


def test_expect_100_continue_is_answered_by_the_upstream(gateway, tenant, upstream):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "5"), ("Expect", "100-continue")]))
        interim = []
        threading.Timer(0.2, lambda: connection.send(b"hello")).start()
        assert connection.read(interim=interim).status == 200
        assert interim == [100]
    assert upstream.last.body == b"hello"


def test_a_refused_upload_gets_no_100_continue(gateway, tenant):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, None, [("Content-Length", "5"), ("Expect", "100-continue")]))
        interim = []
        assert connection.read(interim=interim).status == 401
        assert interim == []


def test_interim_answers_pass(gateway, tenant, upstream):
    upstream.behave = lambda *_: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + up.answer(200, b"ok")
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        interim = []
        assert connection.read(interim=interim).body == b"ok"
        assert interim == [103]


def test_head_204_and_304_have_no_body(gateway, tenant, upstream):
    token = tenant.token()
    with gateway.connect() as connection:
        answer = connection.request("HEAD", "/", tenant.host, token)
        assert answer.status == 200 and int(answer.header("Content-Length")) > 0
        for status in (204, 304):
            upstream.behave = lambda *_: up.answer(status, headers=[("ETag", '"x"')])
            assert connection.request("GET", "/", tenant.host, token).status == status
        upstream.behave = None
        assert connection.request("GET", "/", tenant.host, token).status == 200


def test_http_1_0_clients_get_an_answer_they_can_read(gateway, tenant, upstream):
    token = tenant.token()
    upstream.behave = lambda *_: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    with gateway.connect() as connection:
        connection.send(f"GET / HTTP/1.0\r\nHost: {tenant.host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        answer = connection.read()
        assert answer.body == b"abcdef"
        assert answer.header("Transfer-Encoding") is None
        assert answer.header("Connection") == "close"
    upstream.behave = None
    with gateway.connect() as connection:
        for _ in range(2):
            connection.send(f"GET / HTTP/1.0\r\nHost: {tenant.host}\r\nAuthorization: Bearer {token}\r\nConnection: keep-alive\r\n\r\n".encode())
            answer = connection.read()
            assert answer.status == 200
            assert answer.header("Connection") == "keep-alive"


def test_chunked_answers_and_their_trailers_pass(gateway, tenant, upstream):
    upstream.behave = lambda *_: (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                                  b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 9\r\n\r\n")
    with gateway.connect() as connection:
        assert connection.request("GET", "/", tenant.host, tenant.token()).body == b"abc0123456789"
        assert connection.trailers == [("X-Sum", "9")]


def test_an_answer_that_ends_with_the_connection_is_given_framing(gateway, tenant, upstream):
    def behave(_received, connection, _number):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nabc")
        time.sleep(0.05)
        connection.sendall(b"def")
    upstream.behave = behave
    with gateway.connect() as connection:
        token = tenant.token()
        assert connection.request("GET", "/", tenant.host, token).body == b"abcdef"
        assert connection.request("GET", "/", tenant.host).status == 401


def drop(_received, connection, _number):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


UPSTREAM_FAULTS = {
    "closes": (lambda *_: None, 502, "upstream_reset"),
    "resets": (drop, 502, "upstream_reset"),
    "garbage": (lambda *_: b"nonsense\r\n\r\n", 502, "upstream_bad_answer"),
    "half a head": (lambda _r, s, _n: s.sendall(b"HTTP/1.1 200 OK\r\nX: "), 502, "upstream_reset"),
    "length and encoding": (lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502,
                            "upstream_bad_answer"),
    "two lengths": (lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 502, "upstream_bad_answer"),
    "bare cr": (lambda *_: b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n", 502, "upstream_bad_answer"),
    "status": (lambda *_: b"HTTP/1.1 2000 OK\r\n\r\n", 502, "upstream_bad_answer"),
    "huge head": (lambda *_: b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300000 + b"\r\n\r\n", 502, "upstream_bad_answer"),
    "flood of interim": (lambda *_: b"HTTP/1.1 100 Continue\r\n\r\n" * 101 + up.answer(200), 502, "upstream_bad_answer"),
    "unasked switch": (lambda *_: b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502, "upstream_bad_answer"),
}


@pytest.mark.parametrize("name", UPSTREAM_FAULTS)
def test_an_upstream_that_gives_no_usable_answer_is_502(gateway, tenant, upstream, name):
    upstream.behave, status, code = UPSTREAM_FAULTS[name]
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), body=b"x"))
        answer = connection.read(interim=[])
        assert (answer.status, answer.error) == (status, code)
    upstream.behave = None
    assert tenant.get(tenant.token()).status == 200


def test_bytes_after_an_answer_poison_the_connection_and_nobody_sees_them(gateway, tenant, upstream):
    upstream.behave = lambda *_: up.answer(200, b"first") + up.answer(200, b"smuggled")
    token = tenant.token()
    with gateway.connect() as connection:
        for _ in range(5):
            assert connection.request("GET", "/", tenant.host, token).body == b"first"


def test_an_upstream_that_nobody_listens_at_is_502(gateway, tenant):
    from processes import free_port
    tenant.update(f"upstream = 'http://127.0.0.1:{free_port()}'")
    assert gateway.wait_status(502, tenant.host, tenant.token()).error == "upstream_refused"


@pytest.mark.parametrize("url", ["http://169.254.169.254", "http://no-such-host.invalid"])
def test_forbidden_and_unknown_upstreams_are_502(gateway, tenant, url):
    tenant.update(f"upstream = '{url}'")
    answer = gateway.wait_status(502, tenant.host, tenant.token())
    assert answer.error in ("upstream_forbidden", "upstream_unreachable")


def test_an_https_upstream_that_speaks_no_tls_gets_no_byte_of_the_request(gateway, tenant):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tenant.update(f"upstream = 'https://127.0.0.1:{listener.getsockname()[1]}'")
        got = []

        def answer_plainly():
            connection, _ = listener.accept()
            got.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.close()
        threading.Thread(target=answer_plainly, daemon=True).start()
        assert gateway.wait_status(502, tenant.host, tenant.token()).error == "upstream_tls"
        assert got[0].startswith(b"\x16\x03") and b"HTTP" not in got[0]


def test_the_gateway_never_forwards_to_itself(gateway, tenant):
    tenant.update(f"upstream = 'http://127.0.0.1:{gateway.port}'")
    assert gateway.wait_status(502, tenant.host, tenant.token()).error == "upstream_forbidden"


@pytest.mark.waits_long
def test_an_upstream_connection_whose_answer_took_long_is_used_again_and_closed_in_time(gateway, stand_in, pool, stage):
    """It is idle from the end of its answer, not from the end of its request."""
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=stage.url)
    token = tenant.token()
    with gateway.connect() as connection:
        connection.send(request("GET", "/slow", tenant.host, token))
        peer = stage.accept()
        time.sleep(6)
        peer.send(LENGTH % 4 + b"slow")
        assert connection.read().body == b"slow"
        connection.send(request("GET", "/next", tenant.host, token))
        assert stage.next_request() is peer, "the connection was lost"
        peer.send(LENGTH % 4 + b"next")
        assert connection.read().body == b"next"
        assert not peer.is_cancelled(2)
        assert peer.is_cancelled(20), "an idle connection was never closed"


def test_a_request_is_repeated_once_only_where_a_kept_connection_died_before_any_answer(gateway, tenant, own_upstream):
    tenant.update(f"upstream = '{own_upstream.url}'")
    token = tenant.token()
    wait_until(lambda: tenant.get(token).status == 200 and own_upstream.requests)
    # Every connection answers once and dies on its second request.
    seen = {}

    def behave(received, connection, number):
        seen[number] = seen.get(number, 0) + 1
        return up.answer(200, b"ok") if seen[number] == 1 else drop(received, connection, number)
    own_upstream.behave = behave
    for _ in range(3):
        assert tenant.get(token).status == 200
    before = len(own_upstream.requests)
    # On the workers' kept connections a GET is repeated, a POST is not.
    statuses = [tenant.get(token, method="POST", body=b"x").status for _ in range(6)]
    assert 502 in statuses
    assert len(own_upstream.requests) - before == 6


def test_a_fresh_connection_that_dies_is_not_tried_again(gateway, tenant, own_upstream):
    own_upstream.behave = drop
    tenant.update(f"upstream = '{own_upstream.url}'")
    gateway.wait_status(502, tenant.host, tenant.token())
    before = len(own_upstream.requests)
    assert tenant.get(tenant.token()).status == 502
    assert len(own_upstream.requests) == before + 1


def test_big_bodies_stream_both_ways_without_being_held(gateway, tenant, own_upstream):
    size, block = 64 << 20, b"0123456789abcdef" * 4096
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        reader = connection.makefile("rb")
        head = up.Received(up.read_head(reader), b"")
        left, digest = int(head.value("Content-Length")), hashlib.sha256()
        while left:
            part = reader.read(min(left, 1 << 20))
            digest.update(part)
            left -= len(part)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Digest: %s\r\nContent-Length: %d\r\n\r\n" % (digest.hexdigest().encode(), size))
        for _ in range(size // len(block)):
            connection.sendall(block)
    tenant.update_and_wait(f"upstream = 'http://127.0.0.1:{listener.getsockname()[1]}'")
    threading.Thread(target=serve, daemon=True).start()
    expected = hashlib.sha256(block * (size // len(block))).hexdigest()
    before, peak = gateway.rss_mib(), 0.0
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", str(size))]))
        for number in range(size // len(block)):
            connection.send(block)
            if number % 64 == 0:
                peak = max(peak, gateway.rss_mib())
        # Nobody reads for a while: the answer must wait at the upstream, not here.
        time.sleep(0.5)
        peak = max(peak, gateway.rss_mib())
        answer = connection.read()
    assert answer.header("X-Digest") == expected
    assert hashlib.sha256(answer.body).hexdigest() == expected
    assert peak - before < 24, f"{before} MiB grew to {peak} MiB"
    listener.close()
