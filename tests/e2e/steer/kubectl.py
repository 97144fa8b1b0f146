#!/usr/bin/env python3
"""A kubectl for `cluster.py`: hands its arguments and its standard input over, prints what comes back.

In: $CLUSTER, the address. Out: what a kubectl would print, and its exit code.
"""

import http.client
import json
import os
import sys

stdin = sys.stdin.read() if "--filename=-" in sys.argv else ""
connection = http.client.HTTPConnection(os.environ["CLUSTER"])
connection.request("POST", "/", json.dumps({"arguments": sys.argv[1:], "stdin": stdin}))
answer = json.loads(connection.getresponse().read())
sys.stdout.write(answer["out"])
sys.stderr.write(answer["error"])
sys.exit(answer["code"])
