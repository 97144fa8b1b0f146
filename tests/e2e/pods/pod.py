"""A pod of two containers, and a load on several of them, each pod in a network namespace of its own (`ip netns`).

burgee is process 1 of its container, as it is in its image; the application is `application.py`.
In: $BURGEE, and network, mount and pid namespaces of one's own to make others in. Out: figures, or what did not happen.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

BURGEE = os.environ["BURGEE"]
HERE = pathlib.Path(__file__).parent
DEADLINE = 30


def until(what, ask):
    """The first answer of `ask` that is one."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit(f"FAILED: {what}: not within {DEADLINE} s")


def check(name, holds, seen):
    print(f"{'ok' if holds else 'FAILED'}: {name} ({seen})", flush=True)
    if not holds:
        raise SystemExit(1)


def host():
    """What the pods are connected to."""
    for command in ("mount -t tmpfs none /run", "ip link set lo up"):
        subprocess.run(command.split(), check=True)


def ask(connection, method, path, body=None):
    """Status, body, and whether it was the connection's last answer."""
    connection.request(method, path, body=body, headers={"X-User-Id": "mia"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.will_close


class Pod:
    """`with Pod(name, number, toggles)`: nothing of it is left afterwards."""

    def __init__(self, name, number, toggles, *flags):
        self.name, self.address = name, f"10.35.{number}.2"
        for command in (
            f"ip netns add {name}",
            f"ip link add {name} type veth peer name eth0 netns {name}",
            f"ip addr add 10.35.{number}.1/24 dev {name}",
            f"ip link set {name} up",
            f"ip -n {name} addr add {self.address}/24 dev eth0",
            f"ip -n {name} link set eth0 up",
            f"ip -n {name} link set lo up",
        ):
            subprocess.run(command.split(), check=True)
        run = [BURGEE, "run", "--toggles", toggles, "--log-format", "json", *flags]
        self.log = pathlib.Path(toggles).with_name(f"{name}.log").open("w+")
        self.app = self.start([sys.executable, HERE / "application.py", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.burgee = self.start(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *run], stderr=self.log)

    def start(self, command, **more):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **more)

    def __enter__(self):
        self.said = 0
        threading.Thread(target=self.listen, daemon=True).start()
        until(f"pod {self.name} is up", lambda: self.said and self.get(3525, "/health")[0] == 200)
        children = pathlib.Path(f"/proc/{self.burgee.pid}/task/{self.burgee.pid}/children").read_text()
        self.one = int(children)
        status = pathlib.Path(f"/proc/{self.one}/status").read_text()
        check(f"pod {self.name}: burgee is process 1", status.split("NSpid:")[1].split("\n")[0].split()[-1] == "1", f"pid {self.one} outside")
        return self

    def __exit__(self, *_):
        for process in (self.burgee, self.app):
            process.kill()
            process.wait()
        for command in (f"ip link del {self.name}", f"ip netns del {self.name}"):
            subprocess.run(command.split(), check=True)

    def listen(self):
        for _ in self.app.stdout:
            self.said += 1

    def get(self, port, path):
        """Status and body."""
        with contextlib.closing(http.client.HTTPConnection(self.address, port, timeout=DEADLINE)) as connection:
            return ask(connection, "GET", path)[:2]

    def exec(self, *command):
        """As `kubectl exec` and exec hooks do: burgee's own binary, in the namespaces of its container."""
        return subprocess.Popen(["nsenter", "--target", str(self.one), "--pid", "--net", "--mount", BURGEE, *command], stdout=subprocess.DEVNULL)

    def signal(self, number):
        os.kill(self.one, number)

    def release(self):
        """Lets go of what the application holds."""
        print(file=self.app.stdin, flush=True)


class Load:
    """Clients with connections of their own, which they keep for twenty requests, or as long as they may; `endpoints` is what a Service knows."""

    def __init__(self, pods, clients=6):
        self.endpoints, self.answered, self.failed = list(pods), {pod.name: 0 for pod in pods}, []
        self.connected, self.seen, self.enough = {pod.name: 0 for pod in pods}, "", threading.Event()
        self.lock, self.wrong = threading.Lock(), lambda _: None
        self.clients = [threading.Thread(target=self.client, daemon=True) for _ in range(clients)]

    def __enter__(self):
        [client.start() for client in self.clients]
        return self

    def __exit__(self, *_):
        self.enough.set()
        [client.join() for client in self.clients]

    def client(self):
        while not self.enough.is_set():
            pod = random.choice(self.endpoints)
            self.count(self.connected, pod, 1)
            try:
                self.one_connection(pod)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{pod.name}: {error!r}")
            self.count(self.connected, pod, -1)

    def one_connection(self, pod):
        with contextlib.closing(http.client.HTTPConnection(pod.address, 3524, timeout=DEADLINE)) as connection:
            connection.connect()
            for _ in range(20):
                status, said, last = ask(connection, *random.choice((("GET", "/"), ("POST", "/", b"x" * 20_000))))
                self.seen = json.loads(said) if status == 200 else {}
                if wrong := self.wrong(self.seen) if status == 200 else f"{pod.name}: {status} {said!r}":
                    self.failed.append(wrong)
                self.count(self.answered, pod, 1)
                if last or self.enough.is_set():
                    return

    def count(self, what, pod, number):
        with self.lock:
            what[pod.name] += number
