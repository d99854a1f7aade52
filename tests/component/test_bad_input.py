"""Bad input gets a clear answer and loses nothing.

Each row: the conditions name the reason and say what to do, so does one Event, the watcher next door goes on polling,
and once the input is mended every blob that came meanwhile gets its one Job.
"""

import base64
import dataclasses
import json
from typing import Callable

import pytest

from conftest import JOB, REFUSED, UNRESOLVABLE
from scene import Scene
from testing.kube import ApiError, condition, wait_until

STALLED = "Stalled"  # somebody has to mend something
RETRYING = "Reconciling"  # passes by itself
NOTHING = lambda scene: None


@dataclasses.dataclass
class Row:
    name: str
    reason: str
    says: str
    """A part of the message that helps whoever reads it."""
    spec: Callable[[Scene], dict] | dict
    """What differs from a good watcher; a function may also prepare things."""
    mend: Callable[[Scene], None]
    health: str = STALLED
    blobs_first: bool = False
    """The answer comes only when there is something to create."""
    blobs_meanwhile: bool = True


def with_secret(**data: str):
    """The watcher's Secret holds this."""
    def prepare(scene: Scene) -> dict:
        scene.secret(**data)
        return {"credentials": False}
    return prepare


def with_sas(make: Callable[[Scene], str]):
    def prepare(scene: Scene) -> dict:
        return with_secret(sasToken=make(scene))(scene)
    return prepare


def secret_mended(scene: Scene) -> None:
    scene.secret()


def sas_mended(scene: Scene) -> None:
    scene.secret(sasToken=scene.azurite.container_sas(scene.container))


def spec_mended(**spec):
    return lambda scene: scene.change(**spec)


def endpoint_mended(scene: Scene) -> None:
    scene.change(endpoint=scene.azurite.endpoint)


def template_mended(scene: Scene) -> None:
    scene.change(jobTemplate={"kind": "Job", "template": json.dumps(JOB)})


def container_mended(scene: Scene) -> None:
    scene.container += "-late"
    scene.azurite.container(scene.container)
    scene.upload("meanwhile.csv")


def job(**changes) -> dict:
    """The tests' Job with other top-level members; None removes one."""
    return {key: value for key, value in {**JOB, **changes}.items() if value is not None}


