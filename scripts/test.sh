#!/usr/bin/env bash
# Builds one preset and runs all tests with it: scripts/test.sh dev|asan-ubsan|tsan [PYTEST ARGUMENTS]
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

preset=${1:-dev}
shift || true  # called without any argument
"$ROOT/scripts/bootstrap.sh" build test bed ml

say "building the preset $preset"
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
say "unit tests, preset $preset"
ctest --preset "$preset" -j "$(nproc)" --progress --no-tests=error
say "example tests, examples/ml-pipeline with real Keras"
(cd examples/ml-pipeline && "$ABO_CACHE/ml-venv/bin/python" -m pytest -p no:cacheprovider --tb=short --no-header \
  --disable-warnings tests)
say "component tests, preset $preset: the operator on a real API server and Azurite"
ABO_OPERATOR=${ABO_OPERATOR:-build/$preset/azure-blob-operator} "$ABO_CACHE/venv/bin/pytest" tests/component "$@"
say "chaos tests, preset $preset: killed at every write, and a short campaign of faults"
ABO_OPERATOR=${ABO_OPERATOR:-build/$preset/azure-blob-operator} "$ABO_CACHE/venv/bin/pytest" -s tests/chaos
