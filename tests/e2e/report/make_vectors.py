#!/usr/bin/env python3
"""Writes tests/data/report: 20 small logs, and what the reference says of them. A test of cargo holds burgee to these."""
import gzip
import json
import pathlib

import logs
import reference

data = pathlib.Path(__file__).parents[2] / "data/report"
data.mkdir(exist_ok=True)
for kind in range(logs.KINDS):
    text = "".join(line + "\n" for line in logs.log(kind, people=600 if kind == 3 else 150)).encode()
    path = data / f"{kind:02}.log.gz"
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    said = reference.report(reference.read(path))
    path.with_name(f"{kind:02}.json").write_text(json.dumps(said, indent=1) + "\n")
