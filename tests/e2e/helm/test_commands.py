"""Every command of our Markdown and of NOTES runs: by real helm, a played kubectl and the real burgee, or `commands.yaml` says why not."""

import json
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
BUILT = {"target", "dist", "node_modules", ".git", "charts"}
# the changelog tells of commands that were
PAGES = sorted(page for page in ROOT.rglob("*.md") if not BUILT & set(page.relative_to(ROOT).parts) and page.name != "CHANGELOG.md")
TOGGLES = "version: 1\nuser: [header.x-user-id]\nfeatures:\n  checkout: {rollout: 1%}\n"
# as LaunchDarkly exports a flag
FLAG = {"key": "new-checkout", "version": 1, "on": True, "variations": [True, False], "offVariation": 1, "fallthrough": {"variation": 0}, "salt": "s",
        "targets": [], "rules": [], "prerequisites": []}
FILES = {**dict.fromkeys(("toggles.yaml", "old.yaml", "new.yaml", "toggles/toggles.yaml"), TOGGLES), "token": "a token of this test\n", "ids.txt": "mia\n",
         "answers.jsonl": "", "flags.json": json.dumps({"flags": {"new-checkout": FLAG}, "segments": {}})}
# names in the pages, and what they are in the played cluster
MEANT = {"FEATURE": "checkout", "shop-features": "shop-toggles", "burgee-toggles": "shop-toggles", "deployment NAME": "deployment shop",
         "-n NAMESPACE": "-n shop", "payments-features": "shop-toggles", "checkout-button": "checkout", "/etc/burgee/toggles": "toggles",
         "/run/secrets/token": "token", "[::]:3527": "127.0.0.1:0", "127.0.0.1:3527": "127.0.0.1:0"}
TOOLS = r"kubectl|helm|burgee|curl|make|cargo|docker|git|gh"


