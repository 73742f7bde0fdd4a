"""What the tests stand on: real programs, one of each a session, a database and hosts of its own for each test."""

import itertools
import os
import pathlib
import subprocess

import pytest

from gateway import Gateway
from gateway import run as run_command
from processes import TOP, Moto, Postgres, StandIn, wait_until
from upstream import Upstream

NUMBERS = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "waits_long: waits for ten seconds and more, and so begins before others")


def pytest_collection_modifyitems(items):
    """What waits long begins first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("waits_long") is None)


@pytest.fixture(scope="session")
def binaries():
    if path := os.environ.get("TEST_BINARIES"):
        return pathlib.Path(path)
    return pathlib.Path(subprocess.run(
        ["swift", "build", "--show-bin-path"], cwd=TOP, check=True, capture_output=True, text=True).stdout.strip())


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def stand_in(binaries):
    server = StandIn(binaries)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def moto():
    server = Moto()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shared_upstream():
    server = Upstream()
    yield server
    server.remove()


@pytest.fixture
def upstream(shared_upstream):
    shared_upstream.reset()
    yield shared_upstream
    shared_upstream.reset()


@pytest.fixture
def own_upstream():
    server = Upstream()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated(binaries, postgres):
    """Makes databases with the schema in them: copies of one that the program migrated."""
    original = postgres.new_database()
    done = run_command(binaries, "migrate", "--database-url", original.url)
    assert done.returncode == 0, done.stdout + done.stderr
    return lambda: postgres.new_database(template=original)


@pytest.fixture
def database(migrated):
    return migrated()


@pytest.fixture(scope="session")
def shared_gateway(binaries, migrated, stand_in, shared_upstream):
    """One gateway for all tests that need none of their own."""
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template)
    gateway.database = database
    yield gateway
    gateway.remove()


@pytest.fixture
def gateway(shared_gateway):
    assert shared_gateway.process.poll() is None, "the gateway died:\n" + shared_gateway.log()[-5000:]
    yield shared_gateway
    assert shared_gateway.process.poll() is None, "the gateway died:\n" + shared_gateway.log()[-5000:]


@pytest.fixture
def start(binaries, stand_in, shared_upstream):
    """Starts gateways that end with the test."""
    running = []

    def begin(*arguments, **options):
        options = {"upstream": shared_upstream.url, "jwks_url_template": stand_in.template} | options
        gateway = Gateway(binaries, arguments, **options)
        running.append(gateway)
        return gateway
    yield begin
    for gateway in running:
        gateway.remove()


@pytest.fixture
def pool():
    """The id of a pool that nobody used before."""
    return f"eu-west-1_Test{next(NUMBERS):05}"


@pytest.fixture
def tenant(gateway, pool, stand_in):
    """A host of the shared gateway with a pool of its own, live; `tenant.token()` mints."""
    return make_tenant(gateway, gateway.database, stand_in, pool)


def make_tenant(gateway, database, stand_in, pool, host=None, **columns):
    host = host or f"h{next(NUMBERS)}.example.com"
    database.add(host, pool, **columns)
    gateway.wait_status(401, host)
    return Tenant(gateway, database, stand_in, host, pool)


class Tenant:
    def __init__(self, gateway, database, stand_in, host, pool):
        self.gateway, self.database, self.stand_in, self.host, self.pool = gateway, database, stand_in, host, pool

    def token(self, **order):
        return self.stand_in.mint(self.pool, **order)

    def get(self, token=None, **options):
        return self.gateway.get(self.host, token, **options)

    def update(self, assignments):
        self.database.sql(f"UPDATE poolgate.tenants SET {assignments} WHERE host = '{self.host}'")

    def update_and_wait(self, assignments):
        """Returns when the gateway has read the change, and every loop judges by it: a host of the same transaction has
        become known, and no loop is behind."""
        self.marker = f"m{getattr(self, 'marker', self.host)}"
        self.database.sql(f"""
            BEGIN; UPDATE poolgate.tenants SET {assignments} WHERE host = '{self.host}';
            INSERT INTO poolgate.tenants (host, region, pool_id)
            SELECT '{self.marker}', region, pool_id FROM poolgate.tenants WHERE host = '{self.host}'; COMMIT""")
        self.gateway.wait_status(401, self.marker)
        wait_until(lambda: "poolgate_outdated_loops 0\n" in self.gateway.admin("/metrics")[1], what="every loop's new snapshot")


@pytest.fixture
def run(binaries):
    def begin(*arguments, **options):
        return run_command(binaries, *arguments, **options)
    return begin


@pytest.fixture
def role(postgres):
    """A login of its own that may do nothing; `role(database)` is the URL of a database for it."""
    name = f"role{next(NUMBERS)}"
    postgres.sql(f"CREATE ROLE {name} LOGIN", "postgres")

    def url(database):
        return database.url.replace("postgres@", f"{name}@")
    url.name = name
    return url
