#!/usr/bin/env bash
# Fetches the wheels of examples/ml-pipeline/requirements.txt (Keras, JAX and what they need), each checked against its hash,
# once for each content of that file; prints their folder. The pipeline's image and the tests' environment are made of them.
. "$(dirname "$0")/lib.sh"

requirements=$ROOT/examples/ml-pipeline/requirements.txt
final=$ABO_CACHE/ml-wheels-$(sha256sum <"$requirements" | cut -c1-12)
work=$ABO_CACHE/tmp/ml-wheels

fetch() {
  [ -e "$final/.complete" ] && return 0
  "$ROOT/scripts/bootstrap.sh" test
  say "fetching Keras, JAX and what they need (170 MB; done once)"
  rm -rf "$work"
  mkdir -p "$work"
  "$ABO_CACHE/venv/bin/pip" download --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
    --require-hashes -r "$requirements" -d "$work" >&2
  touch "$work/.complete"
  publish "$work" "$final"
}

with_lock ml-wheels fetch
echo "$final"
