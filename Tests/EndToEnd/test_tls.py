"""TLS in front, with openssl and curl as clients, and TLS to upstreams, with a real nginx."""

import asyncio
import json
import os
import socket
import ssl
import subprocess
import threading

import pytest
import websockets
from websockets.asyncio.server import serve

from certificates import DAY, Authority, server, shown_by
from conftest import make_tenant
from gateway import Gateway
from nginx import Nginx
from processes import free_port, wait_until
from wire import Connection, request


# In front

class Front:
    """A gateway with a TLS listener, its folder of certificates and the authority behind them."""

    def __init__(self, binaries, database, stand_in, upstream, folder, **options):
        self.authority = Authority(folder)
        self.folder = folder / "certificates"
        self.folder.mkdir()
        for name, hosts in {
            "zebra": ["one.test", "two.test"], "shop": ["*.shop.test"], "exact": ["deep.shop.test"], "default": ["default.test"],
        }.items():
            self.authority.issue(self.folder, name, *hosts)
        self.gateway = Gateway(
            binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
            tls_listen="127.0.0.1:0", tls_certificates=self.folder, **options)
        self.gateway.database = database
        self.port = self.gateway.port_of("tls")

    def connect(self, name, **options):
        return self.authority.connect(self.port, name, **options)

    def shown(self, name):
        """The names of the certificate that a client without trust in anything is shown."""
        arguments = ["-noservername"] if name is None else ["-servername", name]
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *arguments], input="", capture_output=True,
            text=True, timeout=20)
        text = subprocess.run(
            ["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=done.stdout, capture_output=True, text=True).stdout
        return {part.strip().removeprefix("DNS:") for part in text.splitlines()[-1].split(",")}


@pytest.fixture(scope="module")
def front(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    front = Front(binaries, migrated(), stand_in, shared_upstream, tmp_path_factory.mktemp("front"))
    yield front
    assert front.gateway.process.poll() is None, front.gateway.log()
    front.gateway.remove()


@pytest.fixture
def served(front, stand_in, pool, upstream):
    """Registers a host at that gateway."""
    def make(host):
        front.gateway.database.sql(f"DELETE FROM poolgate.tenants WHERE host = '{host}'")
        return make_tenant(front.gateway, front.gateway.database, stand_in, pool, host=host)
    return make


@pytest.mark.parametrize("name, hosts", [
    ("one.test", ["one.test", "two.test"]), ("TWO.test", ["one.test", "two.test"]), ("a.shop.test", ["*.shop.test"]),
    ("deep.shop.test", ["deep.shop.test"]), ("a.deep.shop.test", ["default.test"]), ("shop.test", ["default.test"]),
    ("elsewhere.test", ["default.test"]), (None, ["default.test"]),
], ids=str)
def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(front, name, hosts):
    assert front.shown(name) == set(hosts)


@pytest.mark.parametrize("version, accepted", [
    ("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(front, version, accepted):
    done = subprocess.run(
        ["openssl", "s_client", version, "-cipher", "DEFAULT:@SECLEVEL=0", "-connect", f"127.0.0.1:{front.port}",
         "-servername", "one.test"], input="", capture_output=True, text=True, timeout=20)
    assert ("BEGIN CERTIFICATE" in done.stdout) == accepted, done.stdout + done.stderr


def test_requests_are_served_over_tls_and_upstreams_learn_of_it(front, served):
    tenant = served("one.test")
    with front.connect("one.test") as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            answer = connection.request("GET", "/p", "one.test", tenant.token())
            assert answer.status == 200
            said = dict(answer.json["headers"])
            assert said["X-Forwarded-Proto"] == "https" and said["X-Forwarded-Port"] == "443"
        said = dict(connection.request("GET", "/p", f"one.test:{front.port}", tenant.token()).json["headers"])
        assert said["X-Forwarded-Port"] == str(front.port) and said["X-Forwarded-Host"] == f"one.test:{front.port}"


def test_curl_is_served_over_tls(front, served):
    tenant = served("a.shop.test")
    done = subprocess.run(
        ["curl", "-sS", "--cacert", front.authority.file, "--resolve", f"a.shop.test:{front.port}:127.0.0.1",
         f"https://a.shop.test:{front.port}/x", "-H", f"Authorization: Bearer {tenant.token()}", "-d", "a" * 100_000],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bodyBytes"] == 100_000


def test_a_large_body_goes_through_tls_both_ways(front, served, upstream):
    tenant = served("one.test")
    data = os.urandom(1 << 20) * 8
    upstream.behave = lambda received, _, __: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(received.body) + received.body
    with front.connect("one.test") as connection:
        sender = threading.Thread(target=lambda: connection.send(request(
            "POST", "/", "one.test", tenant.token(), body=data)))
        sender.start()
        assert connection.read().body == data
        sender.join()


def test_hosts_may_differ_from_the_name_within_one_certificate_alone(front, served):
    tenants = {host: served(host) for host in ("one.test", "two.test", "default.test", "a.shop.test", "b.shop.test")}

    def ask(connection, host):
        answer = connection.request("GET", "/", host, tenants[host].token())
        return answer.status, answer.status != 200 and answer.error
    good, misdirected = (200, False), (421, "misdirected")
    with front.connect("one.test") as connection:
        assert [ask(connection, host) for host in ("one.test", "two.test", "one.test")] == [good] * 3
        assert ask(connection, "default.test") == misdirected
        assert ask(connection, "one.test") == good
    with front.connect("a.shop.test") as connection:
        assert ask(connection, "b.shop.test") == good
        assert ask(connection, "one.test") == misdirected


def test_a_host_without_a_certificate_is_served_to_who_asked_for_it(front, served):
    tenant = served("elsewhere.test")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Connection(front.port) as connection:
        connection.socket = context.wrap_socket(connection.socket, server_hostname="elsewhere.test")
        assert connection.request("GET", "/", "elsewhere.test", tenant.token()).status == 200
        assert connection.request("GET", "/", "one.test", tenant.token()).error == "misdirected"


def test_the_plain_listener_knows_no_misdirection(front, served):
    tenant = served("one.test")
    assert tenant.get(tenant.token()).status == 200


def test_files_that_change_serve_new_connections_and_old_ones_go_on(binaries, migrated, stand_in, pool, upstream, tmp_path):
    front = Front(binaries, migrated(), stand_in, upstream, tmp_path)
    try:
        tenant = make_tenant(front.gateway, front.gateway.database, stand_in, pool, host="one.test")
        with front.connect("one.test") as old:
            assert old.request("GET", "/", "one.test", tenant.token()).status == 200
            assert shown_by(old) == {"one.test", "two.test"}
            front.authority.issue(front.folder, "zebra", "one.test", "three.test")
            wait_until(lambda: front.shown("three.test") == {"one.test", "three.test"}, what="the new certificate")
            assert old.request("GET", "/", "one.test", tenant.token()).status == 200
            assert old.request("GET", "/", "two.test", tenant.token()).error == "unknown_host"
        front.authority.issue(front.folder, "added", "added.test")
        wait_until(lambda: front.shown("added.test") == {"added.test"}, what="the added certificate")
        (front.folder / "added.crt").unlink()
        wait_until(lambda: front.shown("added.test") == {"default.test"}, what="the removal")
    finally:
        front.gateway.remove()


def test_a_pair_that_cannot_be_used_is_reported_once_and_leaves_the_one_before(
        binaries, migrated, stand_in, upstream, tmp_path):
    front = Front(binaries, migrated(), stand_in, upstream, tmp_path)
    try:
        good = (front.folder / "zebra.key").read_bytes()
        (front.folder / "zebra.key").write_bytes((front.folder / "shop.key").read_bytes())
        front.gateway.wait_event("certificates_refused", name="zebra")
        assert front.shown("one.test") == {"one.test", "two.test"}
        (front.folder / "shop.crt").write_text("no certificate")
        front.gateway.wait_event("certificates_refused", name="shop")
        assert front.shown("a.shop.test") == {"*.shop.test"}
        assert len(front.gateway.events("certificates_refused")) == 2
        loaded = len(front.gateway.events("certificate_loaded"))
        (front.folder / "zebra.key").write_bytes(good)
        wait_until(lambda: len(front.gateway.events("certificate_loaded")) > loaded, what="the repair")
        assert front.shown("one.test") == {"one.test", "two.test"}
        assert "PRIVATE" not in front.gateway.log()
    finally:
        front.gateway.remove()


def test_a_folder_without_certificates_is_said_at_the_start(run, database, tmp_path):
    done = run("serve", "--database-url", database.url, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
               "--state-dir", str(tmp_path / "state"), "--tls-listen", "127.0.0.1:0", "--tls-certificates", str(tmp_path))
    assert done.returncode != 0 and str(tmp_path) in done.stdout + done.stderr


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n", b"\x16\x03\x01\x00\x00", os.urandom(600), b"\x16\x03\x01\xff\xff" + bytes(70_000)],
    ids=["clear text", "an empty record", "noise", "an endless record"])
def test_what_is_no_handshake_ends_the_connection_and_nothing_else(front, first):
    with Connection(front.port) as connection:
        try:
            connection.send(first)
            connection.socket.shutdown(socket.SHUT_WR)
            while connection.socket.recv(4096):
                pass
        except OSError as error:
            # However it ended, it did.
            assert not isinstance(error, TimeoutError)
    assert front.shown("one.test") == {"one.test", "two.test"}


def test_who_never_ends_a_handshake_is_cut_off(binaries, migrated, stand_in, upstream, tmp_path):
    front = Front(binaries, migrated(), stand_in, upstream, tmp_path, head_timeout="1s")
    try:
        with Connection(front.port) as silent, Connection(front.port) as partial:
            partial.send(b"\x16\x03\x01\x00\xc8\x01")
            for connection in (silent, partial):
                connection.socket.settimeout(20)
                try:
                    while connection.socket.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
    finally:
        front.gateway.remove()


def test_an_answer_cut_by_the_upstream_does_not_end_by_the_book_over_tls(front, served, upstream):
    tenant = served("one.test")

    def die(_, connection, __):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    upstream.behave = die
    with front.connect("one.test") as connection:
        answer = connection.request("GET", "/", "one.test", tenant.token())
        assert (answer.status, answer.body, answer.whole) == (200, b"hello", False)


def test_websocket_is_carried_over_tls(front, served, upstream):
    tenant = served("one.test")

    async def talk():
        async def echo(peer):
            async for message in peer:
                await peer.send(message)
        async with serve(echo, "127.0.0.1", 0) as inside:
            tenant.update(f"upstream = 'http://127.0.0.1:{inside.sockets[0].getsockname()[1]}'")
            await asyncio.sleep(0.5)
            async with websockets.connect(
                    "wss://one.test/chat", host="127.0.0.1", port=front.port, ssl=front.authority.client(),
                    additional_headers={"Authorization": "Bearer " + tenant.token()}) as client:
                for message in ("small", "x" * 500_000):
                    await client.send(message)
                    assert await client.recv() == message
    asyncio.run(talk())


# To upstreams

class Behind:
    """An authority that the gateway knows as `inside`, and certificates for `localhost`."""

    def __init__(self, folder):
        self.folder = folder
        self.authorities = folder / "authorities"
        self.authorities.mkdir()
        self.authority = Authority(self.authorities, "inside")
        self.stranger = Authority(folder, "stranger")
        self.authority.issue(folder, "good", "localhost")
        self.authority.issue(folder, "misnamed", "elsewhere.test")
        self.authority.issue(folder, "expired", "localhost", lifetime=-DAY)
        self.stranger.issue(folder, "strange", "localhost")
        self.nginx = Nginx("".join(f"""
            server {{
                listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {folder}/{name}.crt; ssl_certificate_key {folder}/{name}.key;
                location / {{ return 200 "{name} $ssl_server_name $host $ssl_protocol\n"; }}
            }}""" for name, port in self.ports.items()) + "server { listen PORT; }")

    ports = {}


@pytest.fixture(scope="module")
def behind(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    Behind.ports = {name: free_port() for name in ("good", "misnamed", "expired", "strange")}
    behind = Behind(tmp_path_factory.mktemp("behind"))
    database = migrated()
    behind.gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        upstream_cas=behind.authorities)
    behind.gateway.database = database
    yield behind
    assert behind.gateway.process.poll() is None, behind.gateway.log()
    behind.gateway.remove()
    behind.nginx.remove()


@pytest.fixture
def towards(behind, stand_in, pool):
    """Registers a host whose upstream is the server with this certificate."""
    def make(name, host="localhost", ca="inside", port=None):
        return make_tenant(behind.gateway, behind.gateway.database, stand_in, pool,
                           upstream=f"https://{host}:{port or behind.ports[name]}", upstream_ca=ca)
    return make


def test_an_upstream_with_a_good_certificate_is_spoken_to_by_its_name(towards):
    tenant = towards("good")
    answer = tenant.get(tenant.token())
    assert answer.status == 200
    assert answer.body.decode().split() == ["good", "localhost", tenant.host, "TLSv1.3"]


@pytest.mark.parametrize("name, host, ca", [
    ("strange", "localhost", "inside"), ("misnamed", "localhost", "inside"), ("expired", "localhost", "inside"),
    ("good", "127.0.0.1", "inside"), ("good", "localhost", None), ("good", "localhost", "absent"),
], ids=["another authority", "another name", "expired", "address instead of name", "system roots", "no such authority"])
def test_an_upstream_that_is_not_proven_to_be_the_one_is_never_told_anything(towards, name, host, ca):
    tenant = towards(name, host, ca)
    answer = tenant.get(tenant.token())
    assert (answer.status, answer.error) == (502, "upstream_tls")


def test_an_upstream_that_speaks_no_tls_is_refused(towards, behind):
    tenant = towards("plain", port=behind.nginx.port)
    answer = tenant.get(tenant.token())
    assert (answer.status, answer.error) == (502, "upstream_tls")


def test_an_authority_that_comes_later_needs_no_restart(towards, behind):
    tenant = towards("strange", ca="later")
    assert tenant.get(tenant.token()).error == "upstream_tls"
    (behind.authorities / "later.pem").write_bytes(behind.stranger.file.read_bytes())
    behind.gateway.wait_status(200, tenant.host, tenant.token())


class Played:
    """A TLS upstream that a test plays: one answer for each connection, ended as it says."""

    def __init__(self, behind, play):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.context = server(behind.folder, "good")
        self.play = play
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                connection = self.context.wrap_socket(connection, server_side=True)
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += connection.recv(1)
                self.play(connection)
                connection.close()
            except OSError:
                if self.listener.fileno() < 0:
                    return


@pytest.mark.parametrize("says_goodbye", [True, False], ids=["close_notify", "cut"])
@pytest.mark.parametrize("framing", ["Connection: close", "Content-Length: 100", "Transfer-Encoding: chunked"])
def test_an_answer_that_a_third_party_could_have_cut_never_looks_whole(towards, behind, framing, says_goodbye):
    def play(connection):
        body = b"5\r\nhello\r\n" if "chunked" in framing else b"hello"
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + body)
        if says_goodbye:
            try:
                connection.unwrap()
            except OSError:
                pass
    played = Played(behind, play)
    try:
        tenant = towards("good", port=played.port)
        answer = tenant.get(tenant.token())
        assert (answer.status, answer.body) == (200, b"hello")
        assert answer.whole == (says_goodbye and framing == "Connection: close")
    finally:
        played.listener.close()


def test_a_large_body_goes_to_a_tls_upstream_and_back(towards, behind):
    data = os.urandom(1 << 20) * 4

    def play(connection):
        count = 0
        while count < len(data):
            count += len(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        connection.unwrap()
    played = Played(behind, play)
    try:
        tenant = towards("good", port=played.port)
        answer = tenant.get(tenant.token(), method="POST", body=data)
        assert answer.body == data
    finally:
        played.listener.close()
