"""HTTP/2 in front: to an upstream of HTTP/1 against nginx without auth and Envoy with its cache, gRPC through, what an idle
connection holds, and bodies of 1 GiB."""

import re
import resource
import socket
import statistics
import struct
import subprocess
import sys
import time

from . import bodies, idle, load, machine, others, peers
from .programs import program
from .row import Row, markdown, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "envoy", "h2load", "nghttpd", "curl", "taskset")
CONNECTIONS = 16
MESSAGE = b"x" * 100


def run(bench, options):
    rows, figures = [], {}
    for part in (fronts, grpc, idles, large):
        found, figures[part.__name__] = part(bench, options)
        rows += found
    return rows, figures


def h2load(peer, token, streams, seconds, path="/", more=()):
    """What a request of one round costs."""
    with load.Cost(peer) as cost:
        count = send(peer, token, streams, [f"-D{seconds}"], path, more)
    return {"cpu_us": cost.seconds * 1e6 / count, "requests_per_second": count / seconds}


def send(peer, token, streams, length, path="/", more=()):
    """Requests by 16 connections with so many streams each, `length` by h2load's own option; the token is the same, as a
    client's is. Returns how many were answered."""
    done = subprocess.run(
        [program("taskset"), "-c", "1", program("h2load"), f"-c{CONNECTIONS}", f"-m{streams}", *length,
         "-H", f":authority: {peers.HOST}", "-H", f"authorization: Bearer {token}", *more, peer.url + path],
        capture_output=True, text=True)
    counted = re.search(r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
    if not counted or any(int(number) for number in counted.groups()[1:]) or not int(counted[1]):
        load.void(peer, done.stdout + done.stderr)
    return int(counted[1])


def rounds_of(running, options, streams, token, **more):
    rounds = {name: [] for name in running}
    for peer in running.values():
        h2load(peer, token, streams, 1, **more)
    for number in range(options.rounds):
        for name, peer in running.items():
            rounds[name].append(h2load(peer, token, streams, options.seconds, **more))
            print(f"compare: http2 {number + 1}: {streams:2} streams {name:12} {rounds[name][-1]['cpu_us']:7.1f} µs",
                  file=sys.stderr)
    return rounds


def rows_of(title, rounds, targets):
    medians = {name: statistics.median(each["cpu_us"] for each in results) for name, results in rounds.items()}
    print(markdown(["peer", "CPU µs a request"], "lr", [[name, f"{cost:.1f}"] for name, cost in medians.items()]), end="\n\n")
    return [
        Row(f"{title} against {name}", paired(rounds["poolgate"], rounds[name]), "ratio", target,
            f"{medians['poolgate']:.1f} µs to {medians[name]:.1f} µs a request") for name, target in targets.items()]


def fronts(bench, options):
    running = start_fronts(bench)
    token = bench.tokens[0][1]
    found, figures = [], {}
    for streams in (1, 10):
        rounds = rounds_of(running, options, streams, token)
        figures[streams] = rounds
        found += rows_of(f"HTTP/2, {streams} stream{'s' if streams > 1 else ''} a connection", rounds,
                         {"nginx": 1.0, "envoy-cache": 0.35})
    bench.stop(*running.values())
    return found, figures


def start_fronts(bench):
    """nginx listens for HTTP/2 alone, so it is not asked by HTTP/1 whether it serves."""
    return {"poolgate": bench.start(peers.poolgate), "nginx": peers.nginx(bench, listens="http2"),
            "envoy-cache": bench.start(others.envoy_with_cache)}


def grpc(bench, options):
    """A unary call of 100 bytes there and back, through HTTP/2 on both sides."""
    port = peers.free_port()
    folder = bench.folder / "grpc"
    (folder / "bench.Echo").mkdir(parents=True)
    # What is asked for to see whether the gateway serves.
    (folder / "bench").write_text("ok\n")
    message = b"\0" + struct.pack(">I", len(MESSAGE)) + MESSAGE
    (folder / "bench.Echo" / "Say").write_bytes(message)
    (bench.folder / "message").write_bytes(message)
    server = bench.spawn(
        [program("nghttpd"), "--no-tls", "-d", str(folder), "--trailer=grpc-status: 0", str(port)], core=1)
    peers.wait_for(port)
    running = {
        "poolgate": peers.poolgate(bench, upstream=f"h2c://127.0.0.1:{port}"),
        "envoy-cache": others.envoy(
            bench, "Envoy jwt_authn with cache to HTTP2", {"jwt_cache_config": {"jwt_cache_size": 100000}}, http2_port=port)}
    more = ["-H", "content-type: application/grpc", "-H", "te: trailers", "-d", str(bench.folder / "message")]
    token = bench.tokens[0][1]
    peers.wait_until_served(running["poolgate"], peers.HOST, token, lambda: bench.log(running["poolgate"].process))
    rounds = rounds_of(running, options, 10, token, path="/bench.Echo/Say", more=more)
    bench.stop(*running.values())
    server.terminate()
    server.wait(10)
    bench.processes.remove(server)
    return rows_of("gRPC unary, HTTP/2 to HTTP/2", rounds, {"envoy-cache": 0.4}), rounds


def idles(bench, options):
    """Resident bytes of each of many HTTP/2 connections that have had one request answered."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(options.idle_connections, hard // 2 - 512)
    gateway = bench.start(peers.poolgate)
    address = ("127.0.0.1", int(gateway.url.rsplit(":", 1)[1]))
    opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, block([
        (":method", "GET"), (":scheme", "http"), (":path", "/idle"), (":authority", peers.HOST),
        ("authorization", f"Bearer {bench.tokens[0][1]}")])) + frame(4, 1, 0)

    def connect():
        connection = socket.create_connection(address)
        connection.sendall(opening)
        received = b""
        while b"ok\n" not in received:
            if not (more := connection.recv(4096)):
                raise SystemExit(f"poolgate: this run counts for nothing: {received[:200]}")
            received += more
        return connection
    for _ in range(100):
        connect().close()
    time.sleep(1)
    before = machine.resident_mib([gateway.pid])
    connections = [connect() for _ in range(count)]
    time.sleep(1)
    grown = machine.resident_mib([gateway.pid]) - before
    open_still = sum(idle.is_open(connection) for connection in connections)
    for connection in connections:
        connection.close()
    if open_still < count:
        raise SystemExit(f"poolgate: this run counts for nothing: {count - open_still} of {count} connections were closed")
    bench.stop(gateway)
    row = Row("an idle HTTP/2 connection", grown * 1024 / count, "KiB", 24, f"{count:,} connections, {grown:.1f} MiB")
    return [row], {"connections": count, "grown_mib": grown}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(fields):
    """A header block of literals (RFC 7541 §6.2.2)."""
    def text(value):
        value, length = value.encode(), bytearray([127])
        if len(value) < 127:
            return bytes([len(value)]) + value
        rest = len(value) - 127
        while rest >= 128:
            length.append(rest & 127 | 128)
            rest >>= 7
        return bytes(length) + bytes([rest]) + value
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


def large(bench, options):
    """1 GiB down and up by HTTP/2, against nginx that does not buffer."""
    found, figures = bodies.run(bench, options, flags=["--http2-prior-knowledge"], listens="http2")
    for row in found:
        row.measure = f"HTTP/2: {row.measure}"
        if "CPU" in row.measure:
            row.target = 1.2
    return found, figures
