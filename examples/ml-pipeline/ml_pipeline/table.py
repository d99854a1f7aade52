"""A CSV file, read as a stream into columns. Knows nothing of machine learning; says what is wrong with a file and where.

A cell is kept as a number of 8 bytes and, as a text, as a code of 4 into a list of the distinct ones: 12 bytes, however it is
written.
"""

import array
import csv
import io
import math
from collections.abc import Iterable

from .errors import BadInput

MAX_DISTINCT = 10_000  # texts of a column that are kept; a column with more is free text
SHOWN = 40             # characters of a cell in a message
FEW = 3                # lines of a column that a message names
MAX_COLUMNS = 20_000   # of the file, and again of what the network gets: with its 256 units, 5 million weights
MAX_CELLS = 32 << 20   # rows times columns: 12 bytes each here, 4 twice as the network's inputs, are 640 MiB of a step's 1 GiB
LARGEST = 3.4028234e38  # that the network's numbers, of 32 bits, hold
MISSING = {"", "na", "n/a", "nan", "null", "?"}  # not "none", which is a word like the others in "none, mild, severe"


class Column:
    """One column: every cell as a number (NaN where it is none) and, while there are not too many, as a text."""

    def __init__(self, name: str, max_distinct: int = MAX_DISTINCT):
        self.name, self._max_distinct = name, max_distinct
        self.numbers = array.array("d")
        self.codes: array.array | None = array.array("i")
        self.texts: dict[str, int] = {}
        self.missing: list[int] = []                # lines, of the first few
        self.not_numbers: list[tuple[int, str]] = []  # lines with their cells, of the first few
        self.missing_count = self.not_number_count = 0

    def add(self, cell: str, line: int) -> None:
        cell = cell.strip()
        number = as_number(cell)
        self.numbers.append(number)
        if cell.lower() in MISSING:
            self.missing_count += 1
            if len(self.missing) < FEW:
                self.missing.append(line)
            cell = ""
        elif math.isnan(number):
            self.not_number_count += 1
            if len(self.not_numbers) < FEW:
                self.not_numbers.append((line, cell))
        if self.codes is not None:
            self.codes.append(self.texts.setdefault(cell, len(self.texts)))
            if len(self.texts) > self._max_distinct:
                self.codes = None

    @property
    def present(self) -> int:
        return len(self.numbers) - self.missing_count

    def values(self) -> list[str]:
        """The distinct texts, sorted, without the empty one."""
        return sorted(text for text in self.texts if text)

    def cells(self) -> list[str]:
        """Every cell as text."""
        by_code = list(self.texts)
        return [by_code[code] for code in self.codes or ()]


class Table:
    def __init__(self, columns: list[Column], rows: int):
        self.columns, self.rows = columns, rows
        self._by_name = {column.name: column for column in columns}

    def column(self, name: str) -> Column | None:
        return self._by_name.get(name)


def as_number(cell: str) -> float:
    """NaN where it is none: a word, an infinity, or more than LARGEST."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if abs(number) <= LARGEST and "_" not in cell else math.nan


class _Stream(io.RawIOBase):
    """Chunks of bytes as a file, with a limit."""

    def __init__(self, chunks: Iterable[bytes], limit: int):
        self._chunks, self._rest, self._left, self._limit = iter(chunks), b"", limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
            self._left -= len(self._rest)
            if self._left < 0:
                raise BadInput(f"the file is larger than {self._limit:,} bytes; raise --max-bytes and the step's memory, "
                               "or split the file")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def read_table(chunks: Iterable[bytes], max_bytes: int, max_cells: int = MAX_CELLS, max_distinct: int = MAX_DISTINCT) -> Table:
    """Raises BadInput for what cannot be a table (empty, not UTF-8, no header, lines of different length, no rows), and for
    more than the limits."""
    text = io.TextIOWrapper(io.BufferedReader(_Stream(chunks, max_bytes)), encoding="utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    try:
        columns = [Column(name, max_distinct) for name in _header(rows)]
        count = 0
        for row in rows:
            if not row:
                continue  # an empty line, often the last
            if len(row) != len(columns):
                raise BadInput(f"line {rows.line_num} has {len(row)} values, but the header has {len(columns)}; a value "
                               "with a comma in it needs quotes")
            for column, cell in zip(columns, row):
                column.add(cell, rows.line_num)
            count += 1
            if count * len(columns) > max_cells:
                raise BadInput(f"down to line {rows.line_num} there are more than {max_cells:,} values, in {len(columns):,} "
                               "columns; raise --max-cells and the step's memory, or split the file")
    except UnicodeDecodeError as error:
        raise BadInput(f"the file is not UTF-8 text ({error.reason}, near line {rows.line_num + 1}); is it really a CSV "
                       "file, and not compressed?") from error
    except csv.Error as error:
        raise BadInput(f"line {rows.line_num} is no CSV: {error}") from error
    if not count:
        raise BadInput("the file has a header, but no rows")
    return Table(columns, count)


def _header(rows) -> list[str]:
    first = next(rows, None)
    if first is None:
        raise BadInput("the file is empty")
    header = [name.strip() for name in first]
    if not any(header):
        raise BadInput("the first line is empty; it must hold the columns' names")
    if all(not math.isnan(as_number(name)) for name in header):
        raise BadInput(f"the first line holds numbers ({shown(', '.join(header))}), so the header is missing; put the "
                       "columns' names there")
    if len(header) == 1 and (mark := next((mark for mark in ";\t|" if mark in header[0]), "")):
        raise BadInput(f"the first line has no comma, but {mark!r}; the values of a CSV must have commas between them")
    if len(header) > MAX_COLUMNS:
        raise BadInput(f"the header has {len(header):,} columns, and {MAX_COLUMNS:,} is the most; take some out of the file")
    seen: set[str] = set()
    for number, name in enumerate(header, 1):
        if not name:
            raise BadInput(f"column {number} has no name in the header")
        if name in seen:
            raise BadInput(f"the header names the column {shown(name)!r} twice")
        seen.add(name)
    return header


def shown(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN - 1] + "…"
