# Sourced by the scripts that build with Go: a Go that is new enough, and caches that do not stay. Callers set log.
# shellcheck shell=bash disable=SC2034,SC2154

# module_folder GO MODULE@VERSION: downloads a module, prints where it is.
module_folder() {
  local answer
  answer=$("$1" mod download -json "$2" 2>>"$log") || true  # a refusal is in the answer, and told below
  local folder
  folder=$(sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p' <<<"$answer")
  [ -n "$folder" ] || die "the Go module proxy does not serve $2: $(grep '"Error"' <<<"$answer" || tail -n1 "$log")"
  echo "$folder"
}

# find_go WHAT MINIMUM TOOLCHAIN: sets GO to a Go that is new enough to build WHAT. One since 1.21 fetches the toolchain we
# name by itself; Debian 12's 1.19 cannot, but it can download the module that holds it (and checks it against Go's checksum
# database all the same).
find_go() {
  local own
  own=$(go env GOVERSION 2>/dev/null | sed 's/^go//') || own=
  [ -n "$own" ] || die "Go is missing: scripts/bootstrap.sh installs it"
  GO=go
  if version_at_least "$own" "$2"; then
    export GOTOOLCHAIN=local
  elif version_at_least "$own" 1.21; then
    export GOTOOLCHAIN=$3
  else
    say "Go $own is too old for $1: fetching $3 as a Go module"
    local folder
    folder=$(module_folder go "golang.org/toolchain@v0.0.1-$3.linux-$(go env GOARCH)")
    chmod -R u+w "$folder"
    chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/*
    GO=$folder/bin/go
    unset GOROOT
    export GOTOOLCHAIN=local
  fi
}

# go_caches NAME: from here on Go's caches (gigabytes) are NAME's own, until drop_go_caches; ABO_GO_CACHES=own uses the
# user's and leaves them, which makes a rebuild quick.
go_caches() {
  [ "${ABO_GO_CACHES:-}" = own ] && return 0
  export GOMODCACHE=$ABO_CACHE/tmp/go-modules-$1 GOCACHE=$ABO_CACHE/tmp/go-build-$1
  mkdir -p "$GOMODCACHE" "$GOCACHE"
}
drop_go_caches() {
  [ "${ABO_GO_CACHES:-}" = own ] && return 0
  chmod -R u+w "$GOMODCACHE"
  rm -rf "$GOMODCACHE" "$GOCACHE"
}

# go_with_progress STEPS ARGUMENT...: runs GO, whose -v names each package as it is compiled: counted for a line every half
# minute ("of STEPS"), kept in the log.
go_with_progress() {
  local steps=$1
  shift
  "$GO" "$@" >>"$log" 2>&1 &
  local pid=$!
  # It may have ended between the signal and this.
  trap 'kill $pid 2>/dev/null || true; exit 130' INT TERM
  while kill -0 $pid 2>/dev/null; do
    sleep 1
    ((SECONDS % 30)) || say "$(elapsed): $(wc -l <"$log") steps of $steps"
  done
  trap - INT TERM
  wait $pid || { tail -n 5 "$log" >&2; die "the build failed; its whole output is in $log"; }
}