def of_page(text):
    """Commands in `sh` blocks, a line each unless a quote goes on; and those in backticks."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.M | re.S):
        waiting = ""
        for line in block.splitlines():
            waiting += (re.sub(r"(^|\s+)#\s.*$", "", line) if waiting.count("'") % 2 == 0 else line) + "\n"
            if waiting.count("'") % 2 == 0:
                if waiting.strip():
                    yield waiting.strip()
                waiting = ""
        assert not waiting, f"a quote is never closed: {waiting}"
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    for span in re.findall(r"`([^`]+)`", prose):
        if re.match(rf"({TOOLS})\s", span):
            yield re.sub(r"\s+", " ", span)
        elif re.match(r"(UPDATE=1 )?(tests|deploy)/\S+( |$)", span) and os.access(ROOT / span.removeprefix("UPDATE=1 ").split()[0], os.X_OK) and not (ROOT / span.removeprefix("UPDATE=1 ").split()[0]).is_dir():
            yield re.sub(r"\s+", " ", span)


def all_commands():
    for page in PAGES:
        yield from ((str(page.relative_to(ROOT)), command) for command in of_page(page.read_text()))
    for chart, values in (("burgee", {}), ("burgee", {"togglesConfigMap": "shop-toggles"}), ("burgee-injector", {}), ("burgee-injector", {"perNamespace": True})):
        text = notes("helm 4", f"helm/{chart}", yaml.safe_dump(values))
        yield from ((f"NOTES of {chart}", re.sub(r"\s+# .*$", "", command).replace("-n team", "-n shop")) for command in commands(text))


def reason(command):
    """Why this command is not run here; none where it has to be."""
    for pattern, why in [*KNOWN["cluster"].items(), *KNOWN["elsewhere"].items()]:
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
            with api_server.running() as environment, self.desk(binary, environment) as desk:
                page = None
                for where, command in everything:
                    if where != page:
                        page = where
                        desk.fill()
                    if reason(command) or helm == "helm 3" and not where.startswith(("helm/", "NOTES")):
                        continue
                    with self.subTest(helm=helm, where=where, command=command):
                        done = desk.run(command)
                        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                        ran += 1
        self.assertGreater(ran, 40)

    def test_every_row_of_the_list_is_needed(self):
        everything = [command for _, command in all_commands()]
        for pattern in [*KNOWN["cluster"], *KNOWN["elsewhere"], *KNOWN["names"]]:
            self.assertTrue(any(re.fullmatch(pattern, command) for command in everything), pattern)

    def test_what_is_wrong_is_found(self):
        with api_server.running() as environment, self.desk(HELMS["helm 4"], environment) as desk:
            for wrong in ("helm install shop helm/burgee --set app.prot=1", "kubectl create configmap shop --from-flie toggles.yaml", "burgee status -n shop --al",
                          "kubectl get deployment shop -o yaml | burgee inject --toggle-configmap a | kubectl apply -f -", "kubectl frobnicate",
                          "burgee run --toggles nowhere.yaml", "burgee init", "make frobnicate", "curl 'localhost:3526/explian?user=mia'"):
                self.assertNotEqual(0, desk.run(wrong).returncode, wrong)

    def desk(self, helm, environment):
        return Desk(helm, environment)


class Desk:
    """A folder with what the commands name, tools that are played where they need a cluster, and a cluster for burgee's own."""

    def __init__(self, helm, environment):
        self.helm, self.environment, self.meant = helm, environment, dict(MEANT)

    def __enter__(self):
        sys.path.append(str(HERE.parent / "steer"))
        from cluster import KUBECTL, Cluster

        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.cluster = Cluster(TOGGLES).__enter__()
        self.echo = subprocess.Popen([BURGEE, "echo", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        application = self.echo.stdout.readline().split()[-1]
        pod = self.cluster.pod("shop-1", upstream=f"http://{application}")
        for port, at in ((3524, pod.listen), (3525, pod.admin), (3526, pod.api)):
            self.meant |= {f"localhost:{port}": at, f"127.0.0.1:{port}": at}
        self.meant["localhost:8080"] = pod.listen  # a Service that is forwarded
        (self.folder / "helm").symlink_to(ROOT / "helm")
        copied(self.folder)
        (self.folder / "src").mkdir()
        self.fill()
        (self.folder / "deploy").symlink_to(ROOT / "deploy")
        deployment = yaml.safe_load((ROOT / "tests/data/three-ways/deployment.yaml").read_text())
        (self.folder / "deployment.yaml").write_text(yaml.safe_dump(deployment))
        template = deployment["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": "shop-1"}, "spec": template["spec"]}
        (self.folder / "pod.yaml").write_text(yaml.safe_dump(pod))
        (self.folder / "kustomization.yaml").write_text("resources: [deployment.yaml]\n")
        tools = self.folder / "bin"
        tools.mkdir()
        self.tool("kubectl", f'exec {sys.executable} {HERE}/played_kubectl.py "$@"')
        self.tool("curl", f'exec {shutil.which("curl")} --fail --silent --show-error "$@"')
        self.tool("make", f'exec {shutil.which("make")} --dry-run --directory={ROOT} "$@"')
        self.tool("burgee", f'''case $1 in
  apply) exec {BURGEE} "$@" --yes --kubectl={KUBECTL} ;;
  resume) {BURGEE} stop checkout -n shop --yes --kubectl={KUBECTL} && exec {BURGEE} "$@" --yes --kubectl={KUBECTL} ;;
  stop|status) exec {BURGEE} "$@" --kubectl={KUBECTL} ;;
  run|echo|demo) exec {sys.executable} {HERE}/until_it_listens.py {BURGEE} "$@" ;;
  init) cd "$(mktemp -d)" && exec {BURGEE} "$@" ;;
  *) exec {BURGEE} "$@" ;;
esac''')
        self.tool("helm", f'''for word in "$@"; do case $word in
  install) exec {self.helm} "$@" --dry-run=server --disable-openapi-validation ;;
  upgrade) exec {self.helm} "$@" --install --dry-run=server --disable-openapi-validation ;;
  dependency) exec {self.helm} "$@" ;;
  test|uninstall|rollback) exit 97 ;;
esac; done; exit 97''')
        self.environment |= self.cluster.environment() | {"VAR": "a key of this test", "FIXTURES": str(self.folder), "PATH": f"{tools}:{os.environ['PATH']}"}
        return self

    def fill(self):
        """The files that commands name, as each page finds them: some commands write what others read."""
        for name, text in FILES.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)

    def tool(self, name, script):
        path = self.folder / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def run(self, command):
        for name, meant in self.meant.items():
            command = command.replace(name, meant)
        words = ["bash", "-euo", "pipefail", "-c", command]
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=240)

    def __exit__(self, *_):
        self.echo.kill()
        self.echo.wait()
        self.echo.stdout.close()
        self.cluster.__exit__()
        shutil.rmtree(self.folder)


if __name__ == "__main__":
    unittest.main()
