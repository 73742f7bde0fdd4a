"""WebSocket through the gateway: the handshake, the bytes, and every end that there is."""

import asyncio
import base64
import os
import signal
import socket
import struct
import threading
import time

import pytest
import websockets

import upstream as up
from conftest import make_tenant
from processes import wait_until
from wire import request

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ASK = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]
AGREE = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n")


class Echo:
    """A real WebSocket server that sends back what it gets; ends with the test."""

    def __init__(self, **options):
        started = threading.Event()
        self.headers, self.closes = [], []

        async def echo(connection):
            self.headers.append(connection.request.headers)
            try:
                async for message in connection:
                    await connection.send(message)
            finally:
                self.closes.append(connection.close_code)

        async def serve():
            self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
            listening = websockets.serve(
                echo, "127.0.0.1", 0, max_size=None, ping_interval=None, close_timeout=1, **options)
            async with listening as server:
                self.port = server.sockets[0].getsockname()[1]
                started.set()
                await self.over.wait()
        self.thread = threading.Thread(target=lambda: asyncio.run(serve()))
        self.thread.start()
        assert started.wait(20)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def remove(self):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.remove()


@pytest.fixture
def chat(tenant, echo):
    """A tenant whose upstream speaks WebSocket."""
    tenant.update(f"upstream = '{echo.url}'")
    wait_until(lambda: tenant.get(tenant.token()).status == 426)
    return tenant


def connect(tenant, token, gateway=None, **options):
    port = (gateway or tenant.gateway).port
    path = options.pop("path", "/chat")
    return websockets.connect(
        f"ws://{tenant.host}:{port}{path}", host="127.0.0.1", port=port, max_size=None, ping_interval=None,
        additional_headers={"Authorization": f"Bearer {token}", **options.pop("fields", {})}, **options)


async def close_of(connection, seconds=20):
    """The Close frame that the gateway sends, as its code."""
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await asyncio.wait_for(connection.recv(), seconds)
    return closed.value.rcvd.code if closed.value.rcvd else None


# What a client of the library and a server of the library see.

@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_of_all_sizes_come_back_whole(chat, compression):
    async def talk():
        async with connect(chat, chat.token(), compression=compression) as connection:
            for size in (0, 1, 125, 126, 65535, 65536, 3 << 20):
                message = os.urandom(size)
                await connection.send(message)
                assert await connection.recv() == message
            await connection.send("grüße")
            assert await connection.recv() == "grüße"
        assert connection.close_code == 1000
    asyncio.run(talk())


def test_the_upstream_sees_who_is_calling_and_no_forged_identity(chat, echo):
    async def talk():
        forged = {"X-Forwarded-User": "mallory", "X_Poolgate_Subject": "forged", "X-Own": "kept"}
        async with connect(chat, chat.token(), fields=forged) as connection:
            await connection.send("x")
            await connection.recv()
    asyncio.run(talk())
    headers = echo.headers[-1]
    assert headers.get_all("X-Forwarded-User") == ["alice"]
    assert headers["X-Own"] == "kept" and headers["Host"].startswith(chat.host)
    assert not any("forged" in value or "mallory" in value for _, value in headers.raw_items())


def test_many_sockets_live_beside_each_other(chat):
    async def talk():
        token = chat.token()
        connections = [await connect(chat, token) for _ in range(50)]
        for number, connection in enumerate(connections):
            await connection.send(str(number))
        assert [await connection.recv() for connection in connections] == [str(number) for number in range(50)]
        for connection in connections:
            await connection.close()
    asyncio.run(talk())


def test_a_socket_is_closed_with_1008_when_its_token_expires(chat, echo):
    async def talk():
        async with connect(chat, chat.token(ttl=2)) as connection:
            await connection.send("x")
            assert await connection.recv() == "x"
            begun = time.monotonic()
            assert await close_of(connection) == 1008
            assert 0.5 < time.monotonic() - begun < 15
    asyncio.run(talk())
    wait_until(lambda: echo.closes)
    assert chat.gateway.wait_event("refused", tenant=chat.host, code="expired", detail="websocket_closed")


