"""What asking costs: forward-auth and ext_authz questions against the reverse proxy, against a peer that says yes at once, and
against a proxy that verifies by itself; and what the signed assertion costs."""

import pathlib
import re
import statistics
import subprocess
import sys

from . import load, others, peers
from .programs import TOP, own, program
from .row import Row, markdown, paired

NEEDS = ("poolgate", "stand-in-pool", "ext-authz-yes", "nginx", "envoy", "wrk", "taskset")
CALLERS = ["--trusted-callers", "127.0.0.1/32"]


def run(bench, options):
    rows, figures = [], {}
    for part in (questions, through_nginx, through_envoy, assertions):
        found, figures[part.__name__] = part(bench, options)
        rows += found
    return rows, figures


def taken(title, bench, running, options, more=()):
    """Rounds in turns; `more` are the processes that are ended with the peers."""
    rounds = {name: [] for name in running}
    for peer in running.values():
        load.run(peer, bench.tokens, 2, options.connections)
    for number in range(options.rounds):
        for name, peer in running.items():
            rounds[name].append(load.run(peer, bench.tokens, options.seconds, options.connections))
            print(f"compare: surfaces {number + 1}: {name:36} {rounds[name][-1]['cpu_us']:7.1f} µs", file=sys.stderr)
    bench.stop(*running.values(), *more)
    medians = {name: statistics.median(each["cpu_us"] for each in results) for name, results in rounds.items()}
    print(markdown([title, "CPU µs a request"], "lr", [[name, f"{cost:.1f}"] for name, cost in medians.items()]), end="\n\n")
    return rounds


def row(measure, rounds, first, second, target=None):
    mine, theirs = (statistics.median(each["cpu_us"] for each in rounds[name]) for name in (first, second))
    return Row(measure, paired(rounds[first], rounds[second]), "ratio", target, f"{mine:.1f} µs to {theirs:.1f} µs a request")


def asked(bench, flag, *more):
    """A gateway with a listener for questions, and its port."""
    port = peers.free_port()
    gateway = bench.start(lambda bench: peers.poolgate(bench, flag, f"127.0.0.1:{port}", *CALLERS, *more))
    return gateway, port


def questions(bench, options):
    """A question by itself, sent by the load as a proxy would; the reverse proxy does its upstream's part as well."""
    gateway, port = asked(bench, "--forward-auth-listen")
    question = peers.Peer("forward-auth question", gateway.process, f"http://127.0.0.1:{port}", asks=True)
    static = answering(bench)
    rounds = taken("who responds", bench, {"reverse proxy": gateway, "question": question, "nginx, static 200": static}, options)
    return [row("a warm question against a request through the reverse proxy", rounds, "question", "reverse proxy"),
            row("a warm question against nginx's static 200", rounds, "question", "nginx, static 200")], rounds


def answering(bench):
    """nginx that says 200 to whatever it is asked."""
    port = peers.free_port()
    configuration = bench.folder / f"static-{port}.conf"
    configuration.write_text(f"""
        daemon off; worker_processes 1; pid {bench.folder}/static-{port}.pid; error_log /dev/null;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
          server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200; }} }}
        }}""")
    process = bench.spawn([program("nginx"), "-c", str(configuration)], core=0)
    peers.wait_for(port)
    return peers.Peer("nginx, static 200", process, f"http://127.0.0.1:{port}")


def through_nginx(bench, options):
    """The shipped configuration, asking the gateway and asking a static 200; both programs count."""
    gateway, port = asked(bench, "--forward-auth-listen")
    static = answering(bench)
    running = {"nginx and Poolgate": asking_nginx(bench, port, gateway),
               "nginx and static 200": asking_nginx(bench, int(static.url.rsplit(":", 1)[1]), static)}
    rounds = taken("nginx with auth_request", bench, running, options, more=(gateway, static))
    return [row("nginx asking Poolgate against nginx asking a static 200", rounds, *running, 1.5)], rounds


