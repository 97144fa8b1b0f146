"""What fields say is read as it is written: media types.

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


if __name__ == "__main__":
    unittest.main()
