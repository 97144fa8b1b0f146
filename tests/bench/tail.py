"""The slowest requests, and what may make them slower. In: a peer, what happens beside the load. Out: latencies at 4,000 requests a
second, of a fresh process each time; burgee and nginx alternate, so that a pair is of the same seconds.

Where a file may be read, nothing runs above other processes: there the thread that reads it would not be moved from the core that it
shares with the traffic.
"""

import contextlib
import os
import signal
import socket
import threading

import machine
from held import let_go
from machine import Proxy, clients, finish
from timing import TURNS, at_a_rate, middle
from work import Work

SECONDS = 2.5
IDLE = 1000


def largest_file(share):
    """Just below the mebibyte that is allowed: 20 features, and segments of users that some of them ask for."""
    features = "".join(f"  flag-{n:03}: {{rules: [{{when: group-{n:02}, serve: on}}], rollout: {share}%}}\n" for n in range(20))
    ids = iter(f"customer-{n:08}" for n in range(1 << 20))
    each = (1_040_000 // 20 - 40) // len("customer-00000000, ")
    segments = "".join(f"  group-{n:02}: {{user: [{', '.join(next(ids) for _ in range(each))}]}}\n" for n in range(20))
    return f"version: 1\nuser: [cookie.uid]\nsegments:\n{segments}features:\n{features}"


def versions(application):
    """Two of them that differ."""
    files = [application.folder / f"large.{share}.yaml" for share in (99, 98)]
    for file in files:
        if not file.exists():
            file.write_text(largest_file(file.stem[-2:]))
    return files


@contextlib.contextmanager
def every_second(act):
    """While it lasts; what went wrong is raised at its end."""
    done, failures = threading.Event(), []

    def acting():
        try:
            while not done.wait(1):
                act()
        except Exception as failure:
            failures.append(failure)

    actor = threading.Thread(target=acting)
    actor.start()
    try:
        yield
    finally:
        done.set()
        actor.join()
    for failure in failures:
        raise failure


def edited(application, proxy):
    """The other version every second, as a ConfigMap's volume does it."""
    file, (one, other) = application.folder / f"{proxy.port}.yaml", versions(application)

    def edit():
        fresh = file.with_suffix(".fresh")
        os.link(other if file.samefile(one) else one, fresh)
        fresh.rename(file)
        os.kill(proxy.process.pid, signal.SIGHUP)

    return every_second(edit)


def reloading(application, name, scale):
    """The same process in turns: a 1 MiB file is read again every second, and it is not; a neighbour's work is in both."""
    with Proxy(application, name, Work(text=largest_file(98)), first=False) as proxy:
        quiet, busy = [], []
        for _ in range(TURNS):
            quiet.append(at_a_rate(proxy.port, 2.5 * scale))
            with edited(application, proxy):
                busy.append(at_a_rate(proxy.port, 2.5 * scale))
        must_have_reloaded(proxy, TURNS)
    named = {"of a large file": quiet, "reloading": busy}
    return {f"{figure} {what}": value for what, turns in named.items() for figure, value in middle(turns).items() if figure != "again"}


def must_have_reloaded(proxy, times):
    """Beside its start. On a busy machine a reload may come late, and serve two signals."""
    reloads = proxy.said.read_text().count("the toggles are in force") - 1
    if reloads < times:
        raise RuntimeError(f"{reloads} reloads, not {times}: {proxy.said.read_text()[-500:]}")


@contextlib.contextmanager
def reloads(application, name, proxy):
    """burgee's toggles file; of nginx, which has its features in its configuration, that: as `nginx -s reload` tells it."""
    if name == "burgee":
        with edited(application, proxy):
            yield
        return must_have_reloaded(proxy, 1)
    workers = set(machine.family(proxy.process.pid))
    with every_second(lambda: os.kill(proxy.process.pid, signal.SIGHUP)):
        yield
    if workers == set(machine.family(proxy.process.pid)):
        raise RuntimeError("nginx has not reloaded")


def scrapes(application, name, proxy):
    """burgee's `/metrics`, nginx's `stub_status`."""
    host, port = (proxy.listeners()["admin"] if name == "burgee" else proxy.admin).split(":")

    def scrape():
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            room = bytearray(1 << 20)
            if client.recv_into(room) and not room.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"a scrape: {bytes(room[:100])}")
            while client.recv_into(room):
                pass

    scrape()
    return every_second(scrape)


@contextlib.contextmanager
def idle_ones(application, name, proxy):
    """1,000 connections more, which were used once."""
    held = clients(proxy.port, hold=True, connections=IDLE, requests=IDLE, busy=64)
    finish(held)
    yield
    let_go(held)


def nothing(application, name, proxy):
    return contextlib.nullcontext()


# what happens beside the load, and whether it is of a full file: 1 MiB in burgee, in nginx as many features alone
CONDITIONS = {"plain": (nothing, False), "idle": (idle_ones, False), "full": (nothing, True), "reload": (reloads, True), "scrape": (scrapes, True)}


def tail(condition):
    beside, is_full = CONDITIONS.get(condition, (None, False))

    def scenario(application, name, scale):
        if name == "direct":
            return named(at_a_rate(application.port, SECONDS * scale))
        work = Work(toggles=20 if is_full else 1, text=largest_file(98) if is_full and name == "burgee" else "")
        with Proxy(application, name, work, first=not is_full, scraped=beside is scrapes) as proxy, beside(application, name, proxy):
            # nginx closes the connections of the workers that it replaces
            return named(at_a_rate(proxy.port, SECONDS * scale, **({"again": True} if beside is reloads else {})))

    def named(figures):
        return {f"tail {condition} {figure}": value for figure, value in figures.items()}

    return scenario
