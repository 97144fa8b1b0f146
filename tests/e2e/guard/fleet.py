"""Three sidecars in a cluster of this machine, a real Prometheus beside them, and `burgee guard`. In: $BURGEE, prometheus on PATH."""

import contextlib
import http.server
import json
import pathlib
import subprocess
import tempfile
import time
import urllib.request

from guarding import BURGEE, Cluster, Guard, eventually
from traffic import Application, Loop, visits

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOGGLES = "version: 1\nfeatures:\n  checkout: {rollout: 50%, guard: {errors: 0.5%, action: stop}}\n"
PODS = 3


class Fleet:
    """`with Fleet(rate) as fleet`: people come, and all is well. `flags` go to each sidecar."""

    def __init__(self, rate, flags=()):
        self.rate, self.flags = rate, flags

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            loop = stack.enter_context(Loop())
            self.cluster = stack.enter_context(Cluster(TOGGLES))
            self.application = Application(loop, base=0.01)
            upstream = f"http://127.0.0.1:{self.application.port}"
            # a kubelet takes a second to bring what it was told to look for
            self.pods = [self.cluster.pod(f"shop-{number}", delay=1.0, upstream=upstream, flags=self.flags) for number in range(PODS)]
            self.start_prometheus(stack)
            self.guard = stack.enter_context(Guard(self.cluster, self.prometheus, every="10s"))
            for pod in self.pods:
                stack.callback(loop.run(visits(pod.listen, self.rate / PODS)).cancel)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start_prometheus(self, stack):
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        targets = [{"targets": [pod.admin], "labels": {"namespace": "shop", "pod": pod.name}} for pod in self.pods]
        scrape = {"job_name": "shop", "scrape_interval": "5s", "static_configs": targets}
        rules = str(ROOT / "deploy/alerts.yaml")
        (folder / "prometheus.yml").write_text(json.dumps({"rule_files": [rules], "scrape_configs": [scrape]}))
        with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as free:
            at = f"127.0.0.1:{free.server_port}"
        log = stack.enter_context(open(folder / "log", "w"))
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={at}"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        self.prometheus = f"http://{at}"

        def is_ready():
            try:
                return urllib.request.urlopen(f"{self.prometheus}/-/ready").status == 200
            except OSError:
                return False

        eventually(is_ready, "Prometheus is ready")

    def ask(self, expression):
        query = urllib.request.quote(expression)
        return json.load(urllib.request.urlopen(f"{self.prometheus}/api/v1/query?query={query}"))["data"]["result"]

    def is_watched(self):
        """The series of all pods are there, at 0, before anybody fails."""
        return len(self.ask("count by (pod) (burgee_group_requests_total)")) == PODS

    def fail(self, harm=1.0):
        self.application.harm = harm

    def everywhere(self, patience):
        """Seconds from the first bad answer until the guard says that every pod has the stop; None if it does not."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            at = [at for at, line in list(self.guard.lines) if "stopped checkout everywhere" in line]
            if at:
                return at[0] - self.application.first_harm
            time.sleep(0.05)
        return None


__all__ = ["BURGEE", "Fleet", "PODS"]
