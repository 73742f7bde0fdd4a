"""gRPC through the gateway: calls of every kind with a real client and server, refusals that a client understands, and calls
that end with what they were admitted by."""

import threading
import time
from concurrent import futures

import grpc
import pytest

from conftest import make_tenant
from gateway import Gateway


class Service(grpc.GenericRpcHandler):
    """Methods of bytes, so that nothing needs to be generated."""

    def __init__(self):
        self.metadata, self.cancelled = {}, threading.Event()
        self.release = threading.Event()

    def service(self, details):
        method = details.method.rsplit("/", 1)[1]
        self.metadata = dict(details.invocation_metadata)
        make = {
            "Echo": (grpc.unary_unary_rpc_method_handler, self.echo),
            "Fail": (grpc.unary_unary_rpc_method_handler, self.fail),
            "Slow": (grpc.unary_unary_rpc_method_handler, self.slow),
            "Count": (grpc.unary_stream_rpc_method_handler, self.count),
            "Sum": (grpc.stream_unary_rpc_method_handler, self.sum),
            "Chat": (grpc.stream_stream_rpc_method_handler, self.chat),
            "Endless": (grpc.unary_stream_rpc_method_handler, self.endless),
        }[method]
        return make[0](make[1])

    def echo(self, request, context):
        context.send_initial_metadata([("x-first", "1")])
        context.set_trailing_metadata([("x-last", "2"), ("x-bin-bin", b"\0\1\2")])
        return request

    def fail(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: 100% ü")

    def slow(self, request, context):
        context.add_callback(self.cancelled.set)
        self.release.wait(20)
        return b""

    def count(self, request, context):
        for number in range(int(request)):
            yield str(number).encode()

    def sum(self, requests, context):
        return str(sum(len(request) for request in requests)).encode()

    def chat(self, requests, context):
        for request in requests:
            yield request.upper()

    def endless(self, request, context):
        context.add_callback(self.cancelled.set)
        while context.is_active() and not self.release.wait(0.05):
            yield b"tick"


@pytest.fixture(scope="module")
def service():
    service = Service()
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers([service])
    service.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service
    service.release.set()
    server.stop(0).wait()


@pytest.fixture(scope="module")
def grpc_gateway(binaries, migrated, stand_in, service):
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=f"h2c://127.0.0.1:{service.port}",
        jwks_url_template=stand_in.template)
    gateway.database = database
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def callee(grpc_gateway, stand_in, pool, service):
    service.cancelled.clear()
    service.release.clear()
    tenant = make_tenant(grpc_gateway, grpc_gateway.database, stand_in, pool)
    channel = grpc.insecure_channel(f"127.0.0.1:{grpc_gateway.port}", options=[
        ("grpc.default_authority", tenant.host), ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)])
    tenant.channel = channel
    yield tenant
    channel.close()


def metadata(tenant, **order):
    return [("authorization", f"Bearer {tenant.token(**order)}")]


def test_unary(callee, service):
    """A message goes there and back, with metadata before and behind; the service learns who calls."""
    answer, call = callee.channel.unary_unary("/test.Test/Echo").with_call(b"hello", metadata=metadata(callee), timeout=20)
    assert answer == b"hello"
    assert dict(call.initial_metadata())["x-first"] == "1"
    trailing = dict(call.trailing_metadata())
    assert (trailing["x-last"], trailing["x-bin-bin"]) == ("2", b"\0\1\2")
    assert service.metadata["x-forwarded-user"] == "alice"
    assert service.metadata["x-poolgate-tenant"] == callee.host


def test_streams(callee):
    """Server's, client's and both ways' streams."""
    counted = list(callee.channel.unary_stream("/test.Test/Count")(b"500", metadata=metadata(callee), timeout=20))
    assert counted == [str(number).encode() for number in range(500)]
    total = callee.channel.stream_unary("/test.Test/Sum")(
        (b"x" * 1000 for _ in range(300)), metadata=metadata(callee), timeout=20)
    assert total == b"300000"
    chat = callee.channel.stream_stream("/test.Test/Chat")
    questions = [b"a", b"b", b"c"]
    asked = threading.Semaphore(1)

    def ask():
        for question in questions:
            asked.acquire(timeout=20)
            yield question
    answers = []
    for answer in chat(ask(), metadata=metadata(callee), timeout=20):
        answers.append(answer)
        asked.release()
    assert answers == [b"A", b"B", b"C"]


def test_large_messages(callee):
    """16 MiB both ways."""
    message = bytes(16 * 1024 * 1024)
    assert callee.channel.unary_unary("/test.Test/Echo")(message, metadata=metadata(callee), timeout=30) == message


