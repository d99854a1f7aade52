#!/usr/bin/env bash
# Builds the programs that check the chart and the manifests (helm, helm-unittest, helm-docs, kubeconform, kube-score) from
# their Go modules, once for each content of scripts/tools: go.mod there names each version, go.sum each sum. kube-score
# stands alone because it needs an older Kubernetes API than the others. Prints their folder; with --built it only tells
# by its exit code whether that is there. Go's caches are thrown away afterwards (see scripts/go.sh).
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/go.sh"

key=$(cd "$ROOT/scripts/tools" && cat chart/go.mod chart/go.sum score/go.mod score/go.sum | sha256sum | cut -c1-12)
final=$ABO_CACHE/tools-$key
work=$ABO_CACHE/tmp/tools
log=$ABO_CACHE/logs/tools.log

# compile MODULE: every program that MODULE's go.mod calls a tool.
compile() {
  cp "$ROOT/scripts/tools/$1/go.mod" "$ROOT/scripts/tools/$1/go.sum" "$work/"
  GOBIN=$work/out CGO_ENABLED=0 GOFLAGS="-mod=readonly -modcacherw -buildvcs=false -trimpath" \
    go_with_progress "about 1,300" -C "$work" install -v -ldflags "-s -w" tool
}

build() {
  [ -e "$final/.complete" ] && return 0
  say "building helm and the checkers of chart and manifests from their Go modules (about 5 minutes on two cores,"
  say "2 GB of disk meanwhile; done once)"
  rm -rf "$work"
  mkdir -p "$work/out" "$ABO_CACHE/logs"
  # Something that even an old Go can read, while the new one is fetched.
  printf 'module tools\n' >"$work/go.mod"
  go_caches tools
  : >"$log"
  cd "$work" || exit
  find_go "helm" "$TOOLS_GO_MIN" "$TOOLS_GO_TOOLCHAIN"
  compile score
  compile chart
  cd "$ROOT" || exit
  touch "$work/out/.complete"
  publish "$work/out" "$final"
  rm -rf "$work"
  drop_go_caches
  say "helm and the checkers ready after $(elapsed)"
}

if [ "${1:-}" = --built ]; then
  [ -e "$final/.complete" ]
  exit
fi
with_lock tools build
echo "$final"
