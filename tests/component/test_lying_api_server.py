"""The API server that lies, before the real one, keeps its word: seen by a plain client."""

import http.client
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testing.kube import ApiError, Kube, wait_until
from testing.lying_api_server import LyingApiServer, Match


class Plain:
    """One connection for each request, so that nothing is asked twice."""

    def __init__(self, kubeconfig, home: str):
        self.kubeconfig, self.home = kubeconfig, home

    def kube(self) -> Kube:
        return Kube.from_kubeconfig(self.kubeconfig)

    def make(self, name: str) -> dict:
        path = f"/api/v1/namespaces/{self.home}/configmaps"
        return self.kube().request("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})

    def get(self, name: str = "") -> dict:
        return self.kube().request("GET", f"/api/v1/namespaces/{self.home}/configmaps/{name}".rstrip("/"))

    def watch(self):
        """An open watch, from what is there: iterate over its events."""
        kube = self.kube()
        version = self.get()["metadata"]["resourceVersion"]
        connection = kube._connect()
        connection.request("GET", f"/api/v1/namespaces/{self.home}/configmaps?watch=true&resourceVersion={version}",
                           headers={"Authorization": f"Bearer {kube.token}"})
        return connection.getresponse()


LOST = (OSError, http.client.HTTPException)
MAPS = Match(path="/configmaps")
WRITES = Match("POST|PATCH", "/configmaps")


@pytest.fixture(scope="module")
def one_proxy(bed):
    with LyingApiServer(bed, user="liar") as proxy:
        yield proxy


@pytest.fixture
def proxy(one_proxy):
    yield one_proxy
    one_proxy.clear_faults()


@pytest.fixture
def plain(proxy, kube, namespace) -> Plain:
    kube.wait("ConfigMap", "kube-root-ca.crt", namespace, bool)  # which comes by itself; no test shall meet it
    return Plain(proxy.kubeconfig, namespace)


def event(stream) -> tuple[str, str]:
    seen = json.loads(stream.readline())
    return seen["type"], seen["object"].get("metadata", {}).get("name")


def test_it_passes_everything_on_as_its_user(proxy, plain, bed, kube, namespace):
    began = time.monotonic()
    plain.make("a")
    assert kube.find("ConfigMap", "a", namespace)
    assert plain.kube().raw("GET", "/readyz") == b"ok"
    with pytest.raises(ApiError) as missing:
        plain.get("b")
    assert missing.value.status == 404
    made, ready, looked = proxy.requests(since=began)
    assert (made.method, made.status, made.watch, made.fault) == ("POST", 201, False, "")
    assert (ready.path, looked.status) == ("/readyz", 404)
    assert [entry["user"]["username"] for entry in bed.audit_events()
            if entry["verb"] == "create" and (entry["objectRef"].get("namespace"), entry["objectRef"].get("name")) == (
                namespace, "a")] == ["liar"]


def test_a_lost_answer_was_carried_out_and_a_dropped_request_was_not(proxy, plain):
    lost = proxy.lose_answer(WRITES)
    with pytest.raises(LOST):
        plain.make("lost")
    dropped = proxy.drop_request(WRITES)
    with pytest.raises(LOST):
        plain.make("dropped")
    assert plain.make("third")
    assert {thing["metadata"]["name"] for thing in plain.get()["items"]} - {"kube-root-ca.crt"} == {"lost", "third"}
    assert (lost.hits(), dropped.hits()) == (1, 1)
    assert [request.fault for request in proxy.requests() if request.fault][-2:] == ["lose_answer", "drop_request"]


def test_an_answer_of_its_own_is_a_status(proxy, plain):
    proxy.answer(Match("POST", skip=1), 429, message="slowly", retry_after=2, times=2)
    plain.make("a")
    for _ in range(2):
        with pytest.raises(ApiError) as told:
            plain.make("b")
        assert (told.value.status, told.value.reason) == (429, "TooManyRequests")
        assert told.value.answer["details"] == {"retryAfterSeconds": 2}
    assert plain.make("b")


def test_delays_hold_up_the_one_request(proxy, plain):
    proxy.delay(WRITES, 0.3)
    proxy.delay_answer(WRITES, 0.3)
    began = time.monotonic()
    plain.make("a")
    assert time.monotonic() - began > 0.6
    plain.make("b")
    assert [request.fault for request in proxy.requests(since=began)] == ["delay delay_answer", ""]


def test_a_delay_that_is_cancelled_lets_go_what_it_holds_up(proxy, plain):
    delays = [proxy.delay(WRITES, 1000), proxy.delay_answer(WRITES, 1000)]
    with ThreadPoolExecutor() as one:
        held = one.submit(plain.make, "a")
        for delay in delays:
            wait_until(delay.hits, lambda hits: hits == 1, what="the request held")
            assert not held.done()
            delay.cancel()
        assert held.result(timeout=10)["metadata"]["name"] == "a"


@pytest.mark.parametrize("even_if_gone", [False, True])
def test_a_request_whose_sender_died_arrives_only_if_told_so(proxy, plain, even_if_gone):
    held = proxy.delay(WRITES, 1, even_if_gone=even_if_gone)
    kube = plain.kube()
    connection = kube._connect()
    connection.request("POST", f"/api/v1/namespaces/{plain.home}/configmaps",
                       json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}),
                       {"Content-Type": "application/json"})
    wait_until(held.hits, lambda hits: hits == 1, what="the request held")
    connection.close()
    wait_until(lambda: proxy.requests()[-1], lambda seen: seen.status == 201 if even_if_gone else seen.fault == "delay gone")
    there = {thing["metadata"]["name"] for thing in plain.get()["items"]}
    assert ("late" in there) == even_if_gone