def test_a_service_s_own_error_passes(callee):
    """Status and message of a response that is trailers only are the service's."""
    with pytest.raises(grpc.RpcError) as error:
        callee.channel.unary_unary("/test.Test/Fail")(b"", metadata=metadata(callee), timeout=20)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "no such thing: 100% ü"


def test_a_deadline_of_the_client_reaches_the_service(callee, service):
    with pytest.raises(grpc.RpcError) as error:
        callee.channel.unary_unary("/test.Test/Slow")(b"", metadata=metadata(callee), timeout=0.5)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.wait(20)


def test_a_cancelled_call_is_cancelled_at_the_service(callee, service):
    call = callee.channel.unary_stream("/test.Test/Endless")(b"", metadata=metadata(callee))
    assert next(call) == b"tick"
    call.cancel()
    assert service.cancelled.wait(20)


REFUSALS = [
    ({"token": None}, grpc.StatusCode.UNAUTHENTICATED),
    ({"token": "rubbish"}, grpc.StatusCode.UNAUTHENTICATED),
    ({"columns": "required_groups = '{nobody}'"}, grpc.StatusCode.PERMISSION_DENIED),
    ({"columns": "status = 'suspended'"}, grpc.StatusCode.PERMISSION_DENIED),
    ({"columns": "upstream = 'http://127.0.0.1:1'"}, grpc.StatusCode.UNAVAILABLE),
    ({"columns": "max_body_bytes = 2"}, grpc.StatusCode.RESOURCE_EXHAUSTED),
]


@pytest.mark.parametrize("case,code", REFUSALS, ids=[str(case) for case, _ in REFUSALS])
def test_a_refusal_is_a_status(callee, case, code):
    """What refuses a call is told as gRPC has it."""
    if columns := case.get("columns"):
        callee.update_and_wait(columns)
    token = case.get("token", callee.token())
    with pytest.raises(grpc.RpcError) as error:
        callee.channel.unary_unary("/test.Test/Echo")(
            b"hello", metadata=[("authorization", f"Bearer {token}")] if token else [], timeout=20)
    assert error.value.code() == code, error.value
    assert error.value.details()


def test_a_call_ends_when_its_tenant_is_suspended(callee, service):
    call = callee.channel.unary_stream("/test.Test/Endless")(b"", metadata=metadata(callee))
    assert next(call) == b"tick"
    time.sleep(0.6)
    callee.update("status = 'suspended'")
    with pytest.raises(grpc.RpcError) as error:
        for _ in call:
            pass
    assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert service.cancelled.wait(20)
    line = callee.gateway.wait_event("refused", 20, code="tenant_suspended", tenant=callee.host)
    assert line["detail"] == "call_ended"


def test_a_call_ends_when_its_token_does(callee, service):
    call = callee.channel.unary_stream("/test.Test/Endless")(
        b"", metadata=metadata(callee, claims={"exp": int(time.time()) + 2}))
    assert next(call) == b"tick"
    with pytest.raises(grpc.RpcError) as error:
        for _ in call:
            pass
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert service.cancelled.wait(20)


def test_a_call_goes_on_for_the_grace_in_a_row_without_websockets(callee):
    callee.update_and_wait("expiry_grace = '3 seconds', websockets = false")
    begun = time.monotonic()
    call = callee.channel.unary_stream("/test.Test/Endless")(
        b"", metadata=metadata(callee, claims={"exp": int(time.time()) + 2}), timeout=20)
    with pytest.raises(grpc.RpcError) as error:
        for _ in call:
            pass
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert time.monotonic() - begun > 3.5


def test_a_call_may_outlive_its_token_and_websockets_are_no_matter_of_it(callee):
    callee.update_and_wait("at_expiry = 'outlive'")
    call = callee.channel.unary_stream("/test.Test/Endless")(
        b"", metadata=metadata(callee, claims={"exp": int(time.time()) + 1}))
    assert next(call) == b"tick"
    callee.update_and_wait("websockets = false")
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert next(call) == b"tick"
    call.cancel()


def test_a_call_under_way_ends_with_a_status_when_its_upstream_dies(callee, start, migrated, stand_in, pool):
    """The gateway tells the status that the dead service cannot tell any more."""
    own = Service()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([own])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    database = migrated()
    gateway = start(database_url=database.url, upstream=f"h2c://127.0.0.1:{port}")
    tenant = make_tenant(gateway, database, stand_in, pool + "x")
    channel = grpc.insecure_channel(f"127.0.0.1:{gateway.port}", options=[("grpc.default_authority", tenant.host)])
    call = channel.unary_stream("/test.Test/Endless")(b"", metadata=metadata(tenant))
    assert next(call) == b"tick"
    server.stop(0).wait()
    with pytest.raises(grpc.RpcError) as error:
        for _ in call:
            pass
    assert error.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/test.Test/Echo")(b"", metadata=metadata(tenant), timeout=20)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    channel.close()
