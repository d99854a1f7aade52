#!/usr/bin/env bash
# `make lint`: format, the folders' arrows, shell scripts, Python, spelling, links, Dockerfiles, and clang-tidy over the
# program's own sources.
# PRESET says which build it uses where it needs one (dev by default).
# clang-tidy is the slow one, so a file that passed is not looked at again until it, a header or a rule changes.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" build test
failed=()

# check NAME COMMAND...: runs on after a failure, so that one run shows all there is to mend.
check() {
  local name=$1
  shift
  if "$@"; then say "$name: good"; else failed+=("$name"); fi
}

mapfile -t cxx < <(git ls-files --cached --others --exclude-standard '*.h' '*.cc')
mapfile -t shell < <(git ls-files --cached --others --exclude-standard '*.sh' scripts/bed .ci/run)
mapfile -t python < <(git ls-files --cached --others --exclude-standard '*.py')

tidy_all() {
  local preset=${PRESET:-dev}
  local build=build/$preset
  [ -f "$build/compile_commands.json" ] || cmake --preset "$preset" >/dev/null
  # What a verdict depends on besides the file itself.
  local headers passed=$ABO_CACHE/tidy file key todo=()
  headers=$(cat .clang-tidy CMakeLists.txt cmake/*.cmake <(printf '%s\n' "${cxx[@]}" | grep '\.h$' | xargs cat) | sha256sum)
  mkdir -p "$passed"
  find "$passed" -type f -mtime +30 -delete
  for file in "${cxx[@]}"; do
    case $file in
      *_test.cc | tests/* | bench/* | cmake/* | *.h) continue ;;
    esac
    # A source nobody builds (another platform's, a file just written) has no command to check it with.
    grep -q "\"file\": \"$ROOT/$file\"" "$build/compile_commands.json" || continue
    key=$(cat "$file" <(echo "$headers $file") | sha256sum | cut -c1-24)
    [ -e "$passed/$key" ] || todo+=("$key $file")
  done
  [ ${#todo[@]} = 0 ] && return 0
  say "clang-tidy over ${#todo[@]} files"
  # shellcheck disable=SC2016  # expanded by the inner shell
  printf '%s\n' "${todo[@]}" | xargs -P "$(nproc)" -L 1 bash -c '
    out=$(clang-tidy-19 --quiet -p "'"$build"'" "$2" 2>/dev/null) && touch "'"$passed"'/$1" || { echo "$out"; exit 1; }' tidy
}

check format clang-format-19 --dry-run --Werror "${cxx[@]}"
check arrows python3 scripts/check-arrows.py
check shellcheck "$ABO_CACHE/venv/bin/shellcheck" "${shell[@]}"
check python "$ABO_CACHE/venv/bin/python" -m py_compile "${python[@]}"
check spelling "$ABO_CACHE/venv/bin/typos" --format brief
check links python3 scripts/check-links.py
mapfile -t dockerfiles < <(git ls-files --cached --others --exclude-standard '*Dockerfile')
[ ${#dockerfiles[@]} = 0 ] || check hadolint "$ABO_CACHE/venv/bin/hadolint" "${dockerfiles[@]}"
check "chart and manifests" scripts/lint-chart.sh
check metrics scripts/lint-metrics.sh
check workflows scripts/lint-workflows.sh
check clang-tidy tidy_all
[ ${#failed[@]} = 0 ] || die "to mend: ${failed[*]} (make fmt mends the format)"
