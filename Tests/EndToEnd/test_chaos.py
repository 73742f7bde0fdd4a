"""Clients and upstreams that do anything at any moment: the process lives, answers a quiet tenant, and forgets them.

The debug build that tests run traps at each overflow, bad index and overlapping access, so that surviving means something.
`POOLGATE_CHAOS_SECONDS` makes it longer; a failure prints the seed.
"""

import os
import random
import socket
import threading
import time

import upstream as up
from conftest import make_tenant
from stage import reset
from wire import request

SECONDS = float(os.environ.get("POOLGATE_CHAOS_SECONDS", "8"))
CLIENTS = 24
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]

#: Whole and broken answers; an upstream sends one or several, cut anywhere.
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 204 X\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhel",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ACCEPT + b"\r\n\x82\x03abc\x88\x00",
    b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 999 X\r\nContent-Length : 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"nonsense\r\n\r\n",
    b"HTTP/1.1 401 X\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"HTTP/1.1 200 OK\nX: y\n z\nContent-Length: 0\n\n",
]


def trickle(connection, data, generator):
    """Sends it in up to four pieces, now and then with a pause."""
    cuts = sorted(generator.randint(0, len(data)) for _ in range(generator.randint(0, 3)))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        connection.sendall(data[start:end])
        if generator.random() < 0.2:
            time.sleep(generator.random() * 0.02)


def leave(connection, generator):
    """Ends a connection in one of the ways there are."""
    how = generator.random()
    if how < 0.3:
        reset(connection)
    elif how < 0.6:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.05)
        while connection.recv(65536):
            pass
    connection.close()


class Upstream:
    """Reads something, says something, goes away."""

    def __init__(self, seed):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.seed = seed
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        number = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            generator = random.Random(self.seed * 1_000_003 + number)
            threading.Thread(target=self._serve, args=(connection, generator), daemon=True).start()

    def _serve(self, connection, generator):
        try:
            connection.settimeout(0.3)
            while generator.random() < 0.9:
                if generator.random() < 0.9:
                    connection.recv(generator.choice([1, 100, 65536]))
                if generator.random() < 0.05:
                    connection.sendall(bytes(generator.randint(1, 300_000)))
                trickle(connection, generator.choice(ANSWERS), generator)
            leave(connection, generator)
        except OSError:
            connection.close()


def requests(host, token, generator):
    """One request, whole or not, of any kind."""
    token = generator.choice([token, token, token, None, "x.y.z"])
    headers = list(generator.choice([[], [], UPGRADE, [("Connection", "close")], [("Expect", "100-continue")], [("X", "y" * 9000)]]))
    kind = generator.randint(0, 6)
    if kind < 3:
        message = request(generator.choice(["GET", "HEAD", "OPTIONS"]), "/", host, token, headers)
    elif kind < 5:
        message = request("POST", "/", host, token, headers, b"b" * generator.choice([1, 100, 100_000]))
    else:
        body = b"5;q\r\nhello\r\n" * generator.randint(0, 200) + b"0\r\n" + generator.choice([b"", b"X-T: y\r\n"]) + b"\r\n"
        message = request("POST", "/", host, token, [*headers, ("Transfer-Encoding", "chunked")]) + body
    if generator.random() < 0.1:
        message = message.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
    if generator.random() < 0.2:
        place = generator.randrange(len(message))
        message = message[:place] + bytes([generator.randrange(256)]) + message[place + 1:]
    return message


def client(port, host, token, generator, until):
    while time.monotonic() < until:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=0.3)
            for _ in range(generator.randint(1, 4)):
                stream = b"".join(requests(host, token, generator) for _ in range(generator.choice([1, 1, 1, 5])))
                trickle(connection, stream[:generator.randint(1, len(stream))] if generator.random() < 0.2 else stream, generator)
                if generator.random() < 0.7:
                    connection.recv(generator.choice([1, 1000, 1 << 18]))
            leave(connection, generator)
        except OSError:
            connection.close()


def test_whatever_both_sides_do_a_quiet_tenant_is_served_and_nothing_is_left(start, migrated, stand_in, pool):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    database, hostile, service = migrated(), Upstream(seed), up.Upstream()
    gateway = start(database_url=database.url, workers=2)
    loud = make_tenant(gateway, database, stand_in, pool + "a", upstream=hostile.url)
    quiet = make_tenant(gateway, database, stand_in, pool + "b", upstream=service.url)
    token, quiet_token = loud.token(), quiet.token()
    gateway.wait_status(200, quiet.host, quiet_token)
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=client, args=(gateway.port, loud.host, token, random.Random(seed + number), until))
        for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    before = gateway.rss_mib()
    while any(thread.is_alive() for thread in threads):
        assert gateway.process.poll() is None, gateway.log()[-5000:]
        assert gateway.get(quiet.host, quiet_token).status == 200
        time.sleep(0.05)
    assert gateway.get(quiet.host, quiet_token).status == 200
    assert gateway.rss_mib() - before < 80
    hostile.listener.close()
    service.remove()
