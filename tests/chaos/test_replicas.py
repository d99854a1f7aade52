"""A leader that is stopped for longer than its lease, in the middle of something, does no harm when it goes on, and one
that was killed does none by what it had sent.

Meanwhile its successor has done the work, recorded it, and everything it made was deleted: whatever the old leader still
creates would be a duplicate, and nothing in the cluster could tell it so.
"""

import signal
import time
from functools import partial

import pytest

from testing.lying_api_server import Match

from script import Script, Until
from stage import Case, Stage

BLOBS = ("a.csv", "b.csv", "c.csv")
CREATION = r"/namespaces/{ns}/jobs\?"
WATCHER_READ = r"/namespaces/{ns}/azureblobwatchers/w$"
# Where it stops: the request, and whether it had been carried out by then.
INSTANTS = {
    "the look at the watcher before its first creation": ("GET", WATCHER_READ, "after"),
    "a creation, which then goes on its way": ("POST", CREATION, "before"),
    "a creation that was carried out": ("POST", CREATION, "after"),
    "the checkpoint's write, which then goes on its way": ("PUT", r"/namespaces/{ns}/azureblobwatchers/w/status", "before"),
    "the checkpoint's write that was carried out": ("PUT", r"/namespaces/{ns}/azureblobwatchers/w/status", "after"),
    "the removal of a finalizer": ("PATCH", r"/namespaces/{ns}/jobs/", "before"),
    "the renewal of its lease": ("PUT", r"/namespaces/{ns}/leases/", "after"),
}


def begin(stage: Stage) -> Script:
    """A leader that has polled, and a standby."""
    leader, standby = stage.operator, stage.replica()
    leader.start(ready=False)
    yield Until(lambda: "leading" in leader.log.read_text(), what="the first leads")
    standby.start(ready=False)
    stage.watch()
    yield Until(lambda: stage.kube.get("AzureBlobWatcher", "w", stage.name).get("status", {}).get("checkpoint"),
                what="the first checkpoint")


def stopped(stage: Stage, method: str, path: str, when: str) -> Script:
    yield from begin(stage)
    leader = stage.operator
    trap = stage.proxy.signal_on(Match(method, path.format(ns=stage.name)), leader.process, signal.SIGSTOP, when)
    stage.put(*BLOBS)
    yield Until(lambda: trap.hits() > 0, what="the leader stopped")
    yield from stage.settle("for the successor.csv")
    stage.delete_jobs()
    yield Until(stage.jobs, lambda jobs: not jobs, what="all Jobs gone")
    leader.process.signal(signal.SIGCONT)
    yield Until(lambda: not leader.alive(), timeout=30, what="the old leader noticed, and ended")
    leader.ended(1)
    yield from stage.settle("for the end.csv")


def killed(stage: Stage) -> Script:
    """Step 9 of the protocol: what its successor made keeps the recording finalizer, and with it the name, for as long as a
    creation may still arrive that was sent under the old lease."""
    yield from begin(stage)
    began = time.monotonic()
    late = stage.proxy.delay(Match("POST", CREATION.format(ns=stage.name)), seconds=600, even_if_gone=True)
    stage.put(*BLOBS)
    yield Until(lambda: late.hits() > 0, what="a creation is on its way")
    stage.operator.kill()
    yield from recorded(stage, *BLOBS)
    stage.delete_jobs()
    # A pass more: whatever was to become of the finalizers right after the record has become of them.
    stage.put("one pass later.csv")
    yield from recorded(stage, "one pass later.csv")
    late.cancel()
    yield Until(lambda: [each.status for each in stage.proxy.requests(since=began)
                         if "delay" in each.fault and f"/{stage.name}/" in each.path],
                lambda seen: seen and all(seen), what="the late creation arrived")
    yield from stage.settle("for the end.csv")


def recorded(stage: Stage, *names: str) -> Script:
    def seen() -> set:
        status = stage.kube.get("AzureBlobWatcher", "w", stage.name)["status"]
        return {each["blobName"] for each in status.get("triggeredJobs", [])}
    yield Until(seen, lambda found: found >= {*names}, what=f"{names} recorded by the successor")


CASES = [
    *(Case(f"stopped at {name}", partial(stopped, method=method, path=path, when=when), ("--leader-elect",))
      for name, (method, path, when) in INSTANTS.items()),
    Case("killed while a creation was on its way", killed, ("--leader-elect",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_leader_makes_nothing_twice_when_it_was(case, played):
    played.check(case)
