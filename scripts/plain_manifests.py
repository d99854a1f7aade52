"""The manifests for those who do not use Helm, rendered from the chart: plain_manifests.py HELM CHART CONFIG_FOLDER

The files of WHOLE are each enough by one `kubectl apply -f`. The folders crd, rbac, manager and default hold the same as
deployment.yaml in parts, for kustomize. All this works on text, so that the chart's comments stay.
"""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

NAME = "azure-blob-operator"
NAMESPACE = f"""apiVersion: v1
kind: Namespace
metadata:
  name: {NAME}
  labels:
    app.kubernetes.io/name: {NAME}
    pod-security.kubernetes.io/enforce: restricted
"""
# What is named must be there before what names it.
ORDER = ["Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role",
         "RoleBinding", "Service", "PodDisruptionBudget", "Deployment"]

GENERATED = "# Generated from charts/azure-blob-operator by `make manifests`: do not edit.\n"
HOW = f"""#
#   kubectl apply -f config/{{path}}
#
# The image is `{NAME}` and the version; put your registry in front of it where the cluster does not have it by that name.
# Everything else that can be set is a value of the Helm chart, or a flag (docs/flags.md). docs/install.md says more.
"""
ONE = "To begin with, and for clusters of one node: one replica that serves watchers of all namespaces."
TWO = """For clusters that people rely on: two replicas, spread over nodes and zones, of which one acts and the other takes over
within 15 s, and a PodDisruptionBudget that keeps one of them."""
NEW = "For Kubernetes v1.25 or newer."
OLD = "For Kubernetes v1.19 to v1.24, which know no rules between fields in a CustomResourceDefinition and no policy/v1."


@dataclass
class Whole:
    path: str
    purpose: str
    release: str
    """The Kubernetes that the chart is to render for."""
    values: dict = field(default_factory=dict)


WHOLE = [
    Whole("deployment.yaml", f"{ONE}\n{NEW} Older ones find theirs in install/install-pre-1.25.yaml.", "1.25"),
    Whole("install/install.yaml", f"{TWO}\n{NEW}", "1.25", {"replicas": 2}),
    Whole("install/install-pre-1.25.yaml", f"{TWO}\n{OLD}", "1.19", {"replicas": 2}),
]


def render(helm: str, chart: Path, whole: Whole) -> list[str]:
    """The documents of a release as text, without what only Helm wants, in ORDER."""
    settings = [f"--set={key}={value}" for key, value in {"crds.keep": "false", **whole.values}.items()]
    text = subprocess.run(
        [helm, "template", NAME, chart, "--namespace", NAME, "--kube-version", whole.release, *settings],
        check=True, capture_output=True, text=True).stdout
    text = re.sub(r"^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", "", text, flags=re.M)
    text = re.sub(r"^# Source: .*\n", "", text, flags=re.M)
    documents = [part.strip() + "\n" for part in re.split(r"^---$", text, flags=re.M) if part.strip()]
    return sorted([NAMESPACE, *documents], key=lambda each: ORDER.index(yaml.safe_load(each)["kind"]))


def file_of(document: str) -> str | None:
    """Where a part stands; None for the CRD, which is in config/crd already."""
    thing = yaml.safe_load(document)
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", thing["kind"]).lower()
    own_name = thing["metadata"]["name"].removeprefix(NAME).strip("-").replace("-", "_")
    match thing["kind"]:
        case "CustomResourceDefinition":
            return None
        case "Namespace" | "Deployment" | "Service":
            return f"manager/{kind}.yaml"
        case _:
            return "rbac/" + "_".join(filter(None, [own_name, kind])) + ".yaml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(GENERATED + text)


def kustomization(resources: list[str]) -> str:
    return ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
            + "".join(f"  - {each}\n" for each in resources))


def write_parts(documents: list[str], config: Path) -> None:
    folders: dict[str, list[str]] = {"crd": ["azureblobwatchers.yaml"]}
    for document in documents:
        if file := file_of(document):
            write(config / file, document)
            folder, name = file.split("/")
            folders.setdefault(folder, []).append(name)
    for folder, names in folders.items():
        write(config / folder / "kustomization.yaml", kustomization(names))
    write(config / "default/kustomization.yaml", kustomization([f"../{folder}" for folder in folders]))


def main() -> None:
    helm, chart, config = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for whole in WHOLE:
        documents = render(helm, chart, whole)
        purpose = "".join(f"# {line}\n" for line in whole.purpose.splitlines())
        write(config / whole.path, purpose + HOW.format(path=whole.path) + "---\n".join(["", *documents]))
        if whole.path == "deployment.yaml":
            write_parts(documents, config)


main()
