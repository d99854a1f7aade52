"""At every write the operator dies before it, dies after it, or never hears what became of it; at every read, and at every
page of a listing, it dies.

Then somebody deletes all Jobs, as a TTL of zero would, the operator starts anew, and the audit log tells whether each
blob got its one Job.
"""

import signal
from functools import partial

import pytest

from testing.hostile_blob_service import ShortPages, Silence
from testing.operator import STOP_LIMIT

from kill_points import (AGAIN, BLOBS, KILL_POINTS, LATER_BLOBS, PAGES, PAGES_OF_ALL, READS, RELEASE, REPLAY, KillPoint,
                         trigger_all)
from script import Script, Until
from stage import Case, Stage

WAYS = ("dies before", "dies after", "never hears of")


def set_trap(stage: Stage, point: KillPoint, way: str, later: int):
    match = point.match(stage.name, later)
    if way == "never hears of":
        return stage.proxy.lose_answer(match, times=1)
    return stage.proxy.kill_on(match, stage.operator.process, "before" if way == "dies before" else "after")


def script(stage: Stage, point: KillPoint, way: str, later: int) -> Script:
    stage.operator.start(ready=False)
    yield from point.before(stage)
    trap = set_trap(stage, point, way, later)
    yield Until(lambda: True, what="the curtain")
    yield from point.provoke(stage)
    yield Until(lambda: trap.hits() > 0, timeout=point.patience, what="the operator came there")
    if way == "never hears of":
        assert stage.operator.alive(), "a lost answer ended it"
    else:
        yield Until(lambda: not stage.operator.alive(), timeout=10, what="the operator is dead")
        stage.operator.ended(-signal.SIGKILL)
    stage.delete_jobs()
    if not stage.operator.alive():
        stage.operator.start(ready=False)
    yield from point.afterwards(stage)
    yield from stage.settle()


def dies_at_a_page(stage: Stage, page: int, again: bool) -> Script:
    """Of its first listing, or of one that finds more than it has triggered."""
    stage.service.inject(ShortPages(1), container=stage.name, times=None)
    stage.operator.start(ready=False)
    if again:
        yield from trigger_all(stage)
    held = stage.service.inject(Silence(), container=stage.name, page=page)
    yield Until(lambda: True, what="the curtain")
    stage.put(*(LATER_BLOBS if again else BLOBS))
    if not again:
        stage.watch()
    yield Until(lambda: held.hits > 0, what="it asked for the page")
    stage.operator.kill()
    held.cancel()
    stage.delete_jobs()
    stage.operator.start(ready=False)
    yield from stage.settle()


def dies_at_its_lease(stage: Stage, way: str) -> Script:
    """It is told to end while it works, and gives its lease up; a standby is there to take it."""
    leader, standby = stage.operator, stage.replica()
    leader.start(ready=False)
    yield Until(lambda: "leading" in leader.log.read_text(), what="the first leads")
    standby.start(ready=False)
    stage.watch()
    stage.put(*BLOBS)
    yield Until(lambda: stage.jobs(), what="it works")
    trap = set_trap(stage, RELEASE, way, later=0)
    leader.process.signal(signal.SIGTERM)
    yield Until(lambda: not leader.alive(), timeout=STOP_LIMIT, what="the leader has ended")
    leader.ended(0 if way == "never hears of" else -signal.SIGKILL)
    assert trap.hits() == 1
    stage.delete_jobs()
    yield from stage.settle()


def case(name: str, point: KillPoint, way: str, later: int = 0) -> Case:
    return Case(name, partial(script, point=point, way=way, later=later), point.flags, point.template, point.owes)


CASES = [
    *(case(f"{way} {name}", point, way) for name, point in KILL_POINTS.items() for way in WAYS),
    *(case(f"{way} {name} number {later + 1}", KILL_POINTS[name], way, later)
      for name, later in AGAIN.items() for way in WAYS),
    *(case(f"{way} {name}", point, way) for name, point in REPLAY.items() for way in WAYS),
    *(case(f"dies at {name}", point, "dies before") for name, point in READS.items()),
    *(Case(f"dies at page {page} of its first listing", partial(dies_at_a_page, page=page, again=False)) for page in PAGES),
    *(Case(f"dies at page {page} of a later listing", partial(dies_at_a_page, page=page, again=True)) for page in PAGES_OF_ALL),
    *(Case(f"{way} the release of its lease", partial(dies_at_its_lease, way=way), RELEASE.flags) for way in WAYS),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_blob_gets_its_one_job_when_it(case, played):
    played.check(case)
