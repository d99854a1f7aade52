#!/usr/bin/env python3
"""check-workflows.py ARGO OPERATOR FILE...: what `argo lint` says of the Workflows in the examples.

A watcher's Workflow is rendered for a blob first. Each file is a call of its own, with what it holds of Argo's kinds, since
`argo lint` passes a folder with one wrong file in it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

GROUP = "argoproj.io/"
LINTED = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")


def argo_objects(file: Path, operator: str) -> list[dict]:
    """The objects of Argo's kinds in a file, a watcher's rendered."""
    found = []
    for document in yaml.safe_load_all(file.read_text()):
        if not document:
            continue
        if document.get("kind") == "AzureBlobWatcher" and document["spec"]["jobTemplate"]["kind"] in LINTED:
            found.append(json.loads(run(operator, "render", str(file), "--blob", "raw/mydata.csv", "--output", "json",
                                        "--watcher", document["metadata"]["name"])))
        elif str(document.get("apiVersion", "")).startswith(GROUP) and document.get("kind") in LINTED:
            if document["kind"] != "ClusterWorkflowTemplate":
                document["metadata"].setdefault("namespace", "default")  # where the watchers are rendered
            found.append(document)
    # Offline, a template must stand before the Workflow that refers to it.
    return sorted(found, key=lambda each: each["kind"] == "Workflow")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr).strip())
    return done.stdout


def lint(argo: str, objects: list[dict]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workflows.yaml"
        # Without anchors: `argo lint` skips what has merge keys.
        file.write_text("---\n".join(json.dumps(each, indent=1) + "\n" for each in objects))
        run(argo, "lint", "--offline", "--output", "simple", str(file))


def main() -> int:
    argo, operator, *files = sys.argv[1:]
    checked, bad = 0, []
    for file in map(Path, files):
        try:
            objects = argo_objects(file, operator)
            if objects:
                lint(argo, objects)
                checked += 1
        except (RuntimeError, yaml.YAMLError) as error:
            bad.append(f"{file}: {error}")
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    if not checked and not bad:
        print("no Workflow among the examples: is this looking in the right place?", file=sys.stderr)
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
