#!/usr/bin/env python3
"""Uses a published model: predict.py MODEL.h5 FILE.csv prints each row with a column `prediction` behind it.

The model is an ordinary Keras file; what it wants as input stands in the file's attributes. --check compares with the column
that was to be predicted, where the CSV has it, and prints the share that agrees.
"""

import argparse
import csv
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import h5py
import keras
import numpy as np

from ml_pipeline.errors import BadInput
from ml_pipeline.features import Preprocessing
from ml_pipeline.measure import predict
from ml_pipeline.table import read_table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("csv")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    with h5py.File(options.model) as file:
        preprocessing = Preprocessing.from_json(file.attrs["ml_pipeline.preprocessing"])
    model = keras.models.load_model(options.model, compile=False)
    try:
        with open(options.csv, "rb") as file:
            pieces, all_there_are = iter(lambda: file.read(1 << 20), b""), sys.maxsize
            table = read_table(pieces, max_bytes=all_there_are, max_cells=all_there_are, max_distinct=all_there_are)
        outputs = predict(model, preprocessing.inputs(table))
        if options.check:
            return check(preprocessing, table, outputs)
    except BadInput as error:
        print(f"{options.csv}: {error}", file=sys.stderr)
        return error.exit_code
    if preprocessing.classes:
        said = [preprocessing.classes[number] for number in outputs.argmax(axis=1)]
    else:
        said = (outputs[:, 0] * preprocessing.target_scale + preprocessing.target_mean).tolist()
    out = csv.writer(sys.stdout)
    out.writerow([column.name for column in table.columns] + ["prediction"])
    for row in zip(*(column.cells() for column in table.columns), said):
        out.writerow(row)
    return 0


def check(preprocessing: Preprocessing, table, outputs: np.ndarray) -> int:
    column = table.column(preprocessing.target)
    if column is None:
        raise BadInput(f"there is no column {preprocessing.target!r} to compare with")
    if column.missing_count:
        raise BadInput(f"the column {column.name!r}, to compare with, is missing in line {column.missing[0]}")
    targets = preprocessing.targets(table)
    if preprocessing.classes:
        print(f"{np.mean(outputs.argmax(axis=1) == targets):.4f} of {table.rows} rows agree")
    else:
        off = np.abs(outputs[:, 0] - targets).mean() * preprocessing.target_scale
        print(f"mean error {off:.4f} over {table.rows} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
