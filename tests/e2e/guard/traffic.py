"""An application whose treatment fails when it is told to, and people who visit it through a sidecar.

In: a share of failing answers by arm, a rate. Out: answers; everything runs in one loop of asyncio, in a thread of its own.
"""

import asyncio
import random
import threading
import time


class Loop:
    """`with Loop() as loop`: runs coroutines until it ends."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        async def end():
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)


class Application:
    """Fails `base` of all answers, and `harm` more of those with `checkout` on."""

    def __init__(self, loop, base=0.0, harm=0.0):
        self.base, self.harm, self.first_harm, self.answers, self.bad = base, harm, None, 0, 0
        # a user who makes whatever he wants fail
        self.hostile = None
        self.loop, self.open = loop, set()
        self.port = 0
        self.start()

    def start(self):
        self.server = self.loop.run(asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=1000)).result()
        self.port = self.server.sockets[0].getsockname()[1]

    def stop(self):
        """As a process ends: nobody listens any more, and what was open is cut off."""

        async def cut():
            self.server.close()
            for writer in self.open:
                writer.transport.abort()

        self.loop.run(cut()).result()

    def fails(self, head):
        if self.hostile and b"x-user-id: " + self.hostile in head:
            return True
        treated = b"x-feature-checkout: on" in head
        harmed = treated and random.random() < self.harm
        if harmed and self.first_harm is None:
            self.first_harm = time.monotonic()
        return harmed or random.random() < self.base

    async def serve(self, reader, writer):
        self.open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                bad = self.fails(head.lower())
                self.answers += 1
                self.bad += bad
                status = b"500 Oh" if bad else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


async def visits(address, rate, user=None, lanes=4):
    """So many requests a second, of 20,000 people or of one. An answer that does not come is no reason to stop."""

    async def lane():
        host, port = address.split(":")
        reader = writer = None
        due = time.monotonic() + random.random() * lanes / rate
        try:
            while True:
                await asyncio.sleep(max(due - time.monotonic(), 0))
                due += random.expovariate(rate / lanes)
                who = user or f"user-{random.randrange(20_000)}"
                try:
                    if not writer:
                        reader, writer = await asyncio.open_connection(host, port)
                    writer.write(f"GET / HTTP/1.1\r\nhost: shop\r\nx-user-id: {who}\r\n\r\n".encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    for line in head.split(b"\r\n"):
                        if line.lower().startswith(b"content-length: "):
                            await reader.readexactly(int(line[16:]))
                except (asyncio.IncompleteReadError, OSError):
                    if writer:
                        writer.close()
                    writer = None
        finally:
            if writer:
                writer.close()

    await asyncio.gather(*(lane() for _ in range(lanes)))
