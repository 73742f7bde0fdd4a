"""A gateway that starts without the world serves from its state directory, says so, and takes the world's word when it is back."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import threading
import time

import jsonschema
import pytest

from conftest import make_tenant
from gateway import Gateway, run
from processes import TOP, Postgres, StandIn, free_port, stop, wait_until

SCHEMA = json.loads((TOP / "ops/guide/status.schema.json").read_text())


def status(gateway, query=""):
    """What /status says, which the schema describes in every state."""
    report = json.loads(gateway.admin("/status" + query)[1])
    jsonschema.validate(report, SCHEMA, cls=jsonschema.Draft202012Validator)
    return report


class Relay:
    """Carries connections on a port of its own to another port, until it is closed."""

    def __init__(self, port, target):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", target)) as other:
                    back = threading.Thread(target=carry, args=(other, self.request), daemon=True)
                    back.start()
                    carry(self.request, other)
                    back.join()
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.server.allow_reuse_address = self.server.daemon_threads = True
        self.server.server_bind()
        self.server.server_activate()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def carry(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class World:
    """A database and a key endpoint that can be switched off, each at an address that stays."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.postgres = Postgres()
        self.stand_in = StandIn(binaries)
        self.port = free_port()
        self.relay, self.gateways = None, []

    def begin(self, upstream):
        """Both are there, and the database is a new one."""
        self.upstream = upstream
        if self.postgres.process.poll() is not None:
            self.postgres.start()
        self.database = self.postgres.new_database()
        assert run(self.binaries, "migrate", "--database-url", self.database.url).returncode == 0
        if self.relay is None:
            self.open_endpoint()

    def open_endpoint(self):
        """A relay to the stand-in, which keeps its keys while nobody can reach it."""
        self.relay = Relay(self.port, self.stand_in.port)

    def close_endpoint(self):
        self.relay.close()
        self.relay = None

    def start(self, **options):
        gateway = Gateway(
            self.binaries, database_url=self.database.url, upstream=self.upstream.url,
            jwks_url_template=f"http://127.0.0.1:{self.port}/{{pool}}/.well-known/jwks.json", **options)
        gateway.database = self.database
        self.gateways.append(gateway)
        return gateway

    def end(self):
        for gateway in self.gateways:
            gateway.remove()
        self.gateways = []

    def remove(self):
        if self.relay:
            self.relay.close()
        self.stand_in.remove()
        self.postgres.remove()


@pytest.fixture(scope="module")
def shared_world(binaries):
    world = World(binaries)
    yield world
    world.remove()


@pytest.fixture
def world(shared_world, upstream):
    shared_world.begin(upstream)
    yield shared_world
    shared_world.end()


def kill(gateway):
    """As a machine that loses power would end it."""
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()


def test_without_database_and_key_endpoint_it_serves_as_of_the_second_before_it_was_killed(world, pool):
    gateway = world.start()
    assert json.loads(gateway.admin("/ready")[1]) == {"status": "ready", "directory": "database"}
    tenant = make_tenant(gateway, world.database, world.stand_in, pool)
    good, revoked = tenant.token(), tenant.token(claims={"jti": "stolen"})
    gateway.wait_status(200, tenant.host, good)
    world.database.sql(f"""
        INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('{tenant.host}', '/open', 'public');
        INSERT INTO poolgate.rules (host, path_prefix, required_groups) VALUES ('{tenant.host}', '/admin', '{{admins}}');
        INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', '{pool}', 'stolen')""")
    gateway.wait_status(401, tenant.host, revoked)
    # The last change, a second before the end.
    world.database.add("last.example.com", pool)
    gateway.wait_status(401, "last.example.com")
    time.sleep(1)
    report = status(gateway)
    assert report["directory"]["source"] == "database" and report["directory"]["saved_age_seconds"] < 30
    assert report["pools"][0]["keys_from"] == "endpoint" and report["pools"][0]["first_seen"].keys() == set(report["pools"][0]["keys"])
    first_seen = report["pools"][0]["first_seen"]
    kill(gateway)
    for path in gateway.state.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path

    world.postgres.stop()
    world.close_endpoint()
    again = world.start(state=gateway.state)
    ready = json.loads(again.admin("/ready")[1])
    assert ready["status"] == "ready" and ready["directory"].startswith("disk, saved "), ready
    assert ready["keys"] == "disk for 1 of 1 pools", ready
    assert again.get(tenant.host, good).status == 200
    assert again.get(tenant.host, revoked).error == "invalid_token"
    assert again.get(tenant.host, path="/open/x").status == 200
    assert again.get(tenant.host, good, path="/admin").status == 403
    assert again.get("last.example.com", good).status == 200
    assert again.get(tenant.host, world.stand_in.mint(pool + "x")).status == 401
    report = status(again)
    assert report["directory"]["source"] == "disk" and report["directory"]["link"] == "lost"
    wait_until(lambda: status(again)["pool_counts"] == {"ready": 0, "waiting": 0, "failing": 1, "from_disk": 1}, what="the failure")
    assert status(again)["pools"][0]["keys_from"] == "disk" and status(again)["pools"][0]["first_seen"] == first_seen
    assert again.events("keys_loaded")[0]["pools"] == 1
    assert again.events("snapshot_loaded")[0]["rows"] == 2

    # Meanwhile a row went, and the pool's key was withdrawn. When the world is back, so are they here.
    world.postgres.start()
    world.database.sql("DELETE FROM poolgate.tenants WHERE host = 'last.example.com'")
    world.stand_in.rotate(pool, withdraw=True)
    again.wait_status(421, "last.example.com", seconds=30)
    assert json.loads(again.admin("/ready")[1])["directory"] == "database"
    world.open_endpoint()
    again.wait_status(200, tenant.host, tenant.token(), seconds=30)
    assert "keys" not in json.loads(again.admin("/ready")[1])
    # One call is enough to have a withdrawn key gone.
    code, body = again.admin(f"/pools/{pool}/refresh", method="POST", Origin=f"http://127.0.0.1:{again.admin_port}")
    assert code == 200 and set(json.loads(body)["withdrawn"]) == set(first_seen), body
    assert again.get(tenant.host, good).status == 401


