"""Who uses the operator during a campaign: watchers of different character, the writers of their blobs, and the hands
that delete what was created.

A tenant is a namespace, a container and one watcher at a time. Its blobs are written faster than they can be triggered,
overwritten, and deleted; what was created is deleted at once, soon, or by a TTL of zero.

Nobody may erase what the operator has missed before it is judged: a blob that was not triggered is left alone until it is,
but for some that are overwritten or deleted right after they were written.
"""

import random
import threading
import time
import urllib.parse
from collections import deque
from dataclasses import dataclass, field

from testing.hostile_blob_service import HostileBlobService
from testing.jobs import job_finished
from testing.kube import ApiError, Kube

from judge import Creation, Watched
from stage import ACCOUNT, KEY, WATCHER, job, watcher


MANAGED = "app.kubernetes.io/managed-by=azure-blob-operator"
HASTE = 2.0
"""Seconds: who does not wait for the result does not wait that long either."""
HASTY = 0.15
"""So many of those who come within that time."""


def config_map() -> dict:
    """The cheapest object there is: most of a campaign's load."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made-${BLOB_NAME}"},
            "data": {"url": "${BLOB_URL}", "size": "${BLOB_SIZE}"}}


def ttl_job() -> dict:
    """Gone as soon as it is finished, if our finalizer does not hold it; and it finishes at once."""
    template = job()
    template["spec"]["ttlSecondsAfterFinished"] = 0
    return template


@dataclass
class Character:
    """What makes a tenant different from the others."""
    share: float
    """Of all versions that are written."""
    template: dict = field(default_factory=config_map)
    spec: dict = field(default_factory=dict)
    deletes: str = "soon"
    """What becomes of its resources: deleted "at once" when they appear, "finished" as soon as they have, "soon", or "never"
    by us."""
    reborn: str = ""
    """Ends and begins anew during the campaign: "watcher" or "namespace"."""
    punctual: bool = True
    """Triggers whatever a whole sweep saw, since nothing in its spec makes a blob wait."""
    names: tuple = ("{n:06}.csv", "in/{n:06}.csv", "deep/er/{n:06}.csv", "with space & <é>/{n}.csv")


CHARACTERS = {
    "plain": Character(0.47),
    "hasty": Character(0.15, deletes="at once"),
    "ttl": Character(0.08, ttl_job(), deletes="never"),
    # The operator itself deletes them, but the newest two.
    "pruned": Character(0.03, job(), {"successfulHistoryLimit": 2}, deletes="never"),
    "filtered": Character(0.10, spec={"blobPattern": r"\.csv$", "blobExcludePattern": "^in/", "minSizeBytes": 1}),
    "limited": Character(0.03, ttl_job(), {"maxActive": 5}, deletes="never", punctual=False),
    "aged": Character(0.04, spec={"minAgeSeconds": 2}, punctual=False),
    "reborn": Character(0.05, reborn="watcher", punctual=False),
    "doomed": Character(0.05, reborn="namespace", punctual=False),
}
# Of the two replicas that take turns.
PAIR = {"pair": Character(1.0, deletes="at once", punctual=False)}

# Every resource is a Job, which is deleted as soon as it has finished: by a TTL of zero, or plainly.
DELETED = {
    "ttl": Character(0.25, ttl_job(), deletes="never"),
    "finished": Character(0.25, job(), deletes="finished"),
    "limited": Character(0.05, ttl_job(), {"maxActive": 5}, deletes="never", punctual=False),
    "reborn-ttl": Character(0.14, ttl_job(), deletes="never", reborn="watcher", punctual=False),
    "reborn-finished": Character(0.13, job(), deletes="finished", reborn="watcher", punctual=False),
    "doomed-ttl": Character(0.09, ttl_job(), deletes="never", reborn="namespace", punctual=False),
    "doomed-finished": Character(0.09, job(), deletes="finished", reborn="namespace", punctual=False),
}
DELETED_PAIR = {"pair": Character(1.0, job(), deletes="finished", punctual=False)}


class Tenant:
    def __init__(self, name: str, character: Character, kube: Kube, service: HostileBlobService, rng: random.Random):
        self.name, self.character, self.kube, self.service, self.rng = name, character, kube, service, rng
        self.lives: list[Watched] = []
        self.lock = threading.Lock()
        self.names: list[str] = []
        self.current: dict[str, str] = {}
        """Name to ETag of what is in the container."""
        self.open: dict[tuple[str, str], float] = {}
        """Which of these were not triggered yet, as far as the audit log was read, and when they were written."""
        self.given_up: set[tuple[str, str]] = set()
        """What was overwritten or deleted while it was open."""
        self.count = 0
        self.written = 0
        service.create_container(ACCOUNT, name)

    # The watcher's lives

    def matches(self, name: str) -> bool:
        if self.name != "filtered":
            return True
        return name.endswith(".csv") and not name.startswith("in/")

    def make_namespace(self) -> bool:
        """False while an earlier one of that name is still going, or was going a moment ago."""
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "azure", "namespace": self.name},
                  "stringData": {"accountKey": KEY}}
        found = self.kube.find("Namespace", self.name)
        try:
            if not found:
                self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}})
            self.kube.apply(secret)
        except ApiError as error:
            if error.status in (403, 404, 409):
                return False
            raise
        return not (found and "deletionTimestamp" in found["metadata"])

    def make_watcher(self) -> None:
        with self.lock:  # its first creations are not to be told of before it is known here
            made = self.kube.create(watcher(self.service, self.name, self.name, self.character.template,
                                            **self.character.spec))
            self.lives.append(Watched(made["metadata"]["uid"], self.name, self.matches, time.monotonic()))
            # These have been there: nobody is hasty with them any more.
            self.open = {version: float("-inf") for version in self.current.items() if self.matches(version[0])}

    def begin(self) -> "Tenant":
        assert self.make_namespace()
        self.make_watcher()
        return self

    @property
    def uid(self) -> str:
        return self.lives[-1].uid if self.lives else ""

    @property
    def alive(self) -> bool:
        return bool(self.lives) and self.lives[-1].gone is None

    def end_life(self) -> None:
        """Deletes the watcher, or the namespace with everything in it."""
        if self.character.reborn == "namespace":
            self.kube.delete("Namespace", self.name)
        else:
            self.kube.delete(WATCHER, "w", self.name)
        last = self.lives[-1]
        self.lives[-1] = Watched(last.uid, last.container, last.matches, last.born, time.monotonic())

    def try_rebirth(self) -> bool:
        """A new watcher of the same name, as soon as that is possible; True when it is there."""
        if self.character.reborn == "namespace" and not self.make_namespace():
            return False
        if self.kube.find(WATCHER, "w", self.name):
            return False
        self.make_watcher()
        return True

    # Its blobs

    def created(self, creation: Creation) -> None:
        with self.lock:
            if creation.watcher_uid == self.uid:
                self.open.pop((creation.blob, creation.etag), None)

    def write_one(self, most: int) -> None:
        """A new blob, a new version of one, or the end of one. `most`: so many blobs in the container at once."""
        # As many numbers each time, whatever is found.
        dice, which, haste = (self.rng.random() for _ in range(3))
        with self.lock:
            if not self.names or (dice < 0.6 and len(self.names) < most):
                name = self.character.names[int(which * len(self.character.names))].format(n=self.count)
                self.count += 1
                self.names.append(name)
                self._put(name)
                return
            at = int(which * len(self.names))
            name = self.names[at]
            version = name, self.current[name]
            if version in self.open:
                if haste >= HASTY or time.monotonic() - self.open[version] > HASTE:
                    return
                del self.open[version]
                self.given_up.add(version)
            if dice < 0.85 and len(self.names) < most:
                self._put(name)
            else:
                self.names[at] = self.names[-1]
                self.names.pop()
                del self.current[name]
                self.service.delete(self.name, name)

    def _put(self, name: str) -> None:
        self.current[name] = self.service.put(self.name, name)
        self.written += 1
        if self.matches(name):
            self.open[name, self.current[name]] = time.monotonic()


class Writers(threading.Thread):
    """Writes the tenants' blobs, `versions` of them, as fast as they are triggered and no faster."""

    BACKLOG = 400

    def __init__(self, tenants: list[Tenant], versions: int, per_second: float, most: int, rng: random.Random):
        """most: so many blobs in a container at once."""
        super().__init__(name="writers", daemon=True)
        self.tenants, self.versions, self.per_second, self.most, self.rng = tenants, versions, per_second, most, rng
        self.stopped = threading.Event()
        self.error: Exception | None = None

    @property
    def written(self) -> int:
        return sum(tenant.written for tenant in self.tenants)

    def run(self) -> None:
        try:
            while self.written < self.versions and not self.stopped.wait(0.05):
                for tenant in self.tenants:
                    self._write(tenant, self.per_second * 0.05 * tenant.character.share)
        except Exception as error:  # the campaign asks for it at its end
            self.error = error

    def _write(self, tenant: Tenant, wish: float) -> None:
        count = int(wish) + (self.rng.random() < wish % 1)
        if self.rng.random() < 0.02:
            count *= 20  # a burst: more than one checkpoint write and one second of Last-Modified
        if not tenant.alive or len(tenant.open) > self.BACKLOG:
            return
        for _ in range(count):
            tenant.write_one(self.most)


