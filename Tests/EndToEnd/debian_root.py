"""A small Debian of the tests' own, in a folder: for programs run in it by chroot, and booted with a real systemd."""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from processes import wait_until

RELEASE = "bookworm"
# What the package needs, so that installing it needs no network; systemd boots there.
PACKAGES = ["adduser", "ca-certificates", "curl", "libcurl4", "libnghttp2-14", "libpq5", "libssl3", "libstdc++6", "systemd"]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "poolgate-tests"
DAYS_KEPT = 14


def mirror():
    """The mirror that this machine's apt uses for Debian."""
    places = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]
    for place in places:
        if place.is_file() and (found := re.search(r"^(?:URIs:|deb)\s+(?:\[.*\]\s+)?(https?://\S+/debian)/?\s", place.read_text(), re.M)):
            return found[1]
    return "http://deb.debian.org/debian"


def refusal():
    """Why no root can be made here; nil where it can."""
    if os.geteuid() != 0:
        return "only root can change roots and mount"
    if not shutil.which("debootstrap") and not pathlib.Path("/usr/sbin/debootstrap").exists():
        return "debootstrap is not installed (ops/install test brings it)"
    return None


def archive():
    """The root as an archive, made once for all tests and kept for days: making it takes half a minute."""
    name = hashlib.sha256(" ".join([RELEASE, *PACKAGES]).encode()).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = CACHE / f"{RELEASE}-{name}.tar"
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and time.time() - path.stat().st_mtime < DAYS_KEPT * 86_400:
            return path
        with fast_folder() as folder:
            root = pathlib.Path(folder) / "root"
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", RELEASE, str(root), mirror()],
                capture_output=True, text=True, timeout=500)
            if done.returncode != 0 and not path.exists():
                log = root / "debootstrap/debootstrap.log"
                tail = log.read_text(errors="replace")[-600:] if log.exists() else ""
                pytest.skip(f"debootstrap failed; is Debian's mirror out of reach? {done.stdout[-300:]}{done.stderr[-300:]}{tail}")
            if done.returncode == 0:
                subprocess.run(["tar", "-C", str(root), "-cf", f"{path}.new", "."], check=True)
                os.replace(f"{path}.new", path)
    return path


def fast_folder():
    """A folder in memory where there is room: dpkg and tar wait for a disk after each file."""
    shared = pathlib.Path("/dev/shm")
    has_room = shared.is_dir() and shutil.disk_usage(shared).free > 3 << 30
    return tempfile.TemporaryDirectory(prefix="poolgate-root-", dir=shared if has_room else None)


class Root:
    """One unpacked root, thrown away at the end."""

    def __init__(self):
        self.folder = fast_folder()
        self.path = pathlib.Path(self.folder.name) / "root"
        self.path.mkdir(mode=0o755)
        os.chmod(self.folder.name, 0o755)
        subprocess.run(["tar", "-C", str(self.path), "-xf", str(archive())], check=True)
        self.unshare = self.init = None

    def copy(self, source, target, mode=None):
        place = self.path / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        if mode:
            place.chmod(mode)
        return place

    def write(self, target, text, mode=0o644):
        place = self.path / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def files(self):
        """Everything in it, but what lies in file systems of the kernel and what every package changes."""
        passing = re.compile(r"^(proc|sys|dev|run|tmp)/|^var/(lib/dpkg|cache|log|lib/systemd)/|^etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$")
        found = set()
        for folder, folders, names in os.walk(self.path):
            relative = os.path.relpath(folder, self.path)
            for name in [*folders, *names]:
                path = os.path.normpath(os.path.join(relative, name))
                if not passing.match(path + ("/" if name in folders else "")):
                    found.add(path)
        return found

    def boot(self, shares=None):
        """Starts systemd as the first process of namespaces of its own; without a network but for loopback. `shares`
        are folders of this machine by their places in /run."""
        binds = "".join(f"mkdir -p $R/run/{name}; mount --bind {folder} $R/run/{name}\n" for name, folder in (shares or {}).items())
        script = f"""
            set -e
            R={self.path}
            mount --make-rprivate /
            mount --rbind $R $R
            mount -t tmpfs -o mode=755 tmpfs $R/run
            mount -t proc proc $R/proc
            mount --rbind /sys $R/sys
            mount --rbind /dev $R/dev
            mount -t tmpfs tmpfs $R/dev/shm
            {binds}
            cd $R
            pivot_root . mnt
            exec chroot . /bin/sh -c 'umount -l /mnt; exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
                /lib/systemd/systemd --system --show-status=0 --log-target=null systemd.unit=multi-user.target'"""
        self.unshare = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "bash", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def init():
            assert self.unshare.poll() is None, f"systemd cannot be booted here: {self.unshare.stderr.read()}"
            children = pathlib.Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text().split()
            return children[0] if children else None
        self.init = wait_until(init, 20, "the first process")
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                   30, "systemd in the root")

    def run(self, *command, check=True, seconds=60, stdin=None):
        """A command in the root; in the booted system where there is one."""
        if self.init:
            place = ["nsenter", f"--target={self.init}", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd"]
        else:
            place = ["chroot", str(self.path)]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*place, *command], env=environment, input=stdin, capture_output=True, text=True, timeout=seconds)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def remove(self):
        if self.unshare:
            self.unshare.kill()
            self.unshare.wait()
        # What was mounted is gone with the namespace, as soon as its last process is.
        wait_until(lambda: not self.init or not pathlib.Path(f"/proc/{self.init}").exists(), 20, "the end of the booted system")
        self.folder.cleanup()
