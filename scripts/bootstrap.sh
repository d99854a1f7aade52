#!/usr/bin/env bash
# Installs what is missing to build, test and demonstrate azure-blob-operator on Debian 12, and says what and why.
#
#   scripts/bootstrap.sh [GROUP...]      groups: build test bed node when none is named; besides program image chart metrics
#                                        argo ml azure-cli
#
# Debian packages come by apt, as root or through sudo. All else (Kubernetes, Azurite, the Python environment, the
# container images) goes into ${ABO_CACHE:-~/.cache/azure-blob-operator}, keyed by version. When nothing is missing it
# says nothing and takes a fraction of a second.
. "$(dirname "$0")/lib.sh"

# What the program and its static libcurl are built with; the Dockerfile installs no more.
mapfile -t PROGRAM_PACKAGES <"$ROOT/scripts/program-packages.txt"
BUILD_PACKAGES=("${PROGRAM_PACKAGES[@]}" clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libpugixml-dev python3 openssl curl git)
TEST_PACKAGES=(python3 python3-venv groff-base zsh fish)
NODE_PACKAGES=(containerd runc containernetworking-plugins busybox-static iptables conntrack iproute2)
IMAGE_PACKAGES=(buildah mmdebstrap)

# apt_group WHY PACKAGE...
apt_group() {
  local why=$1 missing
  shift
  # One query for all: what dpkg does not list as installed is missing.
  missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null |
      awk '$2 ~ /^ii/ { sub(/:.*/, "", $1); print $1 }' | sort -u))
  [ -z "$missing" ] && return 0
  local list=${missing//$'\n'/ }
  say "installing Debian packages ($why): $list"
  local root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null || [ -t 0 ] && command -v sudo >/dev/null; then
      root=(sudo)
    else
      die "not root and no sudo here; have somebody run: apt-get update && apt-get install -y --no-install-recommends $list"
    fi
  fi
  local log=$ABO_CACHE/logs/apt.log
  mkdir -p "$ABO_CACHE/logs"
  # shellcheck disable=SC2086  # one word a package
  if ! {
    "${root[@]}" apt-get update &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $list
  } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    die "apt-get failed; its whole output is in $log"
  fi
}

# Environments of Python; packages are exact, whatever else they would like.
empty_venv() {
  local python=/usr/bin/python3
  [ -x $python ] || python=python3
  rm -rf "$1"
  $python -m venv "$1"
}
# pip_install VENV ARGUMENT...
pip_install() {
  local venv=$1
  shift
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --no-deps "$@" >&2
}

# Python for the test bed: exact versions in an environment of their own.
python_environment() {
  local key venv
  key=$(sha256sum <"$ROOT/tests/requirements.txt" | cut -c1-12)
  venv=$ABO_CACHE/venv-$key
  if [ ! -e "$venv/.complete" ]; then
    with_lock venv make_venv "$venv"
  fi
  ln -sfn "$(basename "$venv")" "$ABO_CACHE/venv"
}
make_venv() {
  [ -e "$1/.complete" ] && return 0
  say "making a Python environment with pytest and the Azure SDK (tests check our signing against it)"
  empty_venv "$1"
  pip_install "$1" -r "$ROOT/tests/requirements.txt"
  touch "$1/.complete"
}

# Keras on JAX, exactly as the ML pipeline's image has it, with pytest: for the pipeline's own tests and what is done with
# its models.
ml_environment() {
  local key venv
  key=$(cat "$ROOT/examples/ml-pipeline/requirements.txt" "$ROOT/tests/requirements.txt" | sha256sum | cut -c1-12)
  venv=$ABO_CACHE/ml-venv-$key
  [ -e "$venv/.complete" ] || with_lock ml-venv make_ml_venv "$venv"
  ln -sfn "$(basename "$venv")" "$ABO_CACHE/ml-venv"
}
make_ml_venv() {
  [ -e "$1/.complete" ] && return 0
  local wheels
  wheels=$("$ROOT/scripts/ml-wheels.sh")
  say "making a Python environment with Keras (800 MB; the ML pipeline's models are read with it)"
  empty_venv "$1"
  pip_install "$1" --no-index --find-links "$wheels" --require-hashes \
    -r "$ROOT/examples/ml-pipeline/requirements.txt"
  pip_install "$1" -r <(grep -E '^(iniconfig|packaging|pluggy|Pygments|pytest)==' "$ROOT/tests/requirements.txt")
  touch "$1/.complete"
}

