"""Every kind of OpenFeature client gets every type of flag, every error, and for 10,000 users the variant that the proxy's headers say."""

import json
import os
import pathlib
import socket
import subprocess
import unittest

from burgee import Burgee
from users import FEATURES, USERS, through

HERE = pathlib.Path(__file__).parent
TOGGLES = (HERE / "toggles.yaml").read_text()
CLIENTS = pathlib.Path(os.environ["CLIENTS"])
SERVERS = {
    "PyPI": [os.environ["PYTHON"], HERE / "python/client.py"],
    "npm": ["node", CLIENTS / "npm/server.mjs"],
    "Rust": [os.environ["RUST_CLIENT"]],
}
COLORS = {"blue": {"hex": "#0066cc", "rgb": [0, 102, 204]}, "green": {"hex": "#00cc66", "rgb": []}}
VALUES = {
    "switch": {"on": True, "off": False},
    "banner": {name: name for name in ("plain", "loud", "none-at-all")},
    "limit": {"small": 5, "large": 12345678901},
    "ratio": {"whole": 1.0, "part": 2.5},
    "colors": COLORS,
}
TYPES = {"switch": "boolean", "banner": "string", "limit": "integer", "ratio": "float", "colors": "object"}
FALLBACKS = {"boolean": False, "string": "", "integer": 0, "float": 0.5, "object": {}}


def program(command, request):
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, cwd=CLIENTS / "npm")
    if done.returncode:
        raise AssertionError(f"{command}: {done.stderr}")
    return json.loads(done.stdout)


def asked(flag, kind=None, user="user-1", **attributes):
    kind = kind or TYPES[flag]
    return [flag, kind, FALLBACKS[kind], user, attributes]


class Servers(unittest.TestCase):
    """The clients of back ends: one flag a request."""

    def each(self, base, ask, headers=None):
        for name, command in SERVERS.items():
            yield name, program(command, {"base": base, "ask": ask, "headers": headers or {}})

    def test_every_type_of_flag_has_its_value(self):
        with Burgee(TOGGLES) as burgee:
            told = through(burgee.traffic, users=["user-1", "user-2", "user-3"])
            ask = [asked(flag, user=user) for user in told for flag in FEATURES]
            for name, answers in self.each(f"http://{burgee.evaluate}", ask):
                for (flag, kind, _, user, _), answer in zip(ask, answers, strict=True):
                    variant = told[user][flag]
                    value = VALUES[flag][variant]
                    if (name, kind) == ("Rust", "object"):
                        value = {"hex": value["hex"]}  # what this test's program shows of it
                    self.assertEqual((answer["variant"], answer["value"], answer["error"]), (variant, value, None), (name, flag))
                    if kind == "float":
                        self.assertIsInstance(answer["value"], float if name != "npm" else (int, float))

    def test_reasons_and_metadata_arrive(self):
        ask = [asked("switch"), asked("everyone", "boolean"), asked("targeted", "boolean", country="US"), asked("stopped", "string")]
        with Burgee(TOGGLES) as burgee:
            for name, answers in self.each(f"http://{burgee.evaluate}", ask):
                if name == "Rust":
                    continue  # it drops both
                self.assertEqual([answer["reason"] for answer in answers], ["SPLIT", "STATIC", "TARGETING_MATCH", "DISABLED"])
                self.assertEqual(answers[1]["metadata"]["owner"], "web")
                self.assertIn("bucket", answers[0]["metadata"])

    def test_every_error_is_understood(self):
        rows = [
            (asked("unknown", "boolean"), "FLAG_NOT_FOUND", {}),
            (asked("switch", user=None), "TARGETING_KEY_MISSING", {"Rust": "INVALID_CONTEXT"}),  # it reads every 400 so
            (asked("banner", "boolean"), "TYPE_MISMATCH", {"Rust": "PARSE_ERROR"}),  # and no value of the type it asked for so
            (asked("everyone", "boolean", user=None), None, {}),  # no share decides, so nobody has to be named
        ]
        with Burgee(TOGGLES) as burgee:
            for name, answers in self.each(f"http://{burgee.evaluate}", [ask for ask, _, _ in rows]):
                for (ask, error, own), answer in zip(rows, answers, strict=True):
                    self.assertEqual(answer["error"], own.get(name, error), (name, ask))
            for name, (answer,) in self.each(f"http://{burgee.evaluate}/ns/nobody", [asked("switch")]):
                self.assertEqual(answer["error"], "FLAG_NOT_FOUND", name)

    def test_what_javascript_has_is_read(self):
        """A Date, which travels with milliseconds; lists, of one too; objects, which are absent but have members."""
        rows = [
            ("early", {"signup": {"$date": 1767600000123}}, True),
            ("early", {"signup": {"$date": 1788000000999}}, False),
            ("early", {"signup": 1767600000123}, True),
            ("late", {"signup": {"$date": 1767600000123}}, False),
            ("allowed", {"groups": ["banned", "x"]}, False),
            ("allowed", {"groups": ["banned"]}, False),
            ("allowed", {"groups": ["x"]}, True),
            ("allowed", {"groups": ["banned,x"]}, True),
            ("vip", {"groups": ["x", "vip"]}, True),
            ("vip", {"groups": ["vip"]}, True),
            ("vip", {"groups": ["a,vip"]}, False),
            ("vip", {"groups": {"vip": True}}, False),
            ("allowed", {"groups": {"banned": True}}, True),
            ("pro", {"account": {"plan": {"name": "pro"}}}, True),
            ("pro", {"account": {"plan": ["pro"]}}, False),
        ]
        toggles = """version: 1
attributes: {signup: header.x-signup, groups: jwt.groups, account.plan.name: header.x-plan}
features:
  early: {when: {signup: {until: 2026-06-01}}, serve: on}
  late: {when: {signup: {not: {until: 2026-06-01}}}, serve: on}
  allowed: {when: {groups: {not: [banned]}}, serve: on}
  vip: {when: {groups: vip}, serve: on}
  pro: {when: {account.plan.name: pro}, serve: on}
"""
        ask = [asked(flag, "boolean", **context) for flag, context, _ in rows]
        with Burgee(toggles) as burgee:
            answers = program(SERVERS["npm"], {"base": f"http://{burgee.evaluate}", "ask": ask})
            for row, answer in zip(rows, answers, strict=True):
                self.assertEqual((answer["value"], answer["error"]), (row[2], None), row)

    def test_without_a_good_file_and_with_too_long_a_context_there_is_an_error(self):
        own = {"Rust": "PARSE_ERROR"}  # it looks for a value in every answer but 400, 401, 403, 404 and 429
        with Burgee("version: 1\nfeatures: {a: 110%}\n", "--on-bad-start=forward") as burgee:
            for name, (answer,) in self.each(f"http://{burgee.evaluate}", [asked("everyone", "boolean")]):
                self.assertEqual(answer["error"], own.get(name, "GENERAL"), name)
        with Burgee(TOGGLES) as burgee:
            for name, (answer,) in self.each(f"http://{burgee.evaluate}", [asked("everyone", "boolean", essay="x" * 300_000)]):
                self.assertEqual(answer["error"], own.get(name, "GENERAL"), name)

    def test_a_token_is_asked_for_and_a_rate_is_kept(self):
        token = CLIENTS / "token"
        token.write_text("s3cret\n")
        with Burgee(TOGGLES, f"--api-token-file={token}", "--api-rate=1/s") as burgee:
            base = f"http://{burgee.evaluate}"
            for name, (answer,) in self.each(base, [asked("everyone", "boolean")], {"Authorization": "Bearer wrong"}):
                self.assertEqual(answer["error"], "GENERAL", name)
            for name, answers in self.each(base, [asked("everyone", "boolean")] * 3, {"Authorization": "Bearer s3cret"}):
                self.assertEqual(answers[-1]["error"], "GENERAL", (name, answers))

    def test_10_000_users_get_what_the_headers_say(self):
        with Burgee(TOGGLES) as burgee:
            told = through(burgee.traffic)
            ask = [asked("banner", user=user) for user in USERS]
            for name, answers in self.each(f"http://{burgee.evaluate}", ask):
                others = [user for user, answer in zip(USERS, answers, strict=True) if answer["variant"] != told[user]["banner"]]
                self.assertEqual(others, [], name)