def test_grace_lets_a_socket_outlive_its_token_for_a_while(chat):
    chat.update("expiry_grace = '3 seconds'")

    async def talk():
        async with connect(chat, chat.token(ttl=2)) as connection:
            begun = time.monotonic()
            assert await close_of(connection, 15) == 1008
            assert time.monotonic() - begun > 3.5
    asyncio.run(talk())


def test_a_socket_may_be_allowed_to_outlive_its_token(chat):
    chat.update_and_wait("at_expiry = 'outlive'")

    async def talk():
        async with connect(chat, chat.token(ttl=1)) as connection:
            await asyncio.sleep(2.5)
            await connection.send("still")
            assert await connection.recv() == "still"
    asyncio.run(talk())


@pytest.mark.parametrize("change", [
    "UPDATE poolgate.tenants SET status = 'suspended' WHERE host = '{}'", "DELETE FROM poolgate.tenants WHERE host = '{}'",
    "UPDATE poolgate.tenants SET required_groups = '{{nobody}}' WHERE host = '{}'"])
def test_a_socket_is_closed_with_1008_when_its_row_no_longer_lets_it_in(chat, change):
    async def talk():
        async with connect(chat, chat.token()) as connection:
            await connection.send("x")
            await connection.recv()
            chat.database.sql(change.format(chat.host))
            assert await close_of(connection) == 1008
    asyncio.run(talk())


@pytest.mark.parametrize("change", [
    "UPDATE poolgate.tenants SET websockets = false WHERE host = '{}'",
    "UPDATE poolgate.tenants SET client_ids = '{{another}}' WHERE host = '{}'",
    "UPDATE poolgate.tenants SET token_uses = '{{id}}' WHERE host = '{}'",
    "UPDATE poolgate.tenants SET upstream = NULL, max_token_age = '1 second' WHERE host = '{}'",
    "INSERT INTO poolgate.rules (host, path_prefix, required_groups) VALUES ('{}', '/@chat', '{{nobody}}')",
    "INSERT INTO poolgate.rules (host, path_prefix, required_claims, methods) VALUES ('{}', '/@chat', '{{\"a\": \"b\"}}', '{{GET}}')"])
def test_a_socket_that_a_new_request_could_not_open_is_closed(chat, change):
    async def talk():
        token = chat.token(claims={"iat": int(time.time()) - 10})
        async with connect(chat, token, path="/%40c%68at") as connection:
            await connection.send("x")
            await connection.recv()
            chat.database.sql(change.format(chat.host))
            assert await close_of(connection) == 1008
    asyncio.run(talk())


def test_no_change_takes_a_sockets_clock_away(chat):
    async def talk():
        async with connect(chat, chat.token(ttl=4)) as connection:
            chat.update_and_wait("at_expiry = 'outlive'")
            await connection.send("x")
            await connection.recv()
            assert await close_of(connection) == 1008
    asyncio.run(talk())


def test_a_change_of_the_row_that_lets_it_in_still_leaves_a_socket_alone(chat):
    async def talk():
        async with connect(chat, chat.token()) as connection:
            chat.update("comment = 'x', max_body_bytes = 1000")
            await asyncio.sleep(0.7)
            await connection.send("still")
            assert await connection.recv() == "still"
    asyncio.run(talk())


def test_sockets_are_closed_with_1001_when_the_gateway_goes(start, migrated, stand_in, echo, pool):
    database = migrated()
    gateway = start(database_url=database.url, upstream=echo.url, workers=2)
    tenant = make_tenant(gateway, database, stand_in, pool)

    async def talk():
        connections = [await connect(tenant, tenant.token()) for _ in range(6)]
        gateway.process.send_signal(signal.SIGTERM)
        assert [await close_of(connection) for connection in connections] == [1001] * 6
    asyncio.run(talk())
    assert gateway.process.wait(20) == 0


