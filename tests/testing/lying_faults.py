"""What a lying API server has been told to do, and to which requests. Pure, but for the dice."""

from __future__ import annotations

import asyncio
import random
import re

from .lying_wire import Request

GROUPS = [("signal_before",), ("delay",), ("drop_request", "answer"), ("delay_answer",),
          ("signal_after", "lose_answer")]
"""Of each at most one fault meets a request, the one that was armed first."""


class Fault:
    def __init__(self, kind: str, match: dict, times: int | None, probability: float, parameters: dict):
        self.kind, self.times, self.probability = kind, times, probability
        self.parameters = parameters
        self.method, self.path, self.content_type = (
            re.compile(match[name]) if match[name] is not None else None for name in ("method", "path", "content_type"))
        self.watch, self.skip = match["watch"], match["skip"]
        self.taken = self.hits = 0
        self.over = asyncio.Event()

    @property
    def cancelled(self) -> bool:
        """Also for a request that is under way."""
        return self.over.is_set()

    def cancel(self) -> None:
        self.over.set()

    async def pause(self) -> None:
        """As long as it says, or until it is cancelled."""
        try:
            await asyncio.wait_for(self.over.wait(), self.parameters["seconds"])
        except TimeoutError:
            pass

    def fits(self, request: Request) -> bool:
        return ((self.watch is None or self.watch == request.watch)
                and (self.method is None or self.method.fullmatch(request.method) is not None)
                and (self.path is None or self.path.search(request.path) is not None)
                and (self.content_type is None or self.content_type.search(request.content_type) is not None))

    def is_due(self, request: Request, chance: random.Random) -> bool:
        """Whether it is this one's turn. To be asked once for each request, whoever else is due."""
        if (self.times is not None and self.taken >= self.times) or not self.fits(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return self.probability >= 1 or chance.random() < self.probability


def choose(faults: list[Fault], request: Request, chance: random.Random) -> Fault | None:
    """The first that is due. It is taken, and counts as a hit only once it had its effect."""
    due = [fault for fault in faults if fault.is_due(request, chance)]
    if not due:
        return None
    due[0].taken += 1
    return due[0]
