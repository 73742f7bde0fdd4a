"""Two workers against one at the same rate: what the loops share costs."""

import os
import statistics

from . import load, peers
from .row import Row, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "luajit", "taskset")


def run(bench, options):
    """CPU a request with two workers against one, one busy tenant; gateway and client may use both cores."""
    running = {count: bench.start(lambda bench, count=count: peers.poolgate(bench, workers=count, core="0,1"))
               for count in (1, 2)}
    rounds = {count: [] for count in running}
    for peer in running.values():
        load.run(peer, bench.tokens, 1, options.connections)
    for number in range(options.rounds):
        for count, peer in running.items():
            rounds[count].append(load.run_at_rate(
                peer, bench.tokens, options.rate, options.seconds, options.connections, seed=number, core="0,1"))
    bench.stop(*running.values())
    one, two = (statistics.median(result["cpu_us"] for result in rounds[count]) for count in (1, 2))
    rows = [Row("CPU with two workers against one", paired(rounds[2], rounds[1]), "ratio", 1.1,
                f"{two:.1f} µs to {one:.1f} µs a request, both at {options.rate:,} requests/s")]
    if os.cpu_count() >= 4:
        rows.append(throughput(bench, options, rounds))
    return rows, rounds


def throughput(bench, options, rounds):
    """How much more two workers carry, on cores 0 and 2; the upstream has core 1 and the client core 3."""
    running = {count: bench.start(lambda bench, count=count: peers.poolgate(bench, workers=count, core="0,2"))
               for count in (1, 2)}
    reached = {count: [] for count in running}
    for _ in range(options.rounds):
        for count, peer in running.items():
            result = load.run(peer, bench.tokens, options.seconds, 4 * options.connections, core="3")
            reached[count].append(result["requests_per_second"])
    bench.stop(*running.values())
    rounds["throughput"] = reached
    one, two = (statistics.median(reached[count]) for count in (1, 2))
    return Row("throughput with two workers against one", two / one, "ratio", 1.7,
               f"{two:,.0f} to {one:,.0f} requests/s", at_least=True)
