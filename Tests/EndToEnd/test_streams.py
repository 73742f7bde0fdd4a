"""What flows while it is made: events, long polls, uploads, early answers, slow readers.

Most tests here play the upstream themselves, step by step, so that nothing depends on how fast the machine is.
"""

import socket
import subprocess
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from nginx import Nginx
from processes import wait_until
from stage import CHUNKED, LENGTH, UNTIL_CLOSE, Stage, chunk, exactly, head, http_1_0, narrow
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


# Streams

def test_each_event_arrives_before_the_next_is_sent(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request("GET", "/events", tenant.host, tenant.token()))
        peer = stage.accept()
        peer.send(CHUNKED)
        assert head(connection)[0] == 200
        for number in range(20):
            peer.send(b"d\r\ndata: %05d\n\n\r\n" % number)
            assert chunk(connection) == b"data: %05d\n\n" % number
        peer.send(b"0\r\n\r\n")
        assert connection.chunks() == (b"", True)
        assert connection.request("GET", "/", tenant.host).status == 401


@pytest.mark.parametrize("start", [CHUNKED, UNTIL_CLOSE], ids=["chunked", "until close"])
def test_events_reach_an_http_1_0_client_one_by_one(gateway, tenant, stage, start):
    with gateway.connect() as connection:
        connection.send(http_1_0(request("GET", "/events", tenant.host, tenant.token())))
        peer = stage.accept()
        peer.send(start)
        assert "Transfer-Encoding" not in head(connection)[1]
        for number in range(5):
            event = b"data: %05d\n\n" % number
            peer.send(event if start is UNTIL_CLOSE else b"d\r\n%s\r\n" % event)
            assert exactly(connection, 13) == event
        peer.send(b"" if start is UNTIL_CLOSE else b"0\r\n\r\n")
        peer.close()
        assert connection.is_closed()


@pytest.mark.parametrize("start", [LENGTH % 130, UNTIL_CLOSE], ids=["length", "until close"])
def test_parts_of_an_answer_are_not_held_for_the_rest(gateway, tenant, stage, start):
    with gateway.connect() as connection:
        connection.send(request("GET", "/events", tenant.host, tenant.token()))
        peer = stage.accept()
        peer.send(start)
        assert head(connection)[0] == 200
        for number in range(10):
            event = b"data: %05d\n\n" % number
            peer.send(event)
            assert (exactly(connection, 13) if start is not UNTIL_CLOSE else chunk(connection)) == event
        peer.close()
        if start is UNTIL_CLOSE:
            assert connection.chunks() == (b"", True)


def test_a_long_poll_waits_while_others_are_served_and_is_answered_at_once(gateway, tenant, stage):
    token = tenant.token()
    with gateway.connect() as polling:
        polling.send(request("GET", "/poll", tenant.host, token))
        held = stage.accept()
        with gateway.connect() as other:
            other.send(request("GET", "/", tenant.host, token))
            stage.accept().send(LENGTH % 2 + b"ok")
            assert other.read().body == b"ok"
        polling.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            polling.socket.recv(1)
        polling.socket.settimeout(20)
        held.send(LENGTH % 5 + b"event")
        assert polling.read().body == b"event"
        polling.send(request("GET", "/poll/2", tenant.host, token))
        again = stage.next_request()
        assert again.head.target == "/poll/2"
        again.send(LENGTH % 4 + b"next")
        assert polling.read().body == b"next"


def test_chunks_pass_in_both_directions_at_once(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request("POST", "/echo", tenant.host, tenant.token(), [("Transfer-Encoding", "chunked")]))
        connection.send(b"3\r\nabc\r\n")
        peer = stage.accept()
        assert peer.read_chunk() == b"abc"
        peer.send(CHUNKED)
        assert head(connection)[0] == 200
        for number in range(20):
            connection.send(b"5\r\n%05d\r\n" % number)
            assert peer.read_chunk() == b"%05d" % number
            peer.send(b"5\r\n%05d\r\n" % number)
            assert chunk(connection) == b"%05d" % number
        connection.send(b"0\r\n\r\n")
        assert peer.reader.readline() == b"0\r\n" and peer.reader.readline() == b"\r\n"
        peer.send(b"0\r\n\r\n")
        assert connection.chunks() == (b"", True)


def test_parts_of_an_upload_are_not_held_for_the_rest(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "50")]))
        peer = stage.accept()
        for number in range(10):
            connection.send(b"%05d" % number)
            assert up.exactly(peer.reader, 5) == b"%05d" % number
        peer.send(LENGTH % 2 + b"ok")
        assert connection.read().body == b"ok"


def test_chunks_cut_at_every_byte_pass_whole_both_ways(gateway, tenant, stage):
    """What is not whole yet is waited for."""
    wire = b"3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 9\r\n\r\n"
    token = tenant.token()
    for cut in range(1, len(wire)):
        with gateway.connect() as connection:
            connection.send(request("POST", "/", tenant.host, token, [("Transfer-Encoding", "chunked")]) + wire[:cut])
            peer = stage.accept()
            connection.send(wire[cut:])
            body = b""
            while len(body) < 13:
                body += peer.read_chunk()
            assert (body, peer.reader.readline()) == (b"abc0123456789", b"0\r\n")
            peer.send(CHUNKED + wire[:cut])
            assert head(connection)[0] == 200
            peer.send(wire[cut:])
            assert connection.chunks() == (b"abc0123456789", True)
            peer.close()


