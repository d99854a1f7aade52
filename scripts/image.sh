#!/usr/bin/env bash
# The container image of the Dockerfile, by docker, podman or buildah, whichever is there (TOOL=name decides).
#
#   scripts/image.sh build IMG      BASE=image to build on (debian:12); BASE=packages makes one of Debian's packages,
#                                   for machines that reach no image registry
#   scripts/image.sh push IMG
#   scripts/image.sh archive IMG FILE    writes it as an OCI archive, such as `ctr images import` reads (buildah only)
#
# ABO_IMAGE_STORE=folder keeps all of buildah's there, for one build at a time; what no image needs is then removed.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

PACKAGES_BASE=localhost/debian-packages:12
# buildah compresses quickly by default, which makes the image 0.3 MB larger.
SMALL=(--compression-format gzip --compression-level 9)
TOOLCHAIN=localhost/azure-blob-operator-toolchain:latest

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# The client of docker may be there without its daemon.
works() {
  command -v "$1" >/dev/null || return 1
  [ "$1" != docker ] || docker info >/dev/null 2>&1
}

choose_tool() {
  local each
  if [ -n "${TOOL:-}" ]; then
    works "$TOOL" || die "TOOL=$TOOL is not installed, or its daemon does not answer"
    tool=$TOOL
    return
  fi
  for each in docker podman buildah; do
    if works $each; then tool=$each; return; fi
  done
  die "none of docker, podman, buildah works here; on Debian: apt-get install buildah"
}

run_tool() {
  if [ "$tool" = buildah ] && [ -n "${ABO_IMAGE_STORE:-}" ]; then
    mkdir -p "$ABO_IMAGE_STORE/tmp"
    TMPDIR=$ABO_IMAGE_STORE/tmp \
      buildah --root "$ABO_IMAGE_STORE/storage" --runroot "$ABO_IMAGE_STORE/run" "$@"
  else
    "$tool" "$@"
  fi
}

has_image() {
  case $tool in
    buildah) run_tool inspect --type image "$1" >/dev/null 2>&1 ;;
    *) run_tool image inspect "$1" >/dev/null 2>&1 ;;
  esac
}

# A Debian 12 of its packages alone, as a local image.
packages_base() {
  has_image $PACKAGES_BASE && return 0
  "$ROOT/scripts/bootstrap.sh" image
  local tar=$ABO_CACHE/tmp/debian.tar log=$ABO_CACHE/logs/image-base.log container
  mkdir -p "$ABO_CACHE/tmp" "$ABO_CACHE/logs"
  say "assembling the base image of Debian's packages (no registry is asked; two minutes)"
  mmdebstrap --variant=minbase --include=ca-certificates bookworm "$tar" >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "mmdebstrap failed; its whole output is in $log"; }
  case $tool in
    buildah)
      container=$(run_tool from scratch)
      run_tool add --quiet "$container" "$tar" / >/dev/null
      run_tool commit --quiet --rm "$container" $PACKAGES_BASE >/dev/null
      ;;
    *) run_tool import "$tar" $PACKAGES_BASE >/dev/null ;;
  esac
  rm -f "$tar"
}

version() { sed -n 's/^project(.* VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt; }
revision() { git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null || echo unknown; }

# bud OPTION...: one run over the Dockerfile.
bud() {
  case $tool in
    docker) DOCKER_BUILDKIT=1 docker build "$@" . ;;
    podman) podman build --layers "$@" . ;;
    buildah) run_tool build --layers --isolation "${BUILDAH_ISOLATION:-chroot}" "$@" . ;;
  esac
}

build() {
  local base=${BASE:-debian:12} options=()
  if [ "$base" = packages ]; then
    packages_base
    base=$PACKAGES_BASE
    # No second cache of compiled files on a machine that has one: the compiler is the same package.
    if [ "$tool" = buildah ] && command -v ccache >/dev/null; then
      mkdir -p "$(ccache -k cache_dir)"
      options+=(--volume "$(ccache -k cache_dir):/machine-ccache" --build-arg CCACHE_DIR=/machine-ccache)
    fi
  fi
  options+=(--build-arg "BASE=$base")
  say "building $1 by $tool on $base (the first time it installs a compiler and compiles everything: 15 minutes)"
  local own_store=
  [ "$tool" = buildah ] && [ -n "${ABO_IMAGE_STORE:-}" ] && own_store=yes
  if [ -n "$own_store" ]; then
    run_tool rm --all >/dev/null # of a build that was killed
    # Under a name of its own, the toolchain outlives the cleaning below.
    bud "${options[@]}" --target toolchain --tag $TOOLCHAIN
  fi
  bud "${options[@]}" --build-arg "VERSION=$(version)" --build-arg "REVISION=$(revision)" --tag "$1"
  [ -z "$own_store" ] || run_tool rmi --prune >/dev/null
}

archive() {
  [ "$tool" = buildah ] || die "an OCI archive is written by buildah only: TOOL=buildah"
  rm -f "$2"
  run_tool push --quiet "${SMALL[@]}" "$1" "oci-archive:$2:$1"
}

[ $# -ge 2 ] || usage
choose_tool
case $1 in
  build) build "$2" ;;
  push)
    [ "$tool" = buildah ] || SMALL=()
    run_tool push "${SMALL[@]}" "$2"
    ;;
  archive) [ $# = 3 ] || usage; archive "$2" "$3" ;;
  *) usage ;;
esac
