#!/usr/bin/env python3
"""Makes the image without an engine: `make image`.

In: folders that deploy/release/build has left (dist), and the last stage of deploy/Dockerfile. Out: beside each binary its image
(burgee-image.tar, a docker-archive that docker, podman and containerd load), and with --oci FOLDER one image for all of their
architectures, as an OCI layout that skopeo copies to a registry. The same binary makes the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import pathlib
import re
import shlex
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


class Image:
    """One layer, which holds one file, and what is said of it."""

    def __init__(self, folder):
        made = json.loads((folder / "burgee.json").read_text())
        self.source, self.architecture = made["source"], ARCHITECTURES[made["target"].partition("-")[0]]
        self.version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        stage = instructions((ROOT / "deploy/Dockerfile").read_text(), {"VERSION": self.version, "REVISION": self.source or ""})
        self.layer = archive([("burgee", (folder / "burgee").read_bytes(), 0o755)])
        described = {
            "architecture": self.architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": settings(stage),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(self.layer)}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "deploy/image.py"}],
        }
        self.config = json.dumps(described, sort_keys=True).encode()


def docker_archive(image):
    manifest = [{"Config": f"{sha256(image.config)}.json", "RepoTags": [f"burgee:{image.version}"], "Layers": [f"{sha256(image.layer)}.tar"]}]
    files = [(manifest[0]["Config"], image.config), (manifest[0]["Layers"][0], image.layer), ("manifest.json", json.dumps(manifest).encode())]
    return archive([(name, content, 0o644) for name, content in files])


class Layout:
    """A folder in the manner of https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""

    def __init__(self, folder):
        self.blobs = folder / "blobs/sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.folder = folder

    def put(self, kind, content, **more):
        (self.blobs / sha256(content)).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{sha256(content)}", "size": len(content)} | more

    def put_json(self, kind, **content):
        text = json.dumps({"schemaVersion": 2, "mediaType": f"application/vnd.oci.image.{kind}"} | content, sort_keys=True)
        return self.put(kind, text.encode())

    def put_image(self, image):
        config = self.put("config.v1+json", image.config)
        layer = self.put("layer.v1.tar+gzip", gzip.compress(image.layer, 9, mtime=0))
        manifest = self.put_json("manifest.v1+json", config=config, layers=[layer])
        return manifest | {"platform": {"architecture": image.architecture, "os": "linux"}}

    def put_all(self, images):
        index = self.put_json("index.v1+json", manifests=[self.put_image(image) for image in images])
        name = {"org.opencontainers.image.ref.name": images[0].version}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index | {"annotations": name}]}))
        return index["digest"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oci", type=pathlib.Path, metavar="FOLDER", help="where the image for all architectures goes")
    parser.add_argument("folders", type=pathlib.Path, nargs="*", default=[ROOT / "dist"], metavar="FOLDER", help="what `deploy/release/build` has left (dist)")
    asked = parser.parse_args()
    images = [Image(folder) for folder in asked.folders]
    for folder, image in zip(asked.folders, images):
        packed = docker_archive(image)
        (folder / "burgee-image.tar").write_bytes(packed)
        print(f"{folder}/burgee-image.tar: burgee:{image.version}, {len(packed) / 1e6:.1f} MB, of {image.source}")
    if asked.oci:
        print(f"{asked.oci}: {Layout(asked.oci).put_all(images)}, {', '.join(image.architecture for image in images)}")


if __name__ == "__main__":
    main()
