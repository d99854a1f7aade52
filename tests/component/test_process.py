"""The operator as a process: how it ends, what it serves, what it writes, and that of two only one acts."""

import json
import os
import random
import secrets
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from audited import Creations
from scene import WATCHER
from testing import paths
from testing.kube import wait_until

PREFIX = "azure_blob_operator_"


# How many it serves

def test_it_serves_a_hundred_and_twenty_namespaces(own_operator, bed, scene, label):
    """Each has two watches at least, and a connection to the API server carries a hundred streams."""
    operator = own_operator(*(part for i in range(120) for part in ("--namespace", f"{label}-{i}")))
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    assert scene.wait_ready()
    assert 3 <= connections(operator.process.pid, bed.port) <= 4


def connections(pid: int, port: int) -> int:
    """How many a process has open to a local port."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    ours = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}
    return sum(os.readlink(one) in ours for one in Path(f"/proc/{pid}/fd").iterdir())


# How it ends

def test_sigterm_ends_it_politely(own_operator, scene):
    operator = own_operator()
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    operator.stop()  # says when it took too long or the exit code was not 0
    assert operator.process.exit_code == 0


def test_sigterm_ends_it_although_the_blob_service_hangs(own_operator, scene, azurite):
    operator = own_operator()
    scene.watch()
    scene.wait_ready()
    azurite.freeze()
    try:
        wait_until(lambda: has_unread_request(azurite.port), bool, what="a poll in flight")
        operator.stop()
    finally:
        azurite.thaw()
    assert operator.process.exit_code == 0


def test_sigterm_ends_it_although_the_cluster_hangs(own_operator, bed, scene):
    operator = own_operator()
    scene.watch()
    scene.wait_ready()
    scene.upload("a.csv")
    bed.apiserver.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: has_unread_request(bed.port), bool, what="a request in flight")
        operator.stop()
    finally:
        bed.apiserver.signal(signal.SIGCONT)
    operator.start()
    scene.settles_with("a.csv")


def test_sigterm_ends_it_although_the_cluster_is_away(own_operator, bed):
    operator = own_operator(kubeconfig=nowhere(bed), ready=False)
    wait_until(lambda: "connection refused" in operator.log.read_text(), bool, what="it asked the cluster")
    operator.stop()


def nowhere(bed):
    """A kubeconfig of a cluster that is not there."""
    return bed.authority.client_kubeconfig("nowhere", "https://127.0.0.1:9", "admin", ("system:masters",))


def has_unread_request(port: int) -> bool:
    """Bytes wait for whoever listens on a port of this machine."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in list(table)[1:]]
    return any(int(row[1].split(":")[1], 16) == port and row[3] == "01" and int(row[4].split(":")[1], 16) > 0
               for row in rows)


def test_killed_at_any_time_it_makes_each_job_once(own_operator, audited, bed, scene):
    """From before it is ready until it waits for its next poll; each Job is deleted as soon as it is there, and counted by
    the audit log. tests/chaos does so at every instant that is known to matter."""
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}")
    moments = random.Random(seed)
    operator = own_operator(kubeconfig=audited.kubeconfig)
    uid = scene.watch()["metadata"]["uid"]
    scene.wait_ready()
    versions = []

    def upload(name: str) -> None:
        versions.append((name, scene.azurite.upload(scene.container, name)))
    with Creations(bed, scene.namespace) as creations:
        for turn in range(12):
            for n in range(4):
                upload(f"{turn}-{n}.csv")
            time.sleep(moments.uniform(0, 1.5))
            operator.kill()
            operator.start(ready=False)
        for marker in ("all.csv", "and a poll more.csv"):
            upload(marker)
            wait_until(lambda: {(each.blob, each.etag) for each in creations.of(uid)}, lambda made: made >= {*versions}, 60,
                       "each version created")
            wait_until(scene.resources, lambda left: not left, what="nothing left, held or not")
    assert Counter((each.blob, each.etag) for each in creations.of(uid)) == Counter(versions)


# What it serves

