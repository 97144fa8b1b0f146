"""Makes what is generated: value tables, the library's copies of deploy/, golden files. `UPDATE=1 tests/e2e/helm/run` calls it."""

import json
import re
import shutil

import yaml

from chart import HERE, ROOT, cases, key, objects, template

CHARTS = ["burgee", "burgee-lib", "burgee-injector"]
COPIES = {
    f"helm/{chart}/files/{name}": f"deploy/{name}" for chart in ("burgee-lib", "burgee-injector") for name in ("alerts.yaml", "dashboard.json")
}
# the library inside the chart that installs with it: a link there would have helm warn of it in each command
LIBRARY, INSIDE = ROOT / "helm/burgee-lib", ROOT / "helm/burgee/charts/burgee-lib"
BEGIN, END = "<!-- values: generated from values.schema.json -->", "<!-- end of values -->"


def library():
    """Where each file of the library inside the chart is, and what it should say. Its README stays outside."""
    for path in sorted(LIBRARY.rglob("*")):
        if path.is_file() and path.name != "README.md":
            yield INSIDE / path.relative_to(LIBRARY), path.read_text()


def rows(schema, values, path=""):
    """One line of the table a key that has no keys of its own."""
    for name, shape in schema["properties"].items():
        if not path and name == "global":
            continue
        here, value = f"{path}{name}", (values or {}).get(name)
        if "properties" in shape:
            yield from rows(shape, value, f"{here}.")
            continue
        kind = shape.get("type") or " or ".join(json.dumps(one) for one in shape["enum"])
        kind = kind if isinstance(kind, str) else " or ".join(kind)
        cells = (f"`{here}`", kind, f"`{json.dumps(value)}`", shape["description"])
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def table(chart):
    folder = ROOT / "helm" / chart
    schema = json.loads((folder / "values.schema.json").read_text())
    values = yaml.safe_load((folder / "values.yaml").read_text())
    return "\n".join(["| key | type | default | what it does |", "|---|---|---|---|", *rows(schema, values)])


def readme(chart):
    """Where the README is, what it says, and what it should say."""
    path = ROOT / "helm" / chart / "README.md"
    now = path.read_text()
    part = f"{BEGIN}\n{table(chart)}\n{END}"
    return path, now, re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: part, now, flags=re.DOTALL)


def golden():
    """Where each golden file is, and what it should say. Parsed and sorted, so that both helms make the same."""
    for name, case in cases():
        for kube in case.get("golden", []):
            documents = sorted(objects(template("helm 4", case["chart"], case.get("values"), kube)), key=key)
            yield HERE / "golden" / f"{name}.{kube}.yaml", yaml.safe_dump_all(documents, width=160, sort_keys=False)


if __name__ == "__main__":
    for copy, source in COPIES.items():
        shutil.copyfile(ROOT / source, ROOT / copy)
    shutil.rmtree(INSIDE, ignore_errors=True)
    for path, text in library():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for chart in CHARTS:
        path, _, wanted = readme(chart)
        path.write_text(wanted)
    for path, wanted in golden():
        path.write_text(wanted)
