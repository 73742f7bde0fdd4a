"""Many tenants in turn against one: the same number of remembered tokens, sent by the same client."""

import concurrent.futures
import statistics

from . import load, peers
from .row import Row, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "taskset")


def run(bench, options):
    """CPU a request with every tenant in turn, against one tenant with as many tokens; both in one process."""
    count, pools = options.tenants, max(1, options.tenants // 10)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        minted = list(threads.map(lambda number: bench.mint(f"eu-west-1_Many{number}", -(-count // pools)), range(pools)))
    many = [(f"t{number}.example.net", minted[number % pools][number // pools]) for number in range(count)]
    one = [(peers.HOST, token) for token in bench.mint(peers.POOL, count)]
    # Room for every token: what is forgotten would be verified again.
    gateway = bench.start(lambda bench: peers.poolgate(bench, "--token-cache-bytes", "2GiB"))
    peers.insert(bench, gateway.process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id, client_ids)
        SELECT 't' || n || '.example.net', 'eu-west-1', 'eu-west-1_Many' || n % {pools}, '{{{peers.CLIENT}}}'
        FROM generate_series(0, {count - 1}) n""")
    peers.wait_for_pools(gateway, pools + 1)
    rounds = {"one": [], "many": []}
    for _ in range(options.rounds + 1):
        for name, tokens in (("one", one), ("many", many)):
            rounds[name].append(load.run(gateway, tokens, 120, options.connections, once=True))
    bench.stop(gateway)
    # The first pass is what warms.
    first = rounds["one"].pop(0)["cpu_us"], rounds["many"].pop(0)["cpu_us"]
    base, own = (statistics.median(result["cpu_us"] for result in rounds[name]) for name in ("one", "many"))
    row = Row(f"{count:,} tenants on {pools:,} pools in turn, against one tenant", paired(rounds["many"], rounds["one"]), "ratio", 1.1,
              f"{own:.1f} µs to {base:.1f} µs a request; while they were new {first[1]:.1f} and {first[0]:.1f}")
    return [row], rounds
