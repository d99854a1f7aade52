"""Where things are: the checkout, the cache that scripts/bootstrap.sh fills, and the pinned versions."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("ABO_CACHE") or Path.home() / ".cache/azure-blob-operator")
VERSIONS = dict(re.findall(r"^(\w+)=(\S+)$", (ROOT / "scripts/versions.env").read_text(), re.M))

KUBE = CACHE / f"kube-{VERSIONS['KUBE_VERSION']}"
AZURITE = CACHE / f"azurite-{VERSIONS['AZURITE_VERSION']}"
IMAGES = CACHE / f"images-{VERSIONS['IMAGES_VERSION']}"
CONTAINERD_ROOT = CACHE / "containerd"
RUNS = CACHE / "run"
CRD = ROOT / "config/crd/azureblobwatchers.yaml"


def operator_binary() -> Path:
    """The operator under test: ABO_OPERATOR, or the dev build."""
    return ROOT / os.environ.get("ABO_OPERATOR", "build/dev/azure-blob-operator")
