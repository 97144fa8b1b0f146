"""What is measured, a function each, on a process of its own.

In: the application, a peer's name (all of them where they take turns), how long (1 is the default run). Out: figures by name, for
this peer (by peer where they take turns) and this repetition.
"""

import contextlib
import shutil
import subprocess

import counted
import tools
from held import many, memory
from tail import CONDITIONS, reloading, tail
from timing import cpu, latency
from work import GRPC, H2, UPLOAD, WEBSOCKET, Work
from workers import workers


UNARY, STREAM = "/bench.Bench/Unary", "/bench.Bench/Stream"
# whose instructions are counted too
FLOWS = {
    "h2": (Work(kind=H2), {"connections": 4, "streams": 10}),
    "grpc": (Work(kind=GRPC), {"connections": 4, "streams": 10, "grpc": True, "path": UNARY}),
    "websocket": (Work(kind=WEBSOCKET), {"websocket": True, "path": "/socket"}),
}


def binary(application, name, scale):
    """Megabytes on disk, without symbols."""
    copy = application.folder / "stripped"
    shutil.copyfile(tools.find(name.removesuffix("-unix")), copy)
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["strip", copy], capture_output=True)
    return {"binary": copy.stat().st_size / 1e6}


def flows(application, name):
    """What is not a request by HTTP/1.1."""
    return {f"instructions {what}": counted.instructions(application, name, work, **asked) for what, (work, asked) in FLOWS.items()}


def counts(application, name, scale):
    """Instructions and system calls a request; under valgrind Envoy, and HAProxy with 100 toggles, take too long."""
    calls = counted.syscalls(application, name, Work())
    figures = {"syscalls": sum(calls.values())}
    toggles = {"burgee": [1, 20, 100, 1000], "nginx": [1, 20, 100], "haproxy": [1, 20]}.get(name, [])
    if scale < 1:
        toggles = toggles[:2]
    figures |= {f"instructions {n}": counted.instructions(application, name, Work(toggles=n)) for n in toggles}
    if toggles:
        figures |= flows(application, name)
        figures["instructions more"] = (figures["instructions 20"] - figures["instructions 1"]) / 19
    return figures


def plain(application, name, scale):
    """What a request costs a burgee that `cargo build --release` made."""
    one, twenty = (counted.instructions(application, "burgee-plain", Work(toggles=n)) for n in (1, 20))
    return {"plain instructions 1": one, "plain instructions more": (twenty - one) / 19}


EACH = ("burgee", "nginx", "haproxy", "envoy")
UNIX = ("burgee-unix",)
PAIR = ("burgee", "nginx")
# One after the other; all of them together, in turns; and what one repetition tells for all.
ALONE, TOGETHER, ONCE = "alone", "together", "once"
SCENARIOS = {
    "w1": (cpu("cpu 1", Work(), 2), EACH + UNIX, ALONE),
    "w20": (cpu("cpu 20", Work(toggles=20), 1.5), EACH, ALONE),
    "w100": (cpu("cpu 100", Work(toggles=100), 1.5), EACH, ALONE),
    "w1000": (cpu("cpu 1000", Work(toggles=1000), 1.5), ("burgee",), ALONE),
    "post": (cpu("cpu post", Work(), 1.2, post=10240), EACH, ALONE),
    "upload": (cpu("cpu upload", Work(kind=UPLOAD), 1.5, post=10_000_000, connections=4), EACH, ALONE),
    "large": (cpu("cpu 1m", Work(), 1.5, path="/1m", connections=16), EACH, ALONE),
    "h2-1": (cpu("cpu h2 1", Work(kind=H2), 1.5, connections=50, streams=1), EACH, ALONE),
    "h2-10": (cpu("cpu h2 10", Work(kind=H2), 1.5, connections=20, streams=10), EACH, ALONE),
    "grpc-unary": (cpu("cpu grpc unary", Work(kind=GRPC), 1.5, connections=20, streams=10, grpc=True, path=UNARY), EACH, ALONE),
    "grpc-stream": (cpu("cpu grpc stream", Work(kind=GRPC), 1.5, connections=10, streams=10, grpc=True, path=STREAM), EACH, ALONE),
    "websocket": (cpu("cpu websocket", Work(kind=WEBSOCKET), 1.5, websocket=True, path="/socket"), EACH, ALONE),
    "latency": (latency, ("direct",) + EACH + UNIX, TOGETHER),
    "reload": (reloading, ("burgee",), ALONE),
    "memory": (memory, EACH, ALONE),
    "many": (many("memory 10000", "memory after"), EACH, ALONE),
    "websockets": (many("memory websockets", "memory after websockets", Work(kind=WEBSOCKET), websocket=True, path="/socket"), EACH[:3], ALONE),
    "workers": (workers, PAIR, ALONE),
    "binary": (binary, EACH, ONCE),
    "counts": (counts, EACH, ONCE),
    "plain": (plain, ("burgee",), ONCE),
    "tail-direct": (tail("direct"), ("direct",), ALONE),
    **{f"tail-{condition}": (tail(condition), PAIR, ALONE) for condition in CONDITIONS},
}


def asked_for(words):
    """The names of scenarios; `tail` is all that begin with it. Without words all but those, which want many repetitions."""
    return [name for name in SCENARIOS if (name in words or name.partition("-")[0] in words if words else not name.startswith("tail"))]
