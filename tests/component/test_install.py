"""What a cluster gets by one `kubectl apply -f`: all of it, twice without a change, with rights that are enough for the
operator and are no more. (What a node makes of it is for the end-to-end tests.)"""

import os
import subprocess

import pytest
import yaml

from testing import paths
from testing.kube import wait_until

NAME = "azure-blob-operator"
MANIFESTS = ["config/install/install.yaml", "config/deployment.yaml"]
ACCOUNT = f"system:serviceaccount:{NAME}:{NAME}"
WATCHERS, STATUS = ("mlops.example.com", "azureblobwatchers"), ("mlops.example.com", "azureblobwatchers/status")
JOBS, LEASES = ("batch", "jobs"), ("coordination.k8s.io", "leases")


def things(manifest: str) -> list[dict]:
    return [thing for thing in yaml.safe_load_all((paths.ROOT / manifest).read_text()) if thing]


@pytest.fixture(scope="module")
def install(bed, kube):
    """install(manifest) applies it with the real kubectl. Afterwards the bed is as it was before this file."""
    def apply(manifest: str) -> list[str]:
        return bed.kubectl("apply", "-f", str(paths.ROOT / manifest)).splitlines()
    yield apply
    bed.kubectl("delete", "--ignore-not-found", "namespace", NAME)
    bed.kubectl("delete", "--ignore-not-found", "-l", f"app.kubernetes.io/name={NAME}",
                "clusterrole,clusterrolebinding")
    kube.install_crd(paths.CRD)


def may(kube, user: str, verb: str, what: tuple[str, str], namespace: str = "", name: str = "") -> bool:
    """`namespace` empty: in all of them."""
    group, resource = what
    resource, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource,
                  "namespace": namespace, "name": name}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
              "spec": {"user": user, "groups": ["system:serviceaccounts", "system:authenticated"],
                       "resourceAttributes": attributes}}
    return kube.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)["status"]["allowed"]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_one_apply_installs_everything_and_a_second_changes_nothing(manifest, install, bed, kube):
    first = install(manifest)
    assert len(first) == len(things(manifest))
    # Of a PodDisruptionBudget kubectl always sends the selector again, and says so; it stays the first generation all the same.
    again = [line for line in install(manifest) if not line.startswith("poddisruptionbudget")]
    assert [line for line in again if not line.endswith(" unchanged")] == []
    assert {found["metadata"]["generation"] for found in kube.list("policy/v1/PodDisruptionBudget", NAME)} <= {1}

    replicas = next(thing for thing in things(manifest) if thing["kind"] == "Deployment")["spec"]["replicas"]
    # They exist, so the namespace's restricted Pod security lets them in; there is no node to run them.
    kube.wait("apps/v1/Deployment", NAME, NAME, lambda seen: seen.get("status", {}).get("updatedReplicas") == replicas,
              what=f"{replicas} Pods")


def test_the_parts_are_the_whole(bed):
    parts = yaml.safe_load_all(bed.kubectl("kustomize", str(paths.ROOT / "config/default")))
    whole = things("config/deployment.yaml")
    crd = things("config/crd/azureblobwatchers.yaml")[0]

    def by_name(found) -> dict:
        return {(thing["kind"], thing["metadata"]["name"]): thing for thing in found}
    assert by_name(parts) == by_name(whole) | by_name([crd])


ALLOWED = [
    *[(verb, WATCHERS) for verb in ("get", "list", "watch")],
    ("update", STATUS), ("get", ("", "secrets")), ("create", ("", "events")), ("patch", ("", "events")),
    *[(verb, what) for verb in ("create", "get", "list", "watch", "patch", "delete")
      for what in (JOBS, ("argoproj.io", "workflows"))],
]
FORBIDDEN = [
    *[(verb, ("", "secrets")) for verb in ("list", "watch", "create", "update", "patch", "delete")],
    *[(verb, WATCHERS) for verb in ("create", "update", "patch", "delete")],
    *[(verb, (group, resource)) for verb in ("create", "update", "patch", "delete") for group, resource in [
        ("", "pods"), ("", "configmaps"), ("", "serviceaccounts"), ("apps", "deployments"),
        ("rbac.authorization.k8s.io", "rolebindings"), ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("apiextensions.k8s.io", "customresourcedefinitions")]],
    ("impersonate", ("", "serviceaccounts")), ("impersonate", ("", "users")), ("impersonate", ("", "groups")),
    ("create", ("", "serviceaccounts/token")), ("create", ("", "pods/exec")), ("list", ("", "namespaces")),
    ("update", JOBS), ("deletecollection", JOBS), ("bind", ("rbac.authorization.k8s.io", "clusterroles")),
]


