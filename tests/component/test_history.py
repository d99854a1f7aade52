"""What becomes of finished resources: which of them the history limits delete, and that nothing else is ever touched."""

import json

import pytest

from scene import WATCHER
from testing.jobs import finish_job
from testing.kube import condition, wait_until

RECORDING = "mlops.example.com/recording"
DAY = 86400
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${BLOB_NAME}"},
              "data": {"name": "${BLOB_NAME}"}}


@pytest.fixture
def template(job_template) -> dict:
    """Its Job fails with its first Pod."""
    job_template["spec"]["backoffLimit"] = 0
    return job_template


@pytest.fixture
def finish(kube, namespace):
    """finish("a.csv", ...) ends these blobs' Jobs one after the other."""
    def end(*blobs: str, succeed: bool = True) -> None:
        for blob in blobs:
            finish_job(kube, namespace, f"process-{blob}", succeed)
    return end


def work(scene, template: dict, *blobs: str, **spec) -> None:
    """A watcher that polls once a day, and a Job for each blob: what follows is no poll's doing."""
    scene.watch(template=template, pollingIntervalSeconds=DAY, **spec)
    scene.wait_ready()
    scene.upload(*blobs)
    scene.poll_now()
    scene.wait_made(*blobs)
    scene.wait(lambda status: status.get("active") == len(blobs))


def test_the_newest_of_each_sort_are_kept_as_each_finishes(operator, scene, template, finish, kube, namespace):
    work(scene, template, "a.csv", "b.csv", "c.csv", "d.csv", "e.csv", "f.csv", "g.csv",
         successfulHistoryLimit=1, failedHistoryLimit=2)
    finish("a.csv", "b.csv", "c.csv")
    finish("d.csv", "e.csv", "f.csv", succeed=False)
    scene.wait_made("c.csv", "e.csv", "f.csv", "g.csv")
    status = scene.wait(lambda status: [status.get(count) for count in ("active", "succeeded", "failed", "triggered")]
                        == [1, 1, 2, 7], what="1 active, 1 succeeded, 2 failed of 7")["status"]
    phases = {job["blobName"]: job["phase"] for job in status["triggeredJobs"]}
    assert phases["a.csv"] == "Succeeded" and phases["d.csv"] == "Failed", "what is gone keeps its last phase"
    wait_until(lambda: kube.list("Pod", namespace, labelSelector="job-name=process-a.csv"), lambda pods: not pods, 60,
               "the Pods of a deleted Job go with it")


def test_an_edit_of_the_limits_holds_for_what_is_there(operator, scene, template, finish):
    work(scene, template, "a.csv", "b.csv", "c.csv", "d.csv")
    finish("a.csv", "b.csv", "c.csv")
    scene.wait(lambda status: status.get("succeeded") == 3)
    scene.change(successfulHistoryLimit=2)
    scene.wait_made("b.csv", "c.csv", "d.csv")
    scene.change(suspend=True, successfulHistoryLimit=1)
    scene.wait_made("c.csv", "d.csv")
    scene.change(suspend=False, successfulHistoryLimit=0)
    scene.wait_made("d.csv")
    scene.wait(lambda status: (status.get("active"), status.get("succeeded")) == (1, 0))


def test_the_limits_hold_for_what_finished_while_nobody_looked(own_operator, scene, template, finish):
    operator = own_operator()
    work(scene, template, "a.csv", "b.csv", "c.csv", successfulHistoryLimit=1)
    operator.kill()
    finish("a.csv", "b.csv", "c.csv")
    operator.start()
    scene.wait_made("c.csv")
    operator.restart()
    scene.upload("d.csv")
    scene.poll_now()
    scene.wait_made("c.csv", "d.csv")
    scene.wait(lambda status: status.get("triggered") == 4, what="no blob whose Job was deleted is triggered again")


