"""The listings that clients made of one container, put together from their pages by the markers.

A marker is opaque, belongs to one listing, and stays valid: a page that is asked for again is listed anew from the
same name. Only a page without NextMarker that was written to the last byte completes a sweep.
"""

from __future__ import annotations

import dataclasses
import itertools
import secrets
import threading
import time


@dataclasses.dataclass
class Sweep:
    """began: the first page's request was here, and nothing had been looked up for it; ended: its last page so far was
    written, or broke off (time.monotonic()); pages: those that were written without fault."""
    prefix: str
    delimiter: str
    began: float
    ended: float | None = None
    complete: bool = False
    pages: int = 0


@dataclasses.dataclass
class Mark:
    """What a marker stands for: the page that begins with the name `begin`."""
    token: str
    sweep: Sweep
    begin: str
    page: int
    used: bool = False
    circle: bool = False
    """Its page gives this very marker again."""


class Part:
    """One page of a sweep on its way out."""

    def __init__(self, sweep: Sweep, is_last: bool):
        self.sweep, self.is_last = sweep, is_last
        self.before = (sweep.pages, sweep.complete)

    def served(self, whole: bool) -> None:
        """The last word counts: a page that was whole but for its last byte was not."""
        pages, complete = self.before
        self.sweep.ended = time.monotonic()
        self.sweep.pages = pages + whole
        self.sweep.complete = complete or (whole and self.is_last)


class Sweeps:
    def __init__(self):
        self._lock = threading.Lock()
        self._sweeps: list[Sweep] = []
        self._failures: list[float] = []
        self._marks: dict[str, Mark] = {}
        self._numbers = itertools.count(1)

    def known(self) -> list[Sweep]:
        with self._lock:
            return [dataclasses.replace(sweep) for sweep in self._sweeps]

    def failures(self) -> list[float]:
        with self._lock:
            return [*self._failures]

    def failed(self, arrived: float) -> None:
        with self._lock:
            self._failures.append(arrived)

    def begin(self, prefix: str, delimiter: str) -> Sweep:
        sweep = Sweep(prefix, delimiter, time.monotonic())
        with self._lock:
            self._sweeps.append(sweep)
        return sweep

    def find(self, token: str) -> Mark | None:
        return self._marks.get(token)

    def make(self, sweep: Sweep, begin: str, page: int, circle: bool = False) -> Mark:
        # Characters that a client must not forget to encode, and which name nothing.
        token = f"2!{next(self._numbers)}!{secrets.token_urlsafe(9)}+/&="
        mark = self._marks[token] = Mark(token, sweep, begin, page, circle=circle)
        return mark

    @staticmethod
    def first_use(mark: Mark) -> bool:
        used, mark.used = mark.used, True
        return not used
