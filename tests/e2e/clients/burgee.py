"""Burgee and an echo application as processes of their own, for tests of other people's programs.

In: $BURGEE, the release binary, and toggles. Out: addresses. Ends what it started, by its pid.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

BURGEE = os.environ["BURGEE"]


class Burgee:
    """`with Burgee(toggles) as burgee:` and `.traffic`, `.api`, `.evaluate` are host:port."""

    def __init__(self, toggles, *flags, upstream=True):
        self.text, self.flags, self.upstream = toggles, flags, upstream

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.toggles = self.folder / "toggles.yaml"
        self.toggles.write_text(self.text)
        upstream = "none"
        if self.upstream:
            self.echo = said(self.start("echo", "--listen", "127.0.0.1:0"), r"echo listens on (\S+)")[1]
            upstream = f"http://{self.echo}"
        listen = [f"--{listener}-listen=127.0.0.1:0" for listener in ("admin", "api", "evaluate")]
        self.process = self.start("run", "--toggles", self.toggles, "--upstream", upstream, "--listen=127.0.0.1:0",
                                  "--poll=0s", "--log-format=json", *listen, *self.flags)
        line = json.loads(said(self.process, r"\{.*burgee listens.*")[0])
        self.traffic, self.api, self.evaluate = line["listen"], line["api"], line["evaluate"]
        return self

    def __exit__(self, *error):
        self.stack.close()

    def start(self, *arguments):
        """A process that says everything into a file, so that nobody has to listen."""
        log = self.folder / f"{arguments[0]}.log"
        with log.open("w") as said:
            process = subprocess.Popen([BURGEE, *arguments], stdout=said, stderr=said)
        process.log = log
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def edit(self, old, new):
        """As an editor does; in force when this returns."""
        text = self.toggles.read_text()
        assert old in text, old
        following = self.folder / "next"
        following.write_text(text.replace(old, new))
        following.replace(self.toggles)
        request = urllib.request.Request(f"http://{self.api}/reload", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["result"] == "reloaded"


def said(process, pattern):
    """Waits until the log has a line like this."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for line in process.log.read_text().splitlines():
            if found := re.search(pattern, line):
                return found
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended:\n{process.log.read_text()}")
        time.sleep(0.02)
    raise SystemExit(f"{process.args} never said {pattern}:\n{process.log.read_text()}")
