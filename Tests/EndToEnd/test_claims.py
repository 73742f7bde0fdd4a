"""What services are told of a caller beyond the gateway's own headers, and that nobody else can say it."""

import itertools
import random
import socketserver
import threading
import wsgiref.simple_server

import pytest

from conftest import make_tenant
from processes import wait_until
from test_rules import literal

FORGED = "forged-by-the-client"


def test_claims_of_every_kind_become_headers(tenant, upstream):
    tenant.update_and_wait("""claim_headers = '{"X-Plan": "custom:plan", "X-City": "/address/locality", "X-Roles": "roles",
        "X-Level": "level", "X-Beta": "beta"}'""")
    claims = {"custom:plan": "pro ü", "address": {"locality": "Bern"}, "roles": ["a", "b,c"], "level": 5, "beta": True}
    assert tenant.get(tenant.token(claims=claims)).status == 200
    told = {name: upstream.last.value(name) for name in ("X-Plan", "X-City", "X-Roles", "X-Level", "X-Beta")}
    assert told == {"X-Plan": "pro %C3%BC", "X-City": "Bern", "X-Roles": "a,b%2Cc", "X-Level": "5", "X-Beta": "true"}
    assert tenant.get(tenant.token(), headers=[("X-Plan", FORGED), ("x_city", FORGED)]).status == 200
    assert upstream.last.value("X-Plan") is None and FORGED.encode() not in upstream.last.raw_head


def test_a_change_of_the_mapping_holds_for_tokens_that_are_remembered(tenant, upstream):
    token = tenant.token(claims={"custom:plan": "pro"})
    assert tenant.get(token).status == 200 and upstream.last.value("X-Plan") is None
    tenant.update_and_wait("""claim_headers = '{"X-Plan": "custom:plan"}'""")
    assert tenant.get(token).status == 200 and upstream.last.value("X-Plan") == "pro"


@pytest.mark.parametrize("profile, expected", [
    ("oauth2-proxy", {"X-Forwarded-User": "bob", "X-Forwarded-Email": "b@c.d", "X-Forwarded-Groups": "x,y",
                      "X-Forwarded-Preferred-Username": "bob", "X-Auth-Request-User": "s-1",
                      "X-Auth-Request-Preferred-Username": "bob", "X-Auth-Request-Email": "b@c.d", "X-Auth-Request-Groups": "x,y"}),
    ("alb", {"X-Amzn-Oidc-Identity": "s-1", "X-Amzn-Oidc-Data": None, "X-Amzn-Oidc-Accesstoken": None}),
    ("authelia", {"Remote-User": "bob", "Remote-Groups": "x,y", "Remote-Email": "b@c.d", "Remote-Name": "Bob B."}),
    ("poolgate", {"X-Auth-Request-User": None, "Remote-User": None, "X-Amzn-Oidc-Identity": None})])
def test_services_that_read_another_gateways_headers_need_no_change(tenant, upstream, profile, expected):
    tenant.update_and_wait(f"header_profile = '{profile}'")
    token = tenant.token(use="id", sub="s-1", username="bob", groups=["x", "y"], email="b@c.d", claims={"name": "Bob B."})
    headers = [(name, FORGED) for name in expected]
    assert tenant.get(token, headers=headers).status == 200
    assert {name: upstream.last.value(name) for name in expected} == expected
    assert FORGED.encode() not in upstream.last.raw_head
    assert upstream.last.value("X-Poolgate-Subject") == "s-1"


# The strip, as services would see it.

PROTECTED = [
    "X-Poolgate-Subject", "X-Poolgate-Tenant", "X-Poolgate-Pool", "X-Poolgate-Client", "X-Poolgate-Principal",
    "X-Poolgate-Whatever", "X-Forwarded-User", "X-Forwarded-Groups", "X-Forwarded-Email", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Preferred-Username",
    "Forwarded", "X-Real-IP", "Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name", "X-Auth-Request-User",
    "X-Auth-Request-Email", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-Goog-Authenticated-User-Email",
    "X-Goog-Iap-Jwt-Assertion", "X-Pomerium-Jwt-Assertion", "Cf-Access-Authenticated-User-Email", "X-Consumer-Username",
    "X-Webauth-User", "X-Plan", "X-Neighbour", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override",
]

# How platforms make a variable of a header's name, each as it documents that.
FOLDINGS = {
    # RFC 3875 §4.1.18: letters in upper case, each hyphen an underscore.
    "CGI": lambda name: "HTTP_" + name.upper().replace("-", "_"),
    # PEP 3333 takes the variables of CGI.
    "WSGI": lambda name: "HTTP_" + name.upper().replace("-", "_"),
    # Rack, SPEC, "HTTP_ Headers": those of CGI.
    "Rack": lambda name: "HTTP_" + name.upper().replace("-", "_"),
    # PHP manual, "$_SERVER" and "Variables From External Sources": of CGI, and dots and spaces are underscores.
    "PHP": lambda name: "HTTP_" + "".join("_" if letter in "-. [" else letter for letter in name.upper()),
    # nginx, ngx_http_core_module, "$http_name": lower case, each hyphen an underscore.
    "nginx": lambda name: "http_" + name.lower().replace("-", "_"),
    # The strictest reading of all, by which the gateway itself compares.
    "any": lambda name: "".join(letter if letter.isalnum() else "_" for letter in name.lower()),
}


