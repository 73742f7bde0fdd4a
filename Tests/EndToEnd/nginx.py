"""A real nginx, in front of the gateway or behind it."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from processes import connects, free_port, stop, wait_until


class Nginx:
    """One master with one worker; PORT and FILES in the text of `http` become its port and a folder of its own."""

    def __init__(self, http):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        self.port = free_port()
        self.files.mkdir()
        configuration = self.folder / "nginx.conf"
        places = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration.write_text(f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; {places}
                {http.replace("PORT", str(self.port)).replace("FILES", str(self.files))}
            }}""")
        self.process = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(configuration), "-e", "stderr"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: connects(self.port), 20, "nginx")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def files(self):
        return self.folder / "files"

    def log(self):
        return (self.folder / "error.log").read_text(errors="replace")

    def remove(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
