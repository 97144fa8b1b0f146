#!/usr/bin/env python3
"""Writes src/startup.ld: what a sidecar runs stands together in the binary, so that the rest of it is not mapped into memory.

In: cargo, nm, and valgrind (brought from Debian if it is not here). Out: src/startup.ld, to be committed.
When: the memory of an idle sidecar has grown (`make bench ARGS='--only memory'`). The kernel maps 64 KiB around each page that is
touched, so that a function here and there brings all of the program. What counts as run: a start with toggles of several kinds,
requests over HTTP/1.1, a reload, a scrape, a probe, the end.
"""

import os
import re
import signal
import subprocess
import time
import urllib.request

import counted
import machine
import peers
import tools

EXAMPLES = ["experimentor.yaml", "flipper.yaml", "progressive.yaml", "targeting.yaml"]
# What a line of the file may cost in bytes that are never run, and what a function costs that is run and stands elsewhere.
LINE, ELSEWHERE = 500, 65_536
HEAD = """/* What a sidecar runs, next to each other; the rest of the program is then not mapped: see tests/bench/startup.py, which wrote this.
   build.rs gives it to the linker. Names that a compiler does not know any more do no harm. */
SECTIONS
{
  /* by hand: what every start runs and is no function of ours, and a lock that is waited for, which one thread under valgrind never does */
  .plt : { *(.plt) }
  .text.startup :
  {
    *crt1.o(.text)
    *crtbegin*.o(.text)
    *(.text*.*5mutex5futex*lock_contended*)
"""
TAIL = """  }
}
INSERT BEFORE .text;
"""


def functions(binary):
    """Address and bytes of each; what is the same twice has one address and two names."""
    said = subprocess.run(["nm", "--print-size", "--defined-only", binary], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in said.splitlines())
    return {row[3]: (row[0], int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in "tTwW"}


def ran(application, binary, example, day):
    """The functions that are run with these toggles, by their names in the binary."""
    out, admin = application.folder / "callgrind.out", machine.free_port()
    out.unlink(missing_ok=True)
    peers.EVERY["unordered"] = lambda place, work: [
        binary, "run", "--toggles", tools.ROOT / "config/examples" / example, "--upstream", f"http://127.0.0.1:{place.application}",
        "--listen", f"127.0.0.1:{place.listen}", "--admin-listen", f"127.0.0.1:{admin}", "--api-listen", "127.0.0.1:0"]
    before = [tools.find("valgrind"), "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out}"]
    with machine.Proxy(application, "unordered", peers.Work(), before=before, patience=60) as proxy:
        if day:
            spend(proxy, admin)
        counted.ended(proxy)
    return set(re.findall(r"^c?fn=\(\d+\) (\S+)", out.read_text(), re.M))


def spend(proxy, admin):
    machine.load(proxy.port, connections=16, requests=500)
    for path in ("metrics", "health", "ready"):
        urllib.request.urlopen(f"http://127.0.0.1:{admin}/{path}").read()
    for pid in machine.family(proxy.process.pid):
        os.kill(pid, signal.SIGHUP)
    while "the toggles are in force" not in proxy.said.read_text():
        time.sleep(0.1)


def ups(name):
    """The beginnings of a name at which a pattern may end: `_ZN4http6header…17h0123456789abcdefE` to `_ZN4http`, `_ZN4http6header`, …
    without the hash, which is another one in the next build."""
    if name.startswith("_R"):  # the standard library's: a crate's hash is its compiler's
        return [re.sub(r"\.\d+$", "", re.sub(r"Cs\w+?_", "Cs*_", name))]
    if not name.startswith("_ZN"):
        return ["_mi_" if name.startswith("_mi_") else "mi_" if name.startswith("mi_") else name]
    ends, at = [], 3
    while digits := re.match(r"\d+", name[at:]):
        at += len(digits[0]) + int(digits[0])
        ends.append(name[:at])
    return ends[:-1] if re.search(r"17h[0-9a-f]{16}E", name) else ends


class Part:
    """A module, a type or a function, by the beginning of its names."""

    def __init__(self):
        self.parts, self.bytes, self.run, self.functions = {}, 0, 0, 0

    def add(self, ups, size, is_run):
        self.bytes, self.run, self.functions = self.bytes + size, self.run + size * is_run, self.functions + is_run
        if ups:
            self.parts.setdefault(ups[0], Part()).add(ups[1:], size, is_run)

    def best(self, name=None):
        """The cheapest cover of what is run, and its cost: all of it by one pattern, its parts by theirs, or nothing."""
        if not self.functions:
            return 0, []
        ways = [(self.functions * ELSEWHERE, [])]
        if name:
            ways.append((self.bytes - self.run + LINE, [name]))
        if self.functions == sum(part.functions for part in self.parts.values()):
            costs, patterns = zip(*(part.best(name) for name, part in self.parts.items()))
            ways.append((sum(costs), sum(patterns, [])))
        return min(ways, key=lambda way: way[0])


def main():
    machine.ready()
    binary, application, whole = tools.with_symbols("unordered", BURGEE_UNORDERED="1"), machine.Application(), Part()
    run = set().union(*(ran(application, binary, example, example == EXAMPLES[0]) for example in EXAMPLES))
    every = functions(binary)
    places = {every[name][0] for name in run & every.keys()}
    for name, (place, size) in every.items():
        whole.add(ups(name), size, place in places)
    _, patterns = whole.best()
    # cold functions have a section name of their own
    lines = "".join(f"    *(.text*.{pattern}*)\n" for pattern in patterns)
    (tools.ROOT / "src/startup.ld").write_text(HEAD + lines + TAIL)
    print(f"src/startup.ld: {len(patterns)} lines; {whole.run / 1e6:.2f} MB of {whole.bytes / 1e6:.2f} MB are run")


if __name__ == "__main__":
    main()
