"""What hostile clients and upstreams of HTTP/2 can do: to nobody but themselves."""

import signal
import socket
import struct
import time

import pytest

from certificates import Authority
from conftest import make_tenant
from h2wire import Client, Server
from processes import wait_until
from stage import Stage
from wire import Connection


# Desynchronisation: what HTTP/2 can say and HTTP/1 cannot

def plain(host):
    return [(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", "/")]


def replaced(name, value):
    return lambda host, token: [(key, value.replace("HOST", host) if key == name else old) for key, old in plain(host)
                                ] + [("authorization", f"Bearer {token}")]


def added(name, value):
    return lambda host, token: plain(host) + [("authorization", f"Bearer {token}"), (name, value.replace("HOST", host))]


SMUGGLED = "x\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"
HOSTILE = {
    "CR LF in a value": added("x-a", SMUGGLED),
    "LF in a value": added("x-a", "a\nb: c"),
    "CR in a value": added("x-a", "a\rb: c"),
    "NUL in a value": added("x-a", "a\0b"),
    "CR LF in a name": added("x-a: b\r\nx-c", "d"),
    "a colon in a name": added("x-a:", "d"),
    "a space in a name": added("x a", "d"),
    "CR LF in the path": replaced(":path", "/ HTTP/1.1\r\nHost: evil\r\n\r\n"),
    "a space in the path": replaced(":path", "/a b"),
    "an absolute path": replaced(":path", "http://evil/"),
    "CR LF in the method": replaced(":method", "GET / HTTP/1.1\r\nHost: evil\r\n\r\n"),
    "a space in the method": replaced(":method", "GET /x"),
    "CR LF in the authority": replaced(":authority", "HOST\r\nx: y"),
    "user information": replaced(":authority", "evil@HOST"),
    "two authorities": replaced(":authority", "HOST,evil"),
    "CR LF in the scheme": replaced(":scheme", "http://x\r\n"),
    "Transfer-Encoding": added("transfer-encoding", "chunked"),
    "Connection": added("connection", "x-forwarded-user"),
    "Content-Length without a body": added("content-length", "5"),
    "two Content-Lengths": added("content-length", "0, 5"),
    "another Host": added("host", "evil"),
    "an upper-case name": added("X-A", "b"),
    "a pseudo-field behind a field": added(":path", "/b"),
    "TE": added("te", "chunked"),
    "a name that is empty": added("", "x"),
    "leading white space": added("x-a", " b"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_smuggled(tenant, gateway, upstream, name):
    """A hostile head ends its own stream, nothing of it reaches the upstream, and the neighbours on the connection go on."""
    client = Client(gateway.port)
    token = tenant.token()
    stream = client.h2.get_next_available_stream_id()
    fields = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in HOSTILE[name](tenant.host, token)]
    client.raw(1, 5, stream, Client.block(fields))
    # The library did not send it: that its stream is ended it would take for an error of the gateway's.
    neighbour = Raw(client)
    status, reset = neighbour.outcome(stream)
    assert reset == 1 or status and 400 <= status < 500, (status, reset)
    assert upstream.requests == []
    client.raw(1, 5, stream + 2, Client.block(plain(tenant.host) + [("authorization", f"Bearer {token}")]))
    assert neighbour.outcome(stream + 2) == (200, None)
    assert [received.target for received in upstream.requests] == ["/"]
    client.close()


class Raw:
    """Reads frames without a state machine."""

    def __init__(self, client):
        import hpack
        self.socket, self.decoder, self.buffer = client.socket, hpack.Decoder(), b""
        self.heads = {}

    def frame(self, seconds=20):
        """The next frame as type, flags, stream and payload; None at the end, or where none comes in time."""
        self.socket.settimeout(seconds)
        try:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                data = self.socket.recv(65536)
                if not data:
                    return None
                self.buffer += data
        except (TimeoutError, ConnectionError):
            return None
        length = int.from_bytes(self.buffer[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        if kind == 1:
            # Each head has to be decoded, in order: they share one table.
            self.heads[stream] = dict(self.decoder.decode(payload))
        return kind, flags, stream, payload

    def outcome(self, stream):
        """Status, and the code of a reset, of a stream."""
        status = None
        while (frame := self.frame()) is not None:
            kind, flags, number, payload = frame
            if kind == 1 and number == stream:
                status = int(self.heads[stream][":status"])
            if number == stream and kind == 3:
                return status, int.from_bytes(payload, "big")
            if number == stream and flags & 1 and kind in (0, 1):
                return status, None
        return status, "closed"

    def goaway(self):
        while (frame := self.frame(5)) is not None:
            if frame[0] == 7:
                return int.from_bytes(frame[3][4:8], "big")
        return None


# Floods

FLOODS = {
    "PING": lambda number: frame(6, 0, 0, bytes(8)),
    "SETTINGS": lambda number: frame(4, 0, 0),
    "PRIORITY": lambda number: frame(2, 0, 1, b"\0\0\0\0\1"),
    "WINDOW_UPDATE": lambda number: frame(8, 0, 0, b"\0\0\0\1"),
    "empty DATA": lambda number: frame(0, 0, 1),
    "rapid reset": lambda number: (
        frame(1, 5, 2 * number + 3, Client.block(plain("nobody.example.com"))) + frame(3, 0, 2 * number + 3, b"\0\0\0\x08")),
    "malformed requests": lambda number: frame(1, 5, 2 * number + 3, Client.block([(":method", "GET")])),
}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_own_connection(tenant, gateway, name):
    """Told to calm down (RFC 9113 §7), while others are served."""
    client = Client(gateway.port)
    # A request of which the body is awaited: frames of a stream that is gone cost their own bytes and nothing else.
    client.raw(1, 4, 1, Client.block([*plain(tenant.host), ("authorization", f"Bearer {tenant.token()}")]))
    try:
        for start in range(0, 20_000, 500):
            client.socket.sendall(b"".join(FLOODS[name](number) for number in range(start, start + 500)))
    except ConnectionError:
        pass
    # A client that still sends may hear of the end by a reset alone.
    code = Raw(client).goaway()
    assert code == 11 or code is None and client.wait_closed()
    client.close()
    assert tenant.get(tenant.token()).status == 200


def test_continuation_without_end(tenant, gateway):
    """A head that never ends is bounded (CVE-2024-27316)."""
    client = Client(gateway.port)
    before = gateway.rss_mib()
    client.raw(1, 0, 1, Client.block(plain(tenant.host)))
    try:
        for number in range(5_000):
            client.raw(9, 0, 1, Client.block([(f"x-{number}", "a" * 8_000)]))
    except ConnectionError:
        pass
    assert client.wait_closed()
    assert gateway.rss_mib() - before < 32
    assert tenant.get(tenant.token()).status == 200


# Clocks

def test_clocks(start, database, stand_in, pool):
    """A client that says nothing, half a preface, half a head, or nothing between requests, is left."""
    gateway = start(database_url=database.url, head_timeout="1s", idle_timeout="2s")
    tenant = make_tenant(gateway, database, stand_in, pool)
    half = socket.create_connection(("127.0.0.1", gateway.port))
    half.sendall(b"PRI * HTTP/2.0\r\n\r\nSM")
    only_preface = socket.create_connection(("127.0.0.1", gateway.port))
    only_preface.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    half_head = Client(gateway.port)
    half_head.raw(1, 0, 1, Client.block(plain(tenant.host)))
    idle = Client(gateway.port)
    assert idle.get(tenant.host, tenant.token()).status == 200
    for connection in [half, only_preface]:
        connection.settimeout(5)
        while connection.recv(65536):
            pass
        connection.close()
    assert half_head.wait_closed(5)
    assert idle.wait_closed(6)
    assert idle.goaways[-1][1] == 0


# Shares of one connection

def test_a_slow_reader_of_one_stream_slows_only_it(gateway, database_of_gateway, stand_in, pool):
    """One stream's window is shut: at most 64 KiB of it wait here, its own upstream is held, and its neighbours pass."""
    stage = Stage()
    slow = make_tenant(gateway, gateway.database, stand_in, pool, upstream=stage.url)
    quick = make_tenant(gateway, gateway.database, stand_in, pool + "q")
    client = Client(gateway.port)
    client.credits = False
    client.h2.increment_flow_control_window(100_000_000)
    stream = client.send(slow.host, slow.token())
    peer = stage.accept()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    peer.socket.setblocking(False)
    sent, quiet = 0, 0
    while quiet < 20:
        try:
            sent += peer.socket.send(bytes(65536))
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.02)
    # What the kernels of both sides hold comes on top: the gateway's receive buffer is 256 KiB.
    assert sent < 8 * 1024 * 1024
    other = client.get(quick.host, quick.token())
    assert other.status == 200 and other.ended
    assert client.answers[stream].reset is None and len(client.answers[stream].body) <= 65_535
    client.close()
    stage.remove()


@pytest.fixture
def database_of_gateway(gateway):
    return gateway.database


def test_streams_are_served_at_the_same_time(tenant, gateway):
    """One that waits for its upstream holds up none behind it."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    client = Client(gateway.port)
    token = tenant.token()
    first, second = client.send(tenant.host, token), client.send(tenant.host, token)
    one, two = stage.accept(), stage.accept()
    two.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
    answers = {client.wait_any([first, second]): None}
    one.send(b"HTTP/1.1 201 OK\r\nContent-Length: 1\r\n\r\n1")
    assert {client.wait(first).status, client.wait(second).status} == {200, 201}
    assert len(answers) == 1
    client.close()
    stage.remove()


def test_requests_of_a_connection_are_counted_by_streams(start, database, stand_in, pool):
    """The last that it may carry is told, and is served."""
    gateway = start(database_url=database.url, max_requests_per_connection="3")
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    raw, token = Raw(client), tenant.token()
    for stream in [1, 3, 5]:
        client.raw(1, 5, stream, Client.block(plain(tenant.host) + [("authorization", f"Bearer {token}")]))
    assert raw.goaway() == 0
    while raw.frame(5) is not None:
        pass
    assert [raw.heads[stream][":status"] for stream in [1, 3, 5]] == ["200"] * 3


def test_misdirected_is_judged_by_the_stream(start, database, stand_in, pool, tmp_path):
    """A certificate that covers two hosts serves both on one connection, and no third."""
    authority = Authority(tmp_path)
    folder = tmp_path / "pairs"
    folder.mkdir()
    authority.issue(folder, "both", "a.example.com", "b.example.com")
    gateway = start(database_url=database.url, tls_listen="127.0.0.1:0", tls_certificates=str(folder))
    tenants = [make_tenant(gateway, database, stand_in, pool + host[0], host=host)
               for host in ["a.example.com", "b.example.com", "c.example.com"]]
    client = Client(None, connection=tls(gateway, authority, "a.example.com"))
    answers = [client.get(tenant.host, tenant.token(), scheme="https").status for tenant in tenants]
    assert answers == [200, 200, 421]
    client.close()


def tls(gateway, authority, name):
    import ssl
    context = ssl.create_default_context(cafile=str(authority.file))
    context.set_alpn_protocols(["h2"])
    connection = context.wrap_socket(
        socket.create_connection(("127.0.0.1", gateway.port_of("tls"))), server_hostname=name)
    assert connection.selected_alpn_protocol() == "h2"
    return connection


# Ends

def test_drain(start, database, stand_in, pool):
    """GOAWAY twice; what is under way finishes; then the gateway ends with 0."""
    stage = Stage()
    gateway = start(database_url=database.url, upstream=stage.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token())
    peer = stage.accept()
    raw, goaways = Raw(client), []
    gateway.process.send_signal(signal.SIGTERM)
    while len(goaways) < 2:
        kind, _, _, payload = raw.frame()
        if kind == 7:
            goaways.append(int.from_bytes(payload[:4], "big"))
    assert goaways == [2**31 - 1, stream]
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert raw.outcome(stream) == (200, None)
    assert gateway.process.wait(20) == 0
    stage.remove()


def test_a_truncated_answer_is_reset(tenant, gateway):
    """Never END_STREAM where the upstream broke off."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    for answer in [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"]:
        client = Client(gateway.port)
        stream = client.send(tenant.host, tenant.token())
        peer = stage.accept()
        peer.send(answer)
        client.wait_head(stream)
        peer.reset()
        answer = client.wait(stream)
        assert answer.status == 200 and not answer.ended and answer.reset == 2
        client.close()
    stage.remove()


def test_interim_trailers_and_early_answers(tenant, gateway):
    """103 and trailers pass; an answer before the upload's end is whole, and the upload is stopped without an error."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token(), method="POST", end=False)
    client.send_body(stream, b"some", end=False)
    peer = stage.accept()
    assert peer.read_chunk() == b"some"
    peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
              b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n")
    answer = client.wait(stream)
    while answer.reset is None and client.read(2):
        pass
    assert [dict(head)[":status"] for head in answer.interim] == ["103"]
    assert (answer.status, answer.body, answer.trailers) == (200, b"ok", [("x-sum", "1")])
    assert answer.ended and answer.reset == 0
    client.close()
    stage.remove()


def test_a_client_that_leaves_cancels_its_upstream(tenant, gateway):
    """A reset stream ends its own request at the upstream, and no other."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    client = Client(gateway.port)
    token = tenant.token()
    first = client.send(tenant.host, token)
    one = stage.accept()
    second = client.send(tenant.host, token)
    two = stage.accept()
    client.h2.reset_stream(first, 8)
    client.flush()
    assert one.is_cancelled(20)
    two.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert client.wait(second).body == b"ok"
    client.close()
    stage.remove()


# Upstreams

def test_an_upstream_s_own_limit_of_streams_is_kept(start, database, stand_in, pool):
    """What goes beyond waits, or goes by another connection; all are served."""
    server = Server(streams=2)
    gateway = start(database_url=database.url, upstream=server.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    token = tenant.token()
    streams = [client.send(tenant.host, token) for _ in range(50)]
    assert [client.wait(stream).status for stream in streams] == [200] * 50
    client.close()
    server.remove()


def test_a_refused_stream_is_sent_again(start, database, stand_in, pool):
    """REFUSED_STREAM says that nothing was done with it (RFC 9113 §8.7): a POST without a body, too."""
    count = []

    def behave(call):
        count.append(call)
        if len(count) % 2:
            call.cancel(7)
        else:
            call.answer(200, [], b"second")
    server = Server(behave)
    gateway = start(database_url=database.url, upstream=server.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    for method in ["GET", "POST"]:
        answer = gateway.get(tenant.host, tenant.token(), method=method)
        assert (answer.status, answer.body) == (200, b"second")
    server.remove()


def test_an_upstream_that_goes_away_finishes_what_it_took(start, database, stand_in, pool):
    """After GOAWAY new requests take a new connection."""
    held = []

    def behave(call):
        if call.value(":path") == "/held":
            held.append(call)
        else:
            call.answer(200, [], b"ok")
    server = Server(behave)
    gateway = start(database_url=database.url, upstream=server.url, workers="1")
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token(), path="/held")
    wait_until(lambda: held, 10, "the held request")
    peer = held[0].connection
    with peer.lock:
        peer.h2.close_connection(last_stream_id=held[0].stream)
        data = peer.h2.data_to_send()
        peer.socket.sendall(data)
    assert client.get(tenant.host, tenant.token()).body == b"ok"
    assert len(server.peers) == 2
    peer.socket.sendall(frame(1, 4, held[0].stream, b"\x88") + frame(0, 1, held[0].stream, b"late"))
    assert client.wait(stream).body == b"late"
    client.close()
    server.remove()


def test_an_upstream_that_lies(start, database, stand_in, pool):
    """Malformed responses are 502 or reset, and the next request is served."""
    def behave(call):
        path = call.value(":path")
        if path == "/upper":
            call.connection.socket.sendall(frame(1, 5, call.stream, Client.block([(":status", "200"), ("X-A", "b")])))
        elif path == "/crlf":
            call.connection.socket.sendall(frame(1, 5, call.stream, Client.block([(":status", "200"), ("x-a", "b\r\nc: d")])))
        elif path == "/nostatus":
            call.connection.socket.sendall(frame(1, 5, call.stream, Client.block([("x-a", "b")])))
        elif path == "/length":
            call.connection.socket.sendall(
                frame(1, 4, call.stream, Client.block([(":status", "200"), ("content-length", "5")]))
                + frame(0, 1, call.stream, b"abc"))
        elif path == "/dies":
            call.connection.socket.shutdown(socket.SHUT_RDWR)
        else:
            call.answer(200, [], b"ok")
    server = Server(behave)
    gateway = start(database_url=database.url, upstream=server.url, workers="1")
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    for path in ["/upper", "/crlf", "/nostatus", "/dies"]:
        answer = gateway.get(tenant.host, token, path=path)
        assert answer.status == 502, (path, answer.status)
        assert gateway.get(tenant.host, token).status == 200
    with Connection(gateway.port) as connection:
        connection.socket.sendall(
            f"GET /length HTTP/1.1\r\nHost: {tenant.host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        received = b""
        connection.socket.settimeout(5)
        while data := connection.socket.recv(65536):
            received += data
        assert not received.endswith(b"\r\n\r\nabcde") and b"502" in received or received.endswith(b"abc")
    assert gateway.get(tenant.host, token).status == 200
    server.remove()


def test_an_upstream_without_http2(start, database, stand_in, pool):
    """One that speaks HTTP/1 on the port is 502, not a hang."""
    stage = Stage()
    gateway = start(database_url=database.url, upstream=stage.url.replace("http:", "h2c:"))
    tenant = make_tenant(gateway, database, stand_in, pool)
    import threading

    def serve():
        connection, _ = stage.listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    threading.Thread(target=serve, daemon=True).start()
    assert gateway.get(tenant.host, tenant.token()).status == 502
    stage.remove()
