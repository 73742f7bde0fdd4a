"""`X-Request-Id`: one name for a request upstream, in the response, in a refusal and in the log."""

import re

import pytest

from conftest import make_tenant
from gateway import Gateway
from test_proxied import From

MADE = re.compile(r"^[0-9a-f]{32}$")


@pytest.fixture(scope="module")
def trusting(binaries, migrated, stand_in, shared_upstream):
    """A gateway that believes 127.0.0.2, and writes a line for every request."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        trusted_proxies="127.0.0.2/32", access_log="true")
    gateway.database = database
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def behind(trusting, stand_in, pool, upstream):
    return make_tenant(trusting, trusting.database, stand_in, pool)


def ask(tenant, address, headers=(), token=True, **options):
    with From(tenant.gateway.port, address) as connection:
        return connection.request(options.get("method", "GET"), "/", tenant.host, tenant.token() if token else None, headers)


def test_a_request_without_a_name_is_given_one_everywhere(behind, upstream):
    first, second = ask(behind, "127.0.0.3"), ask(behind, "127.0.0.3")
    names = [answer.header("X-Request-Id") for answer in (first, second)]
    assert all(MADE.match(name) for name in names) and names[0] != names[1]
    assert [request.value("X-Request-Id") for request in upstream.requests[-2:]] == names
    behind.gateway.wait_event("request", request_id=names[0])
    behind.gateway.wait_event("request", request_id=names[1])


def test_a_client_that_nobody_vouches_for_names_no_request(behind, upstream):
    answer = ask(behind, "127.0.0.3", [("X-Request-Id", "forged"), ("X_Request_Id", "forged"), ("x-request-ID", "forged")])
    assert MADE.match(answer.header("X-Request-Id"))
    assert b"forged" not in upstream.last.raw_head


@pytest.mark.parametrize("name", ["a", "0f3c-77", "A/b+c=:;,.", "x" * 128])
def test_a_trusted_proxy_names_the_request(behind, upstream, name):
    answer = ask(behind, "127.0.0.2", [("X-Request-Id", name)])
    assert answer.header("X-Request-Id") == name == upstream.last.value("X-Request-Id")
    behind.gateway.wait_event("request", request_id=name)


@pytest.mark.parametrize("headers", [
    [("X-Request-Id", "x" * 129)], [("X-Request-Id", "")], [("X-Request-Id", 'a"b')], [("X-Request-Id", "a\\b")],
    [("X-Request-Id", "a b")], [("X-Request-Id", "\u00e9")], [("X-Request-Id", "a"), ("X-Request-Id", "b")],
], ids=["too long", "empty", "quote", "backslash", "blank", "no ASCII", "two"])
def test_what_is_no_name_is_replaced(behind, upstream, headers):
    answer = ask(behind, "127.0.0.2", headers)
    assert MADE.match(answer.header("X-Request-Id")) and upstream.last.value("X-Request-Id") == answer.header("X-Request-Id")


def test_a_refusal_has_the_same_name_in_its_head_its_body_and_the_log(behind):
    made = ask(behind, "127.0.0.3", token=False)
    assert made.status == 401 and MADE.match(made.header("X-Request-Id")) and made.json["request_id"] == made.header("X-Request-Id")
    behind.gateway.wait_event("refused", request_id=made.json["request_id"])
    kept = ask(behind, "127.0.0.2", [("X-Request-Id", "of-the-balancer")], token=False)
    assert kept.json["request_id"] == kept.header("X-Request-Id") == "of-the-balancer"
    behind.gateway.wait_event("refused", request_id="of-the-balancer")


def test_what_the_upstream_calls_its_response_does_not_reach_the_client_beside_it(behind, upstream):
    upstream.behave = lambda *_: b"HTTP/1.1 200 OK\r\nX-Request-Id: upstreams-own\r\nContent-Length: 0\r\n\r\n"
    answer = ask(behind, "127.0.0.3")
    assert MADE.match(answer.header("X-Request-Id"))


def test_a_head_that_cannot_be_read_gets_a_name_too(behind):
    with behind.gateway.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        answer = connection.read()
    assert answer.status == 400 and answer.json["request_id"] == answer.header("X-Request-Id")
