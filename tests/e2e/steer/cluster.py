"""A cluster as far as `burgee stop` sees it: ConfigMaps with versions, and pods whose kubelet delivers them in its own time.

In: $BURGEE. Out: pods that are real burgee processes, each with a directory that is swapped as the kubelet swaps it, and answers to kubectl.
"""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
import time

BURGEE = os.environ["BURGEE"]
KUBECTL = str(pathlib.Path(__file__).with_name("kubectl"))
TOGGLES = "version: 1\nfeatures:\n  checkout: on\n  search: {rollout: {from: 0%, to: 100%, start: 2026-01-01, end: 2126-01-01}}\n"


class Pod:
    """One process. `delay`: how long its kubelet takes once it is asked to look; never, where there is none. `old`: it knows no stops.
    `version`: what it says that it is, and `unknown`: a key that this version does not know. `silent`: it never answers."""

    def __init__(self, cluster, name, delay=0.0, ready=True, old=False, silent=False, version=None, unknown=None, upstream="none", flags=()):
        self.cluster, self.name, self.delay, self.ready, self.old, self.silent = cluster, name, delay, ready, old, silent
        self.version, self.unknown = version, unknown
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.generation = 0
        self.deliver()
        command = [BURGEE, "run", "--toggles", self.directory, "--upstream", upstream, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                   "--api-listen", "127.0.0.1:0", "--log-format", "json", "--poll", "50ms", *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            said = json.loads(line)
            if said["message"] == "burgee listens":
                self.listen, self.admin, self.api = said.get("listen"), said["admin"], said["api"]
                break
        self.lines = []
        self.drain = threading.Thread(target=lambda: self.lines.extend(self.process.stderr))
        self.drain.start()

    def deliver(self):
        """What the ConfigMaps hold now, in one step."""
        maps = self.cluster.maps
        files = dict(maps["shop-toggles"]["data"]) | maps.get("shop-stops", {"data": {}})["data"]
        self.generation += 1
        below = self.directory / f"..{self.generation}"
        below.mkdir()
        for name, text in files.items():
            (below / name).write_text(text)
        link = self.directory / "..data_tmp"
        link.symlink_to(below.name)
        link.rename(self.directory / "..data")
        for name in files:
            if not (self.directory / name).is_symlink():
                (self.directory / name).symlink_to(f"..data/{name}")

    def refreshed(self):
        if self.delay is not None:
            threading.Timer(self.delay, self.deliver).start()

    def get(self, at, path):
        with contextlib.closing(http.client.HTTPConnection(at, timeout=5)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def line(self, patience):
        return self.told(self.get(self.admin, "/ready"), patience)

    def reload(self, patience):
        """`burgee reload` in the pod: what it prints, and its exit code, which is 1 where the toggles are broken."""
        done = subprocess.run([BURGEE, "reload", "--api-listen", self.api], capture_output=True, text=True)
        return self.told(done.stdout, patience), done.returncode

    def told(self, line, patience):
        if self.silent:
            threading.Event().wait(patience)
            raise OSError("context deadline exceeded")
        if self.version:
            line = re.sub(r"burgee \S+", f"burgee {self.version}", line)
        return line.split(", stops ")[0] + "\n" if self.old else line

    def check(self, text):
        """Its own `burgee check -`: this burgee's, to which a key that the older one does not know is unknown too."""
        key = f"{self.unknown}-tomorrow"
        text = text if self.unknown is None else text.replace(f"{self.unknown}:", f"{key}:")
        done = subprocess.run([BURGEE, "check", "-"], input=text, capture_output=True, text=True)
        return done.stdout.replace(key, self.unknown or key), done.returncode

    def variant(self, feature):
        return json.loads(self.get(self.api, "/explain?user=mia"))["features"][feature]["variant"]

    def object(self):
        sources = [{"configMap": {"name": "shop-toggles"}}, {"configMap": {"name": "shop-stops", "optional": True}}]
        burgee = {"name": "burgee", "volumeMounts": [{"name": "burgee-toggles"}]}
        return {
            "metadata": {"name": self.name, "namespace": "shop", "uid": f"uid-{self.name}"},
            "spec": {"containers": [{"name": "app"}], "initContainers": [burgee],
                     "volumes": [{"name": "burgee-toggles", "projected": {"sources": sources}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(self.ready)}]},
        }

    def end(self):
        self.process.terminate()
        self.process.wait(20)
        self.drain.join()
        self.process.stderr.close()
        shutil.rmtree(self.directory)


def ended(printed, code):
    if code:
        raise subprocess.CalledProcessError(code, "burgee", printed)
    return printed


class Cluster:
    """`with Cluster() as cluster`: pods are added by `pod`, and kubectl asks `answer`."""

    def __init__(self, toggles=TOGGLES):
        self.maps = {"shop-toggles": {"data": {"toggles.yaml": toggles}, "version": 1, "metadata": {}}}
        self.pods, self.forbidden, self.calls = [], set(), []
        # what pods told, and how often
        self.told = collections.Counter()
        # called before each call of kubectl, with its arguments
        self.before = lambda arguments: None
        cluster = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                """In: how many arguments, the arguments, standard input, each with a NUL behind it. Out: code, error, what is printed."""
                asked = b""
                while not asked or asked.count(b"\0") < int(asked.split(b"\0")[0]) + 2:
                    asked += self.request.recv(1 << 16)
                _, *arguments, stdin, _ = asked.decode().split("\0")
                printed, error, code = cluster.answer(arguments, stdin)
                self.request.sendall(f"{code}\n{error.strip()}\n{printed}".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.request_queue_size = 64
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pod in self.pods:
            pod.end()
        self.server.shutdown()
        self.server.server_close()

    def pod(self, name, **how):
        self.pods.append(Pod(self, name, **how))
        return self.pods[-1]

    def environment(self):
        address = f"127.0.0.1:{self.server.server_address[1]}"
        return {"CLUSTER": address, "PATH": os.environ["PATH"], "USER": "mia"}

    def answer(self, arguments, stdin):
        if arguments == ["version"]:
            return "", "", 0
        self.calls.append(arguments)
        try:
            self.before(arguments)
            return self.output(arguments, stdin), "", 0
        except subprocess.CalledProcessError as error:
            return error.output, f"command terminated with exit code {error.returncode}", 1
        except LookupError as error:
            return "", error.args[0], 1
        except OSError as error:
            return "", f"Error from server (ServiceUnavailable): {error}", 1

    def output(self, arguments, stdin):
        flags = [argument for argument in arguments if argument.startswith("--")]
        verb, *words = [argument for argument in arguments if not argument.startswith("--")]
        if verb in self.forbidden or "proxy" in self.forbidden and any(flag.startswith("--raw=") for flag in flags):
            raise LookupError(f'Error from server (Forbidden): this is forbidden: User "mia" cannot {verb}\n')
        patience = next(int(flag.split("=")[1][:-1]) for flag in flags if flag.startswith("--request-timeout="))
        raw = re.match(r"--raw=/api/v1/namespaces/shop/pods/(.*):3525/proxy/ready$", next((flag for flag in flags if "raw" in flag), ""))
        if raw:
            line = self.named(raw[1]).line(patience)
            self.told[raw[1], line] += 1
            return line
        match [verb, *words]:
            case ["get", "pods"]:
                return json.dumps({"items": [pod.object() for pod in self.pods]})
            case ["get", "configmap", name]:
                if name not in self.maps:
                    raise LookupError(f'Error from server (NotFound): configmaps "{name}" not found\n')
                kept = self.maps[name]
                return json.dumps({"kind": "ConfigMap", "metadata": kept["metadata"] | {"name": name, "resourceVersion": str(kept["version"])}, "data": kept["data"]})
            case ["create" | "replace" | "apply"]:
                return self.written(verb, json.loads(stdin))
            case ["annotate", "pods", *names]:
                for name in names:
                    if name in {pod.name for pod in self.pods}:
                        self.named(name).refreshed()
                return ""
            case ["exec", name, "/burgee", "reload"]:
                return ended(*self.named(name).reload(patience))
            case ["exec", name, "/burgee", "check", "-"]:
                return ended(*self.named(name).check(stdin))
        raise LookupError(f"error: unknown command {arguments}\n")

    def named(self, name):
        return next(pod for pod in self.pods if pod.name == name)

    def written(self, verb, given):
        name, version = given["metadata"]["name"], given["metadata"].get("resourceVersion")
        kept = self.maps.get(name)
        if verb == "create" and kept:
            raise LookupError(f'Error from server (AlreadyExists): configmaps "{name}" already exists\n')
        if kept and version is not None and version != str(kept["version"]):
            raise LookupError("Error from server (Conflict): the object has been modified\n")
        self.maps[name] = {"data": given["data"], "version": kept["version"] + 1 if kept else 1, "metadata": {}}
        return ""

    def burgee(self, *arguments):
        """Exit code, standard output, standard error, seconds."""
        begun = time.monotonic()
        done = subprocess.run([BURGEE, *arguments, f"--kubectl={KUBECTL}"], env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr, time.monotonic() - begun

    def without_kubectl(self, took, calls):
        """The seconds that are burgee's own: less what this machine takes now to start as many kubectls, sixteen at a time, that ask for nothing.
        On an idle machine that is a fifth of a second; where other work has the cores, it is most of it."""
        start = lambda _: subprocess.run([KUBECTL, "version"], env=self.environment(), check=True)
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as some:
            list(some.map(start, range(calls)))
        return took - (time.monotonic() - begun)
