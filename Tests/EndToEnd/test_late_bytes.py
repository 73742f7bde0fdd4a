"""One answer, one request: nothing that an upstream says late is ever the answer to somebody else."""

import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from gateway import Gateway

STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSTOLEN"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LENGTH, CHUNKED = b"Content-Length: 47\r\n", b"Transfer-Encoding: chunked\r\n"

#: Method and first answer, each with bytes to come that no client may see: announced where none may be, or simply there.
CASES = {
    f"{method} {status} {fields[:7].decode()}": (method, b"HTTP/1.1 %d X\r\n%s\r\n" % (status, fields))
    for method, status in [("GET", 204), ("GET", 304), ("HEAD", 200), ("HEAD", 404), ("DELETE", 204)]
    for fields in (LENGTH, CHUNKED)
} | {
    f"interim {status} {fields[:7].decode()}": ("GET", b"HTTP/1.1 %d X\r\n%s\r\n" % (status, fields) + OK)
    for status in (102, 103) for fields in (LENGTH, CHUNKED)
} | {
    f"bytes behind {name}": ("GET", answer + b"x")
    for name, answer in {
        "a length": OK, "no body": b"HTTP/1.1 204 X\r\n\r\n", "an empty body": b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n"}.items()
}


@pytest.fixture(scope="module")
def gateway(binaries, migrated, stand_in):
    """One loop, so that all clients share the connections to an upstream."""
    database = migrated()
    gateway = Gateway(binaries, database_url=database.url, jwks_url_template=stand_in.template, workers=1)
    gateway.database = database
    yield gateway
    gateway.remove()


@pytest.fixture
def neighbours(gateway, stand_in, pool):
    """Two tenants of one origin, which says late what belongs to nobody."""
    service = up.Upstream()
    alice = make_tenant(gateway, gateway.database, stand_in, pool + "a", upstream=service.url)
    bob = make_tenant(gateway, gateway.database, stand_in, pool + "b", upstream=service.url)
    yield service, alice, bob
    service.remove()


@pytest.mark.parametrize("pause", [0, 0.01], ids=["at once", "late"])
@pytest.mark.parametrize("name", CASES)
def test_bytes_behind_an_answer_reach_nobody(gateway, neighbours, name, pause):
    service, alice, bob = neighbours
    method, first = CASES[name]
    asked = threading.Event()

    def behave(received, connection, number):
        if received.value("Host") != alice.host:
            asked.set()
            # Gives what was said late the time to be read first.
            time.sleep(0.05)
            return OK
        connection.sendall(first)

        def late():
            asked.wait(20) if pause else None
            try:
                connection.sendall(STOLEN)
            except OSError:
                pass
        threading.Thread(target=late, daemon=True).start()
        return b""
    service.behave = behave
    token = bob.token()
    gateway.get(alice.host, alice.token(), method=method)
    answer = gateway.get(bob.host, token)
    assert (answer.status, answer.body) == (200, b"ok")


@pytest.mark.parametrize("method, answer", [
    ("GET", b"HTTP/1.1 204 X\r\n\r\n"), ("GET", b"HTTP/1.1 304 X\r\nContent-Length: 0\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 X\r\n\r\n"), ("GET", OK)])
def test_an_answer_in_order_leaves_its_connection_for_the_next(gateway, neighbours, method, answer):
    service, alice, _ = neighbours
    numbers = []
    service.behave = lambda _received, _connection, number: numbers.append(number) or answer
    token = alice.token()
    with gateway.connect() as connection:
        for _ in range(3):
            connection.request(method, "/", alice.host, token)
    assert len(set(numbers)) == 1
