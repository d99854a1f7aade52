#!/usr/bin/env bash
# scripts/azure-setup.sh against the real `az`, as far as that goes without Azure (tests/component/real_azure_cli.py).
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

"$ROOT/scripts/bootstrap.sh" test bed azure-cli
say "tests of azure-setup.sh with the real az"
"$ABO_CACHE/venv/bin/pytest" tests/component/real_azure_cli.py "$@"
