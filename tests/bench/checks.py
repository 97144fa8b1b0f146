"""Whether a peer does the work that it is measured at.

In: a running proxy in front of an application that echoes heads. Out: a complaint, or none.
"""

import contextlib
import re
import socket
import struct

from work import GRPC, WEBSOCKET

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def frames(client):
    """Those that come."""
    with client.makefile("rb") as came:
        while len(head := came.read(9)) == 9:
            length, (kind, flags, stream) = int.from_bytes(head[:3], "big"), struct.unpack(">BBI", head[3:])
            yield kind, flags, stream, came.read(length)


def speaks_h2(port):
    """Whether somebody there speaks HTTP/2."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(PREFACE + frame(SETTINGS))
        return next(frames(client), (None,))[0] == SETTINGS
    return False


def fields(text):
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in text.decode().split("\r\n")[1:] if line)]


def asked_in_h2(port, user, is_grpc):
    """The fields that the application saw, on a connection of its own: nothing of its answer's head needs to be understood."""
    sent = {":method": "POST" if is_grpc else "GET", ":scheme": "http", ":authority": "app.example.com", ":path": "/echo"}
    if is_grpc:
        sent |= {"content-type": "application/grpc", "te": "trailers"}
    sent |= {"cookie": f"a=b; uid={user}; c=d", "x-feature-flag-000": "spoofed", "x-keep": "me"}
    text = lambda value: bytes([len(value)]) + value.encode()
    head = b"".join(b"\0" + text(name) + text(value) for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS | (0 if is_grpc else END_STREAM), 1, head))
        if is_grpc:
            client.sendall(frame(DATA, END_STREAM, 1, bytes(5)))
        answer = b""
        for kind, flags, stream, payload in frames(client):
            if kind == SETTINGS and not flags & ACK or kind == PING and not flags & ACK:
                client.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
            answer += payload if kind == DATA else b""
            if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
                return fields(answer[5:] if is_grpc else answer)
    raise OSError("the connection ended")


def asked_by_websocket(port, user):
    """The fields that the application saw: its first message."""
    with socket.create_connection(("127.0.0.1", port), 5) as client, client.makefile("rb") as came:
        client.sendall(f"GET /socket/echo HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: a=b; uid={user}; c=d\r\nX-Feature-Flag-000: spoofed\r\nX-Keep: me\r\n\r\n".encode())
        if not came.readline().startswith(b"HTTP/1.1 101"):
            raise OSError("no WebSocket")
        while came.readline().strip():
            pass
        _, length = came.read(2)
        return fields(came.read(struct.unpack(">H", came.read(2))[0] if length == 126 else length))


def asked(client, user):
    """The fields that the application saw."""
    client.sendall(f"GET /echo HTTP/1.1\r\nHost: app.example.com\r\nCookie: a=b; uid={user}; c=d\r\nX-Feature-Flag-000: spoofed\r\nX-Keep: me\r\n\r\n".encode())
    answer = b""
    while not (found := re.search(rb"\r\ncontent-length: *(\d+)(?=\r\n).*?\r\n\r\n", answer, re.I | re.S)) or len(answer) < found.end() + int(found[1]):
        some = client.recv(1 << 17)
        if not some:
            raise OSError("the connection ended")
        answer += some
    return fields(answer[found.end() :])


def complaint(port, work):
    """Every header exactly once, the forged one replaced, the rest kept, the same user the same answer, about 99% on."""
    toggles, expected = work.toggles, [f"x-feature-flag-{n:03}" for n in range(work.toggles)]
    seen, on, total = {}, 0, 0
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        for turn in range(max(40, 3000 // toggles)):
            user = f"user-{turn % max(20, 1500 // toggles):05}"
            if work.h2:
                saw = asked_in_h2(port, user, work.kind == GRPC)
            else:
                saw = asked_by_websocket(port, user) if work.kind == WEBSOCKET else asked(client, user)
            features = sorted(field for field in saw if field[0].startswith("x-feature-"))
            if [name for name, _ in features] != expected or any(value not in ("on", "off") for _, value in features):
                return f"{toggles} headers were expected, once each, on or off: {features[:5]}"
            if ("x-keep", "me") not in saw or ("cookie", f"a=b; uid={user}; c=d") not in saw:
                return f"a client's own fields are gone: {saw[:5]}"
            if seen.setdefault(user, features) != features:
                return f"{user} was given two answers"
            on += sum(value == "on" for _, value in features)
            total += toggles
    share = on / total
    return None if 0.98 <= share < 1 else f"{share:.1%} are on, and 99% should be"
