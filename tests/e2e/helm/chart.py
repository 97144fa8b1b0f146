"""Renders charts with both helms, and reads what they say. In: a case. Out: Kubernetes objects, or the refusal."""

import functools
import json
import os
import pathlib
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = ROOT / "tests/e2e/helm"
HELMS = {"helm 3": os.environ["HELM3"], "helm 4": os.environ["HELM4"]}
KUBES = ["1.29", "1.32", "1.36"]
POLICY_API = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"


class Refused(Exception):
    """helm would not render; the text is what it said."""


def run(binary, *arguments):
    """What helm or kubectl prints."""
    done = subprocess.run([binary, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def template(name, chart, values, kube):
    """The text of `helm template`, rendered once."""
    return rendered(name, chart, json.dumps(values), kube)


@functools.cache
def rendered(name, chart, values, kube):
    return render(name, chart, json.loads(values), kube)


def render(name, chart, values, kube):
    offers = ["--api-versions", POLICY_API] if kube == "1.36" else []
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values or {}, file)
        file.flush()
        arguments = ["template", "shop", chart, "--namespace", "team", "--kube-version", f"{kube}.0", "--values", file.name]
        return run(HELMS[name], *arguments, *offers)


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def key(document):
    return document["kind"], document["metadata"]["name"]


def pods(documents):
    """Every pod that the objects make: its template, under the object's name."""
    for document in documents:
        if document["kind"] == "Pod":
            yield document["metadata"]["name"], document
        elif document["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield document["metadata"]["name"], document["spec"]["template"]


def cases():
    for path in sorted((HERE / "cases").glob("*.yaml")):
        yield path.stem, yaml.safe_load(path.read_text())
