"""An exact number of requests, so that two runs differ by a known number of them and by nothing else."""

import selectors
import socket
import time

LONGEST_SECONDS = 300


def send(port, tokens, count, connections):
    """Sends `count` requests over so many kept-alive connections, the tokens in turn; anything but 200 ends the run."""
    requests = [
        (f"GET /bench?x=1 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
         "User-Agent: bench/1.0\r\nAccept: */*\r\n\r\n").encode() for host, token in tokens]
    selector, sent, received = selectors.DefaultSelector(), 0, 0
    deadline = time.monotonic() + LONGEST_SECONDS
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(min(connections, count))]
    try:
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(requests[sent % len(requests)])
            sent += 1
        while received < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"{received} of {count} requests were answered in {LONGEST_SECONDS} s")
            for key, _ in selector.select(timeout=1):
                response = key.fileobj.recv(65536)
                if not response.startswith(b"HTTP/1.1 200 "):
                    raise SystemExit(f"answered {response[:200]!r}")
                received += 1
                if sent < count:
                    key.fileobj.sendall(requests[sent % len(requests)])
                    sent += 1
    finally:
        selector.close()
        for connection in sockets:
            connection.close()
