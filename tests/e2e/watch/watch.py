"""Every expression in deploy/, asked of a Prometheus that scrapes a burgee whose treatment fails, with a guard that reports it.

In: $BURGEE and prometheus on PATH. Out: unittest's. An expression that finds nothing where there is something to find fails.
"""

import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PATIENCE = 60
TOGGLES = """version: 1
override: {from: [header.x-qa], when: {header.x-staff: yes}}
features:
  checkout: {variants: [control, treatment], serve: {control: 50%, treatment: 50%}, guard: report}
  plain: on
  grown: {when: {header.x-age: {min: 18}}, serve: on, expires: 2020-01-01}
"""
# the ones that find something only when burgee, or its application, is ill in a way that this test does not make it
QUIET = {"BurgeeRefusesRequests", "BurgeeRevisionsDiffer", "BurgeeWithoutToggles", "BurgeeUpstreamFails", "BurgeeForgeries", "BurgeeOverridesForged", "BurgeeDoesNotKnowWhoAsks", "BurgeeTogglesRefused", "BurgeeUnreadableValues"}
# a week in half a minute: the recording rules of guarded features look back for so long
FASTER = {"1m": "5s", "10m": "10s", "2h": "15s", "1d": "20s", "7d": "2m"}


def faster(rules):
    """The groups of the guard with shorter windows and offsets; labels stay as they are."""
    for group in rules["groups"]:
        if group["name"].startswith("burgee-guard"):
            group["interval"] = "1s"
            for rule in group["rules"]:
                rule["expr"] = re.sub(r"\[(\w+)(?::(\w+))?\]", shorter, rule["expr"])
                rule["expr"] = re.sub(r"offset (\w+)", lambda found: f"offset {FASTER[found[1]]}", rule["expr"])
    return rules


def shorter(found):
    window, step = found[1], found[2]
    # steps of a subquery stand at multiples of it since 1970
    return f"[{FASTER[window]}:{ {'1m': '1s', '10m': '5s'}[step]}]" if step else f"[{FASTER[window]}]"


