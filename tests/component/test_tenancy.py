"""A tenant who may only write AzureBlobWatchers and Secrets in one namespace tries to reach beyond it.

The operator has every right there is and may create every kind, so whatever holds here is held by its own rules and not
by its RBAC. What it did is read in the API server's audit log; what a template may not make is not made; and the
attacks are stored past the CRD's own rules, as an older CRD would have let them in.
"""

import base64
import copy
import dataclasses
import json
import re
import socket
import threading

import pytest
import yaml

from conftest import JOB
from scene import WATCHER
from testing.azurite import KEY
from testing.bed import ALL_RULES
from testing.hostile_blob_service import HostileBlobService
from testing.kube import ApiError, Kube, condition, wait_until
from testing.operator import Operator
from testing.paths import CRD
from test_features import WORKFLOWS

TENANT_RULES = [
    {"apiGroups": ["mlops.example.com"], "resources": ["azureblobwatchers"],
     "verbs": ["create", "update", "patch", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "update"]},
]
RUNNER_RULES = [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]
OUR_LABEL = "app.kubernetes.io%2Fmanaged-by%3Dazure-blob-operator"
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info |warn |error) ")


def job(**metadata) -> dict:
    return {**JOB, "metadata": {"name": "x-${BLOB_NAME}", **metadata}}


def thing(api_version: str, kind: str, **more) -> dict:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x-${BLOB_NAME}"}, **more}


