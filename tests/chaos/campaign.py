"""A campaign: many tenants, blobs that never stop coming, an operator that is killed again and again, faults on both
sides of it, two replicas beside it; and at the end the judge.

    python campaign.py --full [--seed N] [--runs 3]      (make chaos)
    python campaign.py --full --mode deletions           (make chaos MODE=deletions)
    python campaign.py --quick                           (what `make test` runs, as test_campaign.py)

Everything that is drawn comes from the seed, and each part, each life and each attack on the replicas has a stream of its
own. The machine's own timing does not: a seed brings the same tenants, and the same faults, lives, attacks and rebirths in
the same order, not at the same microsecond. What a fault meets, how many writes there are and which blob one comes across,
and whether an attack finds its replica fit for it, depends on what was done by then.
"""

import argparse
import heapq
import itertools
import json
import os
import random
import secrets
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from testing import paths, sanitizers  # noqa: E402
from testing.bed import ApiBed  # noqa: E402
from testing.hostile_blob_service import HostileBlobService  # noqa: E402
from testing.kube import Kube, wait_until  # noqa: E402
from testing.lying_api_server import LyingApiServer  # noqa: E402
from testing.operator import Operator  # noqa: E402

from faults import Injected, inject_one  # noqa: E402
from judge import CREATIONS_ONLY, OPERATOR, AuditTail, AuditThread, Verdict, judge  # noqa: E402
from lives import Lives  # noqa: E402
from mid_pass import MidPass  # noqa: E402
from pair import Pair  # noqa: E402
from passes import Pass, passes  # noqa: E402
from stage import ACCOUNT, FINALIZER, KEY, WATCHER  # noqa: E402
from tenants import (CHARACTERS, DELETED, DELETED_PAIR, PAIR, Character, Cleaners, Reapers, Tenant,  # noqa: E402
                     Writers)

WINDOW = 4
"""So many complete passes within one undisturbed life show every blob that was there all the while."""

UNJUDGED = 0.05
"""At most this part of all versions may be neither promised nor created. Only the hasty (tenants.py) erase a version that is
not triggered yet: some of those who come across a blob within two seconds. A blob is come across more often than that
only while there are few, at the beginning, so it is one or two in a hundred."""


@dataclass(frozen=True)
class Size:
    versions: int
    kills: int
    faults: int
    """Kills included."""
    per_second: float
    """Versions written."""
    life: float
    """Seconds between an operator's start and its next misfortune, on average."""
    fault_every: float
    pair_pause: float
    long_outages: int
    limit: float
    """Seconds after which the goals above, or `least` of them, must have been reached, and the attack ends."""
    total: float
    """Seconds that all of it may take, whatever there still is to wait for."""
    least: float = 1
    """A part: a slow machine has done less when its time is over, and is judged by that."""


@dataclass(frozen=True)
class Mode:
    """What the tenants are like, and what becomes of them."""
    tenants: dict[str, Character]
    pair: dict[str, Character]
    full: Size
    quick: Size
    rebirth_every: tuple[float, float]
    """Seconds between two ends of a watcher or a namespace: at least, at most."""
    mid_pass: bool
    """They come in the middle of a pass over the container."""
    most: int
    """Blobs in a container at once: a watcher that is created anew triggers them all."""
    page: int
    """Blobs on a page: small pages, so that containers of a thousand blobs are listed as those of a million are, in parts."""


MODES = {
    "all": Mode(CHARACTERS, PAIR, full=Size(100_000, 300, 1_000, 170, 1.7, 0.7, 8, 2, 3600, 4200),
                quick=Size(3_000, 25, 100, 60, 1.5, 0.5, 6, 0, 150, 270, 0.3),
                rebirth_every=(3, 12), mid_pass=False, most=1500, page=60),
    "deletions": Mode(DELETED, DELETED_PAIR, full=Size(3_000, 100, 400, 25, 1.5, 0.7, 6, 1, 440, 570),
                      quick=Size(800, 15, 60, 20, 1.5, 0.5, 6, 0, 150, 270, 0.3),
                      rebirth_every=(1, 4), mid_pass=True, most=150, page=8),
}


