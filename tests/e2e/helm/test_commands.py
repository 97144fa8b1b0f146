"""Every command of helm/*.md and of NOTES runs: by real helm, a played kubectl and the real burgee, or `commands.yaml` says why not."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

import api_server
from chart import HELMS, HERE, ROOT
from test_notes import commands, notes
from test_readme import copied

BURGEE = os.environ.get("BURGEE")
KNOWN = yaml.safe_load((HERE / "commands.yaml").read_text())
PAGES = [ROOT / "helm/README.md", *sorted(ROOT.glob("helm/burgee*/README.md"))]
TOGGLES = "version: 1\nuser: [header.x-user-id]\nfeatures:\n  checkout: {rollout: 1%}\n"
# names in the pages, and what they are in the played cluster
MEANT = {"FEATURE": "checkout", "shop-features": "shop-toggles", "burgee-toggles": "shop-toggles", "deployment NAME": "deployment shop",
         "-n NAMESPACE": "-n shop", "payments-features": "shop-toggles"}


def of_page(text):
    """Commands in `sh` blocks, a line each unless a quote goes on; and those in backticks."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.M | re.S):
        waiting = ""
        for line in block.splitlines():
            waiting += line + "\n"
            if waiting.count("'") % 2 == 0:
                if waiting.strip():
                    yield re.sub(r"\s+# .*$", "", waiting.strip())
                waiting = ""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    for span in re.findall(r"`((?:kubectl|helm|burgee|curl)\s[^`]+)`", prose):
        yield re.sub(r"\s+", " ", span)


def all_commands():
    for page in PAGES:
        yield from ((page.name if page.parent.name == "helm" else f"{page.parent.name}/README.md", command) for command in of_page(page.read_text()))
    for chart, values in (("burgee", {}), ("burgee", {"togglesConfigMap": "shop-toggles"}), ("burgee-injector", {}), ("burgee-injector", {"perNamespace": True})):
        text = notes("helm 4", f"helm/{chart}", yaml.safe_dump(values))
        yield from ((f"NOTES of {chart}", re.sub(r"\s+# .*$", "", command).replace("-n team", "-n shop")) for command in commands(text))


def reason(command):
    """Why this command is not run here; none where it has to be."""
    for pattern, why in KNOWN["cluster"].items():
        if re.fullmatch(pattern, command):
            return why
    return "a name" if any(re.fullmatch(pattern, command) for pattern in KNOWN["names"]) else None


class Commands(unittest.TestCase):
    def setUp(self):
        self.assertTrue(BURGEE and os.access(BURGEE, os.X_OK), f"BURGEE is not the binary ({BURGEE})")

    def test_every_command_runs_or_says_what_it_needs(self):
        everything = list(dict.fromkeys(all_commands()))
        self.assertGreater(len(everything), 50)
        ran = 0
        for helm, binary in HELMS.items():
            with api_server.running() as environment, self.desk(binary, environment) as run:
                for where, command in everything:
                    if reason(command):
                        continue
                    with self.subTest(helm=helm, where=where, command=command):
                        done = run(command)
                        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                        ran += 1
        self.assertGreater(ran, 40)

    def test_every_row_of_the_list_is_needed(self):
        everything = [command for _, command in all_commands()]
        for pattern in [*KNOWN["cluster"], *KNOWN["names"]]:
            self.assertTrue(any(re.fullmatch(pattern, command) for command in everything), pattern)

    def test_what_is_wrong_is_found(self):
        with api_server.running() as environment, self.desk(HELMS["helm 4"], environment) as run:
            for wrong in ("helm install shop helm/burgee --set app.prot=1", "kubectl create configmap shop --from-flie toggles.yaml", "burgee status -n shop --al",
                          "kubectl get deployment shop -o yaml | burgee inject --toggle-configmap a | kubectl apply -f -", "kubectl frobnicate"):
                self.assertNotEqual(0, run(wrong).returncode, wrong)

    def desk(self, helm, environment):
        return Desk(helm, environment)


class Desk:
    """A folder with what the commands name, tools that are played where they need a cluster, and a cluster for burgee's own."""

    def __init__(self, helm, environment):
        self.helm, self.environment = helm, environment

    def __enter__(self):
        sys.path.append(str(HERE.parent / "steer"))
        from cluster import KUBECTL, Cluster

        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.cluster = Cluster(TOGGLES).__enter__()
        self.cluster.pod("shop-1")
        (self.folder / "helm").symlink_to(ROOT / "helm")
        copied(self.folder)
        (self.folder / "toggles.yaml").write_text(TOGGLES)
        deployment = yaml.safe_load((ROOT / "tests/data/three-ways/deployment.yaml").read_text())
        (self.folder / "deployment.yaml").write_text(yaml.safe_dump(deployment))
        template = deployment["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": "shop-1"}, "spec": template["spec"]}
        (self.folder / "pod.yaml").write_text(yaml.safe_dump(pod))
        (self.folder / "kustomization.yaml").write_text("resources: [deployment.yaml]\n")
        tools = self.folder / "bin"
        tools.mkdir()
        self.tool("kubectl", f'exec {sys.executable} {HERE}/played_kubectl.py "$@"')
        self.tool("curl", "exit 97")
        self.tool("burgee", f'''case $1 in
  apply|resume) exec {BURGEE} "$@" --yes --kubectl={KUBECTL} ;;
  stop|status) exec {BURGEE} "$@" --kubectl={KUBECTL} ;;
  *) exec {BURGEE} "$@" ;;
esac''')
        self.tool("helm", f'''for word in "$@"; do case $word in
  install) exec {self.helm} "$@" --dry-run=server --disable-openapi-validation ;;
  upgrade) exec {self.helm} "$@" --install --dry-run=server --disable-openapi-validation ;;
  dependency) exec {self.helm} "$@" ;;
  test|uninstall|rollback) exit 97 ;;
esac; done; exit 97''')
        self.environment |= self.cluster.environment() | {"FIXTURES": str(self.folder), "PATH": f"{tools}:{os.environ['PATH']}"}
        return self.run

    def tool(self, name, script):
        path = self.folder / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def run(self, command):
        for name, meant in MEANT.items():
            command = command.replace(name, meant)
        words = ["bash", "-euo", "pipefail", "-c", command]
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=240)

    def __exit__(self, *_):
        self.cluster.__exit__()
        shutil.rmtree(self.folder)


if __name__ == "__main__":
    unittest.main()
