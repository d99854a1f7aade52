#!/usr/bin/env bash
# What Argo's own `argo lint` says of the Workflows among the examples, a watcher's as the operator renders it. Called by
# scripts/lint.sh.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" build test argo
argo=$("$ROOT/scripts/build-argo.sh")/argo
preset=${PRESET:-dev}
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target azure-blob-operator >/dev/null
mapfile -t examples < <(git ls-files --cached --others --exclude-standard 'examples/*.yaml')
"$ABO_CACHE/venv/bin/python" scripts/check-workflows.py "$argo" "build/$preset/azure-blob-operator" "${examples[@]}"
