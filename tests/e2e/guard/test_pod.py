"""A pod that protects its users by itself, in seconds; and what does not make it stop anything. In: $BURGEE; $LONG for 20 runs each."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from guarding import BURGEE
from traffic import Application, Loop, visits

RUNS = 20 if os.environ.get("LONG") else 4
AT_A_TIME = 5
TOGGLES = "version: 1\nfeatures:\n  checkout: {rollout: 10%, guard: {errors: 0.5%, action: stop}}\n"
# so many requests a second: a tenth of them is in the arm
RATE = 50
CERTAIN = "the guard gives everybody the default"


class Pod:
    """`with Pod(loop) as pod`: a sidecar before an application that fails one of a hundred answers."""

    def __init__(self, loop, harm=0.0):
        self.loop, self.lines, self.certain = loop, [], threading.Event()
        self.application = Application(loop, base=0.01, harm=harm)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "toggles.yaml").write_text(TOGGLES)
            listeners = [flag for name in ("listen", "admin-listen", "api-listen") for flag in (f"--{name}", "127.0.0.1:0")]
            command = [BURGEE, "run", "--toggles", folder, "--upstream", f"http://127.0.0.1:{self.application.port}", "--log-format", "json",
                       "--workers", "1", "--guard-pods", "1", *listeners]
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            stack.callback(process.stderr.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            for line in process.stderr:
                if (said := json.loads(line))["message"] == "burgee listens":
                    break
            self.listen, self.admin = said["listen"], said["admin"]
            reader = threading.Thread(target=self.read, args=[process.stderr], daemon=True)
            reader.start()
            stack.callback(reader.join)
            stack.callback(process.kill)
            self.traffic = self.loop.run(visits(self.listen, RATE))
            stack.callback(self.traffic.cancel)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def read(self, lines):
        for line in lines:
            said = json.loads(line)
            self.lines.append(said)
            if CERTAIN in said["message"]:
                self.at = time.monotonic()
                self.certain.set()


class Figures(unittest.TestCase):
    def seconds(self, harm, most):
        """From the first bad answer of the treatment, of each run."""
        found = []
        with Loop() as loop:
            for begin in range(0, RUNS, AT_A_TIME):
                with contextlib.ExitStack() as stack:
                    pods = [stack.enter_context(Pod(loop, harm)) for _ in range(min(AT_A_TIME, RUNS - begin))]
                    end = time.monotonic() + 3 * most
                    for pod in pods:
                        done = pod.certain.wait(max(end - time.monotonic(), 0))
                        found.append(pod.at - pod.application.first_harm if done else float("inf"))
                        if done:
                            line = next(said for said in pod.lines if CERTAIN in said["message"])
                            self.assertRegex(line["message"], r"since \S+ on fails \S+ points? more often than off; at least \S+ point")
                            self.assertGreater(line["at_least"], 0.005)
        return sorted(round(seconds, 1) for seconds in found)

    def in_time(self, harm, most):
        seconds = self.seconds(harm, most)
        print(f"+{100 * harm:g} points: {seconds} s, 9 of 10 within {most}", end=" ", flush=True)
        late = [one for one in seconds if one > most]
        self.assertLessEqual(len(late), max(RUNS // 10, 1), seconds)

    def test_twenty_points(self):
        self.in_time(0.2, 35)

    def test_total_failure(self):
        self.in_time(1.0, 10)


class NothingIsStopped(unittest.TestCase):
    SECONDS = 60 if os.environ.get("LONG") else 25

    def test_by_one_hostile_client_an_outage_or_a_restart(self):
        with Loop() as loop, Pod(loop) as hostile, Pod(loop) as outage, Pod(loop) as restart:
            # whoever is in the treatment, with ten times as many requests as its arm has
            evil = next(user for user in ("evil-%d" % number for number in range(1000)) if self.is_treated(hostile, user))
            hostile.application.hostile = evil.encode()
            flood = loop.run(visits(hostile.listen, 50, evil))
            time.sleep(5)
            outage.application.base = 1.0
            restart.application.stop()
            time.sleep(5)
            restart.application.start()
            outage.application.base = 0.01
            time.sleep(self.SECONDS - 10)
            flood.cancel()
            for pod in (hostile, outage, restart):
                self.assertFalse(pod.certain.is_set(), pod.lines)
            # and all of it did happen
            self.assertGreater(hostile.application.bad, 20 * self.SECONDS)
            self.assertGreater(outage.application.bad, 50)
            metrics = urllib.request.urlopen(f"http://{restart.admin}/metrics").read().decode()
            failed = re.findall(r"^burgee_upstream_failures_total\S* (\d+)$", metrics, re.M)
            self.assertGreater(sum(map(int, failed)), 50)

    def is_treated(self, pod, user):
        done = subprocess.run([BURGEE, "explain", "-", "--user", user, "--json"], input=TOGGLES, capture_output=True, text=True, check=True)
        return re.search(r'"variant":\s*"on"', done.stdout)


if __name__ == "__main__":
    unittest.main()
