"""What the operator costs while nothing lands: its start, its resident memory, the CPU and the writes of its polls."""

import statistics
import time

from parts import MB, ListServer, cpu_seconds, create_watcher, operator, polls, total, wait_polls
from testing.kube import wait_until

POLLS = 60


def bench_start(book, bed) -> None:
    def once() -> float:
        one = operator(bed, [])
        began = time.monotonic()
        one.start(ready=False)
        while one.status("/readyz") != 200:
            time.sleep(0.0005)
        took = time.monotonic() - began
        one.stop()
        return took
    book.add("start", 1000 * statistics.median(once() for _ in range(20)))


def bench_watchers(book, bed, count: int) -> None:
    """Resident memory with `count` watchers that have all polled and wait; CPU and writes of their idle polls."""
    with ListServer(100) as server:
        one = operator(bed, [server.origin]).start()
        for i in range(count):
            create_watcher(bed.kube, f"w{i}", server.origin, 1 if count == 1 else 60, existingBlobs="Ignore")
        wait_polls(one, 3 if count == 1 else count)
        time.sleep(32)  # it gives back what it does not use twice a minute
        book.add(f"rss_{count}", max(resident(one) for _ in range(30)))
        if count == 1:
            bench_idle_polls(book, one)
        for i in range(count):
            bed.kube.delete("AzureBlobWatcher", f"w{i}", "default")
        one.stop()


def resident(one) -> float:
    """Looked at once a second: the most counts, polls included."""
    time.sleep(1)
    return one.resident_bytes() / MB


def bench_idle_polls(book, one) -> None:
    polled, written = polls(one), writes(one)
    before = cpu_seconds(one.process.pid)
    time.sleep(POLLS)  # and no look at /metrics meanwhile: a scrape costs more than a poll
    each = (cpu_seconds(one.process.pid) - before) / (polls(one) - polled)
    book.add("whole_poll", 1000 * each, cpu_seconds=each)
    book.add("idle_writes", writes(one) - written)


def writes(one) -> float:
    reads = sum(total(one, "kubernetes_requests_total", f'verb="{verb}"') for verb in ("get", "list", "watch"))
    return total(one, "kubernetes_requests_total") - reads


def bench_large_container(book, bed, blobs: int = 100_000) -> None:
    """How much resident memory grows over the first polls of a large container."""
    with ListServer(10) as small, ListServer(blobs) as server:
        one = operator(bed, [small.origin, server.origin]).start()
        create_watcher(bed.kube, "small", small.origin, 1, existingBlobs="Ignore")
        wait_polls(one, 3)
        before = one.resident_bytes()
        create_watcher(bed.kube, "large", server.origin, 1, existingBlobs="Ignore")
        wait_until(lambda: polls(one, "large"), lambda seen: seen >= 3, 300, "three polls of the large container")
        book.add("rss_large", (one.resident_bytes() - before) / MB)
        for name in ("small", "large"):
            bed.kube.delete("AzureBlobWatcher", name, "default")
        one.stop()
