"""A real burgee's lines, as container runtimes store them, through a real collector by deploy/otel/collector.yaml; what it sends is parsed by
OpenTelemetry's own definitions, and its names are those of the package of semantic conventions.

In: $BURGEE, $COLLECTOR. Out: unittest's. This collector has no transform processor: its one statement is compared with what is documented.
"""

import gzip
import http.client
import http.server
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import yaml
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.semconv._incubating.attributes import feature_flag_attributes as conventions

from burgee import Burgee

FILE = pathlib.Path(__file__).resolve().parents[3] / "deploy/otel/collector.yaml"
TOGGLES = """version: 1
namespace: shop
user: header.x-user-id
features:
  checkout: {variants: [control, treatment], serve: {control: 50%, treatment: 50%}}
  dark-mode: {when: {header.x-staff: "yes"}, serve: on}
"""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
POD = "shop_web-0_0b5b2b6a-3f0e-4c5e-9d3a-2f4f1f1c9a10"
PATIENCE = 30


class Application(http.server.BaseHTTPRequestHandler):
    """Says that it used what the request names, and that it sold something."""

    def do_GET(self):
        self.send_response(200)
        for name in ["X-Feature-Used", "X-Feature-Goal"]:
            self.send_header(name, self.headers.get(name.replace("Feature", "Test"), ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what an OTLP exporter sends."""

    received = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.put((self.path, ExportLogsServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportLogsServiceResponse().SerializeToString())

    def log_message(self, *_):
        pass


def served(handler, stack):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.addClassCleanup(server.server_close)
    stack.addClassCleanup(server.shutdown)
    return server.server_port


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def attributes(holder):
    return {one.key: value(one.value) for one in holder.attributes}


def lines_of_a_burgee(stack):
    """Everything that it said, a stream each: whoever uses a feature, with and without an id, and in a trace or not."""
    application = f"http://127.0.0.1:{served(Application, stack)}"
    flags = ["--exposure-log", "--access-log", "--log-user", "hash", "--upstream", application, "--workers", "1"]
    with Burgee(TOGGLES, *flags, upstream=False) as burgee:
        for fields in [
            {"X-User-Id": "mia", "X-Test-Used": "checkout, dark-mode", "X-Test-Goal": "purchase", "traceparent": f"00-{TRACE}-{SPAN}-01"},
            {"X-Test-Used": "checkout"},
            {},
        ]:
            client = http.client.HTTPConnection(burgee.traffic, timeout=PATIENCE)
            client.request("GET", "/cart?secret", headers=fields)
            client.getresponse().read()
            client.close()
        burgee.process.terminate()
        burgee.process.wait(PATIENCE)
        return burgee.process.log.read_text().splitlines()


def as_containerd(line):
    """Long lines come in pieces."""
    stream = "stdout" if json.loads(line).get("time") else "stderr"
    cut = len(line) // 2 if "treatment" in line or "control" in line else 0
    time = "2026-06-22T10:27:25.813799277Z"
    return (f"{time} {stream} P {line[:cut]}\n" if cut else "") + f"{time} {stream} F {line[cut:]}\n"


class Collected(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lines = lines_of_a_burgee(cls)
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        (folder / POD / "burgee").mkdir(parents=True)
        (folder / POD / "burgee/0.log").write_text("".join(as_containerd(line) for line in cls.lines))
        cls.configuration = yaml.safe_load(FILE.read_text())
        cls.collect(folder)
        cls.records, cls.resources = cls.until(len(cls.lines))

    @classmethod
    def collect(cls, folder):
        """By the file as it is, but for its addresses and for the processor that this build does not have."""
        cut = yaml.safe_load(FILE.read_text())
        cut["receivers"]["filelog/burgee"]["include"] = [path.replace("/var/log/pods", str(folder)) for path in cut["receivers"]["filelog/burgee"]["include"]]
        cut["exporters"]["otlphttp"]["endpoint"] = f"http://127.0.0.1:{served(Receiver, cls)}"
        del cut["processors"]["transform/burgee"]
        cut["service"]["pipelines"]["logs/burgee"]["processors"].remove("transform/burgee")
        cut["service"]["telemetry"] = {"metrics": {"level": "none"}}
        (folder / "collector.yaml").write_text(yaml.safe_dump(cut))
        collector = shutil.copy(os.environ["COLLECTOR"], folder / "collector")
        collector.chmod(0o755)
        log = (folder / "collector.log").open("w")
        # a stranger's program gets no rights, and no variable
        nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        process = subprocess.Popen([collector, "--config", folder / "collector.yaml"], stdout=log, stderr=log, env={}, cwd=folder, **nobody)
        log.close()
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        cls.log = folder / "collector.log"

    @classmethod
    def until(cls, many):
        """So many records, and the attributes of the resource of each."""
        records, resources, cls.sent = [], [], []
        while len(records) < many:
            try:
                path, request = Receiver.received.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{len(records)} of {many} records came\n{cls.log.read_text()}") from None
            assert path == "/v1/logs", path
            cls.sent.append(request)
            for one in request.resource_logs:
                for scope in one.scope_logs:
                    records += scope.log_records
                    resources += [attributes(one.resource)] * len(scope.log_records)
        return records, resources

    def line(self, record):
        return json.loads(record.body.string_value)

    def exposures(self):
        found = [(self.line(record), record) for record in self.records]
        return [(line, record) for line, record in found if "feature_flag.key" in line]

    def test_every_line_arrives_once_as_it_was_written(self):
        self.assertCountEqual([record.body.string_value for record in self.records], self.lines)

    def test_an_exposure_is_an_event_of_the_conventions(self):
        exposures = self.exposures()
        self.assertEqual(len(exposures), 3)
        names = {found for name, found in vars(conventions).items() if name.startswith("FEATURE_FLAG_")}
        reasons = {reason.value for reason in conventions.FeatureFlagResultReasonValues}
        for line, record in exposures:
            expected = {name: line[name] for name in line if name.startswith("feature_flag.")} | {"feature_flag.provider.name": "burgee"}
            if line["feature_flag.result.reason"] == "error":
                expected["error.type"] = "targeting_key_missing"
            self.assertEqual(attributes(record), expected)
            self.assertEqual(expected["feature_flag.set.id"], "shop")
            self.assertLessEqual(set(expected) - {"error.type"}, names)
            self.assertIn(expected["feature_flag.result.reason"], reasons)
        self.assertEqual(sorted(line["feature_flag.result.reason"] for line, _ in exposures), ["default", "error", "split"])

    def test_records_have_the_time_that_burgee_wrote_and_the_trace_of_the_request(self):
        traced = 0
        for record in self.records:
            line = self.line(record)
            time = line.get("time") or line["timestamp"]
            at = yaml.safe_load(time.replace("Z", "+00:00")).timestamp()
            self.assertAlmostEqual(record.time_unix_nano / 1e9, at, delta=1e-6, msg=line)
            found = record.trace_id.hex(), record.span_id.hex(), record.flags
            self.assertEqual(found, (TRACE, SPAN, 1) if "trace_id" in line else ("", "", 0), line)
            traced += "trace_id" in line
        # two features, a goal and the request
        self.assertEqual(traced, 4)

    def test_a_line_of_the_log_has_its_level(self):
        found = {self.line(record).get("level"): record.severity_text for record in self.records}
        self.assertEqual({level: text for level, text in found.items() if level}, {"INFO": "INFO"})

    def test_a_record_says_which_pod_it_is_of(self):
        namespace, pod, uid = POD.split("_")
        expected = {"k8s.namespace.name": namespace, "k8s.pod.name": pod, "k8s.pod.uid": uid, "k8s.container.name": "burgee", "k8s.container.restart_count": "0"}
        for resource in self.resources:
            self.assertEqual(resource, expected)

    def test_burgee_report_reads_what_the_collector_made_of_the_lines(self):
        # as a file exporter writes it: an export a line
        files = ["\n".join(MessageToJson(one, indent=None) for one in self.sent), "\n".join(self.lines)]
        reports = [subprocess.run([os.environ["BURGEE"], "report", "--json"], input=one, capture_output=True, text=True, check=True).stdout for one in files]
        collected, written = map(json.loads, reports)
        self.assertEqual(collected["features"], written["features"])
        self.assertEqual(collected["features"]["checkout"]["goals"]["purchase"]["arms"][0]["reached"], 1)

    def test_the_collector_has_nothing_to_complain_of(self):
        complaints = [line for line in self.log.read_text().splitlines() if "\terror\t" in line or "\twarn\t" in line]
        self.assertEqual(complaints, [])

    def test_the_event_gets_its_name(self):
        statements = self.configuration["processors"]["transform/burgee"]["log_statements"]
        self.assertEqual(statements, ['set(log.event_name, "feature_flag.evaluation") where log.attributes["feature_flag.key"] != nil'])
        self.assertEqual(self.configuration["service"]["pipelines"]["logs/burgee"]["processors"], ["transform/burgee", "batch"])


if __name__ == "__main__":
    unittest.main()
