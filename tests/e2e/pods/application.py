"""The application of a pod: says what it was sent, holds what it is told to hold, and finishes what has begun before it ends.

In: its name; a line on standard input lets go of what is held. Out: answers; `held` on standard output for each that is.
"""

import asyncio
import json
import signal
import sys

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class Application:
    def __init__(self, name):
        self.name, self.ending, self.go = name, False, asyncio.Event()
        self.idle, self.open = set(), set()

    async def connection(self, reader, writer):
        task = asyncio.current_task()
        self.open.add(task)
        try:
            while not self.ending:
                self.idle.add(writer)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.idle.discard(writer)
                await self.answer(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.idle.discard(writer)
            self.open.discard(task)
            writer.close()

    async def answer(self, head, reader, writer):
        path = head.split(" ")[1]
        fields = [line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line]
        features = [value for name, value in fields if name.startswith("x-feature-")]
        said = json.dumps({"pod": self.name, "features": len(features), "generations": sorted(set(features))})
        if path == "/upload":
            await self.hold()
        await reader.readexactly(int(dict(fields).get("content-length", 0)))
        if path == "/held":
            await self.hold()
        writer.write((HEAD.format(len(said)) + said[:5]).encode())
        if path == "/half":
            await self.hold()
        writer.write(said[5:].encode())
        await writer.drain()

    async def hold(self):
        print("held", flush=True)
        await self.go.wait()

    async def live(self):
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, told.set)
        loop.add_reader(sys.stdin, lambda: (sys.stdin.readline(), loop.remove_reader(sys.stdin), self.go.set()))
        server = await asyncio.start_server(self.connection, "127.0.0.1", 8080)
        print("listens", flush=True)
        await told.wait()
        self.ending = True
        server.close()
        for writer in self.idle:
            writer.close()
        while self.open:
            await asyncio.wait(self.open)


if __name__ == "__main__":
    asyncio.run(Application(sys.argv[1]).live())
