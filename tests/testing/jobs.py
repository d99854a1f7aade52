"""Plays the kubelet where there is none: ends a Job's Pod, so that the Job controller ends the Job."""

from .kube import Kube, condition, wait_until


def finish_job(kube: Kube, namespace: str, name: str, succeed: bool = True, timeout: float = 20) -> dict:
    """Waits for the Job's Pod, reports it as ended, and returns the finished Job.

    A failed Pod fails the Job only when its backoffLimit allows no other: see the template.
    """
    pods = wait_until(lambda: kube.list("Pod", namespace, labelSelector=f"job-name={name}"), bool, timeout,
                      f"a Pod of Job {namespace}/{name}")
    for pod in pods:
        kube.patch("Pod", pod["metadata"]["name"], {"status": {"phase": "Succeeded" if succeed else "Failed"}},
                   namespace, subresource="status")
    return kube.wait("Job", name, namespace, job_finished, timeout, f"Job {namespace}/{name} finished")


def job_finished(job: dict) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def jobs_of(kube: Kube, namespace: str, watcher: str) -> list[dict]:
    """The Jobs that a watcher created, oldest first."""
    found = kube.list("Job", namespace, labelSelector=f"mlops.example.com/watcher={watcher}")
    return sorted(found, key=lambda job: (job["metadata"]["creationTimestamp"], job["metadata"]["name"]))
