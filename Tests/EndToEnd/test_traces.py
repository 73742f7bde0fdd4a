"""W3C Trace Context on the way through, and spans as OTLP exports them."""

import re

import pytest

from collector import Collector, attributes
from conftest import make_tenant
from gateway import Gateway
from processes import wait_until
from test_proxied import From

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
SERVER, INTERNAL, CLIENT = 2, 1, 3
BAD = {
    "upper case": SAMPLED.upper(), "version ff": "ff" + SAMPLED[2:], "longer": SAMPLED + "-00", "shorter": SAMPLED[:-1],
    "no trace": f"00-{'0' * 32}-{SPAN}-01", "no span": f"00-{TRACE}-{'0' * 16}-01", "empty": "",
    "oversize": "cc" + SAMPLED[2:] + "-" + "x" * 100,
}


@pytest.fixture(scope="module")
def collector():
    server = Collector()
    yield server
    server.remove()


def begin(binaries, database, stand_in, upstream, **options):
    gateway = Gateway(
        binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
        trusted_proxies="127.0.0.2/32", workers="1", **options)
    gateway.database = database
    return gateway


@pytest.fixture(scope="module")
def tracing(binaries, migrated, stand_in, shared_upstream, collector):
    """A gateway that records every trace."""
    gateway = begin(binaries, migrated(), stand_in, shared_upstream, traces_endpoint=collector.url, traces_ratio="1",
                    traces_headers="X-Key=Sesame77,x-other=b")
    yield gateway
    assert gateway.process.poll() is None, gateway.log()
    gateway.remove()


@pytest.fixture
def traced(tracing, stand_in, pool, upstream):
    return make_tenant(tracing, tracing.database, stand_in, pool)


def ask(tenant, *headers, address="127.0.0.2", path="/", token=True):
    with From(tenant.gateway.port, address) as connection:
        return connection.request("GET", path, tenant.host, tenant.token() if token else None, headers)


def parent(upstream):
    """Version, trace, span and flags of what the upstream was told."""
    return upstream.last.value("traceparent").split("-")


# Without traces configured

def test_without_traces_a_good_context_passes_as_it_is_and_none_begins(tenant, upstream):
    assert tenant.get(tenant.token()).status == 200
    assert upstream.last.value("traceparent") is None
    for value in (SAMPLED, UNSAMPLED, "cc" + SAMPLED[2:] + "-more"):
        tenant.get(tenant.token(), headers=[("traceparent", value), ("TraceState", "a=1,b@c=2"), ("tracestate", "d=3")])
        assert upstream.last.value("traceparent") == value
        assert upstream.last.values("tracestate") == ["a=1,b@c=2", "d=3"]


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_without_traces_a_bad_context_goes_nowhere(tenant, upstream, value):
    assert tenant.get(tenant.token(), headers=[("traceparent", value), ("tracestate", "a=1")]).status == 200
    assert upstream.last.values("traceparent") == upstream.last.values("tracestate") == []


def test_two_parents_are_none(tenant, upstream):
    tenant.get(tenant.token(), headers=[("traceparent", SAMPLED), ("traceparent", SAMPLED), ("tracestate", "a=1")])
    assert upstream.last.values("traceparent") == upstream.last.values("tracestate") == []


@pytest.mark.parametrize("state, passes", [
    (["a=" + "x" * 510], True), (["a=" + "x" * 511], False),
    ([",".join(f"k{number}=v" for number in range(32))], True), ([",".join(f"k{number}=v" for number in range(33))], False),
    (["a=1, b=2,,"], True), (["A=1"], False), (["a"], False), (["a=b=c"], False), (["a=\u00e9"], False),
], ids=["512 bytes", "513", "32 members", "33", "blanks", "upper case", "no value", "two signs", "no ASCII"])
def test_the_state_is_passed_on_whole_or_not_at_all(tenant, upstream, state, passes):
    tenant.get(tenant.token(), headers=[("traceparent", SAMPLED)] + [("tracestate", value) for value in state])
    assert upstream.last.value("traceparent") == SAMPLED
    assert upstream.last.values("tracestate") == ([value.strip() for value in state] if passes else [])


# With traces

def test_a_trace_begins_here_and_its_spans_make_a_tree(traced, upstream, collector, stand_in):
    traced.gateway.wait_status(200, traced.host, traced.token())
    stand_in.rotate(traced.pool)
    answer = ask(traced, path="/tree?secret=S3cretOfTheQuery")
    version, trace, span, flags = parent(upstream)
    assert (version, flags) == ("00", "01")
    spans = {span.name if span.kind != CLIENT else "upstream": span for span in collector.wait(trace, 4)}
    assert set(spans) == {"GET", "judge", "wait for key", "upstream"}
    server, judge, key, client = (spans[name] for name in ("GET", "judge", "wait for key", "upstream"))
    assert server.kind == SERVER and server.parent_span_id == b""
    assert (judge.kind, judge.parent_span_id) == (INTERNAL, server.span_id)
    assert (key.kind, key.parent_span_id) == (INTERNAL, judge.span_id)
    assert (client.kind, client.parent_span_id, client.span_id.hex()) == (CLIENT, server.span_id, span)
    for inner, outer in ((judge, server), (key, judge), (client, server)):
        assert outer.start_time_unix_nano <= inner.start_time_unix_nano
        assert inner.start_time_unix_nano <= inner.end_time_unix_nano <= outer.end_time_unix_nano
    said = attributes(server)
    assert said["poolgate.request_id"] == answer.header("X-Request-Id") and said["poolgate.tenant"] == traced.host
    assert said["http.response.status_code"] == 200 and said["url.path"] == "/tree" and said["client.address"] == "127.0.0.2"
    body = next(body for body in collector.bodies if trace.encode() in body)
    assert b"S3cretOfTheQuery" not in body and b"eyJ" not in body
    path, headers = collector.headers[-1]
    assert path == "/v1/traces" and headers["X-Key"] == "Sesame77" and headers["x-other"] == "b"
    assert "Sesame77" not in traced.gateway.log()


