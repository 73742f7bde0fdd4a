"""Behind a load balancer: whom the gateway believes about a request's way, and version 2 of the PROXY protocol."""

import os
import socket
import struct

import pytest

from certificates import Authority
from conftest import NUMBERS, Tenant, make_tenant
from gateway import Gateway
from nginx import Nginx
from processes import wait_until
from wire import Connection, request

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(family, source, destination=None, command=1, extensions=b"", version=2):
    """A PROXY header; the ports are 4321 and 443."""
    if family is None:
        addresses, kind = b"", 0
    else:
        destination = destination or source
        addresses = (socket.inet_pton(family, source) + socket.inet_pton(family, destination)
                     + struct.pack(">HH", 4321, 443))
        kind = 0x11 if family == socket.AF_INET else 0x21
    return (SIGNATURE + bytes([version << 4 | command, kind]) + struct.pack(">H", len(addresses) + len(extensions))
            + addresses + extensions)


V4 = header(socket.AF_INET, "203.0.113.7", "10.0.0.1")
V6 = header(socket.AF_INET6, "2001:db8::7")
LOCAL = header(None, None, command=0)


# Trusted proxies

@pytest.fixture(scope="module")
def trusting(binaries, migrated, stand_in, shared_upstream):
    """A gateway that believes 127.0.0.2 and a network behind it."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        trusted_proxies="127.0.0.2/32,10.0.0.0/8")
    gateway.database = database
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def behind(trusting, stand_in, pool, upstream):
    return make_tenant(trusting, trusting.database, stand_in, pool)


class From(Connection):
    """A connection from a loopback address."""

    def __init__(self, port, address):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
        self.buffer = b""


def way(tenant, address, said, authority=None):
    """What the upstream is told, in the order For, Proto, Port, Host; None where a line is absent."""
    with From(tenant.gateway.port, address) as connection:
        answer = connection.request("GET", "/", authority or tenant.host, tenant.token(), said)
    assert answer.status == 200, answer.body
    fields = answer.json["headers"]
    lines = []
    for name in ("For", "Proto", "Port", "Host"):
        values = [value for key, value in fields if key == f"X-Forwarded-{name}"]
        assert len(values) <= 1, fields
        lines.append(values[0] if values else None)
    return lines


SAID = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Host", "forged.test")]


def test_a_trusted_proxy_is_believed(behind):
    assert way(behind, "127.0.0.2", SAID) == ["198.51.100.1, 127.0.0.2", "https", "8443", behind.host]


def test_anybody_else_is_not(behind):
    assert way(behind, "127.0.0.3", SAID) == ["127.0.0.3", "http", "80", behind.host]
    assert way(behind, "127.0.0.3", SAID, f"{behind.host}:8080") == ["127.0.0.3", "http", "8080", f"{behind.host}:8080"]


def test_a_trusted_proxy_that_says_nothing_is_the_client(behind):
    assert way(behind, "127.0.0.2", []) == ["127.0.0.2", "http", "80", behind.host]


@pytest.mark.parametrize("said, told", [
    ([("X-Forwarded-For", "198.51.100.1"), ("x-forwarded-for", "10.1.1.1")], ["198.51.100.1, 10.1.1.1, 127.0.0.2", "http", "80"]),
    ([("X-Forwarded-For", "")], ["127.0.0.2", "http", "80"]),
    ([("X-Forwarded-Proto", "gopher")], ["127.0.0.2", "http", "80"]),
    ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], ["127.0.0.2", "https", "443"]),
    ([("X-Forwarded-Proto", "https")], ["127.0.0.2", "https", "443"]),
    ([("X-Forwarded-Proto", "WSS, http")], ["127.0.0.2", "https", "443"]),
    ([("X-Forwarded-Proto", "ws"), ("X-Forwarded-Proto", "https")], ["127.0.0.2", "http", "80"]),
    ([("X-Forwarded-Port", "65536")], ["127.0.0.2", "http", "80"]),
    ([("X-Forwarded-Port", "44a")], ["127.0.0.2", "http", "80"]),
    ([("X-Forwarded-Port", "65535")], ["127.0.0.2", "http", "65535"]),
    ([("X_Forwarded_For", "6.6.6.6"), ("X-Forwarded_Proto", "https")], ["127.0.0.2", "http", "80"]),
], ids=["two lines", "empty", "no scheme", "two schemes", "scheme alone", "WebSocket in a list", "WebSocket in a line", "no port", "no number", "last port", "underscores"])
def test_what_a_trusted_proxy_may_say(behind, said, told):
    assert way(behind, "127.0.0.2", said)[:3] == told


def test_a_real_nginx_in_front_is_believed(trusting, behind):
    nginx = Nginx(f"""server {{ listen PORT; location / {{
        proxy_pass http://127.0.0.1:{trusting.port}; proxy_bind 127.0.0.2; proxy_http_version 1.1;
        proxy_set_header Host {behind.host}; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Port 443; }} }}""")
    try:
        with Connection(nginx.port) as connection:
            answer = connection.request("GET", "/", behind.host, behind.token(), [("X-Forwarded-For", "198.51.100.9")])
        said = dict(answer.json["headers"])
        assert said["X-Forwarded-For"] == "198.51.100.9, 127.0.0.1, 127.0.0.2"
        assert (said["X-Forwarded-Proto"], said["X-Forwarded-Port"]) == ("https", "443")
    finally:
        nginx.remove()


# The PROXY protocol

@pytest.fixture(scope="module")
def network(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    """A gateway behind a network load balancer, on both listeners."""
    folder = tmp_path_factory.mktemp("proxied")
    authority = Authority(folder)
    (folder / "certificates").mkdir()
    authority.issue(folder / "certificates", "site", "site.test")
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        proxy_protocol="v2", trusted_proxies="127.0.0.2/32", tls_listen="127.0.0.1:0",
        tls_certificates=folder / "certificates", head_timeout="2s")
    gateway.database, gateway.authority = database, authority
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def balanced(network, stand_in, pool, upstream):
    """A live tenant: the usual wait would speak without a header."""
    host = f"h{next(NUMBERS)}.example.com"
    network.database.add(host, pool)
    tenant = Tenant(network, network.database, stand_in, host, pool)
    wait_until(lambda: told(tenant, "127.0.0.2", LOCAL, check=False)[0] == 200, what="the tenant")
    return tenant


def told(tenant, address, first, said=(), check=True, pieces=None):
    """Status, and what the upstream is told of the client, when `first` goes before the request."""
    with From(tenant.gateway.port, address) as connection:
        for index in range(0, len(first), pieces or len(first)):
            connection.send(first[index:index + (pieces or len(first))])
        answer = connection.request("GET", "/", tenant.host, tenant.token(), said)
    if check:
        assert answer.status == 200, answer.body
    return answer.status, dict(answer.json.get("headers", {})).get("X-Forwarded-For")


@pytest.mark.parametrize("first, client", [
    (V4, "203.0.113.7"), (V6, "2001:db8::7"), (LOCAL, "127.0.0.2"),
    (header(socket.AF_INET, "203.0.113.8", extensions=b"\x04\x00\x03abc" + b"\xea\x00\x10" + bytes(16)), "203.0.113.8"),
    (header(socket.AF_INET, "203.0.113.9", extensions=b"\x04" + struct.pack(">H", 1500) + bytes(1500)), "203.0.113.9"),
    (header(None, None, command=0, extensions=bytes(64)), "127.0.0.2"),
], ids=["IPv4", "IPv6", "LOCAL", "extensions", "long extensions", "LOCAL with extensions"])
@pytest.mark.parametrize("pieces", [None, 1, 16], ids=["at once", "byte by byte", "by 16"])
def test_a_header_says_who_the_client_is(balanced, first, client, pieces):
    assert told(balanced, "127.0.0.2", first, pieces=pieces) == (200, client)


def test_what_the_client_behind_the_header_says_of_its_way_is_not_believed(balanced):
    said = [("X-Forwarded-For", "6.6.6.6")]
    assert told(balanced, "127.0.0.2", V4, said) == (200, "203.0.113.7")


def test_a_trusted_proxy_behind_the_header_is_believed(balanced):
    """A balancer for addresses in front of one for requests."""
    first = header(socket.AF_INET, "127.0.0.2")
    assert told(balanced, "127.0.0.2", first, [("X-Forwarded-For", "198.51.100.4")]) == (200, "198.51.100.4, 127.0.0.2")


def test_a_header_with_the_request_in_one_piece(balanced):
    with From(balanced.gateway.port, "127.0.0.2") as connection:
        connection.send(V4 + request("GET", "/", balanced.host, balanced.token()))
        assert connection.read().status == 200


@pytest.mark.parametrize("first", [
    b"PROXY TCP4 203.0.113.7 10.0.0.1 4321 443\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    header(socket.AF_INET, "203.0.113.7", version=1), header(socket.AF_INET, "203.0.113.7", command=2),
    SIGNATURE + bytes([0x21, 0x12]) + struct.pack(">H", 12) + bytes(12),
    SIGNATURE + bytes([0x21, 0x41]) + struct.pack(">H", 216) + bytes(216),
    SIGNATURE + bytes([0x21, 0x11]) + struct.pack(">H", 8) + bytes(8),
    SIGNATURE + bytes([0x21, 0x21]) + struct.pack(">H", 12) + bytes(12),
    SIGNATURE + bytes([0x21, 0x11]) + b"\xff\xff" + bytes(100),
    SIGNATURE[:-1] + b"\r" + V4[12:], b"\x16\x03\x01\x02\x00\x01", os.urandom(300),
], ids=["version 1", "no header", "version nibble", "command", "UDP", "reserved family", "short IPv4", "short IPv6", "endless",
        "signature", "TLS", "noise"])
def test_what_is_no_header_is_not_talked_to(network, first):
    with From(network.port, "127.0.0.2") as connection:
        connection.send(first)
        assert connection.is_closed()


@pytest.mark.parametrize("first", [
    SIGNATURE + bytes([0x21, 0x00]) + bytes(2), SIGNATURE + bytes([0x21, 0x00]) + struct.pack(">H", 40) + bytes(40),
    SIGNATURE + bytes([0x21, 0x31]) + struct.pack(">H", 216) + b"/run/client".ljust(108, b"\0") + bytes(108),
    SIGNATURE + bytes([0x20, 0x11]) + struct.pack(">H", 12) + bytes(12),
], ids=["UNSPEC", "UNSPEC with bytes", "UNIX", "LOCAL with an address"])
def test_a_header_without_an_address_of_ip_leaves_the_connections_own(balanced, first):
    assert told(balanced, "127.0.0.2", first) == (200, "127.0.0.2")


def test_connections_closed_for_their_header_leave_a_line_a_kind(network):
    for peer, first in (("127.0.0.2", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("127.0.0.3", V4), ("127.0.0.2", V4[:20])):
        for _ in range(5):
            with From(network.port, peer) as connection:
                connection.send(first)
                try:
                    connection.socket.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # It was faster.
                assert connection.is_closed()
    reasons = ("does not begin with a PROXY header", "none of trusted-proxies", "cut short")
    for reason in reasons:
        wait_until(lambda: any(reason in line["error"] for line in network.events("proxy_header_refused")), what=reason)
    lines = network.events("proxy_header_refused")
    assert all(line["peer"].startswith("127.0.0.") for line in lines)
    # One of a kind in ten seconds, whatever the number of connections.
    times = {reason: [line["time"] for line in lines if reason in line["error"]] for reason in reasons}
    assert all(len(found) == len({time[:18] for time in found}) for found in times.values()), times


@pytest.mark.parametrize("cut", [0, 5, 12, 15, 20, len(V4) - 1])
def test_a_header_cut_short_ends_the_connection(network, cut):
    with From(network.port, "127.0.0.2") as connection:
        connection.send(V4[:cut])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


@pytest.mark.parametrize("sent", [b"", V4[:10]], ids=["nothing", "a part"])
def test_a_header_that_does_not_come_in_time_ends_the_connection(network, sent):
    with From(network.port, "127.0.0.2") as connection:
        connection.send(sent)
        assert connection.is_closed()


def test_the_header_comes_before_the_handshake(network, stand_in, pool, balanced):
    network.database.sql("DELETE FROM poolgate.tenants WHERE host = 'site.test'")
    network.database.add("site.test", pool)

    def asks():
        connection = From(network.port_of("tls"), "127.0.0.2")
        connection.send(V4)
        connection.socket = network.authority.client().wrap_socket(connection.socket, server_hostname="site.test")
        with connection:
            return connection.request("GET", "/", "site.test", stand_in.mint(pool))
    answer = wait_until(lambda: (answer := asks()).status == 200 and answer, what="the tenant over TLS")
    said = dict(answer.json["headers"])
    assert (said["X-Forwarded-For"], said["X-Forwarded-Proto"]) == ("203.0.113.7", "https")
