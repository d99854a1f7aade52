#!/usr/bin/env python3
"""Holds the arrows of ARCHITECTURE.md: a folder includes only headers of the folders its CMake target names, directly
or through them; and a pure folder touches neither sockets, clock, environment nor standard output.

The include path is the same for all targets, so the compiler alone would not notice. Reads the abo_library() lines of
CMakeLists.txt, which are the one place where the arrows are written down.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PURE = {"api", "base", "listing", "filter", "checkpoint", "render", "report"}
IMPURE = re.compile(
    r"""\#include\s*<(?:boost/asio|curl/|sys/socket|unistd|thread|mutex|iostream|fstream)"""
    r"""|\b(?:system_clock|steady_clock)::now\b|\b(?:std::)?getenv\s*\(|\bstd::(?:cout|cerr|clog)\b""")
INCLUDE = re.compile(r'^\s*#include\s*"([^"]+)"')


def libraries(cmake: str) -> dict[str, tuple[str, set[str], set[str]]]:
    """Target name to (folder, what it may include, what its tests may include besides)."""
    found = {}
    for call in re.findall(r"^abo_library\(([^)]*)\)", cmake, re.M):
        name, folder, *rest = call.split()
        groups, group = {"DEPS": set(), "TEST_DEPS": set()}, None
        for word in rest:
            if word in groups:
                group = word
            elif group:  # before the first stand words about how it is built
                groups[group].add(word)
        found[name] = (folder, groups["DEPS"], groups["TEST_DEPS"])
    return found


def reach(names: set[str], known: dict) -> set[str]:
    """`names` and all that they name, as far as they are ours."""
    seen = set()
    todo = [name for name in names if name in known]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [other for other in known[name][1] if other in known]
    return seen


def violations() -> list[str]:
    known = libraries((ROOT / "CMakeLists.txt").read_text())
    # As an include line begins: "base/", "api/v1alpha1/".
    prefixes = {folder.removeprefix("src/") + "/": name for name, (folder, _, _) in known.items()}
    wrong = []
    for name, (folder, _, test_deps) in known.items():
        may = reach({name}, known)
        for file in sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc")):
            is_test = file.name.endswith("_test.cc")
            allowed = may | (reach(test_deps, known) if is_test else set())
            for number, line in enumerate(file.read_text().splitlines(), 1):
                where = f"{file.relative_to(ROOT)}:{number}"
                if include := INCLUDE.match(line):
                    owner = next((n for prefix, n in prefixes.items() if include[1].startswith(prefix)), None)
                    if owner and owner not in allowed:
                        wrong.append(f"{where}: {name} must not know {owner} ({include[1]})")
                elif name in PURE and not is_test and "gen" not in file.parts and IMPURE.search(line.split("//")[0]):
                    wrong.append(f"{where}: {name} is pure: {line.strip()}")
    return wrong


if __name__ == "__main__":
    found = violations()
    print("\n".join(found) or "arrows: every include follows them")
    sys.exit(1 if found else 0)
