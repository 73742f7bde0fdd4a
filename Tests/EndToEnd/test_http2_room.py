"""What HTTP/2's streams hold, and that none of it holds up others: uploads, heads, trailers, and clients that leave."""

import selectors
import socket
import threading
import time

import pytest

from conftest import make_tenant
from h2wire import Client, Server
from processes import wait_until
from stage import Stage
from test_http2_hostile import Raw, frame, plain


@pytest.fixture(scope="module")
def silent():
    """An upstream that reads heads and gives no window back: of all uploads together it takes 64 KiB."""
    server = Server(behave=lambda call: None, streams=4_000)
    server.credits = False
    yield server
    server.remove()


@pytest.fixture
def one_loop(start, migrated, stand_in):
    """A gateway of one loop, and its database."""
    def begin(**options):
        database = migrated()
        return start(database_url=database.url, workers=1, max_upstream_connections=8_000, **options), database
    return begin


def fill(client, streams):
    """Sends on each stream as much as the gateway takes of it, until it takes nothing more for a while."""
    while True:
        moved = False
        for stream in streams:
            if client.answers[stream].ended or client.answers[stream].reset is not None:
                continue
            while (count := min(client.h2.local_flow_control_window(stream), 16_384)) > 0:
                client.h2.send_data(stream, bytes(count))
                moved = True
            client.flush()
        if not client.read(0.5) and not moved:
            return


# Trailers

@pytest.mark.parametrize("method,status,fields", [
    ("GET", 200, [("content-length", "0")]), ("HEAD", 200, [("content-length", "5")]), ("GET", 204, []), ("GET", 200, [])])
def test_trailers_behind_a_response_without_a_body(start, database, stand_in, pool, method, status, fields):
    """HTTP/2 tells a message's end apart from its length: trailers pass where there is no payload."""
    server = Server(lambda call: call.answer(status, fields, trailers=[("x-sum", "1")]))
    gateway = start(database_url=database.url, upstream=server.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    answer = client.get(tenant.host, tenant.token(), method=method)
    assert (answer.status, answer.body, answer.trailers, answer.ended) == (status, b"", [("x-sum", "1")], True)
    assert answer.value("content-length") == dict(fields).get("content-length")
    # A client of HTTP/1 is told the same without them.
    plain_answer = gateway.get(tenant.host, tenant.token(), method=method)
    assert (plain_answer.status, plain_answer.body) == (status, b"")
    client.close()
    server.remove()


def test_trailers_behind_a_request_without_a_body(start, database, stand_in, pool):
    """The same the other way round."""
    server = Server()
    gateway = start(database_url=database.url, upstream=server.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token(), method="POST", fields=[("content-length", "0")], end=False)
    client.end(stream, [("x-sum", "1")])
    assert client.wait(stream).status == 200
    assert (server.last.trailers, server.last.value("content-length")) == ([("x-sum", "1")], "0")
    client.close()
    server.remove()


# Uploads

def test_uploads_that_are_not_taken_hold_up_none_of_another_tenant(one_loop, silent, stand_in, pool, upstream):
    """Twenty of one tenant's wait for its upstream: another's passes by the same connection."""
    gateway, database = one_loop()
    stuck = make_tenant(gateway, database, stand_in, pool, upstream=silent.url)
    other = make_tenant(gateway, database, stand_in, pool + "o")
    client = Client(gateway.port)
    fill(client, [client.send(stuck.host, stuck.token(), method="POST", end=False) for _ in range(20)])
    # One whose upstream takes it is not held up, either.
    answer = client.get(other.host, other.token(), method="POST", body=bytes(1_000_000))
    assert (answer.status, len(upstream.last.body)) == (200, 1_000_000)
    client.close()


class Pourer:
    """A client that sends on many streams as much as it may, without a library's cost."""

    def __init__(self, port, host, token, streams):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.raw = Raw(self)
        self.windows = {0: 65_535} | {2 * number + 1: 65_535 for number in range(streams)}
        self.statuses, self.resets = {}, {}
        head = plain(host) + [("authorization", f"Bearer {token}")]
        head[0] = (":method", "POST")
        self.head = Client.block(head)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + b"".join(
            frame(1, 4, stream, self.head) for stream in self.windows if stream))

    def read(self, seconds):
        """Takes the next frame; false where none comes in that time."""
        one = self.raw.frame(seconds)
        if one is None:
            return False
        kind, _, stream, payload = one
        if kind == 8:
            self.windows[stream] = self.windows.get(stream, 0) + int.from_bytes(payload, "big")
        elif kind == 1:
            self.statuses[stream] = self.raw.heads[stream][":status"]
        elif kind == 3:
            self.windows.pop(stream, None)
            self.resets[stream] = int.from_bytes(payload, "big")
        return True

    def fill(self):
        """Until no window opens for half a second."""
        while True:
            for stream in [stream for stream in self.windows if stream]:
                while (count := min(self.windows[0], self.windows[stream], 16_384)) > 0:
                    self.socket.sendall(frame(0, 0, stream, bytes(count)))
                    self.windows[0] -= count
                    self.windows[stream] -= count
            if not self.read(0.5):
                return
            while self.read(0.001):
                pass

    def upload(self, stream, count):
        """Sends a body of so many bytes, and gives the status of the response."""
        self.windows[stream] = 65_535
        while count > 0:
            while (piece := min(self.windows[0], self.windows[stream], 16_384, count)) > 0:
                count -= piece
                self.socket.sendall(frame(0, 0 if count else 1, stream, bytes(piece)))
                self.windows[0] -= piece
                self.windows[stream] -= piece
            if count:
                assert self.read(20)
        while stream not in self.statuses:
            assert self.read(20)
        return self.statuses[stream]