@dataclasses.dataclass
class Attack:
    name: str
    reasons: str
    """One of these the watcher must give, by Ready or for the blob that is set aside."""
    template: dict | str | None = None
    spec: dict = dataclasses.field(default_factory=dict)
    metadata: dict = dataclasses.field(default_factory=dict)

    def watcher(self, victim: str, good: dict) -> dict:
        template = JOB if self.template is None else self.template
        text = template if isinstance(template, str) else json.dumps(template)
        kind = template["kind"] if isinstance(template, dict) and isinstance(template.get("kind"), str) else "Job"
        spec = {**good, "jobTemplate": {"kind": kind, "template": text}, **self.spec}
        whole = {"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                 "metadata": {"name": self.name, **self.metadata}, "spec": spec}
        return json.loads(json.dumps(whole).replace("VICTIM", victim))


def templates() -> list[Attack]:
    """Other places, other kinds, other people's marks."""
    wrong, refused = "InvalidTemplate", "KindNotAllowed"
    rights = "rbac.authorization.k8s.io/v1"
    rows = [
        ("namespace-of-another", wrong, job(namespace="VICTIM")),
        ("namespace-by-a-variable", wrong, job(namespace="${BLOB_STEM}")),
        ("namespace-by-a-key", wrong, job(**{"${BLOB_DIRECTORY}": "VICTIM"})),
        ("name-that-climbs", wrong, job(name="../../VICTIM/jobs/x-${BLOB_HASH}")),
        ("generated-name-that-climbs", wrong, {**JOB, "metadata": {"generateName": "../${BLOB_HASH}/"}}),
        ("name-with-a-query", wrong, job(name="x?fieldManager=a-${BLOB_HASH}")),
        ("owner-of-another", wrong, job(ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "precious",
                                                          "uid": "x"}])),
        ("finalizer", wrong, job(finalizers=["kubernetes"])),
        ("our-finalizer", wrong, job(finalizers=["mlops.example.com/recording"])),
        ("status", wrong, {**job(), "status": {"succeeded": 1}}),
        ("uid", wrong, job(uid="00000000-0000-0000-0000-000000000000")),
        ("resource-version", wrong, job(resourceVersion="1")),
        ("managed-fields", wrong, job(managedFields=[])),
        ("deletion", wrong, job(deletionTimestamp="2026-01-01T00:00:00Z")),
        ("label-of-another-watcher", wrong, job(labels={"mlops.example.com/watcher": "good"})),
        ("trigger-key-of-another", wrong, job(annotations={"mlops.example.com/trigger-key": "00"})),
        ("watcher-uid-of-another", wrong, job(annotations={"mlops.example.com/watcher-uid": "00"})),
        ("label-by-a-key", "TemplateError", job(labels={"mlops.example.com/${BLOB_STEM}": "x"})),
        ("two-documents", wrong, json.dumps(job()) + "\n---\n" + json.dumps(job(namespace="VICTIM"))),
        ("list", f"{wrong} KindNotFound", thing("v1", "List", items=[job(namespace="VICTIM")])),
        ("list-of-jobs", f"{wrong} KindNotFound", thing("batch/v1", "JobList", items=[job(namespace="VICTIM")])),
        ("watcher", refused, thing("mlops.example.com/v1alpha1", WATCHER)),
        ("role", refused, thing(rights, "Role", rules=ALL_RULES)),
        ("role-binding", refused, thing(rights, "RoleBinding")),
        ("cluster-role", refused, thing(rights, "ClusterRole", rules=ALL_RULES)),
        ("cluster-role-binding", refused, thing(rights, "ClusterRoleBinding")),
        ("namespace", refused, thing("v1", "Namespace")),
        ("volume", refused, thing("v1", "PersistentVolume")),
        ("node", refused, thing("v1", "Node")),
        ("crd", refused, thing("apiextensions.k8s.io/v1", "CustomResourceDefinition")),
        ("webhook", refused, thing("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")),
        ("signing-request", refused, thing("certificates.k8s.io/v1", "CertificateSigningRequest")),
        ("token-review", refused, thing("authentication.k8s.io/v1", "TokenReview")),
        ("self-review", refused, thing("authentication.k8s.io/v1", "SelfSubjectReview")),
        ("token-request", "KindNotFound", thing("authentication.k8s.io/v1", "TokenRequest")),
        ("eviction", "KindNotFound", thing("policy/v1", "Eviction")),
        ("scale", "KindNotFound", thing("autoscaling/v1", "Scale")),
        ("exec", "KindNotFound", thing("v1", "PodExecOptions")),
        ("delete-options", "KindNotFound", thing("v1", "DeleteOptions")),
        # Kinds that can only be created: what cannot be followed is not created.
        ("binding", "Rejected Forbidden KindNotFound ApiServerUnavailable", thing("v1", "Binding")),
        ("access-review", "Rejected Forbidden KindNotFound ApiServerUnavailable",
         thing("authorization.k8s.io/v1", "LocalSubjectAccessReview")),
        # The ServiceAccount may create Jobs only, whatever the operator may.
        ("secret", "Forbidden", thing("v1", "Secret", stringData={"a": "b"})),
        ("service-account", "Forbidden", thing("v1", "ServiceAccount")),
        ("pod", "Forbidden", thing("v1", "Pod", spec={"containers": [{"name": "a", "image": "a"}]})),
    ]
    attacks = [Attack(f"template-{name}", reasons, template) for name, reasons, template in rows]
    for number, path in enumerate(["argoproj.io/v1alpha1/namespaces/VICTIM/workflows",
                                   "argoproj.io/v1alpha1%2Fnamespaces%2FVICTIM%2Fworkflows",
                                   "argoproj.io/../../api/v1/namespaces/VICTIM/secrets",
                                   "argoproj.io/v1alpha1?labelSelector=a", "v1/namespaces/VICTIM/secrets"]):
        attacks.append(Attack(f"template-api-version-{number}", wrong, thing(path, "Workflow")))
    attacks.append(Attack("template-kind-status", wrong, thing("batch/v1", "Job/status")))
    return attacks


def references() -> list[Attack]:
    """Secrets, accounts and identities of others."""
    rows = [Attack(f"secret-{number}", "InvalidSpec", spec={"credentialsSecret": name}) for number, name in enumerate([
        "../VICTIM/azure", "../../VICTIM/secrets/azure", "..%2F..%2FVICTIM%2Fsecrets%2Fazure", "azure/../../x",
        "VICTIM/azure", "azure?watch=1", "azure#", "..", "azure/status", "azure\n", "a" * 300])]
    rows += [Attack(f"account-{number}", "InvalidSpec", spec={"serviceAccountName": name}) for number, name in enumerate([
        "runner:admin", "VICTIM:admin-bot", "system:masters", "../../VICTIM/admin-bot", "x\nImpersonate-Group: system:masters",
        "x\r\nImpersonate-User: admin", "*", "admin-bot/token"])]
    rows += [
        Attack("secret-of-victim", "SecretNotFound", spec={"credentialsSecret": "only-there"}),
        Attack("account-of-victim", "Forbidden", spec={"serviceAccountName": "admin-bot"}),
        Attack("secret-of-a-token", "InvalidSecret", spec={"credentialsSecret": "token"}),
        Attack("secret-huge", "InvalidSecret AuthenticationFailed", spec={"credentialsSecret": "huge"}),
        Attack("secret-of-bytes", "InvalidSecret", spec={"credentialsSecret": "bytes"}),
        Attack("identity-of-victim", "InvalidSpec", spec={
            "credentialsSecret": None, "identity": {"type": "WorkloadIdentity", "serviceAccountName": "../VICTIM/admin-bot"}}),
    ]
    return rows


