"""Two replicas with --leader-elect, of which one after the other is stopped for a while, killed or ended.

What is to be done to them comes from a stream of its own for each attack, so the attacks are the same, in the same order,
for the same seed. Whether one finds its replica in a state to be attacked is up to the machine's timing; those that do
not are left out.
"""

import random
import signal
import time
from dataclasses import dataclass
from typing import Callable

from testing.operator import STOP_LIMIT, Operator

from faults import WRITES, write_in
from lives import TAKES_SIGNALS

LOST = "the lease was lost"
LOOK = 0.1
"""Seconds between two looks at a trap."""


@dataclass(frozen=True)
class Attack:
    """deed: "kill", "stop" (SIGTERM), "freeze", or "trap", which freezes the leader at a write."""
    replica: int
    deed: str
    write: str
    when: str
    rest: float
    """Seconds that it stays frozen: less than a lease, about as long, and longer."""
    pause: float
    """Until the next attack, in parts of the usual."""

    @staticmethod
    def draw(rng: random.Random, replicas: int) -> "Attack":
        return Attack(replica=rng.randrange(replicas),
                      deed=rng.choices(["kill", "stop", "freeze", "trap"], [25, 10, 25, 40])[0],
                      write=rng.choice(["create", "status", "finalizer"]), when=rng.choice(["before", "after"]),
                      rest=rng.choice([rng.uniform(0.5, 8), rng.uniform(9, 16), 25]), pause=rng.uniform(0.5, 1.5))


class Replica:
    """state: "dead", "alive", "trapped", "frozen", "stopping" or "killed", the last two until its end was seen."""

    def __init__(self, operator: Operator):
        self.operator, self.state = operator, "dead"
        self.until = 0.0
        """When it starts (dead), goes on (frozen), must be gone (stopping), or is to be looked at (trapped)."""
        self.since = 0.0
        """Since when it has run, and was not frozen."""
        self.log_from, self.led = 0, False
        self.trap, self.rest = None, 0.0

    def start(self, now: float) -> None:
        log = self.operator.log
        self.log_from, self.led = log.stat().st_size if log.exists() else 0, False
        self.operator.start(ready=False)
        self.state, self.since = "alive", now

    def said(self, words: str) -> bool:
        """In this life."""
        with open(self.operator.log, "rb") as log:
            log.seek(self.log_from)
            return words.encode() in log.read()

    def leads(self) -> bool:
        """As far as it knows itself: who loses the lease ends."""
        self.led = self.led or self.said("leading")
        return self.led

    def freeze(self, now: float, rest: float) -> None:
        self.state, self.until, self.trap = "frozen", now + rest, None

    def thaw(self, now: float) -> None:
        self.operator.process.signal(signal.SIGCONT)
        self.state, self.since = "alive", now


class Pair:
    def __init__(self, replicas: list[Operator], namespaces: list[str], proxy, rng: Callable[[str], random.Random],
                 pause: float):
        """rng: a stream for each name; pause: seconds between two attacks, on average."""
        self.replicas = [Replica(operator) for operator in replicas]
        self.namespaces, self.proxy, self.rng, self.pause = "|".join(namespaces), proxy, rng, pause
        self.restarts = rng("pair's restarts")
        self.kills, self.freezes, self.stops, self.attacks = 0, 0, 0, 0
        self.next = time.monotonic() + 15
        self.at_peace = False

    def step(self) -> None:
        now = time.monotonic()
        for replica in self.replicas:
            self._look(replica, now)
        if now > self.next and not self.at_peace:
            self.attacks += 1
            attack = Attack.draw(self.rng(f"attack {self.attacks}"), len(self.replicas))
            self.next = now + attack.pause * self.pause
            self._attack(attack, now)

    def peace(self) -> None:
        """Nothing more is done to them, and who is frozen goes on."""
        self.at_peace = True
        for replica in self.replicas:
            self._call_off(replica, time.monotonic())
            if replica.state == "frozen":
                replica.until = 0

    def _look(self, replica: Replica, now: float) -> None:
        if replica.state == "dead":
            if now > replica.until:
                replica.start(now)
        elif not replica.operator.alive():
            self._ended(replica, now)
        elif now <= replica.until:
            return
        elif replica.state == "frozen":
            replica.thaw(now)
        elif replica.state == "trapped":
            replica.until = now + LOOK
            if replica.trap.hits():
                self._froze(replica, now)
        elif replica.state == "stopping":
            raise AssertionError(f"still there {STOP_LIMIT} s after SIGTERM\n{replica.operator.tail()}")

    def _ended(self, replica: Replica, now: float) -> None:
        if replica.trap:
            replica.trap.cancel()
            replica.trap = None
        process = replica.operator.process
        process.wait(1)
        code, state = process.exit_code, replica.state
        replica.operator.ended(code)  # which is judged here
        if state == "killed" and code == -signal.SIGKILL:
            self.kills += 1
        elif state == "stopping" and code == 0:
            self.stops += 1
        elif code != 1 or not replica.said(LOST):  # who lost its lease ends, and its kubelet starts it again
            raise AssertionError(f"a replica ({state}) ended with {code}\n{replica.operator.tail()}")
        replica.state, replica.until = "dead", now + self.restarts.uniform(0, 1)

    def _attack(self, attack: Attack, now: float) -> None:
        replica = self.replicas[attack.replica]
        if attack.deed == "trap":  # nobody else comes to a write
            replica = next((each for each in self.replicas if each.state in ("alive", "trapped") and each.leads()), None)
        if replica is None:
            return
        self._call_off(replica, now)
        if replica.state != "alive" or not replica.operator.alive():
            return
        process = replica.operator.process
        if attack.deed == "trap":
            match = write_in(WRITES[attack.write], self.namespaces)
            replica.trap = self.proxy.signal_on(match, process, signal.SIGSTOP, attack.when)
            replica.state, replica.until, replica.rest = "trapped", now, attack.rest
        elif attack.deed == "freeze":
            leads = replica.leads()
            process.signal(signal.SIGSTOP)
            replica.freeze(now, attack.rest)
            self.freezes += leads  # a standby has nothing to be kept from
        elif attack.deed == "stop" and now - replica.since >= TAKES_SIGNALS:
            process.signal(signal.SIGTERM)
            replica.state, replica.until = "stopping", now + STOP_LIMIT
        else:
            process.stop(0)  # kill -9; it may have lost the lease a moment before, see _ended()
            replica.state = "killed"

    def _call_off(self, replica: Replica, now: float) -> None:
        """The trap, if there is one; it may have struck since the last look."""
        if replica.trap:
            replica.trap.cancel()
            if replica.trap.hits():
                self._froze(replica, now)
            else:
                replica.state, replica.trap = "alive", None

    def _froze(self, replica: Replica, now: float) -> None:
        self.freezes += 1
        replica.freeze(now, replica.rest)
