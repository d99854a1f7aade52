"""The sanitizers of the presets asan-ubsan and tsan: what a process that was built with them is told, and how their
reports are found afterwards.

A process stops at its first report, so that none is lost when it is killed later, and ends with an exit code that means
nothing else (1 is "the lease was lost", and ASan's own choice). The test presets of CMakePresets.json say the same to ctest.
"""

import os
import re
from pathlib import Path

EXIT_CODE = 99
OPTIONS = {
    "ASAN_OPTIONS": f"halt_on_error=1:exitcode={EXIT_CODE}",
    "TSAN_OPTIONS": f"halt_on_error=1:exitcode={EXIT_CODE}",
    "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:exitcode={EXIT_CODE}",
}
# LeakSanitizer and whatever else speaks like the others included; Go, too, has runtime errors, but without line and column.
REPORT = re.compile(rb"(?:ERROR|WARNING|FATAL): \w+Sanitizer|\w+Sanitizer:? CHECK failed|:\d+:\d+: runtime error: ")
SHOWN = 4000
"""Bytes of a report that a failure shows."""


def set_options() -> None:
    """For every process that is started from now on; who asked for something else as well gets that, too."""
    for name, ours in OPTIONS.items():
        given = os.environ.get(name, "")
        if not given.endswith(ours):
            os.environ[name] = f"{given}:{ours}" if given else ours


def report_in(log: Path, offset: int = 0) -> str:
    """The first report in what was written to a log since; "" when there is none."""
    with open(log, "rb") as file:
        file.seek(offset)
        text = file.read()
    found = REPORT.search(text)
    if not found:
        return ""
    begin = text.rfind(b"\n", 0, found.start()) + 1
    return text[begin:begin + SHOWN].decode(errors="replace")


def reports_in(folder: Path) -> str:
    """Likewise, in any log of a folder."""
    return "\n".join(f"{log}:\n{report}" for log in sorted(folder.glob("*.log")) if (report := report_in(log)))