class Arena:
    """What the parts of a campaign share."""

    def __init__(self, mode: Mode, size: Size, seed: int, stack: ExitStack):
        self.mode, self.size, self.seed = mode, size, seed
        self.bed = stack.enter_context(ApiBed(audit=CREATIONS_ONLY))
        self.bed.kube.install_crd(paths.CRD)
        self.service = HostileBlobService(accounts={ACCOUNT: KEY}, seed=seed).start()
        stack.callback(self.service.stop)
        self.service.page_size_limit = mode.page
        # Neither the service nor this machine is right about the time, and nothing may depend on it.
        self.service.date_offset = self.rng("clock").uniform(-600, 600)
        self.proxy = LyingApiServer(self.bed, user=OPERATOR, seed=seed)
        self.proxy.start()
        stack.callback(self.proxy.stop)
        self.tail = AuditTail(self.bed.audit_log)
        self.tenants = [self._tenant(name, character) for name, character in {**mode.tenants, **mode.pair}.items()]
        self.direct_config = self.bed.user_kubeconfig(OPERATOR)
        self.timeline: list = []
        self.ticket = itertools.count()
        self.outages = size.long_outages

    def rng(self, what: str) -> random.Random:
        """A stream of its own for each part, so that one's draws do not depend on when another draws."""
        return random.Random(f"{self.seed} {what}")

    def _tenant(self, name: str, character) -> Tenant:
        return Tenant(name, character, self.bed.kube, self.service, self.rng(name))

    def operator(self, name: str, config: Path, namespaces: list[str], *flags: str) -> Operator:
        only = [part for namespace in namespaces for part in ("--namespace", namespace)]
        kinds = ["--allowed-kind", "batch/v1 Job", "--allowed-kind", "v1 ConfigMap"]
        return Operator(self.bed.run, config, [*only, *kinds, "--settle-margin", "3", *flags], [self.service.origin], name)

    # For the faults

    def after(self, seconds: float, action) -> None:
        heapq.heappush(self.timeline, (time.monotonic() + seconds, next(self.ticket), action))

    def run_due(self) -> None:
        while self.timeline and self.timeline[0][0] <= time.monotonic():
            heapq.heappop(self.timeline)[2]()

    def end_faults(self) -> None:
        """All at once, those too whose end was for later: what hangs in a silence would hang on otherwise, and nothing would
        tell a watch of the events that it lost."""
        while self.timeline:
            heapq.heappop(self.timeline)[2]()
        self.proxy.clear_faults()
        self.proxy.come_back()
        self.proxy.unhang()
        self.service.clear_faults()

    def outage(self, rng: random.Random) -> float:
        """Seconds without an API server: a minute now and then, else a moment."""
        if self.outages and rng.random() < 0.2:
            self.outages -= 1
            return 60
        return rng.uniform(0.2, 3)

    def some_container(self, rng: random.Random) -> str:
        return rng.choice(self.tenants).name


