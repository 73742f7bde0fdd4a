"""Proxies that ask the gateway about each request, run from the files in ops/proxies with their ports replaced."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from processes import TOP, connects, free_port, stop, wait_until
from wire import Connection

#: The ports that the files name: of the proxy, of forward-auth and ext_authz over HTTP, of ext_authz over gRPC, of the service.
FRONT, QUESTIONS, CALLS, SERVICE = 8000, 8081, 8082, 3000


class Front:
    """One proxy; `change` is what a test replaces in its files besides the ports."""

    def __init__(self, kind, questions, service, change=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{kind}-"))
        self.port = free_port()
        name, command = COMMANDS[kind]
        ports = {FRONT: self.port, QUESTIONS: questions, CALLS: questions, SERVICE: service}
        # An abstract socket belongs to the machine, and so would be shared by two of HAProxy.
        texts = [(r"poolgate-questions", f"poolgate-{self.port}"), *change, *MACHINE.get(kind, ())]
        for path in (TOP / "ops/proxies" / name).iterdir():
            text = path.read_text()
            for port, number in ports.items():
                text = re.sub(rf"\b{port}\b", str(number), text)
            for pattern, replacement in texts:
                text = re.sub(pattern, replacement.replace("FOLDER", str(self.folder)), text)
            (self.folder / path.name).write_text(text)
        self.log_file = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [part.replace("FOLDER", str(self.folder)) for part in command], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log_file, stderr=self.log_file, env=os.environ | {"HOME": str(self.folder)})
        try:
            wait_until(self._is_up, 30, kind)
        except BaseException:
            self.remove()
            raise

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        # Traefik listens before it has read its routes.
        return connects(self.port) and self.ask("nobody.example.com").status != 404

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def connect(self):
        return Connection(self.port, timeout=20)

    def ask(self, host, token=None, path="/", method="GET", headers=(), body=b""):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(method, path, host, token, headers, body)

    def remove(self):
        stop(self.process)
        self.log_file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def program(name):
    beside = TOP / ".venv/bin" / name
    return str(beside) if beside.exists() else shutil.which(name) or f"/usr/sbin/{name}"


#: The folder in ops/proxies, and what is typed to start the proxy from it.
COMMANDS = {
    "nginx": ("nginx", [
        program("nginx"), "-p", "FOLDER", "-e", "stderr", "-c", "FOLDER/nginx.conf",
        "-g", f"daemon off; pid pid;{' user root;' if os.geteuid() == 0 else ''}"]),
    "caddy": ("caddy", [program("caddy"), "run", "--config", "Caddyfile"]),
    "haproxy": ("haproxy", [program("haproxy"), "-db", "-f", "haproxy.cfg"]),
    "traefik": ("traefik", [program("traefik"), "--configFile=traefik.yaml"]),
    "envoy-http": ("envoy", [
        program("envoy"), "-c", "ext-authz-http.yaml", "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]),
    "envoy-grpc": ("envoy", [
        program("envoy"), "-c", "ext-authz-grpc.yaml", "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]),
}

#: What a test's machine needs otherwise than a server: folders of its own, one process.
MACHINE = {"nginx": [
    (r"worker_processes auto;", "worker_processes 1;"),
    (r"(?m)^http \{$", "http { access_log off; " + "".join(
        f"{kind}_temp_path FOLDER/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))),
]}
