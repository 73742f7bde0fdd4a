"""The admin port as balancers, crowds and slow clients meet it."""

import contextlib
import os
import resource
import socket
import time

from processes import wait_until


def ask(port, data, timeout=20):
    """Everything that comes back until the gateway closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_probe_of_http_1_0_without_a_host_is_answered_and_the_connection_ends(gateway):
    for path in (b"/ready", b"/live"):
        for lines in (b"", b"Host:\r\n", b"User-Agent: balancer\r\n"):
            answer = ask(gateway.admin_port, b"GET %b HTTP/1.0\r\n%b\r\n" % (path, lines))
            assert b" 200 " in answer.split(b"\r\n")[0] and b'"status"' in answer, answer
    assert b" 403 " in ask(gateway.admin_port, b"GET /status HTTP/1.0\r\n\r\n").split(b"\r\n")[0]


def test_a_request_with_two_hosts_is_refused_whichever_comes_first(gateway):
    for hosts in (b"localhost", b"evil.test"), (b"evil.test", b"localhost"), (b"localhost", b"localhost"), (b"localhost", b""):
        lines = b"".join(b"Host: %b\r\n" % host for host in hosts)
        answer = ask(gateway.admin_port, b"GET /status HTTP/1.1\r\n%bConnection: close\r\n\r\n" % lines)
        assert b" 403 " in answer.split(b"\r\n")[0], (hosts, answer)


def test_a_probe_does_not_wait_for_those_who_ask_without_waiting(gateway):
    request = b"GET /status?pools=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    few = ask(gateway.admin_port, request * 7 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert few.count(b"HTTP/1.1 200 OK") == 8
    crowd = [socket.create_connection(("127.0.0.1", gateway.admin_port), timeout=30) for _ in range(16)]
    try:
        for connection in crowd:
            connection.sendall(request * 400)
        assert b" 200 " in ask(gateway.admin_port, b"GET /live HTTP/1.0\r\n\r\n").split(b"\r\n")[0]
        for connection in crowd:
            answers = b""
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(1 << 20):
                    answers += part
            assert answers.count(b"HTTP/1.1 200 OK") <= 8
    finally:
        for connection in crowd:
            connection.close()


def cpu(process):
    """Clock ticks, 100 a second, that the process has used."""
    return sum(map(int, open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))


def test_no_listener_spins_while_descriptors_are_short_and_each_recovers(binaries, migrated, stand_in, upstream, tmp_path):
    from test_tls import Front
    front = Front(binaries, migrated(), stand_in, upstream, tmp_path)
    gateway = front.gateway
    try:
        ports = {"admin": gateway.admin_port, "proxy": gateway.port, "tls": front.port}
        for listener, port in ports.items():
            used = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
            hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)[1]
            resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (used + 8, hard))
            crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
            wait_until(lambda: len(os.listdir(f"/proc/{gateway.process.pid}/fd")) >= used + 8, what="no descriptor left")
            before = cpu(gateway.process)
            time.sleep(1.5)
            spent = cpu(gateway.process) - before
            assert spent < 60, f"{listener} spins while descriptors are short: {spent} ticks"
            for connection in crowd:
                connection.close()
            resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
            wait_until(lambda: gateway.admin("/live")[0] == 200, what="the admin port")
            assert gateway.get("a.example").status == 421
            wait_until(lambda: front.shown("one.test") == {"one.test", "two.test"}, what="the TLS listener")
    finally:
        gateway.remove()


def test_a_crowd_on_the_admin_port_is_bounded_and_keeps_no_probe_out(start, database):
    gateway = start(database_url=database.url)
    before = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
    crowd = [socket.create_connection(("127.0.0.1", gateway.admin_port)) for _ in range(600)]
    try:
        assert gateway.admin("/live")[0] == 200 and gateway.admin("/ready")[0] == 200
        wait_until(lambda: len(os.listdir(f"/proc/{gateway.process.pid}/fd")) - before <= 260, what="the bound")
        # The oldest were closed, the newest were not.
        crowd[0].settimeout(20)
        assert crowd[0].recv(1) == b""
        crowd[-1].settimeout(20)
        crowd[-1].sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in crowd[-1].recv(4096)
    finally:
        for connection in crowd:
            connection.close()


def test_heads_that_are_too_large_are_refused_and_bodies_are_dropped(gateway):
    for line in (b"X: " + b"a" * 20_000 + b"\r\n", b"X: y\r\n" * 100):
        try:
            answer = ask(gateway.admin_port, b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n")
        except ConnectionResetError:
            continue
        assert b" 200 " not in answer.split(b"\r\n")[0]
    before = gateway.rss_mib()
    with socket.create_connection(("127.0.0.1", gateway.admin_port), timeout=20) as connection:
        connection.sendall(b"POST /live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            connection.sendall(bytes(65536))
        assert b" 405 " in connection.recv(4096)
    assert gateway.rss_mib() - before < 40
