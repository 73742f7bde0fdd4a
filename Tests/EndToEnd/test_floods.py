"""Whatever the bytes and wherever they are cut: a connection of either side holds a bounded number of KiB.

Each flood is a stream of whole, valid messages that is cut so that the gateway never sees the end of one without the
beginning of the next. `POOLGATE_FLOOD_MIB` says how much of each is sent; `ops/bench/flood` sends gigabytes.
"""

import base64
import hashlib
import os
import random
import select
import socket
import ssl
import statistics
import threading
import time

import pytest

import upstream as up
from certificates import Authority
from conftest import make_tenant
from stage import Stage, narrow
from wire import Connection, request

MIB = 1 << 20
FLOOD = int(os.environ.get("POOLGATE_FLOOD_MIB", "32")) * MIB
#: What the process may grow by under a flood, allocator and all; the least of the floods brings more than this.
GROWTH = 12
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n"


def cut(messages, total, generator, within=None, longest=48 << 10):
    """The messages over and over, `total` bytes or more, in pieces that each end inside a message: anywhere, or within so
    many bytes of its beginning."""
    stream, boundaries, sent = bytearray(), [], 0
    while sent < total:
        while len(stream) < 2 * longest:
            stream += messages(generator)
            boundaries.append(len(stream))
        if within is None:
            size = generator.randint(1, generator.choice([1, 7, 300, 4096, 17_000, longest]))
            # A piece that would end with a message takes one byte of the next.
            size += size in boundaries
        else:
            size = generator.choice([end for end in boundaries[:-1] if end < longest] or boundaries[:1])
            size += generator.randint(1, within)
        yield bytes(stream[:size])
        del stream[:size]
        boundaries = [end - size for end in boundaries if end > size]
        sent += size
    yield bytes(stream[:boundaries[0]])


def chunks(generator):
    """One chunk, with an extension often, so that many cuts fall into its size line."""
    size = generator.choice([1, 1, 5, 200, 9000])
    extension = b";" + b"x" * generator.randint(1, 200) if generator.random() < 0.7 else b""
    return b"%x%s\r\n%s\r\n" % (size, extension, b"p" * size)


def size_lines(_generator):
    """A chunk that is almost only its size line."""
    return b"1;" + b"x" * 250 + b"\r\np\r\n"


class Draining:
    """Reads and drops everything that comes, in a thread of its own."""

    def __init__(self, connection):
        self.count = 0
        self.ended = threading.Event()
        self.socket = connection
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while data := self.socket.recv(1 << 18):
                self.count += len(data)
        except OSError:
            pass
        self.ended.set()


class Pumping:
    """Over TLS, whose two directions no two threads may use at once: reads and drops while it sends."""

    def __init__(self, connection):
        self.count = 0
        self.socket = connection
        connection.setblocking(False)

    def sendall(self, data):
        data = memoryview(data)
        while data:
            try:
                data = data[self.socket.send(data):]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            try:
                while received := self.socket.recv(1 << 18):
                    self.count += len(received)
            except ssl.SSLWantReadError:
                pass
            assert data == b"" or any(select.select([self.socket], [self.socket], [], 20)), "nothing moves"


@pytest.fixture
def flooded(start, migrated, stand_in, pool, tmp_path):
    """A gateway of one loop, a tenant whose upstream the test plays, and another one who must notice nothing."""
    database, stage, other = migrated(), Stage(), up.Upstream()
    authority = Authority(tmp_path)
    (tmp_path / "front").mkdir()
    authority.issue(tmp_path / "front", "default", "*.example.com")
    gateway = start(
        database_url=database.url, workers=1, max_requests_per_connection=100_000_000, tls_listen="127.0.0.1:0",
        tls_certificates=tmp_path / "front")
    loud = make_tenant(gateway, database, stand_in, pool + "a", upstream=stage.url)
    quiet = make_tenant(gateway, database, stand_in, pool + "b", upstream=other.url)
    token = quiet.token()
    gateway.wait_status(200, quiet.host, token)
    yield Flooded(gateway, stage, loud, quiet, token, authority)
    stage.remove()
    other.remove()


