"""Every token new, so that nobody's memory of tokens helps: what verifying costs."""

import statistics

from . import load, others, peers
from .row import Row, paired

NEEDS = ("poolgate", "stand-in-pool", "nginx", "wrk", "taskset", "haproxy")


def run(bench, options):
    """CPU a request against HAProxy, which remembers no verdict anyway.

    One list serves all rounds: each is sent to a host of its own, and what the gateway remembers is a token at a tenant.
    """
    tokens = bench.mint(peers.POOL, options.cold_tokens)
    gateway, other = bench.start(peers.poolgate), bench.start(others.haproxy)
    hosts = [f"round{number}.example.com" for number in range(options.rounds + 1)]
    peers.insert(bench, gateway.process, f"""
        INSERT INTO poolgate.tenants (host, region, pool_id, client_ids)
        SELECT host, '{peers.REGION}', '{peers.POOL}', '{{{peers.CLIENT}}}' FROM unnest('{{{",".join(hosts)}}}'::text[]) host""")
    for host in hosts:
        peers.wait_until_served(gateway, host, bench.tokens[0][1])
    rounds = {"poolgate": [], "haproxy": []}
    for number, host in enumerate(hosts):
        for name, peer in (("poolgate", gateway), ("haproxy", other)):
            result = load.run(peer, [(host, token) for token in tokens], 120, options.connections, once=True)
            # The first round is what warms.
            if number:
                rounds[name].append(result)
    bench.stop(gateway, other)
    own, theirs = (statistics.median(result["cpu_us"] for result in rounds[name]) for name in ("poolgate", "haproxy"))
    row = Row("every token new, against HAProxy jwt_verify", paired(rounds["poolgate"], rounds["haproxy"]), "ratio", 0.7,
              f"{own:.1f} µs to {theirs:.1f} µs a request, {len(tokens):,} tokens a round")
    return [row], rounds
