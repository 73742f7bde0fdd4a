"""The table of answers, line by line, on the wire."""

import pytest

from wire import Connection, request


def test_an_unregistered_host_is_421(gateway):
    answer = gateway.get("nobody.example.org")
    assert (answer.status, answer.error) == (421, "unknown_host")
    assert answer.header("Content-Type") == "application/json"
    assert len(answer.json["request_id"]) == 32


def test_no_credential_is_401_without_an_error(tenant):
    answer = tenant.get()
    assert (answer.status, answer.error) == (401, "missing_token")
    assert answer.header("WWW-Authenticate") == f'Bearer realm="{tenant.host}"'


@pytest.mark.parametrize("scheme", ["Basic YTpi", "Token x", "Bearerx"])
def test_another_scheme_is_no_credential(tenant, scheme):
    answer = tenant.get(headers=[("Authorization", scheme)])
    assert (answer.status, answer.error) == (401, "missing_token")


def test_two_credentials_are_400(tenant):
    token = tenant.token()
    answer = tenant.get(token, headers=[("Authorization", f"Bearer {token}")])
    assert (answer.status, answer.error) == (400, "multiple_credentials")
    assert 'error="invalid_request"' in answer.header("WWW-Authenticate")


@pytest.mark.parametrize("order, code", [
    ({"ttl": -1}, "expired"),
    ({"iss": "https://evil.example"}, "wrong_issuer"),
    ({"claims": {"token_use": "refresh"}}, "wrong_token_use"),
    ({"claims": {"nbf": 4000000000}}, "not_yet_valid"),
    ({"claims": {"iat": 4000000000}}, "issued_in_future"),
    ({"claims": {"sub": None}}, "malformed_claim"),
    ({"claims": {"cognito:groups": "a"}}, "malformed_claim"),
    ({"header": {"alg": "HS256"}}, "unsupported_algorithm"),
    ({"header": {"alg": "none"}}, "unsupported_algorithm"),
    ({"header": {"crit": ["x"]}}, "malformed_token"),
    ({"header": {"kid": None}}, "malformed_token"),
])
def test_a_bad_token_is_401_and_the_exact_check_stands_only_in_the_log(gateway, tenant, order, code):
    token = tenant.token(**order)
    answer = tenant.get(token)
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert answer.header("WWW-Authenticate") == f'Bearer realm="{tenant.host}", error="invalid_token"'
    assert ("expired" in answer.json["error_description"]) == (code == "expired")
    line = gateway.wait_event("refused", tenant=tenant.host, request_id=answer.json["request_id"])
    assert line["code"] == code
    assert not any(part in gateway.log() for part in token.split("."))


def test_a_forged_signature_is_401(gateway, tenant):
    header, payload, signature = tenant.token().split(".")
    bad = f"{header}.{payload}.{'A' * len(signature)}"
    answer = tenant.get(bad)
    assert answer.status == 401
    assert gateway.wait_event("refused", request_id=answer.json["request_id"])["code"] == "bad_signature"


def test_a_missing_group_is_403_on_a_warm_token(tenant):
    token = tenant.token(groups=["staff"])
    assert tenant.get(token).status == 200
    tenant.update("required_groups = '{admins}'")
    answer = tenant.gateway.wait_status(403, tenant.host, token)
    assert answer.error == "missing_group"
    assert 'error="insufficient_scope"' in answer.header("WWW-Authenticate")
    tenant.update("required_groups = '{admins,staff}'")
    tenant.gateway.wait_status(200, tenant.host, token)


def test_a_missing_scope_is_403(tenant):
    token = tenant.token(scope="openid api/read")
    assert tenant.get(token).status == 200
    tenant.update("required_scopes = '{api/write}'")
    assert tenant.gateway.wait_status(403, tenant.host, token).error == "missing_scope"


def test_a_client_that_the_row_does_not_list_is_401(tenant):
    token = tenant.token(client="client1")
    assert tenant.get(token).status == 200
    tenant.update("client_ids = '{client2}'")
    tenant.gateway.wait_status(401, tenant.host, token)
    assert tenant.get(tenant.token(client="client2")).status == 200
    assert tenant.get(tenant.token(use="id", client="client2")).status == 200


