"""The three ways to install, each as its page tells it, with what every one of them must be able to do.

The image is the suite's, and blob endpoints that are not Azure's own must be allowed: with helm these are values; with a
manifest `kubectl set` changes the Deployment afterwards, and a later `kubectl apply` of the manifest leaves both alone
or brings its own, as it does for any user.
"""

import re
from pathlib import Path

from cluster import NAME, Cluster, run
from testing import paths

CHART = paths.ROOT / "charts" / NAME
ORIGINS = "AZURE_BLOB_OPERATOR_ALLOWED_ENDPOINT"


class Way:
    """install() and upgrade() return before the Deployment is rolled out."""

    def __init__(self, cluster: Cluster, origin: str):
        """origin: of the blob service that watchers may use."""
        self.cluster, self.origin = cluster, origin

    def install(self) -> None:
        raise NotImplementedError

    def upgrade(self) -> None:
        """To another image and, as a setting, another log level."""
        raise NotImplementedError

    def uninstall(self) -> None:
        """The operator and its rights; not the CustomResourceDefinition, nor what is the users'."""
        raise NotImplementedError


class Helm(Way):
    def install(self) -> None:
        self._helm("install", self.cluster.images[0], "--create-namespace")

    def upgrade(self) -> None:
        self._helm("upgrade", self.cluster.images[1], "--set", "log.level=debug", "--set", "podAnnotations.e2e=upgraded")

    def uninstall(self) -> None:
        self.cluster.helm("uninstall", NAME, "--namespace", NAME, "--wait")

    def _helm(self, verb: str, image: str, *more: str) -> None:
        repository, _, tag = image.rpartition(":")
        self.cluster.helm(verb, NAME, str(CHART), "--namespace", NAME, "--set", f"image.repository={repository}",
                          "--set-string", f"image.tag={tag}", "--set", f"allowedEndpoints={{{self.origin}}}", *more)


class Manifest(Way):
    """One `kubectl apply -f`."""

    def __init__(self, cluster: Cluster, origin: str, file: Path):
        super().__init__(cluster, origin)
        self.file = file

    def install(self) -> None:
        self._apply(self.cluster.images[0])
        self._kubectl("set", "env", f"deployment/{NAME}", f"{ORIGINS}={self.origin}")

    def upgrade(self) -> None:
        """The manifest of the next version, applied over the one that is there."""
        self._apply(self.cluster.images[1], lambda text: text.replace("--log-level=info", "--log-level=debug"))

    def uninstall(self) -> None:
        """`make undeploy`; the namespace stays as well."""
        run([paths.ROOT / "scripts/deploy.sh", "undeploy", self.cluster.kubectl_with_connection()], timeout=300)

    def _apply(self, image: str, edit=lambda text: text) -> None:
        text = self.file.read_text()
        edited, count = re.subn(r"^( *image: ).*$", rf"\g<1>{image}", edit(text), flags=re.M)
        assert count == 1, f"{self.file.name} names {count} images, not one"
        self.cluster.kubectl("apply", "-f", "-", text=edited)

    def _kubectl(self, *arguments: str) -> None:
        self.cluster.kubectl("--namespace", NAME, *arguments)


WAYS = {
    "helm": lambda cluster, origin: Helm(cluster, origin),
    "install.yaml": lambda cluster, origin: Manifest(cluster, origin, paths.ROOT / "config/install/install.yaml"),
    "deployment.yaml": lambda cluster, origin: Manifest(cluster, origin, paths.ROOT / "config/deployment.yaml"),
}
