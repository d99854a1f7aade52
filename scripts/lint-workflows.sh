#!/usr/bin/env bash
# What Argo's own `argo lint` says of the Workflows among the examples, a watcher's as the operator renders it. Called by
# scripts/lint.sh.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" build test argo
argo=$("$ROOT/scripts/build-argo.sh")/argo
cmake --preset dev >/dev/null
cmake --build --preset dev --target azure-blob-operator >/dev/null
mapfile -t examples < <(git ls-files --cached --others --exclude-standard 'examples/*.yaml')
"$ABO_CACHE/venv/bin/python" scripts/check-workflows.py "$argo" build/dev/azure-blob-operator "${examples[@]}"
