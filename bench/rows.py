"""The table of what must be reached, and how a run is shown, written down, and compared with an earlier one.

A benchmark reports a value by the row's key, with the CPU and wall time that it took where both make sense. Goals stand
here and nowhere else.
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    name: str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    digits: int = 2

    def goal(self) -> str:
        limit, sign = (self.at_least, ">=") if self.at_least is not None else (self.at_most, "<=")
        return "-" if limit is None else f"{sign} {limit:g} {self.unit}".strip()

    def reached(self, value: float) -> bool | None:
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


ROWS = {
    "decoder": Row("the XML decoder alone, 1 M blobs: CPU", "s", at_most=0.2, digits=3),
    "list": Row("list + filter + decide, 1 M unchanged blobs: CPU", "s", at_most=0.6, digits=3),
    "list_memory": Row("memory added by listing 1 M blobs", "MB", at_most=2),
    "list_delayed": Row("1 M blobs, 30 ms of network a page, known: wall", "s", at_most=1.5),
    "list_first": Row("the same, never listed before: wall", "s", at_most=3),
    "list_delayed_memory": Row("memory added by that, 8 lists in flight", "MB", at_most=2),
    "small_poll": Row("poll of 100 blobs, without the API server's side: CPU", "ms", at_most=0.2, digits=3),
    "whole_poll": Row("poll of 100 blobs, whole operator: CPU", "ms", at_most=0.2, digits=3),
    "idle_writes": Row("API server writes of 60 idle polls", at_most=0, digits=0),
    "rss_1": Row("resident memory, 1 idle watcher", "MB", at_most=8),
    "rss_1000": Row("resident memory, 1,000 idle watchers", "MB", at_most=12),
    "rss_large": Row("resident memory added by polls of 100,000 blobs", "MB", at_most=2),
    "followed_memory": Row("memory of a created resource that is followed", "B", at_most=256, digits=0),
    "start": Row("process start to /readyz: wall, median of 20", "ms", at_most=25, digits=1),
    "burst": Row("burst of 1,000 blobs: of a raw client's rate", at_least=0.9),
    "burst_rate": Row("the operator's rate in it", "/s", digits=0),
    "burst_raw_rate": Row("the raw client's, 16 requests in flight", "/s", digits=0),
    "burst_cpu": Row("the operator's CPU for one of them", "ms", digits=3),
    "latency": Row("upload to resource, interval 1 s: median", "ms", at_most=520, digits=0),
    "image_size": Row("image, compressed: its program and its CA certificates", "MB", at_most=5),
}


@dataclass(frozen=True)
class Result:
    row: str
    value: float
    cpu_seconds: float | None = None
    wall_seconds: float | None = None

    def as_json(self) -> str:
        row = ROWS[self.row]
        told = {"row": self.row, "name": row.name, "unit": row.unit, "goal": row.goal(), "value": self.value,
                "reached": row.reached(self.value), "cpu_seconds": self.cpu_seconds, "wall_seconds": self.wall_seconds}
        return json.dumps(told)


class Book:
    """The results of one run: shown as they come, kept as JSON lines, beside those of an earlier run."""

    HEAD = f"{'what':<56}{'value':>10} {'goal':<12}{'CPU':>9}{'wall':>9}  reached"

    def __init__(self, file: Path, baseline: Path | None = None):
        self.file, self.baseline, self.results = file, read(baseline) if baseline else None, []
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        print(self.HEAD + ("  against the earlier run" if baseline else ""), flush=True)

    def add(self, row: str, value: float, cpu_seconds: float | None = None, wall_seconds: float | None = None) -> None:
        result = Result(row, value, cpu_seconds, wall_seconds)
        self.results.append(result)
        with open(self.file, "a") as out:
            out.write(result.as_json() + "\n")
        print(self.line(result), flush=True)

    def line(self, result: Result) -> str:
        row = ROWS[result.row]
        value = f"{result.value:.{row.digits}f}"
        said = {True: "yes", False: "NO", None: "-"}[row.reached(result.value)]
        text = (f"{row.name:<56}{value + ' ' + row.unit:>10} {row.goal():<12}{seconds(result.cpu_seconds):>9}"
                f"{seconds(result.wall_seconds):>9}  {said:<7}")
        return (text + f"  {self.change(result)}").rstrip()

    def change(self, result: Result) -> str:
        if self.baseline is None:
            return ""
        before = self.baseline.get(result.row)
        if before is None:
            return "new"
        row = ROWS[result.row]
        share = f" ({100 * (result.value - before) / before:+.0f} %)" if before else ""
        return f"{before:.{row.digits}f} -> {result.value:.{row.digits}f}{share}"

    def missed(self) -> list[str]:
        return [ROWS[result.row].name for result in self.results
                if ROWS[result.row].reached(result.value) is False]


def read(file: Path) -> dict[str, float]:
    """The values of an earlier run by row."""
    lines = [json.loads(line) for line in Path(file).read_text().splitlines() if line.strip()]
    return {line["row"]: line["value"] for line in lines}


def seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.2f} ms"
