"""Refusals and changes of the gateway's state, as somebody who listens hears them."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import threading

from conftest import make_tenant
from processes import stop, wait_until


class Listener:
    """Reads /events on a thread; `events` are pairs of a name and its data."""

    def __init__(self, gateway, query=""):
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=60)
        self.connection.request("GET", "/events" + query)
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.events, self.comments, self.is_over = [], 0, False
        self.reader = threading.Thread(target=self._read, daemon=True)
        if self.answer.status == 200:
            self.reader.start()

    def _read(self):
        name = None
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            while line := self.answer.readline().decode():
                line = line.rstrip("\n")
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self.events.append((name, json.loads(line[6:])))
        self.is_over = True

    def of(self, name, **members):
        return [data for event, data in list(self.events)
                if event == name and all(data.get(key) == value for key, value in members.items())]

    def wait(self, name, seconds=20, **members):
        return wait_until(lambda: self.of(name, **members), seconds, f"event {name} {members}")[0]

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self.reader.ident:
            self.reader.join(10)
        self.connection.close()


def test_refusals_come_as_they_happen_of_all_tenants_or_of_one(gateway, stand_in, pool):
    one = make_tenant(gateway, gateway.database, stand_in, pool)
    other = make_tenant(gateway, gateway.database, stand_in, pool)
    everything, filtered = Listener(gateway), Listener(gateway, f"?tenant={one.host}&last=1")
    try:
        assert everything.answer.getheader("Content-Type") == "text/event-stream"
        assert everything.wait("state")["ready"] is True
        # What happened before: the request by which the tenant was found to be live.
        assert filtered.wait("refusal")["code"] == "missing_token"
        answer = one.get(one.token(ttl=-60), path="/orders?secret=1")
        assert answer.status == 401
        other.get(path="/elsewhere")
        refusal = everything.wait("refusal", code="expired", tenant=one.host)
        assert (refusal["status"], refusal["method"], refusal["path"], refusal["suppressed"]) == (401, "GET", "/orders", 0)
        assert refusal["request_id"] == answer.json["request_id"] and "secret" not in json.dumps(everything.events)
        everything.wait("refusal", tenant=other.host, path="/elsewhere")
        assert filtered.wait("refusal", path="/orders")
        assert not filtered.of("refusal", tenant=other.host)
        # A flood is ten events and a count.
        for _ in range(40):
            other.get(path="/flood")
        wait_until(lambda: any(data["suppressed"] for data in everything.of("refusal", tenant=other.host)), what="the count")
        # A tenant more is a change of the state.
        make_tenant(gateway, gateway.database, stand_in, pool)
        before = everything.wait("state")["directory"]["tenants"]
        wait_until(lambda: everything.of("state")[-1]["directory"]["tenants"] > before, what="the new state")
    finally:
        everything.close()
        filtered.close()


def test_sixteen_listen_and_no_more_and_a_place_is_free_when_one_goes(gateway):
    listeners = []
    try:
        wait_until(lambda: not listeners.append(Listener(gateway)) and listeners[-1].answer.status == 503, what="the bound")
        assert len([one for one in listeners if one.answer.status == 200]) <= 16
        assert json.loads(listeners[-1].answer.read()) == {"error": "too_many_listeners"}
        assert listeners[-1].answer.getheader("Retry-After") == "5"
        listeners[0].close()
        wait_until(lambda: not listeners.append(Listener(gateway)) and listeners[-1].answer.status == 200, what="a free place")
        assert gateway.admin("/events?tennant=a")[0] == 400
        assert gateway.admin("/events", method="POST", Origin=f"http://127.0.0.1:{gateway.admin_port}")[0] == 405
    finally:
        for listener in listeners:
            listener.close()


class Tail:
    """`poolgate tail`, whose lines are read as they come."""

    def __init__(self, binaries, gateway, *arguments):
        self.process = subprocess.Popen(
            [binaries / "poolgate", "tail", *arguments, "--admin-listen", f"127.0.0.1:{gateway.admin_port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.complaints = [], []
        for stream, lines in (self.process.stdout, self.lines), (self.process.stderr, self.complaints):
            threading.Thread(target=lambda stream=stream, lines=lines: lines.extend(iter(stream.readline, "")), daemon=True).start()

    def wait(self, text, seconds=20):
        return wait_until(lambda: next((line for line in list(self.lines) if text in line), None), seconds, text)

    def end(self, sig=signal.SIGINT):
        stop(self.process, sig)
        return self.process.returncode


def test_tail_prints_refusals_as_they_happen_and_comes_back_after_a_restart(binaries, start, database, stand_in, pool):
    gateway = start(database_url=database.url)
    tenant = make_tenant(gateway, database, stand_in, pool)
    port = gateway.admin_port
    people, programs = Tail(binaries, gateway, "--table"), Tail(binaries, gateway, "--tenant", tenant.host, "--last", "0")
    try:
        # What was before comes first.
        people.wait("missing_token")
        # What was before the second one listened does not come to it.
        wait_until(lambda: tenant.get(tenant.token(ttl=-60), path="/orders?secret=1")
                   and any("/orders" in line for line in list(programs.lines)), what="a line at the second one")
        line = people.wait("/orders")
        assert tenant.host in line and "401 expired GET /orders from 127.0.0.1" in line and "secret" not in line
        assert json.loads(programs.wait("/orders"))["code"] == "expired"
        gateway.get("nobody.example.com")
        people.wait("(nobody.example.com) 421 unknown_host")
        assert not any("nobody" in line for line in programs.lines)
        gateway.stop()
        again = start(database_url=database.url, state=gateway.state, admin_listen=f"127.0.0.1:{port}")
        wait_until(lambda: again.get(tenant.host, path="/again") and any("/again" in line for line in list(people.lines)),
                   what="the line after the restart")
        assert any("trying again" in line for line in people.complaints)
        assert people.end() == -signal.SIGINT
        assert programs.end(signal.SIGTERM) == -signal.SIGTERM
        again.stop()
        done = subprocess.run([binaries / "poolgate", "tail", "--admin-listen", f"127.0.0.1:{port}"], capture_output=True, text=True)
        assert done.returncode == 69 and "no gateway answers" in done.stderr
    finally:
        people.end(signal.SIGKILL)
        programs.end(signal.SIGKILL)
