"""Dead peers are noticed: the link goes down, and whoever waits on the other side is told; a reader that only pauses is not ended.

Out: how long it took by each kind of connection. Short settings, and the defaults as the kernel has them.
"""

import contextlib
import fcntl
import socket
import termios
import threading
import time
import unittest

from network import HERE, THERE, Link, keepalive, sockets_of
from processes import LONG, Burgee, Process, has_flag, place, python, until

import http2

# 2 s of silence, then 3 probes a second apart: 5 s; and burgee's own clock and the kernel's have slack
SHORT = ["--tcp-keepalive-time=2s", "--tcp-keepalive-interval=1s", "--tcp-keepalive-probes=3"]
LIMIT = 10
# what acceptance allows by default
DEFAULT_LIMIT = 150
PATIENT = ["--response-timeout=1h", "--idle-timeout=1h", "--upstream-idle-timeout=1h"]
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

# kind: path, method, fields
KINDS = {
    "a long poll": ("/poll", "GET", ""),
    "an event stream": ("/events", "GET", ""),
    "an event stream with bytes in flight": ("/ticks", "GET", ""),
    "a WebSocket": ("/quiet", "GET", UPGRADE),
    "a WebSocket with bytes in flight": ("/flood", "GET", UPGRADE),
    "a download": ("/endless", "GET", ""),
    "an upload": ("/upload", "POST", "Content-Length: 1000000\r\n"),
}


def flags():
    """Short settings, where this binary has them."""
    return [*(SHORT if has_flag(SHORT[0].split("=")[0]) else []), *PATIENT]


def ask(address, path, method, fields, drain):
    """A request that has begun, to be read for ever or not."""
    sock = socket.create_connection(place(address), timeout=5)
    sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\n{fields}\r\n".encode() + (bytes(1000) if method == "POST" else b""))
    sock.settimeout(None)
    if drain:
        threading.Thread(target=read_all, args=(sock,), daemon=True).start()
    return sock


def read_all(sock):
    with contextlib.suppress(OSError):
        while sock.recv(1 << 20):
            pass