RULES = [
    {"apiGroups": ["mlops.example.com"], "resources": ["azureblobwatchers"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["mlops.example.com"], "resources": ["azureblobwatchers/status"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["serviceaccounts", "groups"], "verbs": ["impersonate"]},
]


def rights(bed, namespace: str, *verbs: str, name: str = "operator", more: list | None = None) -> None:
    jobs = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": list(verbs)}
    bed.grant({"kind": "ServiceAccount", "name": name, "namespace": namespace}, [jobs, *(more or [])], namespace)


LOOK = ("create", "get", "list", "watch")


def test_nothing_is_deleted_while_the_recording_finalizer_is_on_it(own_operator, bed, scene, template, finish):
    account = bed.service_account_kubeconfig(scene.namespace, "operator", cluster=False)
    rights(bed, scene.namespace, *LOOK, "delete", more=RULES)  # no patch: the finalizers stay
    own_operator(kubeconfig=account)
    work(scene, template, "a.csv", "b.csv", successfulHistoryLimit=0)
    finish("a.csv", "b.csv")
    scene.wait(lambda status: status.get("succeeded") == 2)
    scene.upload("later.csv")
    scene.poll_now()
    scene.wait(lambda status: status.get("triggered") == 3)
    for job in scene.resources():
        assert RECORDING in job["metadata"]["finalizers"] and "deletionTimestamp" not in job["metadata"]
    rights(bed, scene.namespace, *LOOK, "delete", "patch", more=RULES)
    scene.wait_made("later.csv", timeout=60)


def test_without_the_right_to_delete_the_condition_says_what_to_grant(own_operator, bed, scene, template, finish):
    own_operator()
    bed.kube.create({"apiVersion": "v1", "kind": "ServiceAccount",
                     "metadata": {"name": "runner", "namespace": scene.namespace}})
    rights(bed, scene.namespace, "create", name="runner")
    work(scene, template, "a.csv", "b.csv", successfulHistoryLimit=0, serviceAccountName="runner")
    finish("a.csv", "b.csv")

    def says(stored: dict) -> str:
        return condition(stored, "Ready").get("message", "")
    advice = f"Let ServiceAccount runner delete jobs in namespace {scene.namespace}"
    stored = bed.kube.wait(WATCHER, "w", scene.namespace, lambda seen: advice in says(seen), 30, advice)
    assert condition(stored, "Ready")["status"] == "True", "polling goes on"
    assert f"system:serviceaccount:{scene.namespace}:runner" in says(stored)
    assert scene.wait_event("Forbidden")["type"] == "Warning"
    scene.upload("c.csv")
    scene.poll_now()
    scene.wait_made("a.csv", "b.csv", "c.csv")
    rights(bed, scene.namespace, "create", "delete", name="runner")
    scene.wait_made("c.csv", timeout=60)
    bed.kube.wait(WATCHER, "w", scene.namespace, lambda seen: "Warning" not in says(seen), 30, "the warning has gone")


# Other kinds

def test_what_has_no_status_keeps_no_place_and_is_left_alone(own_operator, scene):
    own_operator("--allowed-kind", "v1 ConfigMap")
    scene.watch(template=CONFIG_MAP, maxActive=1, successfulHistoryLimit=0)
    scene.upload("a.csv", "b.csv", "c.csv")
    scene.settles_with("a.csv", "b.csv", "c.csv", kind="ConfigMap")
    status = scene.wait(lambda status: {job["phase"] for job in status["triggeredJobs"]} == {"Succeeded"})["status"]
    assert (status["active"], status["succeeded"]) == (0, 4)


RUNS = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "taskruns.lab.example.com"},
    "spec": {"group": "lab.example.com", "scope": "Namespaced",
             "names": {"plural": "taskruns", "singular": "taskrun", "kind": "TaskRun", "listKind": "TaskRunList"},
             "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                           "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
}
RUN = {"apiVersion": "lab.example.com/v1", "kind": "TaskRun", "metadata": {"name": "run-${BLOB_NAME}"}, "spec": {}}
TASK_RUN = "lab.example.com/v1/TaskRun"


def test_a_kind_of_ones_own_is_followed_to_its_end(own_operator, scene, kube, namespace, tmp_path):
    (tmp_path / "runs.json").write_text(json.dumps(RUNS))
    kube.install_crd(tmp_path / "runs.json")
    own_operator("--allowed-kind", "lab.example.com/v1 TaskRun")
    scene.upload("a.csv", "b.csv", "c.csv")
    scene.watch(template=RUN, maxActive=1, successfulHistoryLimit=1)

    def told(blob: str, truth: str) -> None:
        kube.wait(TASK_RUN, f"run-{blob}", namespace, bool, 30, f"the TaskRun of {blob}")
        status = {"conditions": [{"type": "Succeeded", "status": truth, "lastTransitionTime": "2026-11-22T05:30:00Z"}]}
        kube.patch(TASK_RUN, f"run-{blob}", {"status": status}, namespace, subresource="status")
    try:
        told("a.csv", "Unknown")
        scene.wait(lambda status: [job["phase"] for job in status.get("triggeredJobs", [])] == ["Running"])
        assert scene.made(kind=TASK_RUN) == ["a.csv"], "one at a time"
        told("a.csv", "True")
        told("b.csv", "True")
        told("c.csv", "False")
        scene.wait_made("b.csv", "c.csv", kind=TASK_RUN)
        scene.wait(lambda status: [status.get(count) for count in ("active", "succeeded", "failed", "triggered")]
                   == [0, 1, 1, 3], what="1 succeeded, 1 failed of 3")
    finally:
        scene.delete()
        kube.delete("CustomResourceDefinition", "taskruns.lab.example.com")
        kube.wait_gone("CustomResourceDefinition", "taskruns.lab.example.com")


# Edits of a watcher never touch what was made

EDITS = {
    "the template": lambda scene: {"jobTemplate": {"kind": "Job", "template": json.dumps({
        **json.loads(scene.stored()["spec"]["jobTemplate"]["template"]), "metadata": {"name": "other-${BLOB_NAME}"}})}},
    "maxActive": lambda _: {"maxActive": 1},
    "the pattern": lambda _: {"blobPattern": r"^nothing\.csv$"},
    "the prefix": lambda _: {"blobPrefix": "elsewhere/"},
    "the limits": lambda _: {"successfulHistoryLimit": 0, "failedHistoryLimit": 0},
    "suspend": lambda _: {"suspend": True},
    "deletionPolicy": lambda _: {"deletionPolicy": "Orphan"},
    "the account": lambda _: {"serviceAccountName": "nobody"},
}


def made_of(job: dict) -> dict:
    """All of it that is not the Job controller's matter."""
    metadata = {part: job["metadata"].get(part) for part in ("uid", "generation", "labels", "annotations", "ownerReferences")}
    return {**metadata, "spec": job["spec"]}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_running_work_is_untouched_by_an_edit_of(edit, operator, scene, template):
    scene.watch(template=template)
    scene.upload("a.csv", "b.csv")
    before = scene.settles_with("a.csv", "b.csv")
    jobs = [made_of(job) for job in scene.resources()]
    changed = scene.change(**edit(scene))["metadata"]["generation"]
    assert changed > before["metadata"]["generation"]
    scene.wait(lambda status: status.get("observedGeneration") == changed, what="a poll by the new spec came to its end")
    assert [made_of(job) for job in scene.resources()] == jobs
    assert not any("deletionTimestamp" in job["metadata"] for job in scene.resources())
