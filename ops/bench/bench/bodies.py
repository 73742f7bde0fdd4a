"""Bodies of 1 GiB up and down: CPU against nginx that does not buffer, and how far memory grows."""

import socket
import statistics
import subprocess
import threading

from . import load, machine, peers
from .programs import program
from .row import Row

NEEDS = ("poolgate", "stand-in-pool", "nginx", "curl", "taskset")
UP = "up.example.com"


def run(bench, options, flags=(), listens=""):
    """`flags` are curl's, `listens` nginx's. Down comes a sparse file from the upstream's nginx; up goes the same to a socket that reads and forgets."""
    bench.open_to_all()
    body = bench.folder / "files" / "body"
    body.parent.mkdir()
    with body.open("wb") as file:
        file.truncate(options.body_bytes)
    sink = Sink()
    gateway = bench.start(peers.poolgate)
    peers.insert(bench, gateway.process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id, upstream)
        VALUES ('{UP}', '{peers.REGION}', '{peers.POOL}', 'http://127.0.0.1:{sink.port}')""")
    peers.wait_until_served(gateway, UP, bench.tokens[0][1])
    running = {"poolgate": gateway, "nginx": peers.nginx(bench, f"""
        proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;
        location /up {{ proxy_pass http://127.0.0.1:{sink.port}; proxy_http_version 1.1; proxy_set_header Connection ""; }}""", listens=listens)}
    rounds = {direction: {name: [] for name in running} for direction in ("down", "up")}
    for _ in range(options.rounds):
        for direction, results in rounds.items():
            for name, peer in running.items():
                results[name].append(transfer(bench, peer, direction, body, flags))
    bench.stop(*running.values())
    sink.close()
    return [row for direction, results in rounds.items() for row in rows(direction, results, options)], rounds


def rows(direction, results, options):
    own, theirs = (statistics.median(each["cpu_ms_per_gib"] for each in results[name]) for name in ("poolgate", "nginx"))
    growth = {name: max(each["growth_mib"] for each in each_of) for name, each_of in results.items()}
    size = f"{options.body_bytes / (1 << 30):g} GiB"
    return [
        Row(f"{size} {direction}, CPU against nginx", own / theirs, "ratio", 1.3, f"{own:.0f} ms to {theirs:.0f} ms a GiB"),
        Row(f"{size} {direction}, growth of resident memory", growth["poolgate"], "MiB", 16,
            f"the most of {options.rounds}; nginx {growth['nginx']:.1f} MiB")]


def transfer(bench, peer, direction, body, flags):
    """What one body costs the peer."""
    size = body.stat().st_size
    host, way = (peers.HOST, [peer.url + "/files/body"]) if direction == "down" else (UP, ["-T", str(body), peer.url + "/up"])
    before = {pid: machine.forget_peak(pid) for pid in machine.children(peer.pid)}
    with load.Cost(peer) as cost:
        done = subprocess.run(
            [program("taskset"), "-c", "1", program("curl"), *flags, "-sS", "-o", "/dev/null", "-H", f"Host: {host}",
             "-H", f"Authorization: Bearer {bench.tokens[0][1]}", "-H", "Expect:",
             "-w", "%{http_code} %{size_download} %{size_upload}", *way], capture_output=True, text=True)
    expected = ["200", str(size)]
    status, down, up = done.stdout.split()
    if [status, down if direction == "down" else up] != expected:
        load.void(peer, f"{direction}: {done.stdout} {done.stderr}".strip())
    return {"cpu_ms_per_gib": cost.seconds * 1000 * (1 << 30) / size,
            "growth_mib": sum(machine.peak_mib(pid) - start for pid, start in before.items())}


class Sink:
    """An upstream that reads a body to its end and says so; it answers nothing before."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = bytearray(1 << 20)
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                if not (more := connection.recv(65536)):
                    return
                rest += more
            head, _, rest = rest.partition(b"\r\n\r\n")
            lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            left = int(lengths[0]) - len(rest) if lengths else 0
            rest = b""
            while left > 0:
                if not (count := connection.recv_into(buffer)):
                    return
                left -= count
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
