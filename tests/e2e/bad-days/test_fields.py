"""What fields say is read as it is written: media types, forwarding, a blank before a colon, how long an application keeps a connection.

Out: a table for each.
"""

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
import unittest

from http2 import Client
from processes import BURGEE, Burgee, place

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# an HTTP/2 server that has nothing to say but its settings and a GOAWAY: the test asks only how it was spoken to
FAREWELL = bytes.fromhex("000000040000000000") + bytes.fromhex("0000080700000000000000000000000000")


class Application:
    """`with Application(answer) as app:`; requests and the connections that they came on are in `.seen`, answered with `answer`."""

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", closes_after=None):
        self.answer, self.closes_after, self.seen, self.connections = answer, closes_after, [], 0

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024))
        self.address = "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(self.loop)])
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.1, self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.CancelledError):
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.closes_after)
                if PREFACE.startswith(head):
                    self.seen.append((number, "HTTP/2"))
                    writer.write(FAREWELL)
                    await writer.drain()
                    break
                self.seen.append((number, head.decode("latin-1")))
                length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int((length or [0])[0]))
                if callable(self.answer):
                    await self.answer(writer)
                else:
                    writer.write(self.answer)
                await writer.drain()
        writer.close()


def raw(address, text, timeout=5):
    """All that is answered until the connection is quiet, or ends."""
    with socket.create_connection(place(address), timeout=timeout) as sock:
        sock.sendall(text)
        data = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data and (piece := sock.recv(1 << 16)):
                data += piece
        return data.decode("latin-1")


class MediaTypes(unittest.TestCase):
    TABLE = {
        "application/grpc": "HTTP/2",
        "application/grpc+proto": "HTTP/2",
        "application/grpc+json": "HTTP/2",
        "Application/GRPC": "HTTP/2",
        "APPLICATION/GRPC+PROTO": "HTTP/2",
        "application/grpc;charset=utf-8": "HTTP/2",
        "application/grpc ; charset=utf-8": "HTTP/2",
        "application/grpc-web": "HTTP/1.1",
        "application/grpc-web+proto": "HTTP/1.1",
        "application/grpc-web-text": "HTTP/1.1",
        "application/grpcfoo": "HTTP/1.1",
        "application/json": "HTTP/1.1",
    }

    def test_only_grpc_goes_on_by_http2(self):
        with Application() as app, Burgee(app.address) as burgee:
            for kind, expected in self.TABLE.items():
                with self.subTest(kind):
                    app.seen.clear()
                    Client(burgee.traffic).ask("POST", "/", [("content-type", kind), ("content-length", "5")], b"12345", timeout=1)
                    spoken = {"HTTP/2" if text == "HTTP/2" else "HTTP/1.1" for _, text in app.seen}
                    print(f"{kind}: {spoken}")
                    self.assertEqual(spoken, {expected})


class Forwarding(unittest.TestCase):
    """`--forwarded append`: what comes, with how many trusted hops, and what is sent."""

    FOR, PROTO, FORWARDED = "x-forwarded-for", "x-forwarded-proto", "forwarded"
    PEER = "127.0.0.1"
    TABLE = [
        # nothing came: we are the first who tells
        (0, [], {FOR: [PEER], PROTO: ["http"], FORWARDED: [f"for={PEER};proto=http"]}),
        # one kind came: the other is not begun, for half a chain outranks or contradicts the whole one
        (0, [(FOR, "203.0.113.7")], {FOR: [f"203.0.113.7, {PEER}"], PROTO: ["http"]}),
        (0, [(FOR, "203.0.113.7"), (FOR, "198.51.100.1")], {FOR: [f"203.0.113.7, 198.51.100.1, {PEER}"], PROTO: ["http"]}),
        (1, [(FOR, "203.0.113.7"), (PROTO, "https")], {FOR: [f"203.0.113.7, {PEER}"], PROTO: ["https"]}),
        (1, [(PROTO, "https")], {FOR: [PEER], PROTO: ["https"]}),
        (1, [(FOR, "203.0.113.7")], {FOR: [f"203.0.113.7, {PEER}"], PROTO: ["http"]}),
        (1, [(FOR, ""), (PROTO, "https")], {FOR: [PEER], PROTO: ["https"]}),
        (0, [(FORWARDED, "for=203.0.113.7;proto=https")], {FORWARDED: [f"for=203.0.113.7;proto=https, for={PEER};proto=http"]}),
        (0, [(FORWARDED, "for=203.0.113.7"), (FORWARDED, "for=198.51.100.1")], {FORWARDED: [f"for=203.0.113.7, for=198.51.100.1, for={PEER};proto=http"]}),
        # both came: both go on, and say the same of the hop before us
        (1, [(FOR, "203.0.113.7"), (PROTO, "https"), (FORWARDED, "for=203.0.113.7;proto=https")],
         {FOR: [f"203.0.113.7, {PEER}"], PROTO: ["https"], FORWARDED: [f"for=203.0.113.7;proto=https, for={PEER};proto=https"]}),
    ]

    def test_what_is_sent_for_each_combination(self):
        for hops in (0, 1):
            with Application() as app, Burgee(app.address, "--forwarded=append", f"--trusted-hops={hops}") as burgee:
                for trusted, came, expected in self.TABLE:
                    if trusted == hops:
                        with self.subTest(hops=hops, came=came):
                            self.one(app, burgee, came, expected)

    def one(self, app, burgee, came, expected):
        fields = "".join(f"{name}: {value}\r\n" for name, value in came)
        raw(burgee.traffic, f"GET / HTTP/1.1\r\nHost: here\r\n{fields}\r\n".encode())
        sent = {}
        for line in app.seen[-1][1].split("\r\n")[1:]:
            name, _, value = line.partition(": ")
            if name in (self.FOR, self.PROTO, self.FORWARDED):
                sent.setdefault(name, []).append(value)
        print(f"{came}: {sent}")
        self.assertEqual(sent, expected)


