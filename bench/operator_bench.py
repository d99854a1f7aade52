"""What the whole operator costs: the release build on a real API server, polling the list-only server.

Prints one row for each figure, in list_bench's form: name, value, unit, goal. Memory is the process's resident set;
CPU is its own, from /metrics; only the start is wall time, the least of several tries.
"""

import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from testing import paths  # noqa: E402
from testing.bed import ApiBed  # noqa: E402
from testing.kube import wait_until  # noqa: E402
from testing.operator import Operator  # noqa: E402

RELEASE = paths.ROOT / "build/release"
MB = 1 << 20
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: "process-${BLOB_NAME}"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox, args: ["${BLOB_URL}"]}]}}}
"""


def row(name: str, value: float, unit: str, goal: str) -> None:
    print(f"{name:<58}{value:>9.3f} {unit:<5} goal {goal}", flush=True)


class ListServer:
    """A blob service that can only list, from memory; a fake, since Azurite slows down past some thousand blobs."""

    def __init__(self, blobs: int):
        self.process = subprocess.Popen([RELEASE / "tests/testing/list_server/list-only-server", "--blobs", str(blobs)],
                                        stdout=subprocess.PIPE, text=True)
        self.origin = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def create_watcher(kube, name: str, server: ListServer, interval: int) -> None:
    kube.create({"apiVersion": "mlops.example.com/v1alpha1", "kind": "AzureBlobWatcher",
                 "metadata": {"name": name, "namespace": "default"},
                 "spec": {"storageAccount": "synthetic", "endpoint": server.origin, "containerName": "data",
                          "existingBlobs": "Ignore", "blobPattern": r".*\.csv$", "pollingIntervalSeconds": interval,
                          "jobTemplate": {"kind": "Job", "template": JOB}}})


def polls(operator: Operator) -> float:
    return sum(value for series, value in operator.metrics().items()
               if series.startswith("azure_blob_operator_polls_total{") and 'result="success"' in series)


def wait_polls(operator: Operator, count: float, timeout: float = 300) -> None:
    wait_until(lambda: polls(operator), lambda seen: seen >= count, timeout, f"{count:g} polls")


def writes(operator: Operator) -> float:
    return sum(value for series, value in operator.metrics().items()
               if series.startswith("azure_blob_operator_kubernetes_requests_total{")
               and not any(f'verb="{verb}"' in series for verb in ("get", "list", "watch")))


def bench_start(bed) -> None:
    def once() -> float:
        operator = Operator(bed.run, bed.kubeconfig, binary=RELEASE / "azure-blob-operator")
        began = time.monotonic()
        operator.start(ready=False)
        while operator.status("/readyz") != 200:
            time.sleep(0.0005)
        took = time.monotonic() - began
        operator.stop()
        return took
    row("process start to /readyz, wall (least of 10)", 1000 * min(once() for _ in range(10)), "ms", "25")


def bench_watchers(bed, count: int, goal: str) -> None:
    """Resident memory with `count` watchers that have all polled and wait; CPU and writes of their idle polls."""
    server = ListServer(100)
    operator = Operator(bed.run, bed.kubeconfig, allowed=[server.origin], binary=RELEASE / "azure-blob-operator").start()
    interval = 1 if count == 1 else 60
    for i in range(count):
        create_watcher(bed.kube, f"w{i}", server, interval)
    wait_polls(operator, 3 if count == 1 else count)
    time.sleep(3)  # the last status writes settle
    row(f"resident memory with {count} idle watchers", operator.resident_bytes() / MB, "MB", goal)
    if count == 1:
        before, polled, written = operator.metrics(), polls(operator), writes(operator)
        time.sleep(20)  # and no look at /metrics meanwhile: a scrape costs more than a poll
        after = operator.metrics()
        cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
        row("whole operator, container of 100 blobs, CPU a poll", 1000 * cpu / (polls(operator) - polled), "ms", "-")
        row("API server writes while it did", writes(operator) - written, "", "0")
    for i in range(count):
        bed.kube.delete("AzureBlobWatcher", f"w{i}", "default")
    operator.stop()
    server.stop()


def bench_large_container(bed, blobs: int, goal: str) -> None:
    """How much resident memory grows over the first polls of a large container."""
    small, server = ListServer(10), ListServer(blobs)
    operator = Operator(bed.run, bed.kubeconfig, allowed=[small.origin, server.origin],
                        binary=RELEASE / "azure-blob-operator").start()
    create_watcher(bed.kube, "small", small, 1)
    wait_polls(operator, 3)
    before = operator.resident_bytes()
    create_watcher(bed.kube, "large", server, 1)
    series = 'azure_blob_operator_polls_total{namespace="default",watcher="large",result="success"}'
    wait_until(operator.metrics, lambda seen: seen.get(series, 0) >= 3, 300, "three polls of the large container")
    row(f"resident memory added by polling {blobs} blobs", (operator.resident_bytes() - before) / MB, "MB", goal)
    for name in ("small", "large"):
        bed.kube.delete("AzureBlobWatcher", name, "default")
    operator.stop()
    small.stop()
    server.stop()


def main() -> None:
    with ApiBed() as bed:
        bed.kube.install_crd(paths.CRD)
        bench_start(bed)
        bench_watchers(bed, 1, "8")
        bench_watchers(bed, 1000, "12, at most 24")
        bench_large_container(bed, 100_000, "below 4")


main()
