"""Step 1: reads the CSV, checks it, and leaves numbers for the network to learn from."""

import numpy as np

from . import features
from .errors import BadInput
from .table import Table, read_table
from .work import PARTS, Prepared, Run

MIN_ROWS = 30


def preprocess(table: Table, target: str, task: str = "auto", missing: str = "error", seed: int = 0) -> Prepared:
    if table.rows < MIN_ROWS:
        raise BadInput(f"the file has {table.rows} rows; at least {MIN_ROWS} are needed to learn from and to test with")
    found = features.choose(table, target, task, missing)
    labels = found.targets(table) if found.task == "classification" else np.zeros(table.rows)
    rows = dict(zip(PARTS, features.split(labels, len(found.classes), seed)))
    features.scale(found, table, rows["train"])
    inputs, targets = found.inputs(table), found.targets(table)
    return Prepared(found, {part: inputs[rows[part]] for part in PARTS}, {part: targets[rows[part]] for part in PARTS})


def run(run: Run, options) -> None:
    table = read_table(run.store.source(options.container, options.blob_name, options.blob_etag), options.max_bytes)
    prepared = preprocess(table, options.target, options.task, options.missing, options.seed)
    run.save_prepared(prepared)
    found = prepared.preprocessing
    print(f"{table.rows} rows, {len(found.features)} columns to learn from, {found.task} of {found.target!r}"
          + (f" into {len(found.classes)} classes" if found.classes else ""))
    for name, why in found.ignored.items():
        print(f"left out: {name!r} ({why})")
