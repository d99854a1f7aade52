"""What the columns of a table become for a network: numbers about zero, and categories as one column each.

What a column is, is chosen by the whole file; means, deviations and categories are of the rows that the model learns from
alone. A Preprocessing is made once and travels with the model: predict.py uses the very same. It is plain JSON, so a program in
another language can do the same.
"""

import dataclasses
import json
from collections.abc import Sequence

import numpy as np

from .errors import BadInput
from .table import LARGEST, Column, Table, as_number, shown

MAX_CATEGORIES = 64  # of one column; with more it is left out: each becomes a column for the network
REGRESSION_FROM = 20  # different whole numbers in the target that make it a quantity; fractions always do
NEARLY_ALL = 0.9  # of a column's cells: with so many numbers the others are mistakes


@dataclasses.dataclass
class Feature:
    name: str
    kind: str                  # "numeric" or "categorical"
    mean: float = 0.0          # numeric
    scale: float = 1.0
    categories: list[str] = dataclasses.field(default_factory=list)  # categorical; others than these become all zeros

    @property
    def width(self) -> int:
        return 1 if self.kind == "numeric" else len(self.categories)


@dataclasses.dataclass
class Preprocessing:
    target: str
    task: str                  # "classification" or "regression"
    classes: list[str]         # of a classification, in the order of the network's outputs
    target_mean: float = 0.0   # of a regression
    target_scale: float = 1.0
    missing: str = "error"     # or "impute": what training did about missing values, and inputs() does
    features: list[Feature] = dataclasses.field(default_factory=list)
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)  # columns left out, with the reason

    @property
    def width(self) -> int:
        return sum(feature.width for feature in self.features)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        fields = json.loads(text)
        fields["features"] = [Feature(**feature) for feature in fields["features"]]
        return cls(**fields)

    def inputs(self, table: Table) -> np.ndarray:
        """A row for each of the table's. BadInput where a column is missing, a number is none, or a value is missing, unless
        training allowed that."""
        inputs, at = np.zeros((table.rows, self.width), np.float32), 0
        for feature in self.features:
            column = table.column(feature.name)
            if column is None:
                raise BadInput(f"the column {feature.name!r} is missing; there are: {', '.join(c.name for c in table.columns)}")
            if column.missing_count and self.missing == "error":
                raise _missing(column, "fill them in, since the model was trained without any")
            if feature.kind == "numeric":
                inputs[:, at] = _scaled(column, feature.mean, feature.scale)
            else:
                places = _places(feature, column)
                known = np.flatnonzero(places >= 0)
                inputs[known, at + places[known]] = 1
            at += feature.width
        return inputs

    def targets(self, table: Table) -> np.ndarray:
        """Of a classification the classes' numbers, -1 for one that the model does not know."""
        column = table.column(self.target)
        if self.task == "regression":
            return _scaled(column, self.target_mean, self.target_scale)
        place = {text: number for number, text in enumerate(self.classes)}
        by_code = np.array([place.get(text, place.get(_plain(text), -1)) for text in column.texts], dtype=np.int32)
        return by_code[np.asarray(column.codes)]


def _scaled(column: Column, mean: float, scale: float) -> np.ndarray:
    if column.not_number_count:
        raise _no_number(column)
    numbers = np.array(column.numbers)
    numbers[np.isnan(numbers)] = mean  # the missing ones
    numbers = (numbers - mean) / scale
    if (far := np.flatnonzero(np.abs(numbers) > LARGEST)).size:
        raise BadInput(f"the column {column.name!r} has {column.numbers[far[0]]:g} in row {far[0] + 1}, which is too far from "
                       f"what was learned from: {mean:g}, give or take {scale:g}")
    return numbers.astype(np.float32)


def _places(feature: Feature, column: Column) -> np.ndarray:
    """Of each cell among the categories; -1 when it is none of them."""
    if column.codes is None:
        raise BadInput(f"the column {column.name!r} had {feature.width} different texts, and has more than are kept")
    place = {text: number for number, text in enumerate(feature.categories)}
    by_code = np.array([place.get(text, -1) for text in column.texts], dtype=np.int64)
    return by_code[np.asarray(column.codes)]


def choose(table: Table, target: str, task: str = "auto", missing: str = "error", ignore: Sequence[str] = ()) -> Preprocessing:
    """What each column is. BadInput when the target or a column cannot be used; fit() fills in what is learned.

    task: "auto", "classification" or "regression"; missing: "error", or "impute" to put the mean, or no category, there;
    ignore: columns to leave out.
    """
    column = table.column(target)
    if column is None:
        names = ", ".join(c.name for c in table.columns)
        raise BadInput(f"there is no column {target!r} to predict; the columns are {shown(names)}. Name it by --target")
    if column.missing_count:
        raise BadInput(f"the target {target!r} is missing in {column.missing_count} rows, first in line {column.missing[0]}; "
                       "remove these rows")
    found = Preprocessing(target, task if task != "auto" else _task_of(column), [], missing=missing)
    _check_target(column, found, table.rows)
    if unknown := [name for name in ignore if not table.column(name)]:
        raise BadInput(f"there is no column {unknown[0]!r} to leave out by --ignore")
    for other in table.columns:
        if other is column:
            continue
        if other.name in ignore:
            found.ignored[other.name] = "--ignore"
        else:
            _add(other, found, table.rows)
    if not found.features:
        raise BadInput(f"no column is left to learn from: {found.ignored}")
    return found