class Campaign:
    def __init__(self, arena: Arena):
        self.arena = arena
        size, most, pair = arena.size, arena.mode.most, arena.mode.pair
        tenants = [tenant for tenant in arena.tenants if tenant.name not in pair]
        self.main_tenants, self.pair_tenants = tenants, [t for t in arena.tenants if t.name in pair]
        names = [tenant.name for tenant in tenants]
        self.lives = Lives(arena.operator("operator", arena.direct_config, names),
                           arena.operator("operator", arena.proxy.kubeconfig, names),
                           names, arena.proxy, arena.rng, size.life)
        replicas = [arena.operator(f"replica-{n}", config, list(pair), "--leader-elect", "--leader-election-namespace", "pair")
                    for n, config in enumerate([arena.proxy.kubeconfig] * 2)]
        self.pair = Pair(replicas, list(pair), arena.proxy, arena.rng, size.pair_pause)
        share = size.versions // 50  # a takeover takes its time: the pair's blobs are few
        self.writers = [Writers(tenants, size.versions - share, size.per_second, most, arena.rng("writers")),
                        Writers(self.pair_tenants, share, size.per_second / 50, most, arena.rng("pair's writers"))]
        connect = partial(Kube.from_kubeconfig, arena.bed.kubeconfig)
        self.cleaners, self.reapers = Cleaners(connect, arena.tenants), Reapers(connect, arena.tenants)
        self.ends = MidPass(arena.service) if arena.mode.mid_pass else None
        self.injected: list[Injected] = []
        self.rebirths, self.struck, self.counted = 0, 0, 0.0
        self.unmet: list[str] = []
        """What did not come in time once nothing disturbed any more: no campaign with one of these is good."""

    # The course of it

    def run(self) -> Verdict:
        self.began = time.monotonic()
        for tenant in self.arena.tenants:
            tenant.begin()
        self.arena.tail.on_creation = self._created
        with AuditThread(self.arena.tail):
            for thread in (*self.writers, self.cleaners, self.reapers):
                thread.start()
            self._attack()
            self._quiet()
            for thread in (self.cleaners, self.reapers):
                thread.stopped.set()
                thread.join()
        self._stop()
        return self._verdict()

    def _created(self, creation) -> None:
        for tenant in self.arena.tenants:
            if tenant.name == creation.namespace:
                tenant.created(creation)
        self.cleaners.created(creation)
        if self.ends:
            self.ends.created(creation)

    def _attack(self) -> None:
        rng, reborn = self.arena.rng("faults"), self.arena.rng("rebirths")
        next_fault, next_rebirth, next_word = self.began + 3, self.began + 8, self.began + 10
        while not self._enough():
            now = time.monotonic()
            if now - self.began > self.arena.size.limit:
                if self._enough(self.arena.size.least):
                    break
                raise AssertionError(f"not enough was done within {self.arena.size.limit:g} s: {self.progress()}")
            self._step()
            if now > next_fault:
                self.injected.append(inject_one(self.arena, rng))
                next_fault = now + rng.expovariate(1 / self.arena.size.fault_every)
            if now > next_rebirth:
                self._end_a_life(reborn)
                next_rebirth = now + reborn.uniform(*self.arena.mode.rebirth_every)
            if now > next_word:
                print(f"  {self.progress()}", file=sys.stderr, flush=True)
                next_word = now + 10
            time.sleep(0.005)
        for writer in self.writers:
            writer.stopped.set()
            writer.join()

    def _enough(self, part: float = 1) -> bool:
        written = all(not writer.is_alive() or writer.written >= part * writer.versions for writer in self.writers)
        size = self.arena.size
        return written and self.kills >= part * size.kills and self.faults >= part * size.faults

    def _step(self) -> None:
        self.arena.run_due()
        self.lives.step()
        self.pair.step()
        for thread in (*self.writers, self.cleaners, self.reapers):
            if thread.error:
                raise thread.error
        if self.ends:
            self.ends.step()
        for tenant in self.arena.tenants:
            if not tenant.alive and tenant.try_rebirth():
                self.rebirths += 1

    def _end_a_life(self, rng: random.Random) -> None:
        tenant = rng.choice([tenant for tenant in self.main_tenants if tenant.character.reborn])
        if tenant.alive and self.ends:
            self.ends.plan(tenant, rng.choice(["page", "creation"]))
        elif tenant.alive:
            tenant.end_life()

    def _quiet(self) -> None:
        """No more faults, no more writing: now everything that is owed must come."""
        arena = self.arena
        print(f"  {self.progress()}; now nothing disturbs it", file=sys.stderr, flush=True)
        arena.end_faults()
        if self.ends:
            self.ends.call_off()
        self.lives.peace()
        self.pair.peace()
        self._wait(lambda: all(tenant.alive for tenant in arena.tenants), 120, "every watcher lives")
        self._wait(lambda: not any(self._owed()), 400, "every blob was triggered", self._describe_owed)
        since = time.monotonic()
        self._wait(lambda: all(self._swept(tenant, since) for tenant in arena.tenants), 60, "two more passes over each")
        self._wait(lambda: not self._held(), 90, "no object is held by our finalizer", self._held)

    def _wait(self, happened, timeout: float, what: str, seen=lambda: "") -> None:
        began, look, word = time.monotonic(), -1.0, 10
        timeout = min(timeout, self.began + self.arena.size.total - began)
        while True:
            self._step()
            waited = time.monotonic() - began
            if waited > look:
                if happened():
                    return
                look = waited + 0.5
            if waited > word:
                print(f"  after {waited:.0f} of {timeout:g} s not yet: {what} {str(seen())[:3000]}", file=sys.stderr, flush=True)
                word += 20
            if waited > timeout:
                return self.unmet.append(what)  # looked on all the same: the judge then says more
            time.sleep(0.005)

    def _owed(self) -> list:
        return [(tenant.name, version) for tenant in self.arena.tenants for version in sorted(tenant.open)]

    def _describe_owed(self) -> str:
        """The first, and what its watcher says of itself."""
        owed = self._owed()
        if not owed:
            return "nothing is owed any more"
        name, version = owed[0]
        status = self.arena.bed.kube.get(WATCHER, "w", name).get("status", {})
        status = {key: value for key, value in status.items() if key not in ("triggeredJobs", "checkpoint")}
        return f"{len(owed)} are owed, such as {name} {version}: {json.dumps(status)}"

    def _swept(self, tenant: Tenant, since: float) -> bool:
        return sum(each.complete and each.began > since for each in self._passes(tenant.name)) >= 2

    def _passes(self, container: str) -> list[Pass]:
        return passes(self.arena.service.sweeps(container), self.arena.service.failures(container))

    def _held(self) -> list[str]:
        kube = self.arena.bed.kube
        return [f"{kind} {each['metadata']['namespace']}/{each['metadata']['name']}"
                for kind in ("Job", "ConfigMap") for each in kube.list(kind)
                if FINALIZER in each["metadata"].get("finalizers", [])]

    def _stop(self) -> None:
        self.lives.operator.stop()
        for replica in self.pair.replicas:
            replica.operator.stop()

    # The result

    @property
    def kills(self) -> int:
        return self.lives.kills + self.pair.kills

    @property
    def faults(self) -> int:
        """Everything that was done to it and struck."""
        if time.monotonic() > self.counted + 1:  # it asks the proxy for each
            self.struck, self.counted = sum(fault.has_struck() for fault in self.injected), time.monotonic()
        process = self.kills + self.lives.stops + self.pair.stops + self.pair.freezes
        return process + self.rebirths + self.struck

    def progress(self) -> str:
        written = sum(tenant.written for tenant in self.arena.tenants)
        return (f"{time.monotonic() - self.began:.0f} s: {written} versions, {len(self.arena.tail.creations)} created, "
                f"{self.faults} faults, {self.kills} kills, {self.pair.freezes} freezes, {self.rebirths} rebirths"
                + (f", {self.reapers.deleted} reaped, {self.ends.done} ends in mid-pass" if self.ends else ""))

    def _verdict(self) -> Verdict:
        watchers = [life for tenant in self.arena.tenants for life in tenant.lives]
        verdict = judge(self.arena.tail.creations, watchers, self.arena.service.versions, self._windows)
        verdict.wrong += [("held by our finalizer", held) for held in self._held()]
        if reports := sanitizers.reports_in(self.arena.bed.logs):
            verdict.wrong.append(("found by a sanitizer", reports))
        given_up = {(tenant.name, *version) for tenant in self.arena.tenants for version in tenant.given_up}
        verdict.wrong += [("erased before it was judged", container, version) for container, version in verdict.unjudged
                          if (container, version.name, version.etag) not in given_up]
        if len(verdict.unjudged) > UNJUDGED * verdict.versions:
            self.unmet.append(f"a judgement on all but {UNJUDGED:.0%} of the versions")
        if self.ends and not (self.reapers.deleted and self.ends.done):
            self.unmet.append("what this mode is for")
        verdict.wrong += [("not in time", what) for what in self.unmet]
        verdict.wrong += [("without a watcher to judge", tenant.name) for tenant in self.arena.tenants if not tenant.alive]
        return verdict

    def _windows(self, watched):
        """Of passes within lives that nobody disturbed; see judge.promised()."""
        tenant = next(tenant for tenant in self.arena.tenants if tenant.name == watched.container)
        if not tenant.character.punctual:
            return
        complete = [each for each in self._passes(watched.container) if each.complete]
        for life in self.lives.lives:
            if not life.direct:
                continue
            inside = [each for each in complete if each.began > life.began and each.over < (life.ended or float("inf"))]
            for first, last in zip(inside, inside[WINDOW - 1:]):
                yield life.began, first.began, last.over


