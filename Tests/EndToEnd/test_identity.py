"""The headers by which services learn who is calling, and who cannot write them."""

import pytest

PROTECTED = [
    "X-Forwarded-User", "X-Forwarded-Groups", "X-Forwarded-Email", "X-Poolgate-Subject", "X-Poolgate-Tenant",
    "X-Poolgate-Pool", "X-Poolgate-Client", "X-Poolgate-Principal", "X-Poolgate-Anything", "Forwarded", "X-Real-IP",
    "X-Forwarded-Port", "X-Forwarded-Prefix", "Remote-User", "X-Auth-Request-User", "X-Amzn-Oidc-Data",
    "X-Goog-Authenticated-User-Email", "X-Goog-Iap-Jwt-Assertion", "X-Pomerium-Claim-Email", "Cf-Access-Jwt-Assertion",
    "X-Consumer-Username", "X-Webauth-User", "Proxy",
]


def collapsed(name):
    return "".join(letter.lower() if letter.isalnum() else "_" for letter in name)


def test_a_user_is_named_to_the_upstream(tenant, upstream):
    token = tenant.token(use="id", sub="s-1", username="bob", groups=["a", "b,c"], email="bob@example.com", client="c1")
    assert tenant.get(token, path="/x?y=1").status == 200
    received = upstream.last
    assert received.target == "/x?y=1"
    assert received.value("X-Forwarded-User") == "bob"
    assert received.value("X-Forwarded-Email") == "bob@example.com"
    assert received.value("X-Forwarded-Groups") == "a,b%2Cc"
    assert received.value("X-Poolgate-Subject") == "s-1"
    assert received.value("X-Poolgate-Tenant") == tenant.host
    assert received.value("X-Poolgate-Pool") == tenant.pool
    assert received.value("X-Poolgate-Client") == "c1"
    assert received.value("X-Poolgate-Principal") == "user"
    assert received.value("X-Forwarded-For") == "127.0.0.1"
    assert received.value("X-Forwarded-Host") == tenant.host
    assert received.value("X-Forwarded-Proto") == "http"
    assert received.value("Host") == tenant.host
    assert received.value("Authorization") == f"Bearer {token}"


def test_a_machine_has_no_user_name(tenant, upstream):
    assert tenant.get(tenant.token(machine=True, client="m1")).status == 200
    assert upstream.last.value("X-Poolgate-Principal") == "client"
    assert upstream.last.value("X-Poolgate-Subject") == "m1"
    assert upstream.last.value("X-Forwarded-User") is None


@pytest.mark.parametrize("separator", ["-", "_", ".", "~", "!"])
def test_no_client_can_write_a_protected_header(tenant, upstream, separator):
    headers = [(spelling, "forged") for name in PROTECTED
               for spelling in (name.replace("-", separator), name.upper().replace("-", separator))]
    token = tenant.token()
    for start in range(0, len(headers), 40):
        assert tenant.get(token, headers=headers[start:start + 40]).status == 200
        assert b"forged" not in upstream.last.raw_head


def test_protected_headers_are_stripped_from_trailers(tenant, upstream, gateway):
    token = tenant.token()
    with gateway.connect() as connection:
        connection.send(
            f"POST / HTTP/1.1\r\nHost: {tenant.host}\r\nAuthorization: Bearer {token}\r\n"
            "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Forwarded-User: forged\r\n"
            "x_poolgate_subject: forged\r\nHost: forged\r\nX-Sum: 7\r\n\r\n".encode())
        assert connection.read().status == 200
    assert upstream.last.body == b"abc"
    assert upstream.last.trailers == ["X-Sum: 7"]


def test_connection_cannot_remove_what_the_gateway_writes(tenant, upstream):
    token = tenant.token(username="bob")
    headers = [("Connection", "X-Forwarded-User, X-Poolgate-Subject, X-Forwarded-For, X-Mine"), ("X-Mine", "gone")]
    assert tenant.get(token, headers=headers).status == 200
    assert upstream.last.value("X-Forwarded-User") == "bob"
    assert upstream.last.value("X-Poolgate-Subject")
    assert upstream.last.value("X-Forwarded-For") == "127.0.0.1"
    assert upstream.last.value("X-Mine") is None


@pytest.mark.parametrize("name, expected", [
    ("Ünï", "%C3%9Cn%C3%AF"), ("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1"), ("50%", "50%25"), (" a ", "%20a%20"), ("a\u0000", "a%00"),
    ("Google_123", "Google_123"),
])
def test_odd_user_names_are_encoded(tenant, upstream, name, expected):
    assert tenant.get(tenant.token(username=name)).status == 200
    assert upstream.last.value("X-Forwarded-User") == expected
    assert upstream.last.value("X-Evil") is None


def test_an_unverified_email_is_no_header(tenant, upstream):
    token = tenant.token(use="id", claims={"email": "a@b.c", "email_verified": False})
    assert tenant.get(token).status == 200
    assert upstream.last.value("X-Forwarded-Email") is None
    tenant.update("allow_unverified_email = true")
    from processes import wait_until
    wait_until(lambda: tenant.get(token).status == 200 and upstream.last.value("X-Forwarded-Email") == "a@b.c")


def test_identity_is_each_requests_own_on_one_connection(tenant, upstream, gateway):
    tokens = {name: tenant.token(username=name) for name in ("a", "b", "c")}
    with gateway.connect() as connection:
        for name in "abcabc":
            assert connection.request("GET", "/", tenant.host, tokens[name]).status == 200
            assert upstream.last.value("X-Forwarded-User") == name
        assert connection.request("GET", "/", tenant.host).status == 401


@pytest.mark.parametrize("claims, is_shown", [
    ({}, True), ({"cognito:groups": [], "scope": "", "origin_jti": "", "jti": ""}, True), ({"email": ""}, False),
    ({"email_verified": "True"}, True), ({"email_verified": "no"}, False), ({"email_verified": 1}, False)])
def test_a_claim_that_is_empty_or_shows_only_an_address_keeps_nobody_out(tenant, upstream, claims, is_shown):
    assert tenant.get(tenant.token(use="id", email="a@b.c", claims=claims)).status == 200
    assert upstream.last.value("X-Forwarded-Email") == ("a@b.c" if is_shown else None)


@pytest.mark.parametrize("claims", [
    {"cognito:groups": "staff"}, {"cognito:groups": [1]}, {"scope": ["a"]}, {"username": 1}, {"email": {}}, {"jti": 1},
    {"nbf": "1"}, {"iat": True}, {"sub": None}, {"sub": ""}, {"sub": 1}])
def test_a_claim_of_another_type_refuses_the_token(tenant, claims):
    assert tenant.get(tenant.token(claims=claims)).status == 401
    tenant.gateway.wait_event("refused", tenant=tenant.host, code="malformed_claim")


def test_a_name_with_an_empty_label_is_nobodys(gateway, pool, upstream):
    gateway.database.add("*.w.example.org", pool)
    gateway.wait_status(401, "x.w.example.org")
    for host in (".w.example.org", "x..w.example.org", "..w.example.org", "x.w.example.org..", "x.w..example.org", "."):
        assert gateway.get(host).status == 421, host
    assert gateway.get("x.w.example.org.").status == 401
