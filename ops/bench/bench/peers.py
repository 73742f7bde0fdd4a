"""The gateway and nginx, each started on core 0 in front of one upstream on core 1, and what a run needs besides."""

import json
import pathlib
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .programs import BINARIES, own, program  # noqa: F401

# Connections are kept as long as the load goes on, as nginx's are here.
ENDLESS = ["--max-requests-per-connection", "1000000000"]
REGION, POOL, HOST, CLIENT = "eu-west-1", "eu-west-1_Bench0001", "bench.example.com", "benchclient0000000000000000"
USER = "alice"


class Peer:
    """A running proxy; `refuses` names the tokens that its configuration has it refuse.

    `also` are processes whose cost counts as its own, since it asks them about each request. `asks` says that it is no proxy but
    what proxies ask.
    """

    def __init__(self, name, process, url, refuses=(), admin=None, also=(), asks=False):
        self.name, self.process, self.url, self.refuses, self.admin = name, process, url, refuses, admin
        self.asks, self.pids = asks, [each.pid for each in (process, *also)]

    @property
    def pid(self):
        return self.process.pid


class Bench:
    """Upstream, stand-in pool and tokens; ends what it started, by process id."""

    def __init__(self, folder, tokens):
        self.folder, self.count = folder, tokens
        self.processes, self.logs = [], {}

    def __enter__(self):
        try:
            self.upstream_port = free_port()
            self._start_upstream()
            self.pool_port = free_port()
            # It works before the measuring only, so it may have both cores.
            self.spawn([own("stand-in-pool"), "serve", "--listen", f"127.0.0.1:{self.pool_port}"], core="0,1")
            wait_for(self.pool_port)
            self.tokens = [(HOST, token) for token in self.mint(POOL, self.count)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    def spawn(self, command, core, **options):
        log = self.folder / f"{pathlib.Path(command[0]).name}-{len(self.logs)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [program("taskset"), "-c", str(core)] + command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        self.logs[process] = log
        return process

    def log(self, process):
        return self.logs[process].read_text(errors="replace")

    def open_to_all(self):
        """Lets peers that give up root's rights reach the folder."""
        self.folder.chmod(0o755)

    def start(self, make):
        peer = make(self)
        self._check(peer)
        return peer

    def stop(self, *peers):
        """Ends these before the others."""
        for process in dict.fromkeys(peer.process for peer in peers):
            process.terminate()
            process.wait(timeout=20)
            self.processes.remove(process)

    def mint(self, pool, count, **changes):
        """So many distinct access tokens of about 1.1 KB."""
        order = {"use": "access", "client": CLIENT, "username": USER, "groups": ["staff"], "ttl": 86400, "count": count,
                 "claims": {"padding": "x" * 120}} | changes
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.pool_port}/control/{pool}/mint", data=json.dumps(order).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.read().decode().split()

    def _check(self, peer):
        """That the peer does its work: it serves, names the user upstream, and refuses what it says that it refuses."""
        token = self.tokens[0][1]
        wait_until_served(peer, HOST, token, lambda: self.log(peer.process))
        if not peer.refuses:
            return
        status, body = ask(peer, HOST, token, "/who")
        if status != 200 or body != USER:
            raise SystemExit(f"{peer.name} says upstream that the user is {body!r} (status {status})")
        bad = {
            "no token": None, "a forged one": ".".join(token.split(".")[:2] + [self.mint(POOL, 1)[0].split(".")[2]]),
            "an expired one": self.mint(POOL, 1, ttl=-3600)[0], "another client's": self.mint(POOL, 1, client="another")[0],
            "another issuer's": self.mint(POOL, 1, claims={"iss": "https://issuer.example.com"})[0]}
        for words in peer.refuses:
            status, _ = ask(peer, HOST, bad[words])
            if status not in (401, 403):
                raise SystemExit(f"{peer.name} answers {status} to {words}")

    def _start_upstream(self):
        configuration = self.folder / "upstream.conf"
        configuration.write_text(f"""
            daemon off; worker_processes 1; pid {self.folder}/upstream.pid; error_log /dev/null;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; sendfile on;
              server {{
                listen 127.0.0.1:{self.upstream_port} backlog=4096;
                location / {{ return 200 "ok\\n"; }}
                location = /who {{ return 200 "$http_x_forwarded_user"; }}
                location = /assertion {{ return 200 "$http_x_poolgate_assertion"; }}
                location /files/ {{ root {self.folder}; }}
              }}
            }}""")
        self.spawn([program("nginx"), "-c", str(configuration)], core=1)
        wait_for(self.upstream_port)


