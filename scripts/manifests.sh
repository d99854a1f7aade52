#!/usr/bin/env bash
# `make manifests`: what is generated from the table of fields. The unit tests fail when a file here is out of date.
. "$(dirname "$0")/lib.sh"

generator=$1
for target in crd:config/crd/azureblobwatchers.yaml crd-pre-1.25:config/crd-pre-1.25/azureblobwatchers.yaml \
  reference:docs/reference/azureblobwatcher.md; do
  file=$ROOT/${target#*:}
  "$generator" "${target%%:*}" >"$file.new" || { rm -f "$file.new"; die "$generator ${target%%:*} failed"; }
  mv "$file.new" "$file"
done
