"""The end of a pod under load, in the kubelet's order: no request that has begun is lost, and no other either.

In: as `pod.py`. Out: a line a check; 1 if one failed. Of two pods one ends. Clients keep their connections, and the Service forgets the
pod late, as Services do. Nine requests of the pod are held by the application until everything else has happened.
"""

import contextlib
import http.client
import pathlib
import signal
import sys
import tempfile
import threading

from pod import DEADLINE, Load, Pod, ask, check, host, until

HELD = ("/held", "/half", "/upload")


class Held(threading.Thread):
    """A request that has begun, and what became of it."""

    def __init__(self, pod, path):
        super().__init__(daemon=True)
        self.pod, self.path, self.became = pod, path, None
        self.start()

    def run(self):
        try:
            with contextlib.closing(http.client.HTTPConnection(self.pod.address, 3524, timeout=DEADLINE)) as connection:
                upload = self.path == "/upload"
                self.became = ask(connection, "POST" if upload else "GET", self.path, b"x" * 5_000_000 if upload else None)
        except (OSError, http.client.HTTPException) as error:
            self.became = error

    def is_whole(self):
        """Answered to its last byte, on a connection that the client is told not to use again."""
        self.join()
        return not isinstance(self.became, Exception) and self.became[0] == 200 and self.became[1].endswith("}")


def end(mode, toggles):
    with Pod(f"{mode}-a", 1, toggles) as pod, Pod(f"{mode}-b", 2, toggles) as other, Load([pod, other]) as load:
        until("both are used", lambda: min(load.answered.values()) > 100)
        before = pod.said
        held = [Held(pod, path) for path in 3 * HELD]
        until("nine requests are held", lambda: pod.said == before + len(held))

        # the pod is deleted: its preStop hooks run, and whoever sends traffic hears of it in their own time
        # in each mode the hook that the charts write, but that it waits where that tells something
        waits = pod.exec("drain", *(("--wait",) if mode == "native" else ("--at-least", "1s")))
        until("the pod is not ready", lambda: pod.get(3525, "/ready")[0] == 503)
        late = load.answered[pod.name] + 50
        until("it is still used", lambda: load.answered[pod.name] > late)
        load.endpoints.remove(pod)
        until("nobody comes any more", lambda: load.connected[pod.name] == 0)

        if mode == "native":
            ends_behind_its_application(pod, waits, held)
        else:
            # of plain containers neither waits for the other: both are told to end at once
            check("plain: the hook ends though somebody is still connected", waits.wait() == 0, "exit code 0")
            pod.signal(signal.SIGTERM)
            pod.app.terminate()
            pod.release()
        whole = [one.is_whole() for one in held]
        check(f"{mode}: what was held is answered whole", all(whole), f"{sum(whole)} of {len(held)} {[one.became for one in held if not one.is_whole()]}")
        codes = [process.wait(DEADLINE) for process in (pod.app, pod.burgee)]
        check(f"{mode}: both end with 0", codes == [0, 0], codes)
        after = load.answered[other.name] + 200
        until("the other pod has all of the load", lambda: load.answered[other.name] > after)
        check(f"{mode}: no request is lost", not load.failed, f"{load.answered}, {len(load.failed)} failed {load.failed[:3]}")


def ends_behind_its_application(pod, waits, held):
    """A native sidecar's SIGTERM comes when the application has gone."""
    pod.app.terminate()
    pod.release()
    [one.join() for one in held]
    check("native: drain --wait ends when nobody is connected", waits.wait() == 0, "exit code 0")
    pod.app.wait()
    with contextlib.closing(http.client.HTTPConnection(pod.address, 3524, timeout=DEADLINE)) as connection:
        status, said, last = ask(connection, "GET", "/")
    check("native: who comes between the two is sent elsewhere", (status, last) == (503, True), f"{status} {said!r}")
    pod.signal(signal.SIGTERM)


if __name__ == "__main__":
    host()
    with tempfile.TemporaryDirectory() as folder:
        toggles = pathlib.Path(folder, "toggles.yaml")
        toggles.write_text("version: 1\nfeatures: {dark-mode: on}\n")
        for mode in sys.argv[1:]:
            end(mode, toggles)
