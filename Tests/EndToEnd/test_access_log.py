"""The access log, and what a refusal's line says so that one knows what to do."""

import contextlib
import json
import socket
import threading
import time

import pytest

import certificates
import upstream as up
from certificates import Authority
from conftest import make_tenant
from gateway import Gateway
from test_proxied import From
from test_websocket import AGREE, ASK

SECRET = "S3cretOfTheQuery"


@pytest.fixture(scope="module")
def logging(binaries, migrated, stand_in, shared_upstream):
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        trusted_proxies="127.0.0.2/32", access_log="true", max_body_bytes="64KiB")
    gateway.database = database
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def logged(logging, stand_in, pool, upstream):
    return make_tenant(logging, logging.database, stand_in, pool)


def line_of(tenant, answer, event):
    return tenant.gateway.wait_event(event, request_id=answer.header("X-Request-Id"))


def test_a_request_is_a_line_with_its_course(logged, upstream, stand_in):
    logged.gateway.wait_status(200, logged.host, logged.token())
    upstream.reset()
    stand_in.rotate(logged.pool)
    answer = logged.get(logged.token(), path=f"/a/b?token={SECRET}", method="POST", body=b"0123456789")
    line = line_of(logged, answer, "request")
    assert line["verdict"] == "admitted" and line["status"] == 200 and line["tenant"] == logged.host
    assert (line["method"], line["path"], line["host"]) == ("POST", "/a/b", logged.host)
    assert line["protocol"] == "HTTP/1.1" and line["client"] == "127.0.0.1" and line["upstream"] == upstream.url
    assert line["subject"] and "claimed_subject" not in line and "rule" not in line and "end" not in line
    assert line["bytes_in"] == 10 and line["bytes_out"] == len(answer.body)
    parts = [line[name] for name in ("judge_us", "upstream_us")]
    assert all(part >= 0 for part in parts) and sum(parts) <= line["us"]
    assert "key_us" in line, "the first token of a new key waits for it"
    assert "key_us" not in line_of(logged, logged.get(logged.token()), "request")
    assert SECRET not in logged.gateway.log() and logged.token() not in logged.gateway.log()


def test_behind_a_trusted_proxy_the_client_is_the_one_that_it_names(logged):
    with From(logged.gateway.port, "127.0.0.2") as connection:
        answer = connection.request("GET", "/", logged.host, logged.token(), [("X-Forwarded-For", "198.51.100.7")])
    assert line_of(logged, answer, "request")["client"] == "198.51.100.7"
    with From(logged.gateway.port, "127.0.0.3") as connection:
        answer = connection.request("GET", "/", logged.host, None, [("X-Forwarded-For", "198.51.100.7")])
    assert line_of(logged, answer, "refused")["client"] == "127.0.0.3"


def test_a_rule_is_named_whether_it_admits_or_refuses(logged):
    logged.database.sql(f"""INSERT INTO poolgate.rules (host, path_prefix, access, required_groups)
        VALUES ('{logged.host}', '/admin', 'authenticated', '{{admins,owners}}'), ('{logged.host}', '/open', 'public', NULL)""")
    logged.gateway.wait_status(200, logged.host, path="/open")
    opened = line_of(logged, logged.get(path="/open/x"), "request")
    refused = line_of(logged, logged.get(logged.token(groups=["users"]), path="/admin"), "refused")
    assert opened["rule"] > 0 and refused["rule"] > 0 and opened["rule"] != refused["rule"] and "subject" not in opened
    assert refused["code"] == "missing_group" and refused["needs"] == ["admins", "owners"] and refused["has"] == ["users"]
    assert refused["subject"] and refused["detail"] == "asked for admins, owners, the caller has users"
    missing = line_of(logged, logged.get(path="/admin"), "refused")
    assert missing["code"] == "missing_token" and missing["rule"] == refused["rule"]


def test_who_leaves_early_has_a_line_too(logged, upstream):
    upstream.behave = lambda received, connection, _: connection.recv(1) and None
    with logged.gateway.connect() as connection:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                        % (logged.host.encode(), logged.token().encode()))
        while not any(request.target == "/slow" for request in upstream.requests):
            time.sleep(0.01)
        import stage
        stage.reset(connection.socket)
    line = logged.gateway.wait_event("request", path="/slow")
    assert line["end"] == "client_left" and line["status"] == 0