def asking_nginx(bench, question_port, asked_peer):
    folder, port = shipped(bench, "nginx", question_port)
    configuration = folder / "nginx.conf"
    text = configuration.read_text().replace("worker_processes auto;", "worker_processes 1; error_log /dev/null;")
    # A worker of one process, whose connections last as long as the load.
    text = text.replace("worker_connections 1024", "worker_connections 4096").replace(
        "keepalive 32;", "keepalive 256; keepalive_requests 1000000000;", 2)
    configuration.write_text(text.replace("\nhttp {\n", "\nhttp {\n    access_log off; keepalive_requests 1000000000;\n", 1))
    process = bench.spawn(
        [program("nginx"), "-p", str(folder), "-c", str(configuration), "-g", f"daemon off; pid {folder}/pid;"], core=0)
    return serving(bench, peers.Peer("nginx with auth_request", process, f"http://127.0.0.1:{port}", also=[asked_peer.process]))


def serving(bench, peer):
    peers.wait_until_served(peer, peers.HOST, bench.tokens[0][1], lambda: bench.log(peer.process))
    return peer


def shipped(bench, name, question_port):
    """A copy of a proxy's files in ops/proxies with ports of this run, and the port on which the proxy listens."""
    port = peers.free_port()
    folder = bench.folder / f"{name}-{port}"
    folder.mkdir()
    ports = {8000: port, 8081: question_port, 8082: question_port, 3000: bench.upstream_port}
    for path in (TOP / "ops/proxies" / name).iterdir():
        text = path.read_text()
        for number, used in ports.items():
            text = re.sub(rf"\b{number}\b", str(used), text)
        (folder / path.name).write_text(text)
    return folder, port


def through_envoy(bench, options):
    """Envoy asking over gRPC, with whoever answers it, against Envoy that verifies by itself and remembers no verdict."""
    gateway, port = asked(bench, "--ext-authz-listen")
    yes_port = peers.free_port()
    yes = peers.Peer("yes", bench.spawn([own("ext-authz-yes"), str(yes_port)], core=0), f"http://127.0.0.1:{yes_port}")
    peers.wait_for(yes_port)
    running = {"Envoy and Poolgate": asking_envoy(bench, port, gateway),
               "Envoy and a server that says yes": asking_envoy(bench, yes_port, yes),
               "Envoy jwt_authn": bench.start(others.envoy_without_cache)}
    rounds = taken("Envoy with ext_authz over gRPC", bench, running, options, more=(gateway, yes))
    return [row("Envoy asking Poolgate against Envoy verifying, without cache", rounds, "Envoy and Poolgate", "Envoy jwt_authn", 1.0),
            row("Envoy asking Poolgate against Envoy asking who says yes at once", rounds, "Envoy and Poolgate",
                "Envoy and a server that says yes")], rounds


def asking_envoy(bench, question_port, asked_peer):
    folder, port = shipped(bench, "envoy", question_port)
    process = bench.spawn(
        [program("envoy"), "-c", str(folder / "ext-authz-grpc.yaml"), "--concurrency", "1", "--use-dynamic-base-id",
         "--log-level", "error"], core=0)
    return serving(bench, peers.Peer("Envoy with ext_authz", process, f"http://127.0.0.1:{port}", also=[asked_peer.process]))


def assertions(bench, options):
    """The signed assertion, made once for a token and half a minute, against none."""
    keys = pathlib.Path(bench.folder) / "signing-keys"
    keys.mkdir(mode=0o700)
    subprocess.run([own("poolgate"), "keys", "new", "--signing-keys", str(keys)], check=True, capture_output=True)
    running = {"without assertion": bench.start(peers.poolgate),
               "with assertion": bench.start(lambda bench: peers.poolgate(bench, "--signing-keys", str(keys)))}
    for name, peer in running.items():
        _, assertion = peers.ask(peer, peers.HOST, bench.tokens[0][1], "/assertion")
        if (assertion.count(".") == 2) != (name == "with assertion"):
            raise SystemExit(f"poolgate {name} says upstream {assertion!r}")
    rounds = taken("the reverse proxy", bench, running, options)
    return [row("a warm request with the assertion against one without", rounds, *reversed(running), 1.05)], rounds
