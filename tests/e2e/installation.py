"""The operator as it runs in a cluster, and one user's data beside it: what a person does and sees, in words."""

import datetime
import json

from cluster import CRD, NAME, Cluster
from scene import BLOB
from testing.azurite import Azurite
from testing.jobs import job_finished, jobs_of
from testing.kube import wait_until

LIMIT = 90  # seconds for any one thing to happen, on a machine that does others besides
READY_WITHIN = 3
"""Seconds from a container's start until its Deployment is Ready."""


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Operator:
    """The Deployment azure-blob-operator, however it was installed."""

    def __init__(self, cluster: Cluster):
        self.cluster, self.kube = cluster, cluster.kube

    def rolled_out(self) -> None:
        self.kubectl("rollout", "status", f"deployment/{NAME}", f"--timeout={LIMIT}s")

    def replicas(self) -> int:
        return self.kube.get("apps/v1/Deployment", NAME, NAME)["spec"]["replicas"]

    def pods(self) -> list[dict]:
        """One for each replica, once none is on its way out."""
        def alive() -> list[dict]:
            found = self.kube.list("Pod", NAME, labelSelector=f"app.kubernetes.io/name={NAME}")
            return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return wait_until(alive, lambda seen: len(seen) == self.replicas(), LIMIT, "the operator's Pods")

    def uids(self) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods()}

    def seconds_to_ready(self) -> float:
        """From a container's start to its Pod's Ready, as the cluster has it: whole seconds, so this may be one more
        or one less than the truth. The slowest of the replicas."""
        def of(status: dict) -> float:
            started = time_of(status["containerStatuses"][0]["state"]["running"]["startedAt"])
            ready = next(each for each in status["conditions"] if each["type"] == "Ready")
            return (time_of(ready["lastTransitionTime"]) - started).total_seconds()
        return max(of(pod["status"]) for pod in self.pods())

    def log(self) -> list[dict]:
        """Its lines, of all replicas: with several of them each line begins with its Pod's name."""
        every = ["--all-pods"] if self.replicas() > 1 else []
        lines = self.kubectl("logs", f"deployment/{NAME}", *every).splitlines()
        return [json.loads(line[line.index("{"):]) for line in lines]

    def has_told(self, blob: str) -> bool:
        """Whether a line says that a resource was created for the blob."""
        return any(line["message"] == "resource created" and line["blob"] == blob for line in self.log())

    def may(self, verb: str, what: str) -> bool:
        """Whether the cluster lets the operator's ServiceAccount do this in all namespaces; `what` as in "jobs.batch" or
        "serviceaccounts/token"."""
        resource, _, subresource = what.partition("/")
        resource, _, group = resource.partition(".")
        account = self.pods()[0]["spec"]["serviceAccountName"]
        review = self.kube.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
                "user": f"system:serviceaccount:{NAME}:{account}",
                "groups": ["system:serviceaccounts", f"system:serviceaccounts:{NAME}", "system:authenticated"],
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": subresource}}})
        return review["status"]["allowed"]

    def is_killed(self) -> None:
        """All of its Pods, without a word, as when nodes die; the Deployment makes others."""
        self.kubectl("delete", "pod", "--selector", f"app.kubernetes.io/name={NAME}", "--grace-period=0", "--force")

    def is_gone(self) -> None:
        """Neither the operator nor a right of it is left; the CustomResourceDefinition is."""
        wait_until(self.leftovers, lambda seen: not seen, LIMIT, "nothing left of the operator")
        assert self.kube.find("CustomResourceDefinition", CRD), "the CustomResourceDefinition went with the operator"

    def leftovers(self) -> list[str]:
        found = []
        for kind in ("apps/v1/Deployment", "ServiceAccount", "Pod", "Role", "RoleBinding", "ClusterRole",
                     "ClusterRoleBinding"):
            for each in self.kube.list(kind, labelSelector=f"app.kubernetes.io/name={NAME}"):
                found.append(f"{kind} {each['metadata']['name']}")
        return found

    def kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("--namespace", NAME, *arguments)


class Tenant:
    """A namespace with a watcher on a container of its own."""

    watcher = "csv"

    def __init__(self, cluster: Cluster, azurite: Azurite, name: str):
        self.cluster, self.kube, self.azurite, self.name = cluster, cluster.kube, azurite, name
        self.uploaded: list[str] = []

    def moves_in(self) -> None:
        self.azurite.container(self.name)
        self.cluster.kubectl("create", "namespace", self.name)
        self.kubectl("create", "secret", "generic", "azure", f"--from-literal=accountKey={self.azurite.key}")
        self.kubectl("apply", "-f", "-", text=json.dumps(self.manifest()))
        self.kubectl("wait", f"abw/{self.watcher}", "--for=condition=Ready", f"--timeout={LIMIT}s")

    def manifest(self) -> dict:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "process-${BLOB_NAME}"}, "spec": {
            "backoffLimit": 0, "template": {"spec": {
                "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "main", "image": self.cluster.busybox, "imagePullPolicy": "IfNotPresent",
                                "command": ["sh", "-c", 'echo "blob: $BLOB_NAME"'],
                                "env": [{"name": "BLOB_NAME", "value": "${BLOB_NAME}"}]}]}}}}
        return {"apiVersion": "mlops.example.com/v1alpha1", "kind": "AzureBlobWatcher",
                "metadata": {"name": self.watcher},
                "spec": {"storageAccount": self.azurite.account, "endpoint": self.azurite.endpoint,
                         "containerName": self.name, "credentialsSecret": "azure", "pollingIntervalSeconds": 1,
                         "blobPattern": r"\.csv$", "jobTemplate": {"kind": "Job", "template": json.dumps(job)}}}

    def uploads(self, blob: str) -> None:
        self.azurite.upload(self.name, blob)
        self.uploaded.append(blob)

    def sees_every_blob_once(self) -> None:
        """Each blob uploaded so far has its one Job, whose Pod has run and said so, and the watcher counted it."""
        wait_until(self.made, lambda seen: seen == sorted(self.uploaded), LIMIT, f"one Job each for {self.uploaded}")
        for job in self.jobs():
            self.kube.wait("Job", job["metadata"]["name"], self.name, job_finished, LIMIT)
        self.kube.wait("AzureBlobWatcher", self.watcher, self.name,
                       lambda seen: seen["status"].get("succeeded") == len(self.uploaded), LIMIT,
                       f"{len(self.uploaded)} succeeded in the watcher's status")
        newest = self.uploaded[-1]
        assert self.kubectl("logs", f"job/process-{newest}") == f"blob: {newest}\n"
        assert self.made() == sorted(self.uploaded)

    def jobs(self) -> list[dict]:
        return jobs_of(self.kube, self.name, self.watcher)

    def made(self) -> list[str]:
        """The blobs for which there are Jobs, each as often as it has one."""
        return sorted(job["metadata"]["annotations"][BLOB] for job in self.jobs())

    def stored(self) -> dict:
        return self.kube.get("AzureBlobWatcher", self.watcher, self.name)

    def moves_out(self) -> None:
        """With an operator there, so that nothing waits for its finalizer."""
        self.kubectl("delete", "namespace", self.name, "--wait=true", f"--timeout={LIMIT}s")

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.name, *arguments, text=text)