def _task_of(column: Column) -> str:
    numbers = {number for number in map(as_number, column.texts) if not np.isnan(number)}
    quantity = len(numbers) > REGRESSION_FROM or not all(map(float.is_integer, numbers))
    nearly_all = column.present - column.not_number_count >= NEARLY_ALL * column.present
    return "regression" if quantity and nearly_all else "classification"


def _classes(column: Column) -> list[str]:
    """In the order of the network's outputs. Where all are numbers, 1 and 1.0 are one."""
    return column.values() if column.not_number_count else sorted({_plain(text) for text in column.values()}, key=float)


def _plain(text: str) -> str:
    return repr(as_number(text) + 0.0).removesuffix(".0")  # + 0.0: there is a -0.0


def _check_target(column: Column, found: Preprocessing, rows: int) -> None:
    if found.task == "regression":
        if column.not_number_count:
            line, cell = column.not_numbers[0]
            raise BadInput(f"the target {column.name!r} must be a number for a regression, but line {line} has {shown(cell)!r}"
                           f"{_why_none(cell)}; mend it, or say --task classification")
        return
    found.classes = _classes(column)
    if len(found.classes) < 2:
        raise BadInput(f"the target {column.name!r} has one class only ({shown(found.classes[0])!r}); there is nothing to "
                       "tell apart")
    if column.codes is None or len(found.classes) > rows // 5:
        raise BadInput(f"the target {column.name!r} has {len(found.classes)} classes in {rows} rows; that is no "
                       "classification. " + ("Is it the right column?" if column.not_number_count else
                                             "If it is a quantity, say --task regression"))


def _missing(column: Column, remedy: str) -> BadInput:
    lines = ", ".join(map(str, column.missing))
    return BadInput(f"the column {column.name!r} has {column.missing_count} missing values (line {lines}…); {remedy}")


def _no_number(column: Column) -> BadInput:
    line, cell = column.not_numbers[0]
    return BadInput(f"the column {column.name!r} holds numbers, but line {line} has {shown(cell)!r}{_why_none(cell)}; mend it "
                    f"({column.not_number_count} such values in all)")


def _why_none(cell: str) -> str:
    """Of what looks like a number."""
    try:
        return f", and {LARGEST:.1e} is the largest number there can be" if abs(float(cell)) > LARGEST else ""
    except ValueError:
        return ""


def _add(column: Column, found: Preprocessing, rows: int) -> None:
    if column.present == 0:
        found.ignored[column.name] = "empty"
        return
    if column.missing_count and found.missing == "error":
        raise _missing(column, "fill them in, remove the rows, allow them by --missing impute, or leave the column out by "
                               "--ignore")
    numbers, most = column.present - column.not_number_count, min(MAX_CATEGORIES, rows // 2)
    if column.not_number_count and numbers >= NEARLY_ALL * column.present:
        raise _no_number(column)
    if not column.not_number_count:
        if len(column.texts) < 2 + bool(column.missing_count):
            found.ignored[column.name] = "always the same"
        else:
            found.features.append(Feature(column.name, "numeric"))
    elif column.codes is None or len(column.values()) > most:
        found.ignored[column.name] = f"more than {most} different texts"
    elif len(column.values()) < 2:
        found.ignored[column.name] = "always the same"
    else:
        found.features.append(Feature(column.name, "categorical"))


def fit(found: Preprocessing, table: Table, rows: np.ndarray) -> None:
    """Means, deviations and categories of those rows alone: the others must not be seen by what is learned."""
    for feature in found.features:
        column = table.column(feature.name)
        if feature.kind == "numeric":
            feature.mean, feature.scale = _spread(np.asarray(column.numbers)[rows])
        else:
            texts = list(column.texts)
            feature.categories = sorted(texts[code] for code in np.unique(np.asarray(column.codes)[rows]) if texts[code])
    if found.task == "regression":
        found.target_mean, found.target_scale = _spread(np.asarray(table.column(found.target).numbers)[rows])


def _spread(numbers: np.ndarray) -> tuple[float, float]:
    numbers = numbers[~np.isnan(numbers)]
    mean, deviation = (float(numbers.mean()), float(numbers.std())) if len(numbers) else (0.0, 1.0)
    return mean, deviation if deviation > 1e-12 else 1.0


def split(labels: np.ndarray, classes: int, seed: int, shares=(0.7, 0.15, 0.15)) -> list[np.ndarray]:
    """Row numbers for training, validation and test, in random order; of each class the same share in each (classes 0:
    a regression). Every part gets a row of each class that has three."""
    random = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[], [], []]
    groups = [np.flatnonzero(labels == number) for number in range(classes)] or [np.arange(len(labels))]
    for group in groups:
        group = random.permutation(group)
        held = [max(1, round(len(group) * share)) if len(group) >= 3 else 0 for share in shares[1:]]
        ends = np.cumsum([len(group) - sum(held), *held])
        for part, rows in zip(parts, np.split(group, ends[:-1])):
            part.append(rows)
    return [random.permutation(np.concatenate(part)) for part in parts]
