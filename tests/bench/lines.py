#!/usr/bin/env python3
"""How long `burgee report` takes over ten million lines of a million people, by standard input: nine exposures and a goal each.

In: $BURGEE, a release build; --people (1,000,000); --visitors: each met the feature first as a visitor, and a line more says who that is. Out: seconds of the processor and megabytes; 1 where it has not read every line.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES = 10  # a person's
DRAW = '{"rule":"-","control":"off","shares":{"off":0.5,"on":0.5}}'


def person(number, visitors):
    """By turns: half of them have it on, and reach the goal more often."""
    user, variant = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}", ("off", "on")[number % 2]
    day, second = number % 14, number // 14 % 60
    when = lambda line: f"2026-11-{day + 1:02}T{line:02}:00:{second:02}.{number % 1_000_000:06}Z"
    by = lambda who: f'"feature_flag.version":"0123456789abcdef","feature_flag.context.id":"{who}"'
    of, visitor = by(user), f"v{user[1:]}"
    seen = "".join(f'{{"time":"{when(line)}","feature_flag.key":"checkout","feature_flag.result.variant":"{variant}","feature_flag.result.reason":"split",'
                   f'{by(visitor) if visitors and line == 0 else of},"draw":{DRAW}}}\n' for line in range(LINES - 1))
    if visitors:
        seen += f'{{"time":"{when(LINES - 1)}","visitor":"{visitor}",{of}}}\n'
    goal = "purchase" if number % 20 < 4 + 2 * (number % 2) else "sign-up"
    return f'{seen}{{"time":"{when(LINES)}","goal":"{goal}",{of},"features":{{"checkout":"{variant}"}}}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--visitors", action="store_true")
    asked = parser.parse_args()
    command = [os.environ.get("BURGEE", ROOT / "target/release/burgee"), "report", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        for number in range(asked.people):
            reader.stdin.write(person(number, asked.visitors))
        reader.stdin.close()
        said = json.loads(reader.stdout.read())
    used, read = resource.getrusage(resource.RUSAGE_CHILDREN), said["lines"]
    print(f"{read['read']:,} lines of {asked.people:,} people: {used.ru_utime + used.ru_stime:.1f} s of a core, {used.ru_maxrss / 1024:.0f} MB")
    joined = asked.people if asked.visitors else 0
    sys.exit(read["exposures"] + read["goals"] != asked.people * LINES or read["broken"] > 0 or read["joined"] != joined)


if __name__ == "__main__":
    main()
