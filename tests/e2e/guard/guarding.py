"""`burgee guard` as a process, and a Prometheus that answers what a test wants. In: $BURGEE. Out: lines that were said."""

import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse

STEER = pathlib.Path(__file__).resolve().parents[1] / "steer"
sys.path.insert(0, str(STEER))
from cluster import BURGEE, KUBECTL, Cluster  # noqa: E402

PATIENCE = 30
TOGGLES = "version: 1\nfeatures:\n  checkout: {rollout: 50%, guard: stop}\n  search: {rollout: {from: 0%, to: 100%, start: 2026-01-01, end: 2126-01-01}, guard: hold}\n"

__all__ = ["BURGEE", "Cluster", "Guard", "PATIENCE", "Prometheus", "TOGGLES", "eventually"]


def eventually(look, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"in vain: {what}")


class Guard:
    """`with Guard(cluster, prometheus.url) as guard`: the loop as a process; it asks five times a second unless told otherwise."""

    def __init__(self, cluster, prometheus, *flags, every="200ms"):
        self.command = [BURGEE, "guard", "--namespace=shop", f"--prometheus={prometheus}", "--configmap=shop-toggles", f"--every={every}",
                        "--timeout=10s", f"--kubectl={KUBECTL}", *flags]
        self.environment = cluster.environment()
        self.lines = []

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=lambda: [self.lines.append((time.monotonic(), line)) for line in self.process.stdout])
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(20)
        self.reader.join()
        self.process.stdout.close()
        assert code == 0, (code, self.lines)

    def text(self):
        return "".join(line for _, line in self.lines)

    def said(self, words):
        try:
            return eventually(lambda: [line for _, line in self.lines if words in line], words)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}, but {self.text()}") from None


class Prometheus:
    """Answers with what `certain`, `actions` and `impossible` hold; `instead`, where it is set, has the connection to itself."""

    def __init__(self):
        self.certain, self.impossible, self.rules, self.instead, self.asked = [], [], True, None, 0
        self.actions = [({"job": "web", "feature": "checkout", "action": "stop"}, 1), ({"job": "web", "feature": "search", "action": "hold"}, 1)]
        self.open(0)

    def open(self, port):
        prometheus = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                prometheus.asked += 1
                if prometheus.instead:
                    return prometheus.instead(self)
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
                rows = prometheus.rows(query)
                result = [{"metric": labels, "value": [0, str(value)]} for labels, value in rows]
                self.answer(200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}))

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def rows(self, query):
        assert 'namespace="shop"' in query or "guard_alpha" in query, query
        if "guard_alpha" in query:
            return [({}, 5)] if self.rules else []
        if "guard_lower" in query:
            return self.certain
        return self.impossible if "group_bad" in query else self.actions

    def is_certain(self, feature="checkout", at_least=0.05, **labels):
        named = {"feature": feature, "stage": "0a0b0c0d", "variant": "on", "measure": "errors", "window": "1m", "namespace": "shop", "job": "web"}
        self.certain.append((named | labels, at_least))

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def rounds(self, count=3):
        """So many rounds of a guard from now."""
        until = self.asked + 5 * count
        eventually(lambda: self.asked >= until, "it goes on asking")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
