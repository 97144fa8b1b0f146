"""gRPC, WebSockets and HTTP by real libraries, through a burgee of this script's own.
In: $BURGEE. Out: one line a check; exit code 1 if one failed."""
import asyncio, atexit, concurrent.futures, contextlib, os, re, resource, socket, subprocess, sys, tempfile, threading, time

import grpc
import httpx
import websockets

BURGEE = os.environ["BURGEE"]
FAILED = []


def check(name, holds, seen=""):
    print(f"{'ok' if holds else 'FAILED'}: {name}{'' if holds else f': {seen}'}", flush=True)
    if not holds:
        FAILED.append(name)


class Sidecar:
    def __init__(self, port, *flags):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as toggles:
            toggles.write("version: 1\nfeatures: {briefcase: on}\n")
        self.process = subprocess.Popen(
            [BURGEE, "run", "--toggles", toggles.name, "--upstream", f"http://127.0.0.1:{port}", "--listen", "127.0.0.1:0",
             "--admin-listen", "127.0.0.1:0", "--api-listen", "none", "--log-format", "json", *flags],
            stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        for line in self.process.stderr:
            if "burgee listens" in line:
                self.port = int(re.search(r'"listen":"127.0.0.1:(\d+)"', line).group(1))
                break
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(40)


def features(metadata):
    return [value for key, value in metadata if key == "x-feature-briefcase"]


class Service(grpc.GenericRpcHandler):
    """Echoes, upper case; says in the trailing metadata which features it was sent."""

    def service(self, details):
        def unary(request, context):
            context.set_trailing_metadata((("seen", ",".join(features(context.invocation_metadata()))),))
            return request.upper()

        def stream(requests, context):
            for request in requests:
                yield request.upper()

        def slow(request, context):
            context.add_callback(self.cancelled.set)
            time.sleep(5)
            return request

        def fails(request, context):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")

        return {
            "/t/unary": grpc.unary_unary_rpc_method_handler(unary),
            "/t/stream": grpc.stream_stream_rpc_method_handler(stream),
            "/t/slow": grpc.unary_unary_rpc_method_handler(slow),
            "/t/fails": grpc.unary_unary_rpc_method_handler(fails),
        }.get(details.method)

    def __init__(self):
        self.cancelled = threading.Event()


def status_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()


def grpc_flows():
    service = Service()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(20), handlers=(service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Sidecar(port) as sidecar, grpc.insecure_channel(f"127.0.0.1:{sidecar.port}") as channel:
        unary = channel.unary_unary("/t/unary")
        answer, call = unary.with_call(b"hello", metadata=(("x-feature-briefcase", "forged"), ("x_feature_briefcase", "forged")))
        check("a gRPC call is answered", answer == b"HELLO", answer)
        check("the service gets our header and no forged one", dict(call.trailing_metadata()).get("seen") == "on", call.trailing_metadata())
        big = b"x" * 3_000_000
        check("a message of 3 MB passes both ways", unary(big) == big.upper())
        sent = [f"message {number}".encode() for number in range(200)]
        got = list(channel.stream_stream("/t/stream")(iter(sent)))
        check("a stream passes both ways", got == [one.upper() for one in sent], len(got))
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            many = list(pool.map(unary, [b"a"] * 1000))
        check("a thousand calls, fifty at a time", many == [b"A"] * 1000)
        check("a status and its message arrive", status_of(lambda: channel.unary_unary("/t/fails")(b"")) == (grpc.StatusCode.NOT_FOUND, "no such thing"))
        code = status_of(lambda: channel.unary_unary("/t/slow")(b"", timeout=0.5))[0]
        check("a deadline ends the call", code == grpc.StatusCode.DEADLINE_EXCEEDED, code)
        check("and the service is told", service.cancelled.wait(3))
    server.stop(0)
    with Sidecar(port) as sidecar, grpc.insecure_channel(f"127.0.0.1:{sidecar.port}") as channel:
        code = status_of(lambda: channel.unary_unary("/t/unary")(b"a", timeout=5))[0]
        check("a service that is not there is UNAVAILABLE", code == grpc.StatusCode.UNAVAILABLE, code)


async def websocket_flows():
    async def echo(socket):
        await socket.send(socket.request.headers.get("x-feature-briefcase", "nothing"))
        async for message in socket:
            await socket.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, backlog=1024) as server:
        port = server.sockets[0].getsockname()[1]
        sidecar = Sidecar(port)
        address = f"ws://127.0.0.1:{sidecar.port}/chat"
        async with websockets.connect(address, max_size=None, additional_headers={"X-Feature-Briefcase": "forged"}) as socket:
            check("a WebSocket opens, and its request has our header", await socket.recv() == "on")
            sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20]
            for size in sizes:
                await socket.send("x" * size)
                await socket.send(b"\xff" * size)
            back = [await socket.recv() for _ in range(2 * len(sizes))]
            check("messages of every size come back", [len(one) for one in back] == [size for size in sizes for _ in range(2)])
            pong = await socket.ping()
            check("a ping is answered", await asyncio.wait_for(pong, 5) >= 0)
        check("it closes as it should", socket.close_code == 1000, socket.close_code)
        sidecar.process.terminate()


