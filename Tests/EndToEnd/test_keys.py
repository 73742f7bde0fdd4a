"""Keys that rotate, vanish and cannot be had."""

import http.server
import threading
import time
import urllib.request

import pytest

from conftest import make_tenant
from processes import wait_until
from wire import request


def test_rotation_under_load_refuses_not_one_valid_request(gateway, tenant, stand_in):
    assert tenant.get(tenant.token()).status == 200
    failures, done, lock = [], [0], threading.Lock()
    running = threading.Event()
    running.set()

    def client():
        with gateway.connect() as connection:
            while running.is_set():
                token = tenant.token()
                for _ in range(3):
                    answer = connection.request("GET", "/", tenant.host, token)
                    with lock:
                        done[0] += 1
                        if answer.status != 200:
                            failures.append((answer.status, answer.body))
    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    # Cognito rotates once in a long while; three in a row are what the damper of a pool lets through at once.
    for _ in range(3):
        time.sleep(1)
        stand_in.rotate(tenant.pool)
    time.sleep(1)
    running.clear()
    for thread in threads:
        thread.join()
    assert failures == []
    assert done[0] > 100


def test_four_hundred_concurrent_requests_with_an_unknown_kid_cause_one_fetch(gateway, tenant, stand_in):
    assert tenant.get(tenant.token()).status == 200
    before = stand_in.fetches(tenant.pool)
    token = tenant.token(header={"kid": "nobody-knows"})
    # As many as may wait for verification on the two loops; beyond that they are told 503.
    connections = [gateway.connect() for _ in range(400)]
    for connection in connections:
        connection.send(request("GET", "/", tenant.host, token))
    statuses = {connection.read().status for connection in connections}
    for connection in connections:
        connection.socket.close()
    assert statuses == {401}
    assert stand_in.fetches(tenant.pool) - before == 1


def test_three_hundred_junk_kids_in_sequence_cause_at_most_three_fetches(gateway, tenant, stand_in):
    assert tenant.get(tenant.token()).status == 200
    before = stand_in.fetches(tenant.pool)
    begun = time.monotonic()
    with gateway.connect() as connection:
        for number in range(300):
            answer = connection.request("GET", "/", tenant.host, tenant.token(header={"kid": f"junk-{number}"}))
            assert answer.status == 401
    # The bucket regains one every ten seconds.
    assert stand_in.fetches(tenant.pool) - before <= 3 + int((time.monotonic() - begun) / 10)


@pytest.mark.waits_long
def test_junk_kids_do_not_keep_a_real_rotation_out(gateway, tenant, stand_in):
    assert tenant.get(tenant.token()).status == 200
    for number in range(20):
        tenant.get(tenant.token(header={"kid": f"junk-{number}"}))
    stand_in.rotate(tenant.pool)
    gateway.wait_status(200, tenant.host, tenant.token(), seconds=30)


def test_the_same_kid_in_two_pools_is_two_keys(gateway, stand_in, pool, tenant):
    # The stand-in's pools share a few keys: one whose keys are others than the tenant's.
    name = next(pool + letter for letter in "abcdefgh" if not stand_in.moduli(pool + letter) & stand_in.moduli(tenant.pool))
    other = make_tenant(gateway, gateway.database, stand_in, name)
    kid = stand_in.status(tenant.pool)["kids"][1]
    foreign = stand_in.mint(other.pool, header={"kid": kid}, iss=f"https://cognito-idp.eu-west-1.amazonaws.com/{tenant.pool}")
    assert tenant.get(tenant.token()).status == 200
    assert other.get(other.token()).status == 200
    assert tenant.get(foreign).status == 401


def test_a_token_of_one_tenant_is_refused_at_the_host_of_another(gateway, stand_in, pool, tenant):
    other = make_tenant(gateway, gateway.database, stand_in, pool + "x")
    token = tenant.token()
    with gateway.connect() as connection:
        for _ in range(3):
            assert connection.request("GET", "/", tenant.host, token).status == 200
            assert connection.request("GET", "/", other.host, token).status == 401


