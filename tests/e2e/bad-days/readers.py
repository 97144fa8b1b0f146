"""Clients that are slow: each reads about a message a second of an answer of 40 MB, or sends to an application that reads nothing.

In: KIND HOW-MANY ADDRESS. Out: `started N`, and `bytes N` at the end, when standard input ends.
"""

import select
import socket
import sys
import threading
import time

import grpc
import h2.events

import http2
from processes import place

taken = 0


def channel(address):
    """A channel with a connection of its own."""
    return grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)])


def grpc_reader(channel):
    """A message a second, for ever again."""
    def run():
        global taken
        while True:
            try:
                for piece in channel.unary_stream("/bad.Days/Stream")(b""):
                    taken += len(piece)
                    started.add(threading.get_ident())
                    time.sleep(1)
            except grpc.RpcError:
                time.sleep(0.2)
    return run


def grpc_sender(channel):
    """1 MB, and then it waits."""
    def requests():
        for _ in range(16):
            yield bytes(1 << 16)
        time.sleep(3600)

    def run():
        while True:
            try:
                # what waits for its window is not taken from here
                started.add(threading.get_ident())
                channel.stream_unary("/bad.Days/Sink")(requests())
            except grpc.RpcError:
                time.sleep(0.2)
    return run


def grpc_drip(channel):
    """Reads at once what comes seldom."""
    def run():
        while True:
            try:
                for _ in channel.unary_stream("/bad.Days/Drip")(b""):
                    started.add(threading.get_ident())
            except grpc.RpcError:
                time.sleep(0.2)
    return run


def http2_reader(address):
    """Gives a window of 64 KiB back every second."""
    def run():
        global taken
        client = http2.Client(address)
        client.request("GET", "/large")
        held = []
        following = time.monotonic() + 1
        while not client.closed:
            for event in client.events(max(0.01, following - time.monotonic())):
                if isinstance(event, h2.events.DataReceived):
                    held.append(event)
                    taken += len(event.data)
                    started.add(threading.get_ident())
                if isinstance(event, h2.events.StreamEnded):
                    client.request("GET", "/large")
            if time.monotonic() > following:
                [client.taken(event) for event in held]
                held, following = [], time.monotonic() + 1
    return run


def http1_reader(address):
    """Reads up to 1 MB every second."""
    def run():
        global taken
        sock = socket.create_connection(place(address))
        sock.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")
        while piece := sock.recv(1 << 20):
            taken += len(piece)
            started.add(threading.get_ident())
            time.sleep(1)
    return run


started = set()


def main():
    kind, count, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    shared = channel(address)
    make = {
        "grpc": lambda: grpc_reader(channel(address)),
        "grpc-one-client": lambda: grpc_reader(shared),
        "grpc-uploads": lambda: grpc_sender(channel(address)),
        "grpc-drip": lambda: grpc_drip(channel(address)),
        "http2": lambda: http2_reader(address),
        "http1": lambda: http1_reader(address),
    }[kind]
    for _ in range(count):
        threading.Thread(target=make(), daemon=True).start()
    # those that are starved themselves never begin
    end = time.monotonic() + 3
    while len(started) < count and time.monotonic() < end:
        time.sleep(0.05)
    # what fills the buffers of the kernel at first is not what a slow reader takes
    time.sleep(2)
    print(f"started {len(started)}", flush=True)
    select.select([sys.stdin], [], [])
    print(f"bytes {taken}", flush=True)


if __name__ == "__main__":
    main()
