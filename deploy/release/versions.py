"""Where the version stands, and what the changelog says of it.

The one place is Cargo.toml; `version` raises it everywhere else.
"""

import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBER = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?"

# Each file, and what stands before the version in it: every place where it has that before it.
PLACES = {
    "Cargo.toml": [r'\A\[package\]\nname = "burgee"\nversion = "'],
    "Cargo.lock": [r'\nname = "burgee"\nversion = "'],
    "tests/fuzz/Cargo.lock": [r'\nname = "burgee"\nversion = "'],
    "helm/burgee/Chart.yaml": [r"\nversion: ", r'\nappVersion: "?', r"alias: burgee\n    version: "],
    "helm/burgee-lib/Chart.yaml": [r"\nversion: ", r'\nappVersion: "?'],
    "helm/burgee-injector/Chart.yaml": [r"\nversion: ", r'\nappVersion: "?'],
    "deploy/Dockerfile": [r"\nARG VERSION="],
    "deploy/README.md": [r"burgee:"],
    "deploy/compose.yaml": [r"image: burgee:"],
    "deploy/kubernetes/kustomization.yaml": [r"newTag: "],
}


def current():
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]


def found():
    """File, and each version that it says."""
    for name, befores in PLACES.items():
        text = (ROOT / name).read_text()
        for before in befores:
            matches = re.findall(f"(?:{before})({NUMBER})", text)
            yield from ((name, before, match) for match in matches or [None])


def write(version):
    for name, befores in PLACES.items():
        file = ROOT / name
        text = file.read_text()
        for before in befores:
            text = re.sub(f"({before}){NUMBER}", rf"\g<1>{version}", text)
        file.write_text(text)


def cut(version, day):
    """What is unreleased becomes this version's."""
    file = ROOT / "CHANGELOG.md"
    text = file.read_text()
    if re.search(rf"^## {re.escape(version)}\b", text, re.M):
        raise SystemExit(f"CHANGELOG.md has a chapter for {version} already")
    if not re.search(r"^## Unreleased\n\s*\S", text, re.M) or re.search(r"^## Unreleased\n\s*## ", text, re.M):
        raise SystemExit("CHANGELOG.md says nothing under `## Unreleased`: what is it that is released?")
    file.write_text(text.replace("## Unreleased\n", f"## Unreleased\n\n## {version} - {day}\n", 1))


def notes(version):
    """The chapter of the changelog: this version's, or what is unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text()
    for title in (re.escape(version), "Unreleased"):
        chapter = re.search(rf"^## {title}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        if chapter and chapter[1].strip():
            return chapter[1].strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no chapter for {version}, and nothing under `## Unreleased`")
