-- Load at a given rate, for LuaJIT: requests become due by a Poisson process, whatever became of those before, and a
-- latency counts from the moment at which its request was due. One that finds every connection busy waits its turn,
-- and that wait counts too. Says one line of JSON.
--
--   luajit rate.lua PORT RATE SECONDS CONNECTIONS FILE SEED      FILE: lines "HOST TOKEN"
local ffi = require("ffi")
ffi.cdef [[
  struct timespec { long seconds, nanoseconds; };
  struct sockaddr_in { uint16_t family, port; uint32_t address; char zero[8]; };
  struct epoll_event { uint32_t events; int fd; int unused; } __attribute__((packed));
  int socket(int, int, int); int connect(int, const struct sockaddr_in *, unsigned); int close(int);
  int setsockopt(int, int, int, const void *, unsigned);
  long send(int, const void *, size_t, int); long recv(int, void *, size_t, int);
  int epoll_create1(int); int epoll_ctl(int, int, int, struct epoll_event *);
  int epoll_pwait2(int, struct epoll_event *, int, const struct timespec *, const void *);
  int clock_gettime(int, struct timespec *); int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long);
]]
local C = ffi.C
local MONOTONIC, DONTWAIT, TIMERSLACK = 1, 0x40, 29
local port, rate, seconds, connections = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local requests = {}
for line in io.lines(arg[5]) do
  local host, token = line:match("^(%S+) (%S+)$")
  requests[#requests + 1] = "GET /bench?x=1 HTTP/1.1\r\nHost: " .. host .. "\r\nAuthorization: Bearer " .. token
    .. "\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n"
end
math.randomseed(tonumber(arg[6]))

local clock = ffi.new("struct timespec")
local function now()
  C.clock_gettime(MONOTONIC, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) * 1e-9
end

local function fail(words)
  io.stderr:write(words, "\n")
  os.exit(1)
end

local poll = C.epoll_create1(0)
local idle, idle_count = {}, 0
for number = 1, connections do
  local fd = C.socket(2, 1, 0)
  local swapped = bit.bor(bit.lshift(bit.band(port, 255), 8), bit.rshift(port, 8))
  local address = ffi.new("struct sockaddr_in", { family = 2, port = swapped, address = 0x0100007f })
  if C.connect(fd, address, ffi.sizeof(address)) ~= 0 then fail("connect " .. ffi.errno()) end
  C.setsockopt(fd, 6, 1, ffi.new("int[1]", 1), 4)
  C.epoll_ctl(poll, 1, fd, ffi.new("struct epoll_event", { events = 1, fd = fd }))
  idle_count = idle_count + 1
  idle[idle_count] = fd
end
-- Without this a timer may be 50 microseconds late.
C.prctl(TIMERSLACK, 1, 0, 0, 0)

-- Requests that are due wait in a ring between `first` and `last`.
local due, first, last = {}, 1, 0
local since, partial, latencies = {}, {}, {}
local at, answered, waited, busy = 0, 0, 0, 0
local buffer, events, wait = ffi.new("char[65536]"), ffi.new("struct epoll_event[256]"), ffi.new("struct timespec")

local function send_due()
  while first <= last and idle_count > 0 do
    local fd, moment = idle[idle_count], due[first]
    idle_count, due[first], first = idle_count - 1, nil, first + 1
    at = at % #requests + 1
    if C.send(fd, requests[at], #requests[at], 0) ~= #requests[at] then fail("send " .. ffi.errno()) end
    since[fd] = moment
    busy = busy + 1
  end
end

-- Whether the answer is whole; anything but 2xx ends the run.
local function is_whole(text)
  if not text:find("^HTTP/1.1 2") then fail("answered " .. text:match("^[^\r\n]*")) end
  local _, head = text:find("\r\n\r\n", 1, true)
  if not head then return false end
  local length = text:match("\r\n[Cc]ontent%-[Ll]ength: (%d+)\r\n")
  if not length then fail("an answer without Content-Length") end
  return #text >= head + tonumber(length)
end

local function receive(fd)
  local count = tonumber(C.recv(fd, buffer, 65536, DONTWAIT))
  if count <= 0 or not since[fd] then fail("a connection was closed or spoke unasked") end
  local text = (partial[fd] or "") .. ffi.string(buffer, count)
  if not is_whole(text) then partial[fd] = text return end
  partial[fd] = nil
  answered = answered + 1
  latencies[answered] = now() - since[fd]
  since[fd], busy, idle_count = nil, busy - 1, idle_count + 1
  idle[idle_count] = fd
end

local begun = now()
local finish, following = begun + seconds, begun
while true do
  local moment = now()
  while following <= moment and following < finish do
    last = last + 1
    due[last] = following
    if idle_count < last - first + 1 then waited = waited + 1 end
    following = following - math.log(1 - math.random()) / rate
  end
  send_due()
  if following >= finish and busy == 0 and first > last then break end
  if moment > finish + 5 then fail("answers are missing 5 s after the end") end
  local pause = math.max(0, math.min(1, (following < finish and following or moment + 1) - now()))
  wait.seconds, wait.nanoseconds = math.floor(pause), (pause % 1) * 1e9
  for number = 0, C.epoll_pwait2(poll, events, 256, wait, nil) - 1 do receive(events[number].fd) end
end
local took = now() - begun

table.sort(latencies)
local function percentile(share) return latencies[math.max(1, math.ceil(answered * share))] * 1e6 end
io.stdout:write(string.format('{"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"waited":%d}\n',
  answered, took * 1e6, percentile(0.5), percentile(0.99), waited))