class BlankBeforeAColon(unittest.TestCase):
    def test_in_an_answer_it_is_removed(self):
        for blank in (" ", "\t", "  "):
            answer = f"HTTP/1.1 200 OK\r\nX-Kind{blank}: odd\r\nContent-Length: 2\r\n\r\nok".encode()
            with self.subTest(blank), Application(answer) as app, Burgee(app.address) as burgee:
                said = raw(burgee.traffic, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                print(f"X-Kind{blank!r}: {said.splitlines()[0]}")
                self.assertTrue(said.startswith("HTTP/1.1 200 "), said)
                self.assertIn("\r\nx-kind: odd\r\n", said)

    def test_a_length_with_one_is_the_length(self):
        """Framing is not read in two ways: the field is Content-Length, or the answer is refused."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"
        with Application(answer) as app, Burgee(app.address) as burgee:
            said = raw(burgee.traffic, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            print(f"Content-Length : 2: {said.splitlines()[0]}")
            self.assertTrue(said.startswith("HTTP/1.1 200 "), said)
            self.assertIn("\r\ncontent-length: 2\r\n", said)

    def test_in_a_request_it_is_refused(self):
        with Application() as app, Burgee(app.address) as burgee:
            said = raw(burgee.traffic, b"GET / HTTP/1.1\r\nHost: here\r\nX-Kind : odd\r\n\r\n")
            self.assertTrue(said.startswith("HTTP/1.1 400 "), said)


class KeepAlive(unittest.TestCase):
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=%d\r\n\r\nok"

    def test_a_connection_is_not_used_for_longer_than_the_application_says(self):
        for said, pause, expected in ((1, 1.1, 2), (3, 1.1, 1), (30, 4.3, 2)):
            with self.subTest(said), Application(self.ANSWER % said) as app, Burgee(app.address, "--workers=1") as burgee:
                for wait in (0, pause):
                    time.sleep(wait)
                    raw(burgee.traffic, b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
                print(f"timeout={said}, a pause of {pause} s: {app.connections} connections")
                self.assertEqual(app.connections, expected)

    def test_no_post_fails_at_the_moment(self):
        """320 POSTs within 10 ms of the moment at which the application closes their connections."""
        with Application(self.ANSWER % 1, closes_after=1.0) as app, Burgee(app.address, "--workers=2") as burgee:
            statuses = asyncio.run(self.posts(burgee.traffic, 320))
        failed = [status for status in statuses if status != "200"]
        print(f"{len(statuses)} POSTs at the moment: {len(failed)} failed {failed[:3]}")
        self.assertEqual(failed, [])

    async def posts(self, address, count):
        async def one(number):
            reader, writer = await asyncio.open_connection(*place(address))
            for wait in (0, 0.99 + 0.02 * number / count):
                await asyncio.sleep(wait)
                writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody")
                status = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                await reader.readexactly(2) if status == "200" else None
            writer.close()
            return status
        return await asyncio.gather(*map(one, range(count)))


class NoTimeout(unittest.TestCase):
    """`0s` for a timeout means none."""

    TIMEOUTS = ("head-timeout", "idle-timeout", "connect-timeout", "response-timeout", "upstream-idle-timeout")

    def test_of_every_timeout(self):
        async def late(writer):
            await asyncio.sleep(1.5)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        for timeout in self.TIMEOUTS:
            with self.subTest(timeout), Application(late) as app, Burgee(app.address, f"--{timeout}=0s", "--workers=1") as burgee:
                with socket.create_connection(place(burgee.traffic), timeout=5) as sock:
                    heads = []
                    for _ in range(2):
                        for part in (b"GET / HTTP/1.1\r\nHos", b"t: here\r\n\r\n"):
                            with contextlib.suppress(OSError):
                                sock.sendall(part)
                            time.sleep(1.2)
                        with contextlib.suppress(OSError):
                            heads.append(sock.recv(1 << 16).decode().split("\r\n")[0])
                print(f"--{timeout} 0s: {heads}, {app.connections} connections to the application")
                self.assertEqual(heads, 2 * ["HTTP/1.1 200 OK"])
                self.assertEqual(app.connections, 1)

    def test_help_says_so(self):
        text = subprocess.run([BURGEE, "run", "--help"], capture_output=True, text=True, check=True).stdout
        for timeout in self.TIMEOUTS:
            with self.subTest(timeout):
                after = text.split(f"--{timeout}", 1)[1].split("\n      --", 1)[0]
                self.assertRegex(after, r"\b0s\b")


if __name__ == "__main__":
    unittest.main()