ENDPOINTS = [
    "http://127.0.0.1:PORT", "https://127.0.0.1:PORT", "http://localhost:PORT", "http://2130706433:PORT", "http://0x7f000001:PORT",
    "http://0177.0.0.1:PORT", "http://127.1:PORT", "http://[::1]:PORT", "http://[::ffff:127.0.0.1]:PORT", "http://0.0.0.0:PORT",
    "https://acct.blob.core.windows.net@127.0.0.1:PORT", "https://127.0.0.1:PORT#.blob.core.windows.net",
    "https://127.0.0.1:PORT?.blob.core.windows.net", "https://127.0.0.1:PORT\\.blob.core.windows.net",
    "https://acct.blob.core.windows.net:PORT", "http://acct.blob.core.windows.net", "https://acct.blob.core.windows.net.evil.example",
    "https://evilblob.core.windows.net", "https://169.254.169.254", "http://169.254.169.254/metadata", "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_", "https://kubernetes.default.svc", "unix:///var/run/docker.sock",
]


def places(port: int) -> list[Attack]:
    found = [Attack(f"endpoint-{number}", "EndpointNotAllowed InvalidSpec",
                    spec={"endpoint": text.replace("PORT", str(port)), "storageAccount": "acct"})
             for number, text in enumerate(ENDPOINTS)]
    return found + [Attack(f"connection-{number}", "EndpointNotAllowed InvalidSpec InvalidSecret",
                           spec={"endpoint": None, "storageAccount": None, "credentialsSecret": f"connection-{number}"})
                    for number in range(len(connections(port)))]


def connections(port: int) -> list[str]:
    base = f"AccountName=acct;AccountKey={KEY};"
    return [base + place.replace("PORT", str(port)) for place in [
        "BlobEndpoint=http://127.0.0.1:PORT/acct", "BlobEndpoint=https://127.0.0.1:PORT", "EndpointSuffix=127.0.0.1:PORT",
        "DefaultEndpointsProtocol=http", "DefaultEndpointsProtocol=http://127.0.0.1:PORT/?",
        "EndpointSuffix=core.windows.net@127.0.0.1:PORT", "EndpointSuffix=core.windows.net.evil.example"]]


def marks() -> list[Attack]:
    """Names, labels and annotations that mean something to the operator. They change nothing."""
    return [
        Attack("n" * 250, "PollSucceeded"),
        Attack("marks", "PollSucceeded", metadata={
            "labels": {"app.kubernetes.io/managed-by": "azure-blob-operator", "mlops.example.com/watcher": "good"},
            "annotations": {"mlops.example.com/trigger-key": "00", "mlops.example.com/watcher-uid": "00",
                            "mlops.example.com/poll-now": "../../VICTIM\n" * 500}}),
        Attack("limits", "PollSucceeded InvalidSpec", spec={"successfulHistoryLimit": 0, "failedHistoryLimit": 0}),
        Attack("limits-beyond", "InvalidSpec", spec={"successfulHistoryLimit": -1, "maxActive": -1}),
    ]


# Whatever can stand in a blob's name: other lines for the log, what a terminal obeys, other documents, expressions.
NAMES = [
    "a.csv", "watcher.csv", "namespace/b.csv", 'quote": {"x": "y".csv', "line\n2026-11-22T05:30:00.000Z error forged.csv",
    "cr\r\nlevel=error.csv", "esc\x1b[2J\x1b]0;owned\x07.csv", "c1\u009b2J.csv", "turn\u202e\u2066vsc.exe", "sep\u2028\u2029.csv",
    "{{=sprig.env('HOME')}}.csv", "$(HOME).csv", "`id`.csv", "${BLOB_NAME}.csv", "...", "../../VICTIM/x", "%2e%2e%2f%2e%2e%2fx",
    "\u0430zure.csv", "😀" * 60 + ".csv", "x" * 1000, "é" * 500, "- &a [*a, *a]", "#", "'", '"', "\\", "<![CDATA[x]]>&amp;",
]


