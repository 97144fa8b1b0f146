"""The values matrix: both helms, three versions of Kubernetes, every object strictly validated."""

import pathlib
import shutil
import tempfile
import unittest

import jsonschema
import kubernetes_validate
import yaml

import generate
from chart import HELMS, HERE, KUBES, ROOT, Refused, cases, key, objects, render, run, template

# what of the Prometheus operator's objects is used here, as strictly as the rest
CRDS = yaml.safe_load((HERE / "crds.yaml").read_text())


def problem(document, kube):
    """What is wrong with an object, or nothing."""
    try:
        if document["kind"] in CRDS:
            jsonschema.validate(document, CRDS[document["kind"]])
        else:
            kubernetes_validate.validate(document, kube, strict=True)
    except Exception as error:  # whatever is wrong is the answer
        return f"{key(document)}: {error}"
    return None


class Matrix(unittest.TestCase):
    maxDiff = None

    def each(self):
        for name, case in cases():
            for kube in case.get("kube", KUBES):
                yield name, case, kube

    def test_every_chart_makes_valid_objects_with_both_helms_and_each_kubernetes(self):
        for name, case, kube in self.each():
            rendered = {}
            for helm in HELMS:
                with self.subTest(case=name, kube=kube, helm=helm):
                    documents = objects(template(helm, case["chart"], case.get("values"), kube))
                    self.assertTrue(documents)
                    self.assertEqual([], [found for found in (problem(d, kube) for d in documents) if found])
                    self.assertEqual(len(documents), len({key(d) for d in documents}), "two objects of one name")
                    rendered[helm] = sorted(documents, key=key)
            self.assertEqual(*rendered.values(), f"{name} {kube}: the helms differ")

    def test_rendering_twice_changes_nothing(self):
        for name, case, kube in self.each():
            for helm in HELMS:
                with self.subTest(case=name, kube=kube, helm=helm):
                    arguments = (helm, case["chart"], case.get("values"), kube)
                    self.assertEqual(template(*arguments), render(*arguments))

    def test_the_golden_files_are_what_is_rendered(self):
        wanted = dict(generate.golden())
        self.assertEqual(sorted(wanted), sorted((HERE / "golden").glob("*.yaml")), "a golden file too many or missing: UPDATE=1")
        for path, text in wanted.items():
            with self.subTest(golden=path.name):
                self.assertEqual(path.read_text(), text, "UPDATE=1 tests/e2e/helm/run rewrites it")

    def test_bad_values_are_refused_with_a_sentence(self):
        for row in yaml.safe_load((HERE / "refused.yaml").read_text()):
            for helm in HELMS:
                with self.subTest(helm=helm, **row):
                    with self.assertRaises(Refused) as refused:
                        template(helm, row["chart"], row["values"], row.get("kube", "1.36"))
                    self.assertIn(row["says"], str(refused.exception))

    def test_a_packaged_chart_and_one_with_built_dependencies_render_the_same(self):
        for helm, binary in HELMS.items():
            with self.subTest(helm=helm), tempfile.TemporaryDirectory() as folder:
                shutil.copytree(ROOT / "helm", f"{folder}/helm", symlinks=True)
                run(binary, "dependency", "build", f"{folder}/helm/burgee")
                run(binary, "package", str(ROOT / "helm/burgee"), "--destination", folder)
                wanted = objects(template(helm, "helm/burgee", {}, "1.36"))
                for chart in (f"{folder}/helm/burgee", *map(str, pathlib.Path(folder).glob("burgee-*.tgz"))):
                    self.assertEqual(wanted, objects(template(helm, chart, {}, "1.36")))

    def test_lint_finds_nothing(self):
        for helm, binary in HELMS.items():
            for chart in generate.CHARTS:
                with self.subTest(helm=helm, chart=chart):
                    run(binary, "lint", "--strict", f"helm/{chart}")

    def test_the_validation_can_fail(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "imagee": "b"}]}}
        for kube in KUBES:
            self.assertIn("imagee", problem(pod, kube) or "")


if __name__ == "__main__":
    unittest.main()
