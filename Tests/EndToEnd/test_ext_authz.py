"""Envoy's ext_authz over gRPC: verdicts by a real client of gRPC, messages that are none, and the gateway's health."""

import json
import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import h2wire
from checking import CHECK, Caller, prefixed, request
from conftest import make_tenant
from gateway import Gateway
from wire import Connection

SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3
CALL = [("content-type", "application/grpc"), ("te", "trailers")]


def begin(binaries, database, stand_in, upstream, **options):
    gateway = Gateway(
        binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
        ext_authz_listen="127.0.0.1:0", access_log="on", **options)
    gateway.database = database
    gateway.asked = gateway.port_of("ext_authz")
    return gateway


@pytest.fixture(scope="module")
def asked(binaries, migrated, stand_in, shared_upstream):
    """A gateway that this machine may ask."""
    gateway = begin(binaries, migrated(), stand_in, shared_upstream, trusted_callers="127.0.0.0/8")
    yield gateway
    gateway.remove()


@pytest.fixture(scope="module")
def secretive(binaries, migrated, stand_in, shared_upstream):
    """A gateway that only those may ask who know the secret."""
    gateway = begin(
        binaries, migrated(), stand_in, shared_upstream, caller_secret="a-secret-of-callers", shutdown_delay="3s",
        head_timeout="2s")
    yield gateway
    gateway.remove()


@pytest.fixture
def acme(asked, stand_in, pool):
    return make_tenant(asked, asked.database, stand_in, pool)


@pytest.fixture(scope="module")
def caller(asked):
    with Caller(asked.asked) as caller:
        yield caller


def status(error):
    return error.value.code(), error.value.details()


@pytest.mark.parametrize("raw", [True, False])
def test_a_good_token_lets_the_request_on_with_the_caller_in_its_headers(asked, caller, acme, upstream, raw):
    token = acme.token(username="alice", sub="subject-1")
    verdict = caller.ask(acme.host, token, raw=raw, fields=[("x-poolgate-subject", "forged"), ("X-Other", "1")])
    assert verdict.is_ok and verdict.status == 200
    assert verdict.header("X-Forwarded-User") == "alice" and verdict.header("X-Poolgate-Tenant") == acme.host
    assert verdict.header("X-Poolgate-Subject") == "subject-1"
    # Envoy removes last: what is set must not be removed, and what nobody may pretend is.
    names = [name.lower() for name, _ in verdict.headers]
    assert len(set(names)) == len(names) and not set(names) & set(verdict.removed)
    assert "x-forwarded-email" in verdict.removed and "x-other" not in verdict.removed
    assert verdict.metadata == {"tenant": acme.host, "subject": "subject-1"}
    assert upstream.requests == []
    asked.wait_event("request", 20, host=acme.host, status=200)


@pytest.mark.parametrize("raw", [True, False])
def test_a_refusal_is_the_response_that_the_proxy_would_give(asked, caller, acme, raw):
    acme.update_and_wait("cors_origins = '{https://app.example}'")
    proxied = asked.get(acme.host, headers=[("Origin", "https://app.example")])
    verdict = caller.ask(acme.host, raw=raw, fields=[("Origin", "https://app.example")])
    assert (verdict.status, verdict.code) == (401, "missing_token")
    assert verdict.response.status.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
    said = json.loads(verdict.body)
    assert said == json.loads(proxied.body) | {"request_id": verdict.header("X-Request-Id")}
    # Nothing but what the proxy says: the exact reason is for Envoy, not for the client.
    left = {"date", "content-length", "connection", "via", "x-request-id"}
    assert {(name.lower(), value) for name, value in verdict.headers if name.lower() not in left} \
        == {(name.lower(), value) for name, value in proxied.headers if name.lower() not in left}
    assert verdict.metadata == {"tenant": acme.host, "code": "missing_token"}


def test_every_status_is_the_refusals_own(asked, caller, acme):
    stale = caller.ask(acme.host, acme.token(ttl=-5))
    assert (stale.status, stale.code) == (401, "expired")
    assert "token_expired" not in stale.body.decode() and stale.header("X-Poolgate-Code") is None
    unknown = caller.ask("nobody.example", acme.token())
    assert (unknown.status, unknown.code, unknown.metadata) == (421, "unknown_host", {"code": "unknown_host"})
    acme.update_and_wait("required_groups = '{staff}'")
    group = caller.ask(acme.host, acme.token())
    assert (group.status, group.code) == (403, "missing_group")
    for path, code in [("relative", 400), ("/" + "a" * 20_000, 414)]:
        assert caller.ask(acme.host, path=path).status == code
    assert caller.ask(acme.host, fields=[("x-a", "a" * 20_000)]).status == 431
    assert caller.ask(acme.host, fields=[(f"x-{number}", "a") for number in range(101)]).status == 431
    assert caller.ask(acme.host, method="TRACE").status == 405
    assert caller.ask("", acme.token()).status == 400


