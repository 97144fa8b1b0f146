"""The order of functions in a release: what every sidecar runs stands together, so that the rest of the binary is not mapped into memory.

In: the binary that counts, valgrind (brought from Debian if it is not here) and llvm-profdata. Out: the names of functions, for the linker.
Both are asked: valgrind sees those of libc, mimalloc and the standard library, the counts have those that were inlined. The kernel maps 64 KiB around each page that is touched, so that a function here and there brings all of the program. Counted: a start with
toggles of several kinds, requests over HTTP/1.1, a scrape, a probe, a reload, the end; libc's functions and mimalloc's too.
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

import counted
import machine
import peers
import tools

EXAMPLES = ["experimentor.yaml", "flipper.yaml", "progressive.yaml", "targeting.yaml"]


def spend(proxy):
    machine.load(proxy.port, connections=16, requests=500)
    for path in ("metrics", "health", "ready"):
        urllib.request.urlopen(f"http://{proxy.listeners()['admin']}/{path}").read()
    for pid in machine.family(proxy.process.pid):
        os.kill(pid, signal.SIGHUP)
    while "the toggles are in force" not in proxy.said.read_text():
        time.sleep(0.1)


def ran(application, example):
    """The functions that are run with these toggles, by their names in the binary."""
    out = application.folder / "callgrind.out"
    out.unlink(missing_ok=True)
    before = [tools.find("valgrind"), "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out}"]
    work = peers.Work(text=(tools.ROOT / "config/examples" / example).read_text())
    with machine.Proxy(application, "burgee", work, before=before, patience=60) as proxy:
        spend(proxy)
        counted.ended(proxy)
    return set(re.findall(r"^c?fn=\(\d+\) ([A-Za-z_][\w.$]*)", out.read_text(), re.M))


def counted_ones(shown):
    """Those that ran at all, of what llvm-profdata shows."""
    rows = re.findall(r"^  (\S+):\n.*\n.*\n +Block counts: (.*)$", shown, re.M)
    return {name.rpartition(";")[2] for name, counts in rows if re.search("[1-9]", counts)}


def order(application, profdata):
    with tempfile.TemporaryDirectory() as seen:
        os.environ["LLVM_PROFILE_FILE"] = f"{seen}/%m.profraw"
        names = set().union(*(ran(application, example) for example in EXAMPLES))
        (raw,) = pathlib.Path(seen).iterdir()
        shown = subprocess.run([profdata, "show", "--all-functions", "--counts", raw], capture_output=True, text=True, check=True).stdout
    return sorted(names | counted_ones(shown))
