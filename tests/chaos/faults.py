"""What goes wrong during a campaign. Each fault is drawn with the campaign's seed, is bounded, and ends by itself.

A fault function takes the arena and returns a handle whose hits says how often it struck: only those that did are
counted as injected. An outage counts if it broke off a request, a hang if it held something up, and what reshapes a page
waits for one that it changes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from testing import hostile_blob_service as blobs
from testing.lying_api_server import Match

if TYPE_CHECKING:
    from campaign import Arena

WRITES = {
    "create": Match(method="POST", path=r"/(jobs|configmaps)\?"),
    "status": Match(method="PUT", path=r"/azureblobwatchers/[^/]+/status"),
    "finalizer": Match(method="PATCH", path=r"/(jobs|configmaps)/"),
    "event": Match(method="POST", path=r"/events"),
}
READS = {
    "watcher": Match(method="GET", path=r"/azureblobwatchers/[^/?]+$"),
    "list": Match(method="GET", path=r"\?(?!.*watch=)", watch=False),
    "secret": Match(method="GET", path=r"/secrets/"),
    "holder": Match(method="GET", path=r"/(jobs|configmaps)/"),
}


def write_in(write: Match, namespaces: str) -> Match:
    """One of WRITES, but only in these namespaces: a regular expression."""
    return Match(method=write.method, path=rf"/namespaces/({namespaces}){write.path}")


@dataclass
class Struck:
    """A fault that strikes at once: so many."""
    hits: int


def pick(rng: random.Random, table: dict):
    return table[rng.choice(sorted(table))]


def some_request(rng: random.Random) -> Match:
    match = pick(rng, {**WRITES, **{f"get {name}": match for name, match in READS.items()}, "a create": WRITES["create"]})
    return Match(method=match.method, path=match.path, watch=match.watch, skip=rng.randrange(12))


# The API server

def lose_answers(arena: Arena, rng: random.Random):
    return arena.proxy.lose_answer(some_request(rng), times=rng.randint(1, 8))


def drop_requests(arena: Arena, rng: random.Random):
    return arena.proxy.drop_request(some_request(rng), times=rng.randint(1, 8))


def refuse(arena: Arena, rng: random.Random):
    status, reason, retry_after = rng.choice([
        (429, "TooManyRequests", 1), (500, "InternalError", None), (503, "ServiceUnavailable", None),
        (503, "ServiceUnavailable", 1), (504, "Timeout", None)])
    return arena.proxy.answer(some_request(rng), status, reason, "injected", retry_after, times=rng.randint(1, 5))


def refuse_as_conflict(arena: Arena, rng: random.Random):
    """409 for what is no conflict: a taken name that is free, a changed watcher that is unchanged."""
    name = rng.choice(["create", "status"])
    reason = "AlreadyExists" if name == "create" else "Conflict"
    return arena.proxy.answer(WRITES[name], 409, reason, "injected", None, times=rng.randint(1, 3))


def delay_requests(arena: Arena, rng: random.Random):
    return arena.proxy.delay(some_request(rng), rng.uniform(0.05, 1.5), times=rng.randint(1, 10))


def delay_answers(arena: Arena, rng: random.Random):
    return arena.proxy.delay_answer(some_request(rng), rng.uniform(0.05, 1.5), times=rng.randint(1, 10))


def cut_watches(arena: Arena, _: random.Random):
    return Struck(arena.proxy.cut_watches())


def watches_are_gone(arena: Arena, _: random.Random):
    return Struck(arena.proxy.end_watches_with_gone())


def watch_events(action: str):
    def inject(arena: Arena, rng: random.Random):
        handle = arena.proxy.watch_event(Match(watch=True), action, seconds=rng.uniform(0.1, 1.0), times=rng.randint(1, 20))
        if action == "drop":
            # A real API server loses no event within a watch; it says that the watch is too old, and then one lists.
            arena.after(rng.uniform(0.2, 2.0), arena.proxy.end_watches_with_gone)
        return handle
    return inject


def go_away(arena: Arena, rng: random.Random):
    broken_off = arena.proxy.go_away()
    arena.after(arena.outage(rng), arena.proxy.come_back)
    return Struck(broken_off)


def hang(arena: Arena, rng: random.Random):
    handle = arena.proxy.hang()
    arena.after(rng.uniform(0.2, 2.0), arena.proxy.unhang)
    return handle


# The blob service

def blob_fault(make: Callable, most: int = 3):
    def inject(arena: Arena, rng: random.Random):
        return arena.service.inject(make(rng), container=arena.some_container(rng), times=rng.randint(1, most))
    return inject


def fall_silent(arena: Arena, rng: random.Random):
    """Until the connections that wait are reset: nobody has the minute after which the operator gives up."""
    silence = blob_fault(lambda _: blobs.Silence())(arena, rng)
    arena.after(rng.uniform(1, 5), silence.cancel)
    return silence


BLOB_FAULTS = {
    "an empty page": blob_fault(lambda rng: blobs.EmptyPage()),
    "short pages": blob_fault(lambda rng: blobs.ShortPages(rng.randint(1, 7)), 10),
    "duplicates across pages": blob_fault(lambda rng: blobs.DuplicateAcrossPages(), 10),
    "a repeated marker": blob_fault(lambda rng: blobs.RepeatMarker(), 1),
    "truncated XML": blob_fault(lambda rng: blobs.TruncatedXml()),
    "garbage": blob_fault(lambda rng: blobs.GarbageXml()),
    "an HTML page": blob_fault(lambda rng: blobs.HtmlError(rng.choice([200, 502, 503]))),
    "a refusal": blob_fault(lambda rng: blobs.Status(rng.choice([429, 500, 503]), retry_after=rng.choice([None, 1]))),
    "a denial": blob_fault(lambda rng: blobs.Status(rng.choice([401, 403, 404, 409])), 2),
    # A page of sixty rows is some 50 kB: it takes a second, or ten.
    "slow bytes": blob_fault(lambda rng: blobs.SlowBytes(rng.uniform(5_000, 50_000), 256)),
    "silence": fall_silent,
    "a reset in mid-body": blob_fault(lambda rng: blobs.ResetMidBody(rng.randint(0, 3000))),
    "a reset": blob_fault(lambda rng: blobs.ResetBeforeAnswer()),
    "a redirect": blob_fault(lambda rng: blobs.Redirect("http://127.0.0.1:9/elsewhere"), 1),
    "no date": blob_fault(lambda rng: blobs.NoDate(), 1),
    "an old date": blob_fault(lambda rng: blobs.WrongDate(-rng.randint(1, 3600)), 1),
}

# What may meet two replicas as well; the process's own end is the campaign's to arrange.
API_FAULTS = {
    "lost answers": lose_answers, "dropped requests": drop_requests, "refusals": refuse,
    "false conflicts": refuse_as_conflict, "late requests": delay_requests, "late answers": delay_answers,
    "cut watches": cut_watches, "watches that are gone": watches_are_gone,
    "lost events": watch_events("drop"), "late events": watch_events("delay"), "repeated events": watch_events("duplicate"),
    "an outage": go_away, "a hang": hang,
}
FAULTS = {**API_FAULTS, **BLOB_FAULTS}
# Long ones are rarer.
RARER = {"an outage": 0.25, "a hang": 0.25, "a repeated marker": 0.5, "slow bytes": 0.5, "silence": 0.5}
WEIGHTS = {name: RARER.get(name, 1.0) for name in FAULTS}


@dataclass
class Injected:
    name: str
    handle: object
    seen: bool = False

    def has_struck(self) -> bool:
        """Whether anything was hit by it so far."""
        if not self.seen:
            hits = self.handle.hits
            self.seen = (hits() if callable(hits) else hits) > 0
        return self.seen


def inject_one(arena: Arena, rng: random.Random) -> Injected:
    names = sorted(FAULTS)
    name = rng.choices(names, [WEIGHTS[each] for each in names])[0]
    return Injected(name, FAULTS[name](arena, rng))
