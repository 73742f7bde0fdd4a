"""The gateway and the proxies it is compared with, each started on core 0 in front of one upstream on core 1."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[3]
VENV = TOP / "ops/bench/.venv"
BINARIES = pathlib.Path(os.environ.get("BENCH_BINARIES", TOP / ".build" / "release"))
# Connections are kept as long as the load goes on, as nginx's are here.
ENDLESS = ["--max-requests-per-connection", "1000000000"]
REGION, POOL, HOST, CLIENT = "eu-west-1", "eu-west-1_Bench0001", "bench.example.com", "benchclient0000000000000000"


class Peer:
    """A running proxy."""

    def __init__(self, name, process, url):
        self.name, self.process, self.url = name, process, url

    @property
    def pid(self):
        return self.process.pid


class Bench:
    """Upstream, stand-in pool and tokens; ends what it started, by process id."""

    def __init__(self, folder, tokens):
        self.folder, self.count = folder, tokens
        self.processes = []

    def __enter__(self):
        try:
            self.upstream_port = free_port()
            self._start_upstream()
            self.pool_port = free_port()
            self.spawn([str(BINARIES / "stand-in-pool"), "serve", "--listen", f"127.0.0.1:{self.pool_port}"], core=1)
            wait_for(self.pool_port)
            self.tokens = [(HOST, token) for token in self._mint()]
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
        log = open(self.folder / f"{pathlib.Path(command[0]).name}-{len(self.processes)}.log", "wb")
        process = subprocess.Popen(
            ["taskset", "-c", str(core)] + command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def open_to_all(self):
        """Lets peers that give up root's rights reach the folder."""
        self.folder.chmod(0o755)

    def start(self, make):
        peer = make(self)
        self._check(peer)
        return peer

    def _check(self, peer):
        request = urllib.request.Request(
            peer.url + "/bench", headers={"Host": HOST, "Authorization": "Bearer " + self.tokens[0][1]})
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{peer.name} does not serve: {error}") from error
                time.sleep(0.1)

    def _start_upstream(self):
        configuration = self.folder / "upstream.conf"
        configuration.write_text(f"""
            daemon off; worker_processes 1; pid {self.folder}/upstream.pid; error_log /dev/null;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
              server {{ listen 127.0.0.1:{self.upstream_port} backlog=4096; location / {{ return 200 "ok\\n"; }} }}
            }}""")
        self.spawn([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(configuration)], core=1)
        wait_for(self.upstream_port)

    def _mint(self):
        body = json.dumps({"use": "access", "client": CLIENT, "groups": ["staff"], "ttl": 86400, "count": self.count,
                           "claims": {"padding": "x" * 120}})
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.pool_port}/control/{POOL}/mint", data=body.encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read().decode().split()


def nginx(bench):
    """nginx forwarding without any auth, connections to the upstream kept alive."""
    port = free_port()
    configuration = bench.folder / "nginx.conf"
    configuration.write_text(f"""
        daemon off; worker_processes 1; pid {bench.folder}/nginx.pid; error_log /dev/null;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
          upstream up {{ server 127.0.0.1:{bench.upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
          server {{
            listen 127.0.0.1:{port} backlog=4096;
            location / {{
              proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
              proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Host $http_host;
            }}
          }}
        }}""")
    process = bench.spawn([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(configuration)], core=0)
    wait_for(port)
    return Peer("nginx", process, f"http://127.0.0.1:{port}")


def poolgate(bench):
    """The gateway with one worker and a tenant in its embedded Postgres."""
    port, admin = free_port(), free_port()
    state = bench.folder / "state"
    process = bench.spawn(
        [str(BINARIES / "poolgate"), "serve", "--embedded", *ENDLESS, "--state-dir", str(state), "--workers", "1",
         "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin}",
         "--upstream", f"http://127.0.0.1:{bench.upstream_port}",
         "--jwks-url-template", f"http://127.0.0.1:{bench.pool_port}/{{pool}}/.well-known/jwks.json"], core=0)
    insert(bench, process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('{HOST}', '{REGION}', '{POOL}')
        ON CONFLICT DO NOTHING""")
    return Peer("poolgate", process, f"http://127.0.0.1:{port}")


def psql_line(bench, process):
    """The line by which the gateway says its embedded Postgres is reached."""
    log = bench.folder / f"poolgate-{bench.processes.index(process)}.log"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("psql "):
                return line
        time.sleep(0.05)
    raise SystemExit(f"poolgate printed no psql line:\n{log.read_text(errors='replace')}")


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


ALL = {"nginx": nginx, "poolgate": poolgate}
