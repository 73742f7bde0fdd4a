"""Writes that fail at once, and what they bring about, do nothing to the requests of others.

A write to a peer that has reset its connection fails inside the gateway's own call: the end of that peer comes in the
middle of what the gateway was doing. The gateway is stopped while its peers act, so that it finds everything at once.
"""

import os
import signal
import socket
import time

import pytest

from conftest import make_tenant
from processes import wait_until
from stage import CHUNKED, Stage, head, reset
from test_websocket import AGREE, ASK
from upstream import exactly
from wire import request


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.remove()


@pytest.fixture
def serve(start, migrated, stand_in, pool, stage):
    """A gateway of one loop whose tenant goes to the stage."""
    def serve(**options):
        database = migrated()
        gateway = start(database_url=database.url, workers=1, **options)
        tenant = make_tenant(gateway, database, stand_in, pool, upstream=stage.url)
        return gateway, database, tenant
    return serve


class Stopped:
    """The gateway stands still inside."""

    def __init__(self, gateway):
        self.pid = gateway.process.pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(0.1)

    def __exit__(self, *error):
        time.sleep(0.1)
        os.kill(self.pid, signal.SIGCONT)


@pytest.mark.parametrize("response", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"],
    ids=["length", "chunked", "bodyless"])
def test_a_client_gone_as_its_response_ends_takes_no_connection_from_the_next(serve, stage, response):
    gateway, _, tenant = serve(max_upstream_connections=1)
    token = tenant.token()
    first, second = gateway.connect(), gateway.connect()
    first.send(request("GET", "/first", tenant.host, token))
    peer = stage.accept()
    second.socket.settimeout(20)
    second.send(request("GET", "/second", tenant.host, token))
    time.sleep(0.5)
    with Stopped(gateway):
        peer.send(response)
        time.sleep(0.1)
        reset(first.socket)
        first.socket.close()
    following = stage.next_request()
    assert following.head.target == "/second"
    following.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    assert second.read().status == 200


def test_a_body_that_could_not_be_sent_is_not_taken_for_that_of_the_next_request(serve, stage, stand_in, pool):
    gateway, database, tenant = serve(max_upstream_connections=1)
    other = Stage()
    try:
        public = make_tenant(gateway, database, stand_in, pool, upstream=other.url)
        database.sql(f"INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('{public.host}', '/', 'public')")
        # At a host with rules a method in small letters is refused: so the rule holds.
        gateway.wait_status(400, public.host, method="get")
        warming = gateway.connect()
        warming.send(request("GET", "/", public.host))
        other.accept().send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert warming.read().status == 200
        token = tenant.token()
        first = gateway.connect()
        first.send(request("GET", "/first", tenant.host, token))
        peer = stage.accept()
        second = gateway.connect()
        second.socket.settimeout(20)
        second.send(
            request("POST", "/lost", tenant.host, token, body=b"whole")
            + request("POST", "/next", public.host, None, [("Content-Length", "10")], b"12345"))
        time.sleep(0.5)
        with Stopped(gateway):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            time.sleep(0.1)
            peer.reset()
        assert second.read().status == 502
        following = other.next_request()
        assert following.head.target == "/next"
        second.send(b"67890")
        assert exactly(following.reader, 10) == b"1234567890"
    finally:
        other.remove()


def test_a_websocket_whose_ends_have_both_ended_holds_no_connection_to_its_upstream(serve, stage):
    gateway, _, tenant = serve()
    connection = gateway.connect()
    connection.send(request("GET", "/chat", tenant.host, tenant.token(), ASK))
    peer = stage.accept()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.send(AGREE)
    assert head(connection)[0] == 101
    # More than the upstream's socket takes, so that something waits for it, and less than makes the client wait.
    sent = 0
    while sent < 40 << 20 and not unread(gateway, connection):
        connection.socket.sendall(b"x" * 65536)
        sent += 65536
        time.sleep(0.005)
        if unread(gateway, connection):
            time.sleep(0.1)
    connection.socket.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    peer.socket.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    connection.socket.close()
    wait_until(lambda: leading_to(gateway, stage) == 0, seconds=30)


def unread(gateway, connection):
    """Bytes of the client that the gateway has not read yet."""
    own = connection.socket.getsockname()[1]
    for fields in map(str.split, open("/proc/net/tcp")):
        if fields[1].endswith(f":{gateway.port:04X}") and fields[2].endswith(f":{own:04X}"):
            return int(fields[4].split(":")[1], 16)
    return 0


def leading_to(gateway, stage):
    """The gateway's connections to the stage."""
    port = int(stage.url.rsplit(":", 1)[1])
    sockets = set()
    for descriptor in os.listdir(f"/proc/{gateway.process.pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{gateway.process.pid}/fd/{descriptor}")[8:-1])
        except OSError:
            pass
    return sum(len(fields) > 9 and fields[9] in sockets and fields[2].endswith(f":{port:04X}")
               for fields in map(str.split, open("/proc/net/tcp")))
