#!/usr/bin/env bash
# Makes everything that comes from the chart and from the CRD: the chart's copies of the CRD, its README, and the plain
# manifests below config. With --check it only says what is out of date.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" test chart
tools=$("$ROOT/scripts/build-tools.sh")
chart=charts/azure-blob-operator
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export HELM_CACHE_HOME=$out/helm HELM_CONFIG_HOME=$out/helm HELM_DATA_HOME=$out/helm

mkdir -p "$out/charts" "$out/config"
cp -r $chart "$out/charts/"
for form in crd crd-pre-1.25; do
  grep -v '^#' config/$form/azureblobwatchers.yaml >"$out/$chart/files/$form.yaml"
done
"$tools/helm-docs" --chart-search-root "$out/charts" --log-level warning --sort-values-order file
"$ABO_CACHE/venv/bin/python" scripts/plain_manifests.py "$tools/helm" "$out/$chart" "$out/config"

status=0
while read -r path; do
  if [ "${1:-}" != --check ]; then
    mkdir -p "$(dirname "$path")"
    cp "$out/$path" "$path"
  elif ! diff -u "$path" "$out/$path" >&2; then
    say "$path is out of date: make manifests"
    status=1
  fi
done < <(cd "$out" && find config $chart/README.md $chart/files/crd*.yaml -type f | sort)
exit $status
