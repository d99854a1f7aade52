"""The cluster of the end-to-end suite, and what a person has at hand: kubectl, helm, the operator's image.

    OwnCluster       a one-node cluster of the suite's own, with the image built from the Dockerfile (root)
    GivenCluster     somebody's cluster by a context of the kubeconfig; image and this machine's address are given too

Everything a user would do goes through the real kubectl and helm; looking and waiting through the API.
"""

import os
import shlex
import subprocess
from pathlib import Path

from testing import paths, teardown
from testing.bed import NodeBed
from testing.kube import Kube, wait_until
from testing.ports import free_port
from testing.processes import Run

# The release, its namespace and its Deployment: the same name for all three.
NAME = "azure-blob-operator"
CRD = "azureblobwatchers.mlops.example.com"
# scripts/e2e.sh says where helm is.
HELM = os.environ.get("HELM", "helm")


class CommandFailed(AssertionError):
    """kubectl or helm said no; the message is theirs."""


def run(command: list, env: dict | None = None, timeout: float = 120, text: str | None = None) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})}, input=text)
    if done.returncode:
        raise CommandFailed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


class Cluster:
    kube: Kube
    host: str
    """This machine's address as Pods see it."""
    busybox: str
    """The image of the Jobs' Pods."""
    images: list[str]
    """The operator's image under two names, so that there is something to upgrade to."""
    run: Run

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What it prints; `text` is its standard input."""
        return run([paths.KUBE / "kubectl", *self.connection(), *arguments], text=text)

    def kubectl_with_connection(self) -> Path:
        """A kubectl of this cluster whatever the current context is, for scripts that call one."""
        file = self.run.folder / "kubectl"
        file.write_text("#!/bin/sh\nexec " + shlex.join([str(paths.KUBE / "kubectl"), *self.connection()]) + ' "$@"\n')
        file.chmod(0o700)
        return file

    def helm(self, *arguments: str) -> str:
        where = [part.replace("--context", "--kube-context") for part in self.connection()]
        # A person's own settings of helm have no say here.
        home = {name: str(self.run.folder / "helm") for name in ("HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME")}
        return run([HELM, *where, *arguments], env=home)

    def connection(self) -> list[str]:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class OwnCluster(Cluster):
    busybox = "lab.local/busybox:1"

    def __init__(self, archive: Path, image: str):
        """archive: the image `image` as scripts/image.sh writes it."""
        self.bed = NodeBed()
        self.bed.start()
        try:
            self.run, self.kube, self.host = self.bed.run, self.bed.kube, self.bed.host
            self.bed.ctr("images", "import", str(archive))
            self.images = [image, self.also_called(image, f"{image}-next")]
        except BaseException:
            self.stop()
            raise

    def also_called(self, image: str, name: str) -> str:
        self.bed.ctr("images", "tag", "--force", image, name)
        return name

    def connection(self) -> list[str]:
        return ["--kubeconfig", str(self.bed.kubeconfig)]

    def stop(self) -> None:
        self.bed.stop()


class GivenCluster(Cluster):
    def __init__(self, context: str, image: str, host: str, busybox: str):
        teardown.clean_up_abandoned("e2e")
        self.context, self.host, self.busybox = context, host, busybox
        # One image under one name: an upgrade then changes the Pod by an annotation alone.
        self.images = [image, image]
        self.run = Run("e2e", keep=False)
        try:
            port = free_port()
            self.run.spawn("kubectl-proxy", [paths.KUBE / "kubectl", *self.connection(), "proxy", f"--port={port}"])
            self.kube = Kube(f"http://127.0.0.1:{port}")
            wait_until(self.kube.ready, bool, 20, f"the cluster of context {context} answering, see {self.run.logs}")
            self.refuse_to_disturb()
        except BaseException:
            self.stop()
            raise

    def refuse_to_disturb(self) -> None:
        """What stands there already may be somebody's; the suite takes out what it puts in."""
        for kind, name in (("Namespace", NAME), ("CustomResourceDefinition", CRD)):
            if self.kube.find(kind, name):
                raise CommandFailed(f"the cluster of context {self.context} has the {kind} {name} already: "
                                    "the suite installs and takes out, so it wants a cluster without the operator")

    def connection(self) -> list[str]:
        return ["--context", self.context]

    def stop(self) -> None:
        teardown.tear_down(self.run.folder)
