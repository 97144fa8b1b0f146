"""What a peer holds in memory. In: a peer, how long (1 is the default run). Out: megabytes by name, and how long the start took."""

import dataclasses
import time

import machine
from machine import Proxy, clients, finish
from work import Work


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



def many(open_figure, after_figure, work=Work(), **asked):
    """10,000 connections that were used once and are kept; then without them; each as soon as it does not shrink any more."""

    def scenario(application, name, scale):
        connections = 10_000 if machine.descriptors() > 20_200 else (machine.descriptors() - 200) // 2
        with Proxy(application, name, dataclasses.replace(work, connections=connections)) as proxy:
            held = clients(proxy.port, hold=True, connections=connections, requests=connections, busy=64, **asked)
            finish(held)
            open_ones = shrunk(proxy, scale)
            let_go(held)
            return {open_figure: open_ones, after_figure: shrunk(proxy, scale)}

    scenario.kind = work.kind
    return scenario


def let_go(held):
    """Clients that kept their connections open."""
    held.stdin.close()
    held.wait(30)
    machine.CHILDREN.remove(held)


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