class Cleaners(threading.Thread):
    """Deletes what was created: of hasty tenants at once, of others some seconds later, many at a time."""

    def __init__(self, connect, tenants: list[Tenant]):
        super().__init__(name="cleaners", daemon=True)
        self.connect, self.tenants = connect, {tenant.name: tenant for tenant in tenants}
        self.at_once: deque[Creation] = deque()
        self.stopped = threading.Event()
        self.deleted = 0
        self.error: Exception | None = None

    def created(self, creation: Creation) -> None:
        """Told of every creation by the audit log's reader, right after it happened."""
        tenant = self.tenants.get(creation.namespace)
        if tenant and tenant.character.deletes == "at once":
            self.at_once.append(creation)

    def run(self) -> None:
        kube, next_sweep = self.connect(), time.monotonic()
        try:
            while not self.stopped.is_set():
                while self.at_once:
                    self._delete_one(kube, self.at_once.popleft())
                if time.monotonic() > next_sweep:
                    self._delete_all(kube)
                    next_sweep = time.monotonic() + 3
                self.stopped.wait(0.005)
        except Exception as error:
            self.error = error

    def _delete_one(self, kube: Kube, creation: Creation) -> None:
        try:
            kube.delete(creation.kind, creation.name, creation.namespace)
            self.deleted += 1
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def _delete_all(self, kube: Kube) -> None:
        for tenant in self.tenants.values():
            if tenant.character.deletes != "soon" or not tenant.alive:
                continue
            path = kube.path(tenant.character.template["kind"], tenant.name)
            selector = urllib.parse.urlencode({"labelSelector": MANAGED})
            kube.raw("DELETE", f"{path}?{selector}", {"propagationPolicy": "Background"})


class Reapers(threading.Thread):
    """Deletes the Jobs of those who want it so, each as soon as it has finished."""

    def __init__(self, connect, tenants: list[Tenant]):
        super().__init__(name="reapers", daemon=True)
        self.connect = connect
        self.names = {tenant.name for tenant in tenants if tenant.character.deletes == "finished"}
        self.stopped = threading.Event()
        self.deleted = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            kube = self.connect()
            while self.names and not self.stopped.is_set():
                for change, thing in kube.watch("Job", seconds=3, labelSelector=MANAGED):
                    if change in ("ADDED", "MODIFIED") and job_finished(thing):
                        self._reap(kube, thing["metadata"])
        except Exception as error:
            self.error = error

    def _reap(self, kube: Kube, metadata: dict) -> None:
        if metadata["namespace"] not in self.names or "deletionTimestamp" in metadata:
            return
        try:
            kube.delete("Job", metadata["name"], metadata["namespace"])
            self.deleted += 1
        except ApiError as error:
            if error.status not in (404, 409):
                raise
