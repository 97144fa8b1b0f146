"""What an installation prints: the same with both helms, and never a command that fights whoever owns the file."""

import functools
import subprocess
import tempfile
import unittest

import yaml

import api_server
from chart import HELMS, ROOT

TOGGLES = "version: 1\nfeatures: {checkout: 1%}\n"


@functools.cache
def notes(name, chart, values):
    """What `helm install` prints below the objects."""
    with api_server.running() as environment, tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        command = [HELMS[name], "install", "shop", chart, "--namespace", "team", "--dry-run=server", "--disable-openapi-validation", "--values", file.name]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.split("\nNOTES:\n")[1].strip() + "\n"


def commands(text):
    """The lines that are indented by two: commands to copy."""
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


class Notes(unittest.TestCase):
    def each(self, chart, **values):
        said = {helm: notes(helm, chart, yaml.safe_dump(values)) for helm in HELMS}
        self.assertEqual(*said.values())
        return said["helm 4"]

    def test_where_helm_owns_the_file_nobody_is_told_to_edit_the_cluster_s_copy(self):
        for values in ({}, {"app": {"image": "shop:1"}}, {"toggles": TOGGLES}):
            text = self.each("helm/burgee", **values)
            self.assertIn("The toggles are Helm's", text)
            self.assertIn("helm -n team upgrade shop helm/burgee --reset-then-reuse-values --set-file toggles=toggles.yaml", commands(text))
            for command in commands(text):
                self.assertNotRegex(command, r"configmap|burgee apply|kubectl (-n \S+ )?edit")

    def test_where_people_own_it_the_first_one_is_made_by_a_command_and_the_next_by_apply(self):
        text = self.each("helm/burgee", togglesConfigMap="shop-features")
        self.assertIn("kubectl -n team create configmap shop-features --from-file toggles.yaml", commands(text))
        self.assertIn("burgee apply toggles.yaml --configmap shop-features -n team", commands(text))
        self.assertNotIn("helm -n team upgrade", text)

    def test_a_stop_is_told_whoever_owns_the_file(self):
        for values in ({}, {"togglesConfigMap": "shop-features"}):
            self.assertTrue([c for c in commands(self.each("helm/burgee", **values)) if c.startswith("burgee stop FEATURE -n team")])
        self.assertTrue([c for c in commands(self.each("helm/burgee-injector")) if c.startswith("burgee stop FEATURE")])


if __name__ == "__main__":
    unittest.main()
