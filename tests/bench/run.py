#!/usr/bin/env python3
"""burgee beside what a user would pick instead, doing the same work: `make bench`, with ARGS="--quick" in three minutes.

In: cargo and two cores; nginx, HAProxy, Envoy, valgrind and strace are brought as far as they can be had. Out: a Markdown table of
ratios to nginx on standard output, and every figure in JSON. Repetitions are interleaved, so that what disturbs one peer disturbs all.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import checks
import machine
import peers
import report
import scenarios
import tools


def say(text):
    print(text, file=sys.stderr, flush=True)


def found(names):
    """Those that are here, by name."""
    for name in names:
        try:
            tools.find(name)
            yield name
        except (tools.Missing, OSError, subprocess.SubprocessError) as problem:
            say(f"{name} is left out: {problem}")


def right(application, name):
    """Whether it does the work at all."""
    for toggles in (1, 20, 100, 1000) if name == "burgee" else (1, 20, 100):
        with machine.Proxy(application, name, peers.Work(toggles=toggles)) as proxy:
            if problem := checks.complaint(proxy.port, toggles):
                say(f"{name} is left out: with {toggles} toggles {problem}")
                return False
    say(f"{name} does the work: {tools.version(name)}")
    return True


def about():
    text = lambda path: pathlib.Path(path).read_text()
    model = next((line.partition(": ")[2] for line in text("/proc/cpuinfo").splitlines() if line.startswith("model name")), platform.machine())
    memory = int(text("/proc/meminfo").split()[1]) / 1024 / 1024
    said = lambda *words: subprocess.run(words, cwd=tools.ROOT, capture_output=True, text=True).stdout.strip()
    return {
        "date": f"{datetime.date.today()}",
        "binary": tools.which_burgee(),
        "machine": f"{model}, {len(machine.CORES)} cores, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}",
        "compiler": said("rustc", "--version"),
        "load": os.getloadavg()[0],
    }


def measure(application, names, only, repetitions, scale):
    """{figure: {peer: [a value a repetition]}}"""
    figures = {}
    for turn in range(repetitions):
        for what in only:
            scenario, whom, how = scenarios.SCENARIOS[what]
            whom = [name for name in whom if name.removesuffix("-unix") in names or name == "direct"]
            if not whom or how == scenarios.ONCE and turn:
                continue
            whom = scenarios.rotated(whom, turn)
            begun = time.monotonic()
            together = scenario(application, whom, scale) if how == scenarios.TOGETHER else {}
            for name in whom:
                values = together[name] if together else scenario(application, name, scale)
                for figure, value in values.items():
                    figures.setdefault(figure, {}).setdefault(name, []).append(round(value, 3))
                took, begun = time.monotonic() - begun, time.monotonic()
                say(f"{turn + 1}/{repetitions} {what} {name}: {', '.join(f'{k} {v:,.1f}' for k, v in values.items())} ({took:.0f} s)")
    return figures


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, default=5, help="repetitions (5)")
    parser.add_argument("--quick", action="store_true", help="two short repetitions: what is grossly different shows")
    parser.add_argument("--peers", default=",".join(peers.PEERS), help="some of %(default)s")
    parser.add_argument("--only", default=",".join(scenarios.SCENARIOS), help="some of %(default)s")
    parser.add_argument("--json", type=pathlib.Path, default=tools.TARGET / "bench.json", help="where to (target/bench.json)")
    parser.add_argument("--show", action="store_true", help="measure nothing: the table of the JSON that is there")
    parser.add_argument("--readme", action="store_true", help="also put the tables of the JSON into RESULTS.md, and the picture and some rows into the README")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: picture and rows of the README again, from RESULTS.md")
    return parser.parse_args()


def run(asked):
    machine.ready()
    facts = about()
    only = [what for what in scenarios.SCENARIOS if what in asked.only.split(",")]
    if set(found(["valgrind", "strace"])) != {"valgrind", "strace"}:
        only = [what for what in only if what not in ("counts", "plain")]
    application = machine.Application()
    names = [name for name in found(asked.peers.split(",")) if right(application, name)]
    repetitions, scale = (min(asked.reps, 2), 0.3) if asked.quick else (asked.reps, 1)
    figures = measure(application, names, only, repetitions, scale)
    return {**facts, "repetitions": repetitions, "quick": asked.quick, "versions": {name: tools.version(name) for name in names}, "figures": figures}


def main():
    asked = arguments()
    if asked.redraw:
        return report.into_readme()
    if not asked.show:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(run(asked), indent=1) + "\n")
    measured = json.loads(asked.json.read_text())
    print(report.table(measured))
    if asked.readme:
        report.into_results(measured)
    say(f"all figures: {os.path.relpath(asked.json)}")


if __name__ == "__main__":
    main()
