"""As much of an API server as helm asks before it installs: its version, and what it offers. In: nothing. Out: $KUBECONFIG for it."""

import contextlib
import http.server
import json
import os
import pathlib
import tempfile
import threading

GROUPS = {
    "api/v1": ["configmaps:ConfigMap", "services:Service", "pods:Pod", "secrets:Secret", "serviceaccounts:ServiceAccount"],
    "apis/apps/v1": ["deployments:Deployment"],
    "apis/policy/v1": ["poddisruptionbudgets:PodDisruptionBudget"],
    "apis/autoscaling/v2": ["horizontalpodautoscalers:HorizontalPodAutoscaler"],
    "apis/networking.k8s.io/v1": ["networkpolicies:NetworkPolicy", "ingresses:Ingress"],
    "apis/gateway.networking.k8s.io/v1": ["httproutes:HTTPRoute"],
    "apis/monitoring.coreos.com/v1": ["podmonitors:PodMonitor", "prometheusrules:PrometheusRule"],
    "apis/admissionregistration.k8s.io/v1": [
        f"{kind.lower()[:-1]}{'ies' if kind.endswith('y') else 'gs'}:{kind}"
        for start in ("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy") for kind in (start, f"{start}Binding")
    ],
}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0].strip("/")
        if path == "version":
            return self.say({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
        if path == "api":
            return self.say({"kind": "APIVersions", "versions": ["v1"]})
        if path == "apis":
            groups = [name.split("/")[1:] for name in GROUPS if name.startswith("apis/")]
            one = lambda group, version: {"groupVersion": f"{group}/{version}", "version": version}
            return self.say({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
                {"name": group, "versions": [one(group, version)], "preferredVersion": one(group, version)} for group, version in groups]})
        if path in GROUPS:
            resources = [(*row.split(":"), "Admission" not in row) for row in GROUPS[path]]
            return self.say({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path.split("/", 1)[1], "resources": [
                {"name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": ["create", "get", "list", "patch"]}
                for name, kind, namespaced in resources]})
        if path.endswith("/secrets"):  # where helm keeps its releases: there are none
            return self.say({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
        return self.say({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not here"}, 404)

    def say(self, answer, status=200):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running():
    """An environment in which helm finds it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "kubeconfig"
        config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}], "users": [{"name": "me", "user": {}}]}))
        yield os.environ | {"KUBECONFIG": str(config), "HELM_CACHE_HOME": folder, "HELM_DATA_HOME": folder, "HELM_CONFIG_HOME": folder}
    server.shutdown()
    server.server_close()
