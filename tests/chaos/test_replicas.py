"""A leader that is stopped for longer than its lease, in the middle of something, does no harm when it goes on.

Meanwhile its successor has done the work, recorded it, and everything it made was deleted: whatever the old leader still
creates would be a duplicate, and nothing in the cluster could tell it so.
"""

import signal
from functools import partial

import pytest

from testing.lying_api_server import Match

from script import Script, Until
from stage import Case, Stage

BLOBS = ("a.csv", "b.csv", "c.csv")
WATCHER_READ = r"/namespaces/{ns}/azureblobwatchers/w$"
# Where it stops: the request, and whether it had been carried out by then.
INSTANTS = {
    "the look at the watcher before its first creation": ("GET", WATCHER_READ, "after"),
    "a creation, which then goes on its way": ("POST", r"/namespaces/{ns}/jobs\?", "before"),
    "a creation that was carried out": ("POST", r"/namespaces/{ns}/jobs\?", "after"),
    "the checkpoint's write, which then goes on its way": ("PUT", r"/namespaces/{ns}/azureblobwatchers/w/status", "before"),
    "the checkpoint's write that was carried out": ("PUT", r"/namespaces/{ns}/azureblobwatchers/w/status", "after"),
    "the removal of a finalizer": ("PATCH", r"/namespaces/{ns}/jobs/", "before"),
    "the renewal of its lease": ("PUT", r"/namespaces/{ns}/leases/", "after"),
}


def script(stage: Stage, method: str, path: str, when: str) -> Script:
    leader, standby = stage.operator, stage.replica()
    leader.start(ready=False)
    yield Until(lambda: "leading" in leader.log.read_text(), what="the first leads")
    standby.start(ready=False)
    stage.watch()
    yield Until(lambda: stage.kube.get("AzureBlobWatcher", "w", stage.name).get("status", {}).get("checkpoint"),
                what="the first checkpoint")
    trap = stage.proxy.signal_on(Match(method, path.format(ns=stage.name)), leader.process, signal.SIGSTOP, when)
    stage.put(*BLOBS)
    yield Until(lambda: trap.hits() > 0, what="the leader stopped")
    yield from stage.settle("for the successor.csv")
    stage.delete_jobs()
    yield Until(stage.jobs, lambda jobs: not jobs, what="all Jobs gone")
    leader.process.signal(signal.SIGCONT)
    yield Until(lambda: not leader.alive(), timeout=30, what="the old leader noticed, and ended")
    yield from stage.settle("for the end.csv")


CASES = [Case(f"stopped at {name}", partial(script, method=method, path=path, when=when), ("--leader-elect",))
         for name, (method, path, when) in INSTANTS.items()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_leader_makes_nothing_twice_when_it_was(case, played):
    played.check(case)
