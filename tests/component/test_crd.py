"""The CustomResourceDefinition as the API server and kubectl take it; no operator runs."""

import re

import pytest
import yaml

from testing import paths
from testing.kube import ApiError, wait_until

WATCHER = "AzureBlobWatcher"


def valid(namespace: str, name: str = "w", **spec) -> dict:
    whole = {"storageAccount": "mystorageaccount", "containerName": "datasets", "credentialsSecret": "azure",
             "jobTemplate": {"kind": "Job", "template": "kind: Job"}, **spec}
    return {"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {field: value for field, value in whole.items() if value is not None}}


REFUSED = {
    "two-credentials": ({"identity": {"type": "WorkloadIdentity"}}, "credentialsSecret and identity exclude each other"),
    "no-account": ({"storageAccount": None, "credentialsSecret": None}, "storageAccount: is required unless endpoint"),
    "sizes-turned-round": ({"minSizeBytes": 9, "maxSizeBytes": 1}, "maxSizeBytes: must not be less than minSizeBytes"),
    "managed-identity-of-a-service-account": (
        {"credentialsSecret": None, "identity": {"type": "ManagedIdentity", "serviceAccountName": "a"}},
        "identity.serviceAccountName: is for type WorkloadIdentity only"),
    "account-name": ({"storageAccount": "My_Account"}, "spec.storageAccount"),
    "container-name": ({"containerName": "UPPER"}, "spec.containerName"),
    "user-in-endpoint": ({"endpoint": "https://user@a.blob.core.windows.net"}, "spec.endpoint"),
    "interval": ({"pollingIntervalSeconds": 0}, "spec.pollingIntervalSeconds"),
    "size-beyond-all": ({"maxSizeBytes": 2**64}, "spec.maxSizeBytes"),
    "existing": ({"existingBlobs": "Perhaps"}, "spec.existingBlobs"),
    "template-too-long": ({"jobTemplate": {"kind": "Job", "template": "x" * (256 * 1024 + 1)}},
                          "spec.jobTemplate.template"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_api_server_refuses_and_names_the_field(kube, namespace, case):
    change, words = REFUSED[case]
    with pytest.raises(ApiError, match="422") as refused:
        kube.create(valid(namespace, **change))
    assert words in str(refused.value)
    kube.create(valid(namespace))  # which the change alone made wrong


def test_sizes_have_64_bits(kube, namespace):
    kube.create(valid(namespace, minSizeBytes=2**53 + 1, maxSizeBytes=2**63 - 1))
    spec = kube.get(WATCHER, "w", namespace)["spec"]
    assert (spec["minSizeBytes"], spec["maxSizeBytes"]) == (2**53 + 1, 2**63 - 1)


@pytest.mark.parametrize("change, words", [
    ({"storageAccount": "anotheraccount"}, "storageAccount: cannot be changed"),
    ({"storageAccount": None}, "storageAccount: cannot be changed"),
    ({"containerName": "another"}, "containerName: cannot be changed"),
])
def test_account_and_container_stay_what_they_are(kube, namespace, change, words):
    kube.create(valid(namespace))
    with pytest.raises(ApiError, match="422") as refused:
        kube.patch(WATCHER, "w", {"spec": change}, namespace)
    assert words in str(refused.value)


def test_all_else_may_change_and_an_account_may_be_named_later(kube, namespace):
    kube.create(valid(namespace, storageAccount=None))
    kube.patch(WATCHER, "w", {"spec": {"storageAccount": "mystorageaccount", "blobPrefix": "raw/", "suspend": True,
                                       "endpoint": "https://mystorageaccount.privatelink.blob.core.windows.net",
                                       "credentialsSecret": None, "identity": {"type": "WorkloadIdentity"}}}, namespace)
    assert kube.get(WATCHER, "w", namespace)["spec"]["storageAccount"] == "mystorageaccount"


def test_defaults_are_written_into_what_is_stored(kube, namespace):
    stored = kube.create(valid(namespace))["spec"]
    assert {field: stored[field] for field in ("pollingIntervalSeconds", "maxActive", "suspend", "deletionPolicy")} == {
        "pollingIntervalSeconds": 60, "maxActive": 50, "suspend": False, "deletionPolicy": "Delete"}


def test_the_plain_form_takes_what_the_rules_refuse(kube, namespace):
    """The form for clusters before v1.25, tried on this one: the same schema without rules."""
    plain = yaml.safe_load((paths.ROOT / "config/crd-pre-1.25/azureblobwatchers.yaml").read_text())
    try:
        kube.apply(plain)

        def stored() -> bool:
            try:
                kube.create(valid(namespace, minSizeBytes=9, maxSizeBytes=1))
                return True
            except ApiError:
                return False
        wait_until(stored, bool, what="the plain form in force")
        with pytest.raises(ApiError, match="422"):
            kube.create(valid(namespace, name="x", pollingIntervalSeconds=0))
    finally:
        kube.install_crd(paths.CRD)


def test_kubectl_explains_every_field_of_the_spec(bed):
    def fields(path: str) -> dict[str, str]:
        """What `kubectl explain` prints below FIELDS: names with their descriptions."""
        found, name = {}, ""
        for line in bed.kubectl("explain", path).split("FIELDS:")[1].splitlines():
            if head := re.match(r"  (\w+)\t<", line):
                name = head[1]
                found[name] = ""
            elif line.startswith("    "):  # less deep stands an enumeration, which says nothing in words
                found[name] += line.strip() + " "
        return found
    for path in ("azureblobwatcher.spec", "abw.spec.identity", "abw.spec.jobTemplate", "abw.status"):
        explained = fields(path)
        assert len(explained) > 1
        assert [name for name, text in explained.items() if not text.strip()] == []
    assert "Default: 60." in fields("abw.spec")["pollingIntervalSeconds"]
