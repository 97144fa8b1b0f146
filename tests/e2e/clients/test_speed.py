"""What an answer costs burgee: 1,000 flags, in CPU time of its process, as the kernel counts it."""

import http.client
import json
import os
import unittest

from burgee import Burgee

FLAGS = "".join(
    f"  feature-{number}: {{variants: [control, treatment], when: {{country: [US, CA]}}, rollout: 50%, "
    "serve: {control: 50%, treatment: 50%}}\n"
    for number in range(1000)
)
TOGGLES = "version: 1\nheaders: none\nattributes: {country: header.x-country}\nfeatures:\n" + FLAGS
BODY = json.dumps({"context": {"targetingKey": "user-1", "country": "US"}})
REQUESTS = 1000


def cpu(pid):
    """User and system seconds of a process."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Speed(unittest.TestCase):
    def each(self, headers, status):
        """CPU milliseconds an answer."""
        with Burgee(TOGGLES, upstream=False) as burgee:
            connection = http.client.HTTPConnection(burgee.evaluate)
            for request in range(REQUESTS + 10):
                if request == 10:
                    before = cpu(burgee.process.pid)
                connection.request("POST", "/ofrep/v1/evaluate/flags", BODY, headers)
                answer = connection.getresponse()
                body = answer.read()
                self.assertEqual(answer.status, status)
                headers = {**headers, "If-None-Match": answer.headers["ETag"]} if status == 304 else headers
            connection.close()
            return (cpu(burgee.process.pid) - before) / REQUESTS * 1000, body

    def test_a_bulk_answer_of_1000_flags_takes_under_2_ms(self):
        milliseconds, body = self.each({}, 200)
        self.assertEqual(len(json.loads(body)["flags"]), 1000)
        print(f"bulk of 1,000 flags, {len(body)} bytes: {milliseconds:.2f} ms of CPU")
        self.assertLess(milliseconds, 2)

    def test_an_answer_that_is_known_takes_under_1_ms(self):
        milliseconds, body = self.each({"If-None-Match": "*"}, 304)
        self.assertEqual(body, b"")
        print(f"304 of 1,000 flags: {milliseconds:.2f} ms of CPU")
        self.assertLess(milliseconds, 1)
