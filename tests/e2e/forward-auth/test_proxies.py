"""Other people's proxies ask burgee, by the configurations of deploy/forward-auth: the application gets what burgee's own proxy gives it,
and nothing that a client forged."""

import http.client
import json
import os
import pathlib
import socket
import subprocess
import time
import unittest

from burgee import Burgee
from users import USERS, through

DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "deploy/forward-auth"
TOGGLES = """version: 1
override: {from: [query.ff], when: {header.x-staff: "yes"}}
features:
  briefcase:
    variants: [gold, silver]
    rules: [{when: {path: {prefix: /legacy}}, serve: silver}, {when: {query.beta: "1"}, serve: silver}]
    serve: {gold: 60%, silver: 40%}
  dark-mode:
    rules: [{when: {method: POST}, serve: on}, {when: {host: shop.example}, serve: on}]
    rollout: 25%
  unlisted: {status: draft, serve: on}
"""
FEATURES = ["briefcase", "dark-mode"]
os.environ["QA_KEY"] = "a key of this test"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ask(address, method="GET", path="/", fields=(), body=b""):
    """Over a bare socket: an HTTP library would not send what a forger sends. The echo's JSON, or the status of a refusal."""
    host, port = address.rsplit(":", 1)
    lines = [f"{method} {path} HTTP/1.1", "Accept: application/json", "Connection: close", *fields]
    if not any(field.startswith("Host:") for field in lines):
        lines.append("Host: app.example")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        text = answer.read()
    return json.loads(text) if answer.status == 200 else answer.status


def features(echoed):
    """Every field that an application could take for a feature, as CGI, WSGI, Rack and PHP read names."""
    folded = {"".join(c if c.isalnum() else "-" for c in name.lower()): value for name, value in echoed["headers"].items()}
    return {name: value for name, value in folded.items() if name.startswith("x-feature-")}


class Proxy:
    """Tests of one proxy; a subclass says how it is started."""

    burgee_flags = ()

    def setUp(self):
        self.burgee = Burgee(TOGGLES, *self.burgee_flags)
        self.enterContext(self.burgee)
        self.address = f"127.0.0.1:{free_port()}"
        self.folder = self.burgee.folder
        log = (self.folder / "proxy.log").open("w")
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        log.close()
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.terminate)
        end = time.monotonic() + 30
        while True:
            try:
                host, port = self.address.rsplit(":", 1)
                socket.create_connection((host, int(port))).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.fail((self.folder / "proxy.log").read_text())
                time.sleep(0.02)

    def configuration(self, name):
        """The file as it is in deploy, at this test's addresses."""
        text = (DEPLOY / name).read_text()
        for port, here in [("3527", self.burgee.evaluate), ("8080", self.burgee.echo), ("8000", self.address)]:
            for before in (":", "port_value: "):
                text = text.replace(before + port, before + here.rsplit(":", 1)[1])
        return self.write(name, text)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_the_application_gets_what_burgees_own_proxy_gives_it(self):
        for request in [
            {"fields": ["X-User-Id: mia"]},
            {"fields": ["Cookie: a=b; user_id=butch"]},
            {"fields": []},
            {"fields": ["X-User-Id: mia"], "path": "/legacy/x%2Fy?a=1"},
            {"fields": ["X-User-Id: mia"], "path": "/x?beta=1&c=%20"},
            {"fields": ["X-User-Id: mia", "Host: shop.example"]},
            {"fields": ["X-User-Id: mia"], "method": "POST", "body": b"hello"},
            {"fields": ["X-User-Id: mia"], "method": "DELETE"},
        ]:
            expected, found = ask(self.burgee.traffic, **request), ask(self.address, **request)
            self.assertEqual(features(found), features(expected), request)
            self.assertEqual(len(features(found)), 2, request)
            self.assertEqual((found["method"], found["path"]), (expected["method"], expected["path"]))
            self.assertEqual(found["headers"].get("content-length"), expected["headers"].get("content-length"))

    def test_a_client_cannot_forge_a_feature(self):
        honest = features(ask(self.address, fields=["X-User-Id: mia"]))
        for forged in [
            ["X-Feature-Briefcase: forged"],
            ["x-feature-briefcase: forged", "X-FEATURE-BRIEFCASE: forged"],
            ["X-Feature-Unlisted: on", "X-Feature-Nobody-Knows: on"],
            ["X_Feature_Briefcase: forged"],
            ["X_Feature-Briefcase: forged", "X-Feature_Briefcase: forged"],
            ["X-Feature_Unlisted: on"],
            ["Connection: X-Feature-Briefcase, X-Feature-Dark-Mode", "X-Feature-Briefcase: forged"],
            ["Connection: keep-alive, x-feature-briefcase"],
            ["X-Forwarded-Uri: /legacy", "X-Forwarded-Method: POST", "X-Forwarded-Host: shop.example"],
            ["X-Original-URL: http://shop.example/legacy", "X-Original-URI: /legacy", "X-Original-Method: POST"],
            ["X-Envoy-Auth-Headers-To-Remove: x-feature-briefcase"],
        ]:
            found = ask(self.address, fields=["X-User-Id: mia", *forged])
            self.assertNotIsInstance(found, int, forged)
            self.assertEqual(features(found), honest, forged)

    def test_what_burgee_omits_is_not_sent(self):
        self.burgee.edit("version: 1\n", "version: 1\nheaders: {off: omit}\n")
        off = next(user for user in USERS if len(features(ask(self.burgee.traffic, fields=[f"X-User-Id: {user}"]))) == 1)
        for forged in ([], ["X-Feature-Dark-Mode: on"]):
            found = ask(self.address, fields=[f"X-User-Id: {off}", *forged])
            self.assertEqual(list(features(found)), ["x-feature-briefcase"], found)

    def test_an_override_works_as_in_the_sidecar(self):
        found = ask(self.address, path="/?ff=briefcase%3Dsilver", fields=["X-User-Id: mia", "X-Staff: yes"])
        self.assertEqual(features(found)["x-feature-briefcase"], "silver")

    def test_the_application_is_reached_without_burgee(self):
        self.burgee.process.kill()
        self.burgee.process.wait()
        for method, body in [("GET", b""), ("POST", b"hello")]:
            found = ask(self.address, method, "/x", ["X-User-Id: mia", "X-Feature-Briefcase: forged"], body)
            self.assertNotIsInstance(found, int)
            self.assertEqual((features(found), found["method"], found["path"]), ({}, method, "/x"))

    def test_10_000_users_get_what_the_sidecar_gives(self):
        self.assertEqual(through(self.address, features=FEATURES), through(self.burgee.traffic, features=FEATURES))


