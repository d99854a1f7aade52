"""The bed itself: what every other component test stands on."""

import urllib.error
import urllib.request

import pytest

from testing.kube import ApiError, Kube


def test_the_api_server_stores_and_returns_an_object(kube, namespace):
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace},
                 "data": {"a": "1"}})
    assert kube.get("ConfigMap", "x", namespace)["data"] == {"a": "1"}


def test_an_uploaded_blob_is_listed(azurite, container):
    azurite.upload(container, "raw/mydata.csv")
    assert azurite.names(container) == ["raw/mydata.csv"]


def test_a_service_account_may_do_only_what_it_was_granted(bed, namespace):
    config = bed.service_account_kubeconfig(
        namespace, "reader", [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}], cluster=False)
    kube = Kube.from_kubeconfig(config)
    bed.kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace}})
    assert "x" in [found["metadata"]["name"] for found in kube.list("ConfigMap", namespace)]
    with pytest.raises(ApiError, match="403"):
        kube.list("Secret", namespace)


@pytest.mark.parametrize("sas, status", [("good", 200), ("expired", 403), ("listless", 403)])
def test_a_shared_access_signature_opens_what_it_says_and_no_more(azurite, container, sas, status):
    token = {"good": azurite.container_sas(container), "expired": azurite.container_sas(container, expires_in=-60),
             "listless": azurite.container_sas(container, "r")}[sas]
    assert answer(f"{azurite.endpoint}/{container}?restype=container&comp=list&{token}") == status


def test_an_account_signature_opens_every_container(azurite, container):
    assert answer(f"{azurite.endpoint}/{container}?restype=container&comp=list&{azurite.account_sas()}") == 200


def answer(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
