"""What a supervisor hears: systemd's protocol, spoken by a socket of the test."""

import ctypes
import os
import pathlib
import signal
import socket
import time

import pytest

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000


class Manager:
    """The socket of a supervisor."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.heard = []

    def hear(self, seconds):
        """The next report, as its lines; nil when none comes in time."""
        self.socket.settimeout(seconds)
        try:
            report = self.socket.recv(65536).decode()
        except TimeoutError:
            return None
        self.heard.append((time.monotonic(), report.split("\n")))
        return self.heard[-1][1]

    def wait_for(self, line, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            report = self.hear(max(0.01, deadline - time.monotonic()))
            if report and any(one.startswith(line) for one in report):
                return report
        raise AssertionError(f"no {line} in {seconds} s, but {[lines for _, lines in self.heard]}")

    def is_silent(self, seconds):
        """Whether nothing is heard for this long, but what was on its way."""
        while self.hear(0.2):
            pass
        return self.hear(seconds) is None

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path, monkeypatch):
    manager = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield manager
    manager.close()


def threads(process, name):
    """The threads whose names begin so."""
    return [int(task.name) for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()
            if (task / "comm").read_text().startswith(name)]


class Halted:
    """One thread of a process stands still while the others go on (ptrace(2))."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        for order in PTRACE_SEIZE, PTRACE_INTERRUPT:
            assert LIBC.ptrace(order, self.thread, None, None) == 0, os.strerror(ctypes.get_errno())
        os.waitpid(self.thread, WAIT_ALL)

    def __exit__(self, *_):
        assert LIBC.ptrace(PTRACE_DETACH, self.thread, None, None) == 0, os.strerror(ctypes.get_errno())


def test_the_manager_hears_of_start_life_and_stop(manager, database, start, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    gateway = start(database_url=database.url, drain_timeout="7s", shutdown_delay="1s", ready=False)
    first = manager.hear(20)
    assert first[0] == "EXTEND_TIMEOUT_USEC=30000000" and first[1].startswith("STATUS=Not ready: "), first
    assert manager.wait_for("READY=1")[1].startswith("STATUS=Serving 0 tenants of 0 pools.")
    database.add("acme.example.com", "eu-west-1_Test00000")
    manager.wait_for("STATUS=Serving 1 tenant of 1 pool.")

    # Life is told at half the interval.
    manager.heard.clear()
    for _ in range(3):
        assert manager.wait_for("WATCHDOG=1", 10) == ["WATCHDOG=1"]
    times = [at for at, lines in manager.heard if lines == ["WATCHDOG=1"]]
    assert all(0.5 < later - earlier < 2 for earlier, later in zip(times, times[1:])), times

    gateway.process.send_signal(signal.SIGTERM)
    assert manager.wait_for("STOPPING=1") == [
        "STOPPING=1", "STATUS=Stopping: requests under way may finish.", "EXTEND_TIMEOUT_USEC=18000000"]
    assert gateway.process.wait(timeout=20) == 0
    assert sum("READY=1" in lines for _, lines in manager.heard) == 0


def test_no_life_is_told_while_an_event_loop_stands_still(manager, database, start, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    gateway = start(database_url=database.url)
    loops = threads(gateway.process, "NIO-ELT")
    # Two of the proxy and one of the admin port.
    assert len(loops) >= 3, loops
    manager.wait_for("WATCHDOG=1")
    checked = 0
    for loop in loops:
        with Halted(loop):
            checked += manager.is_silent(1)
        manager.wait_for("WATCHDOG=1")
    assert checked >= 3, f"life was told although {len(loops) - checked} of {len(loops)} loops stood still"


def test_a_gateway_that_waits_for_its_database_is_not_ready_and_asks_for_time(manager, start):
    gateway = start(database_url="postgresql://nobody@127.0.0.1:1/none", ready=False)
    heard = [manager.hear(20)]
    assert heard[0][0] == "EXTEND_TIMEOUT_USEC=30000000"
    while report := manager.hear(1):
        heard.append(report)
    assert not any("READY=1" in report for report in heard), heard
    assert any("the database" in line or "no tenant directory" in line for line in heard[-1]), heard
    gateway.stop()
    manager.wait_for("STOPPING=1")


def test_a_manager_may_have_a_name_in_the_abstract_namespace(database, start, monkeypatch):
    name = f"poolgate-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    start(database_url=database.url)
    manager.wait_for("READY=1")
    manager.close()


def test_without_a_manager_nothing_is_told(database, start, monkeypatch, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    start(database_url=database.url)
    assert manager.hear(0.5) is None
    manager.close()
