#!/usr/bin/env bash
# Runs the fuzzers: scripts/fuzz.sh [SECONDS [TARGET...]], each for that much CPU time (60 s by default), all of
# tests/fuzz by default. One line for each: what it ran, how much code it reached, what it found. What it learns is
# kept in the cache folder, so that the next run goes on from there. Ends with 1 after a finding; its input is left
# where the message says.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/fuzz.sh [SECONDS [TARGET...]]"
shift || true  # called without any argument
mapfile -t known < <(sed -n 's/^abo_fuzz_target(\([a-z_]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)
targets=("${@:-${known[@]}}")
for target in "${targets[@]}"; do
  [[ " ${known[*]} " == *" $target "* ]] || die "there is no target $target; there are: ${known[*]}"
done

"$ROOT/scripts/bootstrap.sh" build test
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" >&2

# round TARGET SECONDS: one run; its wall and CPU seconds go into the file `times`, all it says into the file `log`.
# libFuzzer's own clock is the wall's, so on a busy machine one round falls short and another follows.
round() {
  local target=$1 dir=$ABO_CACHE/fuzz/$1 dictionary=()
  [ -f "tests/fuzz/dict/$target.dict" ] && dictionary=("-dict=tests/fuzz/dict/$target.dict")
  local TIMEFORMAT='%R %U %S'
  { time "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$dir/" "${dictionary[@]}" "$dir/corpus" "tests/fuzz/corpus/$target" \
    >"$dir/log" 2>&1; } 2>"$dir/times"
}

# fuzz TARGET: rounds until the CPU time is used up or something was found. Prints the target's line.
fuzz() {
  local target=$1 dir=$ABO_CACHE/fuzz/$1 used=0 runs=0 coverage=0 status=0 found=none stretch=100 executed
  mkdir -p "$dir/corpus"
  while [ "$status" = 0 ] && [ "$used" -lt $((100 * seconds)) ]; do  # hundredths of a second
    # As long on the wall as the last round's share of the processor asks for, but for the first.
    round "$target" $(((100 * seconds - used) * stretch / 10000 + 1)) || status=$?
    used=$((used + $(awk '{ printf "%d", 100 * ($2 + $3) }' "$dir/times")))
    stretch=$(awk '{ s = 100 * $1 / ($2 + $3 + 0.01); printf "%d", (s < 100 ? 100 : s > 1000 ? 1000 : s) }' "$dir/times")
    executed=$(sed -n 's/^stat::number_of_executed_units: //p' "$dir/log")
    runs=$((runs + ${executed:-0}))
    coverage=$(grep -ao 'cov: [0-9]*' "$dir/log" | tail -n1 | cut -d' ' -f2)
  done
  [ "$status" = 0 ] || found=$(sed -n 's/.*Test unit written to //p' "$dir/log" | tail -n1)
  printf '%-24s %6d CPU s %12d executions  coverage %6d  findings: %s\n' "$target" $((used / 100)) "$runs" "${coverage:-0}" \
    "${found:-see $dir/log}"
  [ "$status" = 0 ] || grep -am1 -E 'what\(\):|^SUMMARY|runtime error' "$dir/log" || true  # a log without such a line
  return "$status"
}

trap 'exit 130' INT  # a fuzzer that is interrupted says good-bye as if its time were over
failed=0
for target in "${targets[@]}"; do
  fuzz "$target" || failed=1
done
[ $failed = 0 ] || die "to look at a finding: build/fuzz/tests/fuzz/fuzz_TARGET FILE; mend it and put the file into tests/fuzz/corpus/TARGET"