@pytest.mark.parametrize("credentials, code", [
    (["Bearer {0}"], None), (["Bearer {0}", "Bearer {0}"], "multiple_credentials"),
    (["Basic YTpi", "Bearer {0}"], "multiple_credentials"), (["bearer {0}", "Basic YTpi"], "multiple_credentials")])
@pytest.mark.parametrize("raw", [True, False])
def test_two_credentials_are_two_whether_their_lines_are_joined_or_not(caller, acme, credentials, code, raw):
    token = acme.token()
    fields = [("Authorization", credential.format(token)) for credential in credentials]
    assert caller.ask(acme.host, fields=fields, raw=raw).code == code


def test_the_token_leaves_the_cookie_and_the_query(asked, caller, stand_in, pool):
    tenant = make_tenant(
        asked, asked.database, stand_in, pool, cookie_name="session", query_parameter="token", forward_token=False)
    token = tenant.token()
    cookie = caller.ask(tenant.host, fields=[("Cookie", f"a=1; session={token}; b=2")])
    assert cookie.is_ok and cookie.header("Cookie") == "a=1; b=2" and "cookie" not in cookie.removed
    alone = caller.ask(tenant.host, fields=[("Cookie", f"session={token}")])
    assert alone.is_ok and alone.header("Cookie") is None and "cookie" in alone.removed
    query = caller.ask(tenant.host, path=f"/a?b=c&token={token}")
    assert query.is_ok and query.removed_parameters == ["token"] and cookie.removed_parameters == []
    header = caller.ask(tenant.host, token)
    assert header.is_ok and "authorization" in header.removed


def test_rules_say_who_passes_and_which_one_it_was(asked, caller, acme):
    asked.database.sql(f"""INSERT INTO poolgate.rules (host, path_prefix, access)
        VALUES ('{acme.host}', '/public', 'public'), ('{acme.host}', '/maybe', 'optional')""")
    acme.update_and_wait("comment = 'rules'")
    public = caller.ask(acme.host, path="/public/x", fields=[("X-Poolgate-Subject", "forged"), ("Cookie", "a=b")])
    assert public.is_ok and public.headers == [] and "x-poolgate-subject" in public.removed
    assert public.metadata["rule"] > 0 and "subject" not in public.metadata
    assert caller.ask(acme.host, path="/maybe").is_ok
    assert caller.ask(acme.host, acme.token(ttl=-5), path="/maybe").code == "expired"
    assert caller.ask(acme.host, path="/public/../private").status == 400