# Early answers

EARLY = {
    "length": (LENGTH % 8).replace(b"200 OK", b"413 No") + b"too much",
    "length, closing": (LENGTH % 8).replace(b"200 OK", b"413 No\r\nConnection: close") + b"too much",
    "chunked": CHUNKED.replace(b"200 OK", b"413 No") + b"8\r\ntoo much\r\n0\r\n\r\n",
    "until close": UNTIL_CLOSE.replace(b"200 OK", b"413 No") + b"too much",
}


@pytest.mark.parametrize("kind, end", [
    (kind, end) for kind in EARLY for end in ("open", "closed", "reset")
    # An answer that ends with the connection has no other end, and a reset breaks it.
    if kind != "until close" or end == "closed"])
def test_an_early_answer_reaches_a_client_that_goes_on_uploading(gateway, tenant, stage, kind, end):
    part = b"x" * 1000
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "100000000")]) + part)
        peer = stage.accept()
        up.exactly(peer.reader, len(part))
        peer.send(EARLY[kind])
        if end == "closed":
            peer.socket.shutdown(socket.SHUT_WR)
        for _ in range(50):
            connection.send(part)
        answer = connection.read()
        assert (answer.status, answer.body, answer.whole) == (413, b"too much", True)
        assert answer.header("Connection") == "close"
        if end == "reset":
            peer.reset()
        else:
            assert peer.is_cancelled(20)
        assert connection.is_closed()


def test_an_early_answer_of_an_upstream_that_hangs_up_on_the_upload_is_no_502(gateway, tenant, stage):
    """What the upstream closes with bytes unread becomes a reset; the answer came before it."""
    token = tenant.token()
    for _ in range(20):
        with gateway.connect() as connection:
            connection.send(request("POST", "/", tenant.host, token, [("Content-Length", "100000000")]) + b"x" * 30000)
            peer = stage.accept()
            peer.send(EARLY["length, closing"])
            peer.close()
            try:
                for _ in range(20):
                    connection.send(b"x" * 1000)
            except OSError:
                pass
            answer = connection.read()
            assert (answer.status, answer.body) == (413, b"too much")


def test_an_early_answer_to_an_expectation_says_that_the_connection_closes(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request(
            "POST", "/", tenant.host, tenant.token(), [("Content-Length", "9"), ("Expect", "100-continue")]))
        stage.accept().send(LENGTH % 2 + b"no")
        answer = connection.read()
        assert (answer.body, answer.header("Connection")) == (b"no", "close")
        assert connection.is_closed()


def test_an_upload_that_ends_after_the_answer_began_is_carried_to_its_end(gateway, tenant, stage):
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "6")], b"abc"))
        peer = stage.accept()
        peer.send(LENGTH % 6 + b"ABC")
        assert head(connection)[0] == 200
        connection.send(b"def")
        assert up.exactly(peer.reader, 6) == b"abcdef"
        peer.send(b"DEF")
        assert exactly(connection, 6) == b"ABCDEF"


# Slow readers

def test_slow_readers_cost_bounded_memory_and_nobody_else_notices(gateway, tenant, stage):
    """The answers wait at the upstream: what the gateway holds of each is bounded."""
    token, count, block = tenant.token(), 16, b"x" * 65536
    before = gateway.rss_mib()
    clients, sent, stop = [], [0] * count, threading.Event()

    def pour(number, peer):
        try:
            peer.send(UNTIL_CLOSE)
            while not stop.is_set():
                peer.send(block)
                sent[number] += len(block)
        except OSError:
            pass
    for number in range(count):
        clients.append(narrow(gateway.port))
        clients[-1].send(request("GET", "/", tenant.host, token))
        threading.Thread(target=pour, args=(number, stage.accept()), daemon=True).start()
    wait_until(lambda: is_still(sent), 20, "an upstream that is held back")
    assert min(sent) > 0
    grown = gateway.rss_mib() - before
    assert grown < 16, f"{sum(sent) >> 20} MiB on their way made it grow by {grown:.0f} MiB"
    with gateway.connect() as other:
        other.send(request("GET", "/", tenant.host, token))
        stage.accept().send(LENGTH % 2 + b"ok")
        assert other.read().body == b"ok"
    # Whoever reads on gets more of it.
    held = sent[0]
    wait_until(lambda: clients[0].socket.recv(65536) and sent[0] > held + (1 << 20), 20, "more of the answer")
    stop.set()
    for client in clients:
        client.socket.close()


def is_still(counters):
    before = list(counters)
    time.sleep(0.5)
    return before == counters


def test_an_upstream_that_reads_slowly_holds_the_client_back(gateway, tenant, stage):
    size = 1 << 30
    before = gateway.rss_mib()
    with gateway.connect() as connection:
        connection.send(request("POST", "/", tenant.host, tenant.token(), [("Content-Length", str(size))]))
        stage.accept()
        connection.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < size:
                sent += connection.socket.send(b"x" * 65536)
        assert gateway.rss_mib() - before < 16
        assert sent < 64 << 20


