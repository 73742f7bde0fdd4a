"""Answers as real services write them, by the byte: read leniently where it stays certain where they end, passed on
strictly, and 502 where it does not."""

import pytest

import stage
import upstream as up
from wire import Connection, request

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Strict(Connection):
    """Reads every line as RFC 9112 has it, and nothing looser."""

    def line(self):
        line = super().line()
        assert b"\n" not in line and b"\r" not in line, line
        return line

    def fields(self):
        headers = []
        while line := self.line():
            name, value = line.split(b":", 1)
            assert name and not set(name) & set(b" \t"), line
            headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        return headers


def ask(tenant, upstream, data, method="GET", closes=False):
    """What a strict client reads of an answer; the upstream closes behind it, where only that ends it."""
    def behave(_received, connection, _number):
        connection.sendall(data)
        return None if closes else b""
    upstream.behave = behave
    with Strict(tenant.gateway.port) as connection:
        connection.send(request(method, "/", tenant.host, tenant.token()))
        return connection.read(is_head=method == "HEAD", interim=[])


LOOSE = {
    "space before a colon": (OK + b"X : a\r\nContent-Length : 2\r\n\r\nok", [("X", "a")]),
    "tabs before a colon": (OK + b"X\t \t:a\r\n" + LENGTH + b"\r\nok", [("X", "a")]),
    "line feeds": (b"HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nok", [("X", "a")]),
    "a mixture of line ends": (b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\nok", [("X", "a")]),
    "folds": (OK + b"X: a\r\n b\r\n\t c\r\nY:\r\n d\r\n" + LENGTH + b"\r\nok", [("X", "a b c"), ("Y", "d")]),
    "a fold by a line feed": (OK + b"X: a \n\tb\r\n" + LENGTH + b"\r\nok", [("X", "a b")]),
    "a folded length": (OK + b"Content-Length:\r\n 2\r\n\r\nok", []),
    "no reason": (b"HTTP/1.1 200 \r\n" + LENGTH + b"\r\nok", []),
    "no reason and no space": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nok", []),
    "two equal lengths": (OK + LENGTH + LENGTH + b"\r\nok", []),
    "a list of equal lengths": (OK + b"Content-Length: 2, 2\r\n\r\nok", []),
    "a length with zeros": (OK + b"Content-Length: 002\r\n\r\nok", []),
    "space behind a chunk size": (OK + CHUNKED + b"\r\n2 \r\nok\r\n0\t \r\n\r\n", []),
    "space before an extension": (OK + CHUNKED + b"\r\n2 ;a=b\r\nok\r\n0\r\n\r\n", []),
    "a request's fields": (OK + b"Host: a\r\nHost: b\r\nExpect: c\r\n" + LENGTH + b"\r\nok",
                           [("Host", "a"), ("Host", "b"), ("Expect", "c")]),
    "200 lines": (OK + b"".join(b"X%d: y\r\n" % i for i in range(200)) + LENGTH + b"\r\nok", [(f"X{i}", "y") for i in range(200)]),
    "a head of 128 KiB": (OK + b"X: " + b"y" * (128 << 10) + b"\r\n" + LENGTH + b"\r\nok", [("X", "y" * (128 << 10))]),
}


@pytest.mark.parametrize("name", LOOSE)
def test_what_is_certain_passes_and_reaches_the_client_strictly(tenant, upstream, name):
    data, fields = LOOSE[name]
    answer = ask(tenant, upstream, data)
    assert (answer.status, answer.body, answer.whole) == (200, b"ok", True)
    framing = ("content-length", "transfer-encoding", "connection", "x-request-id")
    assert [field for field in answer.headers if field[0].lower() not in framing] == fields


def test_a_coding_that_is_none_lasts_until_the_connection_closes(tenant, upstream):
    answer = ask(tenant, upstream, OK + b"Transfer-Encoding: identity\r\n\r\nok", closes=True)
    assert (answer.status, answer.body, answer.whole) == (200, b"ok", True)


def test_trailers_that_are_written_loosely_are_passed_on_strictly(tenant, upstream):
    def behave(*_):
        return OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nX : a\r\n b\nY: c\r\n\r\n"
    upstream.behave = behave
    with Strict(tenant.gateway.port) as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        assert connection.read().body == b"ok"
        assert connection.trailers == [("X", "a b"), ("Y", "c")]


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 304), ("HEAD", 304)])
@pytest.mark.parametrize("lines", [LENGTH + CHUNKED, LENGTH, CHUNKED, b"Transfer-Encoding: gzip, chunked\r\n"])
def test_an_answer_without_a_body_may_say_anything_of_it(tenant, upstream, method, status, lines):
    answer = ask(tenant, upstream, b"HTTP/1.1 %d X\r\n%s\r\n" % (status, lines), method)
    assert (answer.status, answer.header("Transfer-Encoding")) == (status, None)
    assert answer.header("Content-Length") == ("2" if lines == LENGTH else None)