def test_a_suspended_tenant_is_403(tenant):
    tenant.update("status = 'suspended'")
    assert tenant.gateway.wait_status(403, tenant.host).error == "tenant_suspended"
    tenant.update("status = 'active'")
    tenant.gateway.wait_status(401, tenant.host)


def test_a_tenant_without_upstream_is_503(start, database, stand_in, pool):
    gateway = start(database_url=database.url, upstream="")
    database.add("a.example.com", pool)
    assert gateway.wait_status(503, "a.example.com").error == "no_upstream"


def test_the_answer_to_head_has_no_body(gateway):
    with gateway.connect() as connection:
        answer = connection.request("HEAD", "/", "nobody.example.org")
        assert answer.status == 421
        assert int(answer.header("Content-Length")) > 0
        assert connection.request("GET", "/", "nobody.example.org").error == "unknown_host"


BAD_REQUESTS = {
    "bare_lf": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare_lf_in_fields": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare_cr": b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    "folded_line": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    "space_before_colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "empty_name": b"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",
    "nul_in_value": b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    "no_host": b"GET / HTTP/1.1\r\n\r\n",
    "two_hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "host_list": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "host_with_user": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "host_with_bad_port": b"GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n",
    "host_and_target_differ": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "two_lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "length_list": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
    "signed_length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
    "huge_length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "length_and_encoding": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "other_encoding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity_encoding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    "two_encodings": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding_in_1_0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "fragment": b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "two_spaces": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no_version": b"GET /\r\n\r\n",
    "asterisk_get": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_malformed_or_ambiguous_request_is_400_and_the_connection_closes(gateway, name):
    with gateway.connect() as connection:
        connection.send(BAD_REQUESTS[name])
        answer = connection.read()
        assert (answer.status, answer.error) == (400, "bad_request")
        assert answer.header("Connection") == "close"
        assert connection.is_closed()


@pytest.mark.parametrize("data, status", [
    (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: magic\r\n\r\nx", 417),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: %s\r\n" % (i, b"a" * 1000) for i in range(40)) + b"\r\n", 431),
])
def test_what_is_not_served_has_its_own_status(gateway, data, status):
    with gateway.connect() as connection:
        connection.send(data)
        answer = connection.read()
        assert answer.status == status
        assert connection.is_closed()


def test_bounds_are_exact(gateway, tenant):
    token = tenant.token()
    with gateway.connect() as connection:
        assert connection.request("GET", "/" + "a" * (16 * 1024 - 1), tenant.host, token).status == 200
        # Two fields of its own leave room for 98 others.
        assert connection.request("GET", "/", tenant.host, token, [(f"X{i}", "y") for i in range(98)]).status == 200
    with gateway.connect() as connection:
        assert connection.request("GET", "/", tenant.host, token, [(f"X{i}", "y") for i in range(99)]).status == 431


def test_a_request_that_passed_here_already_is_508(gateway, tenant, upstream):
    token = tenant.token()
    assert tenant.get(token).status == 200
    via = upstream.last.value("Via")
    answer = tenant.get(token, headers=[("Via", "1.1 other"), ("Via", via)])
    assert (answer.status, answer.error) == (508, "loop")
    assert tenant.get(token, headers=[("Via", "1.1 other")]).status == 200


def test_the_answer_to_an_unread_upload_arrives(gateway):
    """The gateway half-closes and drops what still comes, so that no reset eats the answer."""
    with gateway.connect() as connection:
        connection.send(request("POST", "/", "nobody.example.org", headers=[("Content-Length", "200000")]))
        connection.send(b"x" * 100000)
        assert connection.read().error == "unknown_host"


def test_a_slow_head_is_408(start, database):
    gateway = start(database_url=database.url, head_timeout="2s")
    with Connection(gateway.port, timeout=25) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        answer = connection.read()
        assert (answer.status, answer.error) == (408, "head_timeout")
        assert connection.is_closed()
