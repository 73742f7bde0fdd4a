"""Upgrade and rollback of schema and program under load, behind a real nginx: no request is lost, none is answered wrongly.

ops/upgrade-test runs this with two programs; otherwise both are the one that was built, and the test shows that replicas can
be replaced one after the other, with their state directory and without."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import pytest

from gateway import Gateway
from gateway import run as run_command
from nginx import Nginx
from processes import wait_until
from wire import Connection

POOLS = {"acme.example.com": "eu-west-1_Upgrade01", "globex.example.com": "eu-west-1_Upgrade02"}
CLIENTS = 4
PAUSE = 0.004
LONGEST_RUN = 300


@pytest.fixture
def programs(binaries):
    """Folders with the old and the new program in them, as `poolgate`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="upgrade-"))
    found = {}
    for age in "old", "new":
        found[age] = folder / age
        found[age].mkdir()
        (found[age] / "poolgate").symlink_to(os.environ.get(f"POOLGATE_{age.upper()}_BINARY") or binaries / "poolgate")
    yield found
    shutil.rmtree(folder)


class Load:
    """Clients that ask the balancer without end, each request on a connection of its own, and check each answer."""

    def __init__(self, port, stand_in):
        self.port, self.wrong, self.counts, self.slowest = port, [], {}, 0.0
        self.tokens = {host: stand_in.mint(pool, ttl=3_600) for host, pool in POOLS.items()}
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _run(self, client):
        number, end = 0, time.monotonic() + LONGEST_RUN
        while not self.is_over.wait(PAUSE) and time.monotonic() < end:
            number += 1
            name = self.CASES[number % len(self.CASES)]
            began = time.monotonic()
            try:
                flaw = getattr(self, f"_{name}")(f"{client}-{number}")
            except (OSError, ValueError) as error:
                flaw = repr(error)
            with self.lock:
                self.counts[name] = self.counts.get(name, 0) + 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                if flaw:
                    self.wrong.append(f"{time.strftime('%X')} {name} {flaw}")

    CASES = "admitted", "posted", "without_token", "foreign_token", "unknown_host"

    def _ask(self, host, path, token=None, method="GET", body=b""):
        with Connection(self.port, timeout=20) as connection:
            return connection.request(method, path, host, token, [("Connection", "close")], body)

    def _status(self, answer, status, code):
        if answer.status != status or not answer.whole or answer.error != code:
            return f"{answer.status} {answer.body[:200]!r} instead of {status} {code}"
        return None

    def _forwarded(self, answer, host, target, body=""):
        if answer.status != 200 or not answer.whole:
            return f"{answer.status} {answer.body[:200]!r} instead of 200"
        told = answer.json
        headers = {name.lower(): value for name, value in told["headers"]}
        if told["target"] != target or told["body"] != body or headers.get("x-poolgate-tenant") != host:
            return f"{told} instead of {target} {body} for {host}"
        return None

    def _admitted(self, mark):
        host = "acme.example.com"
        return self._forwarded(self._ask(host, f"/a/{mark}", self.tokens[host]), host, f"/a/{mark}")

    def _posted(self, mark):
        host = "globex.example.com"
        answer = self._ask(host, "/b", self.tokens[host], "POST", mark.encode())
        return self._forwarded(answer, host, "/b", mark)

    def _without_token(self, _):
        return self._status(self._ask("acme.example.com", "/"), 401, "missing_token")

    def _foreign_token(self, _):
        return self._status(self._ask("acme.example.com", "/", self.tokens["globex.example.com"]), 401, "invalid_token")

    def _unknown_host(self, _):
        return self._status(self._ask("nobody.example.com", "/"), 421, "unknown_host")

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(timeout=30)


class Balancer:
    """nginx, which never asks a second gateway where the first fails, so that every failure is seen."""

    def __init__(self, gateways):
        self.gateways = list(gateways)
        self.nginx = Nginx(f"""
            upstream gateways {{ {self._servers()} keepalive 32; }}
            server {{
                listen 127.0.0.1:PORT;
                location / {{
                    proxy_pass http://gateways;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header Host $http_host;
                    proxy_next_upstream off;
                }}
            }}""")
        self.port = self.nginx.port

    def _servers(self):
        return " ".join(f"server 127.0.0.1:{gateway.port} max_fails=0;" for gateway in self.gateways)

    def _workers(self):
        process = self.nginx.process.pid
        return set(pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split())

    def change(self, add=None, remove=None):
        """Returns once nginx sends new requests by the changed list."""
        self.gateways = [one for one in self.gateways if one is not remove] + ([add] if add else [])
        path = self.nginx.folder / "nginx.conf"
        path.write_text(re.sub(r"(upstream gateways \{).*?( keepalive)", rf"\1 {self._servers()}\2", path.read_text()))
        before = self._workers()
        self.nginx.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self._workers() - before, 20, "nginx with its new list")