def spellings(generator):
    """A protected name as nobody would write it who means well."""
    name = generator.choice(PROTECTED)
    separators = generator.choice(["-", "_", ".", "!", "~", "'", "*", "^", "|", "-_."])
    letters = [generator.choice(separators) if letter == "-" else generator.choice((letter, letter.lower(), letter.upper()))
               for letter in name]
    return "".join(letters)


@pytest.fixture
def guarded(gateway, stand_in, pool, tenant):
    """A tenant with a mapping, rules, and a neighbour on the same upstream with another mapping."""
    neighbour = make_tenant(gateway, gateway.database, stand_in, pool + "n")
    neighbour.update_and_wait("""claim_headers = '{"X-Neighbour": "custom:x"}'""")
    gateway.database.sql("INSERT INTO poolgate.rules (host, path_prefix, access) VALUES "
                         + ", ".join(f"({literal(tenant.host)}, '/{access}', '{access}')" for access in ("public", "optional")))
    tenant.update_and_wait("""claim_headers = '{"X-Plan": "custom:plan"}'""")
    tenant.neighbour = neighbour
    yield tenant
    neighbour.update_and_wait("claim_headers = '{}'")


def kinds_of_request(tenant):
    """Every kind of request that reaches an upstream."""
    token = tenant.token()
    preflight = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")]
    return {
        "good": {"token": token}, "public": {"path": "/public"}, "public with a token": {"path": "/public", "token": token},
        "optional": {"path": "/optional"}, "preflight": {"method": "OPTIONS", "headers": preflight},
        "upgrade": {"token": token, "headers": [("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings")]},
        "nominated": {"token": token, "headers": [("Connection", "x-forwarded-user, x-poolgate-tenant, close")]},
        "body": {"token": token, "method": "POST", "headers": [("Content-Length", "3")], "body": b"abc"},
    }


def test_no_spelling_of_a_protected_name_survives_on_any_platform_and_any_kind_of_request(guarded, upstream):
    generator = random.Random(20260101)
    protected = {rule: {fold(name) for name in PROTECTED} for rule, fold in FOLDINGS.items()}
    for kind, options in kinds_of_request(guarded).items():
        for _ in range(12):
            forged = [(spellings(generator), FORGED) for _ in range(30)]
            forged += [forged[0], ("X-Innocent", "kept")]
            order = options | {"headers": options.get("headers", []) + forged}
            assert guarded.get(**order).status == 200, kind
            received = upstream.last
            assert FORGED.encode() not in received.raw_head, (kind, received.raw_head)
            assert received.value("X-Innocent") == "kept"
            for rule, fold in FOLDINGS.items():
                arrived = [fold(name) for name, _ in received.headers if fold(name) in protected[rule]]
                assert len(arrived) == len(set(arrived)), (kind, rule, arrived)


def test_refused_requests_reach_nobody(guarded, upstream):
    seen = len(upstream.requests)
    for options in ({}, {"token": guarded.token(ttl=-5)}, {"token": guarded.token(), "path": "/a/../b"}):
        assert guarded.get(**options, headers=[("X-Forwarded-User", FORGED)]).status in (400, 401)
    assert len(upstream.requests) == seen


def test_trailers_carry_nothing_protected(guarded, upstream):
    generator = random.Random(7)
    for _ in range(20):
        name = spellings(generator)
        with guarded.gateway.connect() as connection:
            connection.send((f"POST / HTTP/1.1\r\nHost: {guarded.host}\r\nAuthorization: Bearer {guarded.token()}\r\n"
                             f"Transfer-Encoding: chunked\r\nTrailer: {name}\r\n\r\n0\r\n{name}: {FORGED}\r\n\r\n").encode())
            assert connection.read().status == 200
        assert not any(FORGED in line for line in upstream.last.trailers)


@pytest.mark.parametrize("name", [name for name in PROTECTED if name.startswith("X-") and name not in ("X-Plan", "X-Neighbour")])
def test_no_row_can_have_a_claim_written_over_a_protected_name(database, pool, name):
    database.add("a.example.com", pool)
    for spelling in (name, name.upper()):
        spelling = "X-" + spelling[2:]
        done = database.sql(f"""UPDATE poolgate.tenants SET claim_headers = '{{"{spelling}": "sub"}}'""", check=False)
        assert done.returncode != 0 and "writes or strips itself" in done.stderr


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


class Threaded(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


def test_a_real_wsgi_application_sees_the_gateways_words_only(guarded):
    seen = []

    def application(environ, start_response):
        seen.append({name: value for name, value in environ.items() if name.startswith("HTTP_")})
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, Threaded, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for tenant in (guarded.neighbour, guarded):
            tenant.update_and_wait(f"upstream = 'http://127.0.0.1:{server.server_port}'")
        token = guarded.token(username="bob")
        generator = random.Random(11)
        for _ in range(40):
            forged = [(spellings(generator), FORGED) for _ in range(30)]
            assert guarded.get(token, headers=forged).status == 200
            assert seen[-1]["HTTP_X_FORWARDED_USER"] == "bob"
            assert FORGED not in itertools.chain.from_iterable(value.split(",") for value in seen[-1].values())
    finally:
        server.shutdown()
