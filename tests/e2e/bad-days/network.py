"""A second network namespace at the end of a link that can go down, and what the kernel knows of another process's sockets.

In: root, in namespaces of one's own. Out: sockets and processes over there; socket options over here.
"""

import contextlib
import ctypes
import os
import pathlib
import socket
import subprocess

from processes import until

HERE, THERE = "10.36.0.1", "10.36.0.2"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, PIDFD_OPEN, PIDFD_GETFD = 0x40000000, 434, 438


def call(function, *arguments):
    result = function(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class Link:
    """`with Link() as link:` and `HERE` and `THERE` reach each other, until `link.cut()`."""

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        ours = os.readlink("/proc/self/ns/net")
        self.there = pathlib.Path(f"/proc/{self.holder.pid}/ns/net")
        until("there is a second network", lambda: os.readlink(self.there) != ours)
        self.ip(f"link add near type veth peer name far netns {self.holder.pid}")
        self.ip(f"addr add {HERE}/24 dev near")
        self.ip("link set near up")
        self.ip(f"addr add {THERE}/24 dev far", self.enter)
        self.ip("link set far up", self.enter)
        return self

    def __exit__(self, *_):
        self.ip("link del near")
        self.holder.kill()
        self.holder.wait()

    def ip(self, words, *before):
        prefix = ["nsenter", f"--net={self.there}"] if before else []
        subprocess.run([*prefix, "ip", *words.split()], check=True)

    def enter(self):
        """For `preexec_fn`: the process is over there."""
        with self.there.open() as namespace:
            call(LIBC.setns, namespace.fileno(), CLONE_NEWNET)

    @contextlib.contextmanager
    def over_there(self):
        """Sockets that are made now are over there, and stay there."""
        with open("/proc/self/ns/net") as ours:
            self.enter()
            try:
                yield
            finally:
                call(LIBC.setns, ours.fileno(), CLONE_NEWNET)

    def cut(self):
        """The far end goes down: nobody here is told, as when a node dies."""
        self.ip("link set far down", self.enter)


def sockets_of(pid):
    """Established TCP sockets of a process, as (own address, other address, socket): copies that share their options."""
    pidfd, found = call(LIBC.syscall, PIDFD_OPEN, pid, 0), []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if not os.readlink(entry).startswith("socket:"):
                continue
            copy = socket.socket(fileno=call(LIBC.syscall, PIDFD_GETFD, pidfd, int(entry.name), 0))
            if copy.family in (socket.AF_INET, socket.AF_INET6) and copy.type == socket.SOCK_STREAM:
                with contextlib.suppress(OSError):
                    found.append((copy.getsockname()[:2], copy.getpeername()[:2], copy))
                    continue
            copy.close()
    os.close(pidfd)
    return found


def keepalive(sock):
    """Seconds of idleness, seconds between probes, how many probes; none where it is off."""
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return None
    return tuple(sock.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT))