class Application(http.server.BaseHTTPRequestHandler):
    """Fails one in five of the requests with treatment; goes away where it is told to."""

    protocol_version = "HTTP/1.1"
    treated = 0

    def do_GET(self):
        if self.path == "/gone":
            self.close_connection = True
            return
        fails = False
        if self.headers["X-Feature-Checkout"] == "treatment":
            Application.treated += 1
            fails = Application.treated % 5 == 0
        self.send_response(500 if fails else 200)
        self.send_header("X-Feature-Used", "checkout")
        self.send_header("X-Feature-Goal", "purchase")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def eventually(look, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"in vain: {what}")


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "toggles.yaml").write_text(TOGGLES)
        (cls.folder / "stops.yaml").write_text("version: 1\nstops: {plain: {since: 2026-01-01}, grown: {hold: 2026-01-01}}\n")
        application = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        cls.addClassCleanup(application.server_close)
        cls.addClassCleanup(application.shutdown)
        cls.start_burgee(application.server_port)
        cls.traffic()
        cls.start_prometheus()
        cls.more = threading.Event()
        traffic = threading.Thread(target=cls.keep_going, daemon=True)
        traffic.start()
        cls.addClassCleanup(traffic.join)
        cls.addClassCleanup(cls.more.set)
        eventually(lambda: cls.ask('rate(burgee_requests_total{namespace="shop", status="5xx"}[1m]) > 0'), "Prometheus has scraped twice")
        eventually(lambda: cls.ask("burgee_guard_tripped"), "the guard is certain")
        eventually(lambda: cls.ask('burgee:guard_lower:window{test="rise"}'), "there is a time before the day")

    @classmethod
    def start_burgee(cls, port):
        listeners = [flag for listener in ("listen", "admin-listen", "api-listen") for flag in (f"--{listener}", "127.0.0.1:0")]
        command = [os.environ["BURGEE"], "run", "--toggles", cls.folder / "toggles.yaml", "--upstream", f"http://127.0.0.1:{port}", "--log-format", "json", "--workers", "1", "--guard-pods", "1"]
        process = subprocess.Popen([*command, *listeners], stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(process.stderr.close)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        lines = (json.loads(line) for line in process.stderr)
        cls.burgee = next(line for line in lines if line.get("message") == "burgee listens")

    @classmethod
    def start_prometheus(cls):
        scrape = {"job_name": "burgee", "scrape_interval": "1s", "static_configs": [{"targets": [cls.burgee["admin"]], "labels": {"namespace": "shop", "pod": "a"}}]}
        cls.rules = faster(yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text()))
        (cls.folder / "rules.yaml").write_text(json.dumps(cls.rules))
        (cls.folder / "prometheus.yml").write_text(json.dumps({"global": {"evaluation_interval": "1s"}, "rule_files": ["rules.yaml"], "scrape_configs": [scrape]}))
        with http.server.HTTPServer(("127.0.0.1", 0), Application) as free:
            cls.prometheus = f"127.0.0.1:{free.server_port}"
        log = open(cls.folder / "prometheus.log", "w")
        cls.addClassCleanup(log.close)
        command = ["prometheus", f"--config.file={cls.folder}/prometheus.yml", f"--storage.tsdb.path={cls.folder}/data", f"--web.listen-address={cls.prometheus}"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        eventually(lambda: urllib.request.urlopen(f"http://{cls.prometheus}/-/ready").status == 200, "Prometheus is ready")

    @classmethod
    def visit(cls, user, path="/", **fields):
        request = urllib.request.Request(f"http://{cls.burgee['listen']}{path}", headers={"X-User-Id": user, **fields})
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as answer:
            return answer.code

    @classmethod
    def traffic(cls):
        """Something of everything, so that every series is there from the first scrape on."""
        for user in range(60):
            cls.visit(f"user-{user}")
        cls.visit("mia", path="/gone")
        cls.visit("mia", **{"X_Feature_Checkout": "treatment", "X-Qa": "checkout=control"})
        cls.visit("mia", **{"X-Age": "ten"})
        # a target that is no URI is refused
        host, port = cls.burgee["listen"].split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"no request\r\n\r\n")
            client.recv(1000)

    @classmethod
    def keep_going(cls):
        user = 0
        while not cls.more.is_set():
            user += 1
            cls.visit(f"user-{user}")
            # many of them, because one user who fails often tells the guard nothing; and with treatment, because control is calm
            if user % 20 == 0 and cls.variant(f"user-{user}") == "treatment":
                cls.visit(f"user-{user}", path="/gone")

    @classmethod
    def variant(cls, user):
        explained = json.load(urllib.request.urlopen(f"http://{cls.burgee['api']}/explain?user={user}"))
        return explained["features"]["checkout"]["variant"]

    @classmethod
    def ask(cls, expression):
        query = urllib.parse.urlencode({"query": expression})
        try:
            answer = json.load(urllib.request.urlopen(f"http://{cls.prometheus}/api/v1/query?{query}"))
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{expression}: {refused.read().decode()}") from None
        return answer["data"]["result"]

    def metrics(self):
        return urllib.request.urlopen(f"http://{self.burgee['admin']}/metrics").read().decode()

    def found(self, name, expression):
        result = self.ask(expression)
        self.assertTrue(result, f"{name} finds nothing: {expression}")
        self.assertFalse([one for one in result if one["value"][1] == "NaN"], f"{name}: {result}")

    def test_every_panel_shows_something(self):
        dashboard = json.loads((ROOT / "deploy/dashboard.json").read_text())
        variables = {"$__rate_interval": "1m", "$namespace": ".*", "$feature": "checkout"}
        seen = 0
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in variables.items():
                    expression = expression.replace(name, value)
                with self.subTest(panel=panel["title"]):
                    self.found(panel["title"], expression)
                    seen += 1
        self.assertGreater(seen, 15)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                metric = re.search(r"label_values\((\w+)", variable["query"])[1]
                self.found(variable["name"], metric)

    def test_every_metric_and_label_of_an_expression_is_on_metrics(self):
        text = self.metrics()
        names = set(re.findall(r"^(burgee_\w+)", text, re.M))
        recorded = {label for group in self.rules["groups"] for rule in group["rules"] for label in rule.get("labels", {})}
        labels = set(re.findall(r'[{,](\w+)="', text)) | {"namespace", "pod", "job"} | recorded
        expressions = [rule["expr"] for group in yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())["groups"] for rule in group["rules"]]
        expressions += [text for _, text in self.templates()]
        dashboard = json.loads((ROOT / "deploy/dashboard.json").read_text())
        expressions += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        expressions += [variable["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
        for expression in expressions:
            self.assertLessEqual(set(re.findall(r"\bburgee_\w+", expression)), names)
            self.assertLessEqual(set(re.findall(r"(?<=[{ ,])(\w+)=~?\"", expression)), labels)

    def test_the_rules_are_about_what_is_there(self):
        for group in self.rules["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or rule["record"]
                with self.subTest(rule=name):
                    if name not in QUIET:
                        self.found(name, rule["expr"])
                    for metric in set(re.findall(r"\bburgee_\w+", rule["expr"])):
                        self.found(name, metric)

    def templates(self):
        for document in yaml.safe_load_all((ROOT / "deploy/flagger.yaml").read_text()):
            self.assertEqual("prometheus", document["spec"]["provider"]["type"])
            yield document["metadata"]["name"], document["spec"]["query"]
        argo = yaml.safe_load((ROOT / "deploy/argo-rollouts.yaml").read_text())
        for metric in argo["spec"]["metrics"]:
            yield metric["name"], metric["provider"]["prometheus"]["query"]

    def test_every_template_gives_one_figure_about_the_variant(self):
        values = {"namespace": "shop", "variables.feature": "checkout", "variables.variant": "treatment", "interval": "1m", "args.namespace": "shop", "args.feature": "checkout", "args.variant": "treatment"}
        seen = 0
        for name, query in self.templates():
            for placeholder, value in values.items():
                query = re.sub(r"\{\{ ?" + re.escape(placeholder) + r" ?\}\}", value, query)
            self.assertNotIn("{{", query)
            with self.subTest(template=name):
                self.found(name, query)
                self.assertEqual(1, len(self.ask(query)))
                # a variant without errors is at 0, not without an answer
                calm = query.replace('"treatment"', '"control"')
                (figure,) = self.ask(calm)
                if "errors" in name:
                    self.assertEqual("0", figure["value"][1], calm)
            seen += 1
        self.assertEqual(6, seen)


if __name__ == "__main__":
    unittest.main()
