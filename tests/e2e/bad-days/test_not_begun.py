"""Not begun is not unknown: what a gRPC client is told when its application refuses, leaves or dies is what it is told without burgee.

Out: for each case the status codes of five calls, direct and through burgee.
"""

import collections
import contextlib
import socket
import threading
import time
import unittest

import grpc
import h2.errors
import h2.events

from http2 import Client, Server, answer_grpc, message
from processes import Burgee, place, python
from readers import channel

Ended, Began = h2.events.StreamEnded, h2.events.RequestReceived
OK = {"OK": 5}


def code(call):
    """The name of a call's status code."""
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def unary(address, count=5):
    """What so many calls, on one channel, end with."""
    with channel(address) as one:
        call = one.unary_unary("/bad.Days/Echo")
        return dict(collections.Counter(code(lambda: call(bytes(1024), timeout=5)) for _ in range(count)))


def drip(address, count=5, after=lambda: None):
    """What so many calls that have got their first message end with."""
    seen = collections.Counter()
    for _ in range(count):
        with channel(address) as one:
            messages = one.unary_stream("/bad.Days/Drip")(b"", timeout=5)

            def read():
                for number, _ in enumerate(messages):
                    if number == 0:
                        after()
            seen[code(read)] += 1
    return dict(seen)


def goaway(when, leave):
    """The first connection says with its first stream that it has not taken it, the others answer."""
    def script(peer, number, event):
        if number == 1 and isinstance(event, when):
            # of no stream, and it stays open or it does not
            peer.h2.close_connection(h2.errors.ErrorCodes.NO_ERROR, last_stream_id=0)
            peer.flush()
            if leave:
                peer.closed = True
        elif number > 1 and isinstance(event, Ended):
            answer_grpc(peer, event.stream_id)
    return script


def refuse(turns):
    """The first requests of all are refused."""
    refused = []

    def script(peer, number, event):
        if isinstance(event, Began) and len(refused) < turns:
            refused.append((number, event.stream_id))
            peer.h2.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
        elif isinstance(event, Ended) and (number, event.stream_id) not in refused[-1:]:
            answer_grpc(peer, event.stream_id)
    return script


def reset(reason, after_message):
    """Each stream is reset, with a message before or without."""
    def script(peer, number, event):
        if isinstance(event, Ended):
            if after_message:
                peer.h2.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                peer.h2.send_data(event.stream_id, message(b"first"))
            peer.h2.reset_stream(event.stream_id, reason)
    return script


def hang_up(after_message):
    """Each connection is closed in the midst of its first stream."""
    def script(peer, number, event):
        if isinstance(event, Ended):
            if after_message:
                peer.h2.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                peer.h2.send_data(event.stream_id, message(b"first"))
                peer.flush()
            peer.closed = True
    return script


