"""HTTP/2 without TLS, by hyper-h2: a client that can be slow, and a server that does as a script says.

In: addresses. Out: answers. As a program: an application that sends large answers as fast as each stream's window allows, and that
never takes an upload to /sink, nor gives back its window.
"""

import select
import socket
import struct
import sys
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from processes import place

GRPC = [("content-type", "application/grpc"), ("te", "trailers")]


def message(payload):
    """A gRPC message."""
    return b"\0" + struct.pack(">I", len(payload)) + payload


class Peer:
    """One end of a connection."""

    def __init__(self, sock, client, settings=None):
        self.socket, self.closed = sock, False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.local_settings.update(settings or {})
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except OSError:
            self.closed = True

    def events(self, timeout):
        """What has come within the time, without taking the data: windows stay as they are."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            return []
        except OSError:
            data = b""
        self.closed = not data
        try:
            events = self.h2.receive_data(data) if data else []
        except h2.exceptions.ProtocolError:
            self.closed, events = True, []
        self.flush()
        return events

    def taken(self, event):
        """Gives the window of a piece of data back."""
        if event.flow_controlled_length and not self.closed:
            try:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            except (KeyError, h2.exceptions.ProtocolError):
                pass
            self.flush()


class Client(Peer):
    """A client of one connection, one request after the other or many at once."""

    def __init__(self, address, settings=None):
        self.address = address
        super().__init__(socket.create_connection(place(address), timeout=10), True, settings)

    def request(self, method, path, fields=(), body=None):
        """The stream of a request that ends."""
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":path", path), (":scheme", "http"), (":authority", self.address), *fields]
        self.h2.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def answer(self, stream, timeout=10):
        """Fields of head and trailers, and the body; none for an answer that is not whole by then."""
        fields, body, end = {}, b"", time.monotonic() + timeout
        while time.monotonic() < end and not self.closed:
            for event in self.events(max(0.001, end - time.monotonic())):
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    fields |= dict(event.headers)
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                    self.taken(event)
                if isinstance(event, h2.events.StreamReset):
                    return {"reset": h2.errors.ErrorCodes(event.error_code).name}, body
                if isinstance(event, h2.events.StreamEnded):
                    return fields, body
        return None

    def ask(self, method, path, fields=(), body=None, timeout=10):
        return self.answer(self.request(method, path, fields, body), timeout)


class Server:
    """`with Server(script) as address:`; a connection is told to `script(peer, number, event)`, each in a thread of its own."""

    def __init__(self, script, settings=None):
        self.script, self.settings, self.count = script, settings, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self.address

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.serve, args=(sock, self.count), daemon=True).start()

    def serve(self, sock, number):
        peer = Peer(sock, False, self.settings)
        while not peer.closed:
            for event in peer.events(60):
                self.script(peer, number, event)
                peer.flush()
        sock.close()


def answer_grpc(peer, stream, payload=b"ok", status="0"):
    """All of a gRPC answer."""
    peer.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
    peer.h2.send_data(stream, message(payload))
    peer.h2.send_headers(stream, [("grpc-status", status)], end_stream=True)


class Application:
    """One connection of the application that this file is as a program."""

    SIZE = 40 << 20
    PIECE = bytes(16 * 1024)

    def __init__(self, sock):
        self.peer, self.left, self.paths = Peer(sock, False), {}, {}
        self.peer.h2.max_outbound_frame_size = 16 * 1024

    def run(self):
        peer = self.peer
        while not peer.closed:
            can_send = any(peer.h2.local_flow_control_window(stream) for stream in self.left)
            readable = select.select([peer.socket], [], [], 0 if can_send else 60)[0]
            for event in peer.events(60) if readable else ():
                self.hear(event)
            self.send()
        peer.socket.close()

    def hear(self, event):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.RequestReceived):
            self.paths[stream] = dict(event.headers)[":path"]
        if isinstance(event, h2.events.DataReceived) and "ink" not in self.paths[stream]:
            self.peer.taken(event)
        if isinstance(event, h2.events.StreamEnded):
            path = self.paths[stream]
            if path == "/bad.Days/Echo":
                answer_grpc(self.peer, stream)
            elif path == "/large":
                self.peer.h2.send_headers(stream, [(":status", "200")])
                self.left[stream] = self.SIZE
            else:
                self.peer.h2.send_headers(stream, [(":status", "200"), ("content-length", "1024")])
                self.peer.h2.send_data(stream, bytes(1024), end_stream=True)
            self.peer.flush()
        if isinstance(event, h2.events.StreamReset):
            self.left.pop(stream, None)

    def send(self):
        """As much of each answer as its window allows, one piece each in turn."""
        for stream in list(self.left):
            some = min(len(self.PIECE), self.peer.h2.local_flow_control_window(stream), self.left[stream])
            if some:
                self.left[stream] -= some
                self.peer.h2.send_data(stream, self.PIECE[:some], end_stream=not self.left[stream])
                if not self.left[stream]:
                    del self.left[stream]
        self.peer.flush()


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print("listens on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)

    def accept():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=lambda: Application(sock).run(), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
