"""What is measured, a function each, on a process of its own.

In: the application, a peer's name (all of them where they take turns), how long (1 is the default run). Out: figures by name, for
this peer (by peer where they take turns) and this repetition.
"""

import contextlib
import itertools
import os
import shutil
import signal
import statistics
import subprocess
import threading
import time

import counted
import machine
import peers
import tools
from machine import Proxy, clients, finish, load
from peers import Work

RATE = 4000
WARM = 0.5
# what disturbs a machine for seconds disturbs one of them, and the median is another's
TURNS = 5


def middle(turns):
    """The median of each figure."""
    return {figure: statistics.median(turn[figure] for turn in turns) for figure in turns[0]}


def rotated(names, turn):
    """Whoever was first is last the next time."""
    return names[turn % len(names) :] + names[: turn % len(names)]


def cpu(figure, work, seconds, **asked):
    """CPU microseconds of the proxy a request, its system time included."""

    def scenario(application, name, scale):
        with Proxy(application, name, work) as proxy:
            load(proxy.port, **{**asked, "seconds": 0.3 * scale})
            before = proxy.cpu()
            report = load(proxy.port, **{**asked, "seconds": seconds * scale})
            return {figure: (proxy.cpu() - before) / 1e3 / report["answers"]}

    return scenario


def at_a_rate(port, seconds):
    """Latencies from the intended time of each request, so that one that had to wait for a slow one counts in full."""
    load(port, rate=RATE, seconds=WARM)
    report = load(port, rate=RATE, seconds=seconds)
    return {figure: report[figure] for figure in ("p50", "p99", "p99.9")}


def latency(application, names, scale):
    """All of them in turns. `direct` is the application alone."""
    with contextlib.ExitStack() as until_all_are_done:
        proxies = {name: until_all_are_done.enter_context(Proxy(application, name, Work())) for name in names if name != "direct"}
        turns = {name: [] for name in names}
        for turn in range(TURNS):
            for name in rotated(names, turn):
                turns[name].append(at_a_rate_through(proxies[name], 2 * scale) if name in proxies else at_a_rate(application.port, 2 * scale))
    return {name: middle(those) for name, those in turns.items()}


def at_a_rate_through(proxy, seconds):
    before, latencies = proxy.cpu(), at_a_rate(proxy.port, seconds)
    return {**latencies, "cpu at rate": (proxy.cpu() - before) / 1e3 / (RATE * (seconds + WARM))}


