"""What a watcher's fields and annotations do, on a real API server and Azurite.

Listing over several pages is left to the unit tests and the list-only server: a page holds 5,000 blobs, and Azurite
needs half a minute to take and list so many.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from scene import WATCHER, environment, time_of
from testing.jobs import finish_job
from testing.kube import ApiError, condition, wait_until
from testing.lying_api_server import LyingApiServer, Match
from testing.paths import CRD, ROOT

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${BLOB_NAME}"},
              "data": {"name": "${BLOB_NAME}"}}


# Which blobs

def test_an_excluded_name_is_left_out(operator, scene):
    scene.upload("a.csv", "a.tmp.csv", "b.txt")
    scene.watch(blobPattern=r"\.csv$", blobExcludePattern=r"\.tmp\.")
    status = scene.settles_with("a.csv")["status"]
    assert (status["lastPoll"]["listed"], status["lastPoll"]["matched"]) == (4, 2)


def test_a_wider_filter_replays_nothing(own_operator, scene):
    operator = own_operator("--settle-margin", "1")
    scene.upload("other/old.csv", "raw/a.csv")
    scene.watch(blobPrefix="raw/")
    scene.wait_made("raw/a.csv")

    def polls() -> float:
        return sum(value for series, value in operator.metrics().items() if "polls_total{" in series)
    enough = polls() + 4  # a second apart: the last of them settles what was uploaded
    wait_until(polls, lambda seen: seen >= enough, what="idle polls")
    scene.change(blobPrefix=None)
    scene.settles_with("raw/a.csv")


def test_sizes_outside_the_bounds_are_left_out(operator, scene):
    for size in (0, 3, 4, 12, 13):
        scene.upload(f"{size}.csv", data=b"x" * size)
    scene.watch(minSizeBytes=4, maxSizeBytes=12)
    scene.settles_with("4.csv", "12.csv")


def test_a_blob_younger_than_the_minimum_age_waits(operator, scene):
    scene.watch(minAgeSeconds=3)
    scene.upload("a.csv")
    scene.wait(lambda status: status.get("pending") == 1, what="one pending")
    assert scene.made() == []
    scene.wait_made("a.csv")
    metadata = scene.resources()[0]["metadata"]
    age = time_of(metadata["creationTimestamp"]) - time_of(metadata["annotations"]["mlops.example.com/blob-last-modified"])
    assert age.total_seconds() >= 3
    scene.wait(lambda status: status.get("pending") == 0, what="none pending")


def test_two_watchers_of_one_container_each_make_their_own(operator, scene):
    scene.watch("one", blobPattern="csv$")
    scene.watch("two")
    scene.upload("a.csv", "b.txt")
    scene.settles_with("a.csv", watcher="one")
    scene.wait(lambda status: status.get("triggered") == 3, "two")
    assert set(scene.made("two")) >= {"a.csv", "b.txt"}
    assert len(scene.made("two")) == 3


# When

def test_a_suspended_watcher_rests_and_then_goes_on(operator, scene, neighbour):
    scene.watch(suspend=True)
    stored = scene.wait_reason("Suspended")
    assert [condition(stored, kind)["status"] for kind in ("Ready", "Reconciling", "Stalled")] == ["False"] * 3
    scene.upload("a.csv")
    for _ in range(2):
        neighbour.keeps_polling()
    assert scene.made() == [] and "lastPoll" not in scene.status()
    scene.change(suspend=False)
    scene.settles_with("a.csv")


def test_a_running_watcher_can_be_suspended(operator, scene, neighbour):
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    scene.change(suspend=True)
    scene.wait_reason("Suspended")
    scene.upload("b.csv")
    for _ in range(2):
        neighbour.keeps_polling()
    assert scene.made() == ["a.csv"]
    scene.change(suspend=False)
    scene.settles_with("a.csv", "b.csv")


def test_poll_now_polls_at_once_however_long_the_interval(operator, scene):
    scene.watch(pollingIntervalSeconds=86400)
    scene.wait_ready()
    scene.upload("a.csv")
    scene.poll_now()
    scene.wait_made("a.csv", timeout=5)
    scene.settles_with("a.csv")


# How many

def test_what_is_beyond_max_active_waits_oldest_first(operator, scene, kube, namespace):
    scene.upload("z-oldest.csv")
    began = int(time.time())
    wait_until(lambda: int(time.time()), lambda now: now > began)  # the service's times are whole seconds
    scene.upload("a.csv", "b.csv")
    scene.watch(maxActive=1)
    expected = []
    for blob, pending in (("z-oldest.csv", 2), ("a.csv", 1), ("b.csv", 0)):
        expected.append(blob)
        scene.wait_made(*expected)
        scene.wait(lambda status, n=pending: (status.get("active"), status.get("pending", 0)) == (1, n),
                   what=f"1 active, {pending} pending")
        finish_job(kube, namespace, f"process-{blob}")
    scene.wait(lambda status: (status.get("active"), status.get("succeeded")) == (0, 3), what="all succeeded")


def test_one_poll_makes_no_more_than_max_triggers_per_poll(operator, scene):
    scene.upload("a.csv", "b.csv", "c.csv")
    scene.watch(maxTriggersPerPoll=2, pollingIntervalSeconds=86400)
    status = scene.wait(lambda status: status.get("lastPoll"))["status"]
    assert (status["lastPoll"]["triggered"], status["pending"]) == (2, 1)
    assert scene.made() == ["a.csv", "b.csv"]
    scene.poll_now()
    scene.settles_with("a.csv", "b.csv", "c.csv")


def test_existing_blobs_are_ignored_when_asked(operator, scene):
    scene.upload("old.csv")
    scene.watch(existingBlobs="Ignore")
    scene.wait(lambda status: (status.get("lastPoll") or {}).get("listed") == 1)
    scene.upload("new.csv")
    scene.settles_with("new.csv")


def test_an_ignored_blob_that_is_overwritten_is_new(operator, scene):
    scene.upload("old.csv")
    scene.watch(existingBlobs="Ignore")
    scene.wait(lambda status: (status.get("lastPoll") or {}).get("listed") == 1)
    scene.upload("old.csv", data=b"new")
    scene.settles_with("old.csv")


def test_more_than_a_thousand_existing_blobs_wait_for_a_choice(operator, scene):
    client = scene.azurite.container(scene.container)
    with ThreadPoolExecutor(8) as pool:
        names = [f"a/{n:04}.csv" for n in range(1000)] + ["b/1000.csv"]
        list(pool.map(lambda name: client.upload_blob(name, b"x"), names))
    once = {"maxActive": 1, "pollingIntervalSeconds": 10}
    scene.watch("thousand", blobPrefix="a/", **once)  # not too many
    scene.watch("w", **once)
    scene.watch("other", **once)
    for name in ("w", "other"):
        stored = scene.wait_reason("TooManyExistingBlobs", name)
        assert condition(stored, "Stalled")["status"] == "True"
        assert condition(stored, "Ready")["message"].startswith("1001 blobs match already. Set spec.existingBlobs to")
        assert scene.made(name) == []
    scene.wait(lambda status: (status.get("triggered"), status.get("pending")) == (1, 999), "thousand")

    scene.change("w", existingBlobs="Ignore")
    scene.wait_ready("w")
    scene.settles_with(watcher="w")
    scene.change("other", existingBlobs="Trigger")
    scene.wait(lambda status: (status.get("triggered"), status.get("pending")) == (1, 1001), "other")
    assert scene.made("other") == ["a/0000.csv"]


# With which credential

SECRETS = {
    "a_sas": lambda azurite, container: {"sasToken": azurite.container_sas(container)},
    "a_sas_with_a_question_mark": lambda azurite, container: {"sasToken": "?" + azurite.container_sas(container)},
    "an_account_sas": lambda azurite, container: {"sasToken": azurite.account_sas()},
    "a_connection_string": lambda azurite, container: {"connectionString": azurite.connection_string},
    "a_connection_string_with_a_sas": lambda azurite, container: {
        "connectionString": f"BlobEndpoint={azurite.endpoint};SharedAccessSignature={azurite.container_sas(container)}"},
}


@pytest.mark.parametrize("form", SECRETS)
def test_a_credential_works_in_each_of_its_forms(form, operator, scene):
    data = SECRETS[form](scene.azurite, scene.container)
    place = {"storageAccount": None, "endpoint": None} if "connectionString" in data else {}
    scene.secret(**data)
    scene.watch(credentials=False, **place)
    scene.upload("raw/my data.csv")
    scene.settles_with("raw/my data.csv")
    urls = {environment(job)["BLOB_URL"] for job in scene.resources()}
    assert f"{scene.azurite.endpoint}/{scene.container}/raw/my%20data.csv" in urls


def test_a_public_container_needs_no_credential(operator, scene):
    scene.azurite.container(scene.container).set_container_access_policy({}, public_access="container")
    scene.watch(credentials=False, credentialsSecret=None)
    scene.upload("a.csv")
    scene.settles_with("a.csv")


def test_a_credential_that_ends_while_in_use_is_read_anew(operator, scene):
    scene.secret(sasToken=scene.azurite.container_sas(scene.container, expires_in=4))
    scene.watch(credentials=False)
    scene.wait_ready()
    scene.wait_reason("SasExpired")
    scene.upload("a.csv")
    scene.secret(sasToken=scene.azurite.container_sas(scene.container))
    scene.settles_with("a.csv")


# What is made

def test_orphaned_resources_outlive_their_watcher_and_owned_ones_do_not(operator, scene, kube, namespace):
    scene.upload("a.csv")
    scene.watch("orphaning", deletionPolicy="Orphan")
    scene.watch("owning")
    scene.wait_made("a.csv", watcher="orphaning")
    scene.wait_made("a.csv", watcher="owning")
    assert "ownerReferences" not in scene.resources("orphaning")[0]["metadata"]
    scene.delete("orphaning")
    scene.delete("owning")
    # The garbage collector learns of new kinds every half minute.
    scene.wait_made(watcher="owning", timeout=60)
    left = scene.resources("orphaning")[0]["metadata"]
    assert "deletionTimestamp" not in left
    kube.wait("Job", left["name"], namespace, lambda job: not recording(job), what="no finalizer of ours")


def going(thing: dict) -> bool:
    return "deletionTimestamp" in thing["metadata"]


def recording(thing: dict) -> bool:
    return "mlops.example.com/recording" in thing["metadata"].get("finalizers", [])


@pytest.mark.parametrize("delay, method, path, holds", [
    ("delay", "POST", r"/jobs\?", False), ("delay_answer", "POST", r"/jobs\?", False),
    ("delay", "PUT", "/azureblobwatchers/w/status", False), ("delay", "PATCH", "/jobs/", True)],
    ids=["creating", "not knowing what it created", "recording", "letting go"])
def test_a_namespace_with_a_busy_watcher_goes_without_a_hang(delay, method, path, holds, own_operator, bed, label, scene, kube,
                                                             namespace):
    """That very request, and any like it, is under way when the namespace goes. holds: our finalizer then keeps a Job in it."""
    with LyingApiServer(bed, user=f"operator-{label}") as proxy:
        own_operator(kubeconfig=proxy.kubeconfig)
        scene.watch()
        scene.wait_ready()
        scene.change(suspend=True)
        scene.wait_reason("Suspended")
        scene.upload("a.csv", "b.csv")
        held = getattr(proxy, delay)(Match(method, path), seconds=600, times=None)
        scene.change(suspend=False)  # one pass takes both
        wait_until(held.hits, bool, what="the request")
        kube.delete("Namespace", namespace)
        kube.wait("Namespace", namespace, None, going)
        if holds:
            wait_until(scene.resources, lambda jobs: any(map(recording, jobs)) and all(map(going, jobs)), what="held Jobs")
        held.cancel()
        kube.wait_gone("Namespace", namespace, timeout=60)
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})  # for the fixture's end


def test_blobs_whose_names_collide_both_get_a_job(operator, scene):
    scene.watch()
    scene.upload("a/b.csv", "a-b.csv", "A b.csv")
    scene.settles_with("a/b.csv", "a-b.csv", "A b.csv")
    names = [job["metadata"]["name"] for job in scene.resources()]
    assert len([name for name in names if name.startswith("process-a-b.csv")]) == 3


def test_a_foreign_object_with_the_name_is_left_alone(operator, scene, kube, namespace, job_template):
    job_template["metadata"]["name"] = "process-a.csv"
    foreign = kube.create({**job_template, "metadata": {"name": "process-a.csv", "namespace": namespace}})
    scene.watch()
    scene.upload("a.csv")
    scene.settles_with("a.csv")
    now = kube.get("Job", "process-a.csv", namespace)["metadata"]
    assert now["uid"] == foreign["metadata"]["uid"]
    assert not any(key.startswith("mlops.example.com/") for key in {**now.get("labels", {}), **now.get("annotations", {})})


HOSTILE = ['"quoted" \'twice\'.csv', "{{x}}.csv", "{{=1+1}}", "\U0001f600 ünï.csv", "two\nlines: [x]", 'a": {x: y}', "$(touch x)",
           "${BLOB_URL} ${HOME} $${X}", "  spaces  .csv", "100%25.csv", "- item # comment", "&amp;<b>.csv",
           "true", "0x1F", "~", "x" * 1024, "/leading//double/", "---"]


def test_a_hostile_name_is_just_text(operator, scene):
    scene.watch(maxActive=0)
    scene.upload(*HOSTILE)
    scene.settles_with(*HOSTILE)
    seen = {environment(job)["BLOB_NAME"] for job in scene.resources()}
    assert seen >= set(HOSTILE)


def test_a_service_account_makes_the_resources_by_flag(own_operator, scene):
    own_operator("--default-service-account", "runner")
    scene.upload("a.csv")
    scene.watch()
    message = condition(scene.wait_reason("Forbidden"), "Ready")["message"]
    assert f"system:serviceaccount:{scene.namespace}:runner" in message


# Other kinds

def manifest(job_template: dict) -> dict:
    return {"template": job_template["template"], "kind": job_template["kind"]}


def test_only_allowed_and_namespaced_kinds_are_made(own_operator, scene):
    own_operator("--allowed-kind", "v1 ConfigMap", "--allowed-kind", "v1 Namespace")
    scene.upload("raw/a.csv")
    example = yaml.safe_load((ROOT / "examples/configmap-inventory.yaml").read_text())["spec"]
    scene.watch("inventory", blobPattern=example["blobPattern"], **manifest(example["jobTemplate"]))
    scene.wait_made("raw/a.csv", watcher="inventory", kind="ConfigMap")
    made = scene.resources("inventory", "ConfigMap")[0]
    assert made["metadata"]["labels"]["inventory.example.com/folder"] == "raw"
    assert made["data"]["file"] == "a.csv"

    scene.watch("jobs")
    message = condition(scene.wait_reason("KindNotAllowed", "jobs"), "Ready")["message"]
    assert '--allowed-kind "batch/v1 Job"' in message
    scene.watch("namespaces", template={**CONFIG_MAP, "kind": "Namespace"})
    message = condition(scene.wait_reason("KindNotAllowed", "namespaces"), "Ready")["message"]
    assert "cluster-scoped" in message


WORKFLOWS = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "workflows.argoproj.io"},
    "spec": {"group": "argoproj.io", "scope": "Namespaced",
             "names": {"plural": "workflows", "singular": "workflow", "kind": "Workflow", "listKind": "WorkflowList"},
             "versions": [{"name": "v1alpha1", "served": True, "storage": True,
                           "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
}
WORKFLOW = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "flow-${BLOB_NAME}"},
            "spec": {"arguments": {"parameters": [{"name": "blob", "value": "${BLOB_NAME}"}]}}}
ARGO = "argoproj.io/v1alpha1/Workflow"


def test_a_kind_that_is_installed_later_is_found_and_followed(operator, scene, kube, namespace, tmp_path):
    scene.watch(template=WORKFLOW)
    scene.wait_reason("KindNotFound")
    scene.upload("a.csv", "{{=1+1}}.csv")
    (tmp_path / "workflows.json").write_text(json.dumps(WORKFLOWS))
    kube.install_crd(tmp_path / "workflows.json")
    try:
        scene.wait_made("a.csv", kind=ARGO)
        status = scene.wait(lambda status: status.get("setAside") == 1)["status"]
        assert status["setAsideBlobs"][0]["reason"] == "UnsafeName"  # Argo would evaluate it
        ended = {"phase": "Failed", "finishedAt": "2026-11-22T05:30:00Z", "message": "Max duration limit exceeded"}
        kube.patch(ARGO, "flow-a.csv", {"status": ended}, namespace)
        job = scene.wait(lambda status: status.get("failed") == 1)["status"]["triggeredJobs"][0]
        assert (job["kind"], {name: job[name] for name in ended}) == ("Workflow", ended)
    finally:
        scene.delete()
        kube.delete("CustomResourceDefinition", "workflows.argoproj.io")
        kube.wait_gone("CustomResourceDefinition", "workflows.argoproj.io")


# What the status tells

def test_the_status_keeps_the_newest_triggers(operator, scene):
    scene.watch(statusHistoryLimit=2)
    for blob in ("a.csv", "b.csv", "c.csv"):
        scene.upload(blob)
        status = scene.wait(lambda status, blob=blob: blob in blobs_of(status))["status"]
    assert (blobs_of(status), status["triggered"]) == (["c.csv", "b.csv"], 3)


def blobs_of(status: dict) -> list[str]:
    return [job["blobName"] for job in status.get("triggeredJobs", [])]


@pytest.mark.parametrize("succeed, phase, count", [(True, "Succeeded", "succeeded"), (False, "Failed", "failed")])
def test_a_finished_job_shows_in_the_status(succeed, phase, count, operator, scene, kube, namespace, job_template):
    job_template["spec"]["backoffLimit"] = 0
    scene.watch(template=job_template, pollingIntervalSeconds=86400)
    scene.wait_ready()
    scene.upload("a.csv")
    scene.poll_now()
    scene.wait(lambda status: status.get("active") == 1)
    finish_job(kube, namespace, "process-a.csv", succeed)
    status = scene.wait(lambda status: status.get(count) == 1)["status"]
    job = status["triggeredJobs"][0]
    assert (status["active"], job["phase"]) == (0, phase)
    assert time_of(job["finishedAt"]) >= time_of(job["triggeredAt"])


def test_kubectl_shows_the_columns(operator, scene, bed, namespace):
    scene.watch(blobPrefix="raw/", blobPattern="csv$")
    scene.upload("raw/a.csv")
    scene.wait(has_rested)
    head, row = bed.kubectl("get", "abw", "-n", namespace, "-o", "wide").splitlines()
    assert head.split() == ["NAME", "CONTAINER", "PREFIX", "READY", "ACTIVE", "PENDING", "TRIGGERED", "LAST", "POLL", "AGE",
                            "PATTERN", "INTERVAL", "REASON"]
    values = row.split()
    assert values[:7] == ["w", scene.container, "raw/", "True", "1", "0", "1"]
    assert values[-3:] == ["csv$", "1", "PollSucceeded"]
    assert "PATTERN" not in bed.kubectl("get", "azureblobwatchers", "-n", namespace)


def test_a_name_in_a_shell_command_draws_a_warning(operator, scene, job_template):
    job_template["spec"]["template"]["spec"]["containers"][0]["command"] = ["/bin/sh", "-c", "cat ${BLOB_NAME}"]
    scene.watch(template=job_template)
    assert "Warning: " in condition(scene.wait_ready(), "Ready")["message"]


def has_rested(status: dict) -> bool:
    """One blob was triggered, and a later poll found nothing to do."""
    return status.get("triggered") == 1 and (status.get("lastPoll") or {}).get("triggered") == 0


def polls(operator, namespace: str, name: str = "w") -> float:
    series = f'azure_blob_operator_polls_total{{namespace="{namespace}",watcher="{name}",result="success"}}'
    return operator.metrics().get(series, 0)


def test_an_idle_watcher_costs_the_api_server_no_write(own_operator, audited, scene):
    operator = own_operator(kubeconfig=audited.kubeconfig)
    scene.watch()
    scene.upload("a.csv")
    # That the Job's Pod began is news too, and may come after the poll.
    before = scene.wait(lambda status: has_rested(status) and status["triggeredJobs"][0]["phase"] == "Running")
    # An Event may follow the status that it tells of, by less than a poll.
    seen = polls(operator, scene.namespace)
    wait_until(lambda: polls(operator, scene.namespace), lambda now: now >= seen + 1, what="one more poll")
    written, seen = audited.writes(), polls(operator, scene.namespace)
    assert {"jobs", "azureblobwatchers/status", "events"} <= {each.resource for each in written}
    wait_until(lambda: polls(operator, scene.namespace), lambda now: now >= seen + 3, what="three more polls")
    assert audited.writes() == written
    assert scene.stored()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_the_times_of_an_idle_watcher_are_refreshed(own_operator, scene):
    own_operator("--idle-status-interval", "1")
    scene.watch()
    first = scene.wait_ready()["status"]["lastPollTime"]
    scene.wait(lambda status: status["lastPollTime"] > first, what="a later lastPollTime")


# Malformed watchers

def test_a_damaged_checkpoint_stops_its_watcher_and_nobody_else(operator, scene, kube, namespace, neighbour):
    scene.watch()
    scene.wait_ready()
    kube.patch(WATCHER, "w", {"status": {"checkpoint": {"cursor": "garbage", "recent": 7}}}, namespace, subresource="status")
    stored = scene.wait_reason("InvalidCheckpoint")
    assert condition(stored, "Stalled")["status"] == "True"
    neighbour.keeps_polling()


MALFORMED = {
    "no-spec": {},
    "spec-is-text": {"spec": "text"},
    "spec-is-empty": {"spec": {}},
    "wrong-types": {"spec": {"containerName": 7, "storageAccount": ["x"], "jobTemplate": [], "suspend": "yes"}},
    "bad-interval": {"spec": {"containerName": "abc", "pollingIntervalSeconds": -5, "jobTemplate": {"kind": "Job", "template": "x"}}},
    "huge-number": {"spec": {"containerName": "abc", "pollingIntervalSeconds": 1e300, "maxActive": 9e18,
                             "jobTemplate": {"kind": "Job", "template": "x"}}},
    "unknown-field": {"spec": {"containerNaem": "abc", "jobTemplate": {"kind": "Job", "template": "x"}}},
    "status-is-text": {"spec": {"containerName": "abc"}, "status": "text"},
}


@pytest.fixture
def loose_schema(bed, kube):
    """Any watcher can be stored, as after an upgrade or by a hand in etcd."""
    crd = yaml.safe_load(CRD.read_text())
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    kube.apply(crd)
    yield
    kube.install_crd(CRD)


def test_a_malformed_watcher_harms_only_itself(operator, scene, kube, namespace, neighbour, loose_schema):
    def store(name: str) -> bool:
        thing = {"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER, **MALFORMED[name],
                 "metadata": {"name": name, "namespace": namespace}}
        try:
            kube.create(thing)
            return True
        except ApiError:
            return False
    for name in MALFORMED:
        wait_until(lambda name=name: store(name), bool, what="the loose schema in force")
    scene.watch()
    for _ in range(2):
        neighbour.keeps_polling()
    for name in MALFORMED:
        assert scene.wait_reason("InvalidSpec", name)
        scene.delete(name)
    scene.upload("a.csv")
    scene.settles_with("a.csv")


def test_a_watcher_nested_too_deep_harms_only_itself_also_after_a_restart(operator, scene, kube, namespace, neighbour,
                                                                           loose_schema):
    deep = 1
    for _ in range(300):
        deep = {"x": deep}
    def store() -> bool:
        try:
            kube.create({"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                         "metadata": {"name": "deep", "namespace": namespace}, "spec": {"containerName": "abc", "deep": deep}})
            return True
        except ApiError:
            return False
    wait_until(store, bool, what="the loose schema in force")
    scene.wait_reason("InvalidSpec", "deep")
    scene.watch()
    neighbour.keeps_polling()
    operator.restart()
    neighbour.keeps_polling()
    scene.upload("a.csv")
    scene.settles_with("a.csv")
    scene.delete("deep")
    neighbour.keeps_polling()
