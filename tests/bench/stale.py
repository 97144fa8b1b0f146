#!/usr/bin/env python3
"""How long `burgee stale` takes over a big tree, on one core, warm: a gigabyte of our own code, again and again, in files as repositories have them.

In: $BURGEE, a release build; --gigabytes (1), --features (100), --folder for the tree (a temporary one). Out: seconds of the processor and on
the clock, the best of three; 1 beyond 5 s a gigabyte, or where it does not find what was put there. The tree is deleted.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST = 5.0  # seconds of one core a gigabyte


def tree(folder, size, dice):
    """Files of 1 to 60 KB, a hundred a folder, of pieces of our own sources; every thousandth names a feature."""
    text = "\n".join(path.read_text() for path in sorted(ROOT.glob("src/**/*.rs"))).encode()
    made = files = named = 0
    while made < size:
        place = folder / f"part{files // 10_000}" / f"folder{files // 100}"
        place.mkdir(parents=True, exist_ok=True)
        length = min(60_000, int(dice.lognormvariate(9, 1)) + 1_000)
        start = dice.randrange(len(text) - length)
        body = text[start : start + length]
        if files % 1_000 == 0:
            body += b"\nlet variant = headers.get(\"x-feature-feature-7\");\n"
            named += 1
        (place / f"file{files}.rs").write_bytes(body)
        made += len(body)
        files += 1
    return made, files, named


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--folder", type=pathlib.Path)
    asked = parser.parse_args()
    binary = os.environ.get("BURGEE", ROOT / "target/release/burgee")
    folder = pathlib.Path(tempfile.mkdtemp(dir=asked.folder))
    try:
        made, files, named = tree(folder / "code", asked.gigabytes * 1e9, random.Random(1))
        toggles = folder / "toggles.yaml"
        toggles.write_text("version: 1\nfeatures:\n" + "".join(f"  feature-{number}: on\n" for number in range(asked.features)))
        core = min(os.sched_getaffinity(0))
        best = None
        for _ in range(4):  # the first one warms the cache
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            done = subprocess.run([binary, "stale", toggles, "--code", folder / "code", "--json"], capture_output=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
            clock, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best = min(best or (spent, clock), (spent, clock))
        said = json.loads(done.stdout)
        found = len(said["features"]["feature-7"]["named"])
        spent, clock = (each * 1e9 / made for each in best)
        print(f"{made / 1e9:.2f} GB, {files} files, {asked.features} features: {spent:.2f} s of a core and {clock:.2f} s on the clock a gigabyte; {found} of {named} found; {after.ru_maxrss / 1024:.0f} MB")
        sys.exit(0 if spent < MOST and found == named and said["searched"]["files"] == files else 1)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