class Browser(unittest.TestCase):
    """The web provider with React in Chromium: every flag in one request, and events."""

    def page(self, test, *flags, origin=True, burgee_flags=(), **more):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cors = [f"--api-cors=http://127.0.0.1:{port}"] if origin else []
        with Burgee(TOGGLES, *cors, *burgee_flags) as burgee:
            request = {
                "test": test, "port": port, "chromium": os.environ["CHROMIUM"], "base": f"http://{burgee.evaluate}",
                "api": burgee.api, "toggles": str(burgee.toggles), **more,
            }
            return program(["node", "browser.mjs"], request), through(burgee.traffic, users=more.get("users", ["user-1"]))

    def test_every_type_of_flag_has_its_value(self):
        page, told = self.page("types")
        for flag, answer in page["answers"].items():
            variant = told["user-1"][flag]
            self.assertEqual((answer["variant"], answer["value"], answer["error"]), (variant, VALUES[flag][variant], None))
        self.assertEqual(page["shown"]["colors"], VALUES["colors"][told["user-1"]["colors"]])

    def test_another_context_is_another_answer(self):
        page, _ = self.page("context")
        self.assertEqual((page["before"]["value"], page["after"]["value"]), (False, True))

    def test_every_error_is_understood(self):
        page, _ = self.page("errors")
        self.assertEqual({name: answer["error"] for name, answer in page.items()},
                         {"unknown": "FLAG_NOT_FOUND", "mismatch": "TYPE_MISMATCH", "missing": "TARGETING_KEY_MISSING"})

    def test_another_origin_and_a_wrong_token_are_refused(self):
        token = CLIENTS / "token"
        token.write_text("s3cret\n")
        page, _ = self.page("refused", origin=False)
        self.assertIn("OFREP request failed", page)
        page, _ = self.page("refused", burgee_flags=[f"--api-token-file={token}"], token="wrong")
        self.assertNotEqual(page, "started")

    def test_a_reload_is_seen_without_polling(self):
        token = CLIENTS / "token"
        token.write_text("s3cret\n")
        for flags, given in [((), None), ((f"--api-token-file={token}",), "s3cret")]:
            with self.subTest(token=given):
                page, _ = self.page("reload", burgee_flags=flags, token=given, edit=["serve: on}", "serve: off}"])
                self.assertEqual((page["before"]["everyone"], page["after"]["everyone"]), (True, False))
                self.assertEqual(page["requests"], 1, page["traffic"])
                self.assertIn(["GET", "/ofrep/v1/events", 200], page["traffic"])
                self.assertLess(page["milliseconds"], 5000)

    def test_10_000_users_get_what_the_headers_say(self):
        page, told = self.page("users", users=USERS, flags=FEATURES)
        self.assertEqual([user for user in USERS if page[user] != told[user]], [])


if __name__ == "__main__":
    unittest.main()
