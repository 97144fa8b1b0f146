"""Memory is a budget: what clients want of it does not end the process, nor keep others waiting.

The crowds are nice, so that what keeps others waiting is burgee, not a machine that is busy with the crowds. Out: for each crowd and limit what it took, how others were answered meanwhile, and what was left 10 s after.
"""

import collections
import contextlib
import http.client
import threading
import time
import unittest

from cgroup import Cgroup
from processes import LONG, Burgee, get, mib, place, python

CROWDS = {"uploads": 2000, "heads": 10_000, "http2": 1000, "http2-unread": 1000, "tunnels": 5000}
HOLD = 300 if LONG else 4
FLAGS = ["--max-upstream-connections=8000", "--workers=2"]


class Others:
    """Clients that have nothing to do with the crowd: one after the other, and one whose answer has begun before it came. Each has a
    twin that asks the application itself: what that is too busy for is not burgee's doing."""

    def __init__(self, address, direct):
        self.addresses, self.seen, self.worst, self.busy = (address, direct), collections.Counter(), 0.0, 0
        self.gaps, self.wrong = [0.0, 0.0], ["", ""]
        self.over = threading.Event()

    def __enter__(self):
        self.begun = []
        for address in self.addresses:
            connection = http.client.HTTPConnection(*place(address), timeout=HOLD + 60)
            connection.request("GET", "/ticks")
            self.begun.append((connection, connection.getresponse()))
        listeners = [threading.Thread(target=self.listen, args=(which,), daemon=True) for which in (0, 1)]
        self.threads = [threading.Thread(target=self.probe, daemon=True), *listeners]
        [thread.start() for thread in self.threads]
        return self

    def __exit__(self, *_):
        self.over.set()
        [thread.join(5) for thread in self.threads]
        [connection.close() for connection, _ in self.begun]

    def probe(self):
        through, direct = self.addresses
        while not self.over.wait(0.05):
            _, before = ask(direct)
            kind, took = ask(through)
            if took > 1 and max(before, ask(direct)[1]) > 0.5:
                self.busy += 1
                continue
            self.worst = max(self.worst, took)
            self.seen[kind if took < 1 else f"{kind} late"] += 1

    def listen(self, which):
        last, answer = time.monotonic(), self.begun[which][1]
        try:
            while not self.over.is_set() and answer.readline():
                self.gaps[which], last = max(self.gaps[which], time.monotonic() - last), time.monotonic()
            self.wrong[which] = "" if self.over.is_set() else "ended"
        except (OSError, http.client.HTTPException, AttributeError) as error:
            self.wrong[which] = "" if self.over.is_set() else repr(error)

    def __str__(self):
        gaps = " and ".join(f"{gap:.2f} s" for gap in self.gaps)
        return f"others {dict(self.seen)}, worst {self.worst:.2f} s, {self.busy} when the application was late; in flight: gap and direct {gaps} {self.wrong[0]}"


def ask(address):
    """What is answered, and after how long."""
    begun = time.monotonic()
    try:
        status, fields, _ = get(address, timeout=2)
        kind = str(status) if status != 503 or "proxy-status" in fields else "503 without Proxy-Status"
    except (OSError, http.client.HTTPException) as error:
        kind = type(error).__name__
    return kind, time.monotonic() - begun


class Memory(unittest.TestCase):
    def run_crowds(self, limit, crowds):
        with contextlib.ExitStack() as stack:
            app = stack.enter_context(python("application.py"))
            cgroup = stack.enter_context(Cgroup(limit << 20))
            burgee = stack.enter_context(Burgee(app.found[1], *FLAGS, preexec_fn=cgroup.enter))
            get(burgee.traffic)
            before = burgee.memory()
            enough = before + min(limit << 20, 256 << 20) // 8
            others = stack.enter_context(Others(burgee.traffic, app.found[1]))
            running = [stack.enter_context(python("crowd.py", kind, count, burgee.traffic, pattern="", before=["nice"])) for kind, count in crowds.items()]
            peak, sockets, total, killed, begun, there = 0, 0, 0, None, time.monotonic(), None
            while not there or time.monotonic() < there + HOLD:
                memory, of_sockets = burgee.memory(), cgroup.sockets()
                peak, sockets, total = max(peak, memory), max(sockets, of_sockets), max(total, memory + of_sockets)
                if burgee.process.poll() is not None or cgroup.kills():
                    killed = time.monotonic() - begun
                    break
                is_there = all("crowd is there" in crowd.said() for crowd in running)
                if not there and (is_there or time.monotonic() > begun + 20):
                    there = time.monotonic()
                time.sleep(0.05)
            said = [crowd.end() for crowd in running]
            others.over.set()
            left = before
            if killed is None:
                end = time.monotonic() + 10
                while (left := burgee.memory()) > enough and time.monotonic() < end:
                    time.sleep(0.2)
        print(f"\n{limit} MiB, {' and '.join(f'{count} {kind}' for kind, count in crowds.items())}: "
              + (f"KILLED after {killed:.1f} s" if killed is not None else f"peak {mib(peak)}, its sockets {mib(sockets)}, before {mib(before)}, after {mib(left)}")
              + f"\n  {others}" + "".join(f"\n  {kind}: {line}" for kind, line in zip(crowds, said)))
        self.assertIsNone(killed, "killed by the kernel")
        with self.subTest("within the limit"):
            self.assertLessEqual(peak, limit << 20)
        with self.subTest("with what the kernel holds for its sockets, which version 2 counts"):
            self.assertLessEqual(total, limit << 20)
        with self.subTest("others are answered or refused in time"):
            self.assertEqual({kind for kind in others.seen} - {"200", "503"}, set())
        with self.subTest("what is in flight goes on"):
            self.assertEqual(others.wrong[0], "")
            self.assertLess(others.gaps[0], others.gaps[1] + 2)
        with self.subTest("memory is given back"):
            self.assertLessEqual(left, enough)


def add(limit, name, crowds):
    def test(self):
        self.run_crowds(limit, crowds)
    setattr(Memory, f"test_{limit}_mib_{name.replace('-', '_')}", test)


for megabytes in (256, 32):
    for each, many in CROWDS.items():
        add(megabytes, each, {each: many})
    add(megabytes, "all_at_once", CROWDS)


if __name__ == "__main__":
    unittest.main()
