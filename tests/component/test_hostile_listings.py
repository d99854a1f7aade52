"""The operator on a blob service that misbehaves, and behind an API server that lies: whatever a listing does, nothing is
missed and nothing doubled, the watcher says what is wrong, and it goes on by itself when that has passed.

What was created is told by the audit log, and is deleted as soon as it is seen there: its name comes free, and a second
creation would meet nothing that is in its way.
"""

import collections
import contextlib
import dataclasses
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from audited import Creations
from testing.azurite import KEY
from testing.bed import ALL_RULES
from testing.hostile_blob_service import (Bom, DuplicateAcrossPages, EmptyPage, GarbageXml, HostileBlobService, HtmlError,
                                          NoDate, Redirect, RepeatMarker, ResetBeforeAnswer, ResetMidBody, ShortPages,
                                          Silence, SlowBytes, Status, TruncatedXml, WrongDate)
from testing.kube import Kube, condition, wait_until
from testing.lying_api_server import LyingApiServer, Match
from testing.operator import Operator

WATCHER = "AzureBlobWatcher"
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${WATCHER_NAME}-${BLOB_HASH}"}}
FINE = "PollSucceeded"


@dataclasses.dataclass
class Case:
    """What goes wrong with each listing of a watcher, on which of its pages, and what the watcher then says."""
    name: str
    fault: object
    reason: str
    page: int | None = None


CASES = [
    Case("no-byte-order-mark", Bom(0), FINE), Case("an-empty-page", EmptyPage(), FINE, 2),
    Case("an-empty-first-page", EmptyPage(), FINE, 1), Case("short-pages", ShortPages(1), FINE),
    Case("rows-that-come-again", DuplicateAcrossPages(2), FINE), Case("slow-bytes", SlowBytes(20_000, 250), FINE),
    Case("a-date-that-is-behind", WrongDate(-300), FINE), Case("a-circle", RepeatMarker(), "InvalidResponse", 2),
    Case("cut-xml", TruncatedXml(), "InvalidResponse", 1), Case("cut-xml-later", TruncatedXml(0.9), "InvalidResponse", 3),
    Case("garbage", GarbageXml(), "InvalidResponse"), Case("no-date", NoDate(), "InvalidResponse"),
    Case("an-html-page", HtmlError(200), "InvalidResponse"), Case("a-bad-gateway", HtmlError(502), "ServiceUnavailable"),
    Case("too-many-requests", Status(429), "Throttled"), Case("busy", Status(503), "Throttled", 2),
    Case("busy-with-a-wish", Status(503, retry_after=1), "Throttled"),
    Case("an-error-of-its-own", Status(500), "ServiceUnavailable"),
    Case("too-slow", Status(500, "OperationTimedOut"), "Throttled"),
    Case("who-are-you", Status(401), "AuthenticationFailed"), Case("not-you", Status(403), "AuthenticationFailed"),
    Case("not-this", Status(403, "AuthorizationPermissionMismatch"), "PermissionDenied"),
    Case("not-there", Status(404), "ContainerNotFound"),
    Case("not-there-any-more", Status(404), "ContainerNotFound", 2),
    Case("being-deleted", Status(409), "ContainerNotFound"),
    Case("a-reset", ResetBeforeAnswer(), "EndpointUnreachable"),
    Case("a-reset-later", ResetMidBody(300), "EndpointUnreachable", 2),
]


