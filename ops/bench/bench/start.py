"""From exec to readiness with many tenants in a database that is running."""

import statistics
import subprocess
import time
import urllib.request

from . import machine, peers
from .programs import own
from .row import Row

NEEDS = ("poolgate", "stand-in-pool", "nginx", "taskset")


def run(bench, options):
    """Seconds until `/ready` says 200; the embedded Postgres of another, idle gateway is the database."""
    owner, pools = bench.start(peers.poolgate), max(1, options.tenants // 10)
    peers.insert(bench, owner.process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT 't' || n || '.example.net', 'eu-west-1', 'eu-west-1_Start' || n % {pools}
        FROM generate_series(1, {options.tenants}) n""")
    peers.wait_for_pools(owner, pools + 1)
    peers.insert(bench, owner.process, "VACUUM ANALYZE poolgate.tenants")
    url = peers.database_url(bench, owner.process)
    # The first start is what warms the database.
    rounds = [start(bench, url, number) for number in range(options.rounds + 1)][1:]
    bench.stop(owner)
    row = Row(f"start to ready with {options.tenants:,} tenants on {pools:,} pools",
              statistics.median(each["seconds"] for each in rounds), "s", 2,
              f"worst {max(each['seconds'] for each in rounds):.2f} s; "
              f"{statistics.median(each['resident_mib'] for each in rounds):.0f} MiB resident")
    return [row], rounds


def start(bench, url, number):
    port, admin = peers.free_port(), peers.free_port()
    command = [own("poolgate"), "serve", "--database-url", url, "--state-dir", str(bench.folder / f"start-{number}"),
               *peers.settings(bench, port, admin)]
    begun = time.monotonic()
    process = bench.spawn(command, core="0,1")
    while not is_ready(admin):
        if process.poll() is not None or time.monotonic() - begun > 60:
            raise SystemExit(f"poolgate does not become ready:\n{bench.log(process)}")
        time.sleep(0.01)
    seconds = time.monotonic() - begun
    resident = machine.resident_mib([process.pid])
    bench.stop(peers.Peer("poolgate", process, ""))
    return {"seconds": seconds, "resident_mib": resident}


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
