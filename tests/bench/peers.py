"""What a user would pick instead, each told to do the same: the user's id from the cookie `uid`, N toggles that are on for 99%
of the users, a header for each, whatever a client claims.

In: where to listen, the application, the work. Out: a command line. Keep-alive on both sides; one worker; no access log.
"""

import dataclasses
import json

import tools


@dataclasses.dataclass(frozen=True)
class Work:
    toggles: int = 1
    connections: int = 2048  # as many clients as are expected: some peers pay for the number in advance
    text: str = ""  # burgee's own toggles file, where it is about that


@dataclasses.dataclass(frozen=True)
class Place:
    folder: object
    listen: int
    application: int
    socket: str

    def file(self, name, text):
        path = self.folder / f"{self.listen}.{name}"
        path.write_text(text)
        return str(path)


def lines(text, work):
    return "\n".join(text.replace("NNN", f"{n:03}").replace("SEED", str(n + 1)) for n in range(work.toggles))


def burgee(place, work, upstream=None):
    text = work.text or "version: 1\nuser: [cookie.uid]\nfeatures:\n" + lines("  flag-NNN: 99%", work)
    return [tools.find("burgee"), "run", "--toggles", place.file("yaml", text), "--upstream", upstream or f"http://127.0.0.1:{place.application}",
            "--listen", f"127.0.0.1:{place.listen}", "--admin-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--workers", "1", "--log-format", "json"]


def burgee_unix(place, work):
    return burgee(place, work, f"unix:{place.socket}")


def nginx(place, work):
    at = place.folder
    config = f"""
worker_processes 1; daemon off; pid {at}/{place.listen}.pid; error_log {at}/nginx.log crit; worker_rlimit_nofile 30000;
events {{ worker_connections {2 * work.connections}; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 0; client_body_buffer_size 64k;
  client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  proxy_max_temp_file_size 0; variables_hash_max_size 4096; proxy_headers_hash_max_size 4096; proxy_headers_hash_bucket_size 128;
  upstream application {{ server 127.0.0.1:{place.application}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  {lines('split_clients "flag-NNN:$cookie_uid" $flag_NNN { 99% on; * off; }', work)}
  server {{
    listen 127.0.0.1:{place.listen} reuseport backlog=4096;
    location / {{
      proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      {lines('proxy_set_header X-Feature-Flag-NNN $flag_NNN;', work)}
    }}
  }}
}}"""
    return [tools.find("nginx"), "-c", place.file("conf", config), "-p", str(at)]


def haproxy(place, work):
    toggle = "  http-request set-header X-Feature-Flag-NNN %[var(txn.uid),xxh32(SEED),mod(100),div(99),iif(off,on)]"
    larger = "  tune.bufsize 32768\n  tune.maxrewrite 8192" if work.toggles > 20 else ""
    config = f"""
global
  nbthread 1
  maxconn {work.connections}
{larger}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
frontend clients
  bind 127.0.0.1:{place.listen} backlog 4096
  http-request set-var(txn.uid) req.cook(uid)
{lines(toggle, work)}
  default_backend application
backend application
  server one 127.0.0.1:{place.application} pool-max-conn 4096
"""
    return [tools.find("haproxy"), "-db", "-f", place.file("cfg", config)]


LUA = """
local bit = require("bit")
local names, seeds = {}, {}
local function hash(seed, text)
  for i = 1, #text do
    seed = bit.bxor(seed, text:byte(i))
    seed = bit.tobit(seed + bit.lshift(seed, 1) + bit.lshift(seed, 4) + bit.lshift(seed, 7) + bit.lshift(seed, 8) + bit.lshift(seed, 24))
  end
  return seed
end
for i = 1, TOGGLES do
  names[i] = string.format("x-feature-flag-%03d", i - 1)
  seeds[i] = hash(-2128831035, names[i])
end
function envoy_on_request(request)
  local headers = request:headers()
  local cookie = headers:get("cookie")
  local user = cookie and cookie:match("uid=([^;]+)") or ""
  for i = 1, #names do
    headers:replace(names[i], hash(seeds[i], user) % 4294967296 % 100 < 99 and "on" or "off")
  end
end
"""


def envoy(place, work):
    kind = lambda name: f"type.googleapis.com/envoy.extensions.filters.{name}"
    address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    lua = {"name": "lua", "typed_config": {"@type": kind("http.lua.v3.Lua"), "default_source_code": {"inline_string": LUA.replace("TOGGLES", str(work.toggles))}}}
    router = {"name": "router", "typed_config": {"@type": kind("http.router.v3.Router"), "suppress_envoy_headers": True}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "application", "timeout": "0s"}}
    manager = {"@type": kind("network.http_connection_manager.v3.HttpConnectionManager"), "stat_prefix": "in", "codec_type": "HTTP1", "generate_request_id": False,
               "http_filters": [lua, router], "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]}}
    limits = {"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}
    cluster = {"name": "application", "type": "STATIC", "circuit_breakers": {"thresholds": [limits]}, "load_assignment": {
        "cluster_name": "application", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(place.application)}}]}]}}
    filters = [{"filters": [{"name": "manager", "typed_config": manager}]}]
    config = {"static_resources": {"listeners": [{"address": address(place.listen), "filter_chains": filters}], "clusters": [cluster]}}
    return [tools.find("envoy"), "-c", place.file("json", json.dumps(config)), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


def burgee_plain(place, work):
    return [tools.find("burgee-plain"), *burgee(place, work)[1:]]


PEERS = {"burgee": burgee, "nginx": nginx, "haproxy": haproxy, "envoy": envoy}
EVERY = {**PEERS, "burgee-unix": burgee_unix, "burgee-plain": burgee_plain}
