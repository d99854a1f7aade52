#!/usr/bin/env bash
# What is said of the metrics: that Prometheus likes their names, that alerts hold what their tests say, and that alerts,
# dashboard and runbook speak of nothing that is not there. Called by scripts/lint.sh.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" build test metrics
promtool=$ABO_CACHE/promtool/promtool
preset=${PRESET:-dev}
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target metrics_dump >/dev/null
scrape=$(mktemp)
trap 'rm -f "$scrape"' EXIT
"build/$preset/metrics_dump" >"$scrape"

# quietly COMMAND...: what it says is shown only when it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
}

quietly "$promtool" check metrics <"$scrape"
quietly "$promtool" check rules charts/azure-blob-operator/files/alerts.yaml
quietly "$promtool" test rules tests/alerts/*_test.yaml
"$ABO_CACHE/venv/bin/python" scripts/check-dashboard.py "$promtool" "$scrape"
