"""What an idle kept-alive connection costs in memory."""

import resource
import socket
import time

from . import machine, peers
from .row import Row

NEEDS = ("poolgate", "stand-in-pool", "nginx", "taskset")


def run(bench, options):
    """Resident bytes for each of many connections that have had one request answered."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The gateway raises its own limit, and takes half of it for clients, less a few.
    count = min(options.idle_connections, hard // 2 - 512)
    gateway = bench.start(peers.poolgate)
    host, port = gateway.url.removeprefix("http://").split(":")
    request = f"GET /idle HTTP/1.1\r\nHost: {peers.HOST}\r\nAuthorization: Bearer {bench.tokens[0][1]}\r\n\r\n".encode()

    def connect():
        connection = socket.create_connection((host, int(port)))
        connection.sendall(request)
        answer = connection.recv(4096)
        if b" 200 " not in answer.split(b"\r\n")[0]:
            raise SystemExit(f"poolgate: this run counts for nothing: {answer[:200]}")
        return connection
    # What serving the first few costs belongs to no connection.
    for _ in range(100):
        connect().close()
    time.sleep(1)
    before = machine.resident_mib([gateway.pid])
    connections = [connect() for _ in range(count)]
    time.sleep(1)
    grown = machine.resident_mib([gateway.pid]) - before
    open_still = sum(is_open(connection) for connection in connections)
    for connection in connections:
        connection.close()
    if open_still < count:
        raise SystemExit(f"poolgate: this run counts for nothing: {count - open_still} of {count} connections were closed")
    bench.stop(gateway)
    row = Row("an idle kept-alive connection", grown * 1024 / count, "KiB", 6, f"{count:,} connections, {grown:.1f} MiB")
    return [row], {"connections": count, "before_mib": before, "grown_mib": grown}


def is_open(connection):
    try:
        return connection.recv(1, socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