def test_a_trace_goes_on_with_our_span_as_the_parent(traced, upstream, collector):
    ask(traced, ("traceparent", SAMPLED), ("tracestate", "a=1"))
    version, trace, span, flags = parent(upstream)
    assert (version, trace, flags) == ("00", TRACE, "01") and span != SPAN and upstream.last.value("tracestate") == "a=1"
    spans = collector.wait(TRACE, 3)
    assert next(each for each in spans if each.kind == SERVER).parent_span_id.hex() == SPAN
    assert next(each for each in spans if each.kind == CLIENT).span_id.hex() == span


def test_what_the_parent_does_not_record_is_not_recorded_here(traced, upstream, collector):
    other = f"00-{TRACE[::-1]}-{SPAN}-00"
    ask(traced, ("traceparent", other))
    assert upstream.last.value("traceparent") == other
    ask(traced)
    collector.wait(parent(upstream)[1], 3)
    assert collector.spans(TRACE[::-1]) == []


def test_a_bad_parent_is_a_new_trace(traced, upstream):
    for value in BAD.values():
        ask(traced, ("traceparent", value), ("tracestate", "a=1"))
        assert re.match(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", upstream.last.value("traceparent"))
        assert upstream.last.value("traceparent") != value and upstream.last.values("tracestate") == []


def test_a_refusal_is_a_span_with_its_code(traced, collector):
    trace = "11111111111111111111111111111111"
    ask(traced, ("traceparent", f"00-{trace}-{SPAN}-01"), token=False)
    spans = collector.wait(trace, 2)
    assert sorted(span.name for span in spans) == ["GET", "judge"]
    server = next(span for span in spans if span.kind == SERVER)
    assert attributes(server)["poolgate.code"] == "missing_token" and attributes(server)["http.response.status_code"] == 401


def test_clients_that_nobody_vouches_for_have_few_traces_recorded(binaries, migrated, stand_in, shared_upstream, pool, upstream):
    """With a ratio of 0 none begins here; ten a second and loop are recorded since a client asks."""
    collector = Collector()
    gateway = begin(binaries, migrated(), stand_in, shared_upstream, traces_endpoint=collector.url + "/", traces_ratio="0")
    try:
        tenant = make_tenant(gateway, gateway.database, stand_in, pool)
        token = tenant.token()
        assert tenant.get(token).status == 200 and upstream.last.value("traceparent") is None
        upstream.requests.clear()
        with gateway.connect() as connection:
            for _ in range(200):
                connection.request("GET", "/", tenant.host, token, [("traceparent", SAMPLED)])
        told = [request.value("traceparent").split("-") for request in upstream.requests]
        recorded = [each for each in told if each[3] == "01"]
        assert {each[1] for each in told} == {TRACE} and SPAN not in {each[2] for each in told}
        assert 10 <= len(recorded) < 200
        wait_until(lambda: len([span for span in collector.spans(TRACE) if span.kind == CLIENT]) >= len(recorded), 30, "spans")
        assert {span.span_id.hex() for span in collector.spans(TRACE) if span.kind == CLIENT} == {each[2] for each in recorded}
        with From(gateway.port, "127.0.0.2") as connection:
            for _ in range(30):
                connection.request("GET", "/", tenant.host, token, [("traceparent", SAMPLED)])
        assert all(request.value("traceparent").endswith("-01") for request in upstream.requests[-30:])
    finally:
        gateway.remove()
        collector.remove()


def test_a_collector_that_fails_is_asked_again_and_one_that_is_gone_holds_up_nobody(
        binaries, migrated, stand_in, shared_upstream, pool, upstream):
    collector = Collector(statuses=[503, 429])
    gateway = begin(binaries, migrated(), stand_in, shared_upstream, traces_endpoint=collector.url, traces_ratio="1")
    try:
        tenant = make_tenant(gateway, gateway.database, stand_in, pool)
        ask(tenant)
        collector.wait(parent(upstream)[1], 3)
        assert gateway.wait_event("traces_unexported")["error"] == "status 503"
        gateway.wait_event("traces_exported")
        collector.remove()
        assert all(ask(tenant).status == 200 for _ in range(20))
        gateway.wait_event("traces_unexported", error=next(
            line["error"] for line in [wait_until(lambda: gateway.events("traces_unexported")[2:], 30, "a failure")[0]]))
        assert all(ask(tenant).status == 200 for _ in range(20))
    finally:
        gateway.remove()


def test_what_waits_is_exported_at_the_end(binaries, migrated, stand_in, shared_upstream, pool, upstream):
    collector = Collector()
    gateway = begin(binaries, migrated(), stand_in, shared_upstream, traces_endpoint=collector.url + "/v1/traces", traces_ratio="1")
    try:
        tenant = make_tenant(gateway, gateway.database, stand_in, pool)
        ask(tenant)
        trace = parent(upstream)[1]
        assert gateway.stop() == 0
        assert len(collector.spans(trace)) >= 3
    finally:
        gateway.remove()
        collector.remove()
