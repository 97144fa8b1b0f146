"""Plays the kubelet for one pod of the chart, with the real binary, in a network namespace of its own: `unshare --net` runs it.

In: the objects of a release on standard input, $BURGEE. Out: 0 and the metrics, or what did not happen.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "pods"))
from volume import swap

BURGEE = os.environ["BURGEE"]
DEADLINE = 20


def until(what, ask):
    """The first answer of `ask` that is one."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        time.sleep(0.01)
    raise SystemExit(f"{what}: not within {DEADLINE} s")


def get(port, path):
    """Status and body."""
    try:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.read().decode()


class Pod:
    """Its containers, in the one network that there is here: a second pod has all ports `offset` higher."""

    def __init__(self, spec, mount, offset=0):
        (self.sidecar,), (self.app,) = spec["initContainers"], spec["containers"]
        self.mount, self.offset, self.running = mount, offset, {}

    def get(self, port, path):
        return get(port + self.offset, path)

    def start(self, container):
        arguments = [argument.replace(":8080", f":{8080 + self.offset}") for argument in container["args"]]
        if arguments[0] == "run":
            arguments += ["--toggles", str(self.mount)]
            for flag, port in (("listen", 3524), ("admin-listen", 3525), ("api-listen", 3526)):
                arguments += [f"--{flag}", f"127.0.0.1:{port + self.offset}"]
        self.running[container["name"]] = subprocess.Popen([BURGEE, *arguments], stdout=subprocess.DEVNULL)

    def probe(self, container, name):
        action = container[name]["httpGet"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        return 200 <= self.get(ports.get(action["port"], action["port"]), action["path"])[0] < 400

    def wait(self, container):
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            if name in container:
                until(f"{container['name']}: {name}", lambda name=name: self.probe(container, name))

    def stop(self, name):
        self.running[name].send_signal(signal.SIGTERM)
        code = self.running.pop(name).wait(DEADLINE)
        if code != 0:
            raise SystemExit(f"{name} ended with {code}")


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    documents = {document["kind"]: document for document in yaml.safe_load_all(sys.stdin)}
    spec = documents["Deployment"]["spec"]["template"]["spec"]
    mount = pathlib.Path(tempfile.mkdtemp())
    pod = Pod(spec, mount)
    sidecar, app = pod.sidecar, pod.app
    try:
        # the ConfigMap comes late: the application is reached all the same, and the first good file takes over
        pod.start(sidecar)
        pod.wait(sidecar)
        pod.start(app)
        pod.wait(app)
        if "degraded" not in get(3525, "/ready")[1]:
            raise SystemExit("without a file /ready is not degraded")
        swap(mount, documents["ConfigMap"]["data"])
        until("the first file", lambda: "degraded" not in get(3525, "/ready")[1])

        # `helm test`, with the sidecar in the place of the Service
        (test,) = documents["Pod"]["spec"]["containers"]
        arguments = [argument.replace("http://shop:80/", "http://127.0.0.1:3524/") for argument in test["args"]]
        subprocess.run([BURGEE, *arguments], stdout=sys.stderr, check=True)

        # what Prometheus gets, for whoever started this
        print(get(3525, "/metrics")[1])

        # an edit of the ConfigMap
        swap(mount, {"toggles.yaml": "version: 1\nfeatures: {dark-mode: off}\n"})
        changed = [*arguments[:-1], "X-Feature-Dark-Mode=off"]
        until("the edit", lambda: subprocess.run([BURGEE, *changed], stdout=subprocess.DEVNULL, check=False).returncode == 0)

        # the end: the sidecar's preStop first, then the application, then the sidecar
        command = sidecar["lifecycle"]["preStop"]["exec"]["command"]
        subprocess.run([BURGEE, *command[1:]], stdout=sys.stderr, check=True)
        if get(3525, "/ready")[0] != 503 or get(3524, "/")[0] != 200:
            raise SystemExit("while draining /ready must say 503 and requests must pass")
        pod.stop(app["name"])
        if get(3524, "/")[0] != 503:
            raise SystemExit("an application that has gone must be 503 while draining")
        pod.stop(sidecar["name"])
    finally:
        for process in pod.running.values():
            process.kill()


if __name__ == "__main__":
    main()