EVERY_REFUSAL = ("no token", "a forged one", "an expired one", "another client's", "another issuer's")


def nginx(bench, more="", upstream_port=None, listens=""):
    """nginx forwarding without any auth, connections to the upstream kept alive."""
    port = free_port()
    configuration = bench.folder / f"nginx-{port}.conf"
    configuration.write_text(f"""
        daemon off; worker_processes 1; pid {bench.folder}/nginx-{port}.pid; error_log /dev/null;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
          upstream up {{ server 127.0.0.1:{upstream_port or bench.upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
          server {{
            listen 127.0.0.1:{port} backlog=4096 {listens};
            {more}
            location / {{
              proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
              proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Host $http_host;
            }}
          }}
        }}""")
    process = bench.spawn([program("nginx"), "-c", str(configuration)], core=0)
    wait_for(port)
    return Peer("nginx", process, f"http://127.0.0.1:{port}")


def floor(bench):
    """A bare epoll loop that forwards bytes: what any proxy pays in system calls."""
    port = free_port()
    process = bench.spawn([own("epoll-loop"), str(port), str(bench.upstream_port)], core=0)
    wait_for(port)
    return Peer("bare epoll loop", process, f"http://127.0.0.1:{port}")


def poolgate(bench, *more, workers=1, core=0, upstream=None, command=None):
    """The gateway with one worker and a tenant in its embedded Postgres; `command` is what starts it otherwise than by name."""
    port, admin = free_port(), free_port()
    process = bench.spawn(
        [*(command or [own("poolgate")]), "serve", "--embedded", "--state-dir", str(bench.folder / f"state-{port}"),
         *settings(bench, port, admin, workers, upstream), *more], core=core)
    insert(bench, process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id, client_ids) VALUES ('{HOST}', '{REGION}', '{POOL}', '{{{CLIENT}}}')
        ON CONFLICT DO NOTHING""")
    return Peer("poolgate", process, f"http://127.0.0.1:{port}", EVERY_REFUSAL, admin)


def settings(bench, port, admin, workers=1, upstream=None):
    """The flags of `poolgate serve` that every measure has in common."""
    return [
        *ENDLESS, "--workers", str(workers), "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin}",
        "--upstream", upstream or f"http://127.0.0.1:{bench.upstream_port}",
        "--jwks-url-template", f"http://127.0.0.1:{bench.pool_port}/{{pool}}/.well-known/jwks.json"]


def psql_line(bench, process):
    """The line by which the gateway says its embedded Postgres is reached."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for line in bench.log(process).splitlines():
            if line.startswith("psql "):
                return line
        time.sleep(0.05)
    raise SystemExit(f"poolgate printed no psql line:\n{bench.log(process)}")


def database_url(bench, process):
    """A URL of the gateway's embedded Postgres, for another gateway."""
    words = shlex.split(psql_line(bench, process))
    given = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-h", "-U", "-p")}
    return f"postgresql:///{words[-1]}?host={given['-h']}&user={given['-U']}&port={given.get('-p', 5432)}"


def insert(bench, process, statement):
    """Runs SQL in the gateway's embedded Postgres."""
    subprocess.run(
        ["bash", "-c", psql_line(bench, process) + ' -Xq -v ON_ERROR_STOP=1 -c "$0"', statement], check=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on 127.0.0.1:{port}")


def ask(peer, host, token, path="/bench"):
    """Status and body of one request."""
    headers = {"Host": host} | ({"Authorization": "Bearer " + token} if token else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(peer.url + path, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def wait_until_served(peer, host, token, log=lambda: ""):
    """Waits until the peer serves this host and token."""
    deadline = time.monotonic() + 60
    while True:
        try:
            status, _ = ask(peer, host, token)
        except OSError as error:
            status = error
        if status == 200:
            return
        if time.monotonic() > deadline or peer.process.poll() is not None:
            raise SystemExit(f"{peer.name} does not serve {host}: {status}\n{log()}")
        time.sleep(0.1)


def wait_for_pools(peer, count):
    """Waits until the gateway holds the keys of at least so many pools."""
    deadline = time.monotonic() + 120
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{peer.admin}/status", timeout=30) as answer:
            pools = json.load(answer)["pools"]
        if sum(pool["state"] == "ready" for pool in pools) >= count:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"poolgate has no keys of all {count} pools")
        time.sleep(0.5)
