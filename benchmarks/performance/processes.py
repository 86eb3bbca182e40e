"""Processes of this machine as /proc shows them: processor time, memory, who listens on a port."""
import contextlib
import os
import re
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
QUIET_SECONDS = 0.4


def bound(command, is_polite=False):
    """A command that is ended when this program is, however that comes about; `is_polite`: it gives way to others."""
    return ["setpriv", "--pdeathsig", "TERM", *(["nice", "-n", "10"] if is_polite else []), *command]


def end(process, seconds=30):
    """Asks a process to end, and kills it if it does not."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stat(pid):
    """The fields of /proc/PID/stat from the third on; none if it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def descendants(pid):
    """A process and all that it started, directly or not."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(entry)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def processor_seconds(pid, family=False):
    """Seconds of processor time that a process has used; with `family` its descendants', ended ones included."""
    total = 0
    for one in descendants(pid) if family else [pid]:
        fields = _stat(one)
        if fields:
            total += sum(map(int, fields[11:15] if family else fields[11:13]))
    return total / TICKS


def wait_until_quiet(*pids, seconds=60):
    """Waits until processes use less than a twentieth of a processor: what they were asked for before is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = sum(map(processor_seconds, pids))
        time.sleep(QUIET_SECONDS)
        if sum(map(processor_seconds, pids)) - before < QUIET_SECONDS / 20:
            return


def memory(pid):
    """Bytes of memory of a process and its descendants (proportional set size)."""
    total = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)) * 1024
    return total


def private_memory(pid):
    """Bytes of memory that a process shares with nobody and no file: heap, stacks, what it has written of its libraries.

    What it maps of programs and libraries would count by how many others have them mapped at the moment."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Anonymous:\s+(\d+)", file.read(), re.M).group(1)) * 1024
    return 0


def listening_on(port):
    """The process that listens on a TCP port of this machine, or none that can be seen."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes:
                        return int(pid)
    return None


class Usage:
    """Processor time of named processes from one moment on."""

    def __init__(self, **pids):
        self.pids = {name: pid for name, pid in pids.items() if pid}
        self.start = time.monotonic()
        self.before = {name: processor_seconds(pid, family=True) for name, pid in self.pids.items()}

    def spent(self):
        """Seconds of processor time by name, and the seconds that went by under "wall"."""
        spent = {name: processor_seconds(pid, family=True) - self.before[name] for name, pid in self.pids.items()}
        return dict(spent, wall=time.monotonic() - self.start)
