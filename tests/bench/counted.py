"""Costs that repeat: instructions (callgrind) and system calls (strace) of a request.

In: a peer and its work. Out: a number a request: a run with more requests less a run with fewer, so that start and end do not
count. Sixteen clients that are always busy, a fixed number of requests, one worker; user space only, the kernel's work is not seen.
"""

import contextlib
import os
import re
import signal
import subprocess

import machine
import tools
from work import H1

FEWER, MORE = 500, 4500


def ended(proxy):
    """Ends the proxy, not what watches it, which then writes down what it has seen. Told again until it has: nginx looks for a signal
    before it waits for sockets, and one that comes between the two wakes nobody."""
    for _ in range(24):
        for pid in reversed(machine.family(proxy.process.pid)):
            with contextlib.suppress(OSError):  # a child may have followed its parent already
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) != "strace":
                    os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):  # under callgrind, on a busy machine
            return proxy.process.wait(5)
    raise RuntimeError(f"process {proxy.process.pid} does not end: {proxy.said.read_text()[-500:]}")


def run(application, name, work, requests, before, after=(), **asked):
    with machine.Proxy(application, name, work, before=before, after=after, patience=60) as proxy:
        machine.load(proxy.port, **{"connections": 16, **asked, "requests": requests})
        ended(proxy)


def total(out):
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1])


def instructions(application, name, work, **asked):
    out = application.folder / "callgrind.out"
    before = [tools.find("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}"]
    after = ["-g", "master_process off;"] if name == "nginx" else []
    if name == "burgee" and work.kind != H1:
        # a look at the kernel's table of sockets each 15 s, of which a run has one or none, is no request's
        after = ["--tcp-keepalive-time", "0s"]
    totals = []
    for requests in (FEWER, MORE):
        out.unlink(missing_ok=True)
        run(application, name, work, requests, before, after, **asked)
        totals.append(total(out))
    return (totals[1] - totals[0]) / (MORE - FEWER)


def syscalls(application, name, work):
    """By name, those that a request costs; what happens once in a hundred requests is left out."""
    out = application.folder / "strace.out"
    counts = []
    for requests in (FEWER, MORE):
        run(application, name, work, requests, [tools.find("strace"), "--follow-forks", "--summary-only", "--output", out])
        rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", out.read_text(), re.M)
        counts.append({name: int(count) for count, name in rows if name != "total"})
    each = {name: (count - counts[0].get(name, 0)) / (MORE - FEWER) for name, count in counts[1].items()}
    return {name: cost for name, cost in sorted(each.items(), key=lambda row: -row[1]) if cost >= 0.01}
