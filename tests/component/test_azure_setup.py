"""scripts/azure-setup.sh with a stand-in for `az` (az_stand_in.py), containers on Azurite, and the real kubectl on a real API
server: what it does and in which order, that it may be run again, and that nobody sees a key."""

import re
import shutil
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from azure_setup import SECRET, Ran, Setup, data
from testing.azurite import SERVICE_VERSION

ISSUER = "https://issuer.example.com/cluster"


@pytest.fixture
def setup(tmp_path, bed, azurite, namespace) -> Setup:
    return Setup(tmp_path, bed.kubeconfig, azurite, namespace)


def test_it_makes_everything_in_an_order_in_which_it_can_be_made(setup, kube, namespace, azurite):
    ran = setup.bare("--account", azurite.account, "--namespace", namespace)
    assert ran.code == 0 and ran.err == ""
    assert ran.order == [
        "account show", "storage account list", f"storage account check-name {azurite.account}",
        "group exists azure-blob-operator", "group create azure-blob-operator", f"storage account create {azurite.account}",
        f"storage account keys list {azurite.account}", "storage container create datasets", "storage container create models",
        "storage container create work"]
    assert data(kube, namespace) == {"accountKey": azurite.key}
    names = {found.name for found in azurite.service().list_containers()}
    assert {"datasets", "models", "work"} <= names
    assert setup.state()["groups"] == {"azure-blob-operator": "westeurope"}
    assert "in the subscription the lab's" in ran.out


def test_a_second_run_changes_nothing(setup, kube, namespace):
    setup.good("--resource-group", "The_Lab.(1)", "--location", "northeurope")
    cloud, before = setup.state(), kube.get("Secret", SECRET, namespace)["metadata"]["resourceVersion"]
    # Without the options it is another group and location: what is there stays where it is.
    again = setup.good()
    assert not [call for call in again.az if call[1:3] in (["group", "create"], ["storage", "account"]) and "create" in call]
    assert setup.state() == cloud and cloud["groups"] == {"The_Lab.(1)": "northeurope"}
    assert kube.get("Secret", SECRET, namespace)["metadata"]["resourceVersion"] == before
    assert "is there already, in the resource group The_Lab.(1)" in again.out


def test_a_group_that_exists_elsewhere_is_used_as_it_is(setup):
    setup.state(groups={"azure-blob-operator": "eastus"})
    assert "group create azure-blob-operator" not in setup.good().order


def test_a_sas_takes_the_keys_place_and_may_do_what_the_pipeline_does(setup, kube, namespace, azurite):
    setup.good()
    ran = setup.good("--auth", "sas", "--sas-days", "3")
    held = data(kube, namespace)
    assert list(held) == ["sasToken"]
    assert re.search(r"the SAS ends at \d{4}-\d\d-\d\dT\d\d:\d\dZ", ran.out)
    assert ["--https-only" in call for call in ran.az if "generate-sas" in call] == [True]

    service = BlobServiceClient(azurite.endpoint, credential=held["sasToken"], api_version=SERVICE_VERSION)
    blobs = service.get_container_client("datasets")
    blobs.upload_blob("by-sas", b"1")
    blobs.upload_blob("by-sas", b"2", overwrite=True, metadata={"k": "v"})
    assert blobs.download_blob("by-sas").readall() == b"2" and "by-sas" in blobs.list_blob_names()
    blobs.delete_blob("by-sas")

    setup.good()
    assert list(data(kube, namespace)) == ["accountKey"]


def test_workload_identity_needs_neither_secret_nor_kubectl(setup, kube, namespace, azurite):
    (setup.bin / "kubectl").unlink()
    options = ["--auth", "workload-identity", "--oidc-issuer", ISSUER, "--service-account", "trainer"]
    ran = setup.good(*options)
    identity = f"{azurite.account}-trainer"
    assert ran.order[-7:] == [
        f"identity create {identity}", f"identity federated-credential create {namespace}-trainer", f"identity show {identity}",
        f"storage account show {azurite.account}", "role assignment create", f"identity show {identity}", "account show"]
    made = setup.state()["identities"][identity]
    assert made["federated"] == {f"{namespace}-trainer": [ISSUER, f"system:serviceaccount:{namespace}:trainer"]}
    assert [scope.rsplit("/", 1)[1] for scope in made["roles"]] == [azurite.account]
    assert f"clientId: clientId-of-{identity}\n      tenantId: tenant-1\n      serviceAccountName: trainer\n" in ran.out
    assert f"annotate serviceaccount trainer azure.workload.identity/client-id=clientId-of-{identity}" in ran.out
    cloud = setup.state()
    setup.good(*options)
    assert setup.state() == cloud
    assert SECRET not in [secret["metadata"]["name"] for secret in kube.list("Secret", namespace)]


