"""The lives of an operator under attack: started, killed in one way or another, started again.

A life is direct (the real API server, HTTP/2) or leads through the lying one. Nothing here blocks: step() is called
often, by the main thread.
"""

import random
import signal
import time
from dataclasses import dataclass

from testing.operator import STOP_LIMIT, Operator

from faults import WRITES

WAIT_FOR_TRAP = 1.5
# A process that has not come to main() yet ends by SIGTERM as any does; on a busy machine that takes a while.
TAKES_SIGNALS = 1.0


@dataclass
class Life:
    began: float
    direct: bool
    ended: float | None = None


class Lives:
    """One operator that is to be killed again and again."""

    def __init__(self, direct: Operator, lying: Operator, proxy, rng: random.Random, mean: float):
        """Two descriptions of the same operator; mean: seconds of a life."""
        self.direct, self.lying, self.proxy, self.rng, self.mean = direct, lying, proxy, rng, mean
        self.lives: list[Life] = []
        self.kills, self.stops = 0, 0
        self.traps: list = []
        self.state, self.until, self.trap = "dead", 0.0, None
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
            self._attack(now)

    def peace(self) -> None:
        """From the next start on it lives, directly, until the end."""
        self.at_peace = True

    def _start(self, now: float) -> None:
        direct = self.at_peace or self.rng.random() < 0.3
        self.lives.append(Life(now, direct))
        self.operator.start(ready=False)
        calm = self.rng.random() < 0.04
        length = self.rng.uniform(7, 10) if calm else min(self.rng.expovariate(1 / self.mean), 4 * self.mean)
        self.state, self.until = "alive", now + max(0.03, length)

    def _attack(self, now: float) -> None:
        dice = self.rng.random()
        if self.state == "trapped" or dice < 0.5:
            self._kill()
        elif dice < 0.9 and not self.operator_is_direct:
            name = self.rng.choice(sorted(WRITES))
            self.trap = self.proxy.kill_on(WRITES[name], self.operator.process, self.rng.choice(["before", "after"]))
            self.state, self.until = "trapped", now + WAIT_FOR_TRAP
        elif dice < 0.9 or now - self.lives[-1].began < TAKES_SIGNALS:
            self._kill()
        else:
            self.operator.process.signal(signal.SIGTERM)
            self.state, self.until = "stopping", now + STOP_LIMIT

    @property
    def operator_is_direct(self) -> bool:
        return self.lives[-1].direct

    def _kill(self) -> None:
        if self.trap:
            self.trap.cancel()
        self.operator.kill()
        self.kills += 1

    def _ended(self, now: float) -> None:
        self.operator.process.wait(1)
        code = self.operator.process.exit_code
        if self.state == "stopping":
            self.stops += 1
            if code:
                raise AssertionError(f"exit code {code} after SIGTERM\n{self.operator.tail()}")
        elif self.trap and self.trap.hits():
            self.kills += 1
            self.traps.append(self.trap)
        elif code != -signal.SIGKILL:
            raise AssertionError(f"it ended by itself with {code}\n{self.operator.tail()}")
        self.trap = None
        self.lives[-1].ended = now
        self.state, self.until = "dead", now + self.rng.choice([0, 0, self.rng.uniform(0, 0.5)])


class Pair:
    """Two replicas with --leader-elect, of which one after the other is stopped for a while, killed or ended."""

    def __init__(self, replicas: list[Operator], proxy, rng: random.Random, pause: float):
        self.replicas, self.proxy, self.rng, self.pause = replicas, proxy, rng, pause
        self.kills, self.freezes, self.stops = 0, 0, 0
        self.frozen: dict[int, float] = {}
        """Replica to when it goes on."""
        self.sprung: dict[int, object] = {}
        """Replica to the trap that will freeze it at a request."""
        self.next = time.monotonic() + 15
        self.look_again = 0.0
        self.restart_at: dict[int, float] = {n: 0.0 for n in range(len(replicas))}
        self.at_peace = False

    def step(self) -> None:
        now = time.monotonic()
        for n, operator in enumerate(self.replicas):
            if not operator.alive():
                self._dead(n, operator, now)
            elif n in self.sprung and now > self.look_again:
                self.look_again = now + 0.1
                if self.sprung[n].hits():
                    del self.sprung[n]
                    self._froze(n, now)
            elif n in self.frozen and now > self.frozen[n]:
                del self.frozen[n]
                operator.process.signal(signal.SIGCONT)
        if now > self.next and not self.at_peace:
            self.next = now + self.rng.uniform(0.5, 1.5) * self.pause
            self._attack(self.rng.randrange(len(self.replicas)), now)

    def peace(self) -> None:
        self.at_peace = True
        for trap in self.sprung.values():
            trap.cancel()
        self.sprung.clear()
        for n in self.frozen:
            self.frozen[n] = 0

    def _dead(self, n: int, operator: Operator, now: float) -> None:
        self.frozen.pop(n, None)
        self.sprung.pop(n, None)
        if n in self.restart_at:
            if now > self.restart_at[n]:
                del self.restart_at[n]
                operator.start(ready=False)
            return
        # A leader that lost its lease ends, and its kubelet starts it again.
        operator.process.wait(1)
        code = operator.process.exit_code
        if code not in (0, 1, -signal.SIGKILL):
            raise AssertionError(f"a replica ended with {code}\n{operator.tail()}")
        self.restart_at[n] = now + self.rng.uniform(0, 1)

    def _attack(self, n: int, now: float) -> None:
        operator, dice = self.replicas[n], self.rng.random()
        if not operator.alive() or n in self.frozen or n in self.sprung:
            return
        if dice < 0.25:
            operator.kill()
            self.kills += 1
        elif dice < 0.35:
            operator.process.signal(signal.SIGTERM)
            self.stops += 1
        elif dice < 0.6:
            operator.process.signal(signal.SIGSTOP)
            self._froze(n, now)
        else:  # only a leader comes to a write, so that it is the leader that freezes
            match = self.rng.choice([WRITES["create"], WRITES["status"], WRITES["finalizer"]])
            self.sprung[n] = self.proxy.signal_on(match, operator.process, signal.SIGSTOP,
                                                  self.rng.choice(["before", "after"]))

    def _froze(self, n: int, now: float) -> None:
        self.freezes += 1
        # For less than a lease, about as long, and longer.
        self.frozen[n] = now + self.rng.choice([self.rng.uniform(0.5, 8), self.rng.uniform(9, 16), 25])
