"""Every reason there is has an entry in docs/troubleshooting.md and a test that produces it; and the reasons that no
other test produces on a real API server."""

import hashlib
import re

import pytest

from testing.azurite import KEY
from testing.hostile_blob_service import HostileBlobService
from testing.paths import ROOT

COMPONENT = "tests/component/"
# Each reason, and a file with a line in that file that asks for it.
PRODUCED = {
    "PollSucceeded": (COMPONENT + "test_hostile_listings.py", 'FINE = "PollSucceeded"'),
    "Suspended": (COMPONENT + "test_features.py", '"Suspended"'),
    "InvalidSpec": (COMPONENT + "test_features.py", 'wait_reason("InvalidSpec"'),
    "InvalidCheckpoint": (COMPONENT + "test_features.py", '"InvalidCheckpoint"'),
    "InvalidPattern": (COMPONENT + "test_bad_input.py", '"an_invalid_pattern"'),
    "InvalidTemplate": (COMPONENT + "test_bad_input.py", '"a_template_that_is_no_yaml"'),
    "KindNotFound": (COMPONENT + "test_bad_input.py", '"a_template_of_a_kind_the_cluster_does_not_know"'),
    "KindNotAllowed": (COMPONENT + "test_bad_input.py", '"a_template_of_a_kind_nobody_allowed"'),
    "IdentityNotAllowed": (COMPONENT + "test_bad_input.py", '"an_identity_nobody_allowed"'),
    "ServiceAccountNotFound": (COMPONENT + "test_identity.py", 'expect(scene, "ServiceAccountNotFound"'),
    "TokenUnavailable": (COMPONENT + "test_identity.py", 'expect(scene, "TokenUnavailable"'),
    "TooManyExistingBlobs": (COMPONENT + "test_features.py", '"TooManyExistingBlobs"'),
    "SecretNotFound": (COMPONENT + "test_bad_input.py", '"a_missing_secret"'),
    "InvalidSecret": (COMPONENT + "test_bad_input.py", '"a_missing_key_in_the_secret"'),
    "AuthenticationFailed": (COMPONENT + "test_bad_input.py", '"a_wrong_key"'),
    "SasExpired": (COMPONENT + "test_bad_input.py", '"an_expired_sas"'),
    "PermissionDenied": (COMPONENT + "test_bad_input.py", '"a_sas_that_may_not_list"'),
    "ContainerNotFound": (COMPONENT + "test_bad_input.py", '"a_missing_container"'),
    "EndpointNotAllowed": (COMPONENT + "test_bad_input.py", '"an_endpoint_nobody_allowed"'),
    "EndpointUnreachable": (COMPONENT + "test_bad_input.py", '"an_unresolvable_endpoint"'),
    "Throttled": (COMPONENT + "test_hostile_listings.py", 'Case("too-many-requests"'),
    "ServiceUnavailable": (COMPONENT + "test_hostile_listings.py", 'Case("a-bad-gateway"'),
    "InvalidResponse": (COMPONENT + "test_hostile_listings.py", 'Case("garbage"'),
    "Forbidden": (COMPONENT + "test_bad_input.py", '"create_forbidden_by_rbac"'),
    "QuotaExceeded": (COMPONENT + "test_bad_input.py", '"create_forbidden_by_quota"'),
    "AdmissionDenied": (COMPONENT + "test_bad_input.py", '"create_forbidden_by_admission"'),
    # With its namespace the watcher itself is deleted, so there is hardly a moment to say it in.
    "NamespaceTerminating": ("src/kube/kube_error_test.cc", "Reason::NamespaceTerminating"),
    "ApiServerUnavailable": ("controllers/schedule_test.cc", '"ApiServerUnavailable"'),
    "UnsafeName": (COMPONENT + "test_features.py", '"UnsafeName"'),
    "TemplateError": (COMPONENT + "test_tenancy.py", '"TemplateError"'),
    "Rejected": (COMPONENT + "test_bad_input.py", '"Rejected"'),
    "NameConflict": (COMPONENT + "test_reasons.py", '"NameConflict"'),
    "CopyPending": (COMPONENT + "test_reasons.py", '"CopyPending"'),
    "Canceled": ("src/net/curl_transport_test.cc", "Canceled,"),
    "Internal": ("controllers/exactly_once_test.cc", "Reason::Internal"),
}


def reasons() -> list[str]:
    body = re.search(r"enum class Reason[^{]*{(.*?)};", (ROOT / "src/base/reason.h").read_text(), re.S)[1]
    return re.findall(r"^\s+([A-Z]\w+),", body, re.M)


def test_the_table_knows_every_reason():
    assert sorted(PRODUCED) == sorted(reasons())


@pytest.mark.parametrize("reason", reasons())
def test_a_reason_is_explained_and_produced(reason):
    entries = re.findall(r"\*\*`(\w+)`\*\*", (ROOT / "docs/troubleshooting.md").read_text())
    assert entries.count(reason) == 1
    file, line = PRODUCED[reason]
    assert line in code_of(file)


def code_of(file: str) -> str:
    """Without comments, docstrings and the table above, which would find itself."""
    text = (ROOT / file).read_text()
    if file.endswith(".cc"):
        return re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^PRODUCED = {.*?^}", "", text, flags=re.S | re.M)
    return re.sub(r'"""(?:[^"]|"(?!""))*"""|^\s*#[^\n]*|\s{2}#[^\n]*', "", text, flags=re.M)


def key_of(uid: str, url: str, blob: str, etag: str) -> str:
    """The trigger key, in hex."""
    return hashlib.sha256(b"".join(part.encode() + b"\0" for part in (uid, url, blob, etag))).hexdigest()


def test_a_blob_whose_names_are_both_taken_is_set_aside(operator, scene, kube, namespace, job_template):
    url = f"{scene.azurite.endpoint}/{scene.container}"
    watcher = scene.watch(suspend=True)
    etag = scene.azurite.upload(scene.container, "a.csv")
    name = f"process-a.csv-{key_of(watcher['metadata']['uid'], url, 'a.csv', etag)[:8]}"
    foreign = {**job_template, "spec": {**job_template["spec"], "suspend": True}}
    for taken in ("process-a.csv", name):
        kube.create({**foreign, "metadata": {"name": taken, "namespace": namespace}})
    scene.change(suspend=False)
    status = scene.wait(lambda status: status.get("setAside") == 1)["status"]
    assert status["setAsideBlobs"][0]["reason"] == "NameConflict"
    assert name in status["setAsideBlobs"][0]["message"]
    assert scene.wait_event("BlobSetAside")["type"] == "Warning"
    scene.settles_with()


def test_a_blob_that_is_still_being_copied_waits_and_blocks_nothing(bed, own_operator, scene):
    with HostileBlobService({"acct": KEY}) as service:
        own_operator(allowed=[service.origin])
        service.create_container("acct", scene.container)
        service.put(scene.container, "copy.csv", copy_pending=True)
        service.put(scene.container, "whole.csv")
        scene.secret(accountKey=KEY)
        scene.watch(storageAccount="acct", endpoint=service.endpoint("acct"), credentials=False)
        scene.wait_made("whole.csv")
        waiting = scene.wait(lambda status: status["checkpoint"].get("postponed"))["status"]["checkpoint"]["postponed"]
        assert [(one["name"], one["reason"]) for one in waiting] == [("copy.csv", "CopyPending")]
        service.put(scene.container, "copy.csv")
        scene.wait_made("copy.csv", "whole.csv")
