# Sourced by the scripts beside it: the cache folder, messages, locks.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ABO_CACHE=${ABO_CACHE:-$HOME/.cache/azure-blob-operator}
export ROOT ABO_CACHE
# A clone in another folder finds what this one has compiled.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
# shellcheck source=scripts/versions.env
. "$ROOT/scripts/versions.env"

# Progress goes to stderr: the stdout of some scripts is a path for the caller.
say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# with_lock NAME FUNCTION [ARG...]: one process at a time for NAME; a second one waits, then finds the work done.
with_lock() {
  local name=$1
  shift
  mkdir -p "$ABO_CACHE/locks"
  (
    if ! flock -n 9; then
      say "another run is making $name: waiting for it"
      flock 9
    fi
    "$@"
  ) 9>"$ABO_CACHE/locks/$name"
}

# version_at_least HAVE WANT: compares dotted numbers.
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# publish BUILT FINAL: puts a finished folder in place in one step, so that a killed run leaves nothing half made.
publish() {
  rm -rf "$2"
  mv "$1" "$2"
}

elapsed() { printf '%dm%02ds' $((SECONDS / 60)) $((SECONDS % 60)); }