class Play:
    """Watchers on containers of the hostile service, each with an account of its own, in one namespace. user: the
    operator's."""

    def __init__(self, bed, service, home: str, user: str):
        self.bed, self.service, self.home, self.user = bed, service, home, user
        self.local = threading.local()
        self.creations = Creations(bed, home)
        self.uids: dict[str, str] = {}

    @property
    def kube(self) -> Kube:
        if not hasattr(self.local, "kube"):
            self.local.kube = Kube.from_kubeconfig(self.bed.kubeconfig)
        return self.local.kube

    @contextlib.contextmanager
    def at_home(self, operator: Operator):
        """The namespace, with a Secret, and the operator that works there."""
        self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.home}})
        self.kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "azure", "namespace": self.home},
                          "stringData": {"accountKey": KEY}})
        try:
            operator.start()
            with self.creations:
                yield self
            for left in self.kube.list(WATCHER, self.home):
                self.kube.delete(WATCHER, left["metadata"]["name"], self.home)
        finally:
            operator.stop()
        self.kube.delete("Namespace", self.home)

    def operator(self, kubeconfig) -> Operator:
        flags = ["--namespace", self.home, "--allowed-kind", "v1 ConfigMap"]
        return Operator(self.bed.run, kubeconfig, flags, [self.service.origin], name=f"operator-{self.home}")

    def container(self, name: str, *blobs: str) -> None:
        """A container in an account of its own."""
        account = name.replace("-", "")
        self.service.accounts[account] = KEY
        self.service.create_container(account, name)
        for blob in blobs:
            self.service.put(name, blob)

    def watch(self, name: str, container: str = "", **spec) -> None:
        container = container or name
        account = container.replace("-", "")
        whole = {"storageAccount": account, "endpoint": self.service.endpoint(account), "containerName": container,
                 "credentialsSecret": "azure", "pollingIntervalSeconds": 1, "maxActive": 0,
                 "jobTemplate": {"kind": "ConfigMap", "template": json.dumps(MAP)}, **spec}
        made = self.kube.create({"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                                 "metadata": {"name": name, "namespace": self.home}, "spec": whole})
        self.uids[name] = made["metadata"]["uid"]

    def poll_now(self, name: str) -> None:
        self.kube.patch(WATCHER, name, {"metadata": {"annotations": {"mlops.example.com/poll-now": "now"}}}, self.home)

    def wait_reason(self, name: str, reason: str) -> str:
        """The Ready condition's message."""
        seen = wait_until(lambda: self.kube.get(WATCHER, name, self.home),
                          lambda seen: condition(seen, "Ready").get("reason") == reason, 40, f"{name} says {reason}", 0.3)
        return condition(seen, "Ready")["message"]

    def made(self, name: str) -> collections.Counter:
        """How often each version (name, ETag) was instantiated."""
        return collections.Counter((one.blob, one.etag) for one in self.creations.of(self.uids[name]))

    def wait_let_go(self, name: str) -> None:
        """Until everything that was made is gone: deleted, and not held any more."""
        wait_until(lambda: self.kube.list("ConfigMap", self.home, labelSelector=f"mlops.example.com/watcher={name}"),
                   lambda left: not left, 30, f"nothing of {name}'s left", 0.3)

    def promised(self, name: str) -> set[tuple[str, str]]:
        """The versions that stayed visible for one whole listing."""
        whole = [sweep for sweep in self.service.sweeps(name) if sweep.complete]
        return {(version.name, version.etag) for version in self.service.versions(name)
                if any(version.born <= sweep.began and (version.gone is None or sweep.ended <= version.gone)
                       for sweep in whole)}

    def settles(self, name: str) -> None:
        """Each promised version has its one object, no other has, and so it is still after one more poll."""
        for turn in range(2):
            current = self.service.put(name, f"marker-{turn}.csv")
            wait_until(lambda: self.made(name), lambda made: (f"marker-{turn}.csv", current) in made, 60,
                       f"{name} goes on", 0.3)
            self.wait_let_go(name)
        current = {(version.name, version.etag) for version in self.service.versions(name) if version.gone is None}
        made = self.made(name)
        assert current <= set(made)
        assert self.promised(name) <= set(made) <= {(one.name, one.etag) for one in self.service.versions(name)}
        assert set(made.values()) == {1}
        wait_until(lambda: self.kube.get(WATCHER, name, self.home)["status"].get("triggered"),
                   lambda triggered: triggered == len(made), 20, f"{len(made)} triggered", 0.3)
        self.wait_reason(name, FINE)


@pytest.fixture(scope="module")
def play(bed, shared_operator):
    shared_operator.stop()  # two without leader election would get into each other's way
    with HostileBlobService({}) as service:
        service.page_size_limit = 3
        play = Play(bed, service, "hostile", "hostile-operator")
        with play.at_home(play.operator(bed.user_kubeconfig(play.user, rules=ALL_RULES))):
            yield play


SEVEN = [f"{n}.csv" for n in range(7)]  # three pages


def run_case(play: Play, case: Case) -> None:
    play.container(case.name, *SEVEN)
    armed = play.service.inject(case.fault, case.name, times=None, page=case.page)
    play.watch(case.name)
    play.wait_reason(case.name, case.reason)
    assert armed.hits
    play.service.put(case.name, "meanwhile.csv")
    play.service.put(case.name, "3.csv")
    if case.reason == FINE:
        play.settles(case.name)
    armed.cancel()
    if case.fault == Status(409):
        play.poll_now(case.name)  # by itself it waits half a minute, as long as the service needs for a deletion
    play.settles(case.name)


@pytest.fixture(scope="module")
def outcomes(play):
    """All cases are played at once, since most of the time they wait."""
    with ThreadPoolExecutor(len(CASES)) as threads:
        yield {case.name: threads.submit(run_case, play, case) for case in CASES}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_a_hostile_listing_is_named_and_loses_and_doubles_nothing(outcomes, name):
    outcomes[name].result()


def test_blobs_written_in_the_middle_of_a_listing_are_found(play):
    rounds = []

    def write(position: str) -> None:
        if position in ("2.csv", "3.csv") and len(rounds) < 3:
            rounds.append(position)
            for name in ("1.csv", "2-before.csv", "4.csv", "5-behind.csv"):
                play.service.put("mid-sweep", name)
    play.container("mid-sweep", *SEVEN)
    play.service.on_page("mid-sweep", write)
    play.watch("mid-sweep")
    wait_until(lambda: len(rounds), lambda count: count == 3, what="three listings")
    play.settles("mid-sweep")
    made = collections.Counter(name for name, _ in play.made("mid-sweep"))
    # The first listing may only have counted. What the others saw before it was overwritten was a version as well.
    assert made["1.csv"] >= 3 and made["5-behind.csv"] >= 2


def test_five_overwrites_in_one_second_are_as_many_versions_as_polls_saw(play):
    play.container("overwrites", *SEVEN)
    play.watch("overwrites")
    for _ in range(3):
        wait_until(lambda: {etag for _, etag in play.made("overwrites")},
                   lambda made: all(version.etag in made for version in play.service.versions("overwrites")
                                    if version.gone is None), what="the current versions made", pause=0.2)
        for _ in range(5):
            play.service.put("overwrites", "3.csv")
    play.settles("overwrites")
    times = collections.Counter(version.last_modified for version in play.service.versions("overwrites")
                                if version.name == "3.csv")
    assert max(times.values()) >= 4
    assert 4 <= len([name for name, _ in play.made("overwrites") if name == "3.csv"]) <= 16


ODD_NAMES = ["a & <b>.csv", "c\ufffed\x01 é.csv", "e\rf\tg\n.csv", "h/i%20j.csv", "😀.csv", "\ue000.csv"]


def test_names_that_xml_cannot_carry_arrive_whole(play):
    play.container("odd-names", *ODD_NAMES)
    play.watch("odd-names")
    play.settles("odd-names")
    assert set(ODD_NAMES) < {name for name, _ in play.made("odd-names")}


def test_a_redirect_is_not_followed(play):
    play.container("redirected", *SEVEN)
    with HostileBlobService({"redirected": KEY}) as target:
        target.create_container("redirected", "redirected", public=True)
        armed = play.service.inject(Redirect(f"{target.endpoint('redirected')}/redirected?restype=container&comp=list"),
                                    "redirected", times=None)
        play.watch("redirected")
        assert "redirects are not followed" in play.wait_reason("redirected", "InvalidResponse")
        armed.cancel()
        play.settles("redirected")
        assert list(target.requests) == []


def test_an_account_that_hangs_delays_no_other(play):
    hung = [f"hung-{n}" for n in range(6)]  # more than may poll one account at once
    play.container("hung", *SEVEN)
    play.container("healthy", *SEVEN)
    silence = play.service.inject(Silence(), account="hung", times=None)
    for name in hung:
        play.watch(name, container="hung")
    wait_until(lambda: silence.hits, lambda hits: hits == 4, what="all it may have")
    play.watch("healthy")
    for n in range(3):
        etag = play.service.put("healthy", f"late-{n}.csv")
        wait_until(lambda: play.made("healthy"), lambda made: (f"late-{n}.csv", etag) in made, 6, "no delay")
    play.settles("healthy")
    silence.cancel()
    wait_until(lambda: [sum(play.made(name).values()) for name in hung], lambda made: made == [7] * 6, 30, "all go on", 0.3)


# Behind the lying API server

def test_an_operator_behind_it_is_killed_and_deceived_and_makes_each_object_once(play, bed):
    behind = Play(bed, play.service, "lied-to", "lied-to-operator")
    creations = Match("POST", "/configmaps")
    with LyingApiServer(bed, user=behind.user) as proxy, behind.at_home(operator := behind.operator(proxy.kubeconfig)):
        behind.container("lied-to", *SEVEN)
        lost = proxy.lose_answer(dataclasses.replace(creations, skip=2), times=2)
        refused = proxy.answer(Match("PATCH|PUT", "/azureblobwatchers/"), 409)
        trap = proxy.kill_on(dataclasses.replace(creations, skip=5), operator.process, when="after")
        behind.watch("lied-to")
        assert trap.wait(20)
        operator.ended(-signal.SIGKILL)
        operator.start()
        behind.settles("lied-to")
        assert (lost.hits(), refused.hits(), trap.hits()) == (2, 1, 1)
        assert proxy.cut_watches() > 0
        behind.service.put("lied-to", "after.csv")
        behind.settles("lied-to")


def test_a_hierarchical_namespace_is_told_what_cannot_be_seen_there(play):
    play.container("data-lake")
    play.service.put("data-lake", "raw", size=0, ResourceType="directory")
    play.service.put("data-lake", "raw/a.csv", ResourceType="file")
    play.watch("data-lake")
    play.container("flat", "raw/a.csv")
    play.watch("flat")
    wait_until(lambda: play.made("data-lake"), bool, 40, "the file's object", 0.3)
    assert {name for name, _ in play.made("data-lake")} == {"raw/a.csv"}
    assert "hierarchical namespace: a blob that is renamed" in play.wait_reason("data-lake", FINE)
    wait_until(lambda: play.made("flat"), bool, 40, "the flat one's object", 0.3)
    assert "hierarchical" not in play.wait_reason("flat", FINE)
