"""The real binary, as an operator runs it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

from processes import stop, wait_until
from wire import Connection


class Gateway:
    """A running `poolgate serve`; its log is read as it is written."""

    def __init__(self, binaries, arguments=(), ready=True, state=None, **environment):
        self.binary = binaries / "poolgate"
        self.owns_state = state is None
        self.state = pathlib.Path(state or tempfile.mkdtemp(prefix="poolgate-state-"))
        variables = {name: value for name, value in os.environ.items() if not name.startswith("POOLGATE_")}
        variables.pop("DATABASE_URL", None)
        variables |= {
            "POOLGATE_LISTEN": "127.0.0.1:0", "POOLGATE_ADMIN_LISTEN": "127.0.0.1:0", "POOLGATE_LOG_FORMAT": "json",
            "POOLGATE_STATE_DIR": str(self.state), "POOLGATE_WORKERS": os.environ.get("TEST_WORKERS", "2"),
        }
        variables |= {f"POOLGATE_{name.upper()}": str(value) for name, value in environment.items()}
        self.lines, self.text = [], []
        self.process = subprocess.Popen(
            [str(self.binary), "serve", *arguments], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if ready:
            self.admin_port = self.port_of("admin", 20)
            self.wait_ready()
            self.port = self.port_of("proxy", 20)

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace")
            self.text.append(text)
            try:
                self.lines.append(json.loads(text))
            except ValueError:
                pass

    def log(self):
        return "".join(self.text)

    def events(self, name):
        return [line for line in list(self.lines) if line.get("event") == name]

    def wait_event(self, name, seconds=20, /, **members):
        def find():
            assert self.process.poll() is None or self.reader.is_alive(), self.log()
            return next((line for line in self.events(name)
                         if all(line.get(key) == value for key, value in members.items())), None)
        return wait_until(find, seconds, f"event {name} {members}")

    def port_of(self, listener, seconds=20):
        return int(self.wait_event("listening", seconds, listener=listener)["address"].rsplit(":", 1)[1])

    def admin(self, path, method="GET", **headers):
        """Status and body of a request to the admin listener."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_ready(self, seconds=20):
        def ready():
            assert self.process.poll() is None, self.log()
            return self.admin("/ready")[0] == 200
        wait_until(ready, seconds, "readiness")

    def connect(self):
        return Connection(self.port)

    def get(self, host, token=None, path="/", method="GET", headers=(), body=b""):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(method, path, host, token, headers, body)

    def wait_status(self, status, host, token=None, seconds=20, **options):
        """Asks until the host answers with this status."""
        answers = []

        def asks():
            answers.append(self.get(host, token, **options))
            return answers[-1].status == status
        try:
            wait_until(asks, seconds, f"{status} from {host}")
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {answers[-1].status} {answers[-1].body[:300]!r}\n{self.log()[-3000:]}") from None
        return answers[-1]

    def rss_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def stop(self, sig=signal.SIGTERM):
        stop(self.process, sig)
        self.reader.join(timeout=5)
        return self.process.returncode

    def remove(self):
        self.stop()
        if self.owns_state:
            shutil.rmtree(self.state, ignore_errors=True)


def run(binaries, *arguments, stdin="", environment=None, seconds=60, stdout=subprocess.PIPE):
    """One command of the program, to its end."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("POOLGATE_")}
    variables.pop("DATABASE_URL", None)
    if arguments[:1] == ("check",):
        # Whatever listens at the usual ports of the machine that runs the tests.
        variables |= {"POOLGATE_LISTEN": "127.0.0.1:0", "POOLGATE_ADMIN_LISTEN": "127.0.0.1:0"}
    return subprocess.run(
        [str(binaries / "poolgate"), *arguments], input=stdin, env=variables | (environment or {}), stdout=stdout,
        stderr=subprocess.PIPE, text=True, timeout=seconds)
