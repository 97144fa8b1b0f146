"""One slow reader stalls nobody: what another client's small call takes beside 40 clients that hardly read, and without them.

Out: the figures of both, and of a direct call beside them; and burgee's memory, which stays below half of its cgroup.
"""

import re
import subprocess
import unittest

import grpc

import http2
from cgroup import Cgroup
from processes import LONG, Burgee, figures, get, latencies, mib, p99, python
from readers import channel

LIMIT = 256 << 20
WITHOUT, BESIDE = (20, 300) if LONG else (1.5, 3)
# below this the two cores of a test machine are measured, not burgee
FLOOR = 0.100
BODY = bytes(1024)


def grpc_call(address):
    """A unary call of 1 kB by a client of its own."""
    call = channel(address).unary_unary("/bad.Days/Echo")

    def ask():
        try:
            return call(BODY, timeout=2) is not None
        except grpc.RpcError:
            return False
    return ask


def http2_call(address):
    """A GET by a client of its own, over HTTP/2; a connection on which one failed is given up."""
    clients = [http2.Client(address)]

    def ask():
        answer = clients[0].ask("GET", "/", timeout=2)
        fine = answer is not None and answer[0].get(":status") == "200"
        if not fine:
            clients[0] = http2.Client(address)
        return fine
    return ask


def http1_call(address):
    """A GET, on a connection of its own."""
    def ask():
        try:
            return get(address, timeout=2)[0] == 200
        except OSError:
            return False
    return ask


def receive_buffers(application):
    """Of the sockets of this namespace that are connected to the application."""
    told = subprocess.run(["ss", "-tmnH", "dst", application], capture_output=True, text=True, check=True).stdout
    return [int(size) for size in re.findall(r"\brb(\d+)", told)]


class SlowReaders(unittest.TestCase):
    def beside(self, kind, application, call, *flags, direct=None):
        """The call's 99th percentile beside 40 readers of a kind is at most twice as much as without them."""
        with application as app, Cgroup(LIMIT) as cgroup, \
                Burgee(app.found[1], "--workers=1", *flags, preexec_fn=cgroup.enter) as burgee:
            asks = call(burgee.traffic), (direct or call)(app.found[1])
            latencies(asks, 0.5)
            without, _ = latencies(asks, WITHOUT)
            with python("readers.py", kind, 40, burgee.traffic, pattern=r"started (\d+)") as readers:
                begun = readers.found[1]
                # the direct one tells what the application and the machine take while they have this to do
                beside, alone = latencies(asks, BESIDE)
                memory, sockets = burgee.memory(), cgroup.sockets()
                buffers = receive_buffers(app.found[1])
                said = readers.end()
        print(f"\n{kind}: {begun} of 40 have begun, {said}; memory {mib(memory)}, its sockets {mib(sockets)}; kernel buffers of {mib(min(buffers))}\n"
              f"  without them: {figures(without)}\n  beside them:  {figures(beside)}\n  and direct:   {figures(alone)}")
        self.assertEqual(begun, "40", "some of them never got a byte")
        self.assertLessEqual(p99(beside), max(2 * p99(without), 2 * p99(alone), FLOOR))
        self.assertLess(memory, LIMIT / 2)
        return buffers

    def test_40_grpc_clients_that_read_a_message_a_second(self):
        buffers = self.beside("grpc", python("grpc_application.py"), grpc_call)
        # what all clients share is read at once: a small buffer would only close its window, and lose segments
        self.assertGreater(min(buffers), 100_000)

    def test_40_streams_of_one_grpc_client(self):
        self.beside("grpc-one-client", python("grpc_application.py"), grpc_call)

    def test_40_clients_of_an_application_that_allows_10_streams_a_connection(self):
        self.beside("grpc-drip", python("grpc_application.py", "grpc.max_concurrent_streams=10"), grpc_call)

    def test_40_grpc_uploads_that_grpcio_does_not_read(self):
        self.beside("grpc-uploads", python("grpc_application.py"), grpc_call)

    def test_40_grpc_uploads_to_a_server_that_gives_no_window_back(self):
        self.beside("grpc-uploads", python("http2.py"), grpc_call)

    def test_40_http2_downloads_of_an_http2_application(self):
        self.beside("http2", python("http2.py"), http2_call, "--upstream-protocol=mirror")

    def test_40_http2_downloads_of_an_http1_application(self):
        self.beside("http2", python("application.py"), http2_call, direct=http1_call)

    def test_40_http1_downloads(self):
        self.beside("http1", python("application.py"), http1_call)


if __name__ == "__main__":
    unittest.main()
