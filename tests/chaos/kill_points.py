"""Every place where the operator writes to Kubernetes: how to bring it there, and how the proxy knows the write.

The names are those of the comments `// write site: NAME` in the code; scripts/check-write-sites.py, a part of the build,
holds the two together. A crash at any instruction leaves the world as one before or after some request does, since the
process keeps nothing but what it has written: so these points, and READS between them, stand for all of them.
"""

import signal
from dataclasses import dataclass, field
from typing import Callable

from testing.hostile_blob_service import Status
from testing.kube import condition
from testing.lying_api_server import Match

from script import Script, Until
from stage import NOBODY, WATCHER, Stage, job, watcher

BLOBS = ("a.csv", "b/ä b.csv", "c.csv")
OTHERS_FINALIZER = "test.example.com/other"
ID = "99999999-8888-7777-6666-555555555555"


def put_blobs(stage: Stage) -> Script:
    stage.watch()
    stage.put(*BLOBS)
    yield from ()


def nothing(_: Stage) -> Script:
    yield from ()


@dataclass(frozen=True)
class KillPoint:
    method: str
    path: str
    """A regular expression on path and query; {ns} stands for the stage's namespace."""
    provoke: Callable[[Stage], Script] = put_blobs
    """Makes the write happen, once the trap is set."""
    afterwards: Callable[[Stage], Script] = nothing
    """What must follow before the stage can settle."""
    flags: tuple = ()
    template: dict = field(default_factory=job)
    owes: Callable[[str], bool] = lambda name: True
    skip: int = 0
    """So many matching writes pass unharmed first."""
    patience: float = 60
    before: Callable[[Stage], Script] = nothing
    """What must have happened before the trap is set."""

    def match(self, namespace: str, later: int = 0) -> Match:
        return Match(method=self.method, path=self.path.format(ns=namespace), skip=self.skip + later)


def move_our_finalizer(stage: Stage) -> Script:
    """Somebody puts a finalizer before ours, while the operator stands still between its creation and its patch."""
    stage.watch()
    stopped = stage.proxy.signal_on(Match(method="POST", path=rf"/namespaces/{stage.name}/jobs\?"),
                                    stage.operator.process, signal.SIGSTOP, "after")
    stage.put("a.csv")
    yield Until(lambda: stopped.wait(0), what="the operator stopped after its creation")
    patch = [{"op": "add", "path": "/metadata/finalizers/0", "value": OTHERS_FINALIZER}]
    stage.kube.patch("Job", "process-a.csv", patch, stage.name, "json")
    stage.operator.process.signal(signal.SIGCONT)


def remove_others_finalizer(stage: Stage) -> Script:
    """As its owner would, once ours is gone: nobody else's finalizer is ours to remove."""
    def left() -> list:
        found = stage.kube.find("Job", "process-a.csv", stage.name)
        return found["metadata"].get("finalizers", []) if found else []
    yield Until(left, lambda seen: seen == [OTHERS_FINALIZER], what="the other finalizer, and it alone, is left")
    stage.kube.patch("Job", "process-a.csv", {"metadata": {"finalizers": None}}, stage.name)


def put_where_a_name_is_taken(stage: Stage) -> Script:
    """By a Job that is not ours."""
    taken = job()
    taken["metadata"] = {"name": "process-a.csv", "namespace": stage.name}
    stage.kube.create(taken)
    stage.watch()
    stage.put(*BLOBS)
    yield from ()


def put_and_keep_none(stage: Stage) -> Script:
    """The operator deletes each Job as soon as it has finished and is recorded."""
    stage.watch(successfulHistoryLimit=0)
    stage.put(*BLOBS)
    yield from ()


def put_one_that_is_rejected(stage: Stage) -> Script:
    stage.watch()
    stage.put("Not A Container Name.csv", "a.csv", "c.csv")
    yield from ()


def put_beside_one_that_signs_in(stage: Stage) -> Script:
    """Another watcher wants a token of a ServiceAccount, to show it to a sign-in where nobody answers."""
    account = "azure.workload.identity/"
    stage.kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "reader", "namespace": stage.name, "annotations": {account + "client-id": ID, account + "tenant-id": ID}}})
    stage.kube.create(watcher(stage.service, stage.name, stage.name, stage.case.template, "other", endpoint=f"{NOBODY}/account",
                              credentialsSecret=None,
                              identity={"type": "WorkloadIdentity", "serviceAccountName": "reader"}))
    yield from put_blobs(stage)


def fail_twice(stage: Stage) -> Script:
    """The second time the same Event is counted up, not written anew."""
    def reason() -> str:
        return condition(stage.kube.get(WATCHER, "w", stage.name), "Ready").get("reason", "")
    stage.watch()
    for _ in range(2):
        denied = stage.service.inject(Status(403), container=stage.name, times=None)
        yield Until(reason, lambda seen: seen == "AuthenticationFailed", what="the condition says so")
        denied.cancel()
        yield Until(reason, lambda seen: seen == "PollSucceeded", what="the condition has healed")
    stage.put(*BLOBS)


