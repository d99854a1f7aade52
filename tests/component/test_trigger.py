"""The main job: a blob lands, one resource is made for each version that passes the filters, and never two."""

import base64

import yaml

from testing.kube import condition, wait_until
from testing.paths import ROOT


def jobs(kube, namespace):
    return {job["metadata"]["name"]: job for job in kube.list("Job", namespace)}


def wait_jobs(kube, namespace, count, timeout=20):
    return wait_until(lambda: jobs(kube, namespace), lambda seen: len(seen) == count, timeout, f"{count} Jobs")


def wait_polled(kube, namespace, listed, name="w"):
    """Until a poll that saw so many blobs was reported."""
    return kube.wait("AzureBlobWatcher", name, namespace,
                     lambda w: w.get("status", {}).get("lastPoll", {}).get("listed") == listed, what=f"{listed} listed")


def environment(job):
    return {e["name"]: e["value"] for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_a_blob_makes_one_job_with_its_name_and_url(operator, watcher, azurite, kube, namespace, container):
    watcher(blobPrefix="processed/", blobPattern=r".*\.csv$")
    etag = azurite.upload(container, "processed/my data.csv")
    azurite.upload(container, "processed/readme.txt")
    azurite.upload(container, "other/x.csv")
    job = wait_jobs(kube, namespace, 1)["process-processed-my-data.csv"]
    assert environment(job) == {"BLOB_NAME": "processed/my data.csv",
                                "BLOB_URL": f"{azurite.endpoint}/{container}/processed/my%20data.csv"}
    annotations = job["metadata"]["annotations"]
    assert annotations["mlops.example.com/blob-etag"] == etag
    assert job["metadata"]["labels"]["mlops.example.com/watcher"] == "w"
    owner = job["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("AzureBlobWatcher", "w")
    stored = wait_polled(kube, namespace, 2)
    assert condition(stored, "Ready")["status"] == "True"
    assert stored["status"]["triggered"] == 1
    assert stored["status"]["triggeredJobs"][0]["blobName"] == "processed/my data.csv"


def test_the_plainest_watcher_works_as_written(operator, kube, namespace, azurite, container, secret):
    """examples/basic-job.yaml, with nothing changed but where it lives and that its account is Azurite's."""
    example = yaml.safe_load((ROOT / "examples/basic-job.yaml").read_text())
    example["metadata"]["namespace"] = namespace
    example["spec"] |= {"storageAccount": azurite.account, "endpoint": azurite.endpoint, "containerName": container}
    secret(example["spec"]["credentialsSecret"])
    azurite.upload(container, "processed/sales/2026.csv")
    azurite.upload(container, "processed/sales/2026.txt")
    azurite.upload(container, "incoming/2026.csv")
    kube.create(example)
    job = wait_jobs(kube, namespace, 1)["process-processed-sales-2026.csv"]
    assert environment(job)["BLOB_NAME"] == "processed/sales/2026.csv"
    assert environment(job)["BLOB_URL"] == f"{azurite.endpoint}/{container}/processed/sales/2026.csv"


def test_an_overwrite_makes_a_second_job_and_a_restart_none(operator, watcher, azurite, kube, namespace, container):
    watcher()
    azurite.upload(container, "a.csv")
    wait_jobs(kube, namespace, 1)
    azurite.upload(container, "a.csv", b"new")
    both = wait_jobs(kube, namespace, 2)
    assert "process-a.csv" in both
    operator.restart()
    azurite.upload(container, "b.csv")
    assert set(wait_jobs(kube, namespace, 3)) - set(both) == {"process-b.csv"}


def recorded(watcher: dict, job: dict) -> bool:
    """Whether the watcher's checkpoint knows the Job's trigger key: among the recent ones, of 8 bytes and a time of 4."""
    key = bytes.fromhex(job["metadata"]["annotations"]["mlops.example.com/trigger-key"][:16])
    recent = base64.b64decode(watcher["status"]["checkpoint"].get("recent", ""))
    return key in [recent[at:at + 8] for at in range(0, len(recent), 12)]


def held(job: dict) -> bool:
    return "mlops.example.com/recording" in job["metadata"].get("finalizers", [])


def test_the_recording_finalizer_goes_once_the_blob_is_recorded(own_operator, audited, scene, kube, namespace):
    own_operator(kubeconfig=audited.kubeconfig)
    scene.watch()
    scene.wait_ready()
    scene.upload("a.csv")
    kube.wait("Job", "process-a.csv", namespace, lambda job: not held(job), what="a Job that is let go")
    writes = audited.writes()
    created = next(each for each in writes if (each.verb, each.resource) == ("create", "jobs"))
    assert held(created.answer)
    record = next(each for each in writes if each.resource == "azureblobwatchers/status" and recorded(each.answer, created.answer))
    released = next(each for each in writes if (each.verb, each.resource, each.name) == ("patch", "jobs", "process-a.csv")
                    and not held(each.answer))
    assert created.ended <= record.began and record.ended <= released.began