def test_the_operator_may_do_what_it_does_and_nothing_else(install, kube):
    install("config/install/install.yaml")
    assert [each for each in ALLOWED if not may(kube, ACCOUNT, *each)] == []
    assert may(kube, ACCOUNT, "create", LEASES, NAME)
    assert all(may(kube, ACCOUNT, verb, LEASES, NAME, NAME) for verb in ("get", "update"))
    assert [each for each in FORBIDDEN if may(kube, ACCOUNT, *each, "team")] == []
    assert not may(kube, ACCOUNT, "create", LEASES, "team")
    assert not may(kube, ACCOUNT, "update", LEASES, NAME, "somebody-elses")


def test_the_clusters_own_roles_cover_watchers_and_never_their_status(install, bed, kube):
    install("config/install/install.yaml")
    group = "rbac.authorization.k8s.io"
    for role in ("view", "edit", "admin"):
        kube.apply({"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": {"name": role, "namespace": NAME},
                    "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
                    "subjects": [{"kind": "User", "name": role, "apiGroup": group}]})
    # The controller that aggregates needs a moment.
    wait_until(lambda: may(kube, "edit", "create", WATCHERS, NAME), bool, what="aggregated roles")
    wait_until(lambda: may(kube, "view", "list", WATCHERS, NAME), bool, what="aggregated roles")
    assert not may(kube, "view", "create", WATCHERS, NAME)
    for role in ("edit", "admin"):
        assert all(may(kube, role, verb, WATCHERS, NAME) for verb in ("list", "create", "update", "patch", "delete"))
    assert not [(role, verb) for role in ("view", "edit", "admin") for verb in ("update", "patch")
                if may(kube, role, verb, STATUS, NAME)]


def denied(operator) -> dict[str, float]:
    return {series: count for series, count in operator.metrics().items()
            if series.startswith("azure_blob_operator_kubernetes_requests_total") and 'code="403"' in series}


def test_the_rights_are_enough_for_all_that_it_does(install, own_operator, bed, scene):
    install("config/install/install.yaml")
    kubeconfig = bed.service_account_kubeconfig(NAME, NAME)
    operator = own_operator("--leader-elect", "--leader-election-namespace", NAME, kubeconfig=kubeconfig)
    scene.upload("a.csv")
    scene.watch()
    scene.wait_made("a.csv")
    scene.wait_ready()
    job = scene.resources()[0]["metadata"]["name"]
    # Recorded and let go: the finalizer needs `patch`.
    scene.kube.wait("Job", job, scene.namespace,
                    lambda seen: "mlops.example.com/recording" not in seen["metadata"].get("finalizers", []), 40)
    assert denied(operator) == {}


def test_impersonation_needs_no_right_to_name_groups(own_operator, bed, scene):
    runner, group = {"name": "runner", "namespace": scene.namespace}, "rbac.authorization.k8s.io"
    scene.kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": runner})
    bed.grant({"kind": "ServiceAccount", **runner},
              [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}], scene.namespace)
    # What the chart makes of watchNamespaces and impersonation.defaultServiceAccount.
    rules = [rule for thing in things("config/rbac/cluster_role.yaml") for rule in thing["rules"]]
    for rule in rules:
        rule["verbs"] = [verb for verb in rule["verbs"] if verb != "create" or rule["resources"] == ["events"]]
    rules.append({"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["runner"],
                  "verbs": ["impersonate"]})
    kubeconfig = bed.service_account_kubeconfig(scene.namespace, "operator", rules, cluster=False)
    operator = own_operator("--default-service-account", "runner", kubeconfig=kubeconfig)
    scene.upload("a.csv")
    scene.watch()
    scene.wait_made("a.csv")
    creator = [event["impersonatedUser"] for event in bed.audit_events()
               if event["verb"] == "create" and event["objectRef"].get("namespace") == scene.namespace
               and event["objectRef"]["resource"] == "jobs" and "impersonatedUser" in event]
    assert creator[0]["username"] == f"system:serviceaccount:{scene.namespace}:runner"
    assert set(creator[0]["groups"]) == {"system:serviceaccounts", f"system:serviceaccounts:{scene.namespace}",
                                         "system:authenticated"}
    assert denied(operator) == {}


