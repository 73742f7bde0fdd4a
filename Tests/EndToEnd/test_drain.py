"""The end of a gateway: what is under way is finished, what is idle is closed, and a rolling restart loses nothing."""

import http.client
import signal
import threading
import time

import pytest

import upstream as up
from conftest import make_tenant
from nginx import Nginx
from processes import connects, free_port, wait_until
from stage import CHUNKED, LENGTH, Stage, chunk, head
from wire import request


@pytest.fixture
def stage():
    upstream = Stage()
    yield upstream
    upstream.remove()


@pytest.fixture
def draining(start, migrated, stand_in, pool, stage):
    """Starts a gateway of its own with a tenant whose upstream is the test."""
    def begin(**options):
        database = migrated()
        gateway = start(database_url=database.url, upstream=stage.url, **options)
        return make_tenant(gateway, database, stand_in, pool)
    return begin


def under_way(tenant, stage, message=None):
    """A request that has reached the upstream, and its two ends."""
    connection = tenant.gateway.connect()
    connection.send(message or request("GET", "/", tenant.host, tenant.token()))
    return connection, stage.accept()


def terminate(gateway, sig=signal.SIGTERM):
    gateway.process.send_signal(sig)
    return time.monotonic()


def refuses(gateway):
    return not connects(gateway.port)


# What is under way

def test_answers_and_uploads_under_way_are_finished_and_nothing_new_is_accepted(draining, stage):
    tenant = draining()
    gateway = tenant.gateway
    waiting, for_waiting = under_way(tenant, stage)
    events, for_events = under_way(tenant, stage)
    for_events.send(CHUNKED + b"3\r\nabc\r\n")
    assert head(events)[0] == 200 and chunk(events) == b"abc"
    upload, for_upload = under_way(
        tenant, stage, request("POST", "/", tenant.host, tenant.token(), [("Content-Length", "6")], b"abc"))
    terminate(gateway)
    wait_until(lambda: refuses(gateway), 20, "the end of accepting")
    # In the order in which nothing could be finished by chance.
    upload.send(b"def")
    assert up.exactly(for_upload.reader, 6) == b"abcdef"
    for_upload.send(LENGTH % 2 + b"ok")
    answer = upload.read()
    assert (answer.body, answer.header("Connection")) == (b"ok", "close")
    assert upload.is_closed()
    for number in range(3):
        for_events.send(b"3\r\n%03d\r\n" % number)
        assert chunk(events) == b"%03d" % number
    for_events.send(b"0\r\n\r\n")
    assert events.chunks() == (b"", True)
    assert events.is_closed()
    assert gateway.process.poll() is None
    for_waiting.send(LENGTH % 2 + b"ok")
    answer = waiting.read()
    assert (answer.body, answer.header("Connection")) == (b"ok", "close")
    assert gateway.process.wait(20) == 0


def test_what_is_pipelined_behind_the_last_answer_is_left_unanswered(draining, stage):
    tenant = draining()
    message = request("GET", "/", tenant.host, tenant.token())
    connection, peer = under_way(tenant, stage, message + message)
    terminate(tenant.gateway)
    wait_until(lambda: refuses(tenant.gateway), 20, "the end of accepting")
    peer.send(LENGTH % 2 + b"ok")
    assert connection.read().header("Connection") == "close"
    assert connection.is_closed()
    assert tenant.gateway.process.wait(20) == 0


def test_idle_connections_are_closed_on_every_loop_at_once(draining, stage):
    tenant = draining(workers=2)
    token = tenant.token()
    busy = [under_way(tenant, stage, request("GET", "/", tenant.host, token)) for _ in range(8)]
    idle = [tenant.gateway.connect() for _ in range(8)]
    for connection in idle:
        assert connection.request("GET", "/", tenant.host).status == 401
    fresh = [tenant.gateway.connect() for _ in range(8)]
    begun = terminate(tenant.gateway)
    for connection in idle + fresh:
        assert connection.is_closed()
    assert time.monotonic() - begun < 15
    for connection, peer in busy:
        peer.send(LENGTH % 2 + b"ok")
        answer = connection.read()
        assert (answer.body, answer.header("Connection")) == (b"ok", "close")
    assert tenant.gateway.process.wait(20) == 0


def test_idle_upstream_connections_are_closed_too(draining, stage):
    tenant = draining(workers=1)
    token = tenant.token()
    first, for_first = under_way(tenant, stage, request("GET", "/", tenant.host, token))
    stuck, for_stuck = under_way(tenant, stage, request("GET", "/", tenant.host, token))
    for_first.send(LENGTH % 2 + b"ok")
    assert first.read().status == 200
    assert not for_first.is_cancelled(0.5)
    terminate(tenant.gateway)
    assert for_first.is_cancelled(20)
    for_stuck.send(LENGTH % 2 + b"ok")
    assert stuck.read().body == b"ok"


# How long it may take

