"""What many connections with many streams that go nowhere hold, against the bound that ops/guide/traffic.md states."""

import multiprocessing
import os
import resource
import selectors
import socket
import struct
import time

from . import idle, machine, peers
from .http2 import block, frame
from .row import Row

NEEDS = ("poolgate", "stand-in-pool", "nginx", "taskset")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RESET, SETTINGS, WINDOW_UPDATE = 1, 3, 4, 8
WORKERS = 2
# A loop has eight connections to an upstream with 1,000 streams each; this leaves room for chance between the loops.
REQUESTS_AN_UPSTREAM = 12_000
# Uploads of 100 streams fill some 4 MiB a connection, more than a machine of 24 GiB has for 10,000.
CONNECTIONS_THAT_UPLOAD = 2_000


def run(bench, options):
    """Requests that their upstream does not respond to, responses that the client does not take, uploads that the upstream
    does not take: each on a fresh gateway with as many loops as cores, so that all stall before any clock rings."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {0, 1})
    count = min(options.stalled_connections, hard - 1024)
    counts = {"waiting": count, "down": count, "up": min(count, CONNECTIONS_THAT_UPLOAD)}
    rows = [stall(bench, count, options.stalled_streams, kind) for kind, count in counts.items()]
    return rows, {row.measure: row.value for row in rows}


def stall(bench, connections, streams, kind):
    # An odd number, so that each one's requests come by both loops, which take connections in turn.
    upstream = Upstream(-(-connections * streams // REQUESTS_AN_UPSTREAM) | 1, kind == "down")
    gateway = bench.start(lambda bench: peers.poolgate(
        bench, "--max-connections", str(connections + 64), "--max-upstream-connections", "1000000", "--upstream-wait", "60s",
        workers=WORKERS, core="0,1"))
    hosts = [f"{place}.example.com" for place in range(len(upstream.ports))]
    rows = ",".join(f"('{host}', '{peers.REGION}', '{peers.POOL}', 'h2c://127.0.0.1:{port}')"
                    for host, port in zip(hosts, upstream.ports))
    peers.insert(bench, gateway.process, f"INSERT INTO poolgate.tenants (host, region, pool_id, upstream) VALUES {rows}")
    time.sleep(1)
    address = ("127.0.0.1", int(gateway.url.rsplit(":", 1)[1]))
    fields = [(":method", "POST" if kind == "up" else "GET"), (":scheme", "http"), (":path", "/"),
              ("authorization", f"Bearer {bench.tokens[0][1]}")]
    # The window of a download is shut (SETTINGS_INITIAL_WINDOW_SIZE, RFC 9113 §6.5.2).
    opening = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0) if kind == "down" else b"") + frame(SETTINGS, 1, 0)
    openings = [opening + b"".join(
        frame(HEADERS, 4 if kind == "up" else 5, 2 * number + 1, block([(":authority", host), *fields])) for number in range(streams))
        for host in hosts]
    before = machine.forget_peak(gateway.pid)
    begun = time.monotonic()
    clients = [connect(address, openings[place % len(hosts)]) for place in range(connections)]
    if kind == "up":
        fill(clients, streams)
    took = settle(gateway.pid, upstream, connections * streams, begun)
    peak, reached = machine.peak_mib(gateway.pid) - before, upstream.reached
    other = slowest(gateway, bench.tokens[0][1])
    open_still = sum(is_open(client) for client in clients)
    for client in clients:
        client.close()
    bench.stop(gateway)
    upstream.close()
    head = sum(len(name) + len(value) + 4 for name, value in fields)
    bound = connections * (2 + 128 * (12288 + 2 * head) / (1 << 20)) + reached * 224 / 1024 + WORKERS * 256
    return Row(f"{connections:,} connections, {streams} streams each: {kind}", peak, "MiB", bound,
               f"{reached:,} requests at the upstream, {open_still:,} connections open after {took:.0f} s, "
               f"{peak * 1024 / (connections * streams):.1f} KiB a stream; another tenant's slowest of 20 requests {other:.0f} ms")


def slowest(gateway, token):
    """Of 20 requests of another tenant, meanwhile, how long the slowest took."""
    took = []
    for _ in range(20):
        begun = time.monotonic()
        status, _ = peers.ask(gateway, peers.HOST, token)
        if status != 200:
            raise SystemExit(f"poolgate: this run counts for nothing: another tenant was answered {status}")
        took.append(time.monotonic() - begun)
        time.sleep(0.05)
    return max(took) * 1000


def connect(address, opening):
    connection = socket.create_connection(address, timeout=60)
    connection.sendall(opening)
    return connection


def is_open(client):
    """What waits to be read is no end; it is the responses' heads."""
    client.setblocking(False)
    try:
        while client.recv(1 << 20):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def settle(pid, upstream, requests, begun):
    """Waits until every request is at the upstream, or no more come; gives what it took."""
    last, quiet = None, 0
    while quiet < 3 and time.monotonic() - begun < 120:
        time.sleep(1)
        now = (upstream.reached, int(machine.resident_mib([pid])))
        quiet = quiet + 1 if now == last else 0
        last = now
    return time.monotonic() - begun


