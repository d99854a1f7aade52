"""Bearer tokens: a real API server that makes the ServiceAccounts' tokens, a fake of Microsoft Entra that checks them as
the real one does, and Azurite, which takes nothing but https with a bearer token of the right audience and time.

Everything that is secret here is looked for afterwards in the log at debug level, in Events and in statuses.
"""

import functools
import json
import os
import urllib.request

import pytest

from scene import Scene
from testing.azurite import Azurite
from testing.fake_entra import EXCHANGE, TENANT, FakeEntra, FakeMetadataService, Refused
from testing.kube import condition, wait_until

SECRET = "s3cr3t~value/with+signs="
RULES = [
    {"apiGroups": ["mlops.example.com"], "resources": ["azureblobwatchers"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["mlops.example.com"], "resources": ["azureblobwatchers/status"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "watch", "patch"]},
]
TOKENS = [
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get"]},
]


@pytest.fixture(scope="module")
def secure(bed):
    """A second Azurite, by https, that checks bearer tokens."""
    certificate = bed.authority.server("azurite", ["127.0.0.1"], [])
    azurite = Azurite(bed.run, tls=(*certificate, bed.authority.folder / "ca.crt"), name="azurite-oauth").start()
    yield azurite
    azurite.stop()


@pytest.fixture
def scene(kube, secure, namespace, label, watcher) -> Scene:
    """In place of the common one: the container is of the second Azurite."""
    secure.container(label)
    place = {"storageAccount": secure.account, "endpoint": secure.endpoint, "containerName": label}
    return Scene(kube, secure, namespace, label, functools.partial(watcher, **place))


@pytest.fixture(scope="module")
def certificate(bed):
    return bed.authority.server("entra", ["127.0.0.1"], [])


@pytest.fixture
def entra(bed, certificate):
    def keys() -> dict:
        asked = urllib.request.Request(f"{bed.server}/openid/v1/jwks", headers={"Accept": "application/jwk-set+json"})
        with urllib.request.urlopen(asked, context=bed.kube.tls, timeout=10) as answer:
            return json.load(answer)
    with FakeEntra(certificate, "https://kubernetes.default.svc", keys) as entra:
        yield entra


@pytest.fixture
def start(own_operator, bed, entra, scene):
    """start(*flags, rules=..., **environment): an operator with these rights, whose sign-in is the fake. Afterwards
    nothing that was secret may stand anywhere."""
    started = []

    def run(*flags: str, rules: list = (*RULES, *TOKENS), **environment: str):
        kubeconfig = bed.service_account_kubeconfig(scene.namespace, "operator", list(rules), cluster=False)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AZURE_")}
        operator = own_operator("--ca-file", str(bed.authority.folder / "ca.crt"), "--log-level", "debug", *flags,
                                kubeconfig=kubeconfig, allowed=[scene.azurite.origin],
                                env={**clean, "AZURE_AUTHORITY_HOST": f"{entra.origin}/", **environment})
        started.append(operator)
        return operator
    yield run
    secrets = [SECRET, *entra.issued, *(form.get("client_assertion", SECRET) for form in entra.forms)]
    expect_unseen(scene, started, secrets)


def expect_unseen(scene: Scene, operators: list, secrets: list[str]) -> None:
    seen = "\n".join(operator.log.read_text() for operator in operators)
    seen += json.dumps(scene.kube.list("Event", scene.namespace)) + json.dumps(scene.kube.list("Job", scene.namespace))
    seen += json.dumps(scene.kube.list("AzureBlobWatcher", scene.namespace))
    for secret in secrets:
        # A JWT's middle part is enough to find it in any encoding of its dots.
        middle = secret.split(".")[1] if secret.count(".") == 2 else secret
        assert middle not in seen


def client_secret(scene: Scene, client: str, secret: str = SECRET, tenant: str = TENANT, **more: str) -> None:
    scene.secret(tenantId=tenant, clientId=client, clientSecret=secret, **more)


def account(scene: Scene, name: str = "reader", **annotations: str) -> str:
    """A ServiceAccount with the webhook's annotations; its subject."""
    scene.kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": name, "namespace": scene.namespace,
        "annotations": {f"azure.workload.identity/{key.replace('_', '-')}": value
                        for key, value in annotations.items()}}})
    return f"system:serviceaccount:{scene.namespace}:{name}"


def watch_as(scene: Scene, **identity: str) -> None:
    scene.watch(credentials=False, credentialsSecret=None, identity=identity)


def expect(scene: Scene, reason: str, says: str, health: str = "Stalled") -> None:
    stored = scene.wait_reason(reason)
    assert says in condition(stored, "Ready")["message"]
    assert condition(stored, health)["status"] == "True"
    assert says in scene.wait_event(reason)["message"]


