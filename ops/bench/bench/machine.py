"""What the machine says of itself, and what processes cost it."""

import os
import pathlib
import platform


def describe():
    """One line: processor, cores, kernel."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def load():
    """Processes that wanted a core in the last minute; measured with others at work, figures are noise."""
    return os.getloadavg()[0]


def children(pid):
    """The process and everything below it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children(int(child))
    return found


def cpu_by_process(pid):
    """User and system time, in seconds to the nanosecond, of the process and of everything below it."""
    return {each: cpu_seconds([each]) for each in children(pid)}


def cpu_seconds(pids):
    """What the kernel charged the processes' threads so far."""
    total = 0.0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0]) / 1e9
            except FileNotFoundError:
                continue
    return total


def resident_mib(pids):
    """Resident memory, pages shared between the processes counted once for each."""
    return sum(status(pid, "VmRSS") for pid in pids)


def forget_peak(pid):
    """Begins a new peak of resident memory, and answers with what is resident now, in MiB."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status(pid, "VmRSS")


def peak_mib(pid):
    """The most that was resident since `forget_peak`."""
    return status(pid, "VmHWM")


def status(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0