def fill(clients, streams):
    """Sends on each connection what its windows allow, until none has opened for a second."""
    windows = [{0: 65_535} | {2 * number + 1: 65_535 for number in range(streams)} for _ in clients]
    received = [Frames() for _ in clients]
    for client in clients:
        client.settimeout(None)
    moved = time.monotonic()
    while time.monotonic() - moved < 1:
        if sum(pour(client, windows[place]) for place, client in enumerate(clients)):
            moved = time.monotonic()
        for place, client in enumerate(clients):
            try:
                for kind, stream, payload in received[place].take(client.recv(1 << 16, socket.MSG_DONTWAIT)):
                    if kind == WINDOW_UPDATE and stream in windows[place]:
                        windows[place][stream] += int.from_bytes(payload, "big")
                    elif kind == RESET:
                        windows[place].pop(stream, None)
            except BlockingIOError:
                pass


class Frames:
    """Cuts what a connection received into frames."""

    def __init__(self):
        self.unread = b""

    def take(self, data):
        """Each frame that is whole by now: kind, stream, payload."""
        unread, at = self.unread + data, 0
        while len(unread) - at >= 9 and len(unread) - at >= (size := 9 + int.from_bytes(unread[at:at + 3], "big")):
            yield unread[at + 3], int.from_bytes(unread[at + 5:at + 9], "big"), unread[at + 9:at + size]
            at += size
        self.unread = unread[at:]


def pour(client, windows):
    """One frame a stream, as far as the connection's window goes."""
    sent = 0
    for stream in [stream for stream in windows if stream]:
        if (count := min(windows[0], windows[stream], 4_096)) > 0:
            client.sendall(frame(0, 0, stream, bytes(count)))
            windows[0] -= count
            windows[stream] -= count
            sent += count
    return sent


class Upstream:
    """Takes every stream and no byte of an upload; where it responds, with a head and 16,000 bytes of a body without an end.
    A process of its own: it is asked a million times."""

    def __init__(self, count, responds):
        self.listeners = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(count)]
        self.ports = [listener.getsockname()[1] for listener in self.listeners]
        self.count = multiprocessing.Value("q", 0)
        self.process = multiprocessing.Process(target=self.serve, args=(responds,), daemon=True)
        self.process.start()

    @property
    def reached(self):
        return self.count.value

    def close(self):
        self.process.kill()
        self.process.join()
        for listener in self.listeners:
            listener.close()

    def serve(self, responds):
        selector = selectors.DefaultSelector()
        for listener in self.listeners:
            selector.register(listener, selectors.EVENT_READ)
        connections = {}
        while True:
            for key, _ in selector.select():
                if key.fileobj in self.listeners:
                    connection, _ = key.fileobj.accept()
                    connection.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, (1 << 31) - 1)) + frame(SETTINGS, 1, 0))
                    connections[connection] = Carried(connection, responds)
                    selector.register(connection, selectors.EVENT_READ)
                elif not connections[key.fileobj].read(self.count):
                    selector.unregister(key.fileobj)
                    connections.pop(key.fileobj).connection.close()


class Carried:
    """A connection of the gateway, and the responses that wait for its window."""

    def __init__(self, connection, responds):
        self.connection, self.responds = connection, responds
        self.frames, self.window, self.due = Frames(), 65_535, []
        self.is_begun = False

    def read(self, count):
        try:
            data = self.connection.recv(1 << 20)
        except OSError:
            return False
        if not data:
            return False
        if not self.is_begun:
            data, self.is_begun = data.removeprefix(PREFACE), True
        begun = 0
        for kind, stream, payload in self.frames.take(data):
            if kind == HEADERS:
                begun += 1
                self.due.append(stream)
            elif kind == WINDOW_UPDATE and stream == 0:
                self.window += int.from_bytes(payload, "big")
        with count.get_lock():
            count.value += begun
        if self.responds:
            self.respond()
        return True

    def respond(self):
        """A head (`:status: 200` of the static table) and one frame of DATA, for as many as the window lets."""
        while self.due and self.window >= 16_000:
            stream = self.due.pop()
            self.window -= 16_000
            self.connection.sendall(frame(HEADERS, 4, stream, b"\x88") + frame(0, 0, stream, bytes(16_000)))
