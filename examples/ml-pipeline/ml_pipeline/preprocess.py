"""Step 1: reads the CSV, checks it, and leaves numbers for the network to learn from."""

from collections.abc import Sequence

import numpy as np

from . import features
from .errors import BadInput
from .table import MAX_CELLS, MAX_COLUMNS, Table, read_table
from .work import PARTS, Prepared, Run

MIN_ROWS = 30


def preprocess(table: Table, target: str, task: str = "auto", missing: str = "error", ignore: Sequence[str] = (),
               seed: int = 0, max_cells: int = MAX_CELLS) -> Prepared:
    if table.rows < MIN_ROWS:
        raise BadInput(f"the file has {table.rows} rows; at least {MIN_ROWS} are needed to learn from and to test with")
    found = features.choose(table, target, task, missing, ignore)
    labels = found.targets(table) if found.task == "classification" else np.zeros(table.rows)
    rows = dict(zip(PARTS, features.split(labels, len(found.classes), seed)))
    features.fit(found, table, rows["train"])
    if found.width > MAX_COLUMNS or table.rows * found.width > max_cells:
        raise BadInput(f"{len(found.features):,} columns become {found.width:,} for the network, since each category is one, "
                       f"and {table.rows:,} rows of them are too many: {MAX_COLUMNS:,} columns, {max_cells:,} values at most. "
                       "Leave some out by --ignore, or raise --max-cells and the memory of the steps")
    inputs, targets = found.inputs(table), found.targets(table)
    return Prepared(found, {part: inputs[rows[part]] for part in PARTS}, {part: targets[rows[part]] for part in PARTS})


def run(run: Run, options) -> None:
    source = run.store.source(options.container, options.blob_name, options.blob_etag)
    table = read_table(source, options.max_bytes, options.max_cells)
    prepared = preprocess(table, options.target, options.task, options.missing, options.ignore, options.seed, options.max_cells)
    run.save_prepared(prepared)
    found = prepared.preprocessing
    print(f"{table.rows} rows, {len(found.features)} columns to learn from, {found.task} of {found.target!r}"
          + (f" into {len(found.classes)} classes" if found.classes else ""))
    for name, why in found.ignored.items():
        print(f"left out: {name!r} ({why})")
