"""Load by wrk from core 1, and what it cost the peer."""

import json
import pathlib
import subprocess
import tempfile

from . import machine

SCRIPT = """
local tokens, hosts = {}, {}
for line in io.lines(os.getenv("BENCH_TOKENS")) do
  local host, token = line:match("^(%S+) (%S+)$")
  tokens[#tokens + 1] = token
  hosts[#hosts + 1] = host
end
local requests, at = {}, 0
function init(args)
  for i = 1, #tokens do
    requests[i] = wrk.format("GET", "/bench?x=1", {
      ["Host"] = hosts[i], ["Authorization"] = "Bearer " .. tokens[i],
      ["User-Agent"] = "bench/1.0", ["Accept"] = "*/*" })
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  io.stderr:write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.timeout))
end
"""


def run(peer, tokens, seconds, connections):
    """One round; raises where any answer was not 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "load.lua"
        script.write_text(SCRIPT)
        listing = pathlib.Path(folder) / "tokens"
        listing.write_text("".join(f"{host} {token}\n" for host, token in tokens))
        pids = machine.children(peer.pid)
        before = machine.cpu_seconds(pids)
        done = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), peer.url],
            env={"BENCH_TOKENS": str(listing), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True)
        spent = machine.cpu_seconds(pids) - before
    counts = json.loads(done.stderr.strip().splitlines()[-1])
    wrong = {key: counts[key] for key in ("status", "connect", "read", "write", "timeout") if counts[key]}
    if wrong or not counts["requests"]:
        raise SystemExit(f"{peer.name}: this run counts for nothing: {wrong or 'no request'}")
    return {
        "cpu_us": spent * 1e6 / counts["requests"],
        "requests_per_second": counts["requests"] * 1e6 / counts["duration_us"],
        "p50_ms": counts["p50_us"] / 1000,
        "p99_ms": counts["p99_us"] / 1000,
        "resident_mib": machine.resident_mib(pids),
    }
