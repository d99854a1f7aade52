"""read_model.py MODEL.h5 FILE.csv: what a published model is, as JSON. Run by the Python that has Keras.

The accuracy is measured anew on the rows that training has not seen: the CSV is split again as preprocess splits it.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples/ml-pipeline"))

import h5py  # noqa: E402
import keras  # noqa: E402

from ml_pipeline.measure import measure, predict  # noqa: E402
from ml_pipeline.preprocess import preprocess  # noqa: E402
from ml_pipeline.table import read_table  # noqa: E402

model_file, csv_file = map(Path, sys.argv[1:])
prepared = preprocess(read_table([csv_file.read_bytes()], 1 << 30), "target")
outputs = predict(keras.models.load_model(model_file, compile=False), prepared.inputs["test"])
kernels: dict[str, str] = {}
with h5py.File(model_file) as file:
    file.visititems(lambda name, item: kernels.update({name: str(item.dtype)})
                    if isinstance(item, h5py.Dataset) and name.endswith("/kernel") else None)
    about = {name.removeprefix("ml_pipeline."): text for name, text in file.attrs.items() if name.startswith("ml_pipeline.")}
print(json.dumps({"kernels": kernels, "about": about,
                  "accuracy": measure(prepared.preprocessing, outputs, prepared.targets["test"])["score"]}))
