"""Fixtures of the component tests: one bed and one Azurite for the session, a namespace and a container per test.

    def test_x(operator, watcher, azurite, kube, container): ...

`operator` is running and shared by the tests of a session; a test that stops it or needs flags of its own takes
`own_operator`. `watcher(...)` makes a watcher in the test's namespace with the test's container and a valid Secret.
"""

import contextlib
import copy
import itertools
import json
import re
import signal
import sys

import pytest

from audited import Audited
from scene import Neighbour, Scene
from testing import paths, sanitizers
from testing.azurite import Azurite
from testing.bed import ApiBed
from testing.operator import Operator

LABELS = itertools.count(1)
# Endpoints that the session's operator lets through and behind which nobody answers.
UNRESOLVABLE = "http://no-such-host.invalid:10000"
REFUSED = "http://127.0.0.1:9"
# Polling once a second, so that a test need not wait long; each test may choose otherwise.
JOB = {
    "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "process-${BLOB_NAME}"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{
        "name": "main", "image": "lab.local/busybox:1", "command": ["/bin/sh", "-c", 'echo "$BLOB_NAME"'],
        "env": [{"name": "BLOB_NAME", "value": "${BLOB_NAME}"}, {"name": "BLOB_URL", "value": "${BLOB_URL}"}]}]}}},
}


@pytest.fixture(scope="session", autouse=True)
def orderly_end():
    """SIGTERM ends the session like Ctrl-C does, with everything torn down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.fixture(scope="session")
def bed():
    with ApiBed(audit=True) as bed:
        if paths.CRD.exists():
            bed.kube.install_crd(paths.CRD)
        yield bed
        assert sanitizers.reports_in(bed.logs) == ""


@pytest.fixture(scope="session")
def kube(bed):
    return bed.kube


@pytest.fixture(scope="session")
def azurite(bed):
    return Azurite(bed.run, bed.host).start()


@pytest.fixture
def label(request) -> str:
    """The test's name as Kubernetes and Azure allow it, short and not used before."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    return f"t{next(LABELS)}-{name[:40].strip('-')}"


@pytest.fixture
def namespace(kube, label) -> str:
    """A namespace of its own, deleted afterwards (its objects go in the background)."""
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": label}})
    yield label
    if "AzureBlobWatcher" in [kind for _, kind in kube.resources]:
        for left in kube.list("AzureBlobWatcher", label):
            kube.delete("AzureBlobWatcher", left["metadata"]["name"], label)
    kube.delete("Namespace", label)


@pytest.fixture
def container(azurite, label) -> str:
    azurite.container(label)
    return label


@pytest.fixture
def secret(kube, namespace, azurite):
    """secret(name="azure", **data) writes a Secret into the test's namespace; with no data the account's key."""
    def write(name: str = "azure", **data: str) -> str:
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                    "stringData": data or {"accountKey": azurite.key}})
        return name
    return write


@pytest.fixture
def watcher(kube, namespace, container, azurite, secret):
    """watcher(name="w", template=..., credentials=..., **spec) creates a watcher and returns it.

    A value of None leaves a field out. `credentials=False` writes no Secret.
    """
    def create(name: str = "w", template: dict | str | None = None, kind: str | None = None, credentials: bool = True,
               annotations: dict | None = None, **spec) -> dict:
        if credentials:
            secret()
        body = template if isinstance(template, str) else json.dumps(template or JOB)
        kind = kind or (template or JOB)["kind"] if not isinstance(template, str) else kind or "Job"
        whole = {"storageAccount": azurite.account, "endpoint": azurite.endpoint, "containerName": container,
                 "credentialsSecret": "azure", "pollingIntervalSeconds": 1,
                 "jobTemplate": {"kind": kind, "template": body}, **spec}
        return kube.create({
            "apiVersion": "mlops.example.com/v1alpha1", "kind": "AzureBlobWatcher",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
            "spec": {field: value for field, value in whole.items() if value is not None}})
    return create


@pytest.fixture
def job_template():
    """A copy of the tests' plain Job template, to change."""
    return copy.deepcopy(JOB)


@pytest.fixture
def scene(kube, azurite, namespace, container, watcher) -> Scene:
    return Scene(kube, azurite, namespace, container, watcher)


@pytest.fixture(scope="session")
def neighbour(kube, azurite) -> Neighbour:
    """A healthy watcher beside the test's own, for tests with the session's operator."""
    scene = Scene(kube, azurite, "neighbour", "neighbour", None)
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "neighbour"}})
    azurite.container("neighbour")
    scene.secret()
    kube.create({
        "apiVersion": "mlops.example.com/v1alpha1", "kind": "AzureBlobWatcher",
        "metadata": {"name": "w", "namespace": "neighbour"},
        "spec": {"storageAccount": azurite.account, "endpoint": azurite.endpoint, "containerName": "neighbour",
                 "credentialsSecret": "azure", "pollingIntervalSeconds": 1, "maxActive": 0,
                 "jobTemplate": {"kind": "Job", "template": json.dumps(JOB)}}})
    return Neighbour(scene)


@pytest.fixture(scope="session")
def shared_operator(bed, azurite):
    """The session's operator, not yet running."""
    operator = Operator(bed.run, bed.kubeconfig, allowed=[azurite.origin, UNRESOLVABLE, REFUSED])
    yield operator
    operator.stop()


@pytest.fixture
def operator(shared_operator):
    """The session's operator, running, for all namespaces; started again when an earlier test ended it. A test during which
    it ends by itself fails."""
    if not shared_operator.alive():
        shared_operator.start()
    yield shared_operator
    shared_operator.check()


@pytest.fixture
def own_operator(shared_operator, bed, azurite, namespace, label):
    """own_operator(*flags, kubeconfig=..., allowed=...) starts one that watches the test's namespace only.

    The session's operator is stopped meanwhile: two without leader election would get into each other's way.
    """
    shared_operator.stop()
    started, stops = [], contextlib.ExitStack()  # which stops the others too, when one complains

    def start(*flags: str, kubeconfig=None, allowed: list[str] = (), ready: bool = True, env: dict | None = None):
        one = Operator(bed.run, kubeconfig or bed.kubeconfig, ["--namespace", namespace, *flags],
                       [azurite.origin, *allowed], name=f"operator-{label}-{len(started)}", env=env)
        started.append(one)
        stops.callback(one.stop)
        return one.start(ready)
    with stops:
        yield start


@pytest.fixture
def audited(bed, label) -> Audited:
    """A user for own_operator(kubeconfig=audited.kubeconfig), whose writes the audit log tells."""
    return Audited(bed, f"audited-{label}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the log of each operator it used."""
    report = yield
    used = getattr(item, "funcargs", {})
    if report.failed and "bed" in used:
        own = f"operator-{used.get('label')}-"
        names = [log.stem for log in sorted(used["bed"].logs.glob(f"{own}*.log"))]
        for name in names or (["operator"] if "operator" in used else []):
            report.sections.append((f"the log of {name}", used["bed"].run.log_tail(name, 25)))
    return report
