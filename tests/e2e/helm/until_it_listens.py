"""Runs a command that would go on until somebody ends it. In: the command. Out: 0 once it listens, 1 where it never does."""

import os
import subprocess
import sys

FREE = {f"BURGEE_{name}LISTEN": "127.0.0.1:0" for name in ("", "ADMIN_", "API_", "ECHO_", "DEMO_")}
with subprocess.Popen(sys.argv[1:], env=FREE | os.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
    for line in process.stdout:
        print(line, end="")
        if " listens" in line:
            process.kill()
            sys.exit(0)
sys.exit(1)
