"""What is inside the binary: for people who check licences, and for scanners that look for crates with known faults.

In: Cargo.toml and Cargo.lock, a target. Out: a CycloneDX 1.5 bill of materials; the same list as cargo-auditable's section `.dep-v0`,
which scanners read from the binary itself. Neither says when or where it was made: the same source makes the same bytes.
"""

import functools
import json
import pathlib
import subprocess
import tempfile
import tomllib
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked(target):
    """Names and versions of the crates whose code is in the binary: nothing that only builds or tests it."""
    lines = cargo("tree", "--edges=normal,no-proc-macro", f"--target={target}", "--prefix=none", "--format={p}").splitlines()
    return {tuple(line.split(" v")) for line in (" ".join(line.split()[:2]) for line in lines if line)}


@functools.cache
def packages(target):
    """Each with what it depends on, as positions in this list; burgee is the first."""
    wanted = linked(target)
    found = json.loads(cargo("metadata", "--format-version=1", f"--filter-platform={target}"))
    sums = {(one["name"], one["version"]): one.get("checksum") for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    kept = [one for one in found["packages"] if (one["name"], one["version"]) in wanted]
    kept.sort(key=lambda one: (one["name"] != "burgee", one["name"], one["version"]))
    if {(one["name"], one["version"]) for one in kept} != wanted:
        raise SystemExit("deploy/release: cargo tree and cargo metadata disagree about what is linked")
    place = {one["id"]: number for number, one in enumerate(kept)}
    uses = {node["id"]: [other["pkg"] for other in node["deps"] if any(kind["kind"] is None for kind in other["dep_kinds"])] for node in found["resolve"]["nodes"]}
    for one in kept:
        one["uses"] = sorted(place[other] for other in uses[one["id"]] if other in place)
        one["sha256"] = sums[one["name"], one["version"]]
    return kept


def component(one, kind="library"):
    purl = f"pkg:cargo/{one['name']}@{one['version']}"
    said = {"type": kind, "bom-ref": purl, "name": one["name"], "version": one["version"], "purl": purl}
    if one["license"]:
        # `/` is how old crates write OR
        said["licenses"] = [{"expression": one["license"].replace("/", " OR ").replace("  ", " ")}]
    if one["sha256"]:
        said["hashes"] = [{"alg": "SHA-256", "content": one["sha256"]}]
    if one["description"]:
        said["description"] = " ".join(one["description"].split())
    return said


def bill(target, libc):
    """The bill of materials. `libc` is linked in too, but is no crate; mimalloc's C is part of its crate."""
    found = packages(target)
    parts = [component(one) for one in found[1:]]
    if libc:
        parts.append({"type": "library", "bom-ref": "libc", "name": "libc", "version": libc, "description": "The C library of the machine that built it, linked in"})
    refs = [component(one)["bom-ref"] for one in found]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(found[0], "application"), "properties": [{"name": "target", "value": target}]},
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": [refs[other] for other in one["uses"]]} for ref, one in zip(refs, found)],
    }


def audit(target):
    """What cargo-auditable would write: https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md"""
    listed = [
        {"name": one["name"], "version": one["version"], "source": "crates.io" if one["source"] else "local", "dependencies": one["uses"]} | ({} if number else {"root": True})
        for number, one in enumerate(packages(target))
    ]
    return zlib.compress(json.dumps({"packages": listed}, separators=(",", ":")).encode(), 9)


def embed(binary, target):
    """Puts the list into the binary, where it is never mapped into memory."""
    with tempfile.NamedTemporaryFile() as section:
        section.write(audit(target))
        section.flush()
        subprocess.run(["objcopy", f"--add-section=.dep-v0={section.name}", "--set-section-flags=.dep-v0=noload,readonly", binary], check=True)
