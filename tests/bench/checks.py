"""Whether a peer does the work that it is measured at.

In: a running proxy in front of an application that echoes heads. Out: a complaint, or none.
"""

import re
import socket


def asked(client, user):
    """The fields that the application saw."""
    client.sendall(f"GET /echo HTTP/1.1\r\nHost: app.example.com\r\nCookie: a=b; uid={user}; c=d\r\nX-Feature-Flag-000: spoofed\r\nX-Keep: me\r\n\r\n".encode())
    answer = b""
    while not (found := re.search(rb"\r\ncontent-length: *(\d+)(?=\r\n).*?\r\n\r\n", answer, re.I | re.S)) or len(answer) < found.end() + int(found[1]):
        some = client.recv(1 << 17)
        if not some:
            raise OSError("the connection ended")
        answer += some
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in answer[found.end() :].decode().split("\r\n")[1:] if line)]


def complaint(port, toggles):
    """Every header exactly once, the forged one replaced, the rest kept, the same user the same answer, about 99% on."""
    expected = [f"x-feature-flag-{n:03}" for n in range(toggles)]
    seen, on, total = {}, 0, 0
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        for turn in range(max(40, 3000 // toggles)):
            user = f"user-{turn % max(20, 1500 // toggles):05}"
            fields = asked(client, user)
            features = sorted(field for field in fields if field[0].startswith("x-feature-"))
            if [name for name, _ in features] != expected or any(value not in ("on", "off") for _, value in features):
                return f"{toggles} headers were expected, once each, on or off: {features[:5]}"
            if ("x-keep", "me") not in fields or ("cookie", f"a=b; uid={user}; c=d") not in fields:
                return f"a client's own fields are gone: {fields[:5]}"
            if seen.setdefault(user, features) != features:
                return f"{user} was given two answers"
            on += sum(value == "on" for _, value in features)
            total += toggles
    share = on / total
    return None if 0.98 <= share < 1 else f"{share:.1%} are on, and 99% should be"
