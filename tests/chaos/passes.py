"""The passes over a container, put together from the sweeps that the blob service saw.

Over a small container a pass is one sweep. Over a large one it is many: the root with a delimiter, which shows the
folders, then folders and parts, of which one may be a whole listing again when there is nothing to split by. None of
them says anything alone: the operator concludes from all or from nothing. So a pass begins with a sweep of the root and
is over when the next begins, since an operator makes one pass at a time.
"""

from dataclasses import dataclass
from typing import Iterable, Iterator

from testing.blob_sweeps import Sweep


@dataclass(frozen=True)
class Pass:
    began: float
    over: float
    """When the next one began: whatever this one was good for has been done."""
    complete: bool
    """Every sweep of it came to its end, and nothing that it asked for was answered with anything else."""


def passes(sweeps: Iterable[Sweep], failures: Iterable[float]) -> list[Pass]:
    """Those that are over. sweeps: in order of their beginning; failures: when a request came that got no page. A pass whose
    first page had to be asked for twice counts as two, of which the first is not complete."""
    failures = sorted(failures)
    told = list(_by_pass(sweeps))
    return [_pass(mine, following[0].began, failures) for mine, following in zip(told, told[1:])]


def _by_pass(sweeps: Iterable[Sweep]) -> Iterator[list[Sweep]]:
    current: list[Sweep] = []
    for sweep in sweeps:
        # The first whole listing after an opened root may be a part of it. If it is a pass of its own, two were taken for
        # one, which proves less and nothing wrong.
        if not sweep.prefix and current and (sweep.delimiter or any(_whole(each) for each in current)):
            yield current
            current = []
        if current or not sweep.prefix:
            current.append(sweep)
    if current:
        yield current


def _whole(sweep: Sweep) -> bool:
    return not sweep.prefix and not sweep.delimiter


def _pass(mine: list[Sweep], over: float, failures: list[float]) -> Pass:
    began = mine[0].began
    failed = any(began <= at < over for at in failures)
    return Pass(began, over, not failed and all(sweep.complete for sweep in mine))