class Fleet:
    """Two replicas behind the balancer, replaced one after the other."""

    def __init__(self, programs, environment):
        self.programs, self.environment, self.gateways = programs, environment, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="upgrade-state-"))
        self.states = 0

    def start(self, age, state=None):
        self.states += 1
        gateway = Gateway(self.programs[age], state=state or self.folder / str(self.states), shutdown_delay="2s",
                          drain_timeout="20s", **self.environment)
        self.gateways.append(gateway)
        return gateway

    def stop(self, gateway, balancer):
        """As a balancer that watches /ready sees it: the gateway says that it leaves, still accepts, and is asked no more."""
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(gateway), 10, "unreadiness")
        balancer.change(remove=gateway)
        assert gateway.process.wait(timeout=40) == 0, gateway.log()[-3000:]

    def copies(self):
        """A copy of each state directory, once the gateways that run have written their rows there."""
        wait_until(lambda: all(any(gateway.state.glob("tenants*")) for gateway in self.gateways), 20, "the saved rows")
        # A file that is being written has a name of its own until it is whole.
        passing = shutil.ignore_patterns("*.sock", ".s.*", "*.new")
        return [shutil.copytree(gateway.state, self.folder / f"copy-{number}", ignore=passing)
                for number, gateway in enumerate(self.gateways)]

    def replace_all(self, age, balancer, states=None):
        """One replica beside its successor, the other one in its place and with its state directory; or both with `states`."""
        first, second = balancer.gateways
        balancer.change(add=self.start(age, states and states[0]))
        self.stop(first, balancer)
        self.stop(second, balancer)
        balancer.change(add=self.start(age, states[1] if states else second.state))

    def remove(self):
        for gateway in self.gateways:
            gateway.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def is_ready(gateway):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/ready", timeout=20) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False


def migrate(program, database):
    done = run_command(program, "migrate", "--database-url", database.url)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(database.sql("SELECT max(version) FROM poolgate.migrations"))


def register(database, gateways, host):
    """A tenant that is registered meanwhile is live at every replica."""
    database.add(host, "eu-west-1_Upgrade03")
    for gateway in gateways:
        gateway.wait_status(401, host)


@pytest.mark.waits_long
def test_an_upgrade_and_a_rollback_lose_nothing(programs, postgres, stand_in, shared_upstream):
    database = postgres.new_database()
    versions = [migrate(programs["old"], database)]
    for host, pool in POOLS.items():
        database.add(host, pool)
    fleet = Fleet(programs, {
        "database_url": database.url, "upstream": shared_upstream.url, "jwks_url_template": stand_in.template})
    load = balancer = None
    try:
        balancer = Balancer([fleet.start("old"), fleet.start("old")])
        for gateway in balancer.gateways:
            for host in POOLS:
                gateway.wait_status(401, host)
        load = Load(balancer.port, stand_in)
        began = time.monotonic()

        copies = fleet.copies()
        versions.append(migrate(programs["new"], database))
        # A program from before version 10 cannot read the rows of version 10, and serves on what it has.
        is_cut_off = versions[0] < 10 <= versions[1]
        if not is_cut_off:
            register(database, balancer.gateways, "old-on-new.example.com")
        fleet.replace_all("new", balancer)
        register(database, balancer.gateways, "new-on-new.example.com")
        upgraded = time.monotonic() - began

        # Back: the schema stays, since the old program serves a newer one.
        fleet.replace_all("old", balancer, copies if is_cut_off else None)
        if not is_cut_off:
            register(database, balancer.gateways, "old-again.example.com")
        rolled_back = time.monotonic() - began - upgraded
        load.stop()

        print(f"\n{sum(load.counts.values())} requests ({load.counts}), {len(load.wrong)} lost or wrong, slowest "
              f"{load.slowest * 1000:.0f} ms; schema {versions[0]} to {versions[1]}; upgraded in {upgraded:.1f} s, "
              f"rolled back in {rolled_back:.1f} s")
        assert not load.wrong, (len(load.wrong), load.wrong[:10])
        assert all(load.counts.get(case, 0) > 20 for case in Load.CASES), load.counts
        assert versions[1] == max(versions)
        assert database.sql("SELECT count(*) FROM poolgate.tenants") == str(3 if is_cut_off else 5)
    finally:
        if load:
            load.stop()
        if balancer:
            balancer.nginx.remove()
        fleet.remove()
