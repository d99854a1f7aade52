#!/usr/bin/env bash
# The release preset, static: scripts/build.sh [TARGET...] (everything by default, benchmarks included).
# --program-only instead of targets: the program, where only its own packages are installed (see the Dockerfile).
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

group=build options=()
if [ "${1:-}" = --program-only ]; then
  group=program options=(-DABO_BENCH=OFF)
  set -- azure-blob-operator
fi
"$ROOT/scripts/bootstrap.sh" $group
curl_root=$("$ROOT/scripts/build-libcurl.sh")
mkdir -p build
cmake --preset release -DABO_CURL_ROOT="$curl_root" "${options[@]}" >build/release.log 2>&1 ||
  { cat build/release.log; exit 1; }
cmake --build --preset release ${1:+--target "$@"}
