"""Fixtures of the end-to-end suite: one cluster and one Azurite for the session, whatever is installed taken out again.

scripts/e2e.sh (`make e2e`) sets the environment: IMG with IMAGE_ARCHIVE for a cluster of the suite's own, or CONTEXT, IMG
and HOST for a given one.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

from cluster import CRD, NAME, GivenCluster, OwnCluster
from installation import Operator, Tenant
from testing.azurite import Azurite
from ways import WAYS


@pytest.fixture(scope="session", autouse=True)
def orderly_end():
    """SIGTERM ends the session like Ctrl-C does, with everything torn down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.fixture(scope="session")
def cluster():
    image, context = os.environ["IMG"], os.environ.get("CONTEXT")
    if context:
        one = GivenCluster(context, image, os.environ["HOST"], os.environ.get("IMAGE") or "busybox:1.36")
    else:
        one = OwnCluster(Path(os.environ["IMAGE_ARCHIVE"]), image)
    yield one
    one.stop()


@pytest.fixture(scope="session")
def azurite(cluster):
    # Pods come to an address of this machine that is not the loopback's.
    return Azurite(cluster.run, cluster.host).start()


@pytest.fixture(scope="session")
def operator(cluster):
    return Operator(cluster)


@pytest.fixture(params=WAYS, scope="module")
def way(request, cluster, azurite, operator):
    """One of the ways to install, with the operator installed and rolled out: the tests of one way share it. All that it
    put into the cluster is gone afterwards, with the CustomResourceDefinition."""
    one = WAYS[request.param](cluster, azurite.origin)
    try:
        one.install()
        operator.rolled_out()
        yield one
    finally:
        cluster.kubectl("delete", "namespace", "--ignore-not-found", NAME)
        cluster.kubectl("delete", "crd", "--ignore-not-found", CRD)
        for kind in ("clusterrole", "clusterrolebinding"):
            cluster.kubectl("delete", kind, "--ignore-not-found", "--selector", f"app.kubernetes.io/name={NAME}")


@pytest.fixture
def tenant(cluster, azurite, way, request):
    one = Tenant(cluster, azurite, "tenant-" + request.node.callspec.id.replace(".", "-"))
    yield one
    # Where a test failed there may be no operator to take its finalizers off.
    if cluster.kube.find("Namespace", one.name):
        for job in one.jobs():
            cluster.kube.patch("Job", job["metadata"]["name"], {"metadata": {"finalizers": []}}, one.name)
        cluster.kubectl("delete", "namespace", one.name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the cluster has of the operator: Pods, Events, the end of the log."""
    report = yield
    operator = getattr(item, "funcargs", {}).get("operator")
    if report.failed and operator:
        for title, command in (("the operator's Pods", ["describe", "pods"]),
                               ("the operator's log", ["logs", f"deployment/{NAME}", "--tail=25"])):
            try:
                report.sections.append((title, operator.kubectl(*command)))
            except AssertionError as error:
                report.sections.append((title, str(error)))
    return report
