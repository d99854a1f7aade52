#!/usr/bin/env bash
# Fetches Azurite, Microsoft's emulator of Azure Storage, into the cache; prints its folder.
. "$(dirname "$0")/lib.sh"

final=$ABO_CACHE/azurite-$AZURITE_VERSION

fetch() {
  [ -e "$final/.complete" ] && return 0
  say "fetching Azurite $AZURITE_VERSION by npm (the tests' and the demo's blob service; about 200 MB, half a minute)"
  local work=$ABO_CACHE/tmp/azurite
  rm -rf "$work"
  mkdir -p "$work" "$ABO_CACHE/logs"
  printf '{"name":"azurite-home","private":true}\n' >"$work/package.json"
  if ! npm install --prefix "$work" --cache "$ABO_CACHE/tmp/npm" --no-audit --no-fund --no-update-notifier \
    --ignore-scripts --omit=dev "azurite@$AZURITE_VERSION" >"$ABO_CACHE/logs/azurite.log" 2>&1 </dev/null; then
    tail -n 5 "$ABO_CACHE/logs/azurite.log" >&2
    die "npm failed; its whole output is in $ABO_CACHE/logs/azurite.log"
  fi
  rm -rf "$ABO_CACHE/tmp/npm"
  touch "$work/.complete"
  publish "$work" "$final"
  say "Azurite ready after $(elapsed)"
}

with_lock azurite fetch
echo "$final"
