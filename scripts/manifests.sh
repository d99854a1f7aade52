#!/usr/bin/env bash
# `make manifests`: what is generated from the table of fields (the unit tests fail when that is out of date), then what is
# generated from the chart (`make lint` does).
. "$(dirname "$0")/lib.sh"

generator=$1
for target in crd:config/crd/azureblobwatchers.yaml crd-pre-1.25:config/crd-pre-1.25/azureblobwatchers.yaml \
  reference:docs/reference/azureblobwatcher.md; do
  file=$ROOT/${target#*:}
  "$generator" "${target%%:*}" >"$file.new" || { rm -f "$file.new"; die "$generator ${target%%:*} failed"; }
  mv "$file.new" "$file"
done
"$ROOT/scripts/render-manifests.sh"