@pytest.mark.parametrize("when", ["before", "after"])
def test_it_kills_at_the_instant_it_was_told(proxy, plain, bed, when):
    victim = bed.run.spawn("victim", ["sleep", "100"])
    trap = proxy.kill_on(WRITES, victim, when)
    assert plain.get() and not trap.wait(0)
    with pytest.raises(LOST):
        plain.make("a")
    assert trap.wait(5) and victim.wait(5)
    assert victim.exit_code == -signal.SIGKILL
    assert ("a" in {thing["metadata"]["name"] for thing in plain.get()["items"]}) == (when == "after")
    assert plain.make("b")


def test_it_stops_a_process_and_lets_its_request_go_on(proxy, plain, bed):
    victim = bed.run.spawn("victim", ["sleep", "100"])
    trap = proxy.signal_on(WRITES, victim, signal.SIGSTOP)
    assert plain.make("a")
    assert trap.wait(5)
    wait_until(lambda: Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[0],
               lambda state: state == "T", what="it stopped")
    victim.stop(0)


def test_watch_events_are_dropped_doubled_and_delayed(proxy, plain):
    stream = plain.watch()
    proxy.watch_event(MAPS, "drop")
    proxy.watch_event(MAPS, "duplicate")
    for name in "abc":
        plain.make(name)
    assert [event(stream) for _ in range(3)] == [("ADDED", "b"), ("ADDED", "b"), ("ADDED", "c")]
    proxy.watch_event(MAPS, "delay", seconds=0.4)
    began = time.monotonic()
    plain.make("d")
    assert event(stream) == ("ADDED", "d")
    assert time.monotonic() - began > 0.4


def test_watches_are_cut_and_ended_with_gone(proxy, plain):
    ended = plain.watch()
    assert proxy.end_watches_with_gone() == 1
    assert json.loads(ended.readline())["object"]["code"] == 410
    assert ended.read() == b""
    cut = plain.watch()
    wait_until(lambda: proxy.cut_watches(), lambda count: count == 1)
    with pytest.raises(LOST):
        cut.read()


def test_it_goes_away_and_comes_back_on_the_same_port(proxy, plain):
    plain.get()  # on a connection that is idle afterwards
    stream = plain.watch()
    assert (proxy.go_away(), proxy.go_away()) == (1, 0)
    with pytest.raises(LOST):
        stream.read()
    with pytest.raises(ConnectionRefusedError):
        plain.get()
    proxy.come_back()
    assert plain.get()


def test_it_hangs_and_goes_on(proxy, plain):
    hang = proxy.hang()
    assert hang.hits() == 0
    with ThreadPoolExecutor() as one:
        held = one.submit(plain.make, "a")
        with pytest.raises(TimeoutError):
            held.result(timeout=0.5)
        assert hang.hits() == 1
        proxy.unhang()
        assert held.result(timeout=10)["metadata"]["name"] == "a"
    assert plain.make("b") and hang.hits() == 1


def test_chance_is_repeatable(bed, namespace):
    def fate(seed: int) -> str:
        with LyingApiServer(bed, user="liar", seed=seed) as proxy:
            plain = Plain(proxy.kubeconfig, namespace)
            proxy.answer(Match("GET"), 503, times=None, probability=0.5)
            return "".join("x" if plain_fails(plain) else "." for _ in range(24))
    first = fate(7)
    assert first == fate(7) != fate(8)
    assert 4 < first.count("x") < 20


def plain_fails(plain: Plain) -> bool:
    try:
        plain.get()
        return False
    except ApiError:
        return True
