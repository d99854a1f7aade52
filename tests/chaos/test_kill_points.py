"""At every write the operator dies before it, dies after it, or never hears what became of it; at every read it dies.

Then somebody deletes all Jobs, as a TTL of zero would, the operator starts anew, and the audit log tells whether each
blob got its one Job.
"""

import signal
from functools import partial

import pytest

from kill_points import AGAIN, KILL_POINTS, READS, REPLAY, KillPoint
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


def case(name: str, point: KillPoint, way: str, later: int = 0) -> Case:
    return Case(name, partial(script, point=point, way=way, later=later), point.flags, point.template, point.owes)


CASES = [
    *(case(f"{way} {name}", point, way) for name, point in KILL_POINTS.items() for way in WAYS),
    *(case(f"{way} {name} number {later + 1}", KILL_POINTS[name], way, later)
      for name, later in AGAIN.items() for way in WAYS),
    *(case(f"{way} {name}", point, way) for name, point in REPLAY.items() for way in WAYS),
    *(case(f"dies at {name}", point, "dies before") for name, point in READS.items()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_blob_gets_its_one_job_when_it(case, played):
    played.check(case)
