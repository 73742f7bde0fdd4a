"""Which certificate is shown, and by which authorities key endpoints are believed."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from certificates import DAY, Authority, server
from conftest import make_tenant
from gateway import Gateway
from processes import wait_until
from wire import Connection

HOUR = datetime.timedelta(hours=1)


class Shown:
    """A gateway whose folder of certificates the test fills."""

    def __init__(self, binaries, database, stand_in, upstream, folder, pairs):
        self.authority = Authority(folder)
        self.folder = folder / "certificates"
        self.folder.mkdir()
        for name, (hosts, lifetime) in pairs.items():
            self.authority.issue(self.folder, name, *hosts, lifetime=lifetime)
        self.gateway = Gateway(
            binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
            tls_listen="127.0.0.1:0", tls_certificates=self.folder)
        self.gateway.database = database
        self.port = self.gateway.port_of("tls")

    def connect(self, name):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = Connection(self.port)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=name)
        return connection

    def shown(self, name):
        """The common name of the certificate, which is its pair's name."""
        with self.connect(name) as connection:
            der = connection.socket.getpeercert(binary_form=True)
        text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"], input=der, capture_output=True).stdout
        return text.decode().rsplit("=", 1)[1].strip()


@pytest.fixture
def show(binaries, migrated, stand_in, upstream, tmp_path):
    running = []

    def make(**pairs):
        running.append(Shown(binaries, migrated(), stand_in, upstream, tmp_path, pairs))
        return running[-1]
    yield make
    for shown in running:
        shown.gateway.remove()


def test_the_valid_pair_that_lasts_longest_is_shown_and_an_expired_one_only_alone(show):
    shown = show(
        aaa=(["one.test"], -DAY), bbb=(["one.test"], HOUR), ccc=(["one.test"], 2 * DAY), ddd=(["*.test"], -HOUR),
        eee=(["only.expired"], -DAY), fff=(["only.expired"], -HOUR), default=(["default.test"], -DAY))
    assert shown.shown("one.test") == "ccc"
    assert not shown.gateway.events("certificate_not_valid")
    for _ in range(3):
        assert shown.shown("only.expired") == "fff"
    shown.gateway.wait_event("certificate_not_valid", name="fff")
    assert len(shown.gateway.events("certificate_not_valid")) == 1, "told once, not at each handshake"
    assert shown.shown("two.test") == "ddd"
    # An unknown name, or none: the default is expired, another is valid.
    assert shown.shown("elsewhere.example") == "ccc" and shown.shown(None) == "ccc"
    shown.authority.issue(shown.folder, "default", "default.test", lifetime=HOUR)
    wait_until(lambda: shown.shown("elsewhere.example") == "default", what="the renewed default")
    shown.authority.issue(shown.folder, "ggg", "one.test", lifetime=9 * DAY, since=DAY)
    shown.gateway.wait_event("certificate_loaded", name="ggg")
    assert shown.shown("one.test") == "ccc", "what is not valid yet waits"


def test_who_asks_for_no_name_and_is_shown_one_for_the_address_may_ask_for_every_host(show, stand_in, pool):
    shown = show(default=(["default.test"], DAY), address=(["127.0.0.1", "lb.test"], HOUR))
    tenant = make_tenant(shown.gateway, shown.gateway.database, stand_in, pool, host="one.test")
    assert shown.shown(None) == "address" and shown.shown("one.test") == "default"
    with shown.connect(None) as connection:
        assert connection.request("GET", "/", "one.test", tenant.token()).status == 200
        for host in ("127.0.0.1", f"127.0.0.1:{shown.port}"):
            assert connection.request("GET", "/", host, tenant.token()).error == "unknown_host"
    with shown.connect("lb.test") as connection:
        assert connection.request("GET", "/", "one.test", tenant.token()).error == "misdirected"
        assert connection.request("GET", "/", "127.0.0.1", tenant.token()).error == "unknown_host"


def test_a_folder_that_is_gone_for_a_while_takes_no_certificate_away(show):
    shown = show(one=(["one.test"], DAY))
    shown.folder.rename(shown.folder.with_name("away"))
    shown.gateway.wait_event("certificates_folder_lost")
    assert shown.shown("one.test") == "one"
    shown.folder.with_name("away").rename(shown.folder)
    shown.authority.issue(shown.folder, "two", "two.test")
    wait_until(lambda: shown.shown("two.test") == "two", what="the new pair")


class KeyServer:
    """A key endpoint on 127.0.0.1 with a certificate for that address."""

    def __init__(self, folder, authority):
        authority.issue(folder, "keys", "127.0.0.1")
        self.context = server(folder, "keys")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection = self.context.wrap_socket(self.listener.accept()[0], server_side=True)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                connection.close()
            except OSError:
                if self.listener.fileno() < 0:
                    return


@pytest.mark.skipif(os.geteuid() != 0, reason="needs authorities of its own in place of the system's")
def test_a_file_of_authorities_replaces_those_of_the_system(binaries, database, pool, tmp_path):
    trusted, other = Authority(tmp_path, "trusted"), Authority(tmp_path, "other")
    keys = KeyServer(tmp_path, trusted)
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(trusted.file, system / "trusted.pem")
    shutil.copy(trusted.file, system / "ca-certificates.crt")
    subprocess.run(["openssl", "rehash", str(system)], check=True)
    database.add("a.example.com", pool)

    def check(*arguments):
        command = [str(binaries / "poolgate"), "check", "--table", "--database-url", database.url, "--upstream", "http://127.0.0.1:1",
                   "--jwks-url-template", f"https://127.0.0.1:{keys.port}/{{pool}}", *arguments]
        script = 'mount --bind "$0" /etc/ssl/certs && exec "$@"'
        return subprocess.run(["unshare", "-m", "bash", "-c", script, str(system), *command], capture_output=True, text=True).stdout
    try:
        assert "answered 404" in check(), "the system's authorities are believed"
        assert "answered 404" in check("--ca-file", str(trusted.file))
        told = check("--ca-file", str(other.file))
        assert "TLS cannot be trusted" in told, told
    finally:
        keys.listener.close()
