"""Processes, each in its place: the proxy on one core, the clients and the application on the other.

In: commands. Out: processes that end with us, and what the kernel counted for them.
"""

import atexit
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import checks
import peers
import tools
from work import GRPC, Place

CHILDREN = []
# Above whatever else this machine does, where that is allowed: a compiler must not take slices of milliseconds.
FIRST = ["chrt", "-r", "1"]


def cores():
    """Those that we may use; the second is no sibling of the first, where there is a choice."""
    topology = lambda core, what: pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/{what}").read_text()
    place = lambda core: (topology(core, "physical_package_id"), topology(core, "core_id"))
    first, *others = sorted(os.sched_getaffinity(0))
    with contextlib.suppress(OSError):
        others.sort(key=lambda core: (place(core) == place(first), core))
    return [first, *others]


CORES = cores()


def ready(alone=True):
    """Room for 10,000 connections; and for what is timed, two cores and no other benchmark."""
    if alone and len(CORES) < 2:
        sys.exit("a benchmark needs two cores: one for the proxy, one for its clients and the application")
    if alone:
        be_alone()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, 30000), max(most, 30000)))
    if not may_be_first():
        print("no real-time priority here: figures are less steady while something else runs", file=sys.stderr)
        FIRST.clear()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def be_alone():
    be_alone.lock = open(pathlib.Path(tempfile.gettempdir()) / "burgee-bench.lock", "w")
    try:
        fcntl.flock(be_alone.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"another benchmark is running: it holds {be_alone.lock.name}")


def may_be_first():
    try:
        return subprocess.run([*FIRST, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def start(command, core, first=True, **more):
    """On this core, the first or the second; on all that there are, where it is none."""
    allowed = CORES if core is None else [CORES[core % len(CORES)]]
    pinned = [*(FIRST if first else []), "taskset", "--cpu-list", ",".join(map(str, allowed)), *command]
    process = subprocess.Popen(list(map(str, pinned)), start_new_session=True, **{"stdin": subprocess.DEVNULL, **more})
    CHILDREN.append(process)
    if not first:
        # ahead of other sessions, where there are such groups, and equal among its own threads
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("-20")
    return process


def family(pid):
    """The process and its children."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            found += map(int, pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def stop(process):
    """As one does; by force what does not listen."""
    for way, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, way)
                process.wait(patience)
    if process in CHILDREN:
        CHILDREN.remove(process)


def stop_all():
    for process in list(CHILDREN):
        stop(process)


def free_port():
    """A loopback port below those that the kernel gives to clients; each is used once."""
    while free_port.next < 32000:
        free_port.next += 1
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", free_port.next))
            return free_port.next
    sys.exit("no free port below 32000")


free_port.next = 20000 + os.getpid() % 5000


def cpu(process):
    """Nanoseconds that it and its children have taken."""
    total = 0
    for pid in family(process.pid):
        for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(thread.read_text().split()[0])
    return total


class Application:
    """What the proxies are in front of, and a folder; both end with us."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="burgee-bench."))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        atexit.register(stop_all)
        self.socket = str(self.folder / "application.sock")
        self.process = start([tools.load(), "application", self.socket], 1, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    @functools.cached_property
    def grpc_port(self):
        """The other application, begun when it is first asked for."""
        grpc = start([tools.load(), "grpc-application"], 1, stdout=subprocess.PIPE, text=True)
        return int(grpc.stdout.readline())


class Proxy:
    """A peer at work. In: its name and the work. Out: a running process that has answered once."""

    def __init__(self, application, name, work, before=(), after=(), first=True, patience=20, core=0, scraped=False):
        self.port, self.work = free_port(), work
        behind = application.grpc_port if work.kind == GRPC else application.port
        place = Place(application.folder, self.port, behind, application.socket, free_port() if scraped else 0)
        self.admin = f"127.0.0.1:{place.admin}"
        command = [*before, *peers.EVERY[name](place, work), *after]
        self.said = application.folder / f"{self.port}.said"
        begun = time.perf_counter()
        with open(self.said, "w") as said:
            self.process = start(command, core, first, stdout=said, stderr=said)
        while not self.answers():
            if self.process.poll() is not None or time.perf_counter() - begun > patience:
                stop(self.process)
                raise RuntimeError(f"{name} did not start: {self.said.read_text()[-500:]}")
            time.sleep(0.0005)
        self.start_ms = (time.perf_counter() - begun) * 1e3

    def answers(self):
        if self.work.h2:
            return checks.speaks_h2(self.port)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
            return client.recv(100).startswith(b"HTTP/1.1 200")
        return False

    def listeners(self):
        """burgee's own word on where it listens: `admin`, `api`, …"""
        return next(json.loads(line) for line in self.said.read_text().splitlines() if "burgee listens" in line)

    def cpu(self):
        """Nanoseconds of all its threads."""
        return cpu(self.process)

    def memory(self):
        """Megabytes; what is shared is shared out (PSS)."""
        total = 0
        for pid in family(self.process.pid):
            with contextlib.suppress(OSError):
                total += int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
        return total / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)


def clients(port, hold=False, **options):
    """The clients, begun."""
    words = [word for name, value in options.items() for word in ((f"--{name}",) if value is True else (f"--{name}", str(value)))]
    more = {"stdin": subprocess.PIPE} if hold else {}
    return start([tools.load(), "clients", str(port), *words, *(["--hold"] if hold else [])], 1, stdout=subprocess.PIPE, text=True, **more)


def finish(process):
    """What they report. An answer that is none ends the benchmark: a figure for errors is worth nothing."""
    line = process.stdout.readline()
    if process.stdin is None:
        process.wait()
        CHILDREN.remove(process)
    report = json.loads(line or "{}")
    if not report or report["errors"]:
        raise RuntimeError(f"errors under load: {line or process.returncode}")
    return report


def load(port, **options):
    return finish(clients(port, **options))
