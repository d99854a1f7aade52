#!/usr/bin/env bash
# Fetches the schemas that kubeconform holds manifests to, once per version: those of several Kubernetes releases are in a
# package on PyPI. Prints their folder, which has one folder a release.
. "$(dirname "$0")/lib.sh"

final=$ABO_CACHE/kube-schemas-$KUBE_SCHEMAS_VERSION
work=$ABO_CACHE/tmp/kube-schemas

fetch() {
  [ -e "$final/.complete" ] && return 0
  say "fetching the schemas of Kubernetes' own kinds"
  rm -rf "$work"
  mkdir -p "$work/out"
  "$ABO_CACHE/venv/bin/pip" download --quiet --disable-pip-version-check --no-cache-dir --no-deps --dest "$work" \
    "kubernetes-validate==$KUBE_SCHEMAS_VERSION" >&2
  # The files name each other by an address of their package's own; beside each other they find themselves by name.
  "$ABO_CACHE/venv/bin/python" - "$work"/*.whl "$work/out" <<'PYTHON'
import json, pathlib, re, sys, zipfile

package, out = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for entry in package.namelist():
    place = re.search(r"/v(1\.\d+)\.0-local-strict/([^/]+\.json)$", entry)
    if place:
        schema = json.loads(package.read(entry).replace(b"/api/_definitions.json#", b"_definitions.json#"))
        schema.pop("$id", None)
        file = out / place[1] / place[2]
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(schema))
PYTHON
  touch "$work/out/.complete"
  publish "$work/out" "$final"
  rm -rf "$work"
}

with_lock kube-schemas fetch
echo "$final"
