"""The chart that the library's README shows, copied out of it, works."""

import pathlib
import re
import shutil
import tempfile
import unittest

from chart import HELMS, KUBES, ROOT, key, objects, pods, run
from test_charts import problem
from test_pods import named_ports

README = (ROOT / "helm/burgee-lib/README.md").read_text()


def copied(folder):
    """The README's chart, beside the library; the lines that begin with `# path` say which file a block is."""
    shutil.copytree(ROOT / "helm/burgee-lib", folder / "burgee-lib")
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", README, re.M | re.S)
    for path, text in blocks:
        file = folder / "shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [path for path, _ in blocks]


class Readme(unittest.TestCase):
    def test_its_chart_is_a_whole_one_and_reaches_the_application_through_burgee(self):
        for helm, binary in HELMS.items():
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                self.assertEqual(["Chart.yaml", "values.yaml", "templates/shop.yaml"], copied(folder))
                # the command below it, as far as there is no cluster
                self.assertIn("helm dependency build shop && helm install shop ./shop", README)
                run(binary, "dependency", "build", str(folder / "shop"))
                run(binary, "lint", "--strict", str(folder / "shop"))
                for kube in KUBES:
                    with self.subTest(helm=helm, kube=kube):
                        self.check(objects(run(binary, "template", "shop", str(folder / "shop"), "--kube-version", f"{kube}.0")), kube)

    def check(self, documents, kube):
        self.assertEqual([], [found for found in (problem(d, kube) for d in documents) if found])
        kinds = {document["kind"]: document for document in documents}
        self.assertEqual({"Deployment", "Service", "ConfigMap"}, set(kinds))
        ((_, pod),) = pods(documents)
        (port,) = kinds["Service"]["spec"]["ports"]
        target = port["targetPort"]
        self.assertEqual(3524, target if isinstance(target, int) else named_ports(pod, kube != "1.29")[target][1])
        self.assertLessEqual(kinds["Service"]["spec"]["selector"].items(), pod["metadata"]["labels"].items())
        (volume,) = pod["spec"]["volumes"]
        mounted = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
        self.assertEqual([key(kinds["ConfigMap"])[1], "shop-stops"], mounted)
        (app,) = pod["spec"]["containers"]
        self.assertIn("readinessProbe", app)
        burgee = pod["spec"]["initContainers"][0]
        self.assertIn(f"http://127.0.0.1:{app['ports'][0]['containerPort']}", burgee["args"])


if __name__ == "__main__":
    unittest.main()
