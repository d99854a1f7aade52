#!/usr/bin/env bash
# Builds Kubernetes for the test bed from its Go modules, once per version: one program `kube` that is etcd,
# kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kubectl, by the name it is called with.
# Prints its folder. Go's build cache (3 GB) is thrown away afterwards; ABO_GO_CACHES=own uses the user's own Go
# caches instead and leaves them, which makes a rebuild quick.
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/go.sh"

final=$ABO_CACHE/kube-$KUBE_VERSION
work=$ABO_CACHE/tmp/kube
log=$ABO_CACHE/logs/kube.log
TOOLS=(etcd kubectl kube-apiserver kube-controller-manager kube-scheduler kubelet)

# Our go.mod is Kubernetes' own, renamed, with each of its staging folders replaced by the module published from it.
write_go_mod() {
  local staged=v0.${KUBE_VERSION#v1.} source
  source=$(module_folder "$GO" "k8s.io/kubernetes@$KUBE_VERSION")
  sed -e 's#^module .*#module kube#' \
    -e "s#=> ./staging/src/\(k8s.io/[a-z0-9-]*\)#=> \1 $staged#" \
    -e "0,/^require (/s##require (\n\tk8s.io/kubernetes $KUBE_VERSION#" "$source/go.mod" >"$work/go.mod"
  cat "$source/go.sum" >"$work/go.sum"
  chmod u+w "$work/go.mod" "$work/go.sum"
}

compile() {
  local flags="-s -w" package
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$KUBE_VERSION -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$KUBE_VERSION")"
    flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=modules -X $package.buildDate=2026-01-01T00:00:00Z"
  done
  # Names each package as it is compiled: counted for the progress line, kept in the log.
  CGO_ENABLED=0 GOFLAGS="-mod=mod -modcacherw -buildvcs=false -trimpath" \
    go_with_progress "about 3,000" build -C "$work" -v -ldflags "$flags" -o "$work/out/kube" .
}

build() {
  [ -x "$final/kube" ] && return 0
  say "building Kubernetes $KUBE_VERSION from its Go modules (a real API server for the tests and the demo;"
  say "about 6 minutes on two cores, 3 GB of disk meanwhile; done once)"
  rm -rf "$work"
  mkdir -p "$work/out" "$ABO_CACHE/logs"
  cp "$ROOT"/scripts/kube/*.go "$work/"
  printf 'module kube\n' >"$work/go.mod"
  go_caches kube
  : >"$log"
  cd "$work" || exit
  find_go "Kubernetes $KUBE_VERSION" "$GO_MIN" "$GO_TOOLCHAIN"
  write_go_mod
  compile
  cd "$ROOT" || exit
  local tool
  for tool in "${TOOLS[@]}"; do ln -s kube "$work/out/$tool"; done
  publish "$work/out" "$final"
  rm -rf "$work"
  drop_go_caches
  say "Kubernetes ready after $(elapsed)"
}

with_lock kube build
echo "$final"
