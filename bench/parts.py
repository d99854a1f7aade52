"""What the benchmarks run: the release build's programs, the list-only server, watchers for the operator to poll."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from testing import paths  # noqa: E402
from testing.kube import wait_until  # noqa: E402
from testing.operator import Operator  # noqa: E402

RELEASE = paths.ROOT / "build/release"
BINARY = RELEASE / "azure-blob-operator"
WATCHER = "AzureBlobWatcher"
MB = 1 << 20
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: "${WATCHER_NAME}-${BLOB_NAME}"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox, args: ["${BLOB_URL}"]}]}}}
"""


class ListServer:
    """A blob service that can only list, from memory; a fake, since Azurite slows down past some thousand blobs."""

    def __init__(self, blobs: int):
        self.process = subprocess.Popen([RELEASE / "tests/testing/list_server/list-only-server", "--blobs", str(blobs)],
                                        stdout=subprocess.PIPE, text=True)
        self.origin = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self) -> "ListServer":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()


def operator(bed, allowed: list[str]) -> Operator:
    return Operator(bed.run, bed.kubeconfig, allowed=allowed, binary=BINARY)


def create_watcher(kube, name: str, origin: str, interval: int, **spec) -> None:
    kube.create({"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                 "metadata": {"name": name, "namespace": "default"},
                 "spec": {"storageAccount": "synthetic", "endpoint": origin, "containerName": "data",
                          "blobPattern": r".*\.csv$", "pollingIntervalSeconds": interval,
                          "jobTemplate": {"kind": "Job", "template": JOB}, **spec}})


def total(operator: Operator, metric: str, *parts: str) -> float:
    """The sum of a metric's series whose labels hold all of `parts`."""
    return sum(value for series, value in operator.metrics().items()
               if series.startswith(f"azure_blob_operator_{metric}{{") and all(part in series for part in parts))


def polls(operator: Operator, watcher: str = "") -> float:
    return total(operator, "polls_total", 'result="success"', f'watcher="{watcher}' if watcher else "")


def wait_polls(operator: Operator, count: float, watcher: str = "", timeout: float = 300) -> None:
    wait_until(lambda: polls(operator, watcher), lambda seen: seen >= count, timeout, f"{count:g} polls", pause=0.25)


def cpu_seconds(pid: int) -> float:
    """What a process of one thread has used so far, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def run_rows(book, program: Path) -> None:
    """Runs a benchmark that prints JSON lines, and takes each into the book as it comes."""
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            book.add(**json.loads(line))
    if process.returncode:
        raise SystemExit(f"{program} ended with {process.returncode}")
