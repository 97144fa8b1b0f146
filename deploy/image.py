#!/usr/bin/env python3
"""Makes the image without an engine: `make image`.

In: the folder that deploy/release/build has left (dist), and the last stage of deploy/Dockerfile. Out: beside the binary, its image
(burgee-image.tar, a docker-archive that docker, podman and containerd load). The same binary makes the same bytes.
"""

import hashlib
import io
import json
import pathlib
import re
import shlex
import sys
import tarfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECOND = 1_000_000_000
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def instructions(dockerfile, given):
    """The instructions of the last stage, with its arguments filled in."""
    text = re.sub(r"\\\n", " ", dockerfile[dockerfile.rindex("\nFROM ") + 1 :])
    arguments = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "ARG":
            name, _, default = rest.partition("=")
            arguments[name] = given.get(name, default.strip('"'))
        elif word and not word.startswith("#"):
            yield word, re.sub(r"\$(\w+)", lambda found: arguments[found[1]], rest).strip()


def settings(stage):
    """What the image says of itself, from the Dockerfile: the two can not differ."""
    config = {"WorkingDir": "/"}
    for word, rest in stage:
        if word == "LABEL":
            config["Labels"] = dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "USER":
            config["User"] = rest
        elif word == "EXPOSE":
            config["ExposedPorts"] = {f"{port}/tcp": {} for port in rest.split()}
        elif word in ("ENTRYPOINT", "CMD"):
            config[word.capitalize()] = json.loads(rest)
        elif word == "HEALTHCHECK":
            flags, command = rest.split(" CMD ")
            config["Healthcheck"] = {"Test": ["CMD", *json.loads(command)]}
            for name, seconds in re.findall(r"--([a-z-]+)=(\d+)s", flags):
                field = "".join(part.capitalize() for part in name.split("-"))
                config["Healthcheck"][field] = int(seconds) * SECOND
        elif (word, rest) not in (("FROM", "scratch"), ("COPY", "--from=build /made/burgee /burgee")):
            raise SystemExit(f"deploy/image.py does not know how to `{word} {rest}`: teach it, or the two images differ")
    return config


def add(tar, name, content, mode=0o644):
    """A file that says nothing of who packed it, and when."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in files:
            add(tar, name, content, mode)
    return buffer.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def image(binary, config, architecture, tag):
    """A docker-archive with one layer, which holds one file."""
    layer = archive([("burgee", binary, 0o755)])
    described = {
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "deploy/image.py"}],
    }
    text = json.dumps(described, sort_keys=True).encode()
    manifest = [{"Config": f"{sha256(text)}.json", "RepoTags": [tag], "Layers": [f"{sha256(layer)}.tar"]}]
    files = [(manifest[0]["Config"], text), (manifest[0]["Layers"][0], layer), ("manifest.json", json.dumps(manifest).encode())]
    return archive([(name, content, 0o644) for name, content in files])


def main():
    folder = pathlib.Path(*sys.argv[1:] or [ROOT / "dist"])
    made = json.loads((folder / "burgee.json").read_text())
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    stage = instructions((ROOT / "deploy/Dockerfile").read_text(), {"VERSION": version, "REVISION": made["source"] or ""})
    architecture = ARCHITECTURES[made["target"].partition("-")[0]]
    packed = image((folder / "burgee").read_bytes(), settings(stage), architecture, f"burgee:{version}")
    (folder / "burgee-image.tar").write_bytes(packed)
    print(f"{folder}/burgee-image.tar: burgee:{version}, {len(packed) / 1e6:.1f} MB, of {made['source']}")


if __name__ == "__main__":
    main()
