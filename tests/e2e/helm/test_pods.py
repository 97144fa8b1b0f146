"""What a pod must be beyond its schema: what Pod Security "restricted" accepts, what finds its way by name, how it ends."""

import re
import unittest

from chart import HELMS, KUBES, cases, key, objects, pods, template


def restricted(pod):
    """What Pod Security "restricted" would say of a pod (only what these charts could get wrong)."""
    spec = pod["spec"]
    around = spec.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        if not {"configMap", "emptyDir", "projected", "secret", "downwardAPI"} & set(volume):
            yield f"volume {volume['name']}"
    for container in spec.get("initContainers", []) + spec["containers"]:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']}: allowPrivilegeEscalation"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
            yield f"{container['name']}: capabilities"
        if not own.get("runAsNonRoot", around.get("runAsNonRoot")):
            yield f"{container['name']}: runAsNonRoot"
        if own.get("seccompProfile", around.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{container['name']}: seccompProfile"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{container['name']}: hostPort"


def named_ports(pod, native_are_found):
    """name -> container of the ports that a Service finds."""
    spec = pod["spec"]
    found = spec["containers"] + (spec.get("initContainers", []) if native_are_found else [])
    return {port["name"]: (container["name"], port["containerPort"]) for container in found for port in container.get("ports", [])}


class Pods(unittest.TestCase):
    def each(self):
        for name, case in cases():
            for kube in case.get("kube", KUBES):
                with self.subTest(case=name, kube=kube):
                    yield name, kube, objects(template("helm 4", case["chart"], case.get("values"), kube))

    def test_pod_security_restricted_accepts_every_pod(self):
        for _, _, documents in self.each():
            for _, pod in pods(documents):
                self.assertEqual([], list(restricted(pod)))

    def test_the_check_of_restricted_can_fail(self):
        pod = {"spec": {"containers": [{"name": "a", "ports": [{"hostPort": 1}]}], "volumes": [{"name": "v", "hostPath": {}}], "hostNetwork": True}}
        self.assertEqual(7, len(list(restricted(pod))))

    def test_a_service_reaches_burgee_and_not_the_application(self):
        for _, kube, documents in self.each():
            for service in (d for d in documents if d["kind"] == "Service"):
                pod = next(pod for _, pod in pods(documents) if service["spec"]["selector"].items() <= pod["metadata"].get("labels", {}).items())
                for port in service["spec"]["ports"]:
                    target = port["targetPort"]
                    if isinstance(target, str):
                        # Services find the named port of a native sidecar from 1.32 on
                        target = named_ports(pod, kube != "1.29")[target][1]
                    self.assertEqual({"http": 3524, "evaluate": 3527}[port["name"]], target)

    def test_port_3527_is_in_the_service_the_pod_and_the_network_policy_or_in_none(self):
        seen = set()
        for name, _, documents in self.each():
            for service in (d for d in documents if d["kind"] == "Service"):
                pod = next(pod for _, pod in pods(documents) if service["spec"]["selector"].items() <= pod["metadata"].get("labels", {}).items())
                containers = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
                (burgee,) = [c for c in containers if c["name"] == "burgee"]
                listens = "--evaluate-listen" in burgee["args"]
                seen.add(listens)
                self.assertEqual(listens, 3527 in [port["containerPort"] for port in burgee["ports"]], name)
                self.assertEqual(listens, 3527 in [port["port"] for port in service["spec"]["ports"]], name)
                for policy in (d for d in documents if d["kind"] == "NetworkPolicy"):
                    self.assertEqual(listens, 3527 in [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]], name)
        self.assertEqual({True, False}, seen)

    def test_what_names_something_of_the_release_names_what_there_is(self):
        for _, _, documents in self.each():
            there = {key(document) for document in documents}
            for document in documents:
                spec = document.get("spec", {})
                if document["kind"] == "HorizontalPodAutoscaler":
                    self.assertIn((spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]), there)
                if document["kind"] == "Ingress":
                    for rule in spec["rules"]:
                        self.assertIn(("Service", rule["http"]["paths"][0]["backend"]["service"]["name"]), there)
                if document["kind"] == "HTTPRoute":
                    ports = {port["port"] for d in documents if d["kind"] == "Service" for port in d["spec"]["ports"]}
                    self.assertIn(spec["rules"][0]["backendRefs"][0]["port"], ports)
                if document["kind"] == "PodDisruptionBudget":
                    (pod,) = [pod for _, pod in pods(documents) if spec["selector"]["matchLabels"].items() <= pod["metadata"].get("labels", {}).items()]
                    self.assertIn("burgee", [c["name"] for c in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]])
            accounts = {name for kind, name in there if kind == "ServiceAccount"}
            self.assertLessEqual(accounts, {pod["spec"].get("serviceAccountName") for _, pod in pods(documents)})

    def test_a_test_pod_gets_no_traffic(self):
        for _, _, documents in self.each():
            for service in (d for d in documents if d["kind"] == "Service"):
                for pod in (d for d in documents if d["kind"] == "Pod"):
                    self.assertFalse(service["spec"]["selector"].items() <= pod["metadata"].get("labels", {}).items())

    def test_every_pod_has_time_to_end(self):
        for name, _, documents in self.each():
            for _, pod in pods(documents):
                containers = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
                burgee = next((c for c in containers if c["name"] == "burgee"), None)
                if burgee is None:
                    continue  # the pod of `helm test`
                sleep = max(c.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) for c in containers)
                drain = int(burgee["args"][burgee["args"].index("--drain-timeout") + 1].removesuffix("s"))
                self.assertGreaterEqual(pod["spec"]["terminationGracePeriodSeconds"], sleep + drain, name)

    def test_a_rollout_over_a_bad_file_has_failed_before_its_pods_become_ready(self):
        units, seen = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}, set()
        for name, _, documents in self.each():
            for deployment in (d for d in documents if d["kind"] == "Deployment"):
                spec = deployment["spec"]["template"]["spec"]
                if deployment["metadata"]["name"].endswith("-guard"):
                    continue  # no application, and no toggles
                (args,) = [c["args"] for c in spec.get("initContainers", []) + spec["containers"] if c["name"] == "burgee"]
                what = args[args.index("--on-bad-start") + 1]
                seen.add(what)
                if time := re.fullmatch(r"unready:(\d+)(\w+)", what):
                    self.assertLess(deployment["spec"]["progressDeadlineSeconds"], int(time[1]) * units[time[2]], name)
        self.assertGreater(len(seen), 3)

    def test_mounts_have_volumes_and_ports_have_short_names(self):
        for _, _, documents in self.each():
            for _, pod in pods(documents):
                volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
                for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
                    self.assertLessEqual({mount["name"] for mount in container.get("volumeMounts", [])}, volumes)
                    for port in container.get("ports", []):
                        self.assertLessEqual(len(port["name"]), 15)

    def test_both_helms_are_the_ones_asked_for(self):
        self.assertEqual(["helm 3", "helm 4"], list(HELMS))
