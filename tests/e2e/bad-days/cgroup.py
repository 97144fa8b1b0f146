"""A memory cgroup of either version for one process.

In: root, and a limit. Out: what is used, for the process and for its sockets, and whether the kernel has killed.
"""

import os
import pathlib
import re
import tempfile


class Cgroup:
    """`with Cgroup(bytes) as cgroup: Popen(..., preexec_fn=cgroup.enter)`."""

    def __init__(self, limit):
        self.limit = limit

    def __enter__(self):
        membership = pathlib.Path("/proc/self/cgroup").read_text()
        root = pathlib.Path("/sys/fs/cgroup")
        self.is_v2 = "memory" in read(root / "cgroup.controllers")
        own = re.search(r":memory:(.*)", membership)
        parent = root if self.is_v2 else root / "memory" / own[1].strip("/")
        if self.is_v2:
            (parent / "cgroup.subtree_control").write_text("+memory")
        # a run that was killed leaves its own behind, and in a namespace of processes every run has the same ids
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="bad-days-", dir=parent))
        self.write({True: "memory.max", False: "memory.limit_in_bytes"}[self.is_v2], self.limit)
        if self.is_v2:
            self.write("memory.swap.max", 0)
        else:
            # from now on what sockets hold is counted; version 2 counts it as the rest
            self.write("memory.kmem.tcp.limit_in_bytes", 1 << 40)
        return self

    def __exit__(self, *_):
        self.path.rmdir()

    def write(self, name, number):
        (self.path / name).write_text(str(number))

    def number(self, name):
        return int(read(self.path / name) or 0)

    def enter(self):
        self.write("cgroup.procs", 0)

    def used(self):
        """All that is charged."""
        return self.number("memory.current" if self.is_v2 else "memory.usage_in_bytes")

    def sockets(self):
        """What the kernel holds for sockets."""
        if not self.is_v2:
            return self.number("memory.kmem.tcp.usage_in_bytes")
        return int(re.search(r"^sock (\d+)", read(self.path / "memory.stat"), re.M)[1])

    def kills(self):
        """How often the kernel has killed in here."""
        file = "memory.events" if self.is_v2 else "memory.oom_control"
        return int(re.search(r"^oom_kill (\d+)", read(self.path / file), re.M)[1])


def read(file):
    return file.read_text() if file.exists() else ""