METRICS = """build_info leader watchers polls_total poll_duration_seconds trigger_latency_seconds blobs_listed_total
blobs_matched_total triggers_total set_aside_total active_resources pending_blobs last_successful_poll_timestamp_seconds
azure_requests_total azure_throttled_total kubernetes_requests_total kubernetes_watch_restarts_total
events_dropped_total release_failures_total internal_errors_total""".split()


def page(operator) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.metrics_port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def test_it_is_alive_and_ready(operator):
    assert (operator.status("/healthz"), operator.status("/readyz")) == (200, 200)
    assert operator.status("/metrics") == 404


def test_without_its_cluster_it_is_alive_but_not_ready(own_operator, bed):
    operator = own_operator(kubeconfig=nowhere(bed), ready=False)
    wait_until(lambda: operator.status("/healthz"), lambda status: status == 200, what="alive")
    assert operator.status("/readyz") == 503
    assert f"{PREFIX}leader" in page(operator)


def test_the_metrics_count_and_end_with_their_watcher(operator, scene, job_template):
    job_template["spec"]["template"]["spec"]["containers"][0]["name"] = "${BLOB_STEM}"
    mine = f'{{namespace="{scene.namespace}",watcher="w"'
    before = operator.metrics()
    scene.upload("a.csv", "Not A Name.csv")
    scene.watch(template=job_template)
    scene.wait(lambda status: (status.get("triggered"), status.get("setAside")) == (1, 1))

    def counted() -> bool:
        now = operator.metrics()
        return now.get(f'{PREFIX}polls_total{mine},result="success"}}', 0) >= 2
    wait_until(counted, bool, what="two polls")
    now = operator.metrics()
    assert now[f'{PREFIX}triggers_total{mine},result="created"}}'] == 1
    assert now[f'{PREFIX}triggers_total{mine},result="failed"}}'] == 1
    assert now[f"{PREFIX}active_resources{mine}}}"] == 1
    assert now[f"{PREFIX}pending_blobs{mine}}}"] == 0
    assert abs(now[f"{PREFIX}last_successful_poll_timestamp_seconds{mine}}}"] - time.time()) < 60
    aside = f'{PREFIX}set_aside_total{{reason="Rejected"}}'
    listed = f'{PREFIX}azure_requests_total{{operation="ListBlobs",code="200"}}'
    rising = [aside, listed, f"{PREFIX}blobs_listed_total", f"{PREFIX}blobs_matched_total",
              f"{PREFIX}trigger_latency_seconds_count", f"{PREFIX}poll_duration_seconds_count"]
    assert [series for series in rising if now[series] <= before.get(series, 0)] == []
    assert now[f"{PREFIX}leader"] == 1
    assert now["process_resident_memory_bytes"] > 1e6

    text = page(operator)
    assert [name for name in METRICS if f"# TYPE {PREFIX}{name} " not in text] == []
    assert [name for name in METRICS if f"\n{PREFIX}{name}" not in text] == []
    assert "Name.csv" not in text  # no label per blob
    scene.delete()
    wait_until(lambda: page(operator), lambda text: mine not in text, what="no series of the watcher")


# What it writes

def test_its_log_is_json_lines_without_a_secret(own_operator, scene, azurite):
    operator = own_operator("--log-format", "json", "--log-level", "debug")
    sas = azurite.container_sas(scene.container)
    scene.upload("a.csv")
    scene.watch("key")
    scene.wait_made("a.csv", watcher="key")
    for name, data in {"sas": {"sasToken": sas}, "text": {"connectionString": azurite.connection_string},
                       "wrong": {"sasToken": azurite.container_sas("elsewhere")}}.items():
        scene.kube.create({"apiVersion": "v1", "kind": "Secret", "stringData": data,
                           "metadata": {"name": name, "namespace": scene.namespace}})
        scene.watch(name, credentialsSecret=name)
    scene.wait_made("a.csv", watcher="sas")
    scene.wait_made("a.csv", watcher="text")
    scene.wait_reason("AuthenticationFailed", "wrong")
    scene.wait_event("AuthenticationFailed", "wrong")
    metrics = page(operator)
    operator.stop()
    log = operator.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"debug", "info"} <= {line["level"] for line in lines}
    assert all(line["message" if "message" in line else "msg"] for line in lines)
    told = json.dumps([scene.kube.list("Event", scene.namespace), scene.kube.list(WATCHER, scene.namespace),
                       scene.kube.list("Job", scene.namespace)])
    for text in (log, metrics, told):
        assert azurite.key not in text and azurite.key[:24] not in text
        assert "sig=" not in text.lower() and sas.partition("sig=")[2][:16] not in text


