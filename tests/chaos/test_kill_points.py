"""At every write the operator dies before it, dies after it, or never hears what became of it; at every read it dies.

Then somebody deletes all Jobs, as a TTL of zero would, the operator starts anew, and the audit log tells whether each
blob got its one Job. All stages are played at once by `results`; each test is about one of them.
"""

import pytest

from kill_points import AGAIN, KILL_POINTS, READS, KillPoint
from script import Script, Until, play
from stage import Stage

WAYS = ("dies before", "dies after", "never hears of")
CASES = {
    **{f"{way} {name}": (point, way, 0) for name, point in KILL_POINTS.items() for way in WAYS},
    **{f"{way} {name} number {later + 1}": (KILL_POINTS[name], way, later)
       for name, later in AGAIN.items() for way in WAYS},
    **{f"dies at {name}": (point, "dies before", 0) for name, point in READS.items()},
}


def set_trap(stage: Stage, point: KillPoint, way: str, later: int):
    match = point.match(stage.name, later)
    if way == "never hears of":
        return stage.proxy.lose_answer(match, times=1)
    return stage.proxy.kill_on(match, stage.operator.process, "before" if way == "dies before" else "after")


def curtain(proxy) -> Script:
    """Comes last, when every trap is set: until then the operators stand before an API server that does not answer."""
    proxy.unhang()
    yield from ()


def script(stage: Stage, point: KillPoint, way: str, later: int) -> Script:
    stage.operator.start(ready=False)
    trap = set_trap(stage, point, way, later)
    yield Until(lambda: True, what="the curtain")
    yield from point.provoke(stage)
    yield Until(lambda: trap.hits() > 0, timeout=point.patience, what="the operator came there")
    if way == "never hears of":
        assert stage.operator.alive(), f"a lost answer ended it\n{stage.operator.tail()}"
    else:
        yield Until(lambda: not stage.operator.alive(), timeout=10, what="the operator is dead")
    stage.delete_jobs()
    if not stage.operator.alive():
        stage.operator.start(ready=False)
    yield from point.afterwards(stage)
    yield from stage.settle()


@pytest.fixture(scope="module")
def results(bed, service, proxy, tail):
    """What became of each case: (error or None, verdict or None)."""
    stages = {name: Stage(bed, service, proxy, tail, f"kill-{n}", point.flags, point.template, point.owes)
              for n, (name, (point, _, _)) in enumerate(CASES.items())}
    proxy.hang()
    errors = play({**{name: script(stages[name], *case) for name, case in CASES.items()}, "curtain": curtain(proxy)})
    yield {name: (errors[name], stage.verdict(), stage) for name, stage in stages.items()}
    for stage in stages.values():
        stage.close()


@pytest.mark.parametrize("name", CASES)
def test_each_blob_gets_its_one_job_when_it(name, results):
    error, verdict, stage = results[name]
    if error:
        raise AssertionError(f"{error}\n{stage.operator.tail()}") from error
    assert verdict.good, f"{verdict}\n{stage.operator.tail()}"
    assert verdict.promised == verdict.created > 0