def largest_file(share):
    """Just below the mebibyte that is allowed: 20 features, and segments of users that some of them ask for."""
    features = "".join(f"  flag-{n:03}: {{rules: [{{when: group-{n:02}, serve: on}}], rollout: {share}%}}\n" for n in range(20))
    ids = iter(f"customer-{n:08}" for n in range(1 << 20))
    each = (1_040_000 // 20 - 40) // len("customer-00000000, ")
    segments = "".join(f"  group-{n:02}: {{user: [{', '.join(next(ids) for _ in range(each))}]}}\n" for n in range(20))
    return f"version: 1\nuser: [cookie.uid]\nsegments:\n{segments}features:\n{features}"


def reloading(application, name, scale):
    """The same load, while a 1 MiB file is read again every second, and while it is not, in turns: a neighbour's work is in both.
    Not above other processes, where the reading thread would not be moved from the core that it shares with the traffic."""
    if name != "burgee":
        return {}
    with Proxy(application, name, Work(text=largest_file(98)), first=False) as proxy:
        versions = [application.folder / f"large.{share}.yaml" for share in (99, 98)]
        for file in versions:
            file.write_text(largest_file(file.stem[-2:]))
        editions, quiet, busy = itertools.cycle(versions), [], []
        for _ in range(TURNS):
            quiet.append(at_a_rate(proxy.port, 2.5 * scale))
            with edited(proxy, application.folder / f"{proxy.port}.yaml", editions):
                busy.append(at_a_rate(proxy.port, 2.5 * scale))
        reloads = proxy.said.read_text().count("the toggles are in force")
        if reloads < TURNS * 2.5 * scale:
            raise RuntimeError(f"{reloads} reloads in {TURNS} turns of {2.5 * scale} s: {proxy.said.read_text()[-500:]}")
    named = {"of a large file": quiet, "reloading": busy}
    return {f"{figure} {what}": value for what, turns in named.items() for figure, value in middle(turns).items()}


@contextlib.contextmanager
def edited(proxy, file, editions):
    """The next edition every second, as a ConfigMap's volume does it."""
    done = threading.Event()

    def edit():
        while not done.wait(1):
            fresh = file.with_suffix(".fresh")
            os.link(next(editions), fresh)
            fresh.rename(file)
            os.kill(proxy.process.pid, signal.SIGHUP)

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        yield
    finally:
        done.set()
        editor.join()


def memory(application, name, scale):
    """Megabytes once it has answered, and at most while 64 and 1,000 clients are served; and how long the start took."""
    with Proxy(application, name, Work()) as proxy:
        figures = {"start": proxy.start_ms, "memory idle": proxy.memory()}
        for connections in (64, 1000):
            busy = clients(proxy.port, connections=connections, seconds=1.5 * scale)
            most = 0
            while busy.poll() is None:
                most = max(most, proxy.memory())
                time.sleep(0.05)
            finish(busy)
            figures[f"memory {connections}"] = most
        return figures


def many(application, name, scale):
    """10,000 connections that were used once and are kept; then without them; each as soon as it does not shrink any more."""
    connections = 10_000 if machine.descriptors() > 20_200 else (machine.descriptors() - 200) // 2
    with Proxy(application, name, Work(connections=connections)) as proxy:
        held = clients(proxy.port, hold=True, connections=connections, requests=connections, busy=64)
        finish(held)
        open_ones = shrunk(proxy, scale)
        held.stdin.close()
        held.wait(30)
        machine.CHILDREN.remove(held)
        return {"memory 10000": open_ones, "memory after": shrunk(proxy, scale)}


def shrunk(proxy, scale):
    """Beside a few requests a second: some allocators tidy up only when they are used."""
    least, since = proxy.memory(), time.monotonic()
    while time.monotonic() - since < 5 * scale:
        now = proxy.memory()
        if now < least * 0.99:
            least, since = now, time.monotonic()
        proxy.answers()
        time.sleep(0.1)
    return least


def binary(application, name, scale):
    """Megabytes on disk, without symbols."""
    copy = application.folder / "stripped"
    shutil.copyfile(tools.find(name.removesuffix("-unix")), copy)
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["strip", copy], capture_output=True)
    return {"binary": copy.stat().st_size / 1e6}


def counts(application, name, scale):
    """Instructions and system calls a request; under valgrind Envoy, and HAProxy with 100 toggles, take too long."""
    calls = counted.syscalls(application, name, Work())
    figures = {"syscalls": sum(calls.values())}
    toggles = {"burgee": [1, 20, 100, 1000], "nginx": [1, 20, 100], "haproxy": [1, 20]}.get(name, [])
    if scale < 1:
        toggles = toggles[:2]
    figures |= {f"instructions {n}": counted.instructions(application, name, Work(toggles=n)) for n in toggles}
    if toggles:
        figures["instructions more"] = (figures["instructions 20"] - figures["instructions 1"]) / 19
    return figures


def plain(application, name, scale):
    """What a request costs a burgee that `cargo build --release` made."""
    one, twenty = (counted.instructions(application, "burgee-plain", Work(toggles=n)) for n in (1, 20))
    return {"plain instructions 1": one, "plain instructions more": (twenty - one) / 19}


EACH = ("burgee", "nginx", "haproxy", "envoy")
UNIX = ("burgee-unix",)
# One after the other; all of them together, in turns; and what one repetition tells for all.
ALONE, TOGETHER, ONCE = "alone", "together", "once"
SCENARIOS = {
    "w1": (cpu("cpu 1", Work(), 2), EACH + UNIX, ALONE),
    "w20": (cpu("cpu 20", Work(toggles=20), 1.5), EACH, ALONE),
    "w100": (cpu("cpu 100", Work(toggles=100), 1.5), EACH, ALONE),
    "w1000": (cpu("cpu 1000", Work(toggles=1000), 1.5), ("burgee",), ALONE),
    "post": (cpu("cpu post", Work(), 1.2, post=10240), EACH, ALONE),
    "large": (cpu("cpu 1m", Work(), 1.5, path="/1m", connections=16), EACH, ALONE),
    "latency": (latency, ("direct",) + EACH + UNIX, TOGETHER),
    "reload": (reloading, ("burgee",), ALONE),
    "memory": (memory, EACH, ALONE),
    "many": (many, EACH, ALONE),
    "binary": (binary, EACH, ONCE),
    "counts": (counts, EACH, ONCE),
    "plain": (plain, ("burgee",), ONCE),
}
