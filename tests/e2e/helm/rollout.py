"""Plays a Deployment's rollout over a bad toggles file, with the real binary, in a network namespace of its own: `unshare --net` runs it.

In: the objects of a release on standard input, $BURGEE. Out: 0, or what did not happen.
"""

import pathlib
import subprocess
import sys
import tempfile

import yaml

from kubelet import BURGEE, Pod, get, swap, until

GOOD = {"toggles.yaml": "version: 1\nfeatures: {dark-mode: on}\n"}
BAD = {"toggles.yaml": "version: 1\nfeatures: {dark-mode: 110%}\n"}
MENDED = {"toggles.yaml": "version: 1\nfeatures: {dark-mode: off}\n"}


def must(holds, what):
    if not holds:
        raise SystemExit(what)


def is_ready(pod):
    """As the kubelet and the Deployment see it: all containers."""
    return all(pod.probe(container, "readinessProbe") for container in (pod.sidecar, pod.app))


def sees(pod, value):
    command = [BURGEE, "probe", f"http://127.0.0.1:{3524 + pod.offset}/", "--expect-header", f"X-Feature-Dark-Mode={value}"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    deployment = next(document for document in yaml.safe_load_all(sys.stdin) if document["kind"] == "Deployment")["spec"]
    spec = deployment["template"]["spec"]
    old, new = (Pod(spec, pathlib.Path(tempfile.mkdtemp()), offset) for offset in (0, 10_000))
    try:
        swap(old.mount, GOOD)
        old.start(old.sidecar)
        until("the old sidecar starts", lambda: old.probe(old.sidecar, "startupProbe"))
        old.start(old.app)
        until("the old pod is ready", lambda: is_ready(old))

        # a typo, and then `kubectl rollout restart`
        for pod in (old, new):
            swap(pod.mount, BAD)
        new.start(new.sidecar)
        # the application starts after a native sidecar has started: that must not wait for the file
        until("the new sidecar starts", lambda: new.probe(new.sidecar, "startupProbe"))
        must(not new.probe(new.app, "readinessProbe"), "an application that does not listen yet would get requests")
        new.start(new.app)
        until("the new application is ready", lambda: new.probe(new.app, "readinessProbe"))
        status, why = new.get(3525, "/ready")
        must(status == 503 and "toggles.yaml:2:" in why and "write" in why, f"/ready of the new pod: {status} {why}")
        must(new.probe(new.sidecar, "livenessProbe"), "the new pod would be killed")
        refused = "burgee_config_last_reload_successful 0"
        until("the old pod has seen the typo", lambda: refused in old.get(3525, "/metrics")[1])
        must(is_ready(old) and sees(old, "on"), "the old pod does not serve the last good file")
        must(not is_ready(new), "the rollout goes on")
        must("burgee_config_last_success_timestamp_seconds 0" in new.get(3525, "/metrics")[1], "no alert would fire")
        patience = next(after for flag, after in zip(new.sidecar["args"], new.sidecar["args"][1:]) if flag == "--on-bad-start")
        must(patience == "unready:15m" and deployment["progressDeadlineSeconds"] < 15 * 60, "the rollout would not have failed in time")

        # the file is mended: the rollout goes on by itself, and only now the old pod ends
        for pod in (old, new):
            swap(pod.mount, MENDED)
        until("the new pod is ready", lambda: is_ready(new) and sees(new, "off"))
        command = old.sidecar["lifecycle"]["preStop"]["exec"]["command"]
        subprocess.run([BURGEE, *command[1:]], stdout=sys.stderr, check=True)
        must(get(3525, "/ready")[0] == 503, "the old pod does not drain")
        for container in (old.app, old.sidecar):
            old.stop(container["name"])
        must(is_ready(new), "the new pod is not alone")
    finally:
        for pod in (old, new):
            for process in pod.running.values():
                process.kill()


if __name__ == "__main__":
    main()