class Sink:
    """Listens where the operator must not connect, and counts who does."""

    def __enter__(self) -> "Sink":
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.seen = self.socket.getsockname()[1], []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            self.seen.append(peer)
            connection.close()

    def __exit__(self, *_) -> None:
        self.socket.close()


@pytest.fixture
def loose_schema(kube):
    """Any watcher can be stored, as after an upgrade."""
    crd = yaml.safe_load(CRD.read_text())
    for version in crd["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    kube.apply(crd)
    yield
    kube.install_crd(CRD)


@pytest.fixture
def workflows(kube, tmp_path):
    (tmp_path / "workflows.json").write_text(json.dumps(WORKFLOWS))
    kube.install_crd(tmp_path / "workflows.json")
    yield
    kube.delete("CustomResourceDefinition", "workflows.argoproj.io")
    kube.wait_gone("CustomResourceDefinition", "workflows.argoproj.io")


@pytest.fixture
def blobs():
    with HostileBlobService({"acct": KEY}) as service:
        service.create_container("acct", "data")
        for name in NAMES:
            service.put("data", name)
        yield service


@pytest.fixture
def victim(bed, kube, namespace):
    """Another namespace with what a tenant would like to have. It has no watcher, so the operator has no business there."""
    name = f"{namespace}-victim"[-60:].strip("-")
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for secret in ("azure", "only-there"):
        kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": name},
                     "stringData": {"accountKey": KEY}})
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "precious", "namespace": name}})
    bed.service_account_kubeconfig(name, "admin-bot", ALL_RULES)
    yield name
    kube.delete("Namespace", name)


@pytest.fixture
def almighty(bed, kube, shared_operator, namespace, victim, blobs, label):
    """An operator that may do everything, for the tenant's namespace and the victim's."""
    shared_operator.stop()
    home = f"{namespace}-operator"[-60:].strip("-")
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}})
    kubeconfig = bed.service_account_kubeconfig(home, "operator", ALL_RULES)
    bed.service_account_kubeconfig(namespace, "runner", RUNNER_RULES, cluster=False)
    operator = Operator(bed.run, kubeconfig, [
        "--namespace", namespace, "--namespace", victim, "--allowed-kind", "*", "--default-service-account", "runner",
        "--log-level", "debug", "--settle-margin", "1"], [blobs.origin], name=f"operator-{label}-0").start()
    operator.user = f"system:serviceaccount:{home}:operator"
    yield operator
    operator.stop()
    kube.delete("Namespace", home)


@pytest.fixture
def tenant(bed, kube, namespace) -> Kube:
    """The tenant's own client. What only others can make in the namespace is there already."""
    config = bed.user_kubeconfig(f"tenant-{namespace}", rules=TENANT_RULES, namespace=namespace)
    kube.create({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {
        "name": "token", "namespace": namespace, "annotations": {"kubernetes.io/service-account.name": "default"}}})
    client = Kube.from_kubeconfig(config)
    for name, data in {"azure": {"accountKey": KEY}, "huge": {"accountKey": "QUFB" * 250_000}}.items():
        client.create(secret_of(namespace, name, data))
    raw = {"accountKey": base64.b64encode(bytes(range(256))).decode()}
    client.create({**secret_of(namespace, "bytes", {}), "data": raw})
    return client


def secret_of(namespace: str, name: str, data: dict) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data}


def reasons_of(watcher: dict) -> set[str]:
    status = watcher.get("status", {})
    aside = {blob["reason"] for blob in status.get("setAsideBlobs", [])}
    return aside | {condition(watcher, "Ready").get("reason", "")}


