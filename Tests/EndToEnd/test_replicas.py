"""What an admin reads in psql: which replicas run, and how each tenant stands at all of them."""

import re
import signal
import time

import pytest

from conftest import make_tenant
from processes import wait_until


@pytest.fixture(scope="module")
def fleet(binaries, migrated, stand_in, shared_upstream):
    """Two gateways that have the gateway's role and no other right, on a database that logs their statements."""
    from gateway import Gateway
    database = migrated()
    name = f"gateway_of_{database.name}"
    database.sql(f"CREATE ROLE {name} LOGIN IN ROLE poolgate_gateway; ALTER ROLE {name} SET log_statement = 'all'")
    gateways = [
        Gateway(binaries, database_url=database.url.replace("postgres@", f"{name}@"), upstream=shared_upstream.url,
                jwks_url_template=stand_in.template, shutdown_delay="2s") for _ in range(2)]
    yield database, gateways
    for gateway in gateways:
        gateway.remove()
    database.sql(f"DROP OWNED BY {name}; DROP ROLE {name}")


def summary(database, host, columns):
    return database.sql(f"SELECT {columns} FROM poolgate.tenant_summary WHERE host = '{host}'").strip()


def test_both_replicas_serve_a_row_and_say_so(fleet, stand_in, pool):
    database, gateways = fleet
    tenant = make_tenant(gateways[0], database, stand_in, pool)
    assert database.sql(f"SELECT poolgate.wait_until_live('{tenant.host}')") == "2"
    wait_until(lambda: summary(database, tenant.host, 'state, live_on, "of"') == "ready|2|2")
    assert database.sql("SELECT count(*) FROM poolgate.replicas WHERE state = 'serving' AND directory_age < '15 s'") == "2"
    kid = database.sql(
        f"SELECT key_ids[1] FROM poolgate.tenant_status WHERE host = '{tenant.host}' AND keys_age < '1 min' LIMIT 1").strip()
    assert kid and database.sql(
        f"SELECT count(*) FROM poolgate.pool_health WHERE pool_id = '{pool}' AND cardinality(keys_since) = keys") == "2"


def test_a_key_endpoint_that_fails_is_told_in_words_with_its_url(fleet, stand_in, pool):
    database, gateways = fleet
    stand_in.fail(pool, "404")
    tenant = make_tenant(gateways[0], database, stand_in, pool)
    url = stand_in.template.replace("{region}", "eu-west-1").replace("{pool}", pool)
    words = f"the key endpoint {url} answered 404: no such pool in eu-west-1"
    wait_until(lambda: summary(database, tenant.host, "state, detail") == f"failing|{words}")
    line = gateways[0].wait_event("keys_fetch_failed", pool=f"eu-west-1/{pool}")
    assert (line["error"], line["url"]) == (words, url)


def test_a_replica_that_was_removed_comes_back(fleet):
    database, _ = fleet
    database.sql("DELETE FROM poolgate.instances")
    wait_until(lambda: database.sql("SELECT count(*) FROM poolgate.replicas WHERE state = 'serving'") == "2", 30)
    pools = database.sql("SELECT count(DISTINCT instance) FROM poolgate.pool_health")
    assert pools == "2"


def test_a_replica_costs_less_than_two_statements_a_second(fleet):
    database, _ = fleet
    log = database.server.folder / "log"
    time.sleep(1)
    start, begun = log.stat().st_size, time.monotonic()
    time.sleep(6)
    written = log.read_bytes()[start:].decode(errors="replace")
    statements = re.findall(r"LOG:  (?:statement|execute)", written)
    assert 2 <= len(statements) < 2 * 2 * (time.monotonic() - begun), written


def test_one_that_stops_says_so_and_one_that_died_holds_nothing_up(fleet, stand_in, pool):
    database, (first, second) = fleet
    first.process.send_signal(signal.SIGTERM)
    wait_until(lambda: database.sql("SELECT count(*) FROM poolgate.replicas WHERE state = 'draining'") == "1", 20)
    assert first.process.wait(20) == 0
    assert database.sql("SELECT count(*) FROM poolgate.replicas") == "1"
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    database.add("late.example.com", pool)
    failed = database.sql("SELECT poolgate.wait_until_live('late.example.com', '200 ms')", check=False)
    assert "is not live everywhere" in failed.stderr
    # As if 15 seconds had passed.
    database.sql("UPDATE poolgate.instances SET seen_at = seen_at - interval '15 seconds'")
    assert database.sql("SELECT count(*) FROM poolgate.replicas WHERE state = 'silent'") == "1"
    assert summary(database, "late.example.com", 'live_on, "of"') == "0|0"
