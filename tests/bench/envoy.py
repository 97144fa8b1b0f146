"""Envoy's configuration: its Lua filter decides. In: place and work, as in `peers.py`. Out: a command line."""

import json

import tools
from work import GRPC, WEBSOCKET

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


def kind(name):
    return f"type.googleapis.com/envoy.extensions.{name}"


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def command(place, work):
    lua = {"name": "lua", "typed_config": {"@type": kind("filters.http.lua.v3.Lua"), "default_source_code": {"inline_string": LUA.replace("TOGGLES", str(work.toggles))}}}
    router = {"name": "router", "typed_config": {"@type": kind("filters.http.router.v3.Router"), "suppress_envoy_headers": True}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "application", "timeout": "0s"}}
    manager = {"@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"), "stat_prefix": "in", "codec_type": "HTTP2" if work.h2 else "HTTP1", "generate_request_id": False,
               "http_filters": [lua, router], "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]}}
    if work.kind == WEBSOCKET:
        manager["upgrade_configs"] = [{"upgrade_type": "websocket"}]
    limits = {"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}
    cluster = {"name": "application", "type": "STATIC", "circuit_breakers": {"thresholds": [limits]}, "load_assignment": {
        "cluster_name": "application", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(place.application)}}]}]}}
    if work.kind == GRPC:
        options = {"@type": kind("upstreams.http.v3.HttpProtocolOptions"), "explicit_http_config": {"http2_protocol_options": {}}}
        cluster["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
    filters = [{"filters": [{"name": "manager", "typed_config": manager}]}]
    config = {"static_resources": {"listeners": [{"address": address(place.listen), "filter_chains": filters}], "clusters": [cluster]}}
    return [tools.find("envoy"), "-c", place.file("json", json.dumps(config)), "--concurrency", str(work.workers), "--disable-hot-restart", "--log-level", "error"]
