#!/usr/bin/env python3
"""What all metrics cost: instructions a request with 20 features, and a scrape of 1,000 features x 3 variants under traffic.

In: cargo, valgrind. Out: the figures, and 1 if the metrics take 8% of the instructions or more, or a scrape 50 ms or more.
The binary is the release build with its symbols left in (target/profiled), so that callgrind can tell functions apart.
"""

import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BURGEE = ROOT / "target/profiled/release/burgee"
REQUESTS = 2000
HEAD = (
    "GET /shop/item/{0} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko\r\nAccept: text/html\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://shop.example/\r\nSec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\nUpgrade-Insecure-Requests: 1\r\nCookie: session=" + "a" * 120 + "; tracking=" + "b" * 100 + "; user_id=user-{0}\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 200


def application():
    """Answers whatever it is asked; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        heads = b""
        while some := client.recv(1 << 18):
            heads += some
            while b"\r\n\r\n" in heads:
                heads = heads.split(b"\r\n\r\n", 1)[1]
                client.sendall(ANSWER)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


@contextlib.contextmanager
def burgee(folder, toggles, port, prefix=()):
    (folder / "toggles.yaml").write_text(toggles)
    doors = [flag for door in ("listen", "admin-listen", "api-listen") for flag in (f"--{door}", "127.0.0.1:0")]
    command = [*prefix, BURGEE, "run", "--toggles", folder / "toggles.yaml", "--upstream", f"http://127.0.0.1:{port}", "--workers", "1", "--poll", "0s", "--log-format", "json"]
    process = subprocess.Popen([*command, *doors], stderr=subprocess.PIPE, text=True)
    try:
        lines = (json.loads(line) for line in process.stderr if line.startswith("{"))
        yield next(line for line in lines if line["message"] == "burgee listens")
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        process.wait()


class Client:
    def __init__(self, at):
        host, port = at.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, number):
        """How long it took."""
        begun = time.perf_counter()
        self.socket.sendall(HEAD.format(number).encode())
        answer = b""
        while not answer.endswith(ANSWER[-200:]):
            answer += self.socket.recv(65536)
        return time.perf_counter() - begun


def instructions(folder, port):
    """A request's, and of them those of all metrics."""
    toggles = "version: 1\nfeatures:\n" + "".join(f"  feature-{i}: 99%\n" for i in range(20))
    totals = []
    for requests in (0, REQUESTS):
        out = folder / f"callgrind.{requests}"
        with burgee(folder, toggles, port, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]) as at:
            client = Client(at["listen"])
            for number in range(requests):
                client.ask(number)
        totals.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1]))
    report = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--auto=no", "--threshold=99.99", out], capture_output=True, text=True, check=True).stdout
    # code that was inlined has lines of its own; the largest is the whole
    counted = max(int(line.replace(",", "")) for line in re.findall(r"^\s*([\d,]+) \(.*telemetry::metrics::Worker::answered", report, re.M))
    return (totals[1] - totals[0]) / REQUESTS, counted / REQUESTS


def scrapes(folder, port):
    """The times of scrapes, and of requests without and with five of them a second."""
    feature = "{variants: [a, b, c], serve: {a: 33%, b: 33%, c: 34%}}"
    toggles = "version: 1\nheaders: {prefix: X-F-}\nfeatures:\n" + "".join(f"  f{i}: {feature}\n" for i in range(1000))
    with burgee(folder, toggles, port) as at:
        client = Client(at["listen"])
        for number in range(200):
            client.ask(number)
        curl = ["curl", "--silent", "--output", folder / "metrics", "--write-out", "%{time_total}\n", f"http://{at['admin']}/metrics"]
        took = sorted(float(subprocess.run(curl, capture_output=True, text=True, check=True).stdout) for _ in range(15))
        series = sum(not line.startswith("#") for line in (folder / "metrics").read_text().splitlines())
        quiet = sorted(client.ask(number) for number in range(REQUESTS))
        scraper = subprocess.Popen(["sh", "-c", f"while sleep 0.2; do curl --silent --output /dev/null http://{at['admin']}/metrics; done"])
        busy = sorted(client.ask(number) for number in range(REQUESTS))
        scraper.terminate()
        scraper.wait()
        return took, series, quiet, busy


if __name__ == "__main__":
    keep = ["--config", 'profile.release.strip="none"', "--config", 'profile.release.debug="line-tables-only"']
    subprocess.run(["cargo", "build", "--release", "--quiet", *keep, "--target-dir", ROOT / "target/profiled"], check=True, cwd=ROOT)
    port = application()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        request, metrics = instructions(folder, port)
        print(f"20 features: {request:,.0f} instructions a request, {metrics:,.0f} of them for all metrics: {metrics / request:.1%}")
        took, series, quiet, busy = scrapes(folder, port)
        median, p99 = len(took) // 2, REQUESTS * 99 // 100
        print(f"1,000 features x 3 variants: a scrape of {series:,} series takes {took[median] * 1000:.1f} ms (best {took[0] * 1000:.1f}, worst {took[-1] * 1000:.1f})")
        print(f"requests beside it: p99 {quiet[p99] * 1000:.2f} ms without, {busy[p99] * 1000:.2f} ms with five scrapes a second")
    sys.exit(metrics / request >= 0.08 or took[median] >= 0.05)