class Flooded:
    def __init__(self, gateway, stage, loud, quiet, token, authority):
        self.gateway, self.stage, self.loud, self.quiet, self.quiet_token = gateway, stage, loud, quiet, token
        self.authority = authority

    def connect(self, wire):
        if wire == "clear":
            return self.gateway.connect()
        return self.authority.connect(self.gateway.port_of("tls"), self.loud.host)

    def send(self, peer, pieces):
        """Sends them while another tenant is served, and watches what the process holds."""
        before, highest, bytes_between, waits = self.gateway.rss_mib(), 0, 0, []
        for piece in pieces:
            peer.sendall(piece)
            bytes_between += len(piece)
            if bytes_between > 4 * MIB:
                bytes_between = 0
                highest = max(highest, self.gateway.rss_mib())
                assert highest - before < GROWTH, f"grew from {before} to {highest} MiB"
                begun = time.monotonic()
                assert self.gateway.get(self.quiet.host, self.quiet_token).status == 200
                waits.append(1000 * (time.monotonic() - begun))
        # For `ops/bench/flood`, which shows it: a bound on time would be a test of the machine.
        print(f"another tenant's requests: median {statistics.median(waits):.1f} ms, longest {max(waits):.1f} ms")
        highest = max(highest, self.gateway.rss_mib())
        assert highest - before < GROWTH, f"grew from {before} to {highest} MiB"


@pytest.fixture
def generator(request):
    return random.Random(request.node.name)


@pytest.mark.parametrize("wire, within", [("clear", None), ("clear", 20), ("TLS", None)])
def test_heads_that_each_come_with_half_of_the_next_hold_nothing(flooded, generator, wire, within):
    """Without a token: this flood is everybody's."""
    with flooded.connect(wire) as connection:
        draining = (Draining if wire == "clear" else Pumping)(connection.socket)

        def message(generator):
            padding = [("X-Padding", "x" * generator.choice([0, 50, 15_000]))]
            return request("GET", "/", flooded.loud.host, headers=padding)
        flooded.send(connection.socket if wire == "clear" else draining, cut(message, FLOOD, generator, within))
        assert draining.count > 0


def test_pipelined_bodies_hold_nothing(flooded, generator):
    """Bodies of 30 KB, twenty in one write, each served by the upstream."""
    flooded.stage.remove()
    service = up.Upstream()
    service.behave = lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    flooded.loud.database.sql(
        f"UPDATE poolgate.tenants SET upstream = '{service.url}' WHERE host = '{flooded.loud.host}'")
    token = flooded.loud.token()
    flooded.gateway.wait_status(200, flooded.loud.host, token)
    message = request("POST", "/", flooded.loud.host, token, body=b"b" * 30_000)
    with flooded.gateway.connect() as connection:
        draining = Draining(connection.socket)
        flooded.send(connection.socket, cut(lambda _: message, 4 * FLOOD, generator, longest=20 * len(message)))
        connection.socket.shutdown(socket.SHUT_WR)
        assert draining.ended.wait(60) and draining.count > 0
    service.remove()