def test_a_stuck_request_holds_the_end_up_for_the_drains_time_only(draining, stage):
    tenant = draining(drain_timeout="2s")
    connection, peer = under_way(tenant, stage)
    stream, for_stream = under_way(tenant, stage)
    for_stream.send(CHUNKED)
    assert head(stream)[0] == 200
    begun = terminate(tenant.gateway)
    tenant.gateway.process.wait(30)
    assert 1.7 < time.monotonic() - begun < 10
    # Neither client could take what it has for an answer.
    assert connection.is_closed()
    assert stream.chunks() == (b"", False)
    assert peer.is_cancelled(20)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(draining, stage, second):
    tenant = draining(shutdown_delay="0")
    connection, _ = under_way(tenant, stage)
    terminate(tenant.gateway)
    wait_until(lambda: refuses(tenant.gateway), 20, "the end of accepting")
    assert tenant.gateway.process.poll() is None
    begun = terminate(tenant.gateway, second)
    tenant.gateway.process.wait(30)
    # The drain would have taken 30 s.
    assert time.monotonic() - begun < 10
    assert connection.is_closed()


def test_with_nothing_under_way_it_ends_with_status_0_whatever_the_times_are(draining):
    tenant = draining(drain_timeout="60s")
    idle = tenant.gateway.connect()
    assert idle.request("GET", "/", tenant.host).status == 401
    begun = terminate(tenant.gateway)
    assert tenant.gateway.process.wait(30) == 0
    assert time.monotonic() - begun < 15


# The delay before

def test_during_the_delay_it_is_unready_and_still_accepts_but_every_answer_says_close(draining, stage):
    tenant = draining(shutdown_delay="3s")
    gateway, token = tenant.gateway, tenant.token()
    kept = gateway.connect()
    assert kept.request("GET", "/", tenant.host).header("Connection") is None
    assert gateway.admin("/ready")[0] == 200
    begun = terminate(gateway)
    wait_until(lambda: gateway.admin("/ready")[0] == 503, 20, "unreadiness")
    assert gateway.admin("/live")[0] == 200
    # A connection that was there, a new one, an answer of an upstream, and one of the gateway's own.
    assert kept.request("GET", "/", tenant.host).header("Connection") == "close"
    assert kept.is_closed()
    connection, peer = under_way(tenant, stage, request("GET", "/", tenant.host, token))
    peer.send(LENGTH % 2 + b"ok")
    answer = connection.read()
    assert (answer.body, answer.header("Connection")) == (b"ok", "close")
    assert connection.is_closed()
    assert gateway.process.wait(30) == 0
    assert 2.7 < time.monotonic() - begun < 10


def test_the_delay_ends_early_with_a_second_signal(draining):
    tenant = draining(shutdown_delay="60s")
    terminate(tenant.gateway)
    wait_until(lambda: tenant.gateway.admin("/ready")[0] == 503, 20, "unreadiness")
    terminate(tenant.gateway)
    tenant.gateway.process.wait(10)


# A rolling restart

class Load:
    """Clients that ask without a pause, each on a connection that is kept alive, and note what went wrong."""

    def __init__(self, port, tenant, count):
        self.port, self.host, self.token = port, tenant.host, tenant.token()
        self.failures, self.served, self.over = [], [0] * count, threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def goes_on(self):
        before = sum(self.served)
        wait_until(lambda: sum(self.served) > before + 200, 20, "200 more requests")

    def _ask(self, number):
        method, body = [("GET", None), ("POST", b"x" * 3000)][number % 2]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.over.is_set():
            try:
                connection.request(method, f"/{number}", body, {"Host": self.host, "Authorization": f"Bearer {self.token}"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200 or text != b"ok":
                    self.failures.append((method, answer.status, text[:200]))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((method, repr(error)))
                connection.close()
            self.served[number] += 1


def test_a_rolling_restart_of_two_replicas_behind_nginx_loses_no_request(start, migrated, stand_in, pool, own_upstream):
    """nginx asks another replica where one refuses a connection; what was sent to one, that one has to answer."""
    def pause(*_):
        time.sleep(0.01)
        return up.answer(200, b"ok")
    own_upstream.behave = pause
    database = migrated()
    ports = [free_port(), free_port()]

    def replica(port):
        return start(
            database_url=database.url, upstream=own_upstream.url, listen=f"127.0.0.1:{port}", shutdown_delay="1s")
    replicas = [replica(port) for port in ports]
    tenant = make_tenant(replicas[0], database, stand_in, pool)
    nginx = Nginx(f"""
        upstream replicas {{
            server 127.0.0.1:{ports[0]} max_fails=0;
            server 127.0.0.1:{ports[1]} max_fails=0;
            keepalive 32;
        }}
        server {{
            listen 127.0.0.1:PORT;
            location / {{
                proxy_pass http://replicas; proxy_http_version 1.1;
                proxy_set_header Connection ""; proxy_set_header Host $http_host;
            }}
        }}""")
    try:
        roll(replicas, replica, nginx, tenant)
    finally:
        nginx.remove()


def roll(replicas, start_again, nginx, tenant):
    for gateway in replicas:
        gateway.wait_status(401, tenant.host)
    with Load(nginx.port, tenant, 8) as load:
        for number in (0, 1, 0, 1):
            load.goes_on()
            terminate(replicas[number])
            assert replicas[number].process.wait(20) == 0
            replicas[number] = start_again(replicas[number].port)
            replicas[number].wait_status(401, tenant.host)
        load.goes_on()
    # A refused connection is how nginx learns that one of them is away, and nothing that a client sees.
    log = [line for line in nginx.log().splitlines() if "Connection refused" not in line]
    assert load.failures == [], f"{len(load.failures)} of {sum(load.served)}; nginx says: {log[-20:]}"
    assert min(load.served) > 20