# Two of them

def leads(operator) -> bool:
    return operator.alive() and operator.metrics().get(f"{PREFIX}leader") == 1


@pytest.fixture
def two(own_operator, namespace):
    """A leader and a standby."""
    flags = ["--leader-elect", "--leader-election-namespace", namespace]
    first = own_operator(*flags)
    wait_until(lambda: leads(first), bool, what="a leader")
    return first, own_operator(*flags)


def test_of_two_only_one_acts_and_the_other_takes_over_at_once(two, scene):
    first, second = two
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    assert (leads(first), leads(second)) == (True, False)
    assert second.status("/readyz") == 200
    assert f'{PREFIX}polls_total' not in {series.partition("{")[0] for series in second.metrics()}
    first.stop()
    wait_until(lambda: leads(second), bool, timeout=3, what="the standby leads")
    scene.upload("b.csv")
    scene.settles_with("a.csv", "b.csv")


def test_a_standby_takes_over_from_a_killed_leader(two, scene):
    first, second = two
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    first.kill()
    wait_until(lambda: leads(second), bool, timeout=15, what="the standby leads")
    scene.upload("b.csv")
    scene.settles_with("a.csv", "b.csv")


def test_a_leader_that_lost_its_lease_ends(own_operator, scene, kube, namespace):
    operator = own_operator("--leader-elect", "--leader-election-namespace", namespace)
    wait_until(lambda: leads(operator), bool, what="a leader")
    kube.patch("Lease", "azure-blob-operator", {"spec": {"holderIdentity": "somebody-else"}}, namespace)
    operator.ended(1, timeout=15)
    assert "the lease was lost" in operator.log.read_text()


# The command line

def command(*arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run([paths.operator_binary(), *arguments], capture_output=True, text=True, timeout=20,
                          env={**os.environ, **env})


def test_version_prints_one_line():
    done = command("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("azure-blob-operator ") and done.stdout.count("\n") == 1


EXAMPLES = sorted((paths.ROOT / "examples").glob("*.yaml"))


def test_every_example_is_valid():
    done = command("validate", *map(str, EXAMPLES))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_watcher_is_refused_with_its_line(tmp_path):
    text = (paths.ROOT / "examples/basic-job.yaml").read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("blobPattern:", "blobPatern:"))
    line = next(n for n, each in enumerate(wrong.read_text().splitlines(), 1) if "blobPatern" in each)
    done = command("validate", str(wrong))
    assert done.returncode == 1
    assert f"{line}" in done.stdout and "did you mean blobPattern?" in done.stdout


@pytest.mark.parametrize("arguments", [
    [], ["walk"], ["run", "--no-such-flag"], ["run", "--log-level", "loud"], ["validate"], ["render", "x.yaml"],
    ["run", "--kubeconfig", "/no/such/file"], ["run", "--allowed-endpoint", "nonsense"], ["run", "--allowed-kind", "Job"],
], ids=" ".join)
def test_what_cannot_work_is_refused_at_once_with_a_reason(arguments):
    done = command(*arguments)
    assert done.returncode == 2
    assert (done.stderr + done.stdout).strip()


def test_a_flag_may_come_from_the_environment():
    done = command("run", "--kubeconfig", "/no/such/file", AZURE_BLOB_OPERATOR_LOG_LEVEL="loud")
    assert done.returncode == 2
    assert "--log-level" in done.stderr
