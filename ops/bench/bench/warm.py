"""Warm tokens: every peer in turns, the same tokens again and again."""

import statistics
import sys

from . import load, others, peers
from .row import Row, markdown, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "taskset")
PEERS = {"floor": peers.floor, "nginx": peers.nginx, "poolgate": peers.poolgate, **others.ALL}
TARGETS = {"floor": 1.45, "nginx": 1.0, "haproxy": 0.4, "envoy-cache": 0.25}


def run(bench, options):
    """The table of all peers, and the gateway's ratios to them."""
    running = {name: bench.start(PEERS[name]) for name in options.peers}
    rounds = {name: [] for name in running}
    for peer in running.values():
        load.run(peer, bench.tokens, seconds=2, connections=options.connections)
    for number in range(options.rounds):
        for name, peer in running.items():
            result = load.run(peer, bench.tokens, seconds=options.seconds, connections=options.connections)
            rounds[name].append(result)
            print(f"compare: warm {number + 1}: {name:12} {result['cpu_us']:7.1f} µs a request", file=sys.stderr)
    bench.stop(*running.values())
    medians = {name: {key: statistics.median(result[key] for result in results) for key in results[0]}
               for name, results in rounds.items()}
    show(medians, rounds, running)
    own = medians.get("poolgate")
    rows = [] if not own else [
        Row(f"warm token against {running[name].name}", paired(rounds["poolgate"], rounds[name]), "ratio", TARGETS.get(name),
            f"{own['cpu_us']:.1f} µs to {row['cpu_us']:.1f} µs a request")
        for name, row in medians.items() if name != "poolgate"]
    return rows, {"medians": medians, "rounds": rounds}


def show(medians, rounds, running):
    own = medians.get("poolgate")
    lines = [
        [running[name].name, f"{row['cpu_us']:.1f}", f"{row['requests_per_second']:,.0f}", f"{row['p50_ms']:.2f}",
         f"{row['p99_ms']:.2f}", f"{row['resident_mib']:.0f}", f"{paired(rounds['poolgate'], rounds[name]):.2f}" if own else "–"]
        for name, row in medians.items()]
    print(markdown(["peer", "CPU µs a request", "requests/s", "p50 ms", "p99 ms", "MiB resident", "Poolgate's CPU against it"],
                   "lrrrrrr", lines), end="\n\n")
