#!/usr/bin/env bash
# Brings the clients, and says where they are: `eval "$(tests/e2e/clients/tools.sh)"` sets CLIENTS, PYTHON, CHROMIUM and RUST_CLIENT.
# In: cargo, python3 with venv, node with npm; chromium, or root and apt. Out: assignments, or a sentence and 1.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cache=${CARGO_TARGET_DIR:-$root/target}/clients
mkdir -p "$cache/npm"
cache=$(cd "$cache" && pwd)

say() { echo "tests/e2e/clients/tools.sh: $*" >&2; }
need() { command -v "$1" >/dev/null || { say "there is no $1: $2"; exit 1; }; }

need python3 "install it with its venv module."
need npm "install node 20 or later with npm."
need cargo "install Rust."

python=$cache/venv/bin/python
if ! cmp -s "$root/tests/e2e/clients/python/requirements.txt" "$cache/venv/requirements.txt"; then
  { rm -rf "$cache/venv" && python3 -m venv "$cache/venv" \
    && "$cache/venv/bin/pip" install --quiet --requirement "$root/tests/e2e/clients/python/requirements.txt" \
    && cp "$root/tests/e2e/clients/python/requirements.txt" "$cache/venv/"; } >&2 || { say "pip could not bring the PyPI provider."; exit 1; }
fi

# the programs are copied to the packages, for node looks for these beside a program
lock=$root/tests/e2e/clients/npm/package-lock.json
if ! cmp -s "$lock" "$cache/npm/installed-lock.json"; then
  cp "$root"/tests/e2e/clients/npm/package*.json "$cache/npm/"
  { (cd "$cache/npm" && npm ci --silent --no-audit --no-fund) && cp "$lock" "$cache/npm/installed-lock.json"; } >&2 || { say "npm could not bring the npm providers."; exit 1; }
fi
cp "$root"/tests/e2e/clients/npm/*.mjs "$root"/tests/e2e/clients/npm/*.jsx "$cache/npm/"

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$chromium" ]; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >&2 || { say "there is no chromium: install it, or set CHROMIUM."; exit 1; }
  chromium=$(command -v chromium)
fi

CARGO_TARGET_DIR=$cache/rust cargo build --quiet --locked --manifest-path "$root/tests/e2e/clients/rust/Cargo.toml" >&2 || { say "cargo could not build the Rust provider."; exit 1; }

printf 'CLIENTS=%q\nPYTHON=%q\nCHROMIUM=%q\nRUST_CLIENT=%q\n' "$cache" "$python" "$chromium" "$cache/rust/debug/burgee-client"