def job_with_value(value: str) -> dict:
    template = json.loads(json.dumps(JOB))
    template["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = value
    return template


def job_restarting_always() -> dict:
    template = json.loads(json.dumps(JOB))
    template["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    return template


def template_row(name: str, says: str, template: dict | str, reason: str = "InvalidTemplate", kind: str = "Job") -> Row:
    return Row(name, reason, says, {"template": template, "kind": kind}, template_mended)


SOMEBODY = "11111111-2222-3333-4444-555555555555"
WRONG_KEY = base64.b64encode(bytes(64)).decode()
TWO_DOCUMENTS = json.dumps(JOB) + "\n---\n" + json.dumps(JOB)

CREDENTIALS = [
    Row("a_missing_secret", "SecretNotFound", "create secret generic azure", {"credentials": False}, secret_mended),
    Row("a_missing_key_in_the_secret", "InvalidSecret", "needs one of the keys accountKey, sasToken, connectionString",
        with_secret(password="x"), secret_mended),
    Row("a_key_that_is_not_base64", "InvalidSecret", "base64", with_secret(accountKey="no base64!"), secret_mended),
    Row("a_wrong_key", "AuthenticationFailed", "was it rotated", with_secret(accountKey=WRONG_KEY), secret_mended),
    Row("an_expired_sas", "SasExpired", "make a new one",
        with_sas(lambda scene: scene.azurite.container_sas(scene.container, expires_in=-60)), sas_mended),
    Row("a_sas_that_may_not_list", "PermissionDenied", "needs list (l)",
        with_sas(lambda scene: scene.azurite.container_sas(scene.container, "r")), sas_mended),
    Row("a_sas_for_another_container", "AuthenticationFailed", "is it made for this container",
        with_sas(lambda scene: scene.azurite.container_sas("elsewhere")), sas_mended),
    Row("a_client_secret_without_a_tenant", "InvalidSecret", "has clientSecret, but no tenantId",
        with_secret(clientId=SOMEBODY, clientSecret="c"), secret_mended),
    Row("a_tenant_that_would_be_a_path", "InvalidSecret", "must be a tenant's ID",
        with_secret(tenantId="../x", clientId=SOMEBODY, clientSecret="c"), secret_mended),
]
PLACES = [
    Row("a_missing_container", "ContainerNotFound", "create it, or, since containerName cannot be changed, delete the watcher and create it anew",
        lambda scene: {"containerName": f"{scene.container}-late"}, container_mended, blobs_meanwhile=False),
    Row("an_unresolvable_endpoint", "EndpointUnreachable", "cannot resolve host no-such-host.invalid",
        {"endpoint": f"{UNRESOLVABLE}/devstoreaccount1"}, endpoint_mended, RETRYING),
    Row("a_refused_endpoint", "EndpointUnreachable", "connection refused by 127.0.0.1:9",
        {"endpoint": f"{REFUSED}/devstoreaccount1"}, endpoint_mended, RETRYING),
    Row("an_endpoint_nobody_allowed", "EndpointNotAllowed", "--allowed-endpoint http://127.0.0.2:10000",
        {"endpoint": "http://127.0.0.2:10000/devstoreaccount1"}, endpoint_mended),
    Row("an_identity_nobody_allowed", "IdentityNotAllowed", "--allow-operator-identity",
        {"identity": {"type": "ManagedIdentity"}, "credentialsSecret": None},
        spec_mended(identity=None, credentialsSecret="azure")),
]
PATTERNS = [
    Row("an_invalid_pattern", "InvalidPattern", 'blobPattern "(" is not a regular expression', {"blobPattern": "("},
        spec_mended(blobPattern="csv$")),
    Row("an_invalid_exclude_pattern", "InvalidPattern", 'blobExcludePattern "*" is not a regular expression',
        {"blobExcludePattern": "*"}, spec_mended(blobExcludePattern="tmp$")),
]
TEMPLATES = [
    template_row("a_template_that_is_no_yaml", "line 1", "kind: [Job"),
    template_row("a_template_of_two_documents", "2 YAML documents where one is expected", TWO_DOCUMENTS),
    template_row("a_template_without_kind", "the template has no kind", job(kind=None), kind="Job"),
    template_row("a_template_without_name", "the template has no metadata.name", job(metadata={})),
    template_row("a_template_of_another_kind", "make them equal", json.dumps(job(kind="CronJob"))),
    template_row("a_template_for_another_namespace", "remove it",
                 job(metadata={"name": "x-${BLOB_NAME}", "namespace": "kube-system"})),
    template_row("a_template_with_an_unknown_variable", "did you mean ${BLOB_NAME}?", job_with_value("${BLOB_NAM}")),
    template_row("a_template_with_a_finalizer", "remove it",
                 job(metadata={"name": "x-${BLOB_NAME}", "finalizers": ["example.com/x"]})),
    template_row("a_template_of_a_kind_nobody_allowed", '--allowed-kind "v1 Pod"', job(apiVersion="v1", kind="Pod"),
                 "KindNotAllowed", "Pod"),
    template_row("a_template_of_an_rbac_kind", "never created from a template",
                 job(apiVersion="rbac.authorization.k8s.io/v1", kind="Role"), "KindNotAllowed", "Role"),
    template_row("a_template_of_a_kind_the_cluster_does_not_know", "install its CRD",
                 job(apiVersion="argoproj.io/v1never", kind="Workflow"), "KindNotFound", "Workflow"),
    Row("a_template_the_api_server_rejects", "InvalidTemplate", "restartPolicy",
        {"template": job_restarting_always()}, template_mended, blobs_first=True),
]


def powerless_account(scene: Scene) -> dict:
    scene.kube.create({"apiVersion": "v1", "kind": "ServiceAccount",
                       "metadata": {"name": "runner", "namespace": scene.namespace}})
    return {"serviceAccountName": "runner"}


def account_granted(scene: Scene) -> None:
    group = "rbac.authorization.k8s.io"
    home = {"name": "runner", "namespace": scene.namespace}
    # To create is enough: to look and to take the finalizer off is done with the operator's own rights.
    scene.kube.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": home,
                      "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]})
    scene.kube.apply({"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": home,
                      "roleRef": {"apiGroup": group, "kind": "Role", "name": "runner"},
                      "subjects": [{"kind": "ServiceAccount", **home}]})


def no_quota(scene: Scene) -> dict:
    scene.kube.create({"apiVersion": "v1", "kind": "ResourceQuota",
                       "metadata": {"name": "jobs", "namespace": scene.namespace},
                       "spec": {"hard": {"count/jobs.batch": "0"}}})
    scene.kube.wait("ResourceQuota", "jobs", scene.namespace, lambda quota: "hard" in quota.get("status", {}))
    return {}


def quota_raised(scene: Scene) -> None:
    scene.kube.patch("ResourceQuota", "jobs", {"spec": {"hard": {"count/jobs.batch": "9"}}}, scene.namespace)


def deny(scene: Scene, rule: str) -> None:
    """A policy refuses Jobs of the namespace that do not keep a rule in CEL; it takes a moment to be in force."""
    kind = "admissionregistration.k8s.io/v1"
    metadata = {"name": scene.namespace}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}}}
    jobs = [{"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}]
    scene.kube.create({"apiVersion": kind, "kind": "ValidatingAdmissionPolicy", "metadata": metadata,
                       "spec": {"failurePolicy": "Fail", "matchConstraints": {**here, "resourceRules": jobs},
                                "validations": [{"expression": rule, "message": "not before Monday"}]}})
    scene.kube.create({"apiVersion": kind, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata,
                       "spec": {"policyName": scene.namespace, "validationActions": ["Deny"]}})
    wait_until(lambda: is_denied(scene, "process-first.csv"), bool, what="the policy in force")


def is_denied(scene: Scene, name: str) -> bool:
    probe = job(metadata={"name": name})
    try:
        scene.kube.request("POST", scene.kube.path("Job", scene.namespace) + "?dryRun=All", probe)
        return False
    except ApiError as error:
        return "not before Monday" in str(error)


def policy_lifted(scene: Scene) -> None:
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        scene.kube.delete(kind, scene.namespace)


def all_denied(scene: Scene) -> dict:
    deny(scene, "!object.metadata.name.startsWith('process-')")
    return {}


CLUSTER = [
    Row("create_forbidden_by_rbac", "Forbidden", ':runner" cannot create resource "jobs"', powerless_account,
        account_granted, blobs_first=True),
    Row("create_forbidden_by_quota", "QuotaExceeded", "exceeded quota: jobs", no_quota, quota_raised, RETRYING,
        blobs_first=True),
    Row("create_forbidden_by_admission", "AdmissionDenied", "not before Monday", all_denied, policy_lifted, RETRYING,
        blobs_first=True),
]
ROWS = CREDENTIALS + PLACES + PATTERNS + TEMPLATES + CLUSTER


def expect_answer(row: Row, watcher: dict) -> None:
    """Ready is False, and exactly one of the two others is True; all three say the same."""
    for kind in ("Ready", STALLED, RETRYING):
        found = condition(watcher, kind)
        assert found["status"] == str(kind == row.health), kind
        assert (found["reason"], found["observedGeneration"]) == (row.reason, watcher["metadata"]["generation"])
        assert row.says in found["message"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_bad_input_is_answered_and_heals(row, operator, scene, neighbour):
    blobs = []
    if row.blobs_first:
        scene.upload("first.csv")
        blobs.append("first.csv")
    scene.watch(**(row.spec(scene) if callable(row.spec) else row.spec))
    expect_answer(row, scene.wait_reason(row.reason))
    event = scene.wait_event(row.reason)
    assert event["type"] == "Warning"
    assert row.says in event["message"]

    if row.blobs_meanwhile:
        scene.upload("meanwhile.csv")
    blobs.append("meanwhile.csv")
    neighbour.keeps_polling()
    assert scene.made() == []

    row.mend(scene)
    scene.wait_made(*blobs)
    scene.wait_ready()
    status = scene.settles_with(*blobs)["status"]
    assert status.get("setAside", 0) == 0


# What is wrong with one blob only

def test_one_blob_that_is_rejected_is_set_aside_and_the_others_go_on(operator, scene, job_template):
    job_template["spec"]["template"]["spec"]["containers"][0]["name"] = "${BLOB_STEM}"
    scene.upload("Not A Container Name.csv", "good.csv")
    scene.watch(template=job_template)
    scene.wait_made("good.csv")
    status = scene.wait(lambda status: status.get("setAside") == 1)["status"]
    aside = status["setAsideBlobs"][0]
    assert (aside["name"], aside["reason"]) == ("Not A Container Name.csv", "Rejected")
    assert "containers[0].name" in aside["message"]
    assert scene.wait_event("BlobSetAside")["type"] == "Warning"
    scene.wait_ready()
    scene.settles_with("good.csv")


def test_a_blob_is_told_of_as_set_aside_however_many_were_told_of_before(operator, scene, job_template):
    job_template["spec"]["template"]["spec"]["containers"][0]["name"] = "${BLOB_STEM}"
    many = [f"good-{i:02}.csv" for i in range(40)]
    scene.upload(*many)
    scene.watch(template=job_template)
    scene.wait_made(*many)
    scene.upload("Not A Container Name.csv")
    assert "Not A Container Name.csv" in scene.wait_event("BlobSetAside")["message"]


def test_a_template_with_nothing_against_a_plain_name_sets_the_others_aside(operator, scene, job_template):
    """An annotation's key has room for one slash."""
    job_template["metadata"]["annotations"] = {"example.com/${BLOB_NAME}": "here"}
    scene.upload("raw/a.csv", "b.csv")
    scene.watch(template=job_template)
    scene.wait_made("b.csv")
    status = scene.wait(lambda status: status.get("setAside") == 1)["status"]
    assert status["setAsideBlobs"][0]["name"] == "raw/a.csv"


def test_a_blob_that_is_denied_blocks_nothing_but_itself(operator, scene):
    deny(scene, "object.metadata.name != 'process-first.csv'")
    scene.upload("first.csv", "second.csv")
    scene.watch()
    scene.wait_made("second.csv")
    message = condition(scene.wait_reason("AdmissionDenied"), "Ready")["message"]
    assert message.startswith("Blob first.csv waits and is tried again")
    scene.upload("third.csv")
    scene.wait_made("second.csv", "third.csv")
    policy_lifted(scene)
    scene.wait_made("first.csv", "second.csv", "third.csv")
    scene.wait_ready()


# What the operator itself may not do

RIGHTS = {
    ("mlops.example.com", "azureblobwatchers"): {"get", "list", "watch"},
    ("mlops.example.com", "azureblobwatchers/status"): {"update", "patch"},
    ("", "secrets"): {"get"},
    ("", "events"): {"create", "patch"},
    ("", "configmaps"): {"create", "get", "list", "watch", "patch", "delete"},
    ("batch", "jobs"): {"create", "get", "list", "watch", "patch", "delete"},
}


def rules(**without: str) -> list[dict]:
    """The operator's rights; rules(jobs="create") leaves that verb out."""
    granted = {place: sorted(verbs - {without.get(place[1], "")}) for place, verbs in RIGHTS.items()}
    return [{"apiGroups": [group], "resources": [resource], "verbs": verbs}
            for (group, resource), verbs in granted.items() if verbs]


@pytest.mark.parametrize("missing, says", [
    ({"jobs": "create"}, 'cannot create resource "jobs"'),
    ({"jobs": "list"}, "grant its ServiceAccount create, get, list, watch, patch and delete"),
    ({"secrets": "get"}, "the operator may not read Secret azure"),
], ids=["to_create_jobs", "to_list_jobs", "to_read_secrets"])
def test_a_right_the_operator_lacks_is_named_and_its_grant_heals(missing, says, own_operator, bed, scene, job_template):
    kubeconfig = bed.service_account_kubeconfig(scene.namespace, "operator", rules(**missing), cluster=False)
    own_operator("--allowed-kind", "batch/v1 Job", "--allowed-kind", "v1 ConfigMap", kubeconfig=kubeconfig)
    scene.upload("a.csv")
    if "jobs" in missing:
        scene.watch("healthy", template={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${BLOB_NAME}"}})
    scene.watch()
    stored = scene.wait_reason("Forbidden")
    assert condition(stored, STALLED)["status"] == "True"
    assert says in condition(stored, "Ready")["message"]
    assert scene.wait_event("Forbidden")["type"] == "Warning"
    if "jobs" in missing:
        scene.settles_with("a.csv", watcher="healthy", kind="ConfigMap")
    assert scene.made() == []

    before = scene.azurite.names(scene.container)
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": scene.namespace}
    bed.grant(subject, rules(), scene.namespace)
    scene.wait_made(*before)
    scene.wait_ready()