def run(mode: Mode, size: Size, seed: int) -> bool:
    print(f"chaos: seed {seed}", flush=True)
    with ExitStack() as stack:
        campaign = Campaign(Arena(mode, size, seed, stack))
        try:
            verdict = campaign.run()
        except BaseException:
            print(f"chaos: seed {seed} broke off after {campaign.progress()}", flush=True)
            raise
        finally:
            keep_logs(campaign.arena)
        struck: dict[str, int] = {}
        for fault in campaign.injected:
            if fault.seen:
                struck[fault.name] = struck.get(fault.name, 0) + 1
        print(f"chaos: {campaign.progress()}")
        print("chaos: " + ", ".join(f"{count} {name}" for name, count in sorted(struck.items())))
        print(f"chaos: seed {seed}: {verdict}", flush=True)
        return verdict.good


def keep_logs(arena: Arena) -> None:
    """Where CHAOS_LOGS says: the bed's folder goes with the bed."""
    if folder := os.environ.get("CHAOS_LOGS"):
        target = Path(folder) / f"seed-{arena.seed}"
        target.mkdir(parents=True, exist_ok=True)
        for log in (*arena.bed.logs.glob("operator*"), *arena.bed.logs.glob("replica*"), arena.bed.audit_log):
            shutil.copy(log, target)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = options.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true")
    size.add_argument("--quick", action="store_true", help="the default")
    options.add_argument("--mode", choices=MODES, default="all", help="deletions: of every Job, as it finishes, of watchers in "
                         "mid-pass, and of namespaces; all: everything else as well, in a measure (the default)")
    options.add_argument("--seed", type=int, help="replays that campaign (default: a new one each time)")
    options.add_argument("--runs", type=int, default=1, help="so many in a row, with seeds that follow each other")
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(1_000_000)
    mode = MODES[chosen.mode]
    results = [run(mode, mode.full if chosen.full else mode.quick, seed + n) for n in range(chosen.runs)]
    print(f"chaos: {sum(results)} of {len(results)} runs good", flush=True)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
