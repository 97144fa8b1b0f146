"""What is written twice agrees: schema and values, README and schema, the library's files and deploy/, symlinks and charts."""

import json
import re
import subprocess
import unittest

import promql_parser
import yaml

import generate
from chart import HELMS, POLICY_API, ROOT, cases

# the metrics of burgee with their labels, from the table that a test in Rust holds against a running one, and with the suffixes of histograms
TABLE = re.findall(r"^\| `(\w+)` \| (.*?) \| (histogram)?", (ROOT / "deploy/metrics.md").read_text(), re.M)
METRICS = {name + (suffix and "_bucket"): set(re.findall(r"`(\w+)`", labels)) | ({"le"} if suffix else set()) for name, labels, suffix in TABLE}
RULES = [rule for group in yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())["groups"] for rule in group["rules"]]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
# the labels of what is recorded: those of counters by group, and those that the rules add
ADDED = METRICS["burgee_group_bad_total"].union(*(rule["labels"] for rule in RULES if "record" in rule and "labels" in rule))
# what Prometheus itself adds
TARGET = {"namespace", "pod", "job"}


def leaves(schema, path=""):
    for name, shape in schema["properties"].items():
        if "properties" in shape:
            yield from leaves(shape, f"{path}{name}.")
        else:
            yield f"{path}{name}", shape


def keys(values, schema, path=""):
    for name, value in values.items():
        shape = schema["properties"].get(name, {})
        if "properties" in shape:
            yield from keys(value, shape, f"{path}{name}.")
        else:
            yield f"{path}{name}"


class Generated(unittest.TestCase):
    maxDiff = None

    def test_schema_and_values_have_the_same_keys_and_every_key_is_explained(self):
        for chart in generate.CHARTS:
            with self.subTest(chart=chart):
                schema = json.loads((ROOT / f"helm/{chart}/values.schema.json").read_text())
                values = yaml.safe_load((ROOT / f"helm/{chart}/values.yaml").read_text())
                shapes = dict(leaves(schema))
                self.assertEqual(set(shapes) - {"global"}, set(keys(values, schema)))
                for path, shape in shapes.items():
                    self.assertTrue(shape.get("description", "").endswith("."), f"{path}: no description")

    def test_every_value_is_set_in_a_case(self):
        given = {chart: set() for chart in generate.CHARTS}
        schemas = {chart: json.loads((ROOT / f"helm/{chart}/values.schema.json").read_text()) for chart in generate.CHARTS}
        for _, case in cases():
            values = dict(case.get("values") or {})
            if (chart := case["chart"].removeprefix("helm/")) in given:
                given[chart] |= set(keys(values, schemas[chart]))
            given["burgee-lib"] |= set(keys(values.get("burgee", {}), schemas["burgee-lib"]))
        for chart, schema in schemas.items():
            # what the other chart decides for the library, and what no chart of ours reads
            missing = {path for path, _ in leaves(schema)} - given[chart] - {"global", "burgee"} - ({"upstreamPort"} if chart == "burgee-lib" else set())
            self.assertEqual(set(), missing, chart)

    def test_every_object_that_is_ours_refuses_unknown_keys(self):
        def check(shape, path):
            if "properties" in shape:
                self.assertIs(False, shape.get("additionalProperties"), path)
                for name, below in shape["properties"].items():
                    check(below, f"{path}.{name}")
        for chart in generate.CHARTS:
            check(json.loads((ROOT / f"helm/{chart}/values.schema.json").read_text()), chart)

    def test_the_value_tables_are_current(self):
        for chart in generate.CHARTS:
            path, now, wanted = generate.readme(chart)
            self.assertIn(generate.BEGIN, now, path)
            self.assertEqual(wanted, now, f"{path}: UPDATE=1 tests/e2e/helm/run")

    def test_the_librarys_files_are_those_of_deploy(self):
        for copy, source in generate.COPIES.items():
            self.assertEqual((ROOT / source).read_text(), (ROOT / copy).read_text(), f"{copy}: UPDATE=1 tests/e2e/helm/run")

    def test_the_library_inside_the_chart_is_this_one(self):
        wanted = dict(generate.library())
        self.assertIn(generate.INSIDE / "templates/_container.tpl", wanted)
        self.assertEqual(sorted(wanted), sorted(path for path in generate.INSIDE.rglob("*") if path.is_file()))
        for path, text in wanted.items():
            self.assertFalse(path.is_symlink())
            self.assertEqual(text, path.read_text(), f"{path}: UPDATE=1 tests/e2e/helm/run")

    def test_helm_has_nothing_to_warn_of(self):
        for helm, binary in HELMS.items():
            for chart in generate.CHARTS:
                with self.subTest(helm=helm, chart=chart):
                    command = [binary, "template", "shop", f"helm/{chart}", "--kube-version", "1.36.0", "--api-versions", POLICY_API]
                    done = subprocess.run(command if chart != "burgee-lib" else [binary, "lint", f"helm/{chart}"], cwd=ROOT, capture_output=True, text=True, check=True)
                    self.assertEqual("", done.stderr)

    def test_every_chart_that_needs_the_library_has_this_one(self):
        for chart in ("helm/burgee", "tests/e2e/helm/app"):
            vendored = ROOT / chart / "charts" / "burgee-lib"
            wanted = yaml.safe_load((ROOT / chart / "Chart.yaml").read_text())["dependencies"][0]["version"]
            self.assertEqual(yaml.safe_load((vendored / "Chart.yaml").read_text())["version"], wanted)

    def test_the_charts_have_the_version_of_the_crate(self):
        crate = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
        for chart in generate.CHARTS:
            meta = yaml.safe_load((ROOT / f"helm/{chart}/Chart.yaml").read_text())
            self.assertEqual((crate, crate, ">=1.29.0-0"), (meta["version"], meta["appVersion"], meta["kubeVersion"]))

    def test_nothing_defeats_hot_reload_or_renders_differently_twice(self):
        forbidden = re.compile(r"subPath|\{\{[^}]*\b(lookup|rand\w+|gen\w+|now|uuidv4|sha\w+sum)\b|checksum/")
        files = [path for top in ("helm", "deploy") for path in (ROOT / top).rglob("*") if path.suffix in (".yaml", ".tpl", ".txt") and path.is_file()]
        self.assertGreater(len(files), 20)
        for path in files:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                self.assertIsNone(forbidden.search(line), f"{path}:{number}: {line}")


class Watching(unittest.TestCase):
    def expressions(self):
        for rule in RULES:
            yield rule.get("alert") or rule["record"], rule["expr"]
        dashboard = json.loads((ROOT / "deploy/dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"].replace("$__rate_interval", "5m")

    def test_every_expression_is_promql_about_metrics_and_labels_that_burgee_has(self):
        seen = set()
        for name, expression in self.expressions():
            with self.subTest(name=name):
                promql_parser.parse(expression)
                metrics = set(re.findall(r"\bburgee_\w+", expression))
                self.assertLessEqual(metrics, set(METRICS))
                self.assertLessEqual(set(re.findall(r"\bburgee:[\w:]+", expression)), RECORDED)
                seen |= metrics
                labels = set().union(TARGET, *(METRICS[metric] for metric in metrics), ADDED if "burgee:" in expression else ())
                used = {label.strip() for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for label in group.split(",")}
                used |= set(re.findall(r"(\w+)\s*=~?\s*\"", expression))
                self.assertLessEqual(used, labels)
        self.assertIn("burgee_feature_requests_total", seen)
