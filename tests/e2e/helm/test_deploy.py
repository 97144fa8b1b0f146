"""The manifests of deploy/: valid, restricted, and the same pod that the chart makes."""

import os
import unittest

import yaml

from chart import KUBES, ROOT, objects, pods, run, template
from test_charts import problem
from test_pods import named_ports, restricted


def defaulted(container):
    """A container without what the API server would fill in anyway."""
    container = dict(container, ports=[dict(port, protocol="TCP") for port in container["ports"]])
    return container | {"imagePullPolicy": "IfNotPresent"}


class Manifests(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.documents = objects(run(os.environ["KUBECTL"], "kustomize", "deploy/kubernetes"))

    def test_they_are_valid_for_each_kubernetes(self):
        for kube in KUBES:
            self.assertEqual([], [found for found in (problem(d, kube) for d in self.documents) if found])

    def test_pod_security_restricted_accepts_them_and_the_service_goes_to_burgee(self):
        (_, pod), = pods(self.documents)
        service = next(d for d in self.documents if d["kind"] == "Service")
        self.assertEqual([], list(restricted(pod)))
        self.assertLessEqual(service["spec"]["selector"].items(), pod["metadata"]["labels"].items())
        self.assertEqual(("burgee", service["spec"]["ports"][0]["targetPort"]), named_ports(pod, True)["http"])

    def test_the_pod_is_the_charts(self):
        (_, by_hand), = pods(self.documents)
        by_chart = next(pod for name, pod in pods(objects(template("helm 4", "helm/burgee", {}, "1.36"))) if name == "shop")
        for kind in ("initContainers", "containers"):
            self.assertEqual(*([defaulted(c) for c in pod["spec"][kind]] for pod in (by_chart, by_hand)))
        for field in ("volumes", "terminationGracePeriodSeconds", "automountServiceAccountToken"):
            self.assertEqual(by_chart["spec"][field], by_hand["spec"][field])

    def test_compose_mounts_a_directory_and_keeps_the_application_on_loopback(self):
        services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
        folder = services["burgee"]["volumes"][0].split(":")[0]
        self.assertEqual(["toggles.yaml"], [path.name for path in (ROOT / "deploy" / folder).iterdir()])
        self.assertEqual("service:burgee", services["app"]["network_mode"])
