"""The loop of `burgee guard` among everything that goes wrong: a sentence each, no wrong stop, and it goes on. In: $BURGEE."""

import time
import unittest

from guarding import Cluster, Guard, Prometheus, TOGGLES, eventually


class Loop(unittest.TestCase):
    def setUp(self):
        self.prometheus = self.enterContext(Prometheus())
        self.cluster = self.enterContext(Cluster(TOGGLES))

    def stops(self):
        return self.cluster.maps.get("shop-stops", {"data": {"stops.yaml": ""}})["data"].get("stops.yaml", "")

    def guard(self, *flags):
        return Guard(self.cluster, self.prometheus.url, *flags)

    def still_stops(self, guard):
        """Whatever went wrong, afterwards it does what it is there for."""
        self.prometheus.certain.clear()
        self.prometheus.is_certain()
        guard.said("stopped checkout: it is written")
        self.assertIn('"checkout": {since: ', self.stops())

    def test_what_is_certain_is_stopped_everywhere_and_never_resumed(self):
        pods = [self.cluster.pod(f"shop-{number}") for number in range(3)]
        with self.guard() as guard:
            self.prometheus.rounds()
            self.assertEqual(self.stops(), "")
            self.prometheus.is_certain()
            self.prometheus.is_certain(at_least=0.0519, window="10m")
            self.prometheus.is_certain("search", measure="slow")
            guard.said("stopped checkout; held search everywhere: all 3 pods")
            self.assertEqual({pod.variant("checkout") for pod in pods}, {"off"})
            written = self.stops()
            self.assertIn('why: "on fails at least 5.1 points more often than its control, in the last 10m", by: "burgee guard"', written)
            self.assertRegex(written, r'"search": \{hold: \S+, why: "on is slow at least 5 points more often')
            self.prometheus.rounds()
            self.prometheus.certain.clear()
            self.prometheus.rounds()
            self.assertEqual(self.stops(), written)
            self.assertEqual(self.cluster.maps["shop-stops"]["version"], 1)

    def test_a_report_is_a_line(self):
        self.prometheus.actions[0][0]["action"] = "report"
        with self.guard() as guard:
            self.prometheus.is_certain()
            guard.said("checkout: on fails at least 5 points more often than its control, in the last 1m; its guard only reports; `burgee stop`")
            self.prometheus.rounds()
            self.assertEqual(guard.text().count("only reports"), 1)
            self.assertEqual(self.stops(), "")

    def test_prometheus_gone(self):
        port = self.prometheus.server.server_port
        self.prometheus.close()
        with self.guard() as guard:
            guard.said("Prometheus cannot be asked: ")
            self.prometheus.open(port)
            guard.said("it goes on")
            self.still_stops(guard)

    def test_prometheus_wrong(self):
        with self.guard() as guard:
            for instead, sentence in [
                (lambda answer: answer.answer(404, "<html>no such page\x1b[2J</html>"), "Prometheus answers with 404 and `<html>no such page\\u{1b}[2J</html>`: name the address of its web page by --prometheus"),
                (lambda answer: answer.answer(500, '{"status":"error","error":"out of memory"}'), "Prometheus answers with 500 and"),
                (lambda answer: answer.answer(200, '{"status":"success","data":{"result":"none"}}'), "in a form that is not that of its API"),
                (lambda answer: answer.answer(200, "x" * (5 << 20)), "Prometheus cannot be asked: "),
                (lambda answer: answer.connection.close(), "Prometheus cannot be asked: "),
            ]:
                before = len(guard.lines)
                self.prometheus.instead = instead
                eventually(lambda: [line for _, line in guard.lines[before:] if sentence in line], f"{sentence} in {guard.text()}")
                self.prometheus.instead = None
                eventually(lambda: [line for _, line in guard.lines[before:] if "it goes on" in line], "it goes on")
            self.assertEqual(self.stops(), "")
            self.still_stops(guard)

    def test_prometheus_slow(self):
        self.prometheus.instead = lambda answer: time.sleep(20)
        with self.guard() as guard:
            guard.said("Prometheus cannot be asked: no response in time")
            self.prometheus.instead = None
            self.still_stops(guard)

    def test_prometheus_empty(self):
        actions = self.prometheus.actions
        self.prometheus.actions = []
        with self.guard() as guard:
            guard.said("Prometheus knows no guarded feature in the namespace shop")
            self.prometheus.actions, self.prometheus.rules = actions, False
            guard.said("load deploy/alerts.yaml")
            self.prometheus.rules = True
            self.still_stops(guard)

    def test_the_api_server_gone(self):
        def gone(_):
            raise OSError("connection refused")

        self.cluster.before = gone
        self.prometheus.is_certain()
        with self.guard() as guard:
            guard.said("kubectl failed: ")
            self.assertEqual(self.stops(), "")
            self.cluster.before = lambda _: None
            self.still_stops(guard)

    def test_two_guards(self):
        self.cluster.pod("one")
        with self.guard() as one, self.guard() as other:
            self.prometheus.rounds()
            self.prometheus.is_certain()
            eventually(lambda: "checkout" in self.stops(), "it is stopped")
            self.prometheus.rounds(6)
            self.assertEqual(self.cluster.maps["shop-stops"]["version"], 1)
            said = one.text() + other.text()
            self.assertEqual(said.count("stopped checkout: it is written"), 1, said)

    def test_somebody_else_writes_meanwhile(self):
        self.cluster.maps["shop-stops"] = {"data": {"stops.yaml": "version: 1\nstops: {}\n"}, "version": 5, "metadata": {}}

        def other(arguments):
            if arguments[0] == "replace" and "other" not in self.stops():
                self.cluster.maps["shop-stops"] = {"data": {"stops.yaml": "version: 1\nstops: {other: {why: mine}}\n"}, "version": 6, "metadata": {}}

        self.cluster.before = other
        self.prometheus.is_certain()
        with self.guard() as guard:
            guard.said("stopped checkout: it is written")
        self.assertIn("other", self.stops())
        self.assertIn("checkout", self.stops())

    def test_the_config_map_deleted(self):
        with self.guard() as guard:
            self.still_stops(guard)
            del self.cluster.maps["shop-stops"]
            eventually(lambda: "checkout" in self.stops(), "it is written again")
            # with the rights of the manifest it may not make one
            self.cluster.forbidden = {"create"}
            del self.cluster.maps["shop-stops"]
            guard.said("where there is no such ConfigMap: `kubectl create configmap shop-stops`")
            self.cluster.maps["shop-stops"] = {"data": {}, "version": 1, "metadata": {}}
            eventually(lambda: "checkout" in self.stops(), "it is written once it is there")

    def test_stops_that_nobody_can_read_stay_as_they_are(self):
        broken = "version: 1\nstops: {checkout: perhaps}\n"
        self.cluster.maps["shop-stops"] = {"data": {"stops.yaml": broken}, "version": 1, "metadata": {}}
        self.prometheus.is_certain()
        with self.guard() as guard:
            guard.said("mend them with `kubectl edit configmap shop-stops`")
            self.prometheus.rounds()
            self.assertEqual(self.stops(), broken)
            self.cluster.maps["shop-stops"] = {"data": {"stops.yaml": ""}, "version": 2, "metadata": {}}
            del self.cluster.maps["shop-stops"]
            self.still_stops(guard)

    def test_numbers_that_no_pod_can_have(self):
        with self.guard() as guard:
            for feature, at_least in [("*", 0.5), ("$(reboot)", 0.5), ("over", 1.5), ("nan", "NaN"), ("inf", "+Inf")]:
                self.prometheus.actions.append(({"job": "web", "feature": feature, "action": "stop"}, 1))
                self.prometheus.is_certain(feature, at_least)
                guard.said(f"the counters of `{feature}` are such as no pod can have")
            self.prometheus.impossible.append(({"feature": "search", "stage": "0a0b0c0d"}, 3))
            guard.said("the counters of `search` are such")
            self.prometheus.impossible.clear()
            # what was summed up since cannot be told apart
            self.prometheus.is_certain("search")
            self.prometheus.rounds()
            self.assertEqual(self.stops(), "")
            self.still_stops(guard)

    def test_two_applications_with_a_feature_of_one_name(self):
        self.prometheus.actions.append(({"job": "mobile", "feature": "checkout", "action": "stop"}, 1))
        self.prometheus.is_certain()
        with self.guard() as guard:
            guard.said("more than one job has the feature `checkout` (mobile, web): name one with --job")
            self.prometheus.rounds()
            self.assertEqual(self.stops(), "")

    def test_without_the_right_to_pods_it_is_written_all_the_same(self):
        pod = self.cluster.pod("one")
        self.cluster.maps["shop-stops"] = {"data": {}, "version": 1, "metadata": {}}

        def rights(arguments):
            if arguments[1] in ("pods",) or arguments[0] in ("annotate", "exec", "create"):
                raise LookupError("Error from server (Forbidden): pods is forbidden\n")

        self.cluster.before = rights
        self.prometheus.is_certain()
        with self.guard() as guard:
            guard.said("they read it within two minutes")
            pod.deliver()
            eventually(lambda: pod.variant("checkout") == "off", "the pod reads it")

    def test_it_needs_a_namespace(self):
        done = self.cluster.burgee("guard", f"--prometheus={self.prometheus.url}", "--configmap=shop-toggles")
        self.assertEqual(done[0], 2)
        self.assertIn("name the namespace with -n", done[2])
        done = self.cluster.burgee("guard", "-n", "shop", "--prometheus=https://prometheus", "--configmap=shop-toggles")
        self.assertEqual(done[0], 2)
        self.assertIn("http://", done[2])


if __name__ == "__main__":
    unittest.main()
