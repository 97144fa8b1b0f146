"""Stop, resume, apply and status, as somebody types them at night. In: $BURGEE. Out: what did not hold."""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from cluster import BURGEE, KUBECTL, TOGGLES, Cluster

WHY = ("--why", "5xx in treatment")


def started(*arguments):
    """A burgee, and the addresses that it says it listens at."""
    process = subprocess.Popen([BURGEE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if "listens" in line:
            process.reader = threading.Thread(target=lambda: [None for _ in process.stdout])
            process.reader.start()
            return process, dict(re.findall(r'"?(listen|admin|api)"?[:=]"?(127\.0\.0\.1:\d+)', line)) or {"listen": re.search(r"127\.0\.0\.1:\d+", line)[0]}
    raise AssertionError("it did not start")


def ended(process):
    process.terminate()
    process.wait(20)
    process.reader.join()
    process.stdout.close()


class Steer(unittest.TestCase):
    def test_a_stop_of_forty_pods_is_confirmed_and_true(self):
        """38 have it within 5 seconds and two are named; then all 40 within 5 seconds."""
        with Cluster() as cluster:
            for number in range(40):
                cluster.pod(f"shop-{number}", delay=None if number in (3, 7) else 0.2 + 0.02 * number)
            command = [BURGEE, "stop", "checkout", *WHY, f"--kubectl={KUBECTL}"]
            begun = time.monotonic()
            process = subprocess.Popen(command, env=cluster.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertIn("38 of 40 pods\n", iter(process.stderr.readline, ""))
            laggards, calls = time.monotonic() - begun, len(cluster.calls)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130, out + error)
            named = re.findall(r"^  (\S+): it has the stops none; its kubelet has not delivered yet$", out, re.M)
            self.assertEqual(named, ["shop-3", "shop-7"], out)
            laggards_net = cluster.without_kubectl(laggards, calls)
            self.assertLess(laggards_net, 5)
            for pod in cluster.pods:
                pod.delay = 2.0 if pod.delay is None else 0.2
            cluster.calls.clear()
            cluster.told.clear()
            code, out, error, took = cluster.burgee("stop", "checkout", *WHY)
            self.assertEqual(code, 0, out + error)
            self.assertRegex(out, r"^stopped checkout everywhere: all 40 pods, \d")
            self.assertEqual({cluster.told[pod.name, pod.line(1)] for pod in cluster.pods}, {1}, "none is asked again that has told it")
            calls = len(cluster.calls)
            net = cluster.without_kubectl(took, calls)
            self.assertLess(net, 5)
            print(f"38 of 40 in {laggards:.1f} s ({laggards_net:.1f} s without kubectl's start), 40 in {took:.1f} s ({net:.1f} s, {calls} calls),", end=" ", flush=True)
            self.assertEqual({pod.variant("checkout") for pod in cluster.pods}, {"off"})
            self.assertEqual({pod.variant("search") for pod in cluster.pods}, {"off"})
            self.assertIn("why: \"5xx in treatment\", by: \"mia\"", cluster.maps["shop-stops"]["data"]["stops.yaml"])
            code, out, error, _ = cluster.burgee("status")
            self.assertEqual(code, 0, out + error)
            self.assertIn("everywhere the same, in 40 ready pods", out)
            self.assertRegex(out, r"checkout: stopped since \S+ by mia: 5xx in treatment")
            code, out, error, _ = cluster.burgee("resume", "checkout")
            self.assertEqual(code, 0, out + error)
            self.assertEqual({pod.variant("checkout") for pod in cluster.pods}, {"on"})

    def test_another_edit_while_pods_are_asked_is_no_everywhere(self):
        with Cluster() as cluster:
            cluster.pod("quick")
            slow = cluster.pod("slow", delay=None)

            def other(arguments):
                """Somebody resumes it as soon as the first pod has told that it is stopped; then the slow one has what was written first."""
                if arguments[1].startswith("--raw=") and "slow" in arguments[1] and not edited:
                    edited.append(slow.deliver())
                    cluster.maps["shop-stops"] = {"data": {"stops.yaml": "version: 1\nstops: {}\n"}, "version": 9, "metadata": {}}

            edited, cluster.before = [], other
            code, out, error, _ = cluster.burgee("stop", "checkout", "--json")
            said = json.loads(out)
            self.assertEqual((code, said["result"]), (1, "overwritten"), out + error)
            cluster.maps["shop-stops"]["version"] = 10
            edited.clear()
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 1, out + error)
            self.assertIn("somebody else has written something else since", out)

    def test_two_laggards_are_named_in_time(self):
        with Cluster() as cluster:
            for number in range(10):
                cluster.pod(f"shop-{number}", delay=None if number in (3, 7) else 0.1)
            code, out, error, _ = cluster.burgee("stop", "checkout", "--timeout", "3s")
            self.assertEqual(code, 1, out)
            self.assertIn("8 of 10 pods have it", out)
            self.assertIn("shop-3: it has the stops none; its kubelet has not delivered yet", out)
            self.assertIn("shop-7: it has", out)
            self.assertIn("8 of 10 pods\n", error)
            code, out, _, _ = cluster.burgee("status", "--json")
            status = json.loads(out)
            self.assertEqual((code, status["everywhere"]), (1, False))
            self.assertEqual([row["pod"] for row in status["pods"] if row["lags"]], ["shop-3", "shop-7"])

    def test_a_pod_that_is_older_one_that_never_answers_and_one_that_is_not_ready(self):
        with Cluster() as cluster:
            cluster.pod("good")
            cluster.pod("old", old=True)
            cluster.pod("silent", silent=True)
            cluster.pod("starting", ready=False)
            code, out, _, _ = cluster.burgee("stop", "checkout", "--timeout", "5s", "--json")
            said = json.loads(out)
            self.assertEqual((code, said["result"], said["have"], said["ready"], said["not_ready"]), (1, "lagging", 1, 3, ["starting"]))
            why = {lags["pod"]: lags["why"] for lags in said["laggards"]}
            self.assertIn("older", why["old"])
            self.assertIn("deadline exceeded", why["silent"])

    def test_a_pod_that_starts_meanwhile_counts(self):
        with Cluster() as cluster:
            slow = cluster.pod("slow", delay=1.5)
            late = cluster.pod("late", ready=False, delay=2.5)
            threading.Timer(0.5, lambda: setattr(late, "ready", True)).start()
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 0, out + error)
            self.assertIn("all 2 pods", out)
            self.assertEqual([slow.variant("checkout"), late.variant("checkout")], ["off", "off"])

    def test_a_concurrent_edit_is_refused(self):
        with Cluster() as cluster:
            cluster.pod("one")
            cluster.maps["shop-stops"] = {"data": {"stops.yaml": "version: 1\nstops: {}\n"}, "version": 5, "metadata": {}}

            def other(arguments):
                if arguments[0] == "replace":
                    cluster.maps["shop-stops"]["version"] += 1

            cluster.before = other
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 1, out)
            self.assertIn("somebody else wrote it just now", error)
            self.assertNotIn("checkout", cluster.maps["shop-stops"]["data"]["stops.yaml"])

    def test_missing_rights(self):
        with Cluster() as cluster:
            pod = cluster.pod("one")
            cluster.forbidden = {"proxy"}
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 0, "by exec: " + out + error)
            cluster.forbidden = {"annotate"}
            stopped = threading.Event()
            kubelet = threading.Thread(target=lambda: [pod.deliver() for _ in iter(lambda: stopped.wait(1), True)])
            kubelet.start()
            code, out, error, _ = cluster.burgee("resume", "checkout")
            stopped.set()
            kubelet.join()
            self.assertEqual(code, 0, out + error)
            self.assertIn("kubelets deliver when they do", error)
            cluster.forbidden = {"replace"}
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 1, out)
            self.assertIn("cannot replace", error)
            self.assertIn("ask for that right", error)

    def test_ctrl_c_in_the_middle(self):
        with Cluster() as cluster:
            cluster.pod("good")
            cluster.pod("slow", delay=None)
            command = [BURGEE, "stop", "checkout", f"--kubectl={KUBECTL}"]
            process = subprocess.Popen(command, env=cluster.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertRegex(process.stderr.readline(), "of 2 pods\n")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130)
            self.assertIn("it is written", out)
            self.assertIn("checkout", cluster.maps["shop-stops"]["data"]["stops.yaml"])

    def test_no_kubectl_nobody_there_and_names_that_are_none(self):
        with Cluster() as cluster:
            done = subprocess.run([BURGEE, "stop", "checkout", "--kubectl=/nowhere/kubectl"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("install kubectl", done.stderr)
            code, _, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 1)
            self.assertIn("no pod with burgee mounts", error)
            cluster.pod("one")
            for name, expected in [("chekcout", "did you mean `checkout`?"), ("a b", "no name of a feature"), ("$(reboot)", "no name of a feature")]:
                code, _, error, _ = cluster.burgee("stop", name)
                self.assertEqual(code, 2, error)
                self.assertIn(expected, error)
            self.assertNotIn("shop-stops", cluster.maps)
            for why in ("two\nlines", "\x1b[2J", "x" * 201):
                code, _, error, _ = cluster.burgee("stop", "checkout", "--why", why)
                self.assertEqual(code, 2, error)
            self.assertEqual(cluster.burgee("resume", "checkout")[0], 2)

    def test_every_feature_and_while_the_toggles_are_broken(self):
        with Cluster() as cluster:
            pod = cluster.pod("one")
            cluster.maps["shop-toggles"]["data"]["toggles.yaml"] = "version: 1\nfeatures: {checkout: perhaps}\n"
            code, out, error, _ = cluster.burgee("stop", "--all")
            self.assertEqual(code, 0, out + error)
            self.assertIn("stopped every feature everywhere: 1 pod", out)
            self.assertEqual(pod.variant("checkout"), "off")
            # where pods are asked by exec, a reload of broken toggles ends with 1, and tells all the same
            cluster.forbidden = {"proxy"}
            code, out, error, _ = cluster.burgee("resume", "--all")
            self.assertEqual(code, 0, out + error)
            self.assertEqual(pod.variant("checkout"), "on")

    def test_the_end_of_a_hold_asks_first(self):
        toggles = TOGGLES.replace("2126-01-01", "2026-12-31").replace("checkout: on", "checkout: 5%")
        with Cluster(toggles) as cluster:
            cluster.pod("one")
            cluster.maps["shop-stops"] = {"data": {"stops.yaml": "version: 1\nstops: {search: {hold: 2026-02-01}}\n"}, "version": 1, "metadata": {}}
            code, _, error, _ = cluster.burgee("resume", "search")
            self.assertEqual(code, 1)
            self.assertRegex(error, r"search: from 8\.\d+% to \d+\.\d+% at once")
            self.assertIn("add --yes", error)
            self.assertEqual(cluster.burgee("resume", "search", "--yes")[0], 0)

    def test_apply(self):
        with Cluster() as cluster:
            pods = [cluster.pod(f"shop-{number}") for number in range(3)]
            file = pods[0].directory.parent / f"toggles-of-{os.getpid()}" / "toggles.yaml"
            file.parent.mkdir()
            self.addCleanup(lambda: (file.unlink(), file.parent.rmdir()))
            file.write_text(TOGGLES.replace("checkout: on", "checkout: off"))
            apply = ("apply", str(file), "--configmap", "shop-toggles")
            code, out, error, _ = cluster.burgee(*apply, "--yes", "--max-moved", "5%")
            self.assertEqual(code, 1, out)
            self.assertEqual(pods[0].variant("checkout"), "on")
            code, out, error, _ = cluster.burgee(*apply)
            self.assertEqual(code, 1, "nobody to ask")
            code, out, error, _ = cluster.burgee(*apply, "--yes")
            self.assertEqual(code, 0, out + error)
            self.assertIn("applied shop-toggles everywhere: all 3 pods", out)
            self.assertEqual({pod.variant("checkout") for pod in pods}, {"off"})
            file.write_text("version: 1\nfeatures: {checkout: perhaps}\n")
            self.assertEqual(cluster.burgee(*apply, "--yes")[0], 1)
            # what is there cannot be read: it can be mended, and a gate lets nothing pass that it cannot see
            cluster.maps["shop-toggles"]["data"]["toggles.yaml"] = "version: 1\nfeatures: {checkout: perhaps}\n"
            file.write_text(TOGGLES)
            code, _, error, _ = cluster.burgee(*apply, "--yes", "--max-moved", "5%")
            self.assertEqual(code, 1)
            self.assertIn("nothing can be compared", error)
            self.assertEqual(cluster.burgee(*apply, "--yes")[0], 0)
            self.assertEqual({pod.variant("checkout") for pod in pods}, {"on"})
            # a key that no pod would read
            unread = file.with_name("toggles.txt")
            file.rename(unread)
            code, _, error, _ = cluster.burgee("apply", str(unread), "--configmap", "shop-toggles", "--yes")
            unread.rename(file)
            self.assertEqual(code, 2)
            self.assertIn("would not read the key `toggles.txt`", error)
            cluster.maps["shop-toggles"]["metadata"] = {"labels": {"app.kubernetes.io/managed-by": "Helm"}}
            file.write_text(TOGGLES)
            code, _, error, _ = cluster.burgee(*apply, "--yes")
            self.assertEqual(code, 1)
            self.assertIn("Helm manages `shop-toggles`", error)

    def test_apply_sends_nothing_that_an_older_pod_would_refuse(self):
        with Cluster() as cluster:
            pod = cluster.pod("same")
            older = cluster.pod("older", version="0.0.9", unknown="owner")
            directory = pathlib.Path(tempfile.mkdtemp())
            self.addCleanup(shutil.rmtree, directory)
            file = directory / "toggles.yaml"
            apply = ("apply", str(file), "--configmap", "shop-toggles", "--yes")
            file.write_text("version: 1\nfeatures:\n  checkout: {serve: off, owner: mia}\n")
            code, out, error, _ = cluster.burgee(*apply)
            self.assertEqual(code, 1, out)
            self.assertIn("nothing is applied: `older` runs burgee 0.0.9", error)
            self.assertIn("would refuse `toggles.yaml`", error)
            self.assertIn("3:26: `features.checkout.owner`: a feature has no key `owner`", error)
            self.assertEqual((cluster.maps["shop-toggles"]["version"], pod.variant("checkout")), (1, "on"))
            # nobody can look: nothing is sent
            file.write_text("version: 1\nfeatures: {checkout: off}\n")
            cluster.forbidden = {"exec"}
            code, out, error, _ = cluster.burgee(*apply)
            self.assertEqual(code, 1, out)
            self.assertIn("it cannot be asked whether it reads `toggles.yaml`", error)
            self.assertIn("ask for that right", error)
            self.assertEqual(cluster.maps["shop-toggles"]["version"], 1)
            # what both know
            cluster.forbidden = set()
            code, out, error, _ = cluster.burgee(*apply)
            self.assertEqual(code, 0, out + error)
            self.assertEqual({pod.variant("checkout"), older.variant("checkout")}, {"off"})
            # all are of this version: none is asked, and the right is not needed
            older.version, cluster.forbidden = None, {"exec"}
            file.write_text("version: 1\nfeatures:\n  checkout: {serve: on, owner: mia}\n")
            code, out, error, _ = cluster.burgee(*apply)
            self.assertEqual(code, 0, out + error)

    def test_names_that_no_object_has_never_reach_kubectl(self):
        with Cluster() as cluster:
            pod = cluster.pod("one")
            for flag in ("--configmap=--server=http://elsewhere", "--configmap=Shop", "--namespace=--server=x", "--context=a\nb", "--selector=$(reboot)"):
                for command in (("stop", "checkout"), ("resume", "checkout"), ("status",), ("apply", "toggles.yaml", "--configmap=shop"),
                                ("guard", "--prometheus=http://127.0.0.1:1", "--configmap=shop")):
                    if flag.startswith("--configmap") and command[-1].startswith("--configmap"):
                        command = command[:-1]
                    code, _, error, _ = cluster.burgee(*command, flag)
                    self.assertEqual((code, error.count("invalid value")), (2, 1), error)
            self.assertEqual(cluster.calls, [])
            # what a pod mounts is written by whoever may make pods
            mounted = pod.object()
            mounted["spec"]["volumes"][0]["projected"]["sources"].append({"configMap": {"name": "--server=http://elsewhere/-stops"}})
            pod.object = lambda: mounted
            code, out, error, _ = cluster.burgee("stop", "checkout")
            self.assertEqual(code, 0, out + error)
            self.assertFalse([call for call in cluster.calls if any("elsewhere" in word for word in call)])

    def test_ten_thousand_swaps_under_load(self):
        """Stops come and go as fast as they can be written; every request is answered, and by the one or the other."""
        swaps = 10_000
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
            directory = pathlib.Path(directory)
            (directory / "toggles.yaml").write_text(TOGGLES)
            echo, at = started("echo", "--listen", "127.0.0.1:0")
            stack.callback(ended, echo)
            flags = ("--toggles", directory, "--upstream", f"http://{at['listen']}", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
            burgee, at = started("run", *flags, "--api-listen", "127.0.0.1:0", "--log-format", "json", "--poll", "1h")
            stack.callback(ended, burgee)
            seen, stop = collections.Counter(), threading.Event()

            def client():
                with contextlib.closing(http.client.HTTPConnection(at["listen"], timeout=10)) as connection:
                    while not stop.is_set():
                        connection.request("GET", "/", headers={"X-User-Id": "mia"})
                        answer = connection.getresponse()
                        told = re.search(r"^X-Feature-Checkout: (\w+)$", answer.read().decode(), re.M | re.I)
                        seen[answer.status, told and told[1]] += 1

            clients = [threading.Thread(target=client) for _ in range(2)]
            [one.start() for one in clients]
            texts = ["version: 1\nstops: {checkout: {why: x}}\n", "version: 1\nstops: {}\n"]
            for number in range(swaps):
                (directory / ".next").write_text(texts[number % 2])
                (directory / ".next").rename(directory / "stops.yaml")
                burgee.send_signal(signal.SIGHUP)
            (directory / "stops.yaml").write_text(texts[0])
            with contextlib.closing(http.client.HTTPConnection(at["api"], timeout=10)) as connection:
                connection.request("POST", "/reload")
                self.assertEqual(connection.getresponse().status, 200)
            stop.set()
            [one.join() for one in clients]
            self.assertEqual(set(seen), {(200, "on"), (200, "off")}, seen)
            print(f"{swaps} swaps, {sum(seen.values())} requests,", end=" ", flush=True)

    def test_one_machine(self):
        with Cluster() as cluster:
            pod = cluster.pod("one")
            (pod.directory / "stops.yaml").unlink(missing_ok=True)
            directory = pod.directory.parent / f"machine-{os.getpid()}"
            directory.mkdir()
            (directory / "toggles.yaml").write_text(TOGGLES)
            self.addCleanup(lambda: [file.unlink() for file in directory.iterdir()] and directory.rmdir())
            done = subprocess.run([BURGEE, "stop", "checkout", "--dir", directory], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("stopped checkout", done.stdout)
            explained = subprocess.run([BURGEE, "explain", directory, "--user", "mia", "--feature", "checkout"], capture_output=True, text=True).stdout
            self.assertIn("checkout: off", explained)
            done = subprocess.run([BURGEE, "resume", "--all", "--dir", directory], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
