"""From the first bad answer to "everywhere", with a real Prometheus. In: $BURGEE; $LONG for 20 runs."""

import os
import time
import unittest

from fleet import Fleet
from guarding import eventually

RUNS = 20 if os.environ.get("LONG") else 1
WITHIN = 45
# one run is not nine of ten: a scrape, an evaluation and a question may each come at the worst moment
ONCE = 60


class Everywhere(unittest.TestCase):
    def test_three_pods_have_the_stop_in_time_and_nothing_is_stopped_before(self):
        seconds = []
        for _ in range(RUNS):
            # so that no pod is certain by itself before the fleet is: each of a million could stop
            with Fleet(rate=10, flags=("--guard-pods", "1000000")) as fleet:
                eventually(fleet.is_watched, "Prometheus scrapes all pods")
                time.sleep(20)
                self.assertNotIn("stopped checkout", fleet.guard.text())
                fleet.fail()
                took = fleet.everywhere(2 * ONCE)
                self.assertIsNotNone(took, fleet.guard.text())
                seconds.append(round(took, 1))
                self.assertEqual({pod.variant("checkout") for pod in fleet.pods}, {"off"})
                self.assertIn('by: "burgee guard"', fleet.cluster.maps["shop-stops"]["data"]["stops.yaml"])
        within = WITHIN if RUNS > 1 else ONCE
        print(f"everywhere after {sorted(seconds)} s, 9 of 10 within {WITHIN}", end=" ", flush=True)
        late = [one for one in seconds if one > within]
        self.assertLessEqual(len(late), RUNS // 10, seconds)


if __name__ == "__main__":
    unittest.main()
