#!/usr/bin/env python3
"""Holds the list of places where the operator writes to Kubernetes together with the tests that kill it there.

Every call of a writing method of kube::Client carries a comment `// write site: NAME` on one of the three lines above it.
Each name stands once in the code and has its entry in KILL_POINTS of tests/chaos/kill_points.py, whose tests end the
operator before and after that write and lose its answer. Part of the build: a write that nobody tried to interrupt does not
build.

A call is known by the method's name, whatever the object is called and however the call is broken into lines; what has such
a method and is no kube::Client stands in NO_WRITES, with the reason. tests/chaos/test_write_sites.py tries this script.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILL_POINTS = ROOT / "tests/chaos/kill_points.py"
CLIENT = "src/kube/client.cc"
WRITERS = "create|replace|json_patch|merge_patch|remove"
CALL = re.compile(rf"(\w*)[\])>]*\s*(?:\.|->)\s*(?:template\s+)?(?:{WRITERS})\s*\(")
# Within kube::Client itself they are called by their names alone.
OWN_CALL = re.compile(rf"(?<![\w:.>])(?:this\s*->\s*)?(?:{WRITERS})\s*\(")
# What is called later, by somebody else, has no place where one could look for a comment.
BY_POINTER = re.compile(rf"&\s*(?:\w+::)*Client::(?:{WRITERS})\b")
SITE = re.compile(r"// write site: ([a-z-]+)$")
METHOD = re.compile(r'"(?:POST|PUT|PATCH|DELETE)"')
MEMBER = re.compile(r"\bClient::(\w+)\(")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)

NO_WRITES = {
    ("src/net/curl_exchange.cc", "multi_"): "takes a transfer out of libcurl's hands",
    ("src/runtime/metrics.cc", "family"): "ends series of a metric",
    ("controllers/operator_metrics.cc", "registry_"): "ends series of metrics",
    ("controllers/telemetry.cc", "gauges_"): "ends the series of a watcher",
    ("controllers/azureblobwatcher_controller.cc", "controller_"): "forgets a watcher that is gone",
}
"""By file and object."""
METHODS_ELSEWHERE = {
    "src/azure/token_protocol.cc": "not to Kubernetes: Entra's token endpoint takes a POST, which changes nothing",
    "src/net/curl_exchange.cc": "the transport, which sends whatever request it is given",
}
"""Files that name a writing method of HTTP beside kube::Client's own methods."""


def sources() -> list[Path]:
    files = [file for folder in ("api", "src", "controllers", "cli") for file in sorted((ROOT / folder).rglob("*"))]
    return [ROOT / "main.cc", *(file for file in files if file.suffix in (".cc", ".h") and not file.stem.endswith("_test")
                                and not file.name.startswith("fake_"))]


def blank(text: str, kept: str = "") -> str:
    """Without comments, and without strings unless their first character is in `kept`; each line where it was."""
    def spaces(found: re.Match) -> str:
        return found[0] if found[0][0] in kept else re.sub(r"[^\n]", " ", found[0])
    return NOT_CODE.sub(spaces, text)


def look_at(name: str, text: str, sites: dict[str, str], excused: set) -> list[str]:
    """Adds the file's write sites to `sites` (name to place), and what of NO_WRITES it has to `excused`; what is wrong."""
    wrong, lines, code = [], text.splitlines(), blank(text)

    def where(at: int) -> str:
        return f"{name}:{code.count(chr(10), 0, at) + 1}"
    for found in METHOD.finditer(blank(text, kept='"')):
        within = [member[1] for member in MEMBER.finditer(code, 0, found.start())]
        if name == CLIENT and within and within[-1] in WRITERS.split("|") or name in METHODS_ELSEWHERE:
            continue
        wrong.append(f"{where(found.start())}: {found[0]} beside the writing methods of kube::Client")
    wrong += [f"{where(found.start())}: a writing method is passed on; call it, under a `// write site: NAME`"
              for found in BY_POINTER.finditer(code)]
    for found in (OWN_CALL if name == CLIENT else CALL).finditer(code):
        if name != CLIENT and (name, found[1]) in NO_WRITES:
            excused.add((name, found[1]))
            continue
        place = where(found.start())
        number = int(place.rpartition(":")[2])
        labels = [label[1] for above in lines[max(0, number - 4):number - 1] if (label := SITE.search(above))]
        if not labels:
            wrong.append(f"{place}: a write without `// write site: NAME` above it")
        elif labels[-1] in sites:
            wrong.append(f"{place}: the write site {labels[-1]} stands at {sites[labels[-1]]} already")
        else:
            sites[labels[-1]] = place
    return wrong


def kill_points() -> set[str]:
    for node in ast.parse(KILL_POINTS.read_text()).body:
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
        if getattr(target, "id", "") == "KILL_POINTS":
            return {ast.literal_eval(key) for key in node.value.keys}
    return set()


def main() -> int:
    sites: dict[str, str] = {}
    excused: set = set()
    wrong = [found for file in sources()
             for found in look_at(str(file.relative_to(ROOT)), file.read_text(), sites, excused)]
    tested = kill_points()
    shown = KILL_POINTS.relative_to(ROOT)
    wrong += [f"{sites[name]}: the write site {name} has no entry in {shown}" for name in sorted(sites.keys() - tested)]
    wrong += [f"{shown}: no write in the code is called {name}" for name in sorted(tested - sites.keys())]
    wrong += [f"{file}: no call of {thing}'s that NO_WRITES has to excuse" for file, thing in NO_WRITES.keys() - excused]
    print("\n".join(wrong) or f"write sites: {len(sites)}, each with its kill tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
