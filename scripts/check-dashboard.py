#!/usr/bin/env python3
"""Holds alerts, dashboard, runbook and tests to the metrics that there are.

    check-dashboard.py PROMTOOL EXPOSITION

EXPOSITION: what build/dev/metrics_dump prints, a series of every metric. Each expression of dashboard.json and
alerts.yaml must parse (promtool judges, by way of a rule file) and name only metrics and labels that exist; each alert
needs an entry in docs/runbook.md, a test that it fires and one that it does not; each metric needs a test that names it.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "charts/azure-blob-operator/files"
TARGET_LABELS = {"job", "instance", "namespace", "pod"}  # which Prometheus adds to what it scrapes
# Words of PromQL that stand where a metric might.
WORDS = {"and", "or", "unless", "on", "ignoring", "by", "without", "group_left", "group_right", "bool", "offset"}


def metrics_of(exposition: str) -> dict[str, set[str]]:
    """Each name that a query may use, with its labels."""
    found = {}
    for line in exposition.splitlines():
        if line and not line.startswith("#"):
            name = re.match(r"\w+", line)[0]
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', line))
    return found


def dashboard_queries(board: dict):
    """(where, PromQL) of every panel and variable, as Grafana would send it."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r}", filled(target["expr"])
    for variable in board["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", ""))
        if asked:
            yield f"variable {variable['name']}", f"count by ({asked[2]}) ({filled(asked[1])})"


def filled(expression: str) -> str:
    expression = expression.replace("$__rate_interval", "5m")
    return re.sub(r"\$\w+", ".*", expression)


def unknown_in(expression: str, metrics: dict[str, set[str]]) -> list[str]:
    """What the expression names and nobody exposes."""
    wrong = []
    text = re.sub(r'"[^"]*"', '""', expression)
    grouped = {label for group in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", text)
               for label in re.findall(r"\w+", group)}
    text = re.sub(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    for name, after in re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\(|)", text):
        if name in WORDS or after == "(":
            continue
        if name not in metrics:
            wrong.append(f"no metric {name}")
            continue
        wrong += [f"{name} has no label {label}" for label in re.findall(r"(\w+)\s*[=!]", after)
                  if label not in metrics[name] | TARGET_LABELS]
    known = set().union(*metrics.values()) | TARGET_LABELS
    return wrong + [f"no metric has a label {label}" for label in grouped - known]


def parse_errors(promtool: str, queries: list[tuple[str, str]]) -> list[str]:
    rules = [{"record": f"check:{n}", "expr": query} for n, (_, query) in enumerate(queries)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "check", "rules": rules}]}, file)
        file.flush()
        said = subprocess.run([promtool, "check", "rules", "--lint=none", file.name], capture_output=True, text=True)
    if said.returncode == 0:
        return []
    broken = [f"{where}: does not parse: {query}" for n, (where, query) in enumerate(queries)
              if re.search(rf'"check:{n}"', said.stdout + said.stderr)]
    return broken or [said.stdout + said.stderr]


def uncovered_alerts(alerts: list[dict]) -> list[str]:
    """Alerts without a runbook entry or without both kinds of test, and entries without an alert."""
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.M)
    cases = [test for path in sorted((ROOT / "tests/alerts").glob("*_test.yaml"))
             for group in yaml.safe_load(path.read_text())["tests"] for test in group["alert_rule_test"]]
    wrong = [f"docs/runbook.md: {heading} is no alert" for heading in headings
             if heading.lower() not in {alert["annotations"]["runbook"].partition("#")[2] for alert in alerts}]
    for alert in alerts:
        name = alert["alert"]
        missing = {"summary", "description", "runbook"} - alert["annotations"].keys()
        wrong += [f"{name} has no annotation {one}" for one in missing]
        if "severity" not in alert["labels"]:
            wrong.append(f"{name} has no severity")
        page, _, anchor = alert["annotations"]["runbook"].partition("#")
        if page != "docs/runbook.md" or anchor not in [heading.lower() for heading in headings]:
            wrong.append(f"{name}: docs/runbook.md has no entry for it")
        fires = {bool(case["exp_alerts"]) for case in cases if case["alertname"] == name}
        if fires != {True, False}:
            wrong.append(f"{name}: tests/alerts needs a test that it fires and one that it does not")
    return wrong


def untested(metrics: dict[str, set[str]]) -> list[str]:
    sources = [ROOT / "tests/component/test_metrics.py", ROOT / "controllers/metrics_test.cc",
               ROOT / "src/runtime/metrics_test.cc"]
    text = "".join(path.read_text() for path in sources)
    names = {re.sub(r"_(bucket|sum|count)$", "", name).removeprefix("azure_blob_operator_") for name in metrics}
    return [f"no test moves the metric {name}" for name in sorted(names) if not re.search(rf"\b{name}(?=\b|_count)", text)]


def main() -> int:
    promtool, exposition = sys.argv[1:]
    metrics = metrics_of(Path(exposition).read_text())
    alerts = [rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    queries = list(dashboard_queries(json.loads((FILES / "dashboard.json").read_text())))
    queries += [(alert["alert"], alert["expr"]) for alert in alerts]
    wrong = parse_errors(promtool, queries) + uncovered_alerts(alerts) + untested(metrics)
    wrong += [f"{where}: {complaint}" for where, query in queries for complaint in unknown_in(query, metrics)]
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
