"""What the tests start and measure: burgee, applications, crowds, all processes of their own that end with their `with`.

In: $BURGEE, the release binary. Out: addresses, memory, and the time that answers take.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BURGEE = os.environ["BURGEE"]
LONG = bool(os.environ.get("LONG"))
HERE = pathlib.Path(__file__).parent
TOGGLES = "version: 1\nfeatures:\n  dark-mode: on\n"


def until(what, ask, seconds=30):
    """The first answer of `ask` that is one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Process:
    """`with Process(command, pattern) as process:`, and `.found` is what its output said first that is like the pattern."""

    def __init__(self, command, pattern, **more):
        self.command, self.pattern, self.more = [str(word) for word in command], pattern, more

    def __enter__(self):
        self.log = tempfile.NamedTemporaryFile("w+")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, text=True, **self.more)
        self.found = until(f"{self.command} says {self.pattern}", self.look)
        return self

    def look(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command} ended:\n{self.said()}")
        return re.search(self.pattern, self.said())

    def said(self):
        return pathlib.Path(self.log.name).read_text()

    def end(self):
        """Asks it to end by closing its standard input, and returns the last line that it said."""
        self.process.stdin.close()
        self.process.wait(30)
        return (self.said().strip().splitlines() or [""])[-1]

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.log.close()

    def memory(self):
        """Resident bytes; none of a process that has ended."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        return int(resident[1]) * 1024 if resident else 0

    def processor(self):
        """User and system seconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Burgee(Process):
    """`with Burgee("127.0.0.1:8080", *flags) as burgee:` and `.traffic`, `.admin` are host:port."""

    def __init__(self, upstream, *flags, listen="127.0.0.1:0", **more):
        self.toggles = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.toggles.write(TOGGLES)
        self.toggles.flush()
        run = ["run", "--toggles", self.toggles.name, "--upstream", f"http://{upstream}", "--listen", listen]
        quiet = ["--admin-listen=127.0.0.1:0", "--api-listen=none", "--poll=0s", "--log-format=json"]
        super().__init__([BURGEE, *run, *quiet, *flags], r"\{.*burgee listens.*", **more)

    def __enter__(self):
        super().__enter__()
        line = json.loads(self.found[0])
        self.traffic, self.admin = line["listen"], line["admin"]
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self.toggles.close()


def has_flag(flag):
    """Whether this binary knows a flag."""
    return flag in subprocess.run([BURGEE, "run", "--help"], capture_output=True, text=True, check=True).stdout


def python(program, *arguments, pattern=r"listens on (\S+)", before=()):
    """A program of this folder."""
    return Process([*before, sys.executable, HERE / program, *arguments], pattern)


def place(address):
    """Host and port."""
    host, port = address.rsplit(":", 1)
    return host, int(port)


def get(address, path="/", timeout=10, headers=None, method="GET", body=None):
    """Status, fields and body of one request on a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection(*place(address), timeout=timeout)) as connection:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def latencies(asks, seconds):
    """How long many turns of each of `asks` took, in seconds, in order; a turn that fails counts as endless. They take turns, so that
    what the machine does besides is the same for all."""
    took, end = [[] for _ in asks], time.monotonic() + seconds
    while time.monotonic() < end:
        for ask, of_this in zip(asks, took):
            begun = time.monotonic()
            fine = ask()
            of_this.append(time.monotonic() - begun if fine else float("inf"))
    return [sorted(of_this) for of_this in took]


def figures(took):
    """As text: how many, the middle, the 99th percentile, and the worst."""
    return f"{len(took)} calls, p50 {took[len(took) // 2] * 1000:.2f} ms, p99 {p99(took) * 1000:.2f} ms, worst {took[-1] * 1000:.1f} ms"


def p99(took):
    return took[int(len(took) * 0.99)]


def mib(number):
    return f"{number / (1 << 20):.1f} MiB"