def test_a_websocket_is_judged_as_one(caller, asked, stand_in, pool):
    tenant = make_tenant(asked, asked.database, stand_in, pool, cookie_name="session")
    handshake = [
        ("Cookie", f"session={tenant.token()}"), ("Connection", "Upgrade"), ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    assert caller.ask(tenant.host, fields=handshake).code == "cross_site"
    own = caller.ask(tenant.host, fields=[*handshake, ("Origin", f"https://{tenant.host}")], scheme="https")
    assert own.is_ok, own.code


def test_line_ends_in_a_message_make_no_fields(caller, acme):
    token = acme.token()
    for options in [
        {"fields": [("X-A", f"1\r\nAuthorization: Bearer {token}")]},
        {"fields": [(f"X-A: 1\r\nAuthorization: Bearer {token}\r\nX-B", "2")]},
        {"path": f"/ HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX-A: "},
        {"method": f"GET / HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX: y\r\nGET"},
    ]:
        verdict = caller.ask(acme.host, **options)
        assert verdict.status == 400, options
    injected = caller.ask(f"{acme.host}\r\nAuthorization: Bearer {token}")
    assert injected.status == 400


@pytest.mark.parametrize("name", ["x-a: b", "authorization: Bearer", "x a", ""])
def test_a_name_that_is_none_becomes_no_other_field(caller, acme, name):
    assert caller.ask(acme.host, fields=[(name, "x")]).status == 400


def test_many_calls_at_once_share_a_connection(caller, acme, asked, stand_in, pool):
    other = make_tenant(asked, asked.database, stand_in, pool)
    token = acme.token()
    calls = [caller.begin(acme.host, token) if number % 3 else caller.begin(other.host) for number in range(300)]
    codes = [call.result().status.code for call in calls]
    assert codes == [0 if number % 3 else 16 for number in range(300)]


# Who may ask.


def test_nobody_else_may_ask(secretive, stand_in, pool):
    tenant = make_tenant(secretive, secretive.database, stand_in, pool)
    for metadata in [(), (("x-poolgate-caller", "a-guess"),), (("x-poolgate-caller", "a-secret-of-callers"),) * 2]:
        with Caller(secretive.asked, metadata) as stranger:
            with pytest.raises(grpc.RpcError) as error:
                stranger.ask(tenant.host, tenant.token())
            assert status(error)[0] == grpc.StatusCode.PERMISSION_DENIED and "untrusted_caller" in status(error)[1]
            with pytest.raises(grpc.RpcError) as error:
                health_pb2_grpc.HealthStub(stranger.channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
            assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED
    with Caller(secretive.asked, (("x-poolgate-caller", "a-secret-of-callers"),)) as friend:
        assert friend.ask(tenant.host, tenant.token()).is_ok
    secretive.wait_event("refused", 20, code="untrusted_caller")


# What is no call, or no message.


def test_other_methods_are_not_implemented(caller, asked, acme):
    for path in ["/envoy.service.auth.v2.Authorization/Check", "/grpc.health.v1.Health/List", CHECK + "?a"]:
        with pytest.raises(grpc.RpcError) as error:
            caller.call(path)
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    with Connection(asked.asked) as connection:
        assert connection.request("GET", "/", acme.host).status == 505


def raw(asked, *pieces, path=CHECK, method="POST", fields=CALL, end=True):
    """Status and message of a call whose bytes are sent as they are here, and whether a message came."""
    client = h2wire.Client(asked.asked)
    stream = client.send("gate.internal", method=method, path=path, fields=fields, end=False)
    for piece in pieces:
        client.send_body(stream, piece, end=False)
    if end and not client.answers[stream].ended:
        client.end(stream)
    answer = client.wait(stream, 20)
    client.close()
    said = dict(answer.headers) | dict(answer.trailers)
    return int(said.get("grpc-status", -1)), answer.body


def test_a_message_that_cannot_be_read_is_told_so(asked, acme):
    good = request(acme.host).SerializeToString()
    assert raw(asked, prefixed(good))[0] == 0
    assert raw(asked, *[bytes([byte]) for byte in prefixed(good)])[0] == 0
    assert raw(asked, prefixed(good, compressed=1))[0] == 12
    assert raw(asked, prefixed(good, compressed=7))[0] == 3
    assert raw(asked, prefixed(good) + prefixed(good))[0] == 3
    assert raw(asked, prefixed(good)[:-1])[0] == 3
    assert raw(asked)[0] == 3
    assert raw(asked, prefixed(b"\xff" * 20))[0] == 3
    assert raw(asked, prefixed(b"\x0a\x7f"))[0] == 3
    assert raw(asked, prefixed(good), fields=[("content-type", "application/json")])[0] == 12
    assert raw(asked, method="GET", fields=CALL)[0] == 12
    many = request(acme.host, fields=[(f"x-{number}", "a") for number in range(1_100)]).SerializeToString()
    assert raw(asked, prefixed(many))[0] == 8


def test_the_longest_message_is_read_and_a_longer_one_refused_before_it_comes(asked, acme):
    good = request(acme.host).SerializeToString()
    bound = 256 * 1024
    # A field that nobody reads fills the rest.
    room = bound - len(good) - 4
    filler = b"\x7a" + bytes([room & 127 | 128, room >> 7 & 127 | 128, room >> 14]) + b"a" * room
    assert len(good + filler) == bound
    assert raw(asked, prefixed(good + filler))[0] == 0
    assert raw(asked, prefixed(good + filler + b"\x78\x01")[:5], end=False)[0] == 8


def test_what_one_connection_holds_of_messages_is_bounded(asked, acme):
    client = h2wire.Client(asked.asked)
    held, refused = [], None
    # Messages that never end: sixteen of the longest are as many as one connection may hold.
    while not refused and len(held) < 20:
        held.append(client.send("gate.internal", method="POST", path=CHECK, fields=CALL, end=False))
        answer, rest = client.answers[held[-1]], prefixed(b"a" * 256 * 1024)[:-5]
        while rest and not answer.ended:
            count = min(client.h2.local_flow_control_window(held[-1]), client.h2.max_outbound_frame_size, len(rest))
            if count == 0:
                assert client.read()
                continue
            client.h2.send_data(held[-1], rest[:count])
            client.flush()
            rest = rest[count:]
        refused = held[-1] if answer.ended else None
    assert refused and dict(client.answers[refused].headers)["grpc-status"] == "8" and len(held) == 17
    # What is given up makes room again.
    for stream in held[:-1]:
        client.h2.reset_stream(stream)
    client.flush()
    last = client.send("gate.internal", method="POST", path=CHECK, fields=CALL, end=False)
    client.send_body(last, prefixed(request(acme.host).SerializeToString()))
    assert dict(client.wait(last, 20).trailers)["grpc-status"] == "0"
    client.close()


def test_a_call_that_is_cancelled_ends_nothing_else(asked, acme):
    client = h2wire.Client(asked.asked)
    good = prefixed(request(acme.host, acme.token()).SerializeToString())
    for piece in [b"", good[:3], good[:40], good]:
        stream = client.send("gate.internal", method="POST", path=CHECK, fields=CALL, end=False)
        if piece:
            client.send_body(stream, piece, end=False)
        client.h2.reset_stream(stream)
        client.flush()
    last = client.send("gate.internal", method="POST", path=CHECK, fields=CALL, end=False)
    client.send_body(last, good)
    answer = client.wait(last, 20)
    assert answer.status == 200 and dict(answer.trailers)["grpc-status"] == "0" and not client.closed
    client.close()


# Health.


def test_health_is_told_of_those_services_that_are_served(caller):
    stub = health_pb2_grpc.HealthStub(caller.channel)
    for service in ["", "envoy.service.auth.v3.Authorization", "grpc.health.v1.Health"]:
        assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status == SERVING
    with pytest.raises(grpc.RpcError) as error:
        stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=20)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="other"), timeout=20)
    assert next(watch).status == UNKNOWN
    watch.cancel()


