"""The annotation replay-since, on a real API server and Azurite: what it covers is triggered once more, and once only."""

import signal
import time
from collections import Counter

import pytest

from scene import BLOB, WATCHER
from testing.kube import condition, wait_until
from testing.lying_api_server import LyingApiServer, Match

REPLAY = "mlops.example.com/replay-since"
KEY = "mlops.example.com/trigger-key"
PLAIN_JOB = {
    "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "process-${BLOB_NAME}"},
    "spec": {"completions": 0, "parallelism": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [
        {"name": "main", "image": "lab.local/busybox:1"}]}}},
}


@pytest.fixture
def proxy(bed, label):
    with LyingApiServer(bed, user=f"operator-{label}") as proxy:
        yield proxy


def ask(scene, since: str | None) -> None:
    scene.kube.patch(WATCHER, "w", {"metadata": {"annotations": {REPLAY: since}}}, scene.namespace)


def creations(bed, namespace: str) -> Counter:
    """Of each blob, by the audit log, which leaves the session's operator out: it is `admin`. No key twice. A Job that the
    operator was killed over is seen by its UID later on."""
    made = {}
    for event in bed.audit_events():
        thing = event.get("responseObject") or {}
        said = thing.get("metadata", {}).get("annotations") or {}
        ours = thing.get("kind") == "Job" and thing["metadata"].get("namespace") == namespace and KEY in said
        if ours and event["verb"] in ("create", "patch") and event["responseStatus"]["code"] in (200, 201):
            made[thing["metadata"]["uid"]] = (said[BLOB], said[KEY])
    keys = Counter(key for _, key in made.values())
    assert not [key for key, times in keys.items() if times > 1]
    return Counter(blob for blob, _ in made.values())


def delete_jobs(scene) -> None:
    for job in scene.resources():
        scene.kube.delete("Job", job["metadata"]["name"], scene.namespace)


def middle_of_three(scene, bed) -> str:
    """Three blobs of different seconds, all triggered, and the Jobs gone; the second one's Last-Modified."""
    scene.watch(template=PLAIN_JOB)
    stamps = []
    for blob in ("a.csv", "b.csv", "c.csv"):
        began = int(time.time())
        wait_until(lambda: int(time.time()), lambda now, began=began: now > began)  # the service's times are whole seconds
        scene.upload(blob)
        scene.wait_made(*[made for made in ("a.csv", "b.csv", "c.csv") if made <= blob])
        stamps.append(scene.resources()[-1]["metadata"]["annotations"]["mlops.example.com/blob-last-modified"])
    assert len(set(stamps)) == 3
    delete_jobs(scene)
    wait_until(scene.made, lambda made: not made, what="no Job")
    assert creations(bed, scene.namespace) == Counter(["a.csv", "b.csv", "c.csv"])
    return sorted(stamps)[1]


REPLAYED = Counter({"a.csv": 1, "b.csv": 2, "c.csv": 2})


def test_what_was_modified_since_then_is_triggered_once_more(own_operator, proxy, scene, bed):
    own_operator(kubeconfig=proxy.kubeconfig)
    since = middle_of_three(scene, bed)
    ask(scene, since)
    scene.wait_made("b.csv", "c.csv")
    assert {job["metadata"]["name"] for job in scene.resources()} == {"process-b.csv", "process-c.csv"}
    assert since in scene.wait_event("ReplayStarted")["message"]
    ask(scene, None)
    scene.upload("d.csv")
    scene.wait_made("b.csv", "c.csv", "d.csv")
    ask(scene, since)
    scene.upload("e.csv")
    scene.wait_made("b.csv", "c.csv", "d.csv", "e.csv")
    assert creations(bed, scene.namespace) == REPLAYED + Counter(["d.csv", "e.csv"])


def test_a_replay_beside_what_is_there_uses_the_other_name(operator, scene):
    scene.watch(template=PLAIN_JOB)
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    first = scene.resources()[0]["metadata"]
    ask(scene, first["annotations"]["mlops.example.com/blob-last-modified"])
    scene.wait_made("a.csv", "a.csv")
    second = next(job["metadata"] for job in scene.resources() if job["metadata"]["uid"] != first["uid"])
    assert second["name"] == f"process-a.csv-{second['annotations'][KEY][:8]}"


def test_a_value_that_is_no_time_is_told_and_polling_goes_on(operator, scene):
    scene.watch(template=PLAIN_JOB)
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    ask(scene, "last week")
    scene.kube.wait(WATCHER, "w", scene.namespace,
                    lambda seen: "replay-since is no time in RFC 3339" in condition(seen, "Ready").get("message", ""))
    assert condition(scene.stored(), "Ready")["status"] == "True"
    scene.upload("b.csv")
    scene.wait_made("a.csv", "b.csv")
    ask(scene, None)
    scene.kube.wait(WATCHER, "w", scene.namespace,
                    lambda seen: "replay-since" not in condition(seen, "Ready").get("message", ""))


STATUS, JOBS = r"/azureblobwatchers/w/status", r"/namespaces/{ns}/jobs\?"


@pytest.mark.parametrize("method, path, when, skip", [
    ("PUT", STATUS, "after", 0),  # the checkpoint that begins the replay
    ("POST", JOBS, "before", 0),  # the first creation
    ("POST", JOBS, "after", 1),
], ids=lambda value: {STATUS: "status", JOBS: "jobs"}.get(value, str(value)))
def test_each_is_triggered_once_more_when_the_operator_is_killed(method, path, when, skip, own_operator, proxy, scene, bed):
    operator = own_operator(kubeconfig=proxy.kubeconfig)
    since = middle_of_three(scene, bed)
    scene.wait(lambda status: not status.get("active") and not status.get("succeeded"), what="nothing left to write")
    trap = proxy.kill_on(Match(method=method, path=path.format(ns=scene.namespace), skip=skip), operator.process, when)
    ask(scene, since)
    wait_until(trap.hits, bool, 30, "the operator came there")
    operator.ended(-signal.SIGKILL, timeout=10)
    delete_jobs(scene)  # as a TTL of zero would
    operator.start()
    scene.upload("d.csv")
    wait_until(lambda: creations(bed, scene.namespace), lambda seen: seen["d.csv"] == 1, 30, "d.csv triggered")
    wait_until(lambda: [job for job in scene.resources() if job["metadata"].get("finalizers")], lambda held: not held,
               30, "nothing is held")
    assert creations(bed, scene.namespace) == REPLAYED + Counter(["d.csv"])