# Microsoft's az, for the test of scripts/azure-setup.sh that asks the real one.
azure_cli() {
  local key venv
  key=$(sha256sum <"$ROOT/tests/azure-cli-requirements.txt" | cut -c1-12)
  venv=$ABO_CACHE/azure-cli-$key
  [ -e "$venv/.complete" ] || with_lock azure-cli make_azure_cli "$venv"
  ln -sfn "$(basename "$venv")" "$ABO_CACHE/azure-cli"
}
make_azure_cli() {
  [ -e "$1/.complete" ] && return 0
  say "making a Python environment with az (730 MB; scripts/azure-setup.sh is tried with it)"
  empty_venv "$1"
  pip_install "$1" --no-compile -r "$ROOT/tests/azure-cli-requirements.txt"
  touch "$1/.complete"
}

# Kubernetes is built with Go, once; afterwards Go is not needed.
go_for_kubernetes() {
  [ -x "$ABO_CACHE/kube-$KUBE_VERSION/kube" ] && return 0
  command -v go >/dev/null && return 0
  apt_group "Go builds the Kubernetes of the test bed, once" golang-go
}

node_for_azurite() {
  local version=
  command -v node >/dev/null && version=$(node --version 2>/dev/null | sed 's/^v//')
  if [ -z "$version" ]; then
    apt_group "Azurite, the blob service of the test bed, runs on Node" nodejs npm
  elif ! version_at_least "$version" "$NODE_MIN"; then
    die "node $version is too old for Azurite: $NODE_MIN or newer is needed (Debian 12's own nodejs will do)"
  elif ! command -v npm >/dev/null; then
    apt_group "npm fetches Azurite" npm
  fi
}

# promtool alone, out of Debian's package: nothing is installed and no server is started, so no root is needed.
promtool() {
  [ -x "$ABO_CACHE/promtool/promtool" ] || with_lock promtool fetch_promtool
}
fetch_promtool() {
  local made=$ABO_CACHE/promtool.new
  [ -x "$ABO_CACHE/promtool/promtool" ] && return 0
  say "fetching promtool, which checks metrics, alerts and their tests"
  rm -rf "$made" && mkdir -p "$made"
  # A fresh machine has no package lists; only root can fetch them.
  (cd "$made" && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } >apt.log 2>&1) ||
    die "apt-get download prometheus failed: $(tail -n 1 "$made/apt.log") (somebody may have to run apt-get update)"
  dpkg --fsys-tarfile "$made"/prometheus_*.deb | tar -x -C "$made" ./usr/bin/promtool
  mv "$made/usr/bin/promtool" "$made/promtool"
  rm -rf "${made:?}"/usr "$made"/prometheus_*.deb
  publish "$made" "$ABO_CACHE/promtool"
}

groups=("$@")
[ ${#groups[@]} = 0 ] && groups=(build test bed node)
mkdir -p "$ABO_CACHE"
for group in "${groups[@]}"; do
  case $group in
    program) apt_group "compiler and libraries of the program" "${PROGRAM_PACKAGES[@]}" ;;
    build) apt_group "compiler and libraries" "${BUILD_PACKAGES[@]}" ;;
    test)
      apt_group "the test bed is driven by Python" "${TEST_PACKAGES[@]}"
      python_environment
      ;;
    bed)
      if [ ! -e "$ABO_CACHE/azurite-$AZURITE_VERSION/.complete" ]; then
        node_for_azurite
        "$ROOT/scripts/build-azurite.sh" >/dev/null
      fi
      if [ ! -x "$ABO_CACHE/kube-$KUBE_VERSION/kube" ]; then
        go_for_kubernetes
        "$ROOT/scripts/build-kube.sh" >/dev/null
      fi
      ;;
    node)
      # Real Pods need root: without it the API-only bed is used, and whoever asks for a node is told so then.
      if [ "$(id -u)" = 0 ]; then
        apt_group "a real one-node cluster: container runtime and network" "${NODE_PACKAGES[@]}"
        [ -e "$ABO_CACHE/images-$IMAGES_VERSION/.complete" ] || "$ROOT/scripts/build-images.sh" >/dev/null
      fi
      ;;
    chart)
      python_environment
      "$ROOT/scripts/build-tools.sh" --built || command -v go >/dev/null ||
        apt_group "Go builds helm and the checkers of chart and manifests, once" golang-go
      "$ROOT/scripts/build-tools.sh" >/dev/null
      "$ROOT/scripts/build-schemas.sh" >/dev/null
      ;;
    image) apt_group "the container image, where there is no registry to take its base from" "${IMAGE_PACKAGES[@]}" ;;
    metrics) promtool ;;
    argo)
      if ! "$ROOT/scripts/build-argo.sh" --built; then
        command -v go >/dev/null || apt_group "Go builds Argo Workflows, once" golang-go
        "$ROOT/scripts/build-argo.sh" >/dev/null
      fi
      ;;
    ml) ml_environment ;;
    azure-cli) azure_cli ;;
    *) die "unknown group '$group' (program build test bed node image chart metrics argo ml azure-cli)" ;;
  esac
done
