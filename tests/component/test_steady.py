"""The steady state: what passes by itself is waited for and gone on with, and what troubles one watcher leaves the others
alone. The schedule's laws are in controllers/schedule_test.cc, hours of them on a scripted clock; here the real parts
show the few that depend on sockets and on the real API server's words.
"""

import contextlib
import time

import pytest

from testing import paths
from testing.kube import wait_until
from testing.lying_api_server import LyingApiServer, Match

OUTAGE = 12  # seconds: longer than a leader may act without a renewal
ALARM = 4  # seconds, of these: what was in flight fails, and each watch tries again soon for the first times


@pytest.fixture
def proxy(bed, label):
    with LyingApiServer(bed, user=f"operator-{label}") as proxy:
        yield proxy


def requests(operator) -> float:
    """To the API server, answered or not."""
    return sum(value for series, value in operator.metrics().items()
               if series.startswith("azure_blob_operator_kubernetes_requests_total{"))


def polls(operator, namespace: str, watcher: str) -> float:
    return sum(value for series, value in operator.metrics().items()
               if series.startswith("azure_blob_operator_polls_total{") and f'namespace="{namespace}"' in series
               and f'watcher="{watcher}"' in series)


# The API server goes

@pytest.mark.parametrize("goes, returns, elects", [
    ("go_away", "come_back", False), ("hang", "unhang", False), ("go_away", "come_back", True)])
def test_an_outage_is_sat_out_without_a_restart_or_a_hot_loop(goes, returns, elects, own_operator, proxy, scene):
    flags = ["--leader-elect", "--leader-election-namespace", scene.namespace] if elects else []
    operator = own_operator(*flags, kubeconfig=proxy.kubeconfig)
    names = [f"w{n}" for n in range(5)]
    for name in names:
        scene.watch(name, credentials=name == names[0], template=named_after(name))
    for name in names:
        scene.wait_ready(name)
    process, before = operator.process, requests(operator)
    getattr(proxy, goes)()
    began = time.monotonic()
    scene.upload("a.csv")
    alarm = None
    while time.monotonic() < began + OUTAGE:
        assert operator.status("/healthz") == 200
        if alarm is None and time.monotonic() > began + ALARM:
            alarm, settled = requests(operator), time.monotonic()
        time.sleep(1)
    assert alarm - before <= ALARM + 4 * len(names)
    # Then an attempt a second, beside watches, and a lease, that each try every few seconds.
    assert requests(operator) - alarm <= 2 * (time.monotonic() - settled) + 3
    getattr(proxy, returns)()
    returned = time.monotonic()
    for name in names:
        scene.wait_made("a.csv", watcher=name, timeout=returned + 10 - time.monotonic())
    assert operator.process is process and operator.alive()
    assert operator.log.read_text().count("the API server is away") <= 2
    for name in names:
        scene.wait(lambda status: status.get("triggered") == 1, name)


def named_after(watcher: str) -> dict:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": watcher + "-${BLOB_NAME}"},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [
                {"name": "main", "image": "lab.local/busybox:1"}]}}}}


# The API server asks for patience

def test_a_creations_retry_after_holds_up_that_blob_alone(own_operator, proxy, scene):
    own_operator(kubeconfig=proxy.kubeconfig)
    scene.watch()
    scene.wait_ready()
    refused = proxy.answer(Match("POST", "/jobs"), 429, retry_after=4)
    scene.upload("first.csv")
    wait_until(refused.hits, bool, what="the refusal")
    refused_at = time.monotonic()
    scene.upload("second.csv")
    scene.wait_made("second.csv", timeout=3)
    scene.wait_made("first.csv", "second.csv")
    assert time.monotonic() >= refused_at + 3.5


def test_a_webhook_that_is_away_is_waited_for(operator, scene, neighbour):
    scene.kube.create(webhook(scene.namespace))
    try:
        scene.watch()
        scene.upload("a.csv")
        message = next(one["message"] for one in scene.wait_reason("AdmissionDenied")["status"]["conditions"]
                       if one["type"] == "Ready")
        assert "failed calling webhook" in message
        neighbour.keeps_polling()
        assert scene.made() == []
    finally:
        scene.kube.delete("ValidatingWebhookConfiguration", scene.namespace)
    scene.settles_with("a.csv")


def webhook(namespace: str) -> dict:
    """Of a service that is not there, for the Jobs of one namespace."""
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [{"name": "away.example.com", "failurePolicy": "Fail", "sideEffects": "None",
                          "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
                          "clientConfig": {"url": "https://127.0.0.1:9/"},
                          "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                          "rules": [{"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"],
                                     "resources": ["jobs"]}]}]}


# A container that is large

@contextlib.contextmanager
def million_blobs(bed, label: str):
    """The origin of a service whose one container holds them."""
    binary = paths.operator_binary().parent / "tests/testing/list_server/list-only-server"
    log = bed.logs / f"list-{label}.log"
    process = bed.run.spawn(f"list-{label}", [binary, "--blobs", "1000000", "--blob-bytes", "300"])
    port = wait_until(lambda: log.read_text().strip() if log.exists() else "", str.isdigit, what="the list server's port")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop(0)


def test_a_million_blobs_do_not_delay_a_small_container(own_operator, bed, scene, label):
    with million_blobs(bed, label) as origin:
        operator = own_operator(allowed=[origin])
        scene.watch("small")
        scene.wait_ready("small")
        polled = polls(operator, scene.namespace, "small")
        scene.watch("large", storageAccount="synthetic", endpoint=origin, containerName="data", credentialsSecret=None,
                    existingBlobs="Ignore", credentials=False)
        began, blobs = time.monotonic(), []
        while not blobs or not scene.status("large").get("lastPoll"):
            blobs.append(f"{len(blobs)}.csv")
            scene.upload(blobs[-1])
            scene.wait_made(*blobs, watcher="small", timeout=4)
        assert polls(operator, scene.namespace, "small") - polled >= (time.monotonic() - began) / 2 - 1
        assert scene.status("large")["lastPoll"]["listed"] == 1_000_000
