"""What a peer is asked to do, and where. In: numbers. Out: what `peers.py` makes configurations of."""

import dataclasses

H1, H2, GRPC, WEBSOCKET, UPLOAD = "HTTP/1.1", "HTTP/2", "gRPC", "WebSocket", "uploads"


@dataclasses.dataclass(frozen=True)
class Work:
    toggles: int = 1
    connections: int = 2048  # as many clients as are expected: some peers pay for the number in advance
    text: str = ""  # burgee's own toggles file, where it is about that
    kind: str = H1  # what clients speak, without TLS; the application is asked in HTTP/1.1, in HTTP/2 for gRPC
    workers: int = 1

    @property
    def h2(self):
        return self.kind in (H2, GRPC)


@dataclasses.dataclass(frozen=True)
class Place:
    folder: object
    listen: int
    application: int
    socket: str
    admin: int = 0  # where nginx has its `stub_status`

    def file(self, name, text):
        path = self.folder / f"{self.listen}.{name}"
        path.write_text(text)
        return str(path)