def test_a_websocket_is_a_line_at_its_end(logged, upstream):
    def agree(received, connection, _):
        connection.sendall(AGREE)
        data = connection.recv(100)
        connection.sendall(data + data)
    upstream.behave = agree
    with logged.gateway.connect() as connection:
        answer = connection.request("GET", "/socket", logged.host, logged.token(), ASK)
        assert answer.status == 101
        connection.send(b"\x81\x00\x81\x00")
        assert connection._take(8)[1]
        assert not logged.gateway.events("request") or all(
            line["path"] != "/socket" for line in logged.gateway.events("request"))
    line = line_of(logged, answer, "request")
    assert (line["protocol"], line["status"], line["bytes_in"], line["bytes_out"]) == ("websocket", 101, 4, 8)


def test_http_1_0_is_named(logged):
    with logged.gateway.connect() as connection:
        connection.send(f"GET /old HTTP/1.0\r\nHost: {logged.host}\r\nAuthorization: Bearer {logged.token()}\r\n\r\n".encode())
        answer = connection.read()
    assert line_of(logged, answer, "request")["protocol"] == "HTTP/1.0"


# What a refusal was found for

def refused(tenant, token=None, **options):
    answer = tenant.get(token, **options)
    return line_of(tenant, answer, "refused")


def test_a_token_of_another_pool_names_both_issuers(logged, stand_in):
    line = refused(logged, stand_in.mint("eu-west-1_Another99"))
    assert line["code"] == "wrong_issuer" and "eu-west-1_Another99" in line["token_issuer"]
    assert any(logged.pool in issuer for issuer in line["row_issuers"])
    assert line["token_issuer"] in line["detail"] and line["claimed_subject"] and "subject" not in line


def test_an_expired_token_says_since_when(logged):
    line = refused(logged, logged.token(ttl=-125))
    assert line["code"] == "expired" and 120 <= line["expired_seconds"] <= 140
    assert line["expired_at"].endswith("Z") and line["detail"].startswith("the token expired 2 min")
    assert line["claimed_subject"]


def test_a_remembered_token_that_expires_has_a_verified_subject(logged):
    token = logged.token(ttl=3)
    assert logged.get(token).status == 200
    deadline = time.monotonic() + 10
    while logged.get(token).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert refused(logged, token)["subject"]


@pytest.mark.parametrize("token, code, part, words", [
    ("abc", "malformed_token", "form", "consists of 1 parts"),
    ("a.b.c.d.e", "malformed_token", "form", "encrypted"),
    ("!!!.e30.AAAA", "malformed_token", "header", "base64url"),
    ("eyJhbGciOiJub25lIiwia2lkIjoieCJ9.e30.AAAA", "unsupported_algorithm", "header", "allowed: RS256"),
], ids=["no JWT", "refresh token", "no base64url", "no signature"])
def test_a_malformed_token_names_its_part(logged, token, code, part, words):
    line = refused(logged, token)
    assert (line["code"], line["part"]) == (code, part) and words in line["detail"] and token not in json.dumps(line)


def test_other_refusals_say_what_to_look_for(logged):
    logged.update_and_wait("client_ids = '{right}'")
    line = refused(logged, logged.token())
    assert line["code"] == "wrong_client" and line["client_id"] in line["detail"]
    logged.update_and_wait("client_ids = NULL, token_uses = '{id}'")
    line = refused(logged, logged.token())
    assert (line["code"], line["token_use"], line["row_token_uses"]) == ("wrong_token_use", ["access"], ["id"])
    logged.update_and_wait("token_uses = '{access,id}'")
    line = refused(logged, headers=[("Authorization", "Basic eDp5")])
    assert line["code"] == "missing_token" and line["detail"] == "Authorization holds no bearer token" and "eDp5" not in json.dumps(line)
    line = refused(logged, logged.token(), method="POST", body=b"x" * 70_000)
    assert line["code"] == "body_too_large" and line["detail"] == "65536"


def test_two_tokens_say_where_they_stand(logged):
    logged.update_and_wait("cookie_name = 'session', query_parameter = 'access_token'")
    first, second = logged.token(sub="one"), logged.token(sub="two")
    for place, options in [
            ("authorization", {"headers": [("Authorization", f"Bearer {token}") for token in (first, second)]}),
            ("query", {"path": f"/?access_token={first}&access_token={second}"}),
            ("cookie", {"headers": [("Cookie", f"session={first}; session={second}")]})]:
        line = refused(logged, **options)
        assert (line["code"], line["place"]) == ("multiple_credentials", place) and "more than one token" in line["detail"]
        assert first not in json.dumps(line)


