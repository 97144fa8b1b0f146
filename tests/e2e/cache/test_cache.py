"""A cache keeps pages whose variant depends on who asks: nobody gets the page of somebody else, and a page is made once a group.

In: $BURGEE, $NGINX. Out: unittest's.
"""

import collections
import http.client
import http.server
import os
import pathlib
import re
import socket
import subprocess
import threading
import time
import unittest

from burgee import Burgee

ROOT = pathlib.Path(__file__).resolve().parents[3]
VISITORS = 1500
PATIENCE = 30


class Application(http.server.BaseHTTPRequestHandler):
    """A page that may be kept for a minute, and says which variant it was made for."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    made = collections.Counter()

    def do_GET(self):
        variant = self.headers["X-Feature-Landing-Page"]
        Application.made[self.path, self.headers["X-Visitor-Group"]] += 1
        self.send_response(200)
        self.send_header("Cache-Control", {"/account": "no-store"}.get(self.path, "public, max-age=60"))
        self.send_header("CDN-Cache-Control", "max-age=600")
        self.send_header("X-Feature-Used", "landing-page")
        self.send_header("Content-Length", str(len(variant)))
        self.end_headers()
        self.wfile.write(variant.encode())

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Cache(unittest.TestCase):
    toggles = (ROOT / "config/examples/cached-pages.yaml").read_text()

    def setUp(self):
        Application.made.clear()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        upstream = f"http://127.0.0.1:{server.server_port}"
        self.burgee = self.enterContext(Burgee(self.toggles, "--upstream", upstream, upstream=False))
        self.edge(self.configuration())

    def configuration(self):
        return (ROOT / "deploy/cache/nginx.conf").read_text()

    def edge(self, configuration):
        """nginx by this file, at this test's addresses."""
        folder, port = self.burgee.folder, free_port()
        configuration = configuration.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("127.0.0.1:3524", self.burgee.traffic)
        configuration = configuration.replace("/var/cache/nginx", str(folder))
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        user = "user root;\n" if os.getuid() == 0 else ""
        text = f"{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{configuration}\n}}\n"
        (folder / "nginx.conf").write_text(text)
        log = (folder / "nginx.log").open("w")
        process = subprocess.Popen([os.environ["NGINX"], "-e", "stderr", "-c", folder / "nginx.conf"], stdout=log, stderr=log)
        log.close()
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                self.client.connect()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    self.fail((folder / "nginx.log").read_text())
                time.sleep(0.02)
        self.addCleanup(self.client.close)

    def answer(self, path="/", cookie=None, **fields):
        """The page, and the fields that came with it."""
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if cookie:
            fields["Cookie"] = f"theme=dark; {cookie}; other=1"
        self.client.request("GET", path, headers=fields)
        answer = self.client.getresponse()
        page = answer.read().decode()
        self.assertEqual(answer.status, 200, page)
        return page, answer.headers

    def ask(self, path="/", cookie=None, **fields):
        """The page, its cookie, whether the cache had it, and its `Vary`."""
        page, headers = self.answer(path, cookie, **fields)
        return page, headers["Set-Cookie"], headers["X-Cache-Status"], headers["Vary"]


