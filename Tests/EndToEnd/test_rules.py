"""Rules by SQL, as clients meet them."""

import json
import re
import subprocess
import urllib.parse

import pytest

import upstream as up
from conftest import make_tenant
from processes import wait_until
from wire import request


@pytest.fixture
def ruled(tenant):
    """A tenant whose rules the test writes: `ruled.rule(path_prefix='/x', access='public')`."""
    def rule(**columns):
        names = ", ".join(["host", *columns])
        values = ", ".join(literal(value) for value in [tenant.host, *columns.values()])
        return int(tenant.database.sql(f"INSERT INTO poolgate.rules ({names}) VALUES ({values}) RETURNING id").split()[0])

    def settle():
        tenant.update_and_wait("comment = 'settled'")
    tenant.rule, tenant.settle = rule, settle
    return tenant


def literal(value):
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(f"'{element}'" for element in value) + "]"
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'"
    return f"'{value}'"


def test_a_rule_is_in_force_as_soon_as_a_row_and_goes_as_soon(ruled, upstream):
    assert ruled.get(path="/public/x").status == 401
    number = ruled.rule(path_prefix="/public", access="public")
    wait_until(lambda: ruled.get(path="/public/x").status == 200)
    for path, status in {"/public": 200, "/public/": 200, "/publicsecret": 401, "/Public": 401, "/": 401}.items():
        assert ruled.get(path=path).status == status, path
    ruled.database.sql(f"UPDATE poolgate.rules SET path_prefix = '/open' WHERE id = {number}")
    wait_until(lambda: ruled.get(path="/public/x").status == 401)
    assert ruled.get(path="/open").status == 200
    ruled.database.sql(f"DELETE FROM poolgate.rules WHERE id = {number}")
    wait_until(lambda: ruled.get(path="/open").status == 401)


def test_the_longest_prefix_and_the_method_decide(ruled):
    ruled.rule(path_prefix="/docs", access="public", methods=["GET"])
    ruled.rule(path_prefix="/docs/drafts", required_groups=["editors"])
    ruled.rule(path_prefix="/docs/drafts/shared", access="optional")
    ruled.settle()
    editor, reader = ruled.token(groups=["editors"]), ruled.token(groups=["readers"])
    for path, method, token, status in [
            ("/docs/a", "GET", None, 200), ("/docs/a", "HEAD", None, 200), ("/docs/a", "POST", None, 401),
            ("/docs/a", "POST", reader, 200), ("/docs/drafts/a", "GET", None, 401), ("/docs/drafts/a", "GET", reader, 403),
            ("/docs/drafts/a", "GET", editor, 200), ("/docs/drafts/shared", "GET", None, 200),
            ("/docs/drafts/shared", "GET", reader, 200), ("/docs/drafts/shared", "GET", ruled.token(ttl=-5), 401)]:
        assert ruled.get(token, path=path, method=method).status == status, (path, method)


@pytest.mark.parametrize("needs, good, bad, error", [
    ({"required_groups": ["a", "b"]}, {"groups": ["b"]}, {"groups": ["c"]}, "missing_group"),
    ({"every_group": ["a", "b"]}, {"groups": ["b", "x", "a"]}, {"groups": ["a"]}, "missing_group"),
    ({"required_scopes": ["r", "w"]}, {"scope": "w"}, {"scope": "rw"}, "missing_scope"),
    ({"every_scope": ["r", "w"]}, {"scope": "w r"}, {"scope": "r"}, "missing_scope"),
    ({"required_claims": {"custom:plan": ["pro", "team"]}}, {"claims": {"custom:plan": "team"}},
     {"claims": {"custom:plan": "free"}}, "missing_claim"),
    ({"required_claims": {"/address/country": "CH"}}, {"claims": {"address": {"country": "CH"}}},
     {"claims": {"address": "CH"}}, "missing_claim"),
    ({"required_claims": {"roles": {"all": ["x", "y"]}}}, {"claims": {"roles": ["y", "z", "x"]}},
     {"claims": {"roles": ["x"]}}, "missing_claim"),
])
def test_what_a_rule_asks_of_its_callers(ruled, needs, good, bad, error):
    ruled.rule(path_prefix="/a", **needs)
    ruled.settle()
    assert ruled.get(ruled.token(**good), path="/a").status == 200
    refused = ruled.get(ruled.token(**bad), path="/a")
    assert (refused.status, refused.error) == (403, error)
    assert 'error="insufficient_scope"' in refused.header("WWW-Authenticate")
    assert ruled.get(ruled.token(**bad), path="/b").status == 200


def test_the_path_that_is_judged_is_the_one_that_goes_upstream(ruled, upstream):
    ruled.rule(path_prefix="/admin", required_groups=["admins"])
    ruled.rule(path_prefix="/", access="public")
    ruled.settle()
    for path in ["/admin", "/%61dmin", "/a%64min/x", "/admi%6E?x=%2e"]:
        assert ruled.get(path=path).status == 401, path
    assert ruled.get(path="/%7Euser/f%c3%bcr?q=%2e%2e%2f").status == 200
    assert upstream.last.target == "/~user/f%C3%BCr?q=%2e%2e%2f"


