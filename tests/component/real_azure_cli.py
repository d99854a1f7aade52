"""The real `az` on what scripts/azure-setup.sh asks of it: it takes each call's arguments (which it checks before it asks for a
sign-in), makes the containers on Azurite, and signs a SAS that Azurite accepts.

It is 730 MB, so neither `make test` nor .ci/run asks for it: scripts/test-azure-cli.sh fetches it and runs this file. Whoever
changes a call in azure-setup.sh runs that.
"""

import base64
import hashlib
import hmac
import re
import urllib.parse

import pytest

from azure_setup import BASH, SCRIPT, Setup, data
from testing import paths

AZ = paths.CACHE / "azure-cli/bin/python"
# What is about blobs goes to Azurite. Of the rest the real one must say no more than that nobody is signed in; the stand-in
# gives the answer.
WRAPPER = """#!{bash}
real=({az} -m azure.cli)
export AZURE_CONFIG_DIR={config} AZURE_CORE_COLLECT_TELEMETRY=no
case "$1 $2 $3" in
  "storage container create")
    endpoint=http://127.0.0.1:$AZ_STAND_IN_PORT/$AZURE_STORAGE_ACCOUNT
    AZURE_STORAGE_CONNECTION_STRING="AccountName=$AZURE_STORAGE_ACCOUNT;AccountKey=$AZURE_STORAGE_KEY;BlobEndpoint=$endpoint;" \\
      exec "${{real[@]}}" "$@" ;;
  "storage account generate-sas") exec "${{real[@]}}" "$@" ;;
esac
said=$("${{real[@]}}" "$@" 2>&1 >/dev/null)
if [[ $said != *"Please run 'az login'"* ]]; then
  echo "the real az: $said" >&2
  exit 2
fi
exec {stand_in} "$@"
"""


@pytest.fixture
def setup(tmp_path, bed, azurite, namespace) -> Setup:
    setup = Setup(tmp_path, bed.kubeconfig, azurite, namespace)
    (setup.bin / "az").rename(setup.bin / "az-stand-in")
    # Its index of commands takes long to make, so it is kept; nobody ever signs in there.
    config = paths.CACHE / "azure-cli/config"
    setup.tool("az", WRAPPER.format(bash=BASH, az=AZ, config=config, stand_in=setup.bin / "az-stand-in"))
    return setup


def test_it_takes_every_call_and_makes_the_containers(setup, kube, namespace, azurite, label):
    containers = [f"{label[:20].rstrip('-')}-{name}" for name in ("a", "b-c")]
    setup.good("--containers", ",".join(containers))
    assert set(containers) <= {found.name for found in azurite.service().list_containers()}
    assert data(kube, namespace) == {"accountKey": azurite.key}
    setup.good("--containers", ",".join(containers))


def test_it_signs_the_sas_that_was_meant(setup, kube, namespace, azurite):
    setup.good("--auth", "sas", "--sas-days", "3")
    token = data(kube, namespace)["sasToken"]
    fields = dict(urllib.parse.parse_qsl(token, strict_parsing=True))
    assert {name: fields[name] for name in ("ss", "srt", "spr")} == {"ss": "b", "srt": "co", "spr": "https"}
    assert set(fields["sp"]) == set("rlwcd") and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", fields["se"])
    # https alone, which this Azurite does not speak: so the signature is made again, after Azure's documentation.
    parts = [azurite.account, *(fields.get(name, "") for name in ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")), ""]
    signature = hmac.new(base64.b64decode(azurite.key), "\n".join(parts).encode(), hashlib.sha256).digest()
    assert base64.b64encode(signature).decode() == fields["sig"]


def test_it_takes_the_calls_of_workload_identity(setup):
    ran = setup.good("--auth", "workload-identity", "--oidc-issuer", "https://issuer.example.com")
    assert "role assignment create" in ran.order


def test_it_is_asked_and_does_refuse_what_it_does_not_know(setup):
    """So that the tests above can fail."""
    wrong = setup.folder / "wrong.sh"
    wrong.write_text(SCRIPT.read_text().replace("--min-tls-version", "--minimal-tls-version"))
    ran = setup.run(script=wrong)
    assert ran.code != 0 and "the real az: ERROR: unrecognized arguments: --minimal-tls-version" in ran.err