class ByGroup(Cache):
    def test_whoever_comes_back_gets_the_same_page_and_a_page_is_made_once_a_group(self):
        visitors, arms, given = set(), collections.Counter(), {}
        for _ in range(VISITORS):
            page, cookie, _, vary = self.ask(Sec_Fetch_Mode="navigate")
            visitor = re.fullmatch(r"(visitor=[0-9a-f]{32}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure", cookie)[1]
            self.assertEqual(vary, "X-Visitor-Group")
            visitors.add(visitor)
            arms[page] += 1
            for path in ["/", "/other"]:
                again, cookie, _, _ = self.ask(path, cookie=visitor, Sec_Fetch_Mode="navigate")
                self.assertEqual((again, cookie), (page, None), visitor)
            group = visitor.removeprefix("visitor=")[:2]
            self.assertEqual(given.setdefault(group, page), page, group)
        self.assertEqual(len(visitors), VISITORS)
        # nearly all of 256 groups came; what each made, it made once
        self.assertEqual(set(Application.made.values()), {1})
        self.assertLessEqual(len(Application.made), 2 * 256)
        self.assertGreater(len(given), 240)
        # half of 256 groups, give or take four times the deviation
        self.assertAlmostEqual(arms["short"] / VISITORS, 0.5, delta=4 * (0.25 / 256 + 0.25 / VISITORS) ** 0.5)

    def test_a_group_gets_what_burgee_gives_it(self):
        for group in ["00", "7f", "ff"]:
            page, *_ = self.ask(cookie=f"visitor={group}{'0' * 30}")
            client = http.client.HTTPConnection(self.burgee.traffic, timeout=PATIENCE)
            client.request("GET", "/", headers={"X-Visitor-Group": group})
            self.assertEqual(client.getresponse().read().decode(), page)
            client.close()

    def test_a_client_cannot_choose_its_group(self):
        honest = self.ask(cookie=f"visitor={'0' * 32}")[0]
        for group in [f"{number:02x}" for number in range(256)]:
            self.assertEqual(self.ask(cookie=f"visitor={'0' * 32}", X_Visitor_Group=group)[0], honest)
        self.assertEqual({group for _, group in Application.made}, {"00"})

    def test_a_page_that_brings_an_id_is_kept_by_no_cache_before_the_edge(self):
        # made, then from the edge's own cache, which has what the application said
        for _ in range(2):
            for path, first, then in [("/", "private, no-cache", "public, max-age=60"), ("/account", "private, no-store", "no-store")]:
                for cookie, expected in [(None, first), (f"visitor={'0' * 32}", then)]:
                    _, headers = self.answer(path, cookie, Sec_Fetch_Mode="navigate")
                    self.assertEqual(headers["Set-Cookie"] is None, cookie is not None)
                    self.assertEqual((headers.get_all("Cache-Control"), headers["CDN-Cache-Control"]), ([expected], None), path)
        self.assertEqual(headers["X-Cache-Status"], "MISS")
        self.assertEqual(self.answer("/", f"visitor={'0' * 32}")[1]["X-Cache-Status"], "HIT")

    def test_what_is_no_page_gets_no_id_and_the_default(self):
        for fields in [{}, {"Sec_Fetch_Mode": "no-cors"}, {"cookie": "visitor=mallory"}]:
            page, cookie, *_ = self.ask(**fields)
            self.assertEqual((page, cookie), ("control", None), fields)
        self.assertIsNotNone(self.ask(cookie="visitor=mallory", Sec_Fetch_Mode="navigate")[1])


class ByVaryAlone(Cache):
    """A cache that knows nothing of visitors: the address is its key, and burgee's `Vary` does the rest."""

    toggles = "version: 1\nuser: [cookie.user_id]\nfeatures: {landing-page: {variants: [control, short], serve: {control: 50%, short: 50%}}}\n"

    def configuration(self):
        return """proxy_cache_path /var/cache/nginx/pages keys_zone=pages:10m;
        server {
            listen 127.0.0.1:8000;
            location / {
                proxy_pass http://127.0.0.1:3524;
                proxy_cache pages;
                proxy_cache_key $request_uri;
                add_header X-Cache-Status $upstream_cache_status;
            }
        }"""

    def test_nobody_gets_the_page_of_another(self):
        direct = http.client.HTTPConnection(self.burgee.traffic, timeout=PATIENCE)
        self.addCleanup(direct.close)
        for user in [f"user_id=user-{number}" for number in range(200)] * 2:
            page, _, _, vary = self.ask(cookie=user)
            direct.request("GET", "/", headers={"Cookie": user})
            self.assertEqual(page, direct.getresponse().read().decode(), user)
            self.assertEqual(vary, "Cookie")

    def test_the_same_visitor_is_served_from_the_cache(self):
        found = [self.ask(cookie="user_id=mia")[2] for _ in range(3)]
        self.assertEqual(found, ["MISS", "HIT", "HIT"])


del Cache
if __name__ == "__main__":
    unittest.main()