@pytest.mark.parametrize("auth", [["key"], ["sas"], ["workload-identity", "--oidc-issuer", ISSUER]], ids=lambda auth: auth[0])
def test_a_dry_run_says_what_it_would_do_and_changes_nothing(setup, kube, namespace, auth):
    cloud = setup.state()
    ran = setup.good("--dry-run", "--auth", *auth)
    assert ran.changes == [] and setup.state() == cloud
    assert SECRET not in [secret["metadata"]["name"] for secret in kube.list("Secret", namespace)]
    said = ran.out.splitlines()
    assert [line for line in said[1:-1] if not line.startswith("azure-setup: would ")] == [] and len(said) >= 6
    assert said[-1].startswith("azure-setup: done (nothing was changed)")


def test_a_dry_run_where_all_is_there_says_so(setup, namespace):
    setup.good()
    ran = setup.good("--dry-run")
    assert ran.changes == [] and "is there already" in ran.out


@pytest.mark.parametrize("arguments, words", [
    ([], "--account must be 3 to 24 lower-case letters and digits, got ''"),
    (["--account", "ab"], "--account must be"),
    (["--account", "My-Account"], "--account must be"),
    (["--account", "é" * 3], "--account must be"),
    (["--account", "a" * 25], "--account must be"),
    (["--account"], "--account needs a value"),
    (["--account", "--dry-run"], "--account needs a value"),
    (["--account", "lab", "--resource-group", "ends."], "--resource-group must be"),
    (["--account", "lab", "--resource-group", "a/b"], "--resource-group must be"),
    (["--account", "lab", "--location", "west;europe"], "--location must be a region"),
    (["--account", "lab", "--containers", "ab"], "the container 'ab' must have 3 to 63"),
    (["--account", "lab", "--containers", "a--b"], "the container 'a--b'"),
    (["--account", "lab", "--containers", "datasets,-work"], "the container '-work'"),
    (["--account", "lab", "--containers", "datasets,Work"], "the container 'Work'"),
    (["--account", "lab", "--containers", "a" * 64], "the container 'aaa"),
    (["--account", "lab", "--containers", ""], "--containers must be names with commas"),
    (["--account", "lab", "--containers", "datasets,,work"], "--containers must be names with commas"),
    (["--account", "lab", "--containers", "datasets,"], "--containers must be names with commas"),
    (["--account", "lab", "--containers", "datasets\nwork"], "the container 'datasets\nwork'"),
    (["--account", "lab", "--namespace", "a.b"], "--namespace must be"),
    (["--account", "lab", "--namespace", ""], "--namespace must be"),
    (["--account", "lab", "--secret", "A_b"], "--secret must be"),
    (["--account", "lab", "--auth", "password"], "--auth is key, sas or workload-identity, got 'password'"),
    (["--account", "lab", "--auth", "sas", "--sas-days", "0"], "--sas-days must be a number of days"),
    (["--account", "lab", "--auth", "workload-identity"], "needs --oidc-issuer https://"),
    (["--account", "lab", "--auth", "workload-identity", "--oidc-issuer", "http://a"], "needs --oidc-issuer https://"),
    (["--account", "lab", "--auth", "workload-identity", "--oidc-issuer", ISSUER, "--service-account", "a.b"],
     "--service-account must be"),
    (["--account", "lab", "--key", "x"], "unknown option --key"),
    (["lab"], "unknown option lab"),
])
def test_what_cannot_be_is_refused_before_anything_is_asked(setup, arguments, words):
    ran = setup.bare(*arguments)
    assert ran.code == 2 and ran.out == "" and ran.az == [] and ran.kubectl == []
    assert words in ran.err and ran.err.startswith("azure-setup: ") and ran.err.endswith("; --help lists the options\n")
    assert ran.err.count("azure-setup:") == 1


