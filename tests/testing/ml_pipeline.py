"""The example of the ML pipeline in a namespace of a NodeBed with Argo, set up as docs/ml-pipeline.md tells a person to.

What a person would put into the watcher is put into its text: the account, its endpoint, the image.
"""

import random
import subprocess
import sys
from pathlib import Path

import yaml

from . import argo, paths
from .azurite import Azurite
from .bed import BedError, NodeBed
from .kube import condition, wait_until

FOLDER = paths.ROOT / "examples/ml-pipeline"
EXAMPLE = paths.ROOT / "examples/azureblobwatcher.yaml"
CONTAINERS = ("datasets", "work", "models")
STEPS = ["preprocess", "train", "evaluate", "deploy", "cleanup"]
PYTHON = paths.CACHE / "ml-venv/bin/python"
"""With Keras, for what is done with a published model."""
LIMIT = 60       # seconds for any one thing to happen
RUN_LIMIT = 300  # seconds for a Workflow, on a machine that does others besides


def import_image(bed: NodeBed) -> str:
    """Puts the pipeline's image, which scripts/ml-image.sh has built, onto the node, unless it is there; its name."""
    name = _script("name").strip()
    have = bed.ctr("images", "list", "--quiet").split()
    if name not in have:
        if old := [image for image in have if image.startswith(name.rpartition(":")[0] + ":")]:
            bed.ctr("images", "remove", "--sync", *old)
        archive = bed.folder / "ml-pipeline.tar"
        _script("archive", str(archive))
        bed.ctr("images", "import", str(archive), timeout=RUN_LIMIT)  # 800 MB
        archive.unlink()
    return name


def _script(*arguments: str) -> str:
    done = subprocess.run([paths.ROOT / "scripts/ml-image.sh", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise BedError(done.stderr.strip())
    return done.stdout


def dataset() -> str:
    """The CSV of make_csv.py: the same for everybody, by its seed."""
    return subprocess.run([sys.executable, FOLDER / "make_csv.py"], capture_output=True, text=True, check=True).stdout


def broken(csv: str, line: int = 42) -> str:
    """The same with a value missing in one line, as a hurried export leaves it."""
    lines = csv.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].partition(",")[2]
    return "".join(lines)


def noise(csv: str, seed: int = 1) -> str:
    """The same with one of four targets in each row that has nothing to do with it: a model is right in one of four."""
    draw = random.Random(seed)
    header, *rows = csv.splitlines()
    return "\n".join([header, *(f"{row.rpartition(',')[0]},{draw.choice('nesw')}" for row in rows), ""])


class Pipeline:
    watcher = "ml-pipeline"

    def __init__(self, bed: NodeBed, azurite: Azurite, namespace: str, image: str):
        self.bed, self.kube, self.azurite, self.namespace, self.image = bed, bed.kube, azurite, namespace, image

    def set_up(self) -> None:
        """Containers, namespace, Secret, the executor's rights. The watcher comes by start(). The namespace takes no Pod that
        is not of the strictest of Kubernetes' standards."""
        for container in CONTAINERS:
            self.azurite.container(container)
        self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": self.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
        self.kube.create({"apiVersion": "v1", "kind": "Secret", "stringData": {"accountKey": self.azurite.key},
                          "metadata": {"name": "azure-storage-credentials", "namespace": self.namespace}})
        self.kubectl("apply", "-f", str(FOLDER / "argo-executor.yaml"))

    def start(self) -> None:
        """Creates the watcher; returns when it is Ready."""
        self.kube.create(self.manifest())
        self.kube.wait("AzureBlobWatcher", self.watcher, self.namespace,
                       lambda seen: condition(seen, "Ready").get("status") == "True", LIMIT, "the watcher Ready")

    def manifest(self) -> dict:
        text = EXAMPLE.read_text()
        edits = {"  storageAccount: mystorageaccount\n":
                     f"  storageAccount: {self.azurite.account}\n  endpoint: {self.azurite.endpoint}\n",
                 "value: ml-pipeline:0.1.0": f"value: {self.image}",
                 "- name: endpoint\n              value: \"\"": f"- name: endpoint\n              value: {self.azurite.endpoint}",
                 "pollingIntervalSeconds: 30": "pollingIntervalSeconds: 1"}
        for before, after in edits.items():
            assert text.count(before) == 1, f"{EXAMPLE.name} has {before!r} {text.count(before)} times"
            text = text.replace(before, after)
        watcher = yaml.safe_load(text)
        watcher["metadata"]["namespace"] = self.namespace
        return watcher

    def upload(self, blob: str, csv: str) -> None:
        self.azurite.upload("datasets", blob, csv)

    def workflow(self, name: str) -> dict | None:
        return self.kube.find(argo.KIND, name, self.namespace)

    def workflow_of(self, blob: str) -> dict | None:
        """By the blob's name as the operator notes it."""
        return next((each for each in self.kube.list(argo.KIND, self.namespace)
                     if each["metadata"]["annotations"]["mlops.example.com/blob-name"] == blob), None)

    def finished(self, blob: str) -> dict:
        """The blob's Workflow once it has ended, well or not."""
        return wait_until(lambda: self.workflow_of(blob), lambda seen: bool(seen) and argo.finished(seen), RUN_LIMIT,
                          f"the Workflow of {blob} ended", pause=0.3)

    def status(self) -> dict:
        return self.kube.get("AzureBlobWatcher", self.watcher, self.namespace).get("status", {})

    def published(self) -> list[str]:
        return self.azurite.names("models")

    def models(self) -> list[str]:
        """Without what lies beside each of them."""
        return [name for name in self.published() if name.endswith(".h5")]

    def download(self, model: str, file: Path) -> Path:
        file.write_bytes(self.azurite.service().get_blob_client("models", model).download_blob().readall())
        return file

    def kubectl(self, *arguments: str) -> str:
        return self.bed.kubectl("--namespace", self.namespace, *arguments)
