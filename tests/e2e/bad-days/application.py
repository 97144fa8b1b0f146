"""An HTTP/1.1 application whose answers depend on the path, and which says what became of them.

In: optionally an address. Out: `listens on ADDRESS`, then `began PATH` and `ended PATH` for what it holds. It ends when its standard
input does.

/poll is held; /events says a word and no more, /ticks one every 200 ms; /large is 40 MB, /endless never ends; POST /stall is not read,
POST /pause is read after 12 s; a WebSocket to /quiet says nothing, to /flood everything; all else is 1 kB, with an upload's length.
"""

import asyncio
import sys

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
PIECE = bytes(64 * 1024)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


async def pump(writer, data, count, wait=0.0):
    while count:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(wait)
        count -= 1


async def body(reader, fields):
    """The length of an upload."""
    size = 0
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while length := int((await reader.readline()).split(b";")[0], 16):
            size += length
            await reader.readexactly(length + 2)
        await reader.readline()
    left = int(fields.get(b"content-length", 0))
    while left and (piece := await reader.read(min(left, 1 << 16))):
        size, left = size + len(piece), left - len(piece)
    if left:
        raise EOFError("the upload broke off")
    return size


async def held(path, reader, writer, upload):
    """Answers that take their time; they end when the connection does."""
    if path in ("/quiet", "/flood"):
        writer.write(SWITCH)
        await (pump(writer, PIECE, -1) if path == "/flood" else asyncio.sleep(3600))
    if path == "/events":
        writer.write(CHUNKED + chunk(b"data: hello\n\n"))
    if path == "/ticks":
        writer.write(CHUNKED)
        await pump(writer, chunk(b"data: tick\n\n"), -1, 0.2)
    if path == "/endless":
        writer.write(CHUNKED)
        await pump(writer, chunk(PIECE), -1)
    if path == "/upload":
        await upload()
    await asyncio.sleep(3600)


async def gone(reader, writer):
    """Returns when the other end has; what it sends is not read here, but where it should be."""
    while not reader.at_eof() and not writer.is_closing() and reader.exception() is None:
        await asyncio.sleep(0.05)


async def request(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head[:-4].split(b"\r\n")
    method, path, _ = line.decode().split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (field.partition(b":") for field in lines)}
    if path in ("/poll", "/events", "/ticks", "/endless", "/upload", "/quiet", "/flood", "/stall"):
        print(f"began {path}", flush=True)
        tasks = [asyncio.ensure_future(held(path, reader, writer, lambda: body(reader, fields)))]
        if path != "/upload":
            tasks.append(asyncio.ensure_future(gone(reader, writer)))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        print(f"ended {path}", flush=True)
        return False
    if path == "/pause":
        await asyncio.sleep(12)
    if path == "/large":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (640 * len(PIECE)))
        await pump(writer, PIECE, 640)
        return True
    size = await body(reader, fields)
    answer = b"%d" % size if method == "POST" else bytes(1024)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
    await writer.drain()
    return True


async def serve(reader, writer):
    try:
        while await request(reader, writer):
            pass
    except (OSError, EOFError, ValueError):
        pass
    finally:
        writer.transport.abort()


async def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    server = await asyncio.start_server(serve, host, 0, limit=64 * 1024, backlog=4096)
    print("listens on %s:%d" % server.sockets[0].getsockname(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
