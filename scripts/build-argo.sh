#!/usr/bin/env bash
# Builds Argo Workflows for the test bed from its Go modules, once per version: its command `argo`, and the controller and
# the executor as images for the one-node cluster, beside a manifest that installs them. Prints their folder; with --built it
# only tells by its exit code whether that is there. ARGO=v3.x.y asks for another version. Go's caches are thrown away
# afterwards (see scripts/go.sh).
#
#   argo              the command
#   images/*.tar      lab.local/workflow-controller and lab.local/argoexec, tagged with the version
#   install.yaml      Argo's own manifests of its CRDs, controller and rights, with these images, in the namespace argo
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/go.sh"

version=${ARGO:-$ARGO_VERSION}
final=$ABO_CACHE/argo-$version
work=$ABO_CACHE/tmp/argo
log=$ABO_CACHE/logs/argo.log
MODULE=github.com/argoproj/argo-workflows/v3

# A copy of the module with what its archive lacks: a link, for archives of modules hold none, and the web page, which is
# generated; v3.4 has a stub for it, v3.7 wants a folder.
copy_source() {
  local source folder
  source=$(module_folder "$GO" "$MODULE@$version")
  cp -R "$source" "$work/source"
  chmod -R u+w "$work/source"
  cd "$work/source" || exit
  for folder in workflow/executor/os*specific; do
    [ -e "$folder/signal_linux.go" ] || cp "$folder/signal_darwin.go" "$folder/signal_linux.go"
  done
  if [ -e server/static/files.go.stub ]; then
    cp server/static/files.go.stub server/static/files.go
  else
    mkdir -p ui/dist/app
    touch ui/dist/app/index.html
  fi
}

compile() {
  local flags="-s -w -X $MODULE.version=$version -X $MODULE.gitTag=$version -X $MODULE.gitTreeState=clean"
  flags+=" -X $MODULE.gitCommit=modules -X $MODULE.buildDate=2026-01-01T00:00:00Z"
  mkdir "$work/bin"
  CGO_ENABLED=0 GOFLAGS="-mod=mod -modcacherw -buildvcs=false -trimpath" \
    go_with_progress "about 2,000" -C "$work/source" build -v -ldflags "$flags" -o "$work/bin/" \
    ./cmd/argo ./cmd/argoexec ./cmd/workflow-controller
}

assemble() {
  local name rights
  mkdir -p "$work/out/images"
  for name in argoexec workflow-controller; do
    python3 "$ROOT/scripts/make_image.py" "$work/out/images/$name.tar" "lab.local/$name:$version" \
      --program "$work/bin/$name" --user 65532:65532 --entrypoint "$name"
  done
  cp "$work/bin/argo" "$work/out/"
  cp -R "$work/source/manifests" "$work/"
  cp -R "$ROOT/scripts/argo" "$work/manifests/bed"
  # v3.7 calls the folder of the rights otherwise.
  rights=$(cd "$work/manifests" && echo cluster-install*/workflow-controller-rbac)
  sed -i "s/VERSION/$version/; s#RIGHTS#$rights#" "$work/manifests/bed/kustomization.yaml"
  "$("$ROOT/scripts/build-kube.sh")/kubectl" kustomize "$work/manifests/bed" >"$work/out/install.yaml"
}

build() {
  [ -e "$final/install.yaml" ] && return 0
  say "building Argo Workflows $version from its Go modules (the ML pipeline's demo and tests run on it; about 4 minutes"
  say "on two cores, 3 GB of disk meanwhile; done once)"
  rm -rf "$work"
  mkdir -p "$work" "$ABO_CACHE/logs"
  # Something that even an old Go can read, while the new one is fetched.
  printf 'module argo\n' >"$work/go.mod"
  go_caches argo
  : >"$log"
  cd "$work" || exit
  find_go "Argo Workflows $version" "$GO_MIN" "$GO_TOOLCHAIN"
  copy_source
  compile
  cd "$ROOT" || exit
  assemble
  publish "$work/out" "$final"
  rm -rf "$work"
  drop_go_caches
  say "Argo Workflows ready after $(elapsed)"
}

if [ "${1:-}" = --built ]; then
  [ -e "$final/install.yaml" ]
  exit
fi
with_lock argo build
echo "$final"