class KeepsLinks:
    """Tests of a proxy that passes burgee's Set-Cookie on."""

    def test_a_testers_link_holds_for_the_next_click(self):
        self.burgee.edit('{from: [query.ff], when: {header.x-staff: "yes"}}', "{from: query.ff, key: env.QA_KEY, remember: qa_flags}")
        site = f"http://{self.address}"
        command = [os.environ["BURGEE"], "override", "--key-env", "QA_KEY", "--url", f"{site}/", "briefcase=silver"]
        link = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1].removeprefix(site)
        user = next(user for user in USERS if features(ask(self.address, fields=[f"X-User-Id: {user}"]))["x-feature-briefcase"] == "gold")

        def visit(path, **fields):
            connection = http.client.HTTPConnection(self.address, timeout=30)
            self.addCleanup(connection.close)
            connection.request("GET", path, headers={"Accept": "text/html, application/json", "X-User-Id": user, **fields})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            return answer.read().decode(), answer.headers.get_all("Set-Cookie") or []

        _, cookies = visit(link)
        self.assertEqual(len(cookies), 1, cookies)
        value, attributes = cookies[0].split("; ", 1)
        self.assertEqual(attributes, "Path=/; HttpOnly; SameSite=Lax")
        found = ask(self.address, path="/next", fields=[f"X-User-Id: {user}", f"Cookie: {value}"])
        self.assertEqual(features(found)["x-feature-briefcase"], "silver")
        self.assertEqual(visit("/next", Cookie=value)[1], [])


class Nginx(Proxy, KeepsLinks, unittest.TestCase):
    def command(self):
        modules = os.environ["NGINX_MODULES"]
        temporary = "".join(f"{name}_temp_path {self.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = self.write("main.conf", f"""
            load_module {modules}/ngx_http_headers_more_filter_module.so;
            daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log stderr notice;
            events {{}}
            http {{ access_log off; {temporary} include {self.configuration("nginx.conf")}; }}
        """)
        return [os.environ["NGINX"], "-p", self.folder, "-c", main]


class Caddy(Proxy, unittest.TestCase):
    burgee_flags = ("--authz-from", "x-forwarded")

    def command(self):
        text = "{\n\tadmin off\n}\n" + self.configuration("Caddyfile").read_text()
        home = ["env", f"HOME={self.folder}", f"XDG_DATA_HOME={self.folder}", f"XDG_CONFIG_HOME={self.folder}"]
        return [*home, os.environ["CADDY"], "run", "--adapter", "caddyfile", "--config", self.write("Caddyfile", text)]


class Haproxy(Proxy, unittest.TestCase):
    burgee_flags = ("--authz-from", "x-forwarded")

    def command(self):
        lua = self.configuration("burgee.lua")
        text = self.configuration("haproxy.cfg").read_text().replace("/etc/haproxy/burgee.lua", str(lua))
        return [os.environ["HAPROXY"], "-f", self.write("haproxy.cfg", text)]


class Envoy(Proxy, KeepsLinks, unittest.TestCase):
    def command(self):
        identity = str(os.getpid() * 100 + free_port() % 100 + 1)
        return [os.environ["ENVOY"], "-c", self.configuration("envoy.yaml"), "--log-level", "warning", "--concurrency", "1",
                "--use-dynamic-base-id", "--service-node", identity]


if __name__ == "__main__":
    unittest.main()
