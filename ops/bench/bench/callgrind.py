"""A process under valgrind's callgrind: counting begun anew and read out as it runs, and what a dump says by function."""

import collections
import pathlib
import re
import subprocess
import time

from .programs import program

LONGEST_SECONDS = 120
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def command(path, folder):
    """What starts a program so that nothing is counted until `Counter` says so."""
    return [program("valgrind"), "--tool=callgrind", "--instr-atstart=no", "--dump-line=no", "--demangle=no", "--trace-children=no",
            "--separate-threads=no", f"--callgrind-out-file={folder}/callgrind.out.%p", "-q", readable(path, folder)]


def readable(path, folder):
    """A copy of a program without debug information, of which valgrind cannot read all; its symbols stay."""
    copy = pathlib.Path(folder) / pathlib.Path(path).name
    subprocess.run([program("objcopy"), "--strip-debug", path, str(copy)], check=True, timeout=LONGEST_SECONDS)
    return str(copy)


def module_of(function):
    """The module that a Swift symbol names first; nothing for the runtime's and C's. The standard library's generics count
    as one module, whoever they were specialised for."""
    if not function or not (found := re.match(r"\$s(?:(\d+)|[sS])", function)):
        return None
    if not found.group(1):
        return "Swift"
    return function[found.end():found.end() + int(found.group(1))]


class Counter:
    """Counts what the process runs between two calls."""

    def __init__(self, folder, pid):
        self.folder, self.pid = pathlib.Path(folder), pid
        self._say("--instr=on")

    def between(self, work):
        """The profile of what the process ran while `work` was done."""
        self._say("--zero")
        known = self._dumps()
        work()
        self._say("--dump")
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (new := self._dumps() - known):
            if time.monotonic() > deadline:
                raise SystemExit("callgrind wrote no dump")
            time.sleep(0.1)
        return Profile(max(new).read_text())

    def _dumps(self):
        """The dumps that are whole: callgrind ends each with its totals."""
        return {path for path in self.folder.glob(f"callgrind.out.{self.pid}.*")
                if re.search(r"^totals: ", path.read_text()[-200:], re.MULTILINE)}

    def _say(self, word):
        done = subprocess.run([program("callgrind_control"), word, str(self.pid)], capture_output=True, text=True,
                              timeout=LONGEST_SECONDS)
        if done.returncode or "Error" in done.stdout + done.stderr:
            raise SystemExit(f"callgrind_control {word}: {done.stdout}{done.stderr}")


class Profile:
    """Instructions of each function by itself, and calls and instructions of each caller and callee."""

    def __init__(self, text=""):
        self.own = collections.Counter()
        self.calls, self.within = collections.Counter(), collections.Counter()
        self.objects, self.total = {}, 0
        if text:
            self._read(text)

    def __sub__(self, other):
        """What this one ran more often than the other."""
        rest = Profile()
        for name in ("own", "calls", "within"):
            mine = getattr(rest, name)
            mine.update(getattr(self, name))
            mine.subtract(getattr(other, name))
        rest.objects = other.objects | self.objects
        rest.total = self.total - other.total
        return rest

    def calls_of(self, callee):
        return sum(count for (_, name), count in self.calls.items() if name == callee)

    def callers(self, callee):
        """Calls of a function by each function that calls it, the busiest first."""
        found = {caller: count for (caller, name), count in self.calls.items() if name == callee and count > 0}
        return sorted(found.items(), key=lambda item: -item[1])

    def by_module(self, callees):
        """For each Swift module what its functions cost with all that the runtime and the C libraries did for them, and
        how often they called any of `callees`."""
        cost, calls = collections.Counter(), collections.Counter()
        for function, own in self.own.items():
            if module := module_of(function):
                cost[module] += own
        for (caller, callee), within in self.within.items():
            if (module := module_of(caller)) and not module_of(callee):
                cost[module] += within
                calls[module] += self.calls[caller, callee] if callee in callees else 0
        return cost, calls

    def _read(self, text):
        names = {"fn": {}, "ob": {}}
        function = callee = place = callee_place = None
        inside = False

        def named(kind, value):
            number, words = NAME.match(value).groups()
            if words is not None:
                names[kind][number] = words
            return names[kind][number]
        for line in text.splitlines():
            if line and line[0] in "0123456789+-*":
                cost = int(line.split()[1])
                if inside:
                    self.within[function, callee] += cost
                    inside = False
                else:
                    self.own[function] += cost
                    self.total += cost
            elif "=" in line:
                key, _, value = line.partition("=")
                if key == "fn":
                    function = named("fn", value).split("'")[0]
                    self.objects.setdefault(function, place)
                elif key == "cfn":
                    callee = named("fn", value).split("'")[0]
                    self.objects.setdefault(callee, callee_place or place)
                elif key == "ob":
                    place = named("ob", value)
                elif key == "cob":
                    callee_place = named("ob", value)
                elif key == "calls":
                    self.calls[function, callee] += int(value.split()[0])
                    inside, callee_place = True, None
