"""The judge of exactly-once: reads the API server's audit log, never the operator's own word.

For each blob version (watcher UID, container, name, ETag) it counts the objects that the API server made. A version that
was promised has exactly one, any other that a poll could have seen at most one, and nothing else is created at all. What
was promised is told by the blob service's own history: see `promised`. A replay that the watcher's owner asked for owes each
version that it brings back one more.

A creation is a `create` that was answered with 201. When the operator dies in mid-request, the API server may carry the
creation out and still write "504, context canceled" into its log. Such an object shows in the log when the operator asks
for its finalizer to go, which it cannot skip: the patch names the UID, which only the API server can have told it.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Iterable

from testing.bed import AUDIT_POLICY

OPERATOR = "operator"
"""The user that the operator is, by whatever way it comes."""
PREFIX = "mlops.example.com/"
ANNOTATIONS = ("watcher-uid", "blob-url", "blob-name", "blob-etag", "trigger-key")
"""Which every resource of ours has, in the order of Creation's fields."""

# What the operator created and changed, with the object; nothing else, since a long run makes gigabytes of the rest.
CREATIONS_ONLY = {
    **{key: AUDIT_POLICY[key] for key in ("apiVersion", "kind", "omitStages")},
    "omitManagedFields": True,
    "rules": [
        {"level": "RequestResponse", "users": [OPERATOR], "verbs": ["create", "patch"],
         "resources": [{"group": "batch", "resources": ["jobs"]}, {"group": "", "resources": ["configmaps"]}]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class Creation:
    uid: str
    """Of the object; a name may be used again, a UID never is."""
    namespace: str
    kind: str
    name: str
    watcher_uid: str
    url: str
    blob: str
    etag: str
    key: str
    at: float
    """When the judge read of it, time.monotonic()."""

    @property
    def version(self) -> tuple:
        return self.watcher_uid, self.blob, self.etag


def creation_in(thing: dict) -> Creation | None:
    """What a resource says of its origin; None for what is no resource. Its UID may be missing yet. What the operator made and
    does not say is "": no watcher has that UID, so it is judged as wrong."""
    metadata = thing.get("metadata", {})
    if "namespace" not in metadata:
        return None
    said = metadata.get("annotations") or {}
    said = {name: said.get(PREFIX + name, "") for name in ANNOTATIONS}
    origin = said if all(said.values()) else {**said, "watcher-uid": ""}
    return Creation(metadata.get("uid", ""), metadata["namespace"], thing["kind"], metadata["name"], *origin.values(),
                    time.monotonic())


def tested_uid(event: dict) -> str:
    """The UID that a patch of ours insists on."""
    operations = event.get("requestObject")
    return next((each["value"] for each in operations if each.get("path") == "/metadata/uid"),
                "") if isinstance(operations, list) else ""


class AuditTail:
    """Follows an audit log that grows, and keeps the creations in it."""

    def __init__(self, log: Path, on_creation: Callable[[Creation], None] = lambda _: None):
        self.log, self.on_creation = log, on_creation
        self.creations: list[Creation] = []
        self.counts: Counter = Counter()
        """Of each version, how often it was created."""
        self.uids: set[str] = set()
        self.unsure: dict[tuple, Creation] = {}
        """By namespace, resource and name: the last creation that ended in an error of the server's."""
        self.offset, self.rest = 0, b""

    def read(self) -> int:
        """Takes in what was written since the last call; how many creations that were."""
        if not self.log.exists():
            return 0
        with open(self.log, "rb") as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        before = len(self.creations)
        for line in lines:
            self._take(json.loads(line))
        return len(self.creations) - before

    def _take(self, event: dict) -> None:
        if event.get("stage") != "ResponseComplete" or "dryRun=All" in event["requestURI"]:
            return
        code, verb, at = event.get("responseStatus", {}).get("code", 0), event.get("verb"), event.get("objectRef", {})
        place = at.get("namespace"), at.get("resource"), at.get("name")
        if code in (200, 201) and verb in ("create", "patch"):
            self._exists(creation_in(event.get("responseObject") or {}))
        elif code >= 500 and verb == "create":
            if unsure := creation_in(event.get("requestObject") or {}):
                self.unsure[place] = unsure
        elif verb == "patch" and place in self.unsure and (uid := tested_uid(event)):
            self._exists(replace(self.unsure[place], uid=uid))

    def _exists(self, creation: Creation | None) -> None:
        if creation and creation.uid not in self.uids:
            self.uids.add(creation.uid)
            self.creations.append(creation)
            self.counts[creation.version] += 1
            self.on_creation(creation)

    def created(self, watcher_uid: str, blob: str, etag: str) -> bool:
        return self.counts[watcher_uid, blob, etag] > 0


class AuditThread:
    """An AuditTail in a thread of its own, so that others can act on a creation as it happens."""

    def __init__(self, tail: AuditTail):
        self.tail, self.ended = tail, threading.Event()
        self.thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def __enter__(self) -> AuditTail:
        self.thread.start()
        return self.tail

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join()
        self.tail.read()

    def _run(self) -> None:
        while not self.ended.is_set():
            if not self.tail.read():
                self.ended.wait(0.01)


@dataclass(frozen=True)
class Watched:
    """One life of one watcher, as the judge needs to know it."""
    uid: str
    container: str
    matches: Callable[[str], bool]
    """Whether its filter takes a blob of that name."""
    born: float
    gone: float | None = None
    """When it was deleted; None while it lives: then it owes what is visible at the end."""
    replays: Callable[[tuple], int] = lambda version: 0
    """How many replays bring a version, (name, ETag), back."""


@dataclass
class Verdict:
    versions: int = 0
    promised: int = 0
    """Creations: one for each version that is owed, and one for each replay that brings it back."""
    created: int = 0
    missed: list = field(default_factory=list)
    duplicate: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    unjudged: list = field(default_factory=list)
    """(container, version) that a filter takes, and that were neither promised nor created: had the operator missed one, no
    judge could tell. No fault of the operator's; too many are one of the test's."""

    @property
    def good(self) -> bool:
        return not (self.missed or self.duplicate or self.wrong)

    def __str__(self) -> str:
        head = (f"{self.versions} versions, {self.promised} promised, {self.created} created, {len(self.unjudged)} unjudged: "
                f"{len(self.missed)} missed, {len(self.duplicate)} duplicate, {len(self.wrong)} wrong")
        shown = [f"  {kind}: {each}" for kind in ("missed", "duplicate", "wrong") for each in getattr(self, kind)[:10]]
        return "\n".join([head, *shown])


def promised(version, watched: Watched, windows: Iterable = ()) -> bool:
    """Whether the watcher owes this version a resource.

    It does when the version is still there at the end, after the last passes. And it does when the version was born and
    seen through one of `windows`, (opened, began, ended): a life of the operator that nobody disturbed opened, then some
    complete passes over the container began and ended, and a later one began, which shows that their work was done.
    """
    if watched.gone is not None or not watched.matches(version.name):
        return False
    if version.gone is None:
        return True
    return any(max(opened, watched.born) < version.born < began and ended < version.gone
               for opened, began, ended in windows)


def judge(creations: list[Creation], watchers: Iterable[Watched], versions_of: Callable[[str], list],
          windows_of: Callable[[Watched], Iterable] = lambda _: ()) -> Verdict:
    """versions_of(container): the service's history. windows_of(watched): see promised()."""
    verdict = Verdict(created=len(creations))
    by_key: dict[str, list[Creation]] = defaultdict(list)
    by_version: dict[tuple, list[Creation]] = defaultdict(list)
    for creation in creations:
        by_key[creation.key].append(creation)
        by_version[creation.version].append(creation)
    verdict.duplicate += [made for made in by_key.values() if len(made) > 1]
    known = {watched.uid: watched for watched in watchers}

    def due(uid: str, name: str, etag: str) -> int:
        return 1 + (known[uid].replays((name, etag)) if uid in known else 0)
    verdict.duplicate += [made for version, made in by_version.items()
                          if (keys := len({m.key for m in made})) > 1 and keys > due(*version)]
    histories = {watched.container: versions_of(watched.container) for watched in known.values()}
    names = {container: {(v.name, v.etag) for v in history} for container, history in histories.items()}
    for made in creations:
        watched = known.get(made.watcher_uid)
        if not watched:
            verdict.wrong.append(("for an unknown watcher", made))
        elif (made.blob, made.etag) not in names[watched.container]:
            verdict.wrong.append(("for a version that never was", made))
        elif not watched.matches(made.blob):
            verdict.wrong.append(("for a blob that the filter leaves out", made))
    verdict.versions = sum(len(history) for history in histories.values())
    told = {(known[made.watcher_uid].container, made.blob, made.etag) for made in creations if made.watcher_uid in known}
    for watched in known.values():
        windows = list(windows_of(watched))
        owed = [v for v in histories[watched.container] if promised(v, watched, windows)]
        verdict.promised += sum(due(watched.uid, v.name, v.etag) for v in owed)
        verdict.missed += [(watched.container, watched.uid, v) for v in owed
                           if len(by_version[watched.uid, v.name, v.etag]) < due(watched.uid, v.name, v.etag)]
        told |= {(watched.container, v.name, v.etag) for v in owed}
    for container, history in histories.items():
        filters = [watched.matches for watched in known.values() if watched.container == container]
        verdict.unjudged += [(container, v) for v in history if (container, v.name, v.etag) not in told
                             and any(matches(v.name) for matches in filters)]
    return verdict
