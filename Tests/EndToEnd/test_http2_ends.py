"""How messages end by HTTP/2: where no window is open, where the peer is gone, and for calls that do not say what they are."""

import socket
import threading
import time

import pytest

from conftest import make_tenant
from h2wire import Client, Server
from stage import Stage

WINDOW = 65_535
CALL = [("content-type", "application/grpc"), ("te", "trailers")]


@pytest.fixture
def made(start, database, stand_in, pool):
    """A tenant of an upstream of the test's own, and its gateway of one loop."""
    servers = []

    def make(server):
        servers.append(server)
        gateway = start(database_url=database.url, upstream=server.url, workers=1)
        return gateway, make_tenant(gateway, database, stand_in, pool)
    yield make
    for server in servers:
        server.remove()


@pytest.mark.parametrize("trailers", [None, [("x-sum", "1")]])
@pytest.mark.parametrize("wire", ["http/1", "http/2"])
def test_the_end_of_a_response_needs_no_window(made, wire, trailers):
    """A body fills the client's window, and its end comes later: it has no payload, so nothing holds it up."""
    gate = threading.Event()

    def behave(call):
        call.answer(200, [], bytes(WINDOW), end=False)
        gate.wait(20)
        with call.connection.lock:
            if trailers:
                call.connection.h2.send_headers(call.stream, trailers, end_stream=True)
            else:
                call.connection.h2.end_stream(call.stream)
            call.connection.flush()
    server = Server(behave) if wire == "http/2" else Stage()
    gateway, tenant = made(server)
    client = Client(gateway.port)
    client.credits = False
    stream = client.send(tenant.host, tenant.token())
    if wire == "http/1":
        peer = server.accept()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % WINDOW + bytes(WINDOW) + b"\r\n")
    answer = client.answers[stream]
    while len(answer.body) < WINDOW:
        assert client.read()
    if wire == "http/1":
        fields = b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers or [])
        peer.send(b"0\r\n" + fields + b"\r\n")
    gate.set()
    client.wait(stream)
    assert (answer.ended, answer.reset, answer.trailers) == (True, None, trailers or [])
    # The window opens late, and the connection serves on.
    client.h2.increment_flow_control_window(1_000_000)
    client.flush()
    client.close()


@pytest.mark.parametrize("trailers", [None, [("x-sum", "1")]])
def test_the_end_of_a_request_needs_no_window(made, trailers):
    """The same the other way round: an upstream that gives nothing back before it has all."""
    server = Server(lambda call: call.answer(200, [], b"%d" % len(call.body)))
    server.credits = False
    gateway, tenant = made(server)
    client = Client(gateway.port)
    stream = client.send(tenant.host, tenant.token(), method="POST", end=False)
    client.send_body(stream, bytes(WINDOW), end=False)
    while len(server.wait_call().body) < WINDOW:
        time.sleep(0.01)
    client.end(stream, trailers)
    answer = client.wait(stream)
    assert (answer.status, answer.body) == (200, b"65535")
    assert server.last.trailers == (trailers or [])
    client.close()


def test_a_call_whose_client_takes_nothing_is_told_of_its_end(made):
    """Its status needs no window, either."""
    server = Server(lambda call: call.answer(200, CALL[:1], bytes(100), end=False))
    gateway, tenant = made(server)
    client = Client(gateway.port, window=100)
    client.credits = False
    stream = client.send(tenant.host, tenant.token(), method="POST", fields=CALL)
    answer = client.answers[stream]
    while len(answer.body) < 100:
        assert client.read()
    tenant.update("status = 'suspended'")
    client.wait(stream)
    assert answer.ended and dict(answer.trailers)["grpc-status"] == "7"
    client.close()


@pytest.mark.parametrize("kind", ["application/grpc-web+proto", "application/grpc-web-text", "application/grpcfoo", "text/plain"])
def test_what_is_no_grpc_is_answered_as_http(made, kind):
    """gRPC-Web's callers read HTTP: a refusal has its own status, and what is cut never looks whole."""
    stage = Stage()
    gateway, tenant = made(stage)
    client = Client(gateway.port)
    assert client.get(tenant.host, None, method="POST", fields=[("content-type", kind)], body=b"x").status == 401
    for head in (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"Content-Length: 100\r\n\r\nhalf"):
        stream = client.send(tenant.host, tenant.token(), method="POST", fields=[("content-type", kind)], body=b"x")
        peer = stage.next_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n" + head)
        answer = client.answers[stream]
        while answer.body != b"half":
            assert client.read()
        peer.reset()
        client.wait(stream)
        assert answer.reset is not None and not answer.ended
    client.close()


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "Application/gRPC;charset=utf-8", None])
def test_a_call_ends_with_its_tenant_however_it_says_what_it_is(made, kind):
    """Services of gRPC take calls without a content type; the response says then what it is."""
    server = Server(lambda call: call.answer(200, CALL[:1], b"\0\0\0\0\1x", end=False), waits=False)
    gateway, tenant = made(server)
    client = Client(gateway.port)
    fields = CALL[1:] + ([("content-type", kind)] if kind else [])
    stream = client.send(tenant.host, tenant.token(), method="POST", fields=fields, end=False)
    answer = client.answers[stream]
    while not answer.body:
        assert client.read()
    tenant.update("status = 'suspended'")
    client.wait(stream)
    assert answer.ended and dict(answer.trailers)["grpc-status"] == "7"
    assert server.last.reset.wait(20)
    client.close()


@pytest.mark.parametrize("column", ["at_expiry = 'outlive'", "expiry_grace = '1 hour'"])
def test_a_token_that_expires_at_once_leaves_its_call_what_the_row_grants(made, column):
    """What becomes of a call is its row's to say, also where the token expires before the call is looked at first."""
    server = Server(lambda call: call.answer(200, CALL[:1], b"\0\0\0\0\1x", end=False))
    gateway, tenant = made(server)
    tenant.update_and_wait(column)
    client, begun = Client(gateway.port), []
    for _ in range(12):
        expires = int(time.time()) + 2
        token = tenant.token(claims={"exp": expires})
        time.sleep(max(0, expires - 0.12 - time.time()))
        stream = client.send(tenant.host, token, method="POST", fields=CALL)
        if not client.wait_head(stream).ended:
            begun.append(stream)
        if len(begun) == 4:
            break
    assert begun
    client.read(1)
    assert not any(client.answers[stream].ended for stream in begun)
    client.close()


@pytest.mark.parametrize("status,fields", [(204, []), (200, []), (200, [("content-length", "0")])])
def test_a_connection_that_served_without_a_body_has_served(made, status, fields):
    """It breaks before a byte of the next response: a request that may be sent again is (RFC 9110 §9.2.2)."""
    calls = []

    def behave(call):
        calls.append(call)
        if len(calls) == 3:
            return call.connection.socket.shutdown(socket.SHUT_RDWR)
        call.answer(status, fields)
    gateway, tenant = made(Server(behave))
    client = Client(gateway.port)
    token = tenant.token()
    assert [client.get(tenant.host, token).status for _ in range(3)] == [status] * 3
    assert len(calls) == 4
    client.close()
