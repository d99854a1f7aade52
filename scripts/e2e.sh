#!/usr/bin/env bash
# `make e2e`: the operator's image in a real cluster, installed in each of the three ways, driven by kubectl and helm; and the
# example of the ML pipeline with it.
#
#   scripts/e2e.sh [PYTEST ARGUMENTS]      a one-node cluster of its own, which needs root; the image is built here
#   CONTEXT=name IMG=image HOST=address    that context of the kubeconfig instead: a cluster without the operator, which can
#                                          pull IMG, and whose Pods reach this machine at HOST (Azurite runs here)
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

archive=$ROOT/build/e2e/image.tar

own_image() {
  export ABO_IMAGE_STORE=$ABO_CACHE/image TOOL=buildah BASE=packages
  mkdir -p "$(dirname "$archive")" "$ABO_IMAGE_STORE"
  "$ROOT/scripts/image.sh" build "$1" &&
    "$ROOT/scripts/image.sh" archive "$1" "$archive"
}

if [ -n "${CONTEXT:-}" ]; then
  [ -n "${IMG:-}" ] || die "CONTEXT needs IMG: the operator's image where that cluster can pull it (make docker-push)"
  [ -n "${HOST:-}" ] || die "CONTEXT needs HOST: this machine's address as that cluster's Pods see it"
else
  [ "$(id -u)" = 0 ] || die "not run: a cluster of its own needs root, and this is not; CONTEXT=name uses an existing one"
fi
"$ROOT/scripts/bootstrap.sh" test bed chart
if [ -z "${CONTEXT:-}" ]; then
  "$ROOT/scripts/bootstrap.sh" node image argo ml
  "$ROOT/scripts/ml-image.sh" build
  export IMG=localhost/azure-blob-operator:e2e IMAGE_ARCHIVE=$archive
  say "making the image; its output goes to $ABO_CACHE/logs/image.log"
  with_lock image own_image "$IMG" >"$ABO_CACHE/logs/image.log" ||
    { tail -n 20 "$ABO_CACHE/logs/image.log" >&2; die "no image; all of its output is in $ABO_CACHE/logs/image.log"; }
fi
HELM=$("$ROOT/scripts/build-tools.sh")/helm
export HELM
exec env PYTHONDONTWRITEBYTECODE=1 "$ABO_CACHE/venv/bin/pytest" tests/e2e "$@"
