"""A gRPC application by grpcio: `Echo` answers at once, `Stream` sends 40 messages of 1 MB, `Drip` a message every 50 ms, `Sink` reads nothing.

In: channel arguments as NAME=NUMBER. Out: `listens on ADDRESS`. It ends when its standard input does.
"""

import sys
import time
from concurrent import futures

import grpc

MESSAGE = bytes(1 << 20)


def echo(request, context):
    return request


def stream(request, context):
    for _ in range(40):
        yield MESSAGE


def drip(request, context):
    for _ in range(1200):
        yield b"drip"
        time.sleep(0.05)


def sink(requests, context):
    while context.is_active():
        time.sleep(0.1)
    return b""


METHODS = {
    "/bad.Days/Echo": grpc.unary_unary_rpc_method_handler(echo),
    "/bad.Days/Stream": grpc.unary_stream_rpc_method_handler(stream),
    "/bad.Days/Drip": grpc.unary_stream_rpc_method_handler(drip),
    "/bad.Days/Sink": grpc.stream_unary_rpc_method_handler(sink),
}


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return METHODS.get(details.method)


def main():
    options = [(name, int(number)) for name, number in (word.split("=") for word in sys.argv[1:])]
    # a call that streams keeps its thread
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=300), options=options)
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listens on 127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