def test_a_tenant_reaches_nothing_beyond_its_namespace_and_rights(almighty, tenant, kube, bed, namespace, victim, blobs,
                                                                  workflows, loose_schema):
    with Sink() as sink:
        good = {"storageAccount": "acct", "endpoint": blobs.endpoint("acct"), "containerName": "data",
                "credentialsSecret": "azure", "pollingIntervalSeconds": 3600, "maxActive": 0, "existingBlobs": "Trigger",
                "blobPattern": "^(a|watcher|namespace/b)\\.csv$"}
        for number, text in enumerate(connections(sink.port)):
            tenant.create(secret_of(namespace, f"connection-{number}", {"connectionString": text}))
        attacks = templates() + references() + places(sink.port) + marks()
        attacks.append(Attack("every-name", "PollSucceeded", spec={"blobPattern": ""}))
        for attack in attacks:
            make(tenant, namespace, attack.watcher(victim, good))

        def unanswered() -> dict:
            found = {one["metadata"]["name"]: reasons_of(one) for one in kube.list(WATCHER, namespace)}
            return {attack.name: sorted(found.get(attack.name, [])) for attack in attacks
                    if not found.get(attack.name, set()) & set(attack.reasons.split())}
        wait_until(unanswered, lambda left: not left, 90, "every attack answered with its reason", pause=0.5)
        almighty.stop()
        assert sink.seen == []
    judge(bed.audit_events(), almighty.user, namespace, victim)
    assert [one["metadata"]["name"] for one in kube.list("ConfigMap", victim)].count("precious") == 1
    judge_log(almighty.log.read_bytes())


def make(tenant: Kube, namespace: str, watcher: dict) -> None:
    watcher["metadata"]["namespace"] = namespace
    watcher["spec"] = {field: value for field, value in watcher["spec"].items() if value is not None}

    def stored() -> bool:
        try:
            return bool(tenant.create(copy.deepcopy(watcher)))
        except ApiError as error:
            if error.status not in (400, 422):
                raise
            return False
    wait_until(stored, bool, what=f"the loose schema in force for {watcher['metadata']['name']}")


def judge(events: list[dict], operator: str, namespace: str, victim: str) -> None:
    """Everything that the operator asked for, allowed or not."""
    ours = [event for event in events if event["user"]["username"] == operator]
    writes = [event for event in ours if event["verb"] not in ("get", "list", "watch")]
    assert writes, "it did something"
    for event in ours:
        place, uri = event.get("objectRef", {}), event["requestURI"]
        where = f"{event['verb']} {uri}"
        assert ".." not in uri and "%2F.." not in uri, where
        if event["verb"] in ("get", "list", "watch"):
            judge_read(event, place, uri, namespace, where)
            continue
        assert place.get("namespace") == namespace, where
        if place["resource"] == "azureblobwatchers":
            assert (event["verb"], place.get("subresource")) == ("update", "status"), where
        elif place["resource"] == "events":
            assert event["verb"] in ("create", "patch"), where
        elif event["verb"] == "create":
            judge_create(event, namespace, where)
        else:
            assert (event["verb"], place["resource"]) == ("patch", "jobs"), where
            assert "/metadata/finalizers/" in json.dumps(event["requestObject"]), where
    made = {event["objectRef"]["resource"] for event in writes
            if event["verb"] == "create" and event["responseStatus"]["code"] == 201}
    assert made <= {"jobs", "events"}, made


def judge_read(event: dict, place: dict, uri: str, namespace: str, where: str) -> None:
    """Discovery; lists and watches of what is its own by label; and in the tenant's namespace single objects."""
    if "resource" not in place:
        assert re.fullmatch(r"/apis?(/[a-z0-9.]+(/v[a-z0-9]+)?)?|/version", uri), where
    elif event["verb"] in ("list", "watch"):
        assert place["resource"] == "azureblobwatchers" or "labelSelector=" in uri and OUR_LABEL in uri or \
            place.get("namespace") == namespace, where
    else:
        assert place.get("namespace") == namespace, where


def judge_create(event: dict, namespace: str, where: str) -> None:
    """As the ServiceAccount that was asked for or the default one, and with no groups but an account's own."""
    acts_as = event["impersonatedUser"]
    prefix = f"system:serviceaccount:{namespace}:"
    assert acts_as["username"] in (prefix + "runner", prefix + "admin-bot"), where
    assert set(acts_as["groups"]) == {"system:serviceaccounts", f"system:serviceaccounts:{namespace}",
                                      "system:authenticated"}, where
    if acts_as["username"].endswith("admin-bot"):
        assert event["responseStatus"]["code"] == 403, where


def judge_log(raw: bytes) -> None:
    """Each line is one of the operator's, and none holds what a terminal obeys."""
    text = raw.decode()
    assert [line for line in text.split("\n")[:-1] if not LINE.match(line)] == []
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
