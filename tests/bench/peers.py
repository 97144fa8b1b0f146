"""What a user would pick instead, each told to do the same: the user's id from the cookie `uid`, N toggles that are on for 99%
of the users, a header for each, whatever a client claims.

In: where to listen, the application, the work. Out: a command line. Keep-alive on both sides; one worker; no access log.
"""

import envoy
import tools
from work import GRPC, H1, UPLOAD, WEBSOCKET, Work  # `peers.Work` is what others say


def lines(text, work):
    return "\n".join(text.replace("NNN", f"{n:03}").replace("SEED", str(n + 1)) for n in range(work.toggles))


def burgee(place, work, upstream=None):
    text = work.text or "version: 1\nuser: [cookie.uid]\nfeatures:\n" + lines("  flag-NNN: 99%", work)
    tunnels = ["--max-upstream-connections", str(work.connections)] if work.kind == WEBSOCKET else []
    return [tools.find("burgee"), "run", "--toggles", place.file("yaml", text), "--upstream", upstream or f"http://127.0.0.1:{place.application}",
            "--listen", f"127.0.0.1:{place.listen}", "--admin-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--workers", str(work.workers), "--log-format", "json", *tunnels]


def burgee_unix(place, work):
    return burgee(place, work, f"unix:{place.socket}")


NGINX_PASSES = {
    H1: 'proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection "";',
    UPLOAD: 'proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;',
    WEBSOCKET: 'proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade;',
    GRPC: "grpc_pass grpc://application;",
}


def nginx(place, work):
    at = place.folder
    header = "grpc_set_header" if work.kind == GRPC else "proxy_set_header"
    status = f"server {{ listen 127.0.0.1:{place.admin}; location / {{ stub_status; }} }}" if place.admin else ""
    config = f"""
worker_processes {work.workers}; daemon off; pid {at}/{place.listen}.pid; error_log {at}/nginx.log crit; worker_rlimit_nofile 30000;
events {{ worker_connections {2 * work.connections + 100}; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 0; client_body_buffer_size 64k;
  client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  proxy_max_temp_file_size 0; variables_hash_max_size 4096; proxy_headers_hash_max_size 4096; proxy_headers_hash_bucket_size 128;
  upstream application {{ server 127.0.0.1:{place.application}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  {lines('split_clients "flag-NNN:$cookie_uid" $flag_NNN { 99% on; * off; }', work)}
  server {{
    listen 127.0.0.1:{place.listen}{" http2" if work.h2 else ""} reuseport backlog=4096;
    location / {{
      {NGINX_PASSES.get(work.kind, NGINX_PASSES[H1])} {header} Host $http_host;
      {lines(header + ' X-Feature-Flag-NNN $flag_NNN;', work)}
    }}
  }}
  {status}
}}"""
    return [tools.find("nginx"), "-c", place.file("conf", config), "-p", str(at)]


def haproxy(place, work):
    toggle = "  http-request set-header X-Feature-Flag-NNN %[var(txn.uid),xxh32(SEED),mod(100),div(99),iif(off,on)]"
    larger = "  tune.bufsize 32768\n  tune.maxrewrite 8192" if work.toggles > 20 else ""
    config = f"""
global
  nbthread {work.workers}
  maxconn {work.connections}
{larger}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  timeout tunnel 1h
  option http-keep-alive
  http-reuse always
frontend clients
  bind 127.0.0.1:{place.listen} backlog 4096{" proto h2" if work.h2 else ""}
  http-request set-var(txn.uid) req.cook(uid)
{lines(toggle, work)}
  default_backend application
backend application
  server one 127.0.0.1:{place.application} pool-max-conn 4096{" proto h2" if work.kind == GRPC else ""}
"""
    return [tools.find("haproxy"), "-db", "-f", place.file("cfg", config)]


def burgee_plain(place, work):
    return [tools.find("burgee-plain"), *burgee(place, work)[1:]]


PEERS = {"burgee": burgee, "nginx": nginx, "haproxy": haproxy, "envoy": envoy.command}
EVERY = {**PEERS, "burgee-unix": burgee_unix, "burgee-plain": burgee_plain}