def test_a_socket_needs_a_token_like_any_request(chat):
    with chat.gateway.connect() as connection:
        assert connection.request("GET", "/chat", chat.host, None, ASK).status == 401
        assert connection.request("GET", "/chat", chat.host, chat.token(ttl=-5), ASK).status == 401


# By the byte.

@pytest.fixture
def raw(gateway, tenant, own_upstream):
    """A tenant whose upstream agrees to every handshake and hands its connection to the test."""
    handed = []

    def agree(received, connection, _number):
        if received.value("Upgrade") is None:
            return up.answer(200, b"plain")
        connection.sendall(AGREE)
        handed.append(connection)
        wait_until(lambda: connection.fileno() < 0 or getattr(tenant, "over", False), 30)
        return None
    own_upstream.behave = agree
    tenant.update(f"upstream = '{own_upstream.url}'")
    tenant.handed = handed
    wait_until(lambda: tenant.get(tenant.token()).body == b"plain")
    yield tenant
    tenant.over = True


def opened(tenant, **order):
    """Both ends of a socket."""
    connection = tenant.gateway.connect()
    connection.send(request("GET", "/", tenant.host, tenant.token(**order), ASK))
    assert connection.line().startswith(b"HTTP/1.1 101 ")
    headers = dict((name.lower(), value) for name, value in connection.fields())
    assert headers["sec-websocket-accept"] == ACCEPT and headers["upgrade"] == "websocket"
    wait_until(lambda: tenant.handed)
    return connection, tenant.handed.pop()


def exactly(end, count):
    data = b""
    while len(data) < count:
        more = end.recv(count - len(data))
        assert more, f"the end after {len(data)} bytes"
        data += more
    return data


def frame(size):
    return b"\x82\x7f" + struct.pack(">Q", size)


def test_what_the_client_sends_before_the_answer_waits_for_it(gateway, tenant, own_upstream):
    agreed, seen = threading.Event(), []

    def late(received, connection, _number):
        connection.settimeout(0.4)
        try:
            seen.append(connection.recv(100))
        except TimeoutError:
            seen.append(None)
        connection.sendall(AGREE)
        connection.settimeout(10)
        seen.append(exactly(connection, 5))
        agreed.set()
        return None
    own_upstream.behave = late
    tenant.update_and_wait(f"upstream = '{own_upstream.url}'")
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token(), ASK) + b"early")
        assert connection.line().startswith(b"HTTP/1.1 101 ")
        assert agreed.wait(20)
    assert seen == [None, b"early"]


@pytest.mark.parametrize("broken, status, error", [
    ([("Sec-WebSocket-Version", "8")], 426, "upgrade_required"), ([("Sec-WebSocket-Version", None)], 400, "bad_request"),
    ([("Sec-WebSocket-Key", "short")], 400, "bad_request"), ([("Sec-WebSocket-Key", None)], 400, "bad_request"),
    ([("Sec-WebSocket-Key", base64.b64encode(b"x" * 15).decode())], 400, "bad_request")])
def test_a_handshake_that_breaks_the_rules_is_refused(raw, broken, status, error):
    fields = [(name, dict(broken).get(name, value)) for name, value in ASK]
    with raw.gateway.connect() as connection:
        answer = connection.request(
            "GET", "/", raw.host, raw.token(), [(name, value) for name, value in fields if value is not None])
        assert (answer.status, answer.error) == (status, error)
        if status == 426:
            assert answer.header("Sec-WebSocket-Version") == "13" and answer.header("Upgrade") == "websocket"
        assert connection.is_closed()


