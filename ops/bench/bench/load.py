"""Load from core 1, and what it cost the peer."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

from . import machine
from .programs import program

WRK, RATE = (pathlib.Path(__file__).with_name(name) for name in ("wrk.lua", "rate.lua"))
SCRIPT = WRK.read_text()
ERRORS = ("status", "connect", "read", "write", "timeout")


def run(peer, tokens, seconds, connections, once=False, core="1"):
    """One round of wrk, as fast as it gets answers; `once` sends each token once and ends with the last."""
    with listing(tokens) as file, Cost(peer) as cost:
        done = subprocess.run(
            [program("taskset"), "-c", core, program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(WRK), peer.url],
            env={"BENCH_TOKENS": file, "PATH": os.environ["PATH"], "BENCH_ONCE": "1" if once else "", "BENCH_ASKS": "1" if peer.asks else ""},
            capture_output=True, text=True, check=True)
    counts = json.loads(done.stderr.strip().splitlines()[-1])
    if wrong := {key: counts[key] for key in ERRORS if counts[key]}:
        void(peer, wrong)
    if not counts["requests"]:
        void(peer, "nothing was answered")
    # What was under way as the last token left is not counted as answered.
    if once and counts["requests"] < len(tokens) - connections:
        void(peer, f"{counts['requests']} of {len(tokens)} tokens were sent in {seconds} s")
    return result(counts, cost)


def run_at_rate(peer, tokens, rate, seconds, connections, seed, core="1"):
    """One round at a rate, open loop: `rate.lua` says how."""
    with listing(tokens) as file, Cost(peer) as cost:
        done = subprocess.run(
            [program("taskset"), "-c", core, program("luajit"), str(RATE), peer.url.rsplit(":", 1)[1], str(rate), str(seconds),
             str(connections), file, str(seed)], capture_output=True, text=True)
    if done.returncode:
        void(peer, done.stderr.strip())
    counts = json.loads(done.stdout)
    reached = result(counts, cost)
    if reached["requests_per_second"] < 0.95 * rate:
        void(peer, f"{reached['requests_per_second']:,.0f} requests/s where {rate:,.0f} were due")
    return reached | {"waited": counts["waited"] / counts["requests"]}


def void(peer, why):
    raise SystemExit(f"{peer.name}: this run counts for nothing: {why}")


def result(counts, cost):
    return {
        "cpu_us": cost.seconds * 1e6 / counts["requests"],
        "requests_per_second": counts["requests"] * 1e6 / counts["duration_us"],
        "p50_ms": counts["p50_us"] / 1000,
        "p99_ms": counts["p99_us"] / 1000,
        "resident_mib": cost.resident_mib,
    }


class Cost:
    """CPU seconds of the peer, all its processes and threads, and the memory that they hold at the end."""

    def __init__(self, peer):
        self.pids = peer.pids

    def spent(self):
        return {pid: seconds for each in self.pids for pid, seconds in machine.cpu_by_process(each).items()}

    def __enter__(self):
        self.before = self.spent()
        return self

    def __exit__(self, *_):
        after = self.spent()
        # One that began meanwhile counts whole. One that ended would take what it cost with it.
        if missing := self.before.keys() - after.keys():
            raise SystemExit(f"a process of the peer ended during the run: {missing}")
        self.seconds = sum(spent - self.before.get(pid, 0) for pid, spent in after.items())
        self.resident_mib = machine.resident_mib(after)


@contextlib.contextmanager
def listing(tokens):
    """A file of the hosts and tokens, as both generators read it."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines(f"{host} {token}\n" for host, token in tokens)
        file.flush()
        yield file.name