@pytest.mark.parametrize("mode", ["500", "429", "404", "garbage", "empty", "redirect", "huge", "gzip", "close", "hang", "slow"])
def test_keys_that_cannot_be_had_are_503_and_recover_by_themselves(gateway, stand_in, pool, mode):
    stand_in.fail(pool, mode)
    tenant = make_tenant(gateway, gateway.database, stand_in, pool)
    token = tenant.token()
    begun = time.monotonic()
    answer = tenant.get(token)
    assert (answer.status, answer.error) == (503, "keys_unavailable")
    assert answer.header("Retry-After") == "5"
    assert time.monotonic() - begun < 15
    assert tenant.get().status == 401
    stand_in.recover(pool)
    gateway.wait_status(200, tenant.host, token, seconds=30)


def test_an_unreachable_key_endpoint_is_503(start, database, stand_in, pool):
    from processes import free_port
    gateway = start(database_url=database.url, jwks_url_template=f"http://127.0.0.1:{free_port()}/{{pool}}")
    tenant = make_tenant(gateway, database, stand_in, pool)
    assert tenant.get(tenant.token()).error == "keys_unavailable"


def test_known_keys_serve_on_while_their_endpoint_fails(gateway, tenant, stand_in):
    assert tenant.get(tenant.token()).status == 200
    stand_in.fail(tenant.pool, "500")
    for _ in range(20):
        assert tenant.get(tenant.token()).status == 200
    # A kid whose fetch failed is nobody's fault: try again, not unauthorised.
    assert tenant.get(tenant.token(header={"kid": "new"})).status == 503


def test_a_withdrawn_key_stops_being_trusted_with_its_warm_tokens(gateway, tenant, stand_in, run):
    token = tenant.token()
    assert tenant.get(token).status == 200
    stand_in.rotate(tenant.pool, withdraw=True)
    # One call looks twice, a second apart, and says which keys went.
    done = run("pools", "--table", "--refresh", tenant.pool, "--admin-listen", f"127.0.0.1:{gateway.admin_port}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is not trusted any more" in done.stdout
    assert tenant.get(token).status == 401
    assert tenant.get(tenant.token()).status == 200


def test_keys_are_fetched_before_the_first_request(gateway, stand_in, pool):
    gateway.database.add(f"{pool.lower().replace('_', '-')}.example.com", pool)
    wait_until(lambda: stand_in.fetches(pool) == 1)


def test_one_failing_pool_does_not_delay_another(gateway, stand_in, pool):
    slow = make_tenant(gateway, gateway.database, stand_in, pool)
    stand_in.fail(pool, "hang")
    healthy = make_tenant(gateway, gateway.database, stand_in, pool + "ok")
    waiting = [gateway.connect() for _ in range(50)]
    for number, connection in enumerate(waiting):
        connection.send(request("GET", "/", slow.host, slow.token(header={"kid": f"k{number}"})))
    token, begun = healthy.token(), time.monotonic()
    assert healthy.get(token).status == 200
    # Those wait for three seconds.
    assert time.monotonic() - begun < 2.5
    assert {connection.read().status for connection in waiting} <= {401, 503}
    for connection in waiting:
        connection.socket.close()


def test_the_time_of_a_request_in_the_log_holds_its_waits(start, database, stand_in, pool):
    class LateKeys(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(1.2)
            keys = urllib.request.urlopen(stand_in.template.format(region="eu-west-1", pool=pool)).read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LateKeys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        template = f"http://127.0.0.1:{server.server_port}/{{pool}}"
        gateway = start(database_url=database.url, jwks_url_template=template, access_log="on")
        tenant = make_tenant(gateway, database, stand_in, pool)
        stand_in.rotate(pool)
        assert tenant.get(tenant.token()).status == 200
        assert gateway.wait_event("request", status=200)["us"] > 1_000_000
    finally:
        server.shutdown()
        server.server_close()
