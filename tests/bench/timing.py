"""What a request costs in CPU, and how long it takes. In: a peer, its work, how long (1 is the default run). Out: figures by name."""

import contextlib
import statistics

from machine import Proxy, load
from work import Work

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
    """CPU microseconds of the proxy a request (a message, an upload), its system time included."""

    def scenario(application, name, scale):
        with Proxy(application, name, work) as proxy:
            load(proxy.port, **{**asked, "seconds": 0.3 * scale})
            before = proxy.cpu()
            report = load(proxy.port, **{**asked, "seconds": seconds * scale})
            return {figure: (proxy.cpu() - before) / 1e3 / report["answers"]}

    scenario.kind = work.kind
    return scenario


def at_a_rate(port, seconds, **asked):
    """Latencies from the intended time of each request, so that one that had to wait for a slow one counts in full."""
    load(port, rate=RATE, seconds=WARM, **asked)
    report = load(port, rate=RATE, seconds=seconds, **asked)
    return {figure: report[figure] for figure in ("p50", "p99", "p99.9", "again")}


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
