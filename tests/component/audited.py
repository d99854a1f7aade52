"""An operator with a user of its own, so that the API server's audit log tells what it did, and what it did alone."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from chaos.judge import AuditTail, AuditThread, Creation
from testing.bed import ALL_RULES, ApiBed
from testing.kube import ApiError, Kube

WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Request:
    """A write that was carried out. began, ended: when it arrived, and when its answer went out."""
    verb: str
    resource: str
    """With its subresource: "jobs", "azureblobwatchers/status"."""
    name: str
    began: datetime.datetime
    ended: datetime.datetime
    answer: dict


class Audited:
    """user: who the operator is, and nobody else."""

    def __init__(self, bed: ApiBed, user: str):
        self.bed, self.user = bed, user
        self.kubeconfig = bed.user_kubeconfig(user, rules=ALL_RULES)

    def writes(self) -> list[Request]:
        """All that it wrote so far, in order of the answers."""
        def stamp(text: str) -> datetime.datetime:
            return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        found = []
        for event in self.bed.audit_events():
            asked, code = event.get("objectRef", {}), event.get("responseStatus", {}).get("code", 0)
            if event["user"]["username"] == self.user and event["verb"] in WRITES and code < 400:
                part = f"/{asked['subresource']}" if "subresource" in asked else ""
                answer = event.get("responseObject") or {}
                found.append(Request(event["verb"], asked.get("resource", "") + part,
                                     asked.get("name") or answer.get("metadata", {}).get("name", ""),
                                     stamp(event["requestReceivedTimestamp"]), stamp(event["stageTimestamp"]), answer))
        return found


class Creations:
    """What is created in a namespace, as the audit log has it: it tells a second creation from the first although that is
    gone. With `delete` each is deleted as soon as it is seen, so that only its finalizer keeps the name from coming free."""

    def __init__(self, bed: ApiBed, namespace: str, delete: bool = True):
        self.namespace, self.delete = namespace, delete
        self.kube = Kube.from_kubeconfig(bed.kubeconfig)  # of the thread that reads the log
        self.tail = AuditTail(bed.audit_log, self._created)
        self.tail.offset = bed.audit_log.stat().st_size  # what came earlier is other tests' business
        self.thread = AuditThread(self.tail)

    def __enter__(self) -> "Creations":
        self.thread.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self.thread.__exit__()

    def of(self, watcher_uid: str) -> list[Creation]:
        return [each for each in [*self.tail.creations] if each.watcher_uid == watcher_uid]

    def _created(self, creation: Creation) -> None:
        if self.delete and creation.namespace == self.namespace and creation.watcher_uid:
            try:
                self.kube.delete(creation.kind, creation.name, creation.namespace)
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
