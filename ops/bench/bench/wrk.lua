-- wrk's side of a round: the requests are rendered before the first is sent, so that a list costs the same whatever
-- stands in it. BENCH_TOKENS: a file of lines "HOST TOKEN". BENCH_ONCE=1: each line once, and the end with the last.
-- BENCH_ASKS=1: not the request but a proxy's question about it.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal);")
local once = os.getenv("BENCH_ONCE") == "1"
local requests, at = {}, 0

function init(args)
  for line in io.lines(os.getenv("BENCH_TOKENS")) do
    local host, token = line:match("^(%S+) (%S+)$")
    local fields = {
      ["Host"] = host, ["Authorization"] = "Bearer " .. token, ["User-Agent"] = "bench/1.0", ["Accept"] = "*/*" }
    if os.getenv("BENCH_ASKS") == "1" then
      fields["Host"], fields["X-Forwarded-Host"] = "poolgate", host
      fields["X-Forwarded-Method"], fields["X-Forwarded-Uri"] = "GET", "/bench?x=1"
    end
    requests[#requests + 1] = wrk.format("GET", "/bench?x=1", fields)
  end
end

function request()
  if once and at == #requests then
    -- Stops this loop now; the signal wakes wrk's main thread, which would sleep to the end of its time.
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), 2)
  end
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  io.stderr:write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.timeout))
end
