"""A bad variant stops by itself, to look at. In: $BURGEE, prometheus on PATH. Out: lines; on a terminal it stays until Ctrl-C."""

import json
import sys
import time

from fleet import Fleet
from guarding import eventually

GOOD = 20
PATIENCE = 90


def main():
    print("Three sidecars, Prometheus and `burgee guard` start ...", flush=True)
    with Fleet(rate=30) as fleet:
        begun = time.monotonic()
        print(f"The page of one of them: http://{fleet.pods[0].api}/   Prometheus: {fleet.prometheus}/alerts", flush=True)
        print(f"checkout: {{rollout: 50%, guard: {{errors: 0.5%, action: stop}}}}, 30 requests/s. All is well for {GOOD} s.", flush=True)
        eventually(fleet.is_watched, "Prometheus scrapes all pods")
        time.sleep(max(begun + GOOD - time.monotonic(), 0))
        fleet.fail(0.5)
        print("\nFrom now on half of the answers with checkout on are 500. Seconds since the first of them:\n", flush=True)
        told = Told(fleet)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not told.is_over:
            told.look()
            time.sleep(0.1)
        if not told.is_over:
            sys.exit(f"nothing was stopped in {PATIENCE} s: {fleet.guard.text()}")
        answers = {pod.name: pod.variant("checkout") for pod in fleet.pods}
        print(f"\nWhat mia gets now: {answers}")
        print(f"The ConfigMap shop-stops:\n{fleet.cluster.maps['shop-stops']['data']['stops.yaml']}", flush=True)
        if sys.stdout.isatty():
            print("The page says it too. Ctrl-C ends it.", flush=True)
            try:
                time.sleep(1_000_000)
            except KeyboardInterrupt:
                pass


class Told:
    """What was said since the last look, by pods and by the guard."""

    def __init__(self, fleet):
        self.fleet, self.seen, self.is_over = fleet, {}, False

    def look(self):
        fleet = self.fleet
        said = {pod.name: [json.loads(line)["message"] for line in list(pod.lines)] for pod in fleet.pods}
        said["burgee guard"] = [line.strip() for _, line in list(fleet.guard.lines)]
        for name, lines in said.items():
            for line in lines[self.seen.get(name, 0):]:
                if "guard" in line or "stopped" in line:
                    first = fleet.application.first_harm
                    seconds = f"{time.monotonic() - first:5.1f} s" if first else "before "
                    print(f"{seconds}  {name}: {line}", flush=True)
                self.is_over |= "everywhere" in line
            self.seen[name] = len(lines)


main()
