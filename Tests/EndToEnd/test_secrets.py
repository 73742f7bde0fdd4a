"""Nothing that may be a secret is ever printed: every command, whatever is wrong with what it was given."""

import concurrent.futures
import os
import random
import string
import subprocess
import threading

import pytest

from processes import free_port, stop

SIGNS = "/@#?%: &=+[]'\"\\,;!*|<>"


def secret(rng):
    return "".join(rng.choice(SIGNS) if rng.random() < 0.15 else rng.choice(string.ascii_letters) for _ in range(30))


def leaked(text, output):
    return next((text[start:start + 6] for start in range(len(text) - 5) if text[start:start + 6] in output), None)


def slips(rng, port, folder):
    """Arguments, environment and standard input of a command, and the secret in them."""
    for number in range(6):
        word = secret(rng)
        url = f"postgresql://u:{word}@127.0.0.1:{port}/x"
        for command in ("check", "migrate", "serve", "pools"):
            yield word, (command, "--database-url", url), {}, ""
            yield word, (command,), {"POOLGATE_DATABASE_URL": url}, ""
        yield word, ("explain", "--host", "a.example", "--database-url", url), {}, ""
        yield word, ("explain", "--host", "a.example", "--token", word, "--database-url", url), {}, ""
        yield word, ("explain", "--host", "a.example", "--token", "-", "--database-url", url), {}, word
        yield word, ("explain", "--host", "a.example", word), {}, ""
        yield word, ("explain", f"--host=https://u:{word}@h/", "--database-url", url), {}, ""
        yield word, ("explain", "--host", "a.example", "--path", f"/x?token={word}", "--database-url", url), {}, ""
        for header in (f"Cookie: {word}", f"Authorization: Basic {word}", f"Origin: https://u:{word}@h", word):
            yield word, ("explain", "--host", "a.example", "--header", header, "--database-url", url), {}, ""
        yield word, ("serve", url), {}, ""
        yield word, (url,), {}, ""
        yield word, ("version", url), {}, ""
        yield word, ("help", url), {}, ""
        yield word, ("migrate", "-d", url), {}, ""
        yield word, ("pools", "--refresh", url), {}, ""
        yield word, ("pools", "--admin-listen", f"127.0.0.1:{port}"), {"POOLGATE_ADMIN_TOKEN": word}, ""
        yield word, ("serve",), {"DATABASE_URL": url, "POOLGATE_EGRESS_PROXY": f"http://u:{word}@p:1"}, ""
        yield word, ("check", "--upstream", f"http://u:{word}@h", "--jwks-url-template", f"https://k/?key={word}"), {}, ""
        settings = folder / f"{number}.yaml"
        settings.write_text(f"workers: 2\nadmin-token: [{word}\ndatabase-url: {url}\n")
        yield word, ("serve", "--config", str(settings)), {}, ""


def served(binaries, arguments, variables):
    """What `serve` prints until it ends, or says that it cannot reach the database, which is told with its URL; and how it
    ended, nil where it was to be ended."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("POOLGATE_", "DATABASE_URL"))}
    environment |= variables | {"POOLGATE_ADMIN_LISTEN": "127.0.0.1:0"}
    # Its state cannot be made here.
    process = subprocess.Popen(
        [str(binaries / "poolgate"), *arguments, "--embedded=false"], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    output, status = "", None
    patience = threading.Timer(60, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            output += line
            if "database_lost" in line:
                break
        else:
            status = process.wait(20)
    finally:
        patience.cancel()
        stop(process)
        process.stdout.close()
    return output, status


def test_no_command_prints_six_bytes_of_a_secret(binaries, run, tmp_path):
    port, admin = free_port(), free_port()
    rng = random.Random(int(os.environ.get("TEST_SEED", "9")))
    cases = list(slips(rng, port, tmp_path))

    def tell(case):
        word, arguments, environment, stdin = case
        variables = {"POOLGATE_LISTEN": "127.0.0.1:0", "POOLGATE_ADMIN_LISTEN": f"127.0.0.1:{admin}"} | environment
        if arguments[0] == "serve":
            output, status = served(binaries, arguments, variables)
        else:
            done = run(*arguments, environment=variables, stdin=stdin)
            output, status = done.stdout + done.stderr, done.returncode
        return status, leaked(word, output), arguments, environment, output
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for status, part, arguments, environment, output in pool.map(tell, cases):
            assert part is None, (part, arguments, environment, output)
            assert status != 0 or arguments[0] in ("help", "version", "pools"), (arguments, output)


@pytest.mark.parametrize("query", ["", "?sslmode=prefer"])
def test_the_log_and_the_admin_port_of_a_gateway_hold_no_password(start, query):
    gateway = start(
        database_url=f"postgresql://u:qH7%2FkPz%40wX3mTr@127.0.0.1:{free_port()}/x{query}", ready=False, log_level="trace")
    gateway.wait_event("database_lost")
    gateway.admin_port = gateway.port_of("admin")
    for text in (gateway.log(), gateway.admin("/status")[1], gateway.admin("/ready")[1]):
        for word in ("qH7/kPz@wX3mTr", "qH7%2FkPz%40wX3mTr"):
            assert leaked(word, text) is None, text


@pytest.mark.parametrize("password", ["pa/ss-word-that", "pa@ss-word-that", "12/ss-word-that", "pa%ss-word-that"])
def test_a_password_that_breaks_its_url_is_said_to_need_encoding(run, password):
    for command in ("check", "migrate", "serve"):
        done = run(command, "--database-url", f"postgresql://u:{password}@db.example.com/x")
        assert done.returncode == 64
        assert "percent-encoded" in done.stderr and "%2F" in done.stderr
        assert leaked(password, done.stdout + done.stderr) is None, done.stderr


def test_a_wrong_proxy_password_is_told_without_it(run, database, pool):
    import socket
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 407 no qH7kPzwX3mTr\r\nContent-Length: 0\r\n\r\n")
            connection.close()
    threading.Thread(target=refuse, daemon=True).start()
    database.add("a.example.com", pool)
    try:
        done = run("check", "--table", "--database-url", database.url, "--upstream", "http://127.0.0.1:1",
                   "--egress-proxy", f"http://u:qH7kPzwX3mTr@127.0.0.1:{listener.getsockname()[1]}")
    finally:
        listener.close()
    assert done.returncode == 1 and "407" in done.stdout, done.stdout
    assert leaked("qH7kPzwX3mTr", done.stdout + done.stderr) is None, done.stdout


@pytest.mark.parametrize("rules", [False, True])
def test_explain_shows_no_query_no_user_and_no_token(run, database, pool, rules):
    database.add("a.example.com", pool)
    if rules:
        database.sql("INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('a.example.com', '/x', 'public')")
    word = "qH7kPzwX3mTr"
    for host, path, token in [
            ("a.example.com", f"/x?access_token={word}", ""), ("a.example.com", f"/x y?k={word}", ""),
            (f"u:{word}@a.example.com", "/", ""), (f"https://u:{word}@a.example.com/", "/", ""), ("a.example.com", "/", word),
            ("a.example.com", "/", f"eyJhbGciOiJub25lIn0.{word}.{word}"), ("a.example.com", f"http://u:{word}@h/x", "")]:
        more = ("--token", "-") if token else ()
        done = run("explain", "--table", "--host", host, "--path", path, *more, "--database-url", database.url,
                   "--upstream", "http://127.0.0.1:1", stdin=token)
        assert leaked(word, done.stdout + done.stderr) is None, (host, path, done.stdout, done.stderr)
