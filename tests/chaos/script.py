"""Plays many scripts at once in one thread: a script is a generator that yields what it waits for.

Processes must be started by the main thread (see testing.processes), and forty small operators that wait for one thing
or another take no longer together than the slowest of them.
"""

import time
from dataclasses import dataclass
from typing import Callable, Generator

from testing.kube import TimedOut

PAUSE = 0.02


@dataclass
class Until:
    """The script goes on, with what was seen, once `happened` says so."""
    look: Callable
    happened: Callable = bool
    timeout: float = 60
    what: str = ""


Script = Generator[Until, object, None]


class _Playing:
    def __init__(self, script: Script):
        self.script, self.until, self.end = script, None, 0.0
        self.error: Exception | None = None
        self.over = False
        self._go_on(None)

    def step(self) -> None:
        try:
            seen = self.until.look()
            if self.until.happened(seen):
                self._go_on(seen)
            elif time.monotonic() > self.end:
                error = TimedOut(f"not within {self.until.timeout:g} s: {self.until.what}; last seen: {str(seen)[:400]}")
                self._take(lambda: self.script.throw(error))
        except Exception as error:  # of look() or happened(): that script has failed, the others play on
            self._take(lambda: self.script.throw(error))

    def _go_on(self, seen) -> None:
        self._take(lambda: self.script.send(seen))

    def _take(self, turn: Callable) -> None:
        try:
            self.until = turn()
            self.end = time.monotonic() + self.until.timeout
        except StopIteration:
            self.over = True
        except Exception as error:
            self.error, self.over = error, True


def play(scripts: dict[str, Script]) -> dict[str, Exception | None]:
    """Plays all to their end; each one's error, or None."""
    playing = {name: _Playing(script) for name, script in scripts.items()}
    while running := [each for each in playing.values() if not each.over]:
        for each in running:
            each.step()
        time.sleep(PAUSE)
    return {name: each.error for name, each in playing.items()}