class Links(unittest.TestCase):
    def wait(self, what, limit, counts, since):
        """Prints when each kind has ended; fails for each that has not by then."""
        ended, end = {}, since + limit
        while time.monotonic() < end and len(ended) < len(what):
            for kind in what:
                if kind not in ended and counts(kind):
                    ended[kind] = time.monotonic() - since
            time.sleep(0.05)
        for kind in what:
            print(f"  {kind}: " + (f"told after {ended[kind]:.1f} s" if kind in ended else f"NOT told within {limit} s"))
            with self.subTest(kind):
                self.assertIn(kind, ended)

    def test_the_application_is_told_that_its_client_is_gone(self):
        for reads in (True, False):
            with self.subTest(reads=reads):
                self.cut_off_clients(reads)

    def cut_off_clients(self, reads):
        """Clients that read what comes, or had paused. Each has a burgee of its own: nobody is found because another is looked for."""
        with Link() as link, python("application.py") as app, contextlib.ExitStack() as stack:
            print(f"\nthe link goes down of clients that {'read' if reads else 'had paused'}:")
            begin = lambda: stack.enter_context(Burgee(app.found[1], *flags(), listen=f"{HERE}:0"))
            each = {kind: begin() for kind in [*KINDS, "an idle connection"]}
            with link.over_there():
                held = {kind: ask(each[kind].traffic, *KINDS.get(kind, ("/", "GET", "")), drain=reads) for kind in each}
            for path, *_ in KINDS.values():
                until(f"{path} has begun", lambda: f"began {path}" in app.said())
            if not reads:
                for kind in ("a download", "a WebSocket with bytes in flight"):
                    until(f"{kind} stands", lambda: stands(each[kind]))
            port, process = held["an idle connection"].getsockname()[1], each["an idle connection"].process
            is_open = lambda: any(other[1] == port for _, other, _ in sockets_of(process.pid))
            until("the idle one is there", is_open)
            link.cut()
            since = time.monotonic()

            def counts(kind):
                if kind == "an idle connection":
                    return not is_open()
                return f"ended {KINDS[kind][0]}\n" in app.said()
            self.wait(each, LIMIT, counts, since)
            [sock.close() for sock in held.values()]

    def test_a_client_is_told_that_the_application_is_gone(self):
        with Link() as link, Process([*python("application.py").command, THERE], r"listens on (\S+)", preexec_fn=link.enter) as app, \
                contextlib.ExitStack() as stack:
            print("\nthe application's link goes down:")
            ended = set()

            def read(kind, sock):
                """An answer that has not begun may begin, and says what happened; one that has can only break off."""
                if KINDS[kind][0] in ("/poll", "/upload"):
                    sock.recv(1 << 16)
                else:
                    read_all(sock)
                ended.add(kind)
            for kind, how in KINDS.items():
                sock = ask(stack.enter_context(Burgee(app.found[1], *flags())).traffic, *how, drain=False)
                threading.Thread(target=read, args=(kind, sock), daemon=True).start()
                until(f"{kind} has begun", lambda: f"began {how[0]}" in app.said())
                if kind == "an upload":
                    threading.Thread(target=feed, args=(sock,), daemon=True).start()
            link.cut()
            self.wait(KINDS, LIMIT, ended.__contains__, time.monotonic())

    @unittest.skipUnless(LONG, "--long: HTTP/2's own pings take 50 s")
    def test_http2_pings_notice_it_by_default(self):
        with Link() as link, python("application.py") as app, Burgee(app.found[1], *PATIENT, listen=f"{HERE}:0") as burgee:
            print("\nthe client's link goes down, HTTP/2:")
            paths, clients = ["/poll", "/events", "/ticks"], []
            for path in paths:
                with link.over_there():
                    # kept: a client that nobody holds is closed
                    clients.append(http2.Client(burgee.traffic))
                    clients[-1].request("GET", path)
                until(f"{path} has begun", lambda: f"began {path}" in app.said())
            link.cut()
            self.wait(paths, DEFAULT_LIMIT, lambda path: f"ended {path}\n" in app.said(), time.monotonic())

    def test_by_default_two_minutes_and_a_quarter_of_silence_are_the_end_on_both_legs(self):
        with python("application.py") as app, Burgee(app.found[1]) as burgee:
            held = ask(burgee.traffic, "/poll", "GET", "", drain=True)
            until("it has begun", lambda: "began /poll" in app.said())
            legs = {"the client's": place(burgee.traffic), "the application's": place(app.found[1])}
            for name, address in legs.items():
                with self.subTest(name):
                    found = [keepalive(sock) for own, other, sock in sockets_of(burgee.process.pid) if address in (own, other)]
                    print(f"{name} leg: time, interval, probes: {found}")
                    self.assertTrue(found)
                    for each in found:
                        self.assertIsNotNone(each)
                        self.assertLessEqual(each[0] + each[1] * each[2], 135)
            held.close()

    def test_a_reader_that_only_pauses_is_not_ended(self):
        with Link() as link, python("application.py") as app, Burgee(app.found[1], *flags(), listen=f"{HERE}:0") as burgee:
            with link.over_there():
                large = ask(burgee.traffic, "/large", "GET", "", drain=False)
                flood = ask(burgee.traffic, "/flood", "GET", UPGRADE, drain=False)
                upload = socket.create_connection(place(burgee.traffic))
            whole = 40 << 20
            uploaded = []

            def send():
                # the application reads it after 12 s
                with contextlib.suppress(OSError):
                    upload.sendall(b"POST /pause HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % whole + bytes(whole))
                    uploaded.append(upload.recv(1 << 16))
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            time.sleep(12)  # the pause: longer than a dead peer is waited for
            large.settimeout(10)
            received = read_whole(large, whole)
            flood.settimeout(10)
            flooded = read_some(flood, 64 << 20)
            sender.join(30)
            print(f"after a pause of 12 s: a download of {received} bytes, {flooded} of a WebSocket, an upload answered {uploaded and uploaded[0][-20:]}")
            with self.subTest("a download"):
                self.assertEqual(received, whole)
            with self.subTest("a WebSocket"):
                self.assertGreaterEqual(flooded, 64 << 20)
            with self.subTest("an upload"):
                self.assertTrue(uploaded and uploaded[0].endswith(b"\r\n\r\n%d" % whole), uploaded)

    def test_a_client_that_answers_probes_is_never_ended(self):
        """Idle for three times as long as a dead peer is waited for."""
        with python("application.py") as app, Burgee(app.found[1], *flags()) as burgee:
            quiet = ask(burgee.traffic, "/quiet", "GET", UPGRADE, drain=False)
            quiet.settimeout(15)
            head = quiet.recv(1 << 16)
            self.assertIn(b" 101 ", head)
            with self.assertRaises(TimeoutError):
                quiet.recv(1)
            print("a silent WebSocket stood for 15 s")


def stands(burgee):
    """Whether nothing moves any more: what is unsent is as much as a moment ago."""
    unsent = lambda: sorted((other, fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4))) for _, other, sock in sockets_of(burgee.process.pid))
    before = unsent()
    time.sleep(0.3)
    return any(any(size) for _, size in before) and unsent() == before


def feed(sock):
    """More of an upload, a little at a time."""
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(bytes(100))
            time.sleep(0.3)


def read_whole(sock, size):
    """How much of a body has come when it is complete, or the connection is not."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(1 << 16)
    size -= (have := len(data) - data.index(b"\r\n\r\n") - 4)
    return have + read_some(sock, size)


def read_some(sock, size):
    have = 0
    with contextlib.suppress(OSError):
        while have < size and (piece := sock.recv(min(1 << 20, size - have))):
            have += len(piece)
    return have


if __name__ == "__main__":
    unittest.main()
