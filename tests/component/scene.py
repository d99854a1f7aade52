"""One watcher and its surroundings, as most tests see them: a namespace, a container, and what becomes of blobs.

A Scene says in one word what a test does or waits for. It never sleeps: it waits for what can be seen. That nothing
happens is shown by what happens later: see `settles_with`.
"""

import datetime
import itertools
import re

from testing.kube import condition, wait_until

WATCHER = "AzureBlobWatcher"
BLOB = "mlops.example.com/blob-name"
STAMPS = itertools.count(1)


class Scene:
    def __init__(self, kube, azurite, namespace: str, container: str, create):
        self.kube, self.azurite, self.namespace, self.container = kube, azurite, namespace, container
        self.watch = create
        """watch(name="w", template=..., credentials=..., **spec): the fixture `watcher`."""

    # What a user does

    def upload(self, *names: str, data: bytes | str = b"a,b\n1,2\n") -> None:
        for name in names:
            self.azurite.upload(self.container, name, data)

    def secret(self, **data: str) -> None:
        """Writes the whole Secret `azure` anew; with no data the account's key."""
        thing = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "azure", "namespace": self.namespace},
                 "stringData": data or {"accountKey": self.azurite.key}}
        exists = self.kube.find("Secret", "azure", self.namespace)
        self.kube.replace(thing) if exists else self.kube.create(thing)

    def change(self, name: str = "w", **spec) -> dict:
        """Changes fields of a watcher's spec; None removes one."""
        return self.kube.patch(WATCHER, name, {"spec": spec}, self.namespace)

    def poll_now(self, name: str = "w") -> None:
        annotations = {"mlops.example.com/poll-now": str(next(STAMPS))}
        self.kube.patch(WATCHER, name, {"metadata": {"annotations": annotations}}, self.namespace)

    def delete(self, name: str = "w") -> None:
        self.kube.delete(WATCHER, name, self.namespace)

    # What a user sees

    def stored(self, name: str = "w") -> dict:
        return self.kube.get(WATCHER, name, self.namespace)

    def status(self, name: str = "w") -> dict:
        return self.stored(name).get("status", {})

    def resources(self, watcher: str = "w", kind: str = "Job") -> list[dict]:
        """What was created for a watcher, oldest first."""
        found = self.kube.list(kind, self.namespace, labelSelector=f"mlops.example.com/watcher={watcher}")
        return sorted(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))

    def made(self, watcher: str = "w", kind: str = "Job") -> list[str]:
        """The blobs for which resources exist, by name, each as often as it has one."""
        return sorted(one["metadata"]["annotations"][BLOB] for one in self.resources(watcher, kind))

    def events(self, reason: str, name: str = "w") -> list[dict]:
        return self.kube.events(self.namespace, name, reason)

    # What a user waits for

    def wait_made(self, *blobs: str, watcher: str = "w", kind: str = "Job", timeout: float = 30) -> None:
        wait_until(lambda: self.made(watcher, kind), lambda seen: seen == sorted(blobs), timeout,
                   f"one {kind} for each of {sorted(blobs)}")

    def wait(self, happened, name: str = "w", timeout: float = 30, what: str = "") -> dict:
        """Until `happened(status)` is true; the watcher."""
        return self.kube.wait(WATCHER, name, self.namespace, lambda seen: happened(seen.get("status", {})), timeout, what)

    def wait_reason(self, reason: str, name: str = "w", timeout: float = 30) -> dict:
        return self.kube.wait(WATCHER, name, self.namespace,
                              lambda seen: condition(seen, "Ready").get("reason") == reason, timeout,
                              f"Ready has the reason {reason}")

    def wait_ready(self, name: str = "w", timeout: float = 30) -> dict:
        return self.kube.wait(WATCHER, name, self.namespace,
                              lambda seen: condition(seen, "Ready").get("status") == "True", timeout, "Ready")

    def wait_event(self, reason: str, name: str = "w") -> dict:
        return wait_until(lambda: self.events(reason, name), bool, what=f"an Event {reason}")[-1]

    def settles_with(self, *blobs: str, watcher: str = "w", kind: str = "Job") -> dict:
        """Each of these blobs has its one resource, and still after a poll that began later: one more blob shows that
        such a poll came to its end. The watcher."""
        marker = f"{next(STAMPS)}-marker.csv"
        self.wait_made(*blobs, watcher=watcher, kind=kind)
        self.upload(marker)
        self.poll_now(watcher)
        self.wait_made(*blobs, marker, watcher=watcher, kind=kind)
        return self.wait(lambda status: status.get("triggered") == len(blobs) + 1, watcher,
                         what=f"{len(blobs) + 1} triggered")


class Neighbour:
    """A healthy watcher in another namespace, which nothing may disturb."""

    def __init__(self, scene: Scene):
        self.scene, self.seen = scene, itertools.count(1)

    def keeps_polling(self) -> None:
        """At its usual cadence: a blob gets its Job."""
        blob = f"{next(self.seen)}.csv"
        self.scene.upload(blob)
        self.scene.kube.wait("Job", f"process-{blob}", self.scene.namespace, bool, timeout=10,
                             what="the neighbour's Job")


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def environment(job: dict) -> dict:
    """The variables of a Job's container, as its process will see them."""
    entries = job["spec"]["template"]["spec"]["containers"][0]["env"]
    names = {entry["name"] for entry in entries}
    return {entry["name"]: as_the_kubelet_reads(entry["value"], names) for entry in entries}


def as_the_kubelet_reads(value: str, names: set[str]) -> str:
    """$$ is a dollar; $(X) would be replaced if there were a variable X, and stays as it is otherwise."""
    def read(found: re.Match) -> str:
        if found[0] == "$$":
            return "$"
        assert found[1] not in names, f"the kubelet would put in a variable in {value!r}"
        return found[0]
    return re.sub(r"\$(?:\$|\(([^)]*)\))", read, value)