async def silent_websockets():
    """A thousand, as long as 48 idle timeouts, which is an hour of the default; then the end of the process, and its deadline."""
    async def hello(socket):
        await socket.send("hello")
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket:
                await socket.send(message)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with websockets.serve(hello, "127.0.0.1", 0, ping_interval=None, backlog=1024) as server:
        timeouts = ("--idle-timeout", "100ms", "--upstream-idle-timeout", "100ms", "--response-timeout", "4s", "--head-timeout", "4s")
        sidecar = Sidecar(server.sockets[0].getsockname()[1], *timeouts, "--drain-timeout", "3s")
        a_few = asyncio.Semaphore(8)

        async def opened():
            async with a_few:
                socket = await websockets.connect(f"ws://127.0.0.1:{sidecar.port}/", ping_interval=None)
                return socket, await socket.recv()

        many = await asyncio.gather(*(opened() for _ in range(1000)))
        check("a thousand WebSockets open", [said for _, said in many] == ["hello"] * 1000)
        await asyncio.sleep(4.8)
        many = [socket for socket, _ in many]
        check("after 48 idle timeouts of silence all are open", all(socket.state.name == "OPEN" for socket in many))
        [await socket.send("still here") for socket in many]
        check("and carry what is said", [await socket.recv() for socket in many] == ["still here"] * 1000)

        def ended():
            code = sidecar.process.wait(40)
            return code, time.monotonic() - told

        async def closed(socket):
            await socket.wait_closed()
            return time.monotonic() - told

        told = time.monotonic()
        sidecar.process.terminate()
        (code, took), *lived = await asyncio.gather(asyncio.to_thread(ended), *(closed(socket) for socket in many))
        check("they live until the drain deadline", min(lived) >= 3, f"one of {min(lived):.1f} s")
        check("and the process ends at it", code == 0 and took < 8, f"{took:.1f} s, exit code {code}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def http_flows():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    echo = subprocess.Popen([BURGEE, "echo", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Sidecar(port) as sidecar:
            for _ in range(100):
                try:
                    httpx.get(f"http://127.0.0.1:{sidecar.port}/").raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.05)
            for version in ({"http1": True}, {"http1": False, "http2": True}):
                with httpx.Client(base_url=f"http://127.0.0.1:{sidecar.port}", **version) as client:
                    spoken = client.get("/").http_version
                    answers = [client.request(method, "/path", content=None if method == "GET" else b"body") for method in ("GET", "POST", "PUT")]
                    check(f"{spoken}: every method is answered", all(answer.status_code == 200 for answer in answers))
                    check(f"{spoken}: our header arrives", "x-feature-briefcase: on" in answers[0].text.lower(), answers[0].text)
                    parts = client.post("/", content=(b"x" * 1000 for _ in range(100)))
                    check(f"{spoken}: a body without a length is answered", parts.status_code == 200)
    finally:
        echo.kill()


if __name__ == "__main__":
    grpc_flows()
    asyncio.run(websocket_flows())
    asyncio.run(silent_websockets())
    http_flows()
    sys.exit(1 if FAILED else 0)