class NotBegun(unittest.TestCase):
    def both(self, name, application, calls, expected=None, or_better=False):
        """The codes are those of a direct client, or those of success where that is allowed; `application` makes one anew."""
        with application() as app:
            direct = calls(address(app), app)
        with application() as app, Burgee(address(app), "--workers=1") as burgee:
            through = calls(burgee.traffic, app)
        print(f"{name}: direct {direct}, through {through}")
        if expected is not None:
            self.assertEqual(direct, expected, "the case is not what it says")
        if not (or_better and through == OK):
            self.assertEqual(through, direct)

    def scripted(self, name, script, calls=unary, expected=None, **more):
        """`script` makes one anew, for some remember."""
        self.both(name, lambda: Server(script()), lambda address, _: calls(address), expected, **more)

    def test_goaway_below_our_stream_when_its_head_has_come(self):
        self.scripted("GOAWAY 0 at the head, and the connection ends", lambda: goaway(Began, True), expected=OK)

    def test_goaway_below_our_stream_when_its_body_has_come(self):
        self.scripted("GOAWAY 0 at the body's end, and the connection ends", lambda: goaway(Ended, True), expected=OK)

    def test_goaway_below_our_stream_on_a_connection_that_stays_open(self):
        self.scripted("GOAWAY 0, and the connection stays", lambda: goaway(Ended, False), expected=OK)

    def test_a_refused_stream(self):
        # grpcio itself does not ask again
        self.scripted("one REFUSED_STREAM", lambda: refuse(1), or_better=True)

    def test_streams_that_are_always_refused(self):
        self.scripted("REFUSED_STREAM always", lambda: refuse(10**6), expected={"UNAVAILABLE": 5})

    def test_what_was_refused_and_has_no_body_is_sent_again(self):
        """The method is no obstacle: the application has said that it did not begin."""
        for method in ("GET", "POST"):
            with self.subTest(method), Server(refuse(1)) as app, Burgee(app, "--upstream-protocol=h2") as burgee:
                answer = Client(burgee.traffic).ask(method, "/")
                print(f"{method} without a body, refused once: {answer and answer[0]}")
                self.assertEqual(answer[0].get(":status"), "200")

    def test_a_body_that_was_taken_is_not_sent_again(self):
        bodies = []

        def script(peer, number, event):
            if isinstance(event, Ended):
                bodies.append(number)
                if len(bodies) == 1:
                    peer.h2.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                else:
                    answer_grpc(peer, event.stream_id)
        with Server(script) as app, Burgee(app, "--upstream-protocol=h2") as burgee:
            with socket.create_connection(place(burgee.traffic), timeout=5) as sock:
                sock.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody")
                head = sock.recv(1 << 16).decode()
            print(f"POST with a body, refused: {head.splitlines()[0]}, sent {len(bodies)} times")
            self.assertEqual(len(bodies), 1)
            self.assertTrue(head.startswith("HTTP/1.1 503 "), head)
            self.assertIn("proxy-status: burgee; error=", head)

    def test_max_connection_age(self):
        """Three clients call all the time, of an application that ends each connection after a second."""
        options = ["grpc.max_connection_age_ms=1000", "grpc.max_connection_age_grace_ms=1000"]

        def calls(address, _):
            seen, end = collections.Counter(), time.monotonic() + 5

            def client():
                with channel(address) as one:
                    call = one.unary_unary("/bad.Days/Echo")
                    while time.monotonic() < end:
                        seen[code(lambda: call(bytes(1024), timeout=5))] += 1
            threads = [threading.Thread(target=client) for _ in range(3)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            print(f"max_connection_age 1 s: {dict(seen)}")
            return set(seen)
        self.both("max_connection_age", lambda: python("grpc_application.py", *options), calls, {"OK"})

    def test_resets_before_an_answer(self):
        for reason in ("CANCEL", "INTERNAL_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "PROTOCOL_ERROR", "NO_ERROR"):
            with self.subTest(reason):
                self.scripted(f"RST_STREAM {reason}", lambda: reset(h2.errors.ErrorCodes[reason], False))

    def test_resets_in_mid_stream(self):
        for reason in ("CANCEL", "INTERNAL_ERROR", "ENHANCE_YOUR_CALM", "REFUSED_STREAM", "NO_ERROR"):
            with self.subTest(reason):
                self.scripted(f"RST_STREAM {reason} behind a message", lambda: reset(h2.errors.ErrorCodes[reason], True), drip)

    def test_a_connection_that_ends_before_an_answer(self):
        self.scripted("the connection ends before an answer", lambda: hang_up(False), expected={"UNAVAILABLE": 5})

    def test_a_connection_that_ends_in_mid_stream(self):
        self.scripted("the connection ends in mid-stream", lambda: hang_up(True), drip, {"UNAVAILABLE": 5})

    def test_an_application_that_is_killed_in_mid_stream(self):
        self.both("killed in mid-stream", lambda: python("grpc_application.py"),
                  lambda address, app: drip(address, 1, app.process.kill), {"UNAVAILABLE": 1})

    def test_an_application_that_is_stopped_in_mid_stream(self):
        """As a pod that ends: the server says GOAWAY and CANCEL, and goes."""
        self.both("stopped in mid-stream", lambda: python("grpc_application.py"), lambda address, app: drip(address, 1, app.process.stdin.close))

    def test_nothing_listens(self):
        @contextlib.contextmanager
        def nothing():
            with socket.create_server(("127.0.0.1", 0)) as listener:
                address = "127.0.0.1:%d" % listener.getsockname()[1]
            yield address
        self.both("nothing listens", nothing, lambda address, _: unary(address), {"UNAVAILABLE": 5})


def address(app):
    return app if isinstance(app, str) else app.found[1]


if __name__ == "__main__":
    unittest.main()
