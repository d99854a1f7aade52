#!/usr/bin/env bash
# The part of `make lint` about the Helm chart and the manifests: what helm, its unit tests, Kubernetes' own schemas and
# kube-score say about them, and that nothing generated is out of date.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" test chart
tools=$("$ROOT/scripts/build-tools.sh")
schemas=$("$ROOT/scripts/build-schemas.sh")
chart=charts/azure-blob-operator
plain=(config/install/install.yaml config/install/install-pre-1.25.yaml config/deployment.yaml)
# The oldest release that the schemas know, the one of the test bed, the newest.
releases=(1.25 "$(cut -d. -f1,2 <<<"${KUBE_VERSION#v}")" "$(cut -d. -f1,2 <<<"$KUBE_SCHEMAS_VERSION")")
# kubectl keeps the whole object in an annotation of at most 262,144 bytes.
CRD_LIMIT=200000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Helm looks for plugins and repositories at home: here are none.
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
failed=()

# check NAME COMMAND...: quiet when all is well; runs on after a failure.
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then say "$name: good"; else
    cat "$work/log" >&2
    failed+=("$name")
  fi
}

versions_agree() {
  local program
  program=$(sed -n 's/^project(azure_blob_operator VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  if ! grep -qx "version: $program" $chart/Chart.yaml || ! grep -qx "appVersion: \"$program\"" $chart/Chart.yaml; then
    echo "Chart.yaml's version and appVersion must both be the program's, $program"
    return 1
  fi
}

helm_lint() {
  local values
  for values in "$chart"/ci/*.yaml; do "$tools/helm" lint --strict --quiet $chart --values "$values" || return; done
}

# Each set of values as each release of Kubernetes would get it, and the plain manifests.
render_all() {
  local values release
  for release in "${releases[@]}"; do
    mkdir -p "$work/$release"
    cp "${plain[@]}" "$work/$release/"
    for values in "$chart"/ci/*.yaml; do
      "$tools/helm" template azure-blob-operator $chart --namespace azure-blob-operator --kube-version "$release" \
        --values "$values" >"$work/$release/$(basename "$values")" || return
    done
  done
}

# Prometheus' operator has no schema among Kubernetes' own, and no release that has them knows policy/v1beta1.
kubeconform_all() {
  local release
  for release in "${releases[@]}"; do
    "$tools/kubeconform" -strict -summary -skip ServiceMonitor,PrometheusRule,policy/v1beta1/PodDisruptionBudget \
      -schema-location "$schemas/$release/{{ .ResourceKind }}{{ .KindSuffix }}.json" "$work/$release" || return
  done
}

# Not asked for: a limit on CPU, which delays polls and protects nobody (values.yaml); pulling an image anew that a version
# names; and, of the plain manifests, a NetworkPolicy, which only who knows the cluster can write.
score() {
  "$tools/kube-score" score --output-format ci --ignore-container-cpu-limit \
    --ignore-test container-image-pull-policy "$@" | awk '!/^\[(OK|SKIPPED)\]/'
}
score_all() {
  score "$work/${releases[1]}/full-values.yaml" &&
    score --ignore-test pod-networkpolicy config/install/install.yaml &&
    score --ignore-test pod-networkpolicy config/deployment.yaml
}

crd_fits() {
  local size
  size=$(wc -c <config/crd/azureblobwatchers.yaml)
  if [ "$size" -gt $CRD_LIMIT ]; then
    echo "config/crd/azureblobwatchers.yaml has $size bytes, $CRD_LIMIT at most"
    return 1
  fi
}

check "versions of the chart" versions_agree
check "helm lint" helm_lint
check "chart unit tests" "$tools/helm-unittest" --strict $chart
check "rendering" render_all
check "kubeconform" kubeconform_all
check "kube-score" score_all
check "yamllint" "$ABO_CACHE/venv/bin/yamllint" --strict .
check "size of the CRD" crd_fits
check "generated manifests" scripts/render-manifests.sh --check
[ ${#failed[@]} = 0 ] || die "to mend: ${failed[*]}"
