"""Where the programs are that a run needs; a missing one fails the run by name."""

import importlib.util
import os
import pathlib
import shutil

TOP = pathlib.Path(__file__).resolve().parents[3]
VENV = TOP / "ops/bench/.venv"
BINARIES = pathlib.Path(os.environ.get("BENCH_BINARIES", TOP / ".build/release")).resolve()
OWN = ("poolgate", "stand-in-pool", "epoll-loop", "ext-authz-yes")
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", str(VENV / "bin")])


def program(name):
    """The path of a peer or tool."""
    if found := shutil.which(name, path=SEARCHED):
        return found
    raise SystemExit(f"{name} is missing; run ops/bench/install")


def own(name):
    """The path of one of our own programs: those of BENCH_BINARIES, or of ops/bench/build."""
    path = BINARIES / name
    if os.access(path, os.X_OK):
        return str(path)
    raise SystemExit(f"{path} is missing; run ops/bench/build, or name another folder in BENCH_BINARIES")


def require(names):
    """Fails by name before anything is started; `python:NAME` is a module."""
    for name in names:
        if name in OWN:
            own(name)
        elif not name.startswith("python:"):
            program(name)
        elif not importlib.util.find_spec(name.removeprefix("python:")):
            raise SystemExit(f"Python's {name.removeprefix('python:')} is missing; run ops/bench/install")
