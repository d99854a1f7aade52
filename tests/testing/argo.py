"""Argo Workflows on a NodeBed, as scripts/build-argo.sh has built it, and a Workflow read the way a person reads it.

The controller is a Deployment in the namespace argo with the rights that Argo's own manifests give it.
"""

import os
import subprocess
from dataclasses import dataclass

from . import paths
from .bed import BedError, NodeBed
from .kube import Kube

KIND = "argoproj.io/v1alpha1/Workflow"
VERSION = os.environ.get("ARGO") or paths.VERSIONS["ARGO_VERSION"]
FOLDER = paths.CACHE / f"argo-{VERSION}"
CONTROLLER = "deployment/workflow-controller"


def install(bed: NodeBed) -> None:
    """Returns when the controller is at work."""
    if not (FOLDER / "install.yaml").exists():
        raise BedError(f"{FOLDER} is missing: run scripts/bootstrap.sh argo")
    have = bed.ctr("images", "list", "--quiet").split()
    for image in sorted((FOLDER / "images").glob("*.tar")):
        if f"lab.local/{image.stem}:{VERSION}" not in have:
            bed.ctr("images", "import", str(image))
    bed.kubectl("apply", "--server-side", "-f", str(FOLDER / "install.yaml"))
    bed.kubectl("rollout", "status", "--namespace", "argo", CONTROLLER, "--timeout=55s")


def argo(bed: NodeBed, *arguments: str) -> str:
    """What the command `argo` prints."""
    done = subprocess.run([FOLDER / "argo", "--kubeconfig", bed.kubeconfig, *arguments], capture_output=True, text=True,
                          timeout=60)
    if done.returncode:
        raise BedError(f"argo {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Step:
    """One try of one step: a Pod."""
    name: str  # of the task, such as preprocess
    node: str  # Argo's id of the try
    phase: str
    message: str
    exit_code: str
    started: str


def steps(workflow: dict) -> list[Step]:
    """In the order they began."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    tries = [node for node in nodes.values() if node["type"] == "Pod"]
    return sorted((Step(name_of(node), node["id"], node.get("phase") or "Pending", node.get("message", ""),
                        node.get("outputs", {}).get("exitCode", ""), node.get("startedAt") or "") for node in tries),
                  key=lambda step: step.started)


def name_of(node: dict) -> str:
    """Of its task; of the exit handler, which is none, its template's."""
    name = node["displayName"].partition("(")[0]  # "(0)": the first try
    return node.get("templateName", name) if name.endswith(".onExit") else name


def phase(workflow: dict) -> str:
    return (workflow.get("status") or {}).get("phase") or "Pending"


def finished(workflow: dict) -> bool:
    return phase(workflow) in ("Succeeded", "Failed", "Error")


def outputs(workflow: dict) -> dict[str, str]:
    found = (workflow.get("status") or {}).get("outputs") or {}
    return {parameter["name"]: parameter["value"] for parameter in found.get("parameters", [])}


def pods(kube: Kube, namespace: str, workflow: str) -> dict[str, dict]:
    """The Pods that are still there, by Argo's id of the try."""
    found = kube.list("Pod", namespace, labelSelector=f"workflows.argoproj.io/workflow={workflow}")
    return {pod["metadata"]["annotations"]["workflows.argoproj.io/node-id"]: pod for pod in found}