def test_uploads_that_are_not_taken_make_room_when_nothing_is_left_to_lend(one_loop, silent, stand_in, pool):
    """A tenant's uploads wait until the loop has lent all that it may: then those that wait long are refused, another
    tenant's upload by such a connection passes, and the gateway holds what its documents say."""
    gateway, database = one_loop()
    stuck = make_tenant(gateway, database, stand_in, pool, upstream=silent.url)
    other = make_tenant(gateway, database, stand_in, pool + "o")
    before = gateway.rss_mib()
    token = stuck.token()
    clients = [Pourer(gateway.port, stuck.host, token, 120) for _ in range(11)]
    for client in clients:
        client.fill()
    assert gateway.rss_mib() - before < 64 + 11 * 1.25 + 1_320 * (96 + 8) / 1024 + 40
    last = clients[-1]
    head = plain(other.host) + [("authorization", f"Bearer {other.token()}")]
    head[0] = (":method", "POST")
    last.socket.sendall(frame(1, 4, 1_001, Client.block(head)))
    assert last.upload(1_001, 1_000_000) == "200"
    for client in clients:
        while client.read(0.2):
            pass
    assert {status for client in clients for status in client.statuses.values()} == {"200", "503"}
    for client in clients:
        client.socket.close()


def test_streams_given_up_leave_the_connection_s_window_open(one_loop, silent, stand_in, pool, upstream):
    """What was not taken of a stream that its client resets is not missing to others: fifty times."""
    gateway, database = one_loop()
    stuck = make_tenant(gateway, database, stand_in, pool, upstream=silent.url)
    client, token = Client(gateway.port), stuck.token()
    for _ in range(5):
        streams = [client.send(stuck.host, token, method="POST", end=False) for _ in range(10)]
        fill(client, streams)
        for stream in streams:
            client.h2.reset_stream(stream, 8)
        client.flush()
    other = make_tenant(gateway, database, stand_in, pool + "o")
    assert client.get(other.host, other.token(), method="POST", body=bytes(1_000_000)).status == 200
    client.close()


# A client that leaves

