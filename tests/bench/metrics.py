#!/usr/bin/env python3
"""What counting costs: instructions with 20 features, a scrape of 1,000 features of 3 variants, the traffic beside
it, and the memory of a feature that is compared.

In: burgee's release build, and one with its symbols left in, so that callgrind can tell functions apart ($PROFILED, else cargo makes
it under target/profiled); valgrind. Out: the figures; 1 if all metrics take 8% of the instructions or more, or a scrape 50 ms or more.
"""

import http.client
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

import counted
import machine
import peers
import tools

SHARE, SCRAPE_MS = 0.08, 50
SCRAPES, REPETITIONS = 50, 9
RATE, SECONDS = 1000, 4
LARGE = "version: 1\nuser: [cookie.uid]\nheaders: {prefix: X-F-}\nfeatures:\n" + "".join(
    f"  f{n}: {{variants: [a, b, c], serve: {{a: 33%, b: 33%, c: 34%}}}}\n" for n in range(1000))


def instructions(application):
    """A request's, and of them those of all metrics: `Recorder::count_request` is where every one of them is counted."""
    out = application.folder / "callgrind.out"
    annotate = [pathlib.Path(tools.find("valgrind")).with_name("callgrind_annotate"), "--inclusive=yes", "--auto=no", "--threshold=100", out]
    totals, metrics = [], []
    for requests in (counted.FEWER, counted.MORE):
        counted.run(application, "profiled", peers.Work(toggles=20), requests, [tools.find("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}"])
        totals.append(counted.total(out))
        report = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout
        lines = re.findall(r"^ *([\d,]+) .*telemetry::recorder::Recorder::count_request", report, re.M)
        metrics.append(max(int(line.replace(",", "")) for line in lines))
    each = counted.MORE - counted.FEWER
    return (totals[1] - totals[0]) / each, (metrics[1] - metrics[0]) / each


def scrape(proxy):
    """Its milliseconds, and the text."""
    begun = time.perf_counter()
    client = http.client.HTTPConnection(proxy.listeners()["admin"], timeout=10)
    client.request("GET", "/metrics")
    text = client.getresponse().read().decode()
    client.close()
    return (time.perf_counter() - begun) * 1e3, text


def scrapes(application):
    with machine.Proxy(application, "burgee", peers.Work(text=LARGE)) as proxy:
        machine.load(proxy.port, requests=3000)
        _, text = scrape(proxy)
        series = sum(not line.startswith("#") for line in text.splitlines())
        return series, len(text), [scrape(proxy)[0] for _ in range(SCRAPES)]


def discard(admin):
    """A scrape that costs its client next to nothing: it shares a core with the load."""
    host, port = admin.split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        room = bytearray(1 << 20)
        while client.recv_into(room):
            pass


def p99(proxy, scraped=None):
    """Of the traffic, with a scrape of this address every second, or without."""
    done = threading.Event()

    def every_second():
        while not done.wait(1):
            discard(scraped)

    scraper = threading.Thread(target=every_second)
    if scraped:
        scraper.start()
    try:
        return machine.load(proxy.port, rate=RATE, seconds=SECONDS)["p99"]
    finally:
        done.set()
        if scraped:
            scraper.join()


def memory(application):
    """KiB that a feature takes because it is compared: a thousand of two variants, less as many that nobody counts."""
    def of(more):
        features = "".join(f"  f{n}: {{rollout: 50%{more}}}\n" for n in range(1000))
        with machine.Proxy(application, "burgee", peers.Work(text="version: 1\nuser: [cookie.uid]\nfeatures:\n" + features)) as proxy:
            machine.load(proxy.port, requests=3000)
            return proxy.memory()
    return (of("") - of(", metrics: off")) * 1024 / 1000


ELSEWHERE = """
import os, socket, sys
os.sched_setaffinity(0, {0})
server = socket.create_server(("127.0.0.1", 0))
print("%s:%s" % server.getsockname(), flush=True)
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(bytes(int(sys.argv[1])))
    client.close()
"""


def beside(application, size):
    """Three arms in turn: no scrape; as many bytes from a process that has them ready, on burgee's core; a scrape.
    What the second costs is the sending and the scraper's, which shares a core with the load."""
    command = [sys.executable, "-c", ELSEWHERE, str(size)]
    with machine.Proxy(application, "burgee", peers.Work(text=LARGE), first=False) as proxy, \
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            machine.load(proxy.port, requests=3000)
            arms = [None, other.stdout.readline().strip(), proxy.listeners()["admin"]]
            return list(zip(*([p99(proxy, arm) for arm in arms] for _ in range(REPETITIONS))))
        finally:
            other.kill()


def main():
    machine.ready()
    profiled = os.environ.get("PROFILED") or tools.with_symbols("profiled")
    peers.EVERY["profiled"] = lambda place, work: [profiled, *peers.burgee(place, work)[1:]]
    application = machine.Application()
    request, metrics = instructions(application)
    print(f"20 features: {request:,.0f} instructions a request, {metrics:,.0f} of them for all metrics: {metrics / request:.1%}", flush=True)
    series, size, took = scrapes(application)
    middle = statistics.median(took)
    print(f"1,000 features of 3 variants: a scrape of {series:,} series, {size / 1e6:.1f} MB, takes {middle:.1f} ms (worst of {SCRAPES}: {max(took):.1f})", flush=True)
    print(f"a compared feature of two variants takes {memory(application):.1f} KiB, with one worker", flush=True)
    for name, values in zip(("no scrape", "as many bytes from elsewhere every second", "a scrape every second"), beside(application, size)):
        print(f"p99 at {RATE:,} requests a second with 1,000 features, {name}: {statistics.median(values):,.0f} µs ({min(values):,.0f} to {max(values):,.0f})")
    sys.exit(metrics / request >= SHARE or middle >= SCRAPE_MS)


if __name__ == "__main__":
    main()
