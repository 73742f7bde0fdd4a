"""Tenants by SQL: what an admin writes is served, whatever happens to the database."""

import contextlib
import itertools
import os
import random
import signal
import threading
import time

import pytest

from conftest import make_tenant
from processes import Postgres, wait_until
from wire import request


def test_insert_update_and_delete_are_live_at_once(gateway, stand_in, pool):
    host = "life.example.com"
    assert gateway.get(host).status == 421
    tenant = make_tenant(gateway, gateway.database, stand_in, pool, host)
    token = tenant.token()
    gateway.wait_status(200, host, token)
    tenant.update(f"pool_id = '{pool}new'")
    gateway.wait_status(401, host, token)
    gateway.wait_status(200, host, stand_in.mint(pool + "new"))
    gateway.database.sql(f"DELETE FROM poolgate.tenants WHERE host = '{host}'")
    gateway.wait_status(421, host)


def test_a_wildcard_row_serves_every_depth_and_yields_to_longer_names(gateway, stand_in, pool):
    make_tenant(gateway, gateway.database, stand_in, pool, "wild.example.net")
    gateway.database.add("*.wild.example.net", pool + "w")
    gateway.wait_status(401, "a.wild.example.net")
    assert gateway.get("a.b.wild.example.net", stand_in.mint(pool + "w")).status == 200
    assert gateway.get("wild.example.net", stand_in.mint(pool)).status == 200
    assert gateway.get("wild.example.net", stand_in.mint(pool + "w")).status == 401
    gateway.database.add("a.wild.example.net", pool)
    gateway.wait_status(200, "a.wild.example.net", stand_in.mint(pool))


def test_a_bad_row_is_quarantined_alone(gateway, stand_in, pool):
    good = make_tenant(gateway, gateway.database, stand_in, pool)
    bad = make_tenant(gateway, gateway.database, stand_in, pool + "b")
    # Past the triggers and checks, as a newer rule or a careless superuser would leave it.
    gateway.database.sql(f"""
        ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
        DO $$ DECLARE c record; BEGIN
          FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'poolgate.tenants'::regclass AND contype = 'c' LOOP
            EXECUTE format('ALTER TABLE poolgate.tenants DROP CONSTRAINT %I', c.conname);
          END LOOP; END $$;
        UPDATE poolgate.tenants SET upstream = 'nonsense', changed = pg_current_xact_id() WHERE host = '{bad.host}';
        ALTER TABLE poolgate.tenants ENABLE TRIGGER USER;
        NOTIFY poolgate, 'tenants'""")
    answer = gateway.wait_status(503, bad.host)
    assert answer.error == "tenant_misconfigured"
    assert good.get(good.token()).status == 200
    state = wait_until(lambda: gateway.database.sql(
        f"SELECT state || ': ' || detail FROM poolgate.tenant_status WHERE host = '{bad.host}' AND state = 'quarantined'"))
    assert "nonsense" in state


def test_a_bad_insert_is_refused_in_a_sentence(gateway):
    done = gateway.database.sql(
        "INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('x.example.com', 'eu-west-1', 'us-east-1_abc')", check=False)
    assert done.returncode != 0
    assert "us-east-1" in done.stderr and "HINT" in done.stderr


def test_tenants_are_served_on_while_the_database_is_away_and_changes_come_when_it_is_back(binaries, start, stand_in, pool, run):
    server = Postgres()
    try:
        database = server.new_database()
        assert run("migrate", "--database-url", database.url).returncode == 0
        gateway = start(database_url=database.url)
        tenant = make_tenant(gateway, database, stand_in, pool)
        token = tenant.token()
        gateway.wait_status(200, tenant.host, token)
        server.stop()
        for _ in range(10):
            assert tenant.get(token).status == 200
        assert gateway.admin("/ready")[0] == 200
        server.start()
        database.sql(f"UPDATE poolgate.tenants SET status = 'suspended' WHERE host = '{tenant.host}'")
        gateway.wait_status(403, tenant.host, token, seconds=30)
        # The listening connection alone is cut, and a change made meanwhile.
        database.sql(f"""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
            UPDATE poolgate.tenants SET status = 'active' WHERE host = '{tenant.host}'""")
        gateway.wait_status(200, tenant.host, token, seconds=30)
        # A gateway that starts without its database serves the last good snapshot.
        gateway.stop()
        server.stop()
        again = start(database_url=database.url, state=gateway.state)
        assert again.get(tenant.host, token).status == 200
        again.stop()
    finally:
        server.remove()