UNCERTAIN = {
    "two lengths that differ": OK + LENGTH + b"Content-Length: 3\r\n\r\nok!",
    "a list of lengths that differ": OK + b"Content-Length: 2, 3\r\n\r\nok!",
    "an empty length": OK + b"Content-Length:\r\n\r\n",
    "a negative length": OK + b"Content-Length: -2\r\n\r\nok",
    "length and chunks": OK + LENGTH + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n",
    "length and another coding": OK + LENGTH + b"Transfer-Encoding: identity\r\n\r\nok",
    "chunks twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a coding nobody asked for": OK + b"Transfer-Encoding: gzip\r\n\r\nok",
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n",
    "a carriage return": OK + b"X: a\rContent-Length: 2\r\n\r\nok",
    "a control character": OK + b"X: a\x01\r\n" + LENGTH + b"\r\nok",
    "a name with a space": OK + b"X Y: a\r\n" + LENGTH + b"\r\nok",
    "no name": OK + b": a\r\n" + LENGTH + b"\r\nok",
    "no colon": OK + b"X\r\n" + LENGTH + b"\r\nok",
    "a fold of nothing": OK + b" X: a\r\n" + LENGTH + b"\r\nok",
    "four digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\nok",
    "1001 lines": OK + b"X: y\r\n" * 1001 + b"\r\n",
    "1001 folds": OK + b"X: y\r\n" + b" z\r\n" * 1001 + b"\r\n",
    "a head of more than 256 KiB": OK + b"X: " + b"y" * (256 << 10) + b"\r\n" + LENGTH + b"\r\nok",
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_hides_where_an_answer_ends_is_502(tenant, upstream, name):
    answer = ask(tenant, upstream, UNCERTAIN[name], closes=True)
    assert (answer.status, answer.error) == (502, "upstream_bad_answer")


@pytest.mark.parametrize("data", [
    b"2\nok\r\n0\r\n\r\n", b"2\r\nok\n0\r\n\r\n", b"2 2\r\nok\r\n0\r\n\r\n", b" 2\r\nok\r\n0\r\n\r\n", b"2\r\nok!\r\n0\r\n\r\n",
    b"0x2\r\nok\r\n0\r\n\r\n", b"2\r\nok\r\n-0\r\n\r\n"])
def test_a_bad_chunk_never_looks_like_the_end_of_an_answer(tenant, upstream, data):
    answer = ask(tenant, upstream, OK + CHUNKED + b"\r\n" + data, closes=True)
    # What was read before it may have left already.
    assert answer.status == 502 or not answer.whole


@pytest.fixture
def two_upstreams():
    both = [up.Upstream(), up.Upstream()]
    yield both
    for server in both:
        server.remove()


@pytest.mark.parametrize("status", [299, 418, 599, 600, 777, 999])
def test_every_status_of_three_digits_passes_and_ejects_nobody(tenant, two_upstreams, status):
    one, other = two_upstreams
    tenant.update_and_wait(f"upstream = '{one.url} {other.url}'")
    one.behave = other.behave = lambda *_: b"HTTP/1.1 %d X\r\n" % status + LENGTH + b"\r\nok"
    token = tenant.token()
    for _ in range(40):
        answer = tenant.get(token)
        assert (answer.status, answer.body) == (status, b"ok")
    assert min(len(one.requests), len(other.requests)) >= 5


@pytest.fixture
def played(gateway, tenant):
    """A tenant whose upstream the test plays itself."""
    place = stage.Stage()
    tenant.update_and_wait(f"upstream = '{place.url}'")
    yield tenant, place
    place.remove()


def test_a_hundred_interim_answers_pass_and_no_more(played):
    tenant, place = played
    for count in (100, 101):
        with Strict(tenant.gateway.port) as connection:
            connection.send(request("GET", "/", tenant.host, tenant.token()))
            peer = place.accept()
            peer.send(b"".join(b"HTTP/1.1 %d X\r\nLink : <x>\n\n" % (102 + i % 2) for i in range(count)))
            peer.send(OK + LENGTH + b"\r\nok")
            interim = []
            answer = connection.read(interim=interim)
            assert answer.status == (200 if count == 100 else 502)
            assert interim == [102 + i % 2 for i in range(100)]


def test_a_head_that_comes_byte_by_byte_is_read_like_any_other(played):
    tenant, place = played
    data = b"HTTP/1.1 203 Fine\nX : a\r\n b\nY: c\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\nZ : d\r\n\r\n"
    with Strict(tenant.gateway.port) as connection:
        connection.send(request("GET", "/", tenant.host, tenant.token()))
        peer = place.accept()
        for byte in data:
            peer.send(bytes([byte]))
        answer = connection.read()
        assert (answer.status, answer.body, connection.trailers) == (203, b"ok", [("Z", "d")])
        assert (answer.header("X"), answer.header("Y")) == ("a b", "c")


def test_requests_are_held_to_their_own_bounds_and_answers_to_theirs(start, database, stand_in, pool, upstream):
    from conftest import make_tenant
    gateway = start(
        database_url=database.url, max_head_bytes="4KiB", max_headers="20", max_answer_head_bytes="8KiB",
        max_answer_headers="40")
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    for size, count, status in ((7000, 1, 200), (10, 39, 200), (9000, 1, 502), (10, 41, 502)):
        lines = [(f"X{i}", "y" * size) for i in range(count)]
        upstream.behave = lambda *_, lines=lines: up.answer(200, b"ok", lines)
        assert tenant.get(token).status == status, (size, count)
    upstream.behave = None
    assert tenant.get(token, headers=[("X", "y" * 5000)]).status == 431
