#!/usr/bin/env python3
"""Holds the list of places where the operator writes to Kubernetes together with the tests that kill it there.

Every call that writes carries a comment `// write site: NAME` on one of the three lines above it. Each name stands
once in the code and has its entry in KILL_POINTS of tests/chaos/kill_points.py, whose tests end the operator before
and after that write and lose its answer. Part of the build: a write that nobody tried to interrupt does not build.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILL_POINTS = ROOT / "tests/chaos/kill_points.py"
CALL = re.compile(r"\b(?:client_?|kube_?)(?:\.|->)(?:create|replace|json_patch|merge_patch|remove)\(")
SITE = re.compile(r"// write site: ([a-z-]+)$")
# Only the client itself makes such requests: everybody else goes through its methods, which CALL finds.
METHOD = re.compile(r'"(?:POST|PUT|PATCH|DELETE)"')
CLIENTS = {"src/kube/client.cc"}
# Not to Kubernetes: the token endpoint of Microsoft Entra takes a POST, which changes nothing.
ELSEWHERE = {"src/azure/token_protocol.cc"}


def sources() -> list[Path]:
    files = [file for folder in ("src", "controllers", "cli") for file in sorted((ROOT / folder).rglob("*"))]
    return [file for file in files
            if file.suffix in (".cc", ".h") and not file.stem.endswith("_test") and not file.name.startswith("fake_")]


def look_at(file: Path, sites: dict[str, str]) -> list[str]:
    """Adds the file's write sites to `sites` (name to place); returns what is wrong in it."""
    wrong = []
    lines = file.read_text().splitlines()
    name = str(file.relative_to(ROOT))
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        if METHOD.search(line.split("//")[0]) and name not in CLIENTS | ELSEWHERE and not name.startswith("src/net/"):
            wrong.append(f"{where}: writes without kube::Client: {line.strip()}")
        if name in CLIENTS or not CALL.search(line):
            continue
        labels = [found[1] for above in lines[max(0, number - 4):number - 1] if (found := SITE.search(above))]
        if not labels:
            wrong.append(f"{where}: a write without `// write site: NAME` above it")
        elif labels[-1] in sites:
            wrong.append(f"{where}: the write site {labels[-1]} stands at {sites[labels[-1]]} already")
        else:
            sites[labels[-1]] = where
    return wrong


def kill_points() -> set[str]:
    for node in ast.parse(KILL_POINTS.read_text()).body:
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
        if getattr(target, "id", "") == "KILL_POINTS":
            return {ast.literal_eval(key) for key in node.value.keys}
    return set()


def main() -> int:
    sites: dict[str, str] = {}
    wrong = [found for file in sources() for found in look_at(file, sites)]
    tested = kill_points()
    shown = KILL_POINTS.relative_to(ROOT)
    wrong += [f"{sites[name]}: the write site {name} has no entry in {shown}" for name in sorted(sites.keys() - tested)]
    wrong += [f"{shown}: no write in the code is called {name}" for name in sorted(tested - sites.keys())]
    print("\n".join(wrong) or f"write sites: {len(sites)}, each with its kill tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
