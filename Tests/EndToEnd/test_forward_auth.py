"""Questions of other proxies whether a request may pass: forward-auth, and Envoy's ext_authz over HTTP."""

import pytest

import asking
from conftest import make_tenant
from wire import Connection

FORMS = ["forwarded", "original", "envoy"]


@pytest.fixture(scope="module")
def asked(binaries, migrated, stand_in, shared_upstream):
    """A gateway that this machine may ask."""
    from gateway import Gateway
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        forward_auth_listen="127.0.0.1:0", trusted_callers="127.0.0.0/8", access_log="on")
    gateway.database = database
    gateway.asked = gateway.port_of("forward_auth")
    yield gateway
    gateway.remove()


@pytest.fixture
def acme(asked, stand_in, pool):
    return make_tenant(asked, asked.database, stand_in, pool)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wire", ["http1", "http2"])
def test_the_verdict_is_the_status_and_the_caller_stands_in_the_headers(asked, acme, upstream, form, wire):
    if wire == "http2":
        client = asking.http2(asked.asked)
        def ask(*arguments, **options):
            return asking.ask_by_http2(client, form, *arguments, **options)
    else:
        def ask(*arguments, **options):
            return asking.ask(asked.asked, form, *arguments, **options)
    token = acme.token(username="alice")
    yes = ask(acme.host, token)
    assert yes.status == 200 and yes.body == b""
    assert yes.header("X-Forwarded-User") == "alice" and yes.header("X-Poolgate-Tenant") == acme.host
    assert yes.header("X-Poolgate-Code") is None and yes.header("X-Request-Id")
    no = ask(acme.host)
    assert (no.status, no.error, no.header("X-Poolgate-Code")) == (401, "missing_token", "missing_token")
    assert no.header("WWW-Authenticate") == f'Bearer realm="{acme.host}"'
    stale = ask(acme.host, acme.token(ttl=-5))
    assert (stale.status, stale.header("X-Poolgate-Code")) == (401, "expired")
    unknown = ask("nobody.example", token)
    assert (unknown.status, unknown.header("X-Poolgate-Code")) == (403 if form == "original" else 421, "unknown_host")
    for answer in [no, stale, unknown]:
        assert not [name for name, _ in answer.headers if name.lower().startswith(("x-forwarded", "x-poolgate-s", "x-poolgate-t"))]
    assert upstream.requests == []
