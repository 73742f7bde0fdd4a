"""p99 at 70 % of the gateway's own peak, against nginx at the same rate."""

import statistics

from . import load, peers
from .row import Row

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "luajit", "taskset")
SHARE = 0.7


def run(bench, options):
    """The peak is what wrk reaches; the rate is then kept by the clock, whatever became of earlier requests."""
    running = {"poolgate": bench.start(peers.poolgate), "nginx": bench.start(peers.nginx)}
    peak = statistics.median(
        load.run(running["poolgate"], bench.tokens, options.seconds, options.connections)["requests_per_second"]
        for _ in range(3))
    rate = round(SHARE * peak)
    rounds = {name: [] for name in running}
    for number in range(options.rounds + 1):
        for name, peer in running.items():
            result = load.run_at_rate(
                peer, bench.tokens, rate, options.seconds, 4 * options.connections, seed=number)
            # The first round is what warms.
            if number:
                rounds[name].append(result)
    bench.stop(*running.values())
    table = {name: {key: statistics.median(result[key] for result in results) for key in results[0]}
             for name, results in rounds.items()}
    note = ", ".join(f"{name} {row['p99_ms']:.2f} ms (p50 {row['p50_ms']:.2f}, core {row['cpu_us'] * rate / 1e6:.0%} busy)"
                     for name, row in table.items())
    row = Row(f"p99 at {SHARE:.0%} of the gateway's peak, against nginx", table["poolgate"]["p99_ms"] / table["nginx"]["p99_ms"],
              "ratio", 1.2, f"{note}; {rate:,} requests/s of {peak:,.0f}")
    return [row], rounds
