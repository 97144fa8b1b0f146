"""burgee report says what the reference says, of 20 logs, in whatever order and however packed, and where visitors sign in. In: BURGEE. Out: a line a log."""
import gzip
import json
import os
import pathlib
import random
import subprocess
import tempfile

import logs
import reference

BURGEE = os.environ.get("BURGEE", str(pathlib.Path(__file__).parents[3] / "target/debug/burgee"))
DATA = pathlib.Path(__file__).parents[2] / "data/report"


def burgee(*files, stdin=None):
    ran = subprocess.run([BURGEE, "report", "--json", *map(str, files)], input=stdin, capture_output=True, check=True)
    return ran.stdout


def differences(found, expected, path=""):
    """Where numbers differ by more than 1e-9, or anything else does. What the reference does not say is not compared."""
    if isinstance(expected, dict):
        for key in expected:
            yield from differences(found[key], expected[key], f"{path}.{key}")
    elif isinstance(expected, list):
        if len(found) != len(expected):
            yield f"{path}: {len(found)} for {len(expected)}"
        for index, pair in enumerate(zip(found, expected)):
            yield from differences(*pair, f"{path}[{index}]")
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        if abs(found - expected) > 1e-9 * max(1, abs(expected)):
            yield f"{path}: {found} for {expected}"
    elif found != expected:
        yield f"{path}: {found} for {expected}"


def visitors(lines, dice):
    """Half of the lines by one of two visitors instead of the user, or of somebody else's browser; and who signed in where, and when.
    Some say that their visitor's id is a user's."""
    out, persons = [], set()
    for line in lines:
        fields = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
        user = fields.get("feature_flag.context.id")
        if isinstance(user, str) and isinstance(fields.get("time"), str) and dice.random() < 0.5:
            visitor = f"{user}-{dice.randrange(2)}" if dice.random() < 0.9 else f"shared-{dice.randrange(20)}"
            line = json.dumps(fields | {"feature_flag.context.id": visitor}, separators=(",", ":"))
            persons.add((fields["time"], user, visitor))
            if dice.random() < 0.05:
                persons.add((fields["time"], f"mallory-{dice.randrange(50)}", user))
        out.append(line)
    for time, user, visitor in persons:
        out.append(json.dumps({"time": time, "visitor": visitor, "feature_flag.version": "0", "feature_flag.context.id": user}))
    dice.shuffle(out)
    return out


verdicts = {}
for kind in range(logs.KINDS):
    lines = logs.log(kind)
    whole = "".join(line + "\n" for line in lines).encode()
    said = burgee("-", stdin=whole)
    expected = reference.report([line.encode() for line in lines])
    wrong = list(differences(json.loads(said), expected))
    assert not wrong, (kind, wrong[:5])
    random.Random(kind).shuffle(lines)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for pod in range(5):
            part = "".join(line + "\n" for line in lines[pod::5]).encode()
            file = pathlib.Path(folder) / f"{pod}.log"
            # rotated logs are several packed members in a row
            file.write_bytes(gzip.compress(part[: len(part) // 2]) + gzip.compress(part[len(part) // 2:]) if pod % 2 else part)
            files.append(file)
        assert burgee(*files) == said, f"log {kind}: another order, another answer"
    both = visitors(lines, random.Random(kind))
    said = json.loads(burgee("-", stdin="".join(line + "\n" for line in both).encode()))
    expected_of_both = reference.report([line.encode() for line in both])
    wrong = list(differences(said, expected_of_both))
    assert not wrong and said["lines"]["joined"] > 50, (kind, said["lines"], wrong[:5])
    found = [one["verdict"] for of in expected["features"].values() for goal in of["goals"].values() for one in goal["compared"]]
    for one in found:
        verdicts[one] = verdicts.get(one, 0) + 1
    print(f"log {kind:2}: {len(lines):6} lines, {', '.join(found)}", flush=True)
    small = DATA / f"{kind:02}.log.gz"
    assert json.loads(small.with_suffix("").with_suffix(".json").read_text()) == json.loads(json.dumps(reference.report(reference.read(small)))), small
assert {"too_few", "more_often", "less_often", "no_difference_seen", "refused"} <= set(verdicts), verdicts
print(f"report: {logs.KINDS} logs as the reference says, {verdicts}")
