#!/usr/bin/env bash
# The ML pipeline's image, from examples/ml-pipeline/Dockerfile as it stands, for the one-node cluster: on a Debian of its
# packages alone instead of python:3.12-slim, for the bed asks no image registry.
#
#   scripts/ml-image.sh name            its name, which says by a hash what is in it
#   scripts/ml-image.sh build           builds it, unless it is there
#   scripts/ml-image.sh archive FILE    writes it as an archive such as `ctr images import` reads
#
# All of buildah's lies in the cache: the base and the layer with the wheels outlive changes of the code, which then takes some
# seconds. Root only, like the cluster.
. "$(dirname "$0")/lib.sh"

context=$ROOT/examples/ml-pipeline
store=$ABO_CACHE/ml-image
base=localhost/ml-pipeline-base:$ML_BASE_VERSION
log=$ABO_CACHE/logs/ml-image.log

run_buildah() { TMPDIR=$store/tmp buildah --root "$store/storage" --runroot "$store/run" "$@"; }
has_image() { run_buildah inspect --type image "$1" >/dev/null 2>&1; }

# Of what .dockerignore lets in.
key() {
  cd "$context" || exit
  { echo "$base"; find Dockerfile .dockerignore requirements.txt ml_pipeline -type f ! -name '*.pyc' | sort | xargs sha256sum; } |
    sha256sum | cut -c1-12
}
name() { echo "lab.local/ml-pipeline:$(key)"; }

logged() { "$@" >>"$log" 2>&1 || { tail -n 5 "$log" >&2; die "no image of the pipeline; the whole output is in $log"; }; }

make_base() {
  has_image "$base" && return 0
  local tar=$store/tmp/base.tar container
  say "assembling a Debian with Python of Debian's packages (no registry is asked; a minute)"
  logged mmdebstrap --variant=minbase --include=python3-minimal,python3-venv,ca-certificates bookworm "$tar"
  container=$(run_buildah from scratch)
  logged run_buildah add --quiet "$container" "$tar" /
  # The wheels come from a folder: a build needs no network, and takes what pip has checked against the hashes anyway.
  logged run_buildah config --env PIP_NO_INDEX=1 --env PIP_FIND_LINKS=/wheels "$container"
  logged run_buildah commit --quiet --rm "$container" "$base"
  rm -f "$tar"
}

build() {
  local image wheels
  image=$(name)
  [ "$(id -u)" = 0 ] || die "the pipeline runs in a cluster of its own, which needs root, and this is not"
  "$ROOT/scripts/bootstrap.sh" test image
  mkdir -p "$store/tmp" "$ABO_CACHE/logs"
  has_image "$image" && return 0
  : >"$log"
  [ -z "$(run_buildah containers --quiet)" ] || run_buildah rm --all >/dev/null # of a build that was killed
  make_base
  wheels=$("$ROOT/scripts/ml-wheels.sh")
  say "building the pipeline's image (a minute; seconds when only its code has changed)"
  logged run_buildah build --layers --isolation chroot --volume "$wheels:/wheels:ro" --build-arg "BASE=$base" \
    --tag "$image" "$context"
  local old
  for old in $(run_buildah images --filter "reference=lab.local/ml-pipeline" --format '{{.Name}}:{{.Tag}}'); do
    [ "$old" = "$image" ] || logged run_buildah rmi "$old"
  done
}

archive() {
  rm -f "$1"
  run_buildah push --quiet "$(name)" "docker-archive:$1:$(name)"
}

case ${1:-} in
  name) name ;;
  build) with_lock ml-image build ;;
  archive) [ $# = 2 ] || die "archive FILE"; with_lock ml-image archive "$2" ;;
  *) sed -n '2,/^\. /{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
