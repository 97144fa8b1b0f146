"""A kubectl for people's commands: the real one where it works without a cluster, else what a cluster would say, else 97.

In: arguments, $KUBECTL (the real one), $FIXTURES. Out: what kubectl would print. burgee's own calls go to the one of tests/e2e/steer.
"""

import os
import pathlib
import subprocess
import sys

import kubernetes_validate
import yaml

FIXTURES = pathlib.Path(os.environ["FIXTURES"])


def real(*arguments):
    sys.exit(subprocess.run([os.environ["KUBECTL"], *arguments], check=False).returncode)


def applied(text):
    documents = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        kubernetes_validate.validate(document, "1.36", strict=True)
    sys.exit(0 if "/etc/burgee/toggles" in yaml.safe_dump(documents) else "nothing has burgee")


def main(arguments):
    if arguments[0] == "-n":
        arguments = arguments[2:]
    match arguments:
        case ["create", "configmap", _, *_]:
            real(*arguments, "--dry-run=client", "--output=yaml")
        case ["annotate", "pods", "-l", selector, *rest] if "=" in selector:
            real("annotate", "--local", f"--filename={FIXTURES}/pod.yaml", "--output=yaml", *rest)
        case ["patch", "deployment", _, "-p", patch]:
            real("patch", "--local", f"--filename={FIXTURES}/deployment.yaml", "--output=yaml", "--patch", patch)
        case ["get", "deployment", _, "-o", "yaml"]:
            print((FIXTURES / "deployment.yaml").read_text())
        case ["kustomize", folder]:
            real("kustomize", folder)
        case ["apply", "-f", "-"]:
            applied(sys.stdin)
        case ["apply", "-k", folder]:
            applied(subprocess.run([os.environ["KUBECTL"], "kustomize", folder], check=True, capture_output=True, text=True).stdout)
        case _:
            sys.exit(97)


main(sys.argv[1:])
