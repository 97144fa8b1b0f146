"""A hundred swaps of a ConfigMap volume under load: no request fails, and none is decided by two generations.

In: as `pod.py`. Out: a line a check; 1 if one failed. Every variant of a generation is the generation's name, and the number of its
features is its own too: files come and go.
"""

import pathlib
import signal
import tempfile

from pod import Load, Pod, check, host, until
from volume import swap

SWAPS = 100


def keys(number):
    """A key goes and another comes with each generation."""
    return range(number % 3, 6 + number % 2)


def files(number):
    """Generation `number` of the ConfigMap."""
    return {f"{key}.yaml": file(key, number) for key in keys(number)}


def file(key, number):
    features = "".join(f"  f-{key}-{feature}: {{variants: [g{number}], serve: g{number}}}\n" for feature in range(10))
    return f"version: 1\nnamespace: n{key}\nfeatures:\n{features}"


def mixed(seen):
    """What is wrong with what the application was sent."""
    names = seen["generations"]
    whole = len(names) == 1 and seen["features"] == 10 * len(keys(int(names[0][1:])))
    return None if whole else f"mixed: {seen}"


def main(mount):
    mount.mkdir()
    swap(mount, files(0))
    with Pod("swapped", 1, mount, "--poll", "100ms") as pod, Load([pod]) as load:
        load.wrong = mixed
        for number in range(1, SWAPS + 1):
            swap(mount, files(number))
            # by polling, by a signal, by the command: whoever is first
            if number % 3 == 1:
                pod.signal(signal.SIGHUP)
            elif number % 3 == 2:
                pod.exec("reload").wait()
            until(f"generation {number}", lambda: load.seen and load.seen["generations"] == [f"g{number}"])
        asked = sum(load.answered.values())
        check(f"{SWAPS} swaps, each seen by the application", not load.failed, f"{asked} requests, {len(load.failed)} failed {load.failed[:3]}")
        for number in range(SWAPS + 1, 2 * SWAPS + 1):
            swap(mount, files(number))
        until("the last of a volley", lambda: load.seen["generations"] == [f"g{2 * SWAPS}"])
        check(f"{SWAPS} more as fast as they go, and the last is in force", not load.failed, f"{sum(load.answered.values()) - asked} requests")
        # the check can fail
        swap(mount, files(300) | {"0.yaml": file(0, 301)})
        until("a mixture is found out", lambda: load.failed)
        check("a generation that is mixed in itself is found out", load.failed[0].startswith("mixed"), load.failed[0])


if __name__ == "__main__":
    host()
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder, "toggles"))