def test_a_client_that_floods_and_never_reads_is_held_back(gateway, tenant):
    """Refusals cost the client nothing: they must not pile up in memory."""
    flood = request("GET", "/", tenant.host) * 2000
    before = gateway.rss_mib()
    connection = narrow(gateway.port)
    connection.socket.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 16 << 20:
            sent += connection.socket.send(flood)
    grown = gateway.rss_mib() - before
    connection.socket.close()
    assert grown < 16, f"{sent >> 20} MiB of requests made it grow by {grown:.0f} MiB"


def test_a_client_held_back_gets_all_its_answers_once_it_reads(gateway, tenant):
    count, message = 20000, request("GET", "/", tenant.host)
    connection = narrow(gateway.port)
    sent, flood = 0, message * count
    connection.socket.settimeout(0.5)
    try:
        while sent < len(flood):
            sent += connection.socket.send(flood[sent:sent + 65536])
    except TimeoutError:
        pass
    connection.socket.settimeout(20)
    writer = threading.Thread(target=connection.send, args=(flood[sent:],), daemon=True)
    writer.start()
    assert [connection.read().status for _ in range(count)] == [401] * count
    writer.join()
    connection.socket.close()


# curl, and nginx as the upstream

@pytest.fixture(scope="module")
def nginx():
    """A real upstream: files, uploads by PUT, and a bound of its own for one path."""
    server = Nginx("""
        server {
            listen 127.0.0.1:PORT;
            root FILES;
            location / { dav_methods PUT; client_max_body_size 64m; }
            location /small/ { dav_methods PUT; client_max_body_size 1k; }
        }""")
    yield server
    server.remove()


@pytest.fixture
def curl(gateway, stand_in, pool, nginx):
    """Runs curl against a tenant whose upstream is nginx."""
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, upstream=nginx.url)

    def run(path, *arguments, body=None):
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "20", "-H", f"Host: {tenant.host}", "-H", f"Authorization: Bearer {tenant.token()}",
             "-w", "\n%{http_code} %{num_connects} %{time_total}", *arguments, f"http://127.0.0.1:{gateway.port}{path}"],
            input=body, capture_output=True, timeout=30)
        output, _, figures = done.stdout.rpartition(b"\n")
        done.body, done.status = output, int(figures.split()[0])
        done.seconds = float(figures.split()[2])
        return done
    return run


BODY = bytes(range(256)) * 8192


def test_curl_gets_a_file_whole_in_part_and_without_its_body(curl, nginx):
    (nginx.files / "file").write_bytes(BODY)
    assert curl("/file").body == curl("/file", "--http1.0").body == BODY
    part = curl("/file", "--range", "1000-1999")
    assert (part.status, part.body) == (206, BODY[1000:2000])
    tail = curl("/file", "--range", "-5")
    assert (tail.status, tail.body) == (206, BODY[-5:])
    assert curl("/file", "--range", f"{len(BODY)}-").status == 416
    bare = curl("/file", "--head")
    assert bare.status == 200 and f"Content-Length: {len(BODY)}".encode() in bare.body


@pytest.mark.parametrize("way", [
    ["-T", "-"], ["-T", "-", "-H", "Transfer-Encoding: chunked"], ["-T", "SOURCE"], ["-T", "SOURCE", "--http1.0"],
    ["-T", "SOURCE", "-H", "Expect:"],
], ids=["standard input", "chunked", "length", "HTTP/1.0", "no expectation"])
def test_curl_uploads_a_file_to_nginx(curl, nginx, tmp_path, way):
    source = tmp_path / "source"
    source.write_bytes(BODY)
    done = curl("/uploaded", *[str(source) if word == "SOURCE" else word for word in way], body=BODY)
    assert done.status in (201, 204), done
    assert (nginx.files / "uploaded").read_bytes() == BODY
    (nginx.files / "uploaded").unlink()


def test_curl_that_waits_for_100_continue_is_told_by_nginx_to_go_on(curl, nginx, tmp_path):
    """curl would wait 15 s; with the interim answer it goes on at once."""
    source = tmp_path / "source"
    source.write_bytes(BODY)
    done = curl("/expected", "-T", str(source), "-H", "Expect: 100-continue", "--expect100-timeout", "15")
    assert done.status == 201
    assert done.seconds < 10
    assert (nginx.files / "expected").read_bytes() == BODY


@pytest.mark.parametrize("way", [["-T", "SOURCE"], ["-T", "SOURCE", "-H", "Expect:"], ["-T", "-"]])
def test_curl_sees_the_413_of_nginx(curl, nginx, tmp_path, way):
    source = tmp_path / "source"
    # No more than the gateway drops behind an answer that nobody waited for.
    body = BODY[:100_000]
    source.write_bytes(body)
    done = curl("/small/file", *[str(source) if word == "SOURCE" else word for word in way], body=body)
    assert done.status == 413
    assert b"nginx" in done.body