# A client secret

def test_a_client_secret_opens_the_container_and_its_token_is_asked_for_once(start, scene, entra):
    client = entra.app(secrets=[SECRET])
    operator = start()
    client_secret(scene, client)
    scene.upload("a.csv")
    scene.watch("w", credentials=False)
    scene.watch("second", credentials=False, template=None)
    scene.wait_made("a.csv")
    scene.settles_with("a.csv")
    scene.wait_ready("second")
    assert len(entra.forms) == 1
    metrics = operator.metrics()
    assert metrics['azure_blob_operator_azure_requests_total{operation="GetToken",code="200"}'] == 1


def test_a_wrong_client_secret_is_said_and_its_mending_heals(start, scene, entra):
    client = entra.app(secrets=[SECRET])
    start()
    client_secret(scene, client, "w0rse/" + SECRET)
    scene.upload("a.csv")
    scene.watch(credentials=False)
    expect(scene, "AuthenticationFailed", "needs the secret's value, not its ID")
    asked = len(entra.forms)
    scene.poll_now()
    client_secret(scene, client)
    scene.wait_made("a.csv")
    scene.wait_ready()
    assert len(entra.forms) == asked + 1, "a refused secret is not sent again at each poll"


def test_an_unknown_tenant_is_a_fault_of_the_secret(start, scene, entra):
    client = entra.app(secrets=[SECRET])
    start()
    client_secret(scene, client, tenant="nobody.example")
    scene.watch(credentials=False)
    expect(scene, "InvalidSecret", "there is no tenant nobody.example")


def test_an_unknown_application_is_said(start, scene, entra):
    start()
    client_secret(scene, "11111111-2222-3333-4444-555555555555")
    scene.watch(credentials=False)
    expect(scene, "AuthenticationFailed", "has no application 11111111-2222-3333-4444-555555555555")


def test_an_outage_of_the_sign_in_passes_by_itself(start, scene, entra):
    client = entra.app(secrets=[SECRET])
    entra.refuse = Refused(503, "", 0)
    start()
    client_secret(scene, client)
    scene.upload("a.csv")
    scene.watch(credentials=False)
    expect(scene, "TokenUnavailable", f"no token from {entra.origin.removeprefix('https://')}", "Reconciling")
    entra.refuse = None
    scene.wait_made("a.csv")
    scene.wait_ready()


def test_a_short_lived_token_is_renewed_before_it_ends(start, scene, entra):
    entra.life = 20  # in use for ten seconds at least, renewed after sixteen
    client = entra.app(secrets=[SECRET])
    start()
    client_secret(scene, client)
    scene.watch(credentials=False)
    scene.wait_ready()
    wait_until(lambda: len(entra.forms), lambda asked: asked >= 2, 40, "a renewal")
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    assert not scene.events("AuthenticationFailed")


def test_a_token_that_azure_refuses_is_said(start, scene, entra):
    entra.audience = "https://graph.microsoft.com"
    client = entra.app(secrets=[SECRET])
    start()
    client_secret(scene, client)
    scene.watch(credentials=False)
    expect(scene, "AuthenticationFailed", "the token was not accepted")


# A ServiceAccount of the watcher's namespace

def test_a_service_accounts_token_is_exchanged(start, scene, entra):
    client = entra.app(subjects=[f"system:serviceaccount:{scene.namespace}:reader"])
    subject = account(scene, client_id=client, tenant_id=TENANT)
    start()
    scene.upload("a.csv")
    watch_as(scene, type="WorkloadIdentity", serviceAccountName="reader")
    scene.wait_made("a.csv")
    scene.settles_with("a.csv")
    [claims] = entra.assertions
    assert (claims["sub"], claims["aud"]) == (subject, [EXCHANGE])
    assert claims["exp"] - claims["iat"] <= 600


def test_an_identity_that_trusts_another_account_is_not_to_be_had(start, scene, entra):
    client = entra.app(subjects=["system:serviceaccount:elsewhere:reader"])
    account(scene, client_id=client, tenant_id=TENANT)
    start()
    watch_as(scene, type="WorkloadIdentity", serviceAccountName="reader")
    expect(scene, "AuthenticationFailed", f"subject system:serviceaccount:{scene.namespace}:reader")
    assert entra.issued == []


def test_a_missing_service_account_is_said_and_its_creation_heals(start, scene, entra):
    client = entra.app(subjects=[f"system:serviceaccount:{scene.namespace}:reader"])
    start()
    scene.upload("a.csv")
    watch_as(scene, type="WorkloadIdentity", serviceAccountName="reader", clientId=client, tenantId=TENANT)
    expect(scene, "ServiceAccountNotFound", "ServiceAccount reader does not exist")
    account(scene)
    scene.wait_made("a.csv", timeout=60)


