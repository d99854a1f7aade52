"""`make bench`: every figure that must be reached, measured here and now, with the release build.

CPU time, sizes and ratios within one run, because machines are shared; wall time only where the wait is the point.
"""

import argparse
import gzip
from pathlib import Path

from burst import bench_burst
from idle import bench_large_container, bench_start, bench_watchers
from latency import bench_latency
from parts import BINARY, RELEASE, run_rows
from rows import Book
from testing import paths
from testing.bed import ApiBed


def bench_operator(book) -> None:
    with ApiBed() as bed:
        bed.kube.install_crd(paths.CRD)
        bench_start(book, bed)
        bench_watchers(book, bed, 1)
        bench_watchers(book, bed, 1000)
        bench_large_container(book, bed)
        bench_latency(book, bed)


def bench_size(book) -> None:
    """What the image holds, compressed as a registry keeps it (default level); `make e2e` weighs the image itself."""
    files = [BINARY, Path("/etc/ssl/certs/ca-certificates.crt")]
    book.add("image_size", sum(len(gzip.compress(file.read_bytes(), 6)) for file in files) / 1e6)


PARTS = {
    "list": lambda book: run_rows(book, RELEASE / "bench/list_bench"),
    "store": lambda book: run_rows(book, RELEASE / "bench/store_bench"),
    "operator": bench_operator,
    "burst": bench_burst,
    "size": bench_size,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=paths.ROOT / "build/bench.jsonl", help="where the JSON lines go")
    parser.add_argument("--baseline", type=Path, help="the JSON lines of an earlier run, to compare with")
    parser.add_argument("--only", help=f"some parts, with commas between: {', '.join(PARTS)}")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(PARTS)
    book = Book(arguments.out, arguments.baseline)
    for part in chosen:
        PARTS[part](book)
    missed = book.missed()
    print(f"\n{len(book.results)} rows in {arguments.out}; " + ("all goals reached" if not missed else
          "not reached: " + "; ".join(missed)))


main()