def signal_if_there(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@pytest.mark.waits_long
def test_a_hung_database_is_noticed_and_left(start, stand_in, pool, run):
    server = Postgres()
    try:
        database = server.new_database()
        assert run("migrate", "--database-url", database.url).returncode == 0
        gateway = start(database_url=database.url)
        tenant = make_tenant(gateway, database, stand_in, pool)
        # The server first, so that its list of processes stays as it is; a worker of it may still end by itself.
        stopped = [server.process.pid]
        os.kill(stopped[0], signal.SIGSTOP)
        stopped += map(int, open(f"/proc/{stopped[0]}/task/{stopped[0]}/children").read().split())
        for pid in stopped[1:]:
            signal_if_there(pid, signal.SIGSTOP)
        assert tenant.get(tenant.token()).status == 200
        gateway.wait_event("database_lost", 20)
        for pid in stopped:
            signal_if_there(pid, signal.SIGCONT)
        database.sql(f"UPDATE poolgate.tenants SET status = 'suspended' WHERE host = '{tenant.host}'")
        gateway.wait_status(403, tenant.host, seconds=20)
    finally:
        server.remove()


@pytest.mark.waits_long
def test_a_lost_notification_is_made_good_by_the_timer(gateway, stand_in, pool):
    tenant = make_tenant(gateway, gateway.database, stand_in, pool)
    gateway.database.sql(f"""
        BEGIN; ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
        UPDATE poolgate.tenants SET status = 'suspended', changed = pg_current_xact_id() WHERE host = '{tenant.host}';
        ALTER TABLE poolgate.tenants ENABLE TRIGGER USER; COMMIT""")
    gateway.wait_status(403, tenant.host, seconds=45)


def test_an_emptied_table_is_believed_after_a_second_look(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    database.sql("TRUNCATE poolgate.tenants CASCADE")
    assert gateway.wait_status(421, tenant.host, seconds=20).error == "unknown_host"
    database.add(tenant.host, pool)
    gateway.wait_status(401, tenant.host)


def test_wait_until_live_says_when_every_replica_serves_a_row(start, database, pool):
    one, two = start(database_url=database.url), start(database_url=database.url)
    database.add("live.example.com", pool)
    begun = time.monotonic()
    assert database.sql("SELECT poolgate.wait_until_live('live.example.com', '10 seconds')") == "2"
    assert time.monotonic() - begun < 9
    assert one.get("live.example.com").status == two.get("live.example.com").status == 401
    done = database.sql(
        f"BEGIN; UPDATE poolgate.tenants SET comment = 'x' WHERE host = 'live.example.com'; "
        "SELECT poolgate.wait_until_live('live.example.com', '1 second'); COMMIT", check=False)
    assert "commit first" in done.stderr


def test_health_is_readable_by_select(start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    make_tenant(gateway, database, stand_in, pool, "ok.example.com")
    stand_in.fail(pool + "f", "500")
    make_tenant(gateway, database, stand_in, pool + "f", "failing.example.com")

    def state(host):
        return database.sql(f"SELECT state FROM poolgate.tenant_status WHERE host = '{host}'")
    wait_until(lambda: state("ok.example.com") == "ready" and state("failing.example.com") == "failing", 20)
    database.sql("UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'ok.example.com'")
    wait_until(lambda: state("ok.example.com") == "suspended")


def test_changes_under_load_disturb_nobody(start, database, stand_in, pool):
    """Requests that were judged by one directory go on while the next ones arrive."""
    gateway = start(database_url=database.url)
    tenants = [make_tenant(gateway, database, stand_in, pool) for _ in range(3)]
    tokens = stand_in.mint_many(pool, 1200)
    statuses, over = [], threading.Event()

    def ask(number):
        mine = iter(tokens[number::4])
        while not over.is_set():
            with gateway.connect() as connection:
                batch = [(random.choice(tenants).host, token) for token in itertools.islice(mine, 10)]
                batch = batch or [(tenants[0].host, tokens[0])] * 10
                connection.send(b"".join(request("GET", "/", host, token) for host, token in batch))
                statuses.extend(connection.read().status for _ in batch)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        tenants[number % 3].update(f"max_body_bytes = {number + 1}")
        database.sql(f"INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('eu-west-1', '{pool}', 'j{number}')")
    over.set()
    for thread in threads:
        thread.join(20)
    assert gateway.process.poll() is None, gateway.log()[-3000:]
    assert len(statuses) > 500 and set(statuses) == {200}
