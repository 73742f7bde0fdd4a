"""Tokens that stand elsewhere than in Authorization, a second pool, and how old a token may be."""

import asyncio
import time

import pytest

import upstream as up
from conftest import make_tenant
from processes import wait_until
from test_websocket import ASK, chat, connect, echo  # noqa: F401


@pytest.fixture
def relaxed(tenant):
    tenant.update_and_wait("cookie_name = 'jwt', query_parameter = 'access_token', cors_origins = '{https://app.example.com}'")
    return tenant


def test_elsewhere_is_off_unless_the_row_says_otherwise(tenant, upstream):
    token = tenant.token()
    assert tenant.get(headers=[("Cookie", f"jwt={token}")]).status == 401
    assert tenant.get(path=f"/?access_token={token}").status == 401
    assert tenant.get(token, path="/?access_token=x", headers=[("Cookie", "jwt=x")]).status == 200
    assert upstream.last.target == "/?access_token=x" and upstream.last.value("Cookie") == "jwt=x"


def test_a_cookie_may_hold_the_token_and_never_reaches_the_upstream(relaxed, upstream):
    token = relaxed.token()
    for fields, left in [
            ([("Cookie", f"jwt={token}")], []), ([("Cookie", f"a=b; jwt={token}; c=d")], ["a=b; c=d"]),
            ([("Cookie", "a=b"), ("Cookie", f'jwt="{token}"'), ("Cookie", "e=f")], ["a=b; e=f"])]:
        assert relaxed.get(headers=fields).status == 200
        assert upstream.last.values("Cookie") == left
        assert upstream.last.value("X-Forwarded-User") is not None
        assert token.encode() not in upstream.last.raw_head
    # Nor where nobody asked for a token, nor beside one in the usual place.
    relaxed.database.sql(f"INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('{relaxed.host}', '/public', 'public')")
    wait_until(lambda: relaxed.get(path="/public").status == 200)
    assert relaxed.get(path="/public", headers=[("Cookie", "jwt=secret; a=b")]).status == 200
    assert upstream.last.values("Cookie") == ["a=b"]


def test_a_query_parameter_may_hold_the_token_and_never_reaches_upstream_or_log(relaxed, upstream):
    token = relaxed.token()
    for query, left in [("?access_token=", ""), ("?a=b&access_token=", "?a=b"), ("?access%5ftoken=", "")]:
        assert relaxed.get(path=f"/download{query}{token}").status == 200
        assert upstream.last.target == f"/download{left}"
        assert token.encode() not in upstream.last.raw_head
    assert relaxed.get(path=f"/download?access_token={token}&c&d=e%20f").status == 200
    assert upstream.last.target == "/download?c&d=e%20f"
    stale = relaxed.token(ttl=-5)
    assert relaxed.get(path=f"/download?access_token={stale}").status == 401
    relaxed.gateway.wait_event("refused", tenant=relaxed.host, code="expired")
    log = relaxed.gateway.log()
    assert token.split(".")[1] not in log and stale.split(".")[1] not in log and "access_token" not in log


