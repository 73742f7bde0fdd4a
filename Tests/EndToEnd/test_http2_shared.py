"""Requests that share HTTP/2 connections do nothing to each other, and what is cut never looks whole."""

import socket
import threading
import time

import hpack
import pytest

from conftest import make_tenant
from h2wire import Answer, Client, Server
from test_http2_hostile import Raw, frame, plain
from wire import request


@pytest.fixture
def served(start, migrated, stand_in, pool):
    """A gateway of one loop whose tenants go to a server of the test's own."""
    servers = []

    def serve(behave, waits=True, streams=None, **options):
        server = Server(behave, waits, streams)
        servers.append(server)
        database = migrated()
        gateway = start(database_url=database.url, upstream=server.url, workers=1, **options)
        tenant = make_tenant(gateway, database, stand_in, pool)
        return server, gateway, database, tenant
    yield serve
    for server in servers:
        server.remove()


def test_a_response_that_is_given_up_without_an_error_is_not_whole(served):
    """An upstream that resets a stream in the middle with NO_ERROR has not ended its response (RFC 9113 §8.1)."""
    def behave(call):
        call.answer(200, [], b"half", end=False)
        call.cancel(0)
    server, gateway, _, tenant = served(behave)
    client = Client(gateway.port)
    answer = client.get(tenant.host, tenant.token())
    assert answer.reset is not None and not answer.ended
    client.close()
    with gateway.connect() as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        assert not b"".join(iter(lambda: connection.socket.recv(65536), b"")).endswith(b"0\r\n\r\n")


def test_a_response_before_the_upload_s_end_gives_its_stream_back(served):
    """An upstream that answers early, and leaves it at that, has its stream ended by the gateway."""
    def behave(call):
        call.answer(200, [], b"early")
    server, gateway, _, tenant = served(behave, waits=False, streams=2)
    for _ in range(30):
        client = Client(gateway.port)
        stream = client.send(tenant.host, tenant.token(), method="POST", end=False)
        client.send_body(stream, b"some", end=False)
        answer = client.wait(stream)
        assert (answer.status, answer.body, answer.ended) == (200, b"early", True)
        client.close()
    assert len(server.peers) == 1
    assert all(call.reset.wait(20) for call in server.calls)


def test_slow_readers_take_the_connection_from_nobody(served, stand_in, pool):
    """Many clients that take nothing of large responses: another tenant's response passes by the same connection."""
    body = bytes(4 * 1024 * 1024)

    def behave(call):
        call.answer(200, [], body if call.value(":path") == "/large" else b"small")
    server, gateway, database, tenant = served(behave)
    other = make_tenant(gateway, database, stand_in, pool + "o")
    clients = []
    for _ in range(3):
        client = Client(gateway.port)
        client.credits = False
        clients.append(client)
        for _ in range(8):
            client.send(tenant.host, tenant.token(), path="/large")
    server.wait_call(24)
    time.sleep(1)
    quick = Client(gateway.port)
    answer = quick.get(other.host, other.token())
    assert (answer.status, answer.body) == (200, b"small")
    assert len(server.peers) == 1
    for client in [*clients, quick]:
        client.close()


def test_an_upload_given_up_while_the_upstream_reads_nothing_ends_only_itself(served, stand_in, pool):
    """What of it was about to be written is written, or left out as a whole: its neighbours go on."""
    reads = threading.Event()

    def behave(call):
        if call.value(":path") == "/neighbour":
            call.answer(200, [], b"here")
    server, gateway, database, tenant = served(behave)
    neighbour = Client(gateway.port)
    waiting = neighbour.send(tenant.host, tenant.token(), path="/neighbour", method="POST", end=False)
    neighbour.send_body(waiting, b"a", end=False)
    server.wait_call(1)
    peer = server.peers[0]
    with peer.lock:
        # Nothing more is read, and much may be sent.
        peer.h2.increment_flow_control_window(2**30)
        peer.h2.update_settings({4: 2**24})
        peer.flush()
        time.sleep(0.2)
        uploads = []
        for _ in range(6):
            client = Client(gateway.port)
            stream = client.send(tenant.host, tenant.token(), method="POST", path="/upload", end=False)
            thread = threading.Thread(target=pour, args=(client, stream), daemon=True)
            thread.start()
            uploads.append((client, thread))
        time.sleep(3)
        for client, _ in uploads:
            client.socket.shutdown(socket.SHUT_RDWR)
        time.sleep(0.5)
    neighbour.end(waiting)
    answer = neighbour.wait(waiting)
    assert (answer.status, answer.body, answer.ended) == (200, b"here", True)
    assert len(server.peers) == 1 and not peer.gone
    neighbour.close()


def pour(client, stream):
    try:
        client.send_body(stream, bytes(16 * 1024 * 1024), end=False)
    except Exception:  # The connection ends under it.
        pass


def test_a_head_reaches_the_upstream_before_its_body(served):
    """A stream's head is passed on though nothing of its body came: both sides of a call may wait for each other."""
    server, gateway, _, tenant = served(lambda call: call.answer(200, [], b"first"), waits=False)
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token(), method="POST", end=False)
    assert client.wait_head(stream).status == 200
    client.close()


BAD_TRAILERS = {"a connection field": [("connection", "x")], "a pseudo-field": [(":path", "/")],
                "too large": [(f"x-{number}", "a" * 2_000) for number in range(6)],
                "too large a field": [("x-a", "a" * 15_000)]}


