"""Tables to try the steps on, and a store in memory that behaves as blobs do where the steps rely on it."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import make_csv  # noqa: E402
from ml_pipeline.table import read_table  # noqa: E402

HEADER = "customer,plan,region,tenure_months,support_calls,monthly_fee,gigabytes,target"


@pytest.fixture(scope="session")
def csv_bytes() -> bytes:
    lines = [HEADER] + [",".join(map(str, row)) for row in make_csv.rows(600, 7)]
    return "\n".join(lines).encode()


def table_of(text: str | bytes, limit: int = 1 << 20, **limits):
    data = text.encode() if isinstance(text, str) else text
    return read_table([data[i:i + 7] for i in range(0, len(data), 7)], limit, **limits)  # pieces cut anywhere


def rows_of(*lines: str, header: str = "age,city,target", times: int = 20) -> str:
    """A table that is long enough."""
    return "\n".join([header, *(list(lines) * times)])


class FakeStore:
    """store.Store in memory: what the steps ask of it, and a condition that can be broken."""

    def __init__(self):
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.published: list[tuple[str, str, dict]] = []

    def source(self, container, name, etag):
        yield self.blobs[container, name]

    def load(self, container, name):
        return self.blobs[container, name]

    def find(self, container, name):
        return self.blobs.get((container, name))

    def save(self, container, name, data, content_type=""):
        self.blobs[container, name] = data

    def remove_all(self, container, prefix):
        gone = [key for key in self.blobs if key[0] == container and key[1].startswith(prefix)]
        for key in gone:
            del self.blobs[key]
        return len(gone)

    def publish(self, container, name, data, metadata, content_type="application/x-hdf5"):
        self.blobs[container, name] = data
        self.published.append((container, name, metadata))
        return True
