"""What the charts say to the binary, said to the binary: the toggles that they carry, and the life of a pod."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from chart import HERE, ROOT, cases, objects, template
from test_generated import METRICS

BURGEE = os.environ.get("BURGEE")


class Binary(unittest.TestCase):
    def setUp(self):
        self.assertTrue(BURGEE and os.access(BURGEE, os.X_OK), f"BURGEE is not the binary ({BURGEE}): `make test-all` sets it, or `cargo build`")

    def test_check_accepts_every_toggles_file_that_a_chart_makes(self):
        checked = 0
        files = [(ROOT / "deploy/kubernetes/toggles/toggles.yaml").read_text()]
        for _, case in cases():
            for document in objects(template("helm 4", case["chart"], case.get("values"), "1.36")):
                files += [text for key, text in document.get("data", {}).items() if key == "toggles.yaml"]
        for text in files:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([BURGEE, "check", file.name], capture_output=True, text=True, check=False)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr + text)
                checked += 1
        self.assertGreater(checked, 4)

    def plays(self, script):
        """What a script prints that plays pods of the chart, in a network of its own."""
        mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", *mapped, "--net", sys.executable, str(HERE / script)]
        done = subprocess.run(command, input=template("helm 4", "helm/burgee", {}, "1.36"), capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_a_rollout_over_a_bad_file_halts_and_recovers(self):
        self.plays("rollout.py")

    def test_a_pod_of_the_chart_lives_and_dies_as_a_kubelet_has_it(self):
        said = self.plays("kubelet.py")
        # alerts and dashboard ask for metrics that there are
        there = set(re.findall(r"^# TYPE (\w+)", said, re.M))
        self.assertLessEqual({re.sub("_(total|bucket|info)$", "", name) for name in METRICS}, there)
