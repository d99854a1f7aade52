"""The examples, as Kubernetes sees them: the API server takes each watcher, and what each makes of a blob, without a word
about an unknown field. (Whether they say what they mean is for cli/examples_test.cc.)"""

import json
import subprocess

import pytest
import yaml

from testing import paths
from testing.kube import ApiError

EXAMPLES = sorted((paths.ROOT / "examples").glob("*.yaml"))
BLOBS = {"batch-by-marker": "tables/sales/2026-01-31/_SUCCESS", "tekton-pipelinerun": "incoming/a.mp4"}


def apply(bed, namespace: str, thing: dict) -> subprocess.CompletedProcess:
    """By kubectl, strictly, as a trial."""
    return subprocess.run([paths.KUBE / "kubectl", "--kubeconfig", bed.kubeconfig, "--namespace", namespace, "apply",
                           "--dry-run=server", "--validate=strict", "--filename", "-"], input=json.dumps(thing),
                          capture_output=True, text=True, timeout=60)


def rendered(example) -> dict:
    blob = BLOBS.get(example.stem, "raw/mydata.csv")
    out = subprocess.run([paths.operator_binary(), "render", example, "--blob", blob, "-o", "json"], capture_output=True,
                         text=True, check=True).stdout
    return json.loads(out)


def without_owner(thing: dict) -> dict:
    """What no cluster has made cannot belong to a watcher, nor to another namespace than the test's."""
    for key in ("namespace", "ownerReferences"):
        thing["metadata"].pop(key, None)
    return thing


def served(kube, thing: dict) -> bool:
    group, _, version = thing["apiVersion"].rpartition("/")
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        kinds = kube.request("GET", path)["resources"]
    except ApiError as error:
        assert error.status == 404
        return False
    return any(kind["kind"] == thing["kind"] for kind in kinds)


def test_there_are_examples():
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_the_api_server_takes_it(bed, kube, namespace, example):
    things = [thing for thing in yaml.safe_load_all(example.read_text()) if thing]
    assert things[0]["kind"] == "AzureBlobWatcher"
    done = apply(bed, namespace, things[0])
    assert (done.returncode, done.stderr) == (0, "")

    made = rendered(example)
    # Argo's, Tekton's and Ray's kinds are not served here; their own checkers are for them.
    if made["apiVersion"].startswith(("argoproj.io/", "tekton.dev/", "ray.io/")):
        assert not served(kube, made)
        return
    done = apply(bed, namespace, without_owner(made))
    assert done.returncode == 0
    # The dots of a blob's name are welcome in a Job's, though its Pods are named after it.
    assert [line for line in done.stderr.splitlines() if not line.endswith("[must not contain dots]")] == []


def test_an_unknown_field_would_be_seen(bed, namespace):
    made = without_owner(rendered(paths.ROOT / "examples/basic-job.yaml"))
    made["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = "Always"
    assert 'unknown field "spec.template.spec.containers[0].imagePolicy"' in apply(bed, namespace, made).stderr