def test_a_right_to_make_tokens_that_is_missing_is_named(start, scene, entra, bed):
    client = entra.app(subjects=[f"system:serviceaccount:{scene.namespace}:reader"])
    account(scene, client_id=client, tenant_id=TENANT)
    start(rules=RULES)
    watch_as(scene, type="WorkloadIdentity", serviceAccountName="reader", clientId=client, tenantId=TENANT)
    expect(scene, "Forbidden", "create serviceaccounts/token")
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": scene.namespace}
    bed.grant(subject, [*RULES, TOKENS[0]], scene.namespace)
    scene.wait(lambda status: condition({"status": status}, "Ready").get("status") == "True", timeout=60)


def test_a_service_account_without_a_client_id_is_said(start, scene, entra):
    account(scene)
    start(AZURE_CLIENT_ID=entra.app(), AZURE_TENANT_ID=TENANT)
    watch_as(scene, type="WorkloadIdentity", serviceAccountName="reader")
    expect(scene, "InvalidSpec", "spec.identity.clientId is not set")
    assert entra.forms == []


# The operator's own identity

def test_the_operators_own_identity_is_nobodys_unless_allowed(start, scene, entra, bed, tmp_path):
    client = entra.app(subjects=[f"system:serviceaccount:{scene.namespace}:operator"])
    file = tmp_path / "token"
    file.write_text("not even read")
    with FakeMetadataService([None]) as node:
        start(AZURE_CLIENT_ID=client, AZURE_TENANT_ID=TENANT, AZURE_FEDERATED_TOKEN_FILE=str(file),
              AZURE_POD_IDENTITY_AUTHORITY_HOST=node.origin)
        watch_as(scene, type="WorkloadIdentity")
        expect(scene, "IdentityNotAllowed", "--allow-operator-identity")
        scene.change(identity={"type": "ManagedIdentity"})
        scene.wait(lambda status: "ManagedIdentity" in condition({"status": status}, "Ready").get("message", ""))
        assert entra.forms == [] and node.asked == []


def test_the_operators_own_token_is_exchanged_once_allowed(start, scene, entra, bed, tmp_path):
    client = entra.app(subjects=[f"system:serviceaccount:{scene.namespace}:operator"])
    account(scene, "operator")
    file = tmp_path / "token"
    file.write_text(projected(bed, scene) + "\n")
    start("--allow-operator-identity", AZURE_CLIENT_ID=client, AZURE_TENANT_ID=TENANT,
          AZURE_FEDERATED_TOKEN_FILE=str(file))
    scene.upload("a.csv")
    watch_as(scene, type="WorkloadIdentity")
    scene.wait_made("a.csv")
    assert [claims["sub"] for claims in entra.assertions] == [f"system:serviceaccount:{scene.namespace}:operator"]


def projected(bed, scene: Scene) -> str:
    """What the kubelet would write into the operator's Pod."""
    path = bed.kube.path("ServiceAccount", scene.namespace, "operator") + "/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [EXCHANGE]}}
    return bed.kube.request("POST", path, request)["status"]["token"]


def test_an_operator_without_a_token_of_its_own_says_so(start, scene, entra):
    start("--allow-operator-identity", AZURE_CLIENT_ID=entra.app(), AZURE_TENANT_ID=TENANT)
    watch_as(scene, type="WorkloadIdentity")
    expect(scene, "TokenUnavailable", "AZURE_FEDERATED_TOKEN_FILE is not set")


@pytest.mark.parametrize("client", [None, "11111111-2222-3333-4444-555555555555"], ids=["system", "user_assigned"])
def test_a_managed_identity_is_asked_of_the_node_past_any_proxy(client, start, scene):
    with FakeMetadataService([client]) as node:
        start("--allow-operator-identity", AZURE_POD_IDENTITY_AUTHORITY_HOST=node.origin,
              http_proxy="http://127.0.0.1:9")
        scene.upload("a.csv")
        watch_as(scene, type="ManagedIdentity", **({"clientId": client} if client else {}))
        scene.wait_made("a.csv")
        assert node.asked == [{"client_id": client} if client else {}]


def test_an_identity_the_node_does_not_have_is_said(start, scene):
    with FakeMetadataService([None]) as node:
        start("--allow-operator-identity", AZURE_POD_IDENTITY_AUTHORITY_HOST=node.origin)
        watch_as(scene, type="ManagedIdentity", clientId="11111111-2222-3333-4444-555555555555")
        expect(scene, "AuthenticationFailed", "has no identity 11111111-2222-3333-4444-555555555555")
