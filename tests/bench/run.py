#!/usr/bin/env python3
"""burgee beside what a user would pick instead, doing the same work: `make bench`, with ARGS="--quick" in five minutes.

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
import timing
import tools
from work import H1


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


def right(application, name, work):
    """Whether it does the work at all."""
    try:
        with machine.Proxy(application, name, work) as proxy:
            problem = checks.complaint(proxy.port, work)
    except (OSError, RuntimeError) as failure:
        problem = str(failure)
    if problem:
        say(f"{name} is left out of {work.kind}: with {work.toggles} toggles {problem}")
    return not problem


def able(application, names, kinds):
    """Those who do it, by what is spoken; whoever fails at HTTP/1.1 has no place at all."""
    toggles = lambda name, kind: [20] if kind != H1 else [1, 20, 100, 1000] if name == "burgee" else [1, 20, 100]
    does = lambda name, kind: all(right(application, name, peers.Work(toggles=many, kind=kind)) for many in toggles(name, kind))
    names = [name for name in names if does(name, H1)]
    who = {H1: names} | {kind: [name for name in names if does(name, kind)] for kind in kinds if kind != H1}
    for name in names:
        say(f"{name} {tools.version(name)} does the work: {', '.join(kind for kind in who if name in who[kind])}")
    return who


def kind(scenario):
    return getattr(scenario, "kind", H1)


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


def twice(scenario, *given):
    """Once more, if something went wrong: an hour of figures is not thrown away for one, and no figure is of what went wrong."""
    try:
        return scenario(*given)
    except RuntimeError as problem:
        say(f"measured once more: {problem}")
        return scenario(*given)


def measure(application, who, only, repetitions, scale):
    """{figure: {peer: [a value a repetition]}}"""
    figures = {}
    for turn in range(repetitions):
        for what in only:
            scenario, whom, how = scenarios.SCENARIOS[what]
            whom = [name for name in whom if name.removesuffix("-unix") in who[kind(scenario)] or name == "direct"]
            if not whom or how == scenarios.ONCE and turn:
                continue
            whom = timing.rotated(whom, turn)
            begun = time.monotonic()
            together = twice(scenario, application, whom, scale) if how == scenarios.TOGETHER else {}
            for name in whom:
                values = together[name] if together else twice(scenario, application, name, scale)
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
    parser.add_argument("--pairs", type=int, default=40, help="repetitions of what is called tail, which is measured only when --only names it (40)")
    parser.add_argument("--only", default="", help=f"some of {','.join(scenarios.SCENARIOS)}; `tail`, `grpc` and `h2` are all that begin so")
    parser.add_argument("--json", type=pathlib.Path, help="where to (target/bench.json; target/bench-tail.json for the tail alone)")
    parser.add_argument("--show", action="store_true", help="measure nothing: the table of the JSON that is there")
    parser.add_argument("--readme", action="store_true", help="also put the tables of the JSON into RESULTS.md, and the picture and some rows into the README")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: picture and rows of the README again, from RESULTS.md")
    asked = parser.parse_args()
    asked.only = scenarios.asked_for(list(filter(None, asked.only.split(","))))
    is_tail = bool(asked.only) and all(what.startswith("tail") for what in asked.only)
    if asked.readme and not asked.show and not is_tail and asked.only != scenarios.asked_for([]):
        parser.error(report.PARTIAL)
    asked.json = asked.json or tools.TARGET / ("bench-tail.json" if is_tail else "bench.json")
    return asked


def run(asked):
    machine.ready()
    facts = about()
    only = asked.only
    if set(found(["valgrind", "strace"])) != {"valgrind", "strace"}:
        only = [what for what in only if what not in ("counts", "plain")]
    wanted = {name.removesuffix("-unix") for what in only for name in scenarios.SCENARIOS[what][1]}
    application = machine.Application()
    who = able(application, found([name for name in asked.peers.split(",") if name in wanted]), dict.fromkeys(kind(scenarios.SCENARIOS[what][0]) for what in only))
    scale, most = (0.3, 2) if asked.quick else (1, 1000)
    slow = [what for what in only if what.startswith("tail")]
    repetitions = {"repetitions": min(asked.reps, most), "pairs": min(asked.pairs, most)}
    figures = measure(application, who, [what for what in only if what not in slow], repetitions["repetitions"], scale)
    figures |= measure(application, who, slow, repetitions["pairs"], scale)
    return {**facts, **repetitions, "quick": asked.quick, "versions": {name: tools.version(name) for name in who[H1]}, "figures": figures}


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
