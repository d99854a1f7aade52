"""What one run leaves for its next step: blobs below a prefix that is the run's own, such as the Workflow's UID."""

import dataclasses
import io
import json

import numpy as np

from .features import Preprocessing
from .store import Store

PARTS = ("train", "validation", "test")


@dataclasses.dataclass
class Prepared:
    """Inputs and targets of each part, and how they were made."""
    preprocessing: Preprocessing
    inputs: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]


@dataclasses.dataclass
class Run:
    store: Store
    container: str
    prefix: str  # ends in "/"

    def save_prepared(self, prepared: Prepared) -> None:
        arrays = {f"{part}_{what}": values[part] for part in PARTS
                  for what, values in (("inputs", prepared.inputs), ("targets", prepared.targets))}
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        self.save("prepared.npz", packed.getvalue())
        self.save("preprocessing.json", prepared.preprocessing.to_json().encode())

    def load_prepared(self) -> Prepared:
        with np.load(io.BytesIO(self.load("prepared.npz"))) as arrays:
            inputs, targets = ({part: arrays[f"{part}_{what}"] for part in PARTS} for what in ("inputs", "targets"))
        return Prepared(Preprocessing.from_json(self.load("preprocessing.json").decode()), inputs, targets)

    def save_json(self, name: str, value) -> None:
        self.save(name, json.dumps(value, indent=1).encode(), "application/json")

    def load_json(self, name: str):
        return json.loads(self.load(name))

    def save(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        self.store.save(self.container, self.prefix + name, data, content_type)

    def find(self, name: str) -> bytes | None:
        return self.store.find(self.container, self.prefix + name)

    def load(self, name: str) -> bytes:
        return self.store.load(self.container, self.prefix + name)