@pytest.mark.parametrize("column", ["subject", "jti", "client_id", None])
def test_a_revoked_token_names_the_entry_and_by_what(logged, column):
    token = logged.token(sub="leaver", claims={"iat": int(time.time()) - 60, "jti": "one", "client_id": "app"})
    assert logged.get(token).status == 200
    names, values = (f", {column}", ", '" + {"subject": "leaver", "jti": "one", "client_id": "app"}[column] + "'") if column else ("", "")
    entry = logged.database.sql(f"""
        INSERT INTO poolgate.revocations (region, pool_id{names}) VALUES ('eu-west-1', '{logged.pool}'{values}) RETURNING id""")
    logged.gateway.wait_status(401, logged.host, token)
    line = refused(logged, token)
    assert (line["code"], line["revocation"], line["revoked_by"]) == ("revoked", int(entry), column or "pool")
    assert line["subject"] == "leaver" and f"entry {entry} of poolgate.revocations" in line["detail"]


def test_an_upstream_that_cannot_be_reached_is_told_with_why(logged, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refuses = f"http://127.0.0.1:{closed.getsockname()[1]}"
    authority = Authority(tmp_path)
    authority.issue(tmp_path, "server", "127.0.0.1")
    context = certificates.server(tmp_path, "server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
        threading.Thread(target=serve, daemon=True).start()
        foreign = f"https://127.0.0.1:{listener.getsockname()[1]}"
        for upstream, code, words in [
                (refuses, "upstream_refused", "it refuses connections"),
                (foreign, "upstream_tls", "not one that the system's authorities vouches for"),
                ("http://nowhere.invalid:80", "upstream_unreachable", "the name nowhere.invalid has no address")]:
            logged.update_and_wait(f"upstream = '{upstream}'")
            line = refused(logged, logged.token())
            assert line["code"] == code and line["detail"].startswith(f"{upstream}: ") and words in line["detail"], line
        listener.shutdown(socket.SHUT_RDWR)


def test_a_head_that_came_late_or_for_another_host_says_so(start, migrated, stand_in, pool, tmp_path):
    database = migrated()
    authority = Authority(tmp_path)
    folder = tmp_path / "pairs"
    folder.mkdir()
    authority.issue(folder, "acme", "acme.example.com")
    gateway = start(
        database_url=database.url, head_timeout="1s", tls_listen="127.0.0.1:0", tls_certificates=folder)
    make_tenant(gateway, database, stand_in, pool, "acme.example.com")
    with gateway.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        assert connection.read().status == 408
    assert gateway.wait_event("refused", code="head_timeout")["detail"] == "16 bytes of it had come"
    with authority.connect(gateway.port_of("tls"), "acme.example.com") as connection:
        assert connection.request("GET", "/", "other.example.com").error == "misdirected"
    assert gateway.wait_event("refused", code="misdirected")["detail"] == "the connection was made for acme.example.com"


@pytest.mark.waits_long
def test_a_directory_that_is_too_old_says_since_when(start, migrated, stand_in, pool):
    database = migrated()
    gateway = start(database_url=database.url, max_staleness="15s")
    tenant = make_tenant(gateway, database, stand_in, pool)
    database.server.sql(f"""
        ALTER DATABASE {database.name} WITH ALLOW_CONNECTIONS false;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'""", "postgres")
    gateway.wait_status(503, tenant.host, seconds=60)
    line = gateway.wait_event("refused", code="stale")
    assert line["stale_since"].endswith("Z") and "max-staleness" in line["detail"]


def test_a_wrong_signature_names_the_key(logged):
    token = logged.token()
    head, payload, signature = token.split(".")
    forged = ".".join([head, payload, ("B" if signature[0] == "A" else "A") + signature[1:]])
    line = refused(logged, forged)
    assert line["code"] == "bad_signature" and line["kid"] and logged.pool in line["pool"]
    assert signature[1:40] not in logged.gateway.log()


def test_what_a_client_makes_up_is_cut_and_escaped(logged):
    line = refused(logged, logged.token(iss="x\n\u001b[31m" + "y" * 500))
    assert line["code"] == "wrong_issuer" and len(line["token_issuer"]) <= 128
    raw = next(text for text in logged.gateway.text if line["request_id"] in text)
    assert "\x1b" not in raw and raw.count("\n") == 1


def test_with_the_access_log_off_only_refusals_are_lines(tenant):
    answer = tenant.get(tenant.token(), path="/quiet")
    assert answer.status == 200
    refusal = tenant.get(path="/loud")
    tenant.gateway.wait_event("refused", request_id=refusal.header("X-Request-Id"))
    assert not tenant.gateway.events("request")