def test_what_was_written_on_purpose_wins_and_what_is_empty_or_the_same_twice_does_no_harm(relaxed, upstream):
    token, other = relaxed.token(), relaxed.token(username="other")
    for options, status in [
            ({"token": token, "path": "/?access_token=x"}, 200), ({"token": token, "headers": [("Cookie", "jwt=x")]}, 200),
            ({"token": "x", "headers": [("Cookie", f"jwt={token}")]}, 401),
            ({"path": f"/?access_token={token}", "headers": [("Cookie", "jwt=x")]}, 200),
            ({"path": "/?access_token=x", "headers": [("Cookie", f"jwt={token}")]}, 401),
            ({"headers": [("Authorization", "Bearer"), ("Cookie", f"jwt={token}")]}, 200),
            ({"headers": [("Authorization", "Basic YTpi")], "path": f"/?access_token={token}"}, 200),
            ({"path": f"/?access_token=&access_token={token}", "headers": [("Cookie", "jwt=")]}, 200),
            ({"headers": [("Cookie", f"jwt={token}; jwt={token}"), ("Cookie", f'jwt="{token}"')]}, 200),
            ({"path": f"/?access_token={token}&access_token={token}"}, 200)]:
        assert relaxed.get(**options).status == status, options
        if status == 200:
            assert "access_token" not in upstream.last.target and upstream.last.value("Cookie") is None
    for options in [{"path": "/?access_token="}, {"headers": [("Cookie", "jwt=")]}, {"headers": [("Authorization", "Bearer")]},
                    {"headers": [("Cookie", 'jwt=""')]}]:
        answer = relaxed.get(**options)
        assert (answer.status, answer.error) == (401, "missing_token"), options
        assert "error=" not in answer.header("WWW-Authenticate")
    for options in [
            {"headers": [("Cookie", f"jwt={token}; jwt={other}")]}, {"path": f"/?access_token={token}&access_token={other}"},
            {"headers": [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")]}]:
        answer = relaxed.get(**options)
        assert (answer.status, answer.error) == (400, "multiple_credentials")


def test_a_referer_that_holds_the_token_stays_here(relaxed, upstream):
    for address in ("access_token=secret", "a=b&access%5ftoken=secret", "next=%2Fx%3Faccess_token%3Dsecret"):
        assert relaxed.get(relaxed.token(), headers=[("Referer", f"https://{relaxed.host}/x?{address}"), ("X-Own", "kept")]).status == 200
        assert b"secret" not in upstream.last.raw_head and upstream.last.value("X-Own") == "kept"
    assert relaxed.get(relaxed.token(), headers=[("Referer", f"https://{relaxed.host}/x?a=b")]).status == 200
    assert upstream.last.value("Referer") == f"https://{relaxed.host}/x?a=b"


def test_a_schemes_own_port_is_no_port_wherever_a_browser_writes_it(relaxed):
    cookie = ("Cookie", f"jwt={relaxed.token()}")
    for host, origin, status in [
            (":443", "https://{}", 200), ("", "https://{}:443", 200), (":80", "http://{}", 200), (":443", "http://{}", 403),
            (":8443", "https://{}", 403), (":8443", "https://{}:8443", 200), (":443", "https://{}:443", 200)]:
        with relaxed.gateway.connect() as connection:
            answer = connection.request(
                "POST", "/", relaxed.host + host, None, [cookie, ("Origin", origin.format(relaxed.host))], b"")
        assert answer.status == status, (host, origin)
    relaxed.update_and_wait("cors_origins = '{https://other.example.com:8443}'")
    assert relaxed.get(method="POST", headers=[cookie, ("Origin", "https://other.example.com:8443")]).status == 200
    assert relaxed.get(method="POST", headers=[cookie, ("Origin", "https://other.example.com")]).status == 403


def test_a_cookies_token_does_nothing_for_another_sites_page(relaxed):
    cookie = ("Cookie", f"jwt={relaxed.token()}")
    own = f"http://{relaxed.host}"
    for method, fields, status in [
            ("GET", [], 200), ("GET", [("Origin", "https://evil.example")], 200), ("POST", [], 403),
            ("POST", [("Origin", "https://evil.example")], 403), ("POST", [("Origin", "null")], 403),
            ("POST", [("Sec-Fetch-Site", "cross-site")], 403), ("POST", [("Sec-Fetch-Site", "same-site")], 403),
            ("POST", [("Origin", own)], 200), ("POST", [("Origin", "https://app.example.com")], 200),
            ("DELETE", [("Sec-Fetch-Site", "same-origin")], 200),
            ("POST", [("Origin", own), ("Origin", "https://evil.example")], 403)]:
        answer = relaxed.get(method=method, headers=[cookie, *fields])
        assert answer.status == status, (method, fields)
        if status == 403:
            assert answer.error == "cross_site"
    assert relaxed.get(headers=[cookie, *ASK]).status == 403


def test_sockets_by_cookie_from_the_hosts_own_pages_and_by_query(chat):
    chat.update_and_wait("cookie_name = 'jwt', query_parameter = 'access_token'")
    token = chat.token()

    async def talk():
        for options in ({"fields": {"Cookie": f"jwt={token}", "Authorization": "Basic x"}, "origin": f"http://{chat.host}:{chat.gateway.port}"},):
            async with connect(chat, "x", **options) as connection:
                await connection.send("x")
                assert await connection.recv() == "x"
    asyncio.run(talk())
    with chat.gateway.connect() as connection:
        connection.send((f"GET /chat?access_token={token} HTTP/1.1\r\nHost: {chat.host}\r\n"
                         + "".join(f"{name}: {value}\r\n" for name, value in ASK) + "\r\n").encode())
        assert connection.line().startswith(b"HTTP/1.1 101 ")


def test_authorization_can_be_kept_from_the_upstream(tenant, upstream):
    token = tenant.token()
    assert tenant.get(token).status == 200 and upstream.last.value("Authorization") == f"Bearer {token}"
    tenant.update_and_wait("forward_token = false")
    assert tenant.get(token).status == 200
    assert upstream.last.value("Authorization") is None and upstream.last.value("X-Forwarded-User") is not None


def test_a_second_pool_serves_migration_and_staff(tenant, upstream, stand_in):
    staff = "us-east-1_Staff" + tenant.pool[-5:]
    assert tenant.get(stand_in.mint(staff)).status == 401
    tenant.update_and_wait(f"second_region = 'us-east-1', second_pool_id = '{staff}'")
    assert tenant.get(tenant.token(username="alice")).status == 200
    assert upstream.last.value("X-Forwarded-User") == "alice" and upstream.last.value("X-Poolgate-Pool") == tenant.pool
    assert tenant.get(stand_in.mint(staff, username="alice")).status == 200
    assert upstream.last.value("X-Forwarded-User") == f"{staff}:alice" and upstream.last.value("X-Poolgate-Pool") == staff
    assert tenant.get(tenant.token(username=f"{staff}:alice")).status == 200
    assert upstream.last.value("X-Forwarded-User") == f"{staff}%3Aalice"
    # A token is its issuer's: signed by one pool and issued by the other it is nobody's.
    forged = stand_in.mint(staff, claims={"iss": f"https://cognito-idp.eu-west-1.amazonaws.com/{tenant.pool}"})
    assert tenant.get(forged).status == 401
    tenant.update_and_wait("second_region = NULL, second_pool_id = NULL")
    assert tenant.get(stand_in.mint(staff)).status == 401


def test_a_token_has_an_age_at_which_it_ends(tenant):
    tenant.update_and_wait("max_token_age = '1 hour'")
    now = int(time.time())
    for iat, status in ((now - 3590, 200), (now - 3601, 401), (now, 200), (None, 401)):
        assert tenant.get(tenant.token(ttl=86400, claims={"iat": iat})).status == status, iat
    token = tenant.token(ttl=86400, claims={"iat": now - 3596})
    assert tenant.get(token).status == 200
    wait_until(lambda: tenant.get(token).status == 401, 20)
    assert tenant.gateway.wait_event("refused", tenant=tenant.host, code="too_old")
