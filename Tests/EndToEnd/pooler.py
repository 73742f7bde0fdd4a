"""A real PgBouncer between the gateway and its database, and clients of it that are in the way."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from processes import as_postgres, connects, free_port, stop, wait_until


class Pooler:
    """PgBouncer in front of one database of a cluster, with `size` connections to the server."""

    def __init__(self, database, mode, size, round_robin=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
        self.port, self.database, self.size = free_port(), database, size
        users = self.folder / "users"
        users.write_text('"postgres" ""\n')
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(f"""
[databases]
{database.name} = host=127.0.0.1 port={database.server.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
min_pool_size = {size}
server_login_retry = 1
server_round_robin = {int(round_robin)}
max_client_conn = 200
""")
        if os.geteuid() == 0:
            for path in (self.folder, users, configuration):
                shutil.chown(path, "postgres", "postgres")
        self.process = subprocess.Popen(
            [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", str(configuration)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_postgres())
        wait_until(lambda: connects(self.port), 20, "PgBouncer")

    @property
    def url(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self.database.name}"

    def psql(self, *text):
        """psql over the pooler, running."""
        return subprocess.Popen(["psql", "-XqAt", self.url, *(word for line in text for word in ("-c", line))],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def every_session(self, question):
        """What each of the server's connections answers, asked by as many clients as there are, at the same time."""
        clients = [self.psql("BEGIN", "SELECT pg_backend_pid()", question, "SELECT pg_sleep(0.5)", "COMMIT") for _ in range(self.size)]
        return dict(client.communicate()[0].strip().split("\n", 1) for client in clients)

    def remove(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Crowd:
    """Other clients of the pooler, each with short transactions one after the other."""

    def __init__(self, pooler, count=3):
        self.script = tempfile.NamedTemporaryFile("w", suffix=".sql")
        self.script.write("SELECT pg_sleep(0.002);\n" * 20_000)
        self.script.flush()
        self.clients = [
            subprocess.Popen(["psql", "-XqAt", "-f", self.script.name, pooler.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.kill()
            client.wait()
        self.script.close()
