"""One watcher with an operator of its own behind the lying API server, and the means to hold it to its promise."""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass, field
from typing import Callable

from testing.hostile_blob_service import HostileBlobService
from testing.kube import Kube
from testing.lying_api_server import LyingApiServer
from testing.operator import Operator

from judge import AuditTail, Verdict, Watched, judge
from script import Script, Until

ACCOUNT = "chaos"
KEY = "Y2hhb3MgaXMgYSBsYWRkZXIsIG5vdCBhIHBpdA=="
WATCHER = "AzureBlobWatcher"
FINALIZER = "mlops.example.com/recording"
NOBODY = "https://127.0.0.1:9"
"""An origin where nobody answers."""


def job(**container) -> dict:
    """A Job that finishes at once without a Pod: no node is needed, and the real controllers do the rest."""
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "process-${BLOB_NAME}"},
            "spec": {"completions": 0, "parallelism": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [
                {"name": "main", "image": "lab.local/busybox:1", "args": ["${BLOB_URL}"], **container}]}}}}


def watcher(service: HostileBlobService, namespace: str, container: str, template: dict, name: str = "w", **spec) -> dict:
    whole = {"storageAccount": ACCOUNT, "endpoint": service.endpoint(ACCOUNT), "containerName": container,
             "credentialsSecret": "azure", "pollingIntervalSeconds": 1, "existingBlobs": "Trigger", "maxActive": 0,
             "jobTemplate": {"kind": template["kind"], "template": json.dumps(template)}, **spec}
    return {"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {field: value for field, value in whole.items() if value is not None}}


def make_namespace(kube: Kube, name: str) -> None:
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "azure", "namespace": name},
                 "stringData": {"accountKey": KEY}})


@dataclass(frozen=True)
class Case:
    """One thing that may happen to an operator, as a script, and what its stage must be like."""
    name: str
    script: Callable[[Stage], Script]
    flags: tuple = ()
    template: dict = field(default_factory=job)
    owes: Callable[[str], bool] = lambda name: True


class Stage:
    """A namespace and a container of the same name, a watcher `w`, and an operator for that namespace alone."""

    def __init__(self, bed, service: HostileBlobService, proxy: LyingApiServer, tail: AuditTail, label: str, case: Case):
        self.bed, self.kube, self.service, self.proxy, self.tail = bed, bed.kube, service, proxy, tail
        self.name, self.case, self.uid = label, case, ""
        self.replayed: set[tuple] = set()
        """(name, ETag) of what replay() asked for."""
        make_namespace(self.kube, label)
        service.create_container(ACCOUNT, label)
        self.flags = ["--namespace", label, "--leader-election-namespace", label, "--settle-margin", "2", *case.flags]
        self.operators: list[Operator] = []
        self.operator = self.replica()

    def replica(self) -> Operator:
        """One more operator of the same flags, not started."""
        self.operators.append(Operator(self.bed.run, self.proxy.kubeconfig, self.flags, [self.service.origin],
                                       name=f"operator-{self.name}-{len(self.operators)}",
                                       env={**os.environ, "AZURE_AUTHORITY_HOST": f"{NOBODY}/"}))
        return self.operators[-1]

    def watch(self, **spec) -> None:
        made = self.kube.create(watcher(self.service, self.name, self.name, self.case.template, **spec))
        self.uid = made["metadata"]["uid"]

    def put(self, *names: str) -> None:
        for name in names:
            self.service.put(self.name, name)

    def replay(self) -> None:
        """Has everything that is there triggered once more."""
        versions = self.service.versions(self.name)
        since = datetime.datetime.fromtimestamp(min(v.last_modified for v in versions), datetime.timezone.utc)
        annotations = {"mlops.example.com/replay-since": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.replayed = {(v.name, v.etag) for v in versions}
        self.kube.patch(WATCHER, "w", {"metadata": {"annotations": annotations}}, self.name)

    def jobs(self) -> list[dict]:
        return self.kube.list("Job", self.name)

    def delete_jobs(self) -> None:
        """As a hasty user, or a TTL of zero, would: what our finalizer does not hold is gone at once."""
        for each in self.jobs():
            self.kube.delete("Job", each["metadata"]["name"], self.name)

    def held(self) -> list[str]:
        """The Jobs that our finalizer is still on."""
        return [each["metadata"]["name"] for each in self.jobs() if FINALIZER in each["metadata"].get("finalizers", [])]

    def settle(self, later: str = "later.csv", timeout: float = 60) -> Script:
        """Until a blob that lands now has been worked for, by a pass that saw all the others, and nothing is held."""
        etag = self.service.put(self.name, later)
        yield Until(lambda: self.tail.read() >= 0 and self.tail.created(self.uid, later, etag), timeout=timeout,
                    what=f"{later} triggered")
        yield Until(self.held, lambda held: not held, timeout, "no object held by our finalizer")

    def verdict(self) -> Verdict:
        self.tail.read()
        made = [each for each in self.tail.creations if each.namespace == self.name]
        return judge(made, [Watched(self.uid, self.name, self.case.owes, born=0,
                                    replays=lambda version: int(version in self.replayed))], self.service.versions)

    def logs(self) -> str:
        return "\n".join(operator.tail() for operator in self.operators)

    def close(self) -> None:
        for operator in self.operators:
            operator.stop()
        if self.uid:  # a script that failed early never got as far
            self.kube.delete(WATCHER, "w", self.name)
        self.kube.delete("Namespace", self.name)
