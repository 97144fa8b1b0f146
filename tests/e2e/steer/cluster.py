"""A cluster as far as `burgee stop` sees it: ConfigMaps with versions, and pods whose kubelet delivers them in its own time.

In: $BURGEE. Out: pods that are real burgee processes, each with a directory that is swapped as the kubelet swaps it, and answers to kubectl.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

BURGEE = os.environ["BURGEE"]
TOGGLES = "version: 1\nfeatures:\n  checkout: on\n  search: {rollout: {from: 0%, to: 100%, start: 2026-01-01, end: 2126-01-01}}\n"


class Pod:
    """One process. `delay`: how long its kubelet takes once it is asked to look; never, where there is none."""

    def __init__(self, cluster, name, delay=0.0, ready=True, old=False, silent=False):
        self.cluster, self.name, self.delay, self.ready, self.old, self.silent = cluster, name, delay, ready, old, silent
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.generation = 0
        self.deliver()
        command = [BURGEE, "run", "--toggles", self.directory, "--upstream", "none", "--admin-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
                   "--log-format", "json", "--poll", "50ms"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            said = json.loads(line)
            if said["message"] == "burgee listens":
                self.admin, self.api = said["admin"], said["api"]
                break
        self.drain = threading.Thread(target=lambda: [None for _ in self.process.stderr])
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

    def line(self):
        if self.silent:
            raise OSError("context deadline exceeded")
        line = self.get(self.admin, "/ready")
        return line.split(", stops ")[0] + "\n" if self.old else line

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


class Cluster:
    """`with Cluster() as cluster`: pods are added by `pod`, and kubectl asks `answer`."""

    def __init__(self, toggles=TOGGLES):
        self.maps = {"shop-toggles": {"data": {"toggles.yaml": toggles}, "version": 1, "metadata": {}}}
        self.pods, self.forbidden, self.calls = [], set(), []
        # called before each call of kubectl, with its arguments
        self.before = lambda arguments: None
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(cluster.answer(asked["arguments"], asked["stdin"])).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
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
        self.calls.append(arguments)
        self.before(arguments)
        try:
            return {"out": self.output(arguments, stdin), "error": "", "code": 0}
        except LookupError as error:
            return {"out": "", "error": error.args[0], "code": 1}
        except OSError as error:
            return {"out": "", "error": f"Error from server (ServiceUnavailable): {error}\n", "code": 1}

    def output(self, arguments, stdin):
        flags = [argument for argument in arguments if argument.startswith("--")]
        verb, *words = [argument for argument in arguments if not argument.startswith("--")]
        if verb in self.forbidden or "proxy" in self.forbidden and any(flag.startswith("--raw=") for flag in flags):
            raise LookupError(f'Error from server (Forbidden): this is forbidden: User "mia" cannot {verb}\n')
        raw = re.match(r"--raw=/api/v1/namespaces/shop/pods/(.*):3525/proxy/ready$", next((flag for flag in flags if "raw" in flag), ""))
        if raw:
            return self.named(raw[1]).line()
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
                line = self.named(name).line()
                return f"unchanged: {line.split('ready, ')[-1]}"
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
        kubectl = str(pathlib.Path(__file__).with_name("kubectl.py"))
        done = subprocess.run([BURGEE, *arguments, f"--kubectl={kubectl}"], env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr, time.monotonic() - begun