def test_what_is_damaged_foreign_or_open_to_others_is_as_if_there_were_none(world, pool):
    gateway = world.start()
    make_tenant(gateway, world.database, world.stand_in, pool, "kept.example.com")
    wait_until(lambda: (gateway.state / "keys.snapshot").exists(), what="the saved keys")
    gateway.stop()
    foreign = gateway.state / "notes.txt"
    foreign.write_text("not ours")
    (gateway.state / "tenants.snapshot").write_bytes(b"POOLGATE" + os.urandom(4000))
    (gateway.state / "keys.snapshot").chmod(0o622)
    world.postgres.stop()
    again = world.start(state=gateway.state, ready=False)
    again.admin_port = again.port_of("admin")
    unreadable = again.wait_event("snapshot_unreadable")
    assert "damaged" in unreadable["error"] and "others" in again.wait_event("keys_unreadable")["error"]
    again.wait_event("no_directory", 20)
    again.port = again.port_of("proxy")
    assert again.admin("/ready")[0] == 503 and again.get("kept.example.com").error == "starting"
    report = status(again)
    assert "source" not in report["directory"] and report["ready"] is False and "database" in report["reason"]
    world.postgres.start()
    again.wait_status(401, "kept.example.com", seconds=30)
    # Both are written anew, and what is not the gateway's is left alone.
    wait_until(lambda: stat.S_IMODE((again.state / "keys.snapshot").stat().st_mode) == 0o600, what="new keys")
    assert foreign.read_text() == "not ours"
    again.stop()
    world.postgres.stop()
    third = world.start(state=gateway.state)
    assert third.get("kept.example.com").status == 401


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system can be mounted by root alone")
def test_a_full_disk_loses_nothing_and_is_told_and_made_good(world, pool):
    state = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", state], check=True)
    try:
        gateway = world.start(state=state)
        make_tenant(gateway, world.database, world.stand_in, pool, "early.example.com")
        wait_until(lambda: "saved_at" in status(gateway)["directory"], what="the first copy")
        time.sleep(0.5)
        filler = state / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(b"x" * 512):
                pass
        world.database.sql(
            f"INSERT INTO poolgate.tenants (host, region, pool_id) SELECT n || '.many.example.com', 'eu-west-1', '{pool}' "
            "FROM generate_series(1, 200) n")
        gateway.wait_event("snapshot_unwritable", 20)
        assert "save_error" in status(gateway)["directory"]
        assert gateway.get("200.many.example.com").status == 401
        filler.unlink()
        wait_until(lambda: "save_error" not in status(gateway)["directory"], 20, "the copy")
        kill(gateway)
        world.postgres.stop()
        again = world.start(state=state)
        assert again.get("200.many.example.com").status == again.get("early.example.com").status == 401
        again.stop()
    finally:
        subprocess.run(["umount", "-l", state], check=True)
        shutil.rmtree(state, ignore_errors=True)


def test_status_tells_of_as_many_pools_as_are_asked_for(world, pool):
    gateway = world.start()
    world.database.sql("INSERT INTO poolgate.tenants (host, region, pool_id) SELECT n || '.p.example.com', 'eu-west-1', "
                       "'eu-west-1_Many' || lpad(n::text, 4, '0') FROM generate_series(1, 1100) n")
    wait_until(lambda: status(gateway)["pool_counts"]["ready"] == 1100, 30, "all pools")
    first = status(gateway)
    assert len(first["pools"]) == 1000 and first["pools_left_out"] == 100
    last = first["pools"][-1]
    rest = status(gateway, f"?after={last['region']}/{last['pool_id']}")
    assert len(rest["pools"]) == 100 and rest["pools_left_out"] == 0
    names = [one["pool_id"] for one in first["pools"] + rest["pools"]]
    assert names == sorted(set(names)) and len(names) == 1100
    assert status(gateway, "?pools=0")["pools"] == [] and status(gateway, "?pools=0")["pools_left_out"] == 1100
    assert status(gateway, "?state=failing")["pools"] == []
    for bad in "?pools=x", "?pool=1", "?state=well", "?pools=10001":
        assert gateway.admin("/status" + bad)[0] == 400


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="no haproxy")
def test_haproxy_finds_the_gateway_ready_by_its_plain_check(gateway, tmp_path):
    front, stats = free_port(), tmp_path / "stats"
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"""
global
    stats socket {stats} level admin
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:{front}
    default_backend gateways
backend gateways
    option httpchk GET /ready
    server ready 127.0.0.1:{gateway.port} check port {gateway.admin_port} inter 100ms
    server elsewhere 127.0.0.1:{gateway.port} check port {free_port()} inter 100ms
""")
    proxy = subprocess.Popen([shutil.which("haproxy"), "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def states():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(stats))
                connection.sendall(b"show stat\n")
                text = b""
                while part := connection.recv(65536):
                    text += part
                rows = [line.split(",") for line in text.decode().splitlines()]
                return {row[1]: row[17] for row in rows if row and row[0] == "gateways"}
        wait_until(lambda: (found := states()) and found["elsewhere"] == "DOWN" and found["ready"] == "UP", 30, "haproxy's view")
    finally:
        stop(proxy)
