#!/usr/bin/env bash
# The release preset, static: scripts/build.sh [TARGET...] (everything by default, benchmarks included).
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" build
curl_root=$("$ROOT/scripts/build-libcurl.sh")
mkdir -p build
cmake --preset release -DABO_CURL_ROOT="$curl_root" >build/release.log 2>&1 || { cat build/release.log; exit 1; }
cmake --build --preset release ${1:+--target "$@"}
