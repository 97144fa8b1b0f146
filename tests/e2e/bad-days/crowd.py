"""Many clients that want memory of burgee and give nothing back; one that is turned away comes again.

In: KIND HOW-MANY ADDRESS. Out: `crowd is there` when all have said what they have to say or have been refused; at the end of standard input
how many stood, and what answers they got.

uploads: 1 MiB each to an application that reads nothing; heads: 60 KB, and no end; http2: uploads that fill every window;
http2-unread: 100 answers each, all windows open, and nothing read; tunnels: both sides send, and nobody reads.
"""

import collections
import contextlib
import heapq
import select
import socket
import struct
import sys
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

from processes import place

# connections that are being opened at once: fewer than the kernel queues
OPENING = 200


def head(method, path, fields=""):
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{fields}".encode()


def new_http2(settings=None):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.local_settings.update(settings or {})
    connection.initiate_connection()
    return connection


def request(connection, stream, method, path):
    connection.send_headers(stream, [(":method", method), (":path", path), (":scheme", "http"), (":authority", "here")], end_stream=method == "GET")


def full_windows(address):
    """What a client sends that keeps to the windows which it is given, and uses all of them. It says the first part, hears what windows
    there are, and says the rest."""
    connection = new_http2()
    heard = 0
    with socket.create_connection(place(address), timeout=2) as sock:
        sock.sendall(first := connection.data_to_send())
        with contextlib.suppress(TimeoutError):
            while True:
                sock.settimeout(0.5)
                if not (data := sock.recv(1 << 16)):
                    raise ConnectionResetError("refused")
                heard += len(data)
                connection.receive_data(data)
    streams = min(100, connection.remote_settings.max_concurrent_streams)
    for number in range(streams):
        stream = 2 * number + 1
        request(connection, stream, "POST", "/stall")
        while window := min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size):
            connection.send_data(stream, bytes(window))
    return first, connection.data_to_send(), heard


def many_answers(_):
    """100 requests for answers without end, and windows that have none."""
    connection = new_http2({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
    connection.increment_flow_control_window(2**31 - 1 - 65535)
    for number in range(100):
        request(connection, 2 * number + 1, "GET", "/endless")
    return b"", connection.data_to_send(), 0


UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
# kind: what is said at once, and when so many bytes are heard; whether answers are read, whether more is sent for ever
KINDS = {
    "uploads": (lambda _: (b"", head("POST", "/stall", "Content-Length: 1048576\r\n\r\n") + bytes(1 << 20), 0), True, False),
    "heads": (lambda _: (b"", head("GET", "/", "X-Long: ") + b"a" * 60_000, 0), True, False),
    "http2": (full_windows, True, False),
    "http2-unread": (many_answers, False, False),
    "tunnels": (lambda _: (b"", head("GET", "/flood", UPGRADE), 0), False, True),
}


def patiently(make, address):
    """Others may have taken all that there is just now."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return make(address)
        time.sleep(0.1)
    return make(address)


class Crowd:
    def __init__(self, kind, count, address):
        make, self.reads, self.goes_on = KINDS[kind]
        self.address, self.count = place(address), count
        first, rest, self.enough = patiently(make, address)
        self.first, self.text = len(first), memoryview(first + rest)
        self.more = memoryview(bytes(1 << 16))
        self.epoll, self.open, self.opening = select.epoll(), {}, 0
        self.waiting, self.begun, self.settled = [(0.0, number) for number in range(count)], set(), set()
        self.answers = collections.Counter()

    def connect(self, number):
        sock = socket.socket()
        sock.setblocking(False)
        # ends with a reset: a FIN would wait behind what nobody reads, and be heard by nobody, with or without burgee
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.connect_ex(self.address)
        # the socket, whose it is, how much is said, whether it is being opened, how much is heard
        self.open[sock.fileno()] = [sock, number, 0, True, 0]
        self.opening += 1
        self.epoll.register(sock.fileno(), select.EPOLLOUT | (select.EPOLLIN if self.reads else 0))

    def end(self, file, why):
        sock, number, _, is_opening, _ = self.open.pop(file)
        self.opening -= is_opening
        self.answers[why] += 1
        self.settled.add(number)
        self.epoll.unregister(file)
        sock.close()
        heapq.heappush(self.waiting, (time.monotonic() + 1, number))

    def turn(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic() and self.opening < OPENING:
            self.connect(heapq.heappop(self.waiting)[1])
        for file, event in self.epoll.poll(0.05):
            one = self.open[file]
            try:
                if event & select.EPOLLIN and not self.hear(file, one):
                    continue
                if event & (select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP):
                    self.say(file, one)
            except OSError as error:
                self.end(file, type(error).__name__)

    def hear(self, file, one):
        data = one[0].recv(1 << 16)
        one[4] += len(data)
        if self.first and one[4] >= self.enough and one[2] < len(self.text):
            self.epoll.modify(file, select.EPOLLOUT | select.EPOLLIN)
        if not data:
            self.end(file, "closed")
        elif data.startswith(b"HTTP/1.1 "):
            self.end(file, data[9:12].decode())
        return bool(data) and file in self.open

    def say(self, file, one):
        if error := one[0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return self.end(file, f"error {error}")
        self.opening -= one[3]
        one[3] = False
        until = len(self.text) if one[4] >= self.enough else self.first
        if one[2] < until:
            one[2] += one[0].send(self.text[one[2]:min(until, one[2] + (1 << 18))])
        elif self.goes_on:
            one[0].send(self.more)
        if one[2] == until < len(self.text):
            self.epoll.modify(file, select.EPOLLIN)
        if one[2] == len(self.text):
            self.settled.add(one[1])
            if not self.goes_on:
                self.epoll.modify(file, select.EPOLLIN if self.reads else 0)
        return None


def main():
    crowd = Crowd(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    said, last = False, (0, time.monotonic())
    inputs = select.poll()
    inputs.register(sys.stdin, select.POLLIN | select.POLLHUP)
    while not inputs.poll(0):
        crowd.turn()
        sent = sum(one[2] for one in crowd.open.values())
        if sent != last[0]:
            last = (sent, time.monotonic())
        # whoever cannot send any more has been stopped
        has_all = len(crowd.settled) == crowd.count or not crowd.waiting and not crowd.opening and time.monotonic() > last[1] + 1
        if has_all and not said:
            print("crowd is there", flush=True)
            said = True
    print(f"{len(crowd.open)} stand, {sum(one[2] for one in crowd.open.values()) >> 20} MiB sent; ended: {dict(crowd.answers)}", flush=True)


if __name__ == "__main__":
    main()