@pytest.mark.parametrize("prefix, below", [
    ("/@admin", "/users"), ("/%40admin", "/users"), ("/odata/$batch", ""), ("/v1/keys:rotate", "/1"), ("/f%C3%BCr", "/x"),
    ("/a b".replace(" ", "%20"), ""), ("/(x)", "/y"), ("/a+b", "")])
def test_no_spelling_of_a_path_escapes_its_rule(ruled, upstream, prefix, below):
    ruled.rule(path_prefix="/", access="public")
    ruled.rule(path_prefix=prefix)
    ruled.settle()
    plain = urllib.parse.unquote(prefix + below)
    whole = "".join(letter if letter == "/" else "".join(f"%{byte:02x}" for byte in letter.encode()) for letter in plain)
    seen = len(upstream.requests)
    for path in [prefix + below, urllib.parse.quote(plain), whole, whole.upper(), whole.replace("%", "%25")]:
        assert ruled.get(path=path).status in (401, 400), path
    assert len(upstream.requests) == seen
    assert ruled.get(ruled.token(), path=whole).status == 200
    sent = upstream.last.target
    assert urllib.parse.unquote(sent) == plain
    assert not re.search("%(2D|2E|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])|%.?[a-f]", sent), sent
    assert ruled.get(path=prefix + "x").status == 200


@pytest.mark.parametrize("method", ["post", "Post", "posT", "get", "oPTIONS"])
def test_a_method_in_small_letters_is_no_method_where_a_host_has_rules(ruled, upstream, method):
    assert ruled.get(ruled.token(), path="/orders/7", method=method).status == 200
    ruled.rule(path_prefix="/orders", methods=["POST"], every_scope=["orders/write"])
    ruled.settle()
    seen = len(upstream.requests)
    for path in ("/orders/7", "/other"):
        answer = ruled.get(ruled.token(), path=path, method=method)
        assert (answer.status, answer.error) == (400, "method_case")
    assert len(upstream.requests) == seen
    assert ruled.get(ruled.token(), path="/orders/7", method="POST").status == 403


@pytest.mark.parametrize("path", [
    "/public/../admin", "/public/%2e%2e/admin", "/public/.%2E/admin", "//admin", "/public//../admin", "/public/..%2fadmin",
    "/public/..%5cadmin", "/public\\..\\admin", "/public;/admin", "/public/%00", "/public/%252e%252e/admin", "/public/%c0%ae",
    "/public/%2", "/public/."])
def test_a_path_that_two_could_read_in_two_ways_is_refused(ruled, upstream, path):
    ruled.rule(path_prefix="/public", access="public")
    ruled.settle()
    seen = len(upstream.requests)
    assert ruled.get(path=path).status == 400
    assert ruled.get(ruled.token(), path=path).status == 400
    assert len(upstream.requests) == seen


def test_services_cannot_be_told_another_path_or_method_than_was_judged(ruled, upstream):
    told = [("X-Original-URL", "/admin"), ("X-Rewrite-URL", "/admin"), ("X-HTTP-Method-Override", "DELETE"),
            ("x_original_uri", "/admin"), ("X-HTTP-Method", "DELETE"), ("X.Original.Method", "DELETE"),
            ("X-Original-Anything", "/admin"), ("X-HTTP-Method-Whatever", "DELETE"), ("X-Method-Override", "DELETE"),
            ("x_method_override", "DELETE")]
    ruled.rule(path_prefix="/public", access="public")
    ruled.settle()
    assert ruled.get(path="/public", headers=told + [("X-Mine", "kept")]).status == 200
    assert b"admin" not in upstream.last.raw_head and b"DELETE" not in upstream.last.raw_head
    assert upstream.last.value("X-Mine") == "kept"


def test_a_public_path_carries_no_identity_and_no_forged_one(ruled, upstream):
    ruled.rule(path_prefix="/public", access="public")
    ruled.settle()
    for token in (None, ruled.token(), "rubbish"):
        assert ruled.get(token, path="/public", headers=[("X-Forwarded-User", "root"), ("X_Poolgate_Subject", "root")]).status == 200
        assert b"root" not in upstream.last.raw_head
        assert upstream.last.value("X-Forwarded-User") is None and upstream.last.value("X-Poolgate-Tenant") is None


def test_a_rule_in_shadow_is_reported_and_not_enforced(ruled):
    number = ruled.rule(path_prefix="/reports", required_groups=["analysts"], shadow=True)
    ruled.settle()
    assert ruled.get(ruled.token(groups=["analysts"]), path="/reports").status == 200
    assert ruled.get(ruled.token(), path="/reports/secret?q=private").status == 200
    line = ruled.gateway.wait_event("would_refuse", 20, tenant=ruled.host)
    assert line["rule"] == int(number) and line["code"] == "missing_group" and line["path"] == "/reports/secret"
    assert len([line for line in ruled.gateway.events("would_refuse") if line["tenant"] == ruled.host]) == 1
    ruled.database.sql(f"UPDATE poolgate.rules SET shadow = false WHERE id = {number}")
    wait_until(lambda: ruled.get(ruled.token(), path="/reports").status == 403)


