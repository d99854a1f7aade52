#!/usr/bin/env bash
# Plays the model of the exactly-once protocol for longer than the tests do: scripts/model.sh SEED WORLDS. Random worlds,
# then every course of small ones; a line for each, and what it all came to. Ends with 1 at the first broken law, after its
# story.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

[[ $# = 2 && $1 =~ ^[0-9]+$ && $2 =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/model.sh SEED WORLDS"
"$ROOT/scripts/bootstrap.sh" build test
cmake --preset dev >/dev/null
cmake --build --preset dev --target model-search >&2

courses=(
  # Three ticks: nothing is let go before everything comes to rest (tests/model/exhaustive.h).
  "--ticks 3 --stops 1 --crashes 0 --retires 0 --lost-answers 0"
  "--ticks 3 --stops 0 --crashes 1 --retires 1 --lost-answers 1"
  "--ticks 3 --stops 1 --writes 0 --crashes 1 --retires 1 --lost-answers 1 --edits 1"
  # Five and six: finalizers go, objects are deleted, names are free again. Three blobs with two versions and a stopped
  # leader are too much for that: four million states in five minutes, and no end.
  "--ticks 5 --stops 0 --crashes 1 --retires 0 --lost-answers 0"
  "--ticks 5 --blobs 2 --existing 2 --writes 1 --stops 1 --crashes 0 --retires 0 --lost-answers 0"
  "--ticks 6 --blobs 2 --existing 2 --writes 1 --stops 0 --b-waits yes"
  "--ticks 6 --blobs 1 --existing 1 --writes 0 --stops 1"
  "--ticks 6 --blobs 1 --existing 1 --writes 1 --stops 1 --crashes 0 --retires 0 --lost-answers 0"
  "--ticks 5 --blobs 1 --existing 1 --writes 1 --stops 1 --crashes 0 --retires 0 --lost-answers 1"
  "--ticks 5 --blobs 1 --existing 1 --writes 1 --stops 1 --crashes 1 --retires 0 --lost-answers 0"
)

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

# play ARGUMENT...: one run of model-search, shown as it was asked for and kept for the summary.
play() {
  echo "model-search $*"
  build/dev/tests/model/model-search "$@" | tee -a "$lines"
}

play random --seed "$1" --worlds "$2"
for course in "${courses[@]}"; do
  IFS=' ' read -ra bounds <<<"$course"
  play exhaustive "${bounds[@]}"
done

# Who comes here broke no law: model-search ends with 1 at the first, and with it all this.
awk -v time="$(elapsed)" '
  / worlds, / { worlds += $2 }
  / states, .* complete in .*: 0 violations$/ { small++; states += $2 }
  END {
    printf "worlds:     %d random, %d small ones on every course\n", worlds, small
    printf "states:     %d\n", states
    printf "violations: 0, in %s\n", time
  }' "$lines"