def test_as_many_calls_watch_as_may(asked):
    with Caller(asked.asked) as caller:
        stub = health_pb2_grpc.HealthStub(caller.channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(), timeout=60) for _ in range(4)]
        assert [next(watch).status for watch in watches] == [SERVING] * 4
        with pytest.raises(grpc.RpcError) as error:
            next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60))
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        watches[0].cancel()
        # One that has gone makes room, once the gateway has heard of it.
        for _ in range(100):
            try:
                watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)
                assert next(watch).status == SERVING
                break
            except grpc.RpcError as failed:
                assert failed.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        else:
            pytest.fail("no room was made")


def test_as_many_calls_of_a_loop_watch_as_may(asked):
    """A loop lets 64 watch, and there are two: of 40 connections with four each, 128 calls are told and 32 refused."""
    clients = [h2wire.Client(asked.asked) for _ in range(40)]
    watches = []
    for client in clients:
        for _ in range(4):
            stream = client.send("gate.internal", method="POST", path="/grpc.health.v1.Health/Watch", fields=CALL, end=False)
            client.send_body(stream, prefixed(b""))
            watches.append((client, stream))
    told = refused = 0
    for client, stream in watches:
        answer = client.wait_head(stream)
        while not answer.body and not answer.ended:
            assert client.read(20)
        if answer.ended:
            refused += dict(answer.headers)["grpc-status"] == "8"
        else:
            told += answer.body == b"\0\0\0\0\2\x08\1"
    for client in clients:
        client.close()
    # The system chooses the loop of a connection, so that one of the two may have places left.
    assert told + refused == 160 and 64 <= told <= 128


def test_a_message_that_does_not_come_in_time_is_given_up(secretive):
    client = h2wire.Client(secretive.asked)
    fields = [*CALL, ("x-poolgate-caller", "a-secret-of-callers")]
    stream = client.send("gate.internal", method="POST", path=CHECK, fields=fields, end=False)
    client.send_body(stream, b"\0\0\0", end=False)
    answer = client.wait(stream, 20)
    assert answer.ended and dict(answer.headers)["grpc-status"] == "3"
    client.close()


def test_who_watches_hears_of_the_end(secretive):
    """The last test of its gateway."""
    metadata = (("x-poolgate-caller", "a-secret-of-callers"),)
    with Caller(secretive.asked, metadata) as caller:
        stub = health_pb2_grpc.HealthStub(caller.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60, metadata=metadata)
        assert next(watch).status == SERVING
        secretive.process.send_signal(signal.SIGTERM)
        assert next(watch).status == NOT_SERVING
        with pytest.raises(grpc.RpcError) as error:
            next(watch)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    secretive.process.wait(20)