def test_rules_of_a_wildcard_hold_below_it(gateway, stand_in, pool):
    gateway.database.add("*.ruled.example.net", pool)
    gateway.database.sql("INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('*.ruled.example.net', '/open', 'public')")
    gateway.wait_status(200, "a.b.ruled.example.net", path="/open")
    assert gateway.get("c.ruled.example.net").status == 401


# Pages of other origins.

PREFLIGHT = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT"),
             ("Access-Control-Request-Headers", "authorization")]


def test_a_real_preflight_passes_and_an_unreal_one_does_not(tenant, upstream):
    assert tenant.get(method="OPTIONS", headers=PREFLIGHT + [("X-Forwarded-User", "root")]).status == 200
    assert upstream.last.method == "OPTIONS" and b"root" not in upstream.last.raw_head
    for headers in [[], PREFLIGHT[:1], PREFLIGHT[1:], PREFLIGHT[:1] + PREFLIGHT]:
        assert tenant.get(method="OPTIONS", headers=headers).status == 401, headers
    assert tenant.get(method="GET", headers=PREFLIGHT).status == 401
    for framing in [("Content-Length", "4"), ("Transfer-Encoding", "chunked")]:
        body = b"4\r\nbody\r\n0\r\n\r\n" if framing[1] == "chunked" else b"body"
        assert tenant.get(method="OPTIONS", headers=PREFLIGHT + [framing], body=body).status == 401, framing
    told = [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "DELETE"), ("X-Original-URL", "/secret"),
            ("X_Rewrite_URL", "/secret"), ("X.HTTP.Method", "DELETE")]
    assert tenant.get(method="OPTIONS", headers=PREFLIGHT + told).status == 200
    assert b"DELETE" not in upstream.last.raw_head and b"secret" not in upstream.last.raw_head
    tenant.update_and_wait("allow_preflights = false")
    assert tenant.get(method="OPTIONS", headers=PREFLIGHT).status == 401


def test_our_refusals_can_be_read_by_the_pages_that_the_row_names(tenant):
    tenant.update_and_wait("cors_origins = '{https://app.example.com,http://localhost:3000}', required_groups = '{admins}'")
    for origin in ("https://app.example.com", "http://localhost:3000"):
        for token, status in ((None, 401), (tenant.token(), 403)):
            answer = tenant.get(token, headers=[("Origin", origin)])
            assert answer.status == status
            assert answer.header("Access-Control-Allow-Origin") == origin
            assert answer.header("Access-Control-Allow-Credentials") == "true"
            assert answer.header("Vary") == "Origin"
            assert answer.header("Access-Control-Expose-Headers") == "WWW-Authenticate"
    for origin in ("https://evil.example.com", "https://app.example.com.evil.com", "null", "https://APP.example.com", "*"):
        answer = tenant.get(headers=[("Origin", origin)])
        assert answer.status == 401 and answer.header("Access-Control-Allow-Origin") is None
    twice = [("Origin", "https://app.example.com"), ("Origin", "https://evil.example.com")]
    assert tenant.get(headers=twice).header("Access-Control-Allow-Origin") is None


def test_curl_sees_what_a_page_would(tenant):
    tenant.update_and_wait("cors_origins = '{https://app.example.com}'")
    done = subprocess.run(
        ["curl", "-sSi", "-H", "Origin: https://app.example.com", "--resolve", f"{tenant.host}:{tenant.gateway.port}:127.0.0.1",
         f"http://{tenant.host}:{tenant.gateway.port}/"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("HTTP/1.1 401 ") and "Access-Control-Allow-Origin: https://app.example.com" in done.stdout


def test_a_real_browser_reads_the_refusal_where_it_may_and_not_elsewhere(tenant, own_upstream, tmp_path):
    """A page of one origin asks the gateway at another, in Chromium; the page's title is what it found out."""
    page = b"""<title>waiting</title><script>
        fetch(location.hash.slice(1), {headers: {Authorization: "Bearer x"}, mode: "cors"})
            .then(async answer => document.title = answer.status + " " + (await answer.json()).error)
            .catch(() => document.title = "blocked")</script>"""
    preflight = (b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: authorization\r\n\r\n")
    own_upstream.behave = lambda received, *_: preflight if received.method == "OPTIONS" else up.answer(
        200, page, headers=[("Content-Type", "text/html")])
    tenant.update_and_wait(f"cors_origins = '{{{own_upstream.url}}}', upstream = '{own_upstream.url}'")
    other = f"http://localhost:{own_upstream.port}"
    for origin, title in ((own_upstream.url, "401 invalid_token"), (other, "blocked")):
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom",
             f"--host-resolver-rules=MAP {tenant.host} 127.0.0.1", "--virtual-time-budget=10000", "--no-first-run",
             f"{origin}/#http://{tenant.host}:{tenant.gateway.port}/data"], capture_output=True, text=True, timeout=60)
        assert f"<title>{title}</title>" in done.stdout, done.stdout + done.stderr
    asked = [received.method for received in own_upstream.requests if received.target == "/data"]
    assert set(asked) == {"OPTIONS"}