def test_the_shortest_and_longest_names_are_taken(setup):
    setup.good("--dry-run", "--containers", f"a-b,abc,{'a-' * 31}b", "--location", "West Europe", "--secret", "a.b-c")


def test_help_needs_nothing(setup):
    for tool in ("az", "kubectl"):
        (setup.bin / tool).unlink()
    (setup.bin / "cat").symlink_to(shutil.which("cat"))
    ran = setup.bare("--help")
    assert ran.code == 0 and "--auth workload-identity" in ran.out


@pytest.mark.parametrize("tool", ["az", "kubectl"])
def test_a_tool_that_is_missing_is_named(setup, tool):
    (setup.bin / tool).unlink()
    ran = setup.run()
    assert (ran.code, ran.err, ran.az) == (1, f"azure-setup: {tool} is not installed\n", [])


def test_who_is_not_signed_in_is_told_how(setup):
    setup.state(signed_in=False)
    ran = setup.run()
    assert (ran.code, ran.err) == (1, "azure-setup: az is not signed in: run az login\n") and ran.order == ["account show"]


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def refused_before_azure_is_touched(ran: Ran) -> str:
    assert ran.code == 1 and ran.order == ["account show"] and ran.changes == []
    return ran.err


def test_a_namespace_that_is_missing_is_found_before_azure_is_touched(setup):
    said = refused_before_azure_is_touched(setup.run("--namespace", "no-such-namespace"))
    assert 'namespaces "no-such-namespace" not found' in said and "no-such-namespace/azure-storage" in last_line(said)


def test_a_cluster_that_does_not_answer_is_found_before_azure_is_touched(setup):
    nowhere = setup.folder / "nowhere"
    nowhere.write_text(re.sub(r"https://[^\s\"]+", "https://127.0.0.1:9", Path(setup.env["KUBECONFIG"]).read_text()))
    said = refused_before_azure_is_touched(setup.run(env={"KUBECONFIG": str(nowhere)}))
    assert "cannot be written, see kubectl's message" in last_line(said)
    said = refused_before_azure_is_touched(setup.run("--context", "no-such-context"))
    assert "no-such-context" in said


def test_a_secret_of_somebody_else_is_left_alone(setup, bed, kube, namespace):
    bed.kubectl("-n", namespace, "create", "secret", "generic", SECRET, "--from-literal=connectionString=theirs")
    said = refused_before_azure_is_touched(setup.run())
    assert "has keys of somebody else (accountKey connectionString): delete it, or choose another --secret" in said
    assert data(kube, namespace) == {"connectionString": "theirs"}


def test_a_name_that_is_taken_is_told_before_a_group_is_made(setup, azurite):
    setup.state(taken=[azurite.account])
    ran = setup.run()
    assert ran.code == 1 and ran.changes == [] and "is taken by somebody else" in ran.err


@pytest.mark.parametrize("broken", ["storage account list", "group exists", "storage account check-name", "group create",
                                    "storage account create", "storage account keys list", "storage container create"])
def test_where_azure_fails_it_stops_and_the_next_run_ends_the_work(setup, kube, namespace, azurite, broken):
    setup.state(broken=[broken])
    ran = setup.run()
    assert ran.code != 0 and f"{broken}: the connection was lost" in ran.err and "done" not in ran.out and "already" not in ran.out
    assert ran.order[-1].startswith(broken)
    assert SECRET not in [secret["metadata"]["name"] for secret in kube.list("Secret", namespace)]
    setup.state(broken=[])
    setup.good()
    assert data(kube, namespace) == {"accountKey": azurite.key}


def test_a_sas_that_cannot_be_made_leaves_the_secret_as_it_was(setup, kube, namespace, azurite):
    setup.good()
    setup.state(broken=["storage account generate-sas"])
    assert setup.run("--auth", "sas").code != 0
    assert data(kube, namespace) == {"accountKey": azurite.key}


def test_what_is_set_for_another_account_is_not_used(setup):
    setup.good(env={"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other", "AZURE_STORAGE_SAS_TOKEN": "sv=1",
                    "AZURE_STORAGE_AUTH_MODE": "login", "AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_KEY": "b3RoZXI="})


def test_a_trace_shows_no_key(setup, kube, namespace, azurite):
    assert setup.run(trace=True).code == 0
    assert data(kube, namespace) == {"accountKey": azurite.key}
