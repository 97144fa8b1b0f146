"""The profile of a release: what a sidecar was seen to do, which tells the compiler what to make fast and what small.

In: a binary that counts what it runs; the compiler's llvm-profdata (rustup's llvm-tools, PATH or Debian) and valgrind (PATH or
Debian). Out: a profile, and an order of functions (order.py). Both know functions by names that hold the compiler, the versions of burgee
and of what it uses. What never ran is built small, so that whatever is used in earnest has to run here.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests/bench"))

import counted
import machine
import order
import peers
import scenarios
import tail
import tools
from work import GRPC, WEBSOCKET

MANY = {"connections": 64, "requests": 20_000}
SOME = {"connections": 16, "requests": 1_000}
H2 = {"connections": 4, "streams": 8, "requests": 2_000}


def profdata():
    """The tool that is of the compiler's LLVM: another one does not read what it writes."""
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    with contextlib.suppress(StopIteration):
        return str(next(pathlib.Path(root).glob("lib/rustlib/*/bin/llvm-profdata")))
    compiler = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    major = re.search(r"^LLVM version: (\d+)", compiler, re.M)[1]
    return shutil.which(f"llvm-profdata-{major}") or tools.debian(f"llvm-{major}", f"usr/lib/llvm-{major}/bin/llvm-profdata")


def ask(url, body=None, **headers):
    """Whatever the answer is."""
    asked = urllib.request.Request(url, None if body is None else body.encode(), headers)
    with contextlib.suppress(urllib.error.HTTPError, http.client.HTTPException):
        urllib.request.urlopen(asked).read()


def spend(proxy):
    """A day beside the traffic: probes, scrapes, questions, reloads."""
    listeners = proxy.listeners()
    admin, api = f"http://{listeners['admin']}", f"http://{listeners['api']}"
    for user in ("mia", "quentin", "42", "user-123") * 5:
        for path in ("/metrics", "/health", "/ready"):
            ask(admin + path)
        for path in ("/", "/features", f"/explain?user={user}&country=US"):
            ask(api + path)
        question = json.dumps({"context": {"targetingKey": user, "country": "US", "plan": "pro"}})
        ask(f"{api}/ofrep/v1/evaluate/flags", question, **{"Content-Type": "application/json"})
        ask(f"{api}/authz/", **{"X-User-Id": user, "Cookie": f"uid={user}"})
        ask(f"{api}/reload", "")


def serve(application, work, *loads, name="burgee"):
    with machine.Proxy(application, name, work) as proxy:
        for load in loads:
            machine.load(proxy.port, **load)
        if not work.h2:
            machine.load(proxy.port, **H2)
        spend(proxy)
        counted.ended(proxy)  # not by force, which writes nothing down


def work(application):
    """Plain shares above all, then the rest of what a file can say, and everything that flows."""
    for toggles in (1, 5, 20, 100):
        serve(application, peers.Work(toggles=toggles), MANY, {"connections": 16, "rate": 4000, "seconds": 1})
    serve(application, peers.Work(), {**SOME, "post": 10240}, {**SOME, "requests": 300, "path": "/1m"})
    serve(application, peers.Work(), MANY, name="burgee-unix")
    calls = {**H2, "grpc": True, "path": scenarios.UNARY}
    serve(application, peers.Work(kind=GRPC), calls, {**calls, "requests": 100, "path": scenarios.STREAM})
    serve(application, peers.Work(kind=WEBSOCKET), {**MANY, "websocket": True, "path": "/socket"})
    texts = ["version: 1\nuser: [cookie.uid]\nfeatures:\n" + peers.lines("  f-NNN: 99%", peers.Work(toggles=1000)), tail.largest_file(98)]
    texts += [file.read_text() for file in sorted((tools.ROOT / "config/examples").glob("*.yaml"))]
    for text in texts:
        serve(application, peers.Work(text=text), SOME)
    subprocess.run([tools.ROOT / "tests/e2e/flows/run"], check=True, stdout=subprocess.DEVNULL)


def train(binary, profile):
    """Writes the profile, and the order beside it."""
    # what is missing is said before the long work
    tool = profdata()
    machine.ready(alone=False)
    application = machine.Application()
    with tempfile.TemporaryDirectory() as seen:
        os.environ |= {"BURGEE": str(binary), "LLVM_PROFILE_FILE": f"{seen}/%m.profraw"}
        work(application)
        subprocess.run([tool, "merge", *pathlib.Path(seen).iterdir(), "--output", profile], check=True)
    profile.with_suffix(".order").write_text("\n".join(order.order(application, tool)) + "\n")
    machine.stop_all()