def trigger_all(stage: Stage) -> Script:
    """Each blob has had its Job, which is gone, and everything is written."""
    yield from put_blobs(stage)
    yield Until(lambda: stage.tail.read() >= 0 and len([each for each in stage.tail.creations if each.namespace == stage.name]),
                lambda made: made == len(BLOBS), what="each blob triggered")
    yield Until(stage.held, lambda held: not held, what="no object held by our finalizer")
    stage.delete_jobs()
    yield Until(lambda: stage.kube.get(WATCHER, "w", stage.name).get("status", {}),
                lambda status: not status.get("active") and not status.get("succeeded"), what="nothing left to write")


def ask_for_a_replay(stage: Stage) -> Script:
    stage.replay()
    yield from ()


KILL_POINTS: dict[str, KillPoint] = {
    "resource-create": KillPoint("POST", r"/namespaces/{ns}/jobs\?(?!.*dryRun)"),
    "resource-dry-run": KillPoint("POST", r"/namespaces/{ns}/jobs\?.*dryRun", put_one_that_is_rejected,
                                  template=job(name="${BLOB_STEM}"), owes=lambda name: " " not in name),
    "status-replace": KillPoint("PUT", r"/namespaces/{ns}/azureblobwatchers/w/status"),
    "finalizer-remove": KillPoint("PATCH", r"/namespaces/{ns}/jobs/"),
    "finalizer-remove-moved": KillPoint("PATCH", r"/namespaces/{ns}/jobs/", move_our_finalizer, remove_others_finalizer,
                                        skip=1),
    "history-delete": KillPoint("DELETE", r"/namespaces/{ns}/jobs/", put_and_keep_none),
    "event-create": KillPoint("POST", r"/namespaces/{ns}/events"),
    # A count is written a minute after its Event, by design.
    "event-count": KillPoint("PATCH", r"/namespaces/{ns}/events/", fail_twice, patience=100),
    "token-request": KillPoint("POST", r"/namespaces/{ns}/serviceaccounts/reader/token", put_beside_one_that_signs_in,
                               flags=("--allowed-endpoint", NOBODY)),
    "lease-create": KillPoint("POST", r"/namespaces/{ns}/leases", flags=("--leader-elect",)),
    "lease-replace": KillPoint("PUT", r"/namespaces/{ns}/leases/", flags=("--leader-elect",)),
}

# Writes that one poll makes more than once, and where the second or third finds another world than the first.
AGAIN = {"resource-create": 2, "status-replace": 1, "finalizer-remove": 2, "history-delete": 1, "lease-replace": 1}

# What the operator reads between its writes: dying there is dying between two steps of a poll.
READS: dict[str, KillPoint] = {
    "the list of watchers": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers\?(?!.*watch=)"),
    "the watch of watchers": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers\?.*watch="),
    "the list of Jobs": KillPoint("GET", r"/namespaces/{ns}/jobs\?(?!.*watch=)"),
    "the Secret": KillPoint("GET", r"/namespaces/{ns}/secrets/azure"),
    "the watcher": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers/w$"),
    "the watcher before the first creation": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers/w$", skip=1),
    "the holder of a name that is taken": KillPoint("GET", r"/namespaces/{ns}/jobs/process-a\.csv$",
                                                    put_where_a_name_is_taken),
    "the watcher before a replay": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers/w$", ask_for_a_replay,
                                             before=trigger_all),
    "the watcher before the first creation of a replay": KillPoint("GET", r"/namespaces/{ns}/azureblobwatchers/w$",
                                                                   ask_for_a_replay, before=trigger_all, skip=1),
    "the finished Job before it is deleted": KillPoint("GET", r"/namespaces/{ns}/jobs/process-", put_and_keep_none),
    "the Lease": KillPoint("GET", r"/namespaces/{ns}/leases/", flags=("--leader-elect",)),
}

# Those that come later are listed after BLOBS. Each has a page of its own: dying while it waits for one is dying between two.
LATER_BLOBS = ("d.csv", "e.csv", "f.csv")
PAGES = range(1, len(BLOBS) + 1)
PAGES_OF_ALL = range(1, len(BLOBS + LATER_BLOBS) + 1)

# The last write of a leader that ends politely.
RELEASE = KillPoint("PUT", r"/namespaces/{ns}/leases/", flags=("--leader-elect",))

# A replay: the write that begins it, what it creates, and the write that records that.
REPLAY: dict[str, KillPoint] = {
    name: KillPoint(point.method, point.path, ask_for_a_replay, before=trigger_all, skip=skip)
    for name, point, skip in (
        ("the write that begins a replay", KILL_POINTS["status-replace"], 0),
        ("the first creation of a replay", KILL_POINTS["resource-create"], 0),
        ("the third creation of a replay", KILL_POINTS["resource-create"], 2),
        ("the write that records a replay", KILL_POINTS["status-replace"], 1),
        ("a replay's finalizer", KILL_POINTS["finalizer-remove"], 0))
}