def test_bad_trailers_end_their_request_once(served):
    """Whatever the exchange is at: its stream is reset, nothing at the upstream looks whole, and neighbours pass."""
    server, gateway, _, tenant = served(None, waits=False, max_head_bytes="8KiB")
    for name, trailers in BAD_TRAILERS.items():
        for when in ["at once", "behind the head", "behind the response's head"]:
            is_answered = when == "behind the response's head"
            server.behave = (lambda call: call.answer(200, [], b"ok", end=False)) if is_answered else (lambda call: None)
            server.calls.clear()
            client = Client(gateway.port)
            head = plain(tenant.host) + [("authorization", f"Bearer {tenant.token()}")]
            head[0] = (":method", "POST")
            first = frame(1, 4, 1, Client.block(head)) + frame(0, 0, 1, b"body")
            last = frame(1, 5, 1, Client.block(trailers))
            raw = Raw(client)
            if when == "at once":
                client.socket.sendall(first + last)
            else:
                client.socket.sendall(first)
                server.wait_call(1)
                while is_answered and 1 not in raw.heads:
                    assert raw.frame()
                client.socket.sendall(last)
            status, reset = raw.outcome(1)
            assert (reset, raw.heads.get(1, {}).get(":status")) == (1, "200" if is_answered else None), (name, when, status)
            for call in server.calls:
                assert call.reset.wait(20) and not call.ended.is_set(), (name, when)
            server.behave = lambda call: call.answer(200)
            head[0] = (":method", "GET")
            client.socket.sendall(frame(1, 5, 3, Client.block(head)))
            assert raw.outcome(3) == (200, None), (name, when)
            client.close()


@pytest.mark.parametrize("kind", ["no streams", "goes away at once"])
def test_an_upstream_that_takes_no_stream_is_an_error(start, migrated, stand_in, pool, kind):
    """A request for it is refused in time, and few connections are tried."""
    listener = socket.create_server(("127.0.0.1", 0))
    peers = []

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peers.append(peer)
            peer.sendall(frame(4, 0, 0, b"\0\3\0\0\0\0") if kind == "no streams" else
                         frame(4, 0, 0) + frame(7, 0, 0, bytes(8)))
    threading.Thread(target=accept, daemon=True).start()
    database = migrated()
    gateway = start(
        database_url=database.url, upstream=f"h2c://127.0.0.1:{listener.getsockname()[1]}", workers=1)
    tenant = make_tenant(gateway, database, stand_in, pool)
    began = time.monotonic()
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token())
    answer = client.wait(stream, 30)
    assert answer.status in (502, 503, 504), answer.status
    assert time.monotonic() - began < 25 and len(peers) < 100, len(peers)
    client.close()
    listener.close()
    for peer in peers:
        peer.close()


def test_a_request_that_waits_for_a_stream_gets_the_one_that_was_given_up(served):
    """It is sent at once, not when the connection has another reason to send."""
    def behave(call):
        if call.value(":path") == "/quick":
            call.answer(200, [], b"quick")
    server, gateway, _, tenant = served(behave, streams=8)
    holder, waiting = Client(gateway.port), Client(gateway.port)
    token = tenant.token()
    held = []
    # One after the other, so that a server that is slow is not asked for eight connections at once.
    for number in range(64):
        held.append(holder.send(tenant.host, token, path="/held"))
        server.wait_call(number + 1)
    stream = waiting.send(tenant.host, tenant.token(), path="/quick")
    time.sleep(0.5)
    holder.h2.reset_stream(held[0], 8)
    holder.flush()
    answer = waiting.wait(stream, 12)
    assert (answer.status, answer.body) == (200, b"quick")
    holder.close()
    waiting.close()


def test_what_no_table_may_hold_stays_out_of_them(served):
    """A field that its sender never has indexed goes on so (RFC 7541 §6.2.3), as does what belongs to one request or one
    caller; what comes again is indexed."""
    def never(fields):
        return {name for field in fields if isinstance(field, hpack.NeverIndexedHeaderTuple) for name in field[:1]}

    server, gateway, _, tenant = served(lambda call: call.answer(
        200, [hpack.NeverIndexedHeaderTuple("x-told", "1"), ("x-open", "2")], b"hello",
        trailers=[hpack.NeverIndexedHeaderTuple("x-last", "3"), ("x-sum", "4")]))
    client = Client(gateway.port)
    refused = client.get(tenant.host, None)
    assert refused.status == 401 and never(refused.headers) == {"x-request-id"}
    answer = client.get(tenant.host, tenant.token(), fields=[
        hpack.NeverIndexedHeaderTuple("x-secret", "1"), ("x-plain", "2"), ("cookie", "session=0123456789abcdef"),
        ("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")])
    assert answer.body == b"hello"
    sent = server.last.headers
    assert {"x-secret", "x-plain", "x-poolgate-tenant", "x-forwarded-user"} <= {name for name, _ in sent}
    assert never(sent) == {"x-secret", "cookie", "traceparent", "authorization", "x-request-id"}
    assert never(answer.headers) == {"x-told", "x-request-id"}
    assert never(answer.trailers) == {"x-last"} and len(answer.trailers) == 2
    # Nor does a target or an authority.
    stream = client.h2.get_next_available_stream_id()
    client.answers[stream] = Answer()
    client.h2.send_headers(stream, [
        (":method", "GET"), (":scheme", "http"), (":authority", tenant.host),
        hpack.NeverIndexedHeaderTuple(":path", "/?secret"), ("authorization", f"Bearer {tenant.token()}")], end_stream=True)
    client.flush()
    assert client.wait(stream).status == 200
    assert {":path", ":authority"} <= never(server.last.headers)
    client.close()