def deploy(verb: str, kubeconfig, kubectl=paths.KUBE / "kubectl") -> subprocess.CompletedProcess:
    return subprocess.run([paths.ROOT / "scripts/deploy.sh", verb, kubectl], text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120, env={**os.environ, "KUBECONFIG": str(kubeconfig)})


def undeploy(kubeconfig) -> subprocess.CompletedProcess:
    return deploy("undeploy", kubeconfig)


def test_deploy_without_an_image_applies_the_manifest_as_it_is(install, bed, kube, tmp_path):
    install("config/deployment.yaml")  # which takes it out afterwards
    kube.delete("apps/v1/Deployment", NAME, NAME)
    # No node runs here, so nothing rolls out: that part is said to have succeeded.
    kubectl = tmp_path / "kubectl_without_rollout"
    kubectl.write_text(f'#!/bin/sh\ncase "$*" in *"rollout status"*) exit 0 ;; esac\nexec {paths.KUBE / "kubectl"} "$@"\n')
    kubectl.chmod(0o700)
    said = deploy("deploy", bed.kubeconfig, kubectl)
    assert said.returncode == 0, said.stderr
    wanted = next(thing for thing in things("config/deployment.yaml") if thing["kind"] == "Deployment")
    image = wanted["spec"]["template"]["spec"]["containers"][0]["image"]
    made = kube.find("apps/v1/Deployment", NAME, NAME)
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == image


def test_undeploy_leaves_another_releases_rights(install, bed, kube):
    install("config/deployment.yaml")
    other = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": "of-another-team"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [],
            "metadata": {"name": "of-another-team", "labels": other}}
    kube.create(role)
    try:
        assert undeploy(bed.kubeconfig).returncode == 0
        assert kube.find("rbac.authorization.k8s.io/v1/ClusterRole", "of-another-team")
    finally:
        kube.delete("rbac.authorization.k8s.io/v1/ClusterRole", "of-another-team")


def test_undeploy_takes_out_nothing_if_it_may_not_see_what_is_not_recorded(install, bed, kube, scene):
    install("config/deployment.yaml")
    blind = bed.service_account_kubeconfig(scene.namespace, "blind", [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch", "delete"]}])
    said = undeploy(blind)
    assert said.returncode != 0
    assert "cannot see what waits to be recorded" in said.stderr
    assert "forbidden" in said.stderr
    assert kube.find("apps/v1/Deployment", NAME, NAME)


def test_undeploy_leaves_the_data_and_says_what_is_not_recorded(install, bed, kube, scene):
    install("config/deployment.yaml")
    scene.watch(suspend=True)
    kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {
        "name": "half-done", "namespace": scene.namespace, "finalizers": ["mlops.example.com/recording"],
        "labels": {"mlops.example.com/watcher": "w"}}, "spec": {"suspend": True, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "none"}]}}}})
    said = undeploy(bed.kubeconfig)
    assert said.returncode == 0, said.stderr
    assert f"Job {scene.namespace}/half-done" in said.stdout
    again = undeploy(bed.kubeconfig)
    assert again.returncode == 0, again.stderr
    assert f"Job {scene.namespace}/half-done" in again.stdout
    assert "take off the finalizer" in said.stderr
    assert scene.stored()
    assert kube.find("Namespace", NAME)
    for thing in things("config/deployment.yaml"):
        if thing["kind"] not in ("Namespace", "CustomResourceDefinition"):
            metadata = thing["metadata"]
            assert not kube.find(f"{thing['apiVersion']}/{thing['kind']}", metadata["name"], metadata.get("namespace"))
    kube.patch("Job", "half-done", {"metadata": {"finalizers": None}}, scene.namespace)
