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
        page = services["page"]
        self.assertEqual("service:burgee", page["network_mode"])
        flags = dict(zip(page["command"][1::2], page["command"][2::2]))
        self.assertEqual("http://127.0.0.1:3526", flags["--upstream"])
        self.assertIn(f"127.0.0.1:3526:{flags['--listen'].rpartition(':')[2]}", services["burgee"]["ports"])

    def test_the_guard_is_the_charts_and_may_do_no_more_than_it_needs(self):
        by_hand = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/guard.yaml").read_text()))
        values = {"guard": {"enabled": True, "prometheus": "http://prometheus.monitoring:9090", "image": "kubectl"}}
        documents = objects(template("helm 4", "helm/burgee", values, "1.36"))
        by_chart = {(d["kind"], d["metadata"]["name"]): d for d in documents}
        for kube in KUBES:
            self.assertEqual([], [found for found in (problem(d, kube) for d in by_hand) if found])
        for document in by_hand:
            twin = by_chart[document["kind"], document["metadata"]["name"]]
            for field in ("rules", "roleRef", "subjects"):
                self.assertEqual(document.get(field), twin.get(field))
        (_, pod), = pods(by_hand)
        of_chart = next(pod for name, pod in pods(documents) if name == "shop-guard")
        self.assertEqual([], list(restricted(pod)))
        for field in ("serviceAccountName", "securityContext", "volumes"):
            self.assertEqual(pod["spec"][field], of_chart["spec"][field])
        for kind in ("initContainers", "containers"):
            mine, its = (dict(spec[kind][0], image="", imagePullPolicy="") for spec in (pod["spec"], of_chart["spec"]))
            self.assertEqual(mine, its)
        # without the second Role it may change one ConfigMap, and nothing else
        values["guard"]["refreshPods"] = False
        roles = [d for d in objects(template("helm 4", "helm/burgee", values, "1.36")) if d["kind"] == "Role"]
        self.assertEqual([[{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shop-stops"], "verbs": ["get", "update"]}]], [role["rules"] for role in roles])
