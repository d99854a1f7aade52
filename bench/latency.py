"""How long a blob waits for its resource: uploads at all phases of the polling interval, through a real blob service."""

import random
import statistics
import time

from parts import WATCHER, create_watcher, operator, wait_polls
from testing.azurite import Azurite
from testing.kube import wait_until

UPLOADS, INTERVAL = 40, 1


def bench_latency(book, bed) -> None:
    azurite = Azurite(bed.run).start()
    azurite.container("data")
    bed.kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "azure", "namespace": "default"},
                     "stringData": {"accountKey": azurite.key}})
    one = operator(bed, [azurite.origin]).start()
    create_watcher(bed.kube, "latency", azurite.endpoint, INTERVAL, storageAccount=azurite.account, maxActive=0,
                   credentialsSecret="azure")
    wait_polls(one, 3, "latency")
    # One upload in each of so many equal parts of the interval, in random order: as uniform as chance, and steadier.
    phases = random.sample([(i + 0.5) * INTERVAL / UPLOADS for i in range(UPLOADS)], UPLOADS)
    waits = [upload_and_wait(bed, azurite, i, phase) for i, phase in enumerate(phases)]
    book.add("latency", 1000 * statistics.median(waits))
    bed.kube.delete(WATCHER, "latency", "default")
    one.stop()
    azurite.stop()


def upload_and_wait(bed, azurite, index: int, phase: float) -> float:
    """From the answer to the upload until the resource can be read. The last poll began a moment ago: see below."""
    time.sleep(phase)
    azurite.upload("data", f"{index}.csv")
    began = time.monotonic()
    wait_until(lambda: bed.kube.find("Job", f"latency-{index}.csv", "default"), bool, 10, "the Job", pause=0.003)
    return time.monotonic() - began  # and the next phase counts from here, the poll that made it
