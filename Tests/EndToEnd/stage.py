"""An upstream that the test itself plays, step by step, and a client that reads an answer in parts."""

import select
import socket
import struct

import upstream as up
from wire import Connection

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


class Stage:
    """Nothing happens here unless the test does it, so nothing depends on how fast the machine is."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listener.settimeout(20)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.peers = []

    def accept(self):
        """The next connection, with the head that came by it."""
        peer = Peer(self.listener.accept()[0])
        self.peers.append(peer)
        return peer

    def next_request(self):
        """Whoever sends the next head: a connection known here already, or a new one."""
        known = {peer.socket.fileno(): peer for peer in self.peers if peer.socket.fileno() >= 0}
        asked = select.poll()
        for descriptor in [self.listener.fileno(), *known]:
            asked.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in asked.poll(20_000)]
        assert ready, "no request came"
        for peer in (known[descriptor] for descriptor in ready if descriptor in known):
            if peer.socket.recv(1, socket.MSG_PEEK):
                peer.read_head()
                return peer
        return self.accept()

    def remove(self):
        for peer in self.peers:
            peer.close()
        self.listener.close()


class Peer:
    """The gateway, seen from the upstream."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = connection.makefile("rb")
        self.read_head()

    def read_head(self):
        self.head = up.Received(up.read_head(self.reader), b"")

    def send(self, data):
        self.socket.sendall(data)

    def read_chunk(self):
        data = up.exactly(self.reader, int(self.reader.readline(), 16))
        assert self.reader.readline() == b"\r\n"
        return data

    def is_cancelled(self, seconds):
        """Whether the gateway ends the connection within this time, whatever it still sends before."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def close(self):
        self.reader.close()
        self.socket.close()

    def reset(self):
        reset(self.socket)
        self.close()


def reset(connection):
    """Makes the next close a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def narrow(port):
    """A connection whose receive window stays small, so that what nobody reads waits at the gateway."""
    connection = Connection.__new__(Connection)
    connection.socket = socket.socket()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.socket.settimeout(20)
    connection.socket.connect(("127.0.0.1", port))
    connection.buffer = b""
    return connection


def head(connection):
    """Status and fields of an answer whose body is still to come."""
    return int(connection.line().split()[1]), dict(connection.fields())


def chunk(connection):
    data, _ = connection._take(int(connection.line(), 16))
    assert connection.line() == b""
    return data


def exactly(connection, count):
    data, whole = connection._take(count)
    assert whole
    return data


def http_1_0(data):
    return data.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