def test_a_fin_inside_an_upload_cancels_its_upstream(tenant, gateway):
    """At once; a request that is whole gets its response nonetheless."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    client = Client(gateway.port)
    token = tenant.token()
    upload = client.send(tenant.host, token, method="POST", end=False)
    client.send_body(upload, b"some", end=False)
    cut = stage.accept()
    whole = client.send(tenant.host, token)
    served = stage.accept()
    client.socket.shutdown(socket.SHUT_WR)
    assert cut.is_cancelled(5)
    served.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    client.flush = lambda: client.h2.data_to_send()
    answer = client.wait(whole)
    assert (answer.status, answer.body, answer.ended) == (200, b"ok", True)
    assert client.answers[upload].reset is not None
    client.close()
    stage.remove()


# Heads

class LargeHeads:
    """An upstream of HTTP/1 whose responses have heads of 200 KiB."""

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"".join(
        b"X-%d: " % number + b"a" * 8_000 + b"\r\n" for number in range(25)) + b"\r\n"

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.count = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        unsent = {}
        while self.listener.fileno() >= 0:
            for key, events in self.selector.select(0.2):
                connection = key.fileobj
                try:
                    if connection is self.listener:
                        peer, _ = connection.accept()
                        peer.setblocking(False)
                        self.selector.register(peer, selectors.EVENT_READ)
                        continue
                    if events & selectors.EVENT_READ:
                        if not connection.recv(65536):
                            raise ConnectionError
                        self.count += 1
                        unsent[connection] = self.head
                    if rest := unsent.get(connection):
                        unsent[connection] = rest = rest[connection.send(rest):]
                        self.selector.modify(
                            connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if rest else 0))
                except BlockingIOError:
                    self.selector.modify(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
                except OSError:
                    self.selector.unregister(connection)
                    connection.close()

    def remove(self):
        self.listener.close()


def test_heads_that_nobody_takes_are_bounded(start, migrated, stand_in, pool):
    """1,000 responses whose heads have 200 KiB, for clients that take nothing: 200 MiB if they were all kept. Few connections
    bring them, one after the other, since what is read of one head is that connection's."""
    server = LargeHeads()
    database = migrated()
    gateway = start(database_url=database.url, workers=1, upstream=server.url, max_upstream_connections=32,
                    upstream_wait="30s")
    tenants = [make_tenant(gateway, database, stand_in, pool + mark) for mark in "ab"]
    before = gateway.rss_mib()
    clients = []
    for tenant in tenants * 4:
        block = Client.block(plain(tenant.host) + [("authorization", f"Bearer {tenant.token()}")])
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", gateway.port))
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        connection.sendall(b"".join(frame(1, 5, 2 * number + 1, block) for number in range(125)))
        clients.append(connection)
    readings = []

    def is_settled():
        readings.append((server.count, gateway.rss_mib()))
        return server.count > 200 and len(readings) > 20 and readings[-1][0] == readings[-20][0]
    wait_until(is_settled, 20, "the heads")
    assert readings[-1][1] - before < 64 + 8 * 0.25 + 32 * 0.6 + 1_000 * 16 / 1024 + 32, readings[-1]
    for connection in clients:
        connection.close()
    server.remove()


# Streams

@pytest.mark.parametrize("knows", [True, False])
def test_streams_beyond_those_allowed_are_refused_alone(tenant, gateway, knows):
    """128 at once, whether the client has acknowledged so or not; one beyond is refused so that it may be tried again (RFC
    9113 §5.1.2), and its neighbours are served."""
    stage = Stage()
    tenant.update_and_wait(f"upstream = '{stage.url}'")
    client = Client(gateway.port)
    if knows:
        client.read()
    block = Client.block(plain(tenant.host) + [("authorization", f"Bearer {tenant.token()}")])
    for number in range(130):
        client.raw(1, 5, 2 * number + 1, block)
    raw = Raw(client)
    assert raw.outcome(257) == (None, 7)
    peer = stage.accept()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    while (one := raw.frame()) is not None and not (one[0] == 0 and one[3] == b"ok"):
        assert one[0] != 7
    assert one is not None
    client.close()
    stage.remove()


def test_a_malformed_head_is_not_waited_for(start, database, stand_in, pool):
    """It ends its stream; its connection is not taken for one that never sends the rest of a head."""
    stage = Stage()
    gateway = start(database_url=database.url, head_timeout="1s", upstream=stage.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    client = Client(gateway.port)
    token = tenant.token()
    client.raw(1, 5, 1, Client.block(plain(tenant.host) + [("authorization", f"Bearer {token}")]))
    peer = stage.accept()
    client.raw(1, 5, 3, Client.block(plain(tenant.host) + [("x-a", "b\r\nc")]))
    raw = Raw(client)
    assert raw.outcome(3) == (None, 1)
    time.sleep(2)
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert raw.outcome(1) == (200, None)
    client.close()
    stage.remove()
