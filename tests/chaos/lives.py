"""The lives of an operator under attack: started, killed in one way or another, started again.

A life is direct (the real API server, HTTP/2) or leads through the lying one. Nothing here blocks: step() is called
often, by the main thread.
"""

import random
import signal
import time
from dataclasses import dataclass
from typing import Callable

from testing.operator import STOP_LIMIT, Operator

from faults import WRITES, write_in

WAIT_FOR_TRAP = 1.5
# A process that has not come to main() yet ends by SIGTERM as any does; on a busy machine that takes a while.
TAKES_SIGNALS = 1.0


@dataclass(frozen=True)
class Plan:
    """What a life is to be like, drawn before it begins from a stream of its own: so the lives are the same, in the same
    order, for the same seed, whatever the machine's timing makes of one of them."""
    direct: bool
    length: float
    """Seconds until its end is brought about."""
    end: str
    """"kill", "stop" (SIGTERM), or "trap": killed at a write, or plainly if it comes to none soon."""
    write: str
    when: str
    pause: float
    """Seconds until the next life."""

    @staticmethod
    def draw(rng: random.Random, mean: float) -> "Plan":
        calm = rng.random() < 0.04
        length = rng.uniform(7, 10) if calm else min(rng.expovariate(1 / mean), 4 * mean)
        return Plan(direct=rng.random() < 0.3, length=max(0.03, length),
                    end=rng.choices(["kill", "trap", "stop"], [50, 40, 10])[0],
                    write=rng.choice(sorted(WRITES)), when=rng.choice(["before", "after"]),
                    pause=rng.choice([0, 0, rng.uniform(0, 0.5)]))


@dataclass
class Life:
    began: float
    direct: bool
    plan: Plan
    ended: float | None = None


class Lives:
    """One operator that is to be killed again and again."""

    def __init__(self, direct: Operator, lying: Operator, namespaces: list[str], proxy, rng: Callable[[str], random.Random],
                 mean: float):
        """Two descriptions of the same operator; rng: a stream for each name; mean: seconds of a life."""
        self.direct, self.lying, self.proxy, self.rng, self.mean = direct, lying, proxy, rng, mean
        self.namespaces = "|".join(namespaces)
        self.lives: list[Life] = []
        self.kills, self.stops = 0, 0
        self.state, self.until, self.trap = "dead", 0.0, None
        """state: "dead", "alive", "trapped", or "stopping" and "killed" until its end was seen."""
        self.at_peace = False

    @property
    def operator(self) -> Operator:
        return self.direct if self.lives and self.lives[-1].direct else self.lying

    def step(self) -> None:
        now = time.monotonic()
        if self.state == "dead":
            if now >= self.until:
                self._start(now)
        elif not self.operator.alive():
            self._ended(now)
        elif self.state == "stopping":
            if now > self.until:
                raise AssertionError(f"still there {STOP_LIMIT} s after SIGTERM\n{self.operator.tail()}")
        elif not self.at_peace and now > self.until:
            self._attack(self.lives[-1], now)

    def peace(self) -> None:
        """From the next start on it lives, directly, until the end."""
        self.at_peace = True

    def _start(self, now: float) -> None:
        plan = Plan.draw(self.rng(f"life {len(self.lives)}"), self.mean)
        self.lives.append(Life(now, self.at_peace or plan.direct, plan))
        self.operator.start(ready=False)
        self.state, self.until = "alive", now + plan.length

    def _attack(self, life: Life, now: float) -> None:
        plan = life.plan
        if plan.end == "trap" and self.state == "alive" and not life.direct:
            match = write_in(WRITES[plan.write], self.namespaces)
            self.trap = self.proxy.kill_on(match, self.operator.process, plan.when)
            self.state, self.until = "trapped", now + WAIT_FOR_TRAP
        elif plan.end == "stop" and now - life.began >= TAKES_SIGNALS:
            self.operator.process.signal(signal.SIGTERM)
            self.state, self.until = "stopping", now + STOP_LIMIT
        else:
            if self.trap:
                self.trap.cancel()
            self.operator.process.stop(0)  # kill -9; the trap may have been faster
            self.state = "killed"

    def _ended(self, now: float) -> None:
        self.operator.process.wait(1)
        code = self.operator.process.exit_code
        self.operator.ended(code)  # which is judged here
        if self.state == "stopping":
            self.stops += 1
            if code:
                raise AssertionError(f"exit code {code} after SIGTERM\n{self.operator.tail()}")
        elif code == -signal.SIGKILL and (self.state == "killed" or (self.trap and self.trap.hits())):
            self.kills += 1
        else:
            raise AssertionError(f"it ended by itself with {code}\n{self.operator.tail()}")
        self.trap = None
        self.lives[-1].ended = now
        self.state, self.until = "dead", now + self.lives[-1].plan.pause
