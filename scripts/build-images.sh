#!/usr/bin/env bash
# Assembles the container images of the one-node cluster without a registry, from Debian's busybox; prints their folder.
#   lab.local/busybox:1   a shell and the usual small tools
#   lab.local/pause:1     the same, sleeping: what holds a Pod's network namespace
. "$(dirname "$0")/lib.sh"

final=$ABO_CACHE/images-$IMAGES_VERSION

assemble() {
  [ -e "$final/.complete" ] && return 0
  say "assembling the container images busybox and pause (the demo's Pods run in them)"
  local work=$ABO_CACHE/tmp/images busybox=/bin/busybox
  [ -x $busybox ] || die "$busybox is missing: scripts/bootstrap.sh node installs it"
  rm -rf "$work"
  mkdir -p "$work"
  python3 "$ROOT/scripts/make_image.py" "$work/busybox.tar" lab.local/busybox:1
  python3 "$ROOT/scripts/make_image.py" "$work/pause.tar" lab.local/pause:1 --entrypoint /bin/busybox sleep 2147483647
  touch "$work/.complete"
  publish "$work" "$final"
}

with_lock images assemble
echo "$final"