@pytest.mark.parametrize("message", [chunks, size_lines])
def test_a_chunked_upload_holds_nothing_wherever_it_is_cut(flooded, generator, message):
    with flooded.gateway.connect() as connection:
        connection.send(request(
            "POST", "/", flooded.loud.host, flooded.loud.token(), [("Transfer-Encoding", "chunked")]))
        peer = flooded.stage.accept()
        draining = Draining(peer.socket)
        flooded.send(connection.socket, cut(message, FLOOD, generator))
        connection.send(b"0\r\n" + b"".join(b"X-T%d: %s\r\n" % (n, b"t" * 500) for n in range(10)) + b"\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert connection.read().status == 200
        assert draining.count > 0


@pytest.mark.parametrize("framing, message", [
    ("chunked", chunks), ("chunked", size_lines), ("length", chunks), ("until close", chunks)])
def test_an_answer_holds_nothing_wherever_it_is_cut(flooded, generator, framing, message):
    with flooded.gateway.connect() as connection:
        connection.send(request("GET", "/", flooded.loud.host, flooded.loud.token()))
        peer = flooded.stage.accept()
        draining = Draining(connection.socket)
        pieces = cut(message, FLOOD, generator)
        fields = {"chunked": b"Transfer-Encoding: chunked", "until close": b"Connection: close",
                  "length": b"Content-Length: %d" % (1 << 40)}[framing]
        peer.send(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n")
        flooded.send(peer.socket, pieces)
        assert draining.count > 0
        assert not draining.ended.is_set()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_tunnel_holds_nothing_wherever_it_is_cut(flooded, generator, direction):
    with flooded.gateway.connect() as connection:
        peer = tunnel(flooded, connection)
        source, sink = (connection.socket, peer.socket) if direction == "up" else (peer.socket, connection.socket)
        draining = Draining(sink)

        def frame(generator):
            size = generator.choice([0, 5, 125, 200, 60_000])
            length = bytes([size]) if size < 126 else bytes([126]) + size.to_bytes(2, "big")
            return b"\x82" + length + b"f" * size
        flooded.send(source, cut(frame, FLOOD, generator))
        source.shutdown(socket.SHUT_RDWR)
        assert draining.ended.wait(30) and draining.count > FLOOD - MIB


def tunnel(flooded, connection):
    """A WebSocket that both sides agreed to; the upstream's side of it."""
    key = base64.b64encode(bytes(16))
    connection.send(request("GET", "/", flooded.loud.host, flooded.loud.token(), [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key.decode())]))
    peer = flooded.stage.accept()
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    peer.send(SWITCH % accept)
    assert connection.read().status == 101
    return peer


#: How many connections stall at once, and what each may hold of either side together (ops/guide/traffic.md, "Memory").
STALLED = 40
STALLED_KIB = 256


@pytest.mark.parametrize("kind", [
    "answer", "answer and end", "answer by TLS", "upload", "upload and FIN", "tunnel down", "tunnel up"])
def test_who_reads_nothing_costs_the_stated_number_of_kib(flooded, generator, kind):
    gateway, token = flooded.gateway, flooded.loud.token()
    open_ones = [stalled(flooded, token, kind)]
    before = gateway.rss_mib()
    open_ones += [stalled(flooded, token, kind) for _ in range(STALLED)]
    held = (gateway.rss_mib() - before) * 1024 / STALLED
    print(kind, f"{held:.0f} KiB each")
    assert held < STALLED_KIB, f"{held:.0f} KiB each"
    assert gateway.get(flooded.quiet.host, flooded.quiet_token).status == 200
    for connections in open_ones:
        for connection in connections:
            connection.close()


def stalled(flooded, token, kind):
    """One exchange in which one side sends until nothing moves any more; its two sockets."""
    if kind.endswith("TLS"):
        connection = narrow(flooded.gateway.port_of("tls"))
        connection.socket = flooded.authority.client().wrap_socket(connection.socket, server_hostname=flooded.loud.host)
    else:
        connection = narrow(flooded.gateway.port)
    if kind.startswith("tunnel"):
        peer = tunnel(flooded, connection)
    elif kind.startswith("upload"):
        connection.send(request("POST", "/", flooded.loud.host, token, [("Content-Length", str(1 << 30))]))
        peer = flooded.stage.accept()
    else:
        connection.send(request("GET", "/", flooded.loud.host, token))
        peer = flooded.stage.accept()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    source = connection.socket if kind.startswith("upload") or kind == "tunnel up" else peer.socket
    push(source)
    if kind.endswith("end") or kind.endswith("FIN"):
        source.shutdown(socket.SHUT_WR)
    return connection.socket, peer.socket


def push(source):
    """Sends until the other side takes nothing for a moment."""
    source.settimeout(0.05)
    try:
        for _ in range(16 * MIB >> 16):
            source.sendall(bytes(1 << 16))
    except TimeoutError:
        pass


def test_a_whole_upload_with_a_fin_is_delivered_by_an_upstream_that_reads_late(flooded):
    """What waits in the kernel when the FIN comes is read at once, and nothing of it is lost."""
    flooded.stage.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    for size in (MIB, 3 * MIB):
        with flooded.gateway.connect() as connection:
            connection.send(request("POST", "/", flooded.loud.host, flooded.loud.token(), [("Content-Length", str(size))]))
            peer = flooded.stage.next_request()
            body = random.Random(size).randbytes(size)

            def upload():
                connection.send(body)
                connection.socket.shutdown(socket.SHUT_WR)
            uploading = threading.Thread(target=upload)
            uploading.start()
            uploading.join(0.3)
            assert up.exactly(peer.reader, size) == body
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert connection.read().status == 200
