"""Rules, a claim mapping and a million revocations against none: the same tokens to two gateways in turns."""

import statistics
import time

from . import load, machine, peers
from .row import Row, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "taskset")


def run(bench, options):
    """CPU a request with policy in place against none, and what the revocations take of memory."""
    running = {"none": bench.start(peers.poolgate), "policy": bench.start(peers.poolgate)}
    policy = running["policy"]
    load.run(policy, bench.tokens, 2, options.connections)
    before = machine.resident_mib([policy.pid])
    peers.insert(bench, policy.process, f"""
        INSERT INTO poolgate.revocations (region, pool_id, jti)
        SELECT '{peers.REGION}', '{peers.POOL}', gen_random_uuid() FROM generate_series(1, {options.revocations})""")
    # The last of all, so that everything before it is in force.
    revoked = bench.mint(peers.POOL, 1, claims={"jti": "the-last"})[0]
    peers.insert(bench, policy.process, f"""
        INSERT INTO poolgate.revocations (region, pool_id, jti) VALUES ('{peers.REGION}', '{peers.POOL}', 'the-last')""")
    wait_until(policy, revoked, 401)
    # Until the snapshot is on disk, too.
    time.sleep(15)
    taken = machine.resident_mib([policy.pid]) - before
    peers.insert(bench, policy.process, f"""
        INSERT INTO poolgate.rules (host, path_prefix, required_groups)
        SELECT '{peers.HOST}', '/area/' || n, '{{staff}}' FROM generate_series(1, 20) n;
        INSERT INTO poolgate.rules (host, path_prefix, required_groups, required_claims)
        VALUES ('{peers.HOST}', '/', '{{staff,admins}}', '{{"client_id": "{peers.CLIENT}"}}');
        UPDATE poolgate.tenants SET claim_headers = '{{"X-Scope": "scope"}}' WHERE host = '{peers.HOST}'""")
    wait_until(policy, bench.mint(peers.POOL, 1, groups=[])[0], 403)
    rounds = {name: [] for name in running}
    for peer in running.values():
        load.run(peer, bench.tokens, 2, options.connections)
    for _ in range(2 * options.rounds):
        for name, peer in running.items():
            rounds[name].append(load.run(peer, bench.tokens, options.seconds, options.connections))
    bench.stop(*running.values())
    own, base = (statistics.median(result["cpu_us"] for result in rounds[name]) for name in ("policy", "none"))
    return [
        Row("warm token with 21 rules, a claim mapping and revocations, against none", paired(rounds["policy"], rounds["none"]),
            "ratio", 1.03, f"{own:.1f} µs to {base:.1f} µs a request"),
        Row(f"{options.revocations:,} revocations, resident memory", taken, "MiB", 95.4, "100 MB"),
    ], rounds | {"revocations_mib": taken}


def wait_until(peer, token, status):
    deadline = time.monotonic() + 120
    while peers.ask(peer, peers.HOST, token)[0] != status:
        if time.monotonic() > deadline:
            raise SystemExit(f"the policy is not in force: no {status}")
        time.sleep(0.1)