@pytest.mark.parametrize("fields", [
    [("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
    [("Upgrade", "websocket")], [("Upgrade", "websocket"), ("Connection", "keep-alive")]])
def test_other_upgrades_are_dropped_and_served_plain(raw, own_upstream, fields):
    answer = raw.get(raw.token(), headers=fields)
    assert (answer.status, answer.body) == (200, b"plain")
    assert own_upstream.last.value("Upgrade") is None and own_upstream.last.value("Connection") is None


def test_where_the_row_says_off_the_request_is_served_plain(raw):
    raw.update_and_wait("websockets = false")
    assert raw.get(raw.token(), headers=ASK).body == b"plain"


@pytest.mark.parametrize("answer, status", [
    (up.answer(200, b"no"), 200), (up.answer(403, b"no"), 403),
    (AGREE.replace(ACCEPT.encode(), b"x" * 27 + b"="), 502), (AGREE.replace(b"Upgrade: websocket\r\n", b""), 502),
    (AGREE.replace(b"Connection: Upgrade\r\n", b""), 502)])
def test_only_an_answer_that_agrees_opens_a_socket(gateway, tenant, own_upstream, answer, status):
    own_upstream.behave = lambda *_: answer
    tenant.update_and_wait(f"upstream = '{own_upstream.url}'")
    refused = tenant.get(tenant.token(), headers=ASK)
    assert refused.status == status
    if status == 502:
        assert refused.error == "upstream_bad_answer"


def test_an_answer_that_switches_unasked_is_refused(gateway, tenant, own_upstream):
    own_upstream.behave = lambda *_: AGREE
    tenant.update(f"upstream = '{own_upstream.url}'")
    assert gateway.wait_status(502, tenant.host, tenant.token()).error == "upstream_bad_answer"


def test_each_side_may_end_its_own_direction_alone(raw):
    for first in ("client", "upstream"):
        connection, peer = opened(raw)
        one, other = (connection.socket, peer) if first == "client" else (peer, connection.socket)
        one.sendall(b"last words")
        one.shutdown(socket.SHUT_WR)
        assert exactly(other, 10) == b"last words" and other.recv(1) == b""
        other.sendall(b"a long answer")
        assert exactly(one, 13) == b"a long answer"
        other.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b""
        connection.socket.close()
        peer.close()


def test_an_upstream_that_resets_ends_the_clients_connection(raw):
    connection, peer = opened(raw)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Others hold the object; the descriptor itself has to go.
    os.close(peer.detach())
    assert connection.is_closed()


def test_a_side_that_does_not_read_holds_the_other_back(raw):
    connection, peer = opened(raw)
    before, sent = raw.gateway.rss_mib(), 0
    peer.settimeout(1)
    try:
        while sent < 256 << 20:
            sent += peer.send(frame(1 << 16) + bytes(1 << 16))
    except TimeoutError:
        pass
    assert sent < 64 << 20 and raw.gateway.rss_mib() - before < 16
    connection.socket.close()


def test_a_close_frame_waits_for_the_end_of_the_frame_under_way(raw):
    connection, peer = opened(raw)
    peer.sendall(frame(1000) + b"a" * 400)
    assert exactly(connection.socket, 410) == frame(1000) + b"a" * 400
    raw.update("status = 'suspended'")
    # The loop that carries this one has decided.
    raw.gateway.wait_event("refused", tenant=raw.host, detail="websocket_closed")
    # The frame ends, another begins behind it; the Close frame stands between them, and nothing after it.
    peer.sendall(b"a" * 600 + frame(5) + b"bbbbb")
    assert exactly(connection.socket, 604) == b"a" * 600 + b"\x88\x02\x03\xf0"
    assert connection.socket.recv(1) == b""


def test_a_frame_that_never_ends_is_cut_by_a_reset(raw):
    connection, peer = opened(raw)
    peer.sendall(frame(1000) + b"a" * 400)
    exactly(connection.socket, 410)
    raw.update("status = 'suspended'")
    with pytest.raises(ConnectionResetError):
        connection.socket.settimeout(5)
        assert connection.socket.recv(1) == b"a"
