"""The example of the ML pipeline on real parts: Argo Workflows, its image on the node, the operator as it is installed.

Four files land at once: a good one, one with a fault in it, one from which nothing can be learned, and one whose name would be
evaluated by anything that evaluates. Each test looks at what became of them.
"""

import json
import os
import subprocess

import pytest

from cluster import OwnCluster
from installation import LIMIT
from testing import argo
from testing.kube import wait_until
from testing.ml_pipeline import PYTHON, STEPS, Pipeline, broken, dataset, import_image, noise

pytestmark = [pytest.mark.parametrize("way", ["helm"], indirect=True, scope="module"),
              pytest.mark.skipif(bool(os.environ.get("CONTEXT")),
                                 reason="the pipeline's image and Argo are put onto a node of the suite's own")]

GOOD, BROKEN, NOISE, WEIRD = "raw/mydata.csv", "raw/broken.csv", "raw/noise.csv", 'raw/weird {{name}} & "quotes".csv'
MODEL = "model-raw-mydata.csv-quantized.h5"


@pytest.fixture(scope="module")
def pipeline(cluster: OwnCluster, azurite, way) -> Pipeline:
    argo.install(cluster.bed)
    one = Pipeline(cluster.bed, azurite, "ml", import_image(cluster.bed))
    one.set_up()
    one.start()
    for blob, csv in ((GOOD, dataset()), (BROKEN, broken(dataset())), (NOISE, noise(dataset())), (WEIRD, dataset())):
        one.upload(blob, csv)
    yield one
    # While the operator is there to take its finalizers off, and Argo its own.
    cluster.kubectl("delete", "namespace", one.namespace, f"--timeout={LIMIT}s")


@pytest.fixture(scope="module")
def good(pipeline) -> dict:
    return pipeline.finished(GOOD)


@pytest.fixture(scope="module")
def model(pipeline, good, tmp_path_factory) -> dict:
    """The published model, read by Keras and h5py (read_model.py)."""
    folder = tmp_path_factory.mktemp("model")
    return read(pipeline, MODEL, folder)


def read(pipeline: Pipeline, model: str, folder) -> dict:
    (folder / "mydata.csv").write_text(dataset())
    done = subprocess.run([PYTHON, __file__.replace("test_ml_pipeline", "read_model"),
                           pipeline.download(model, folder / "model.h5"), folder / "mydata.csv"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_step_is_one_pod_on_the_node_and_succeeds(good):
    assert good["metadata"]["name"] == "ml-pipeline-raw-mydata.csv"
    assert [(step.name, step.phase) for step in argo.steps(good)] == [(name, "Succeeded") for name in STEPS]
    assert {node["hostNodeName"] for node in good["status"]["nodes"].values() if node["type"] == "Pod"} == {"bed"}
    assert argo.phase(good) == "Succeeded"


def test_the_model_is_published_with_8_bit_kernels(pipeline, good, model):
    assert MODEL in pipeline.models()
    assert len(model["kernels"]) >= 3 and set(model["kernels"].values()) == {"int8"}


def test_its_evaluation_lies_beside_it(pipeline, good):
    beside = {name.removeprefix("model-raw-mydata.csv-quantized.") for name in pipeline.published()}
    assert {"h5", "metrics.json", "png"} <= beside


def test_the_published_model_agrees_with_the_accuracy_that_was_reported(good, model):
    outputs = argo.outputs(good)
    assert outputs["model-blob"] == f"models/{MODEL}"
    assert f"{model['accuracy']:.4f}" == outputs["accuracy-int8"] == model["about"]["accuracy_int8"]
    assert model["about"]["accuracy"] == outputs["accuracy"]
    assert float(outputs["accuracy"]) > 0.8


def test_kubectl_shows_the_workflow_and_its_outputs(pipeline, good):
    assert "ml-pipeline-raw-mydata.csv" in pipeline.kubectl("get", "workflows")
    described = pipeline.kubectl("describe", "workflow", "ml-pipeline-raw-mydata.csv")
    for name, value in argo.outputs(good).items():
        assert name in described and value in described


def test_a_broken_csv_fails_in_preprocess_once_and_says_where(pipeline):
    workflow = pipeline.finished(BROKEN)
    tries = argo.steps(workflow)
    assert [(step.name, step.phase, step.exit_code) for step in tries] == [("preprocess", "Failed", "2"),
                                                                          ("cleanup", "Succeeded", "0")]
    assert "line 42 has 7 values, but the header has 8" in tries[0].message
    assert argo.phase(workflow) == "Failed"
    assert not [name for name in pipeline.published() if "broken" in name]


def test_a_model_below_the_gate_fails_in_evaluate_once_and_is_not_published(pipeline):
    workflow = pipeline.finished(NOISE)
    tries = argo.steps(workflow)
    assert [(step.name, step.phase, step.exit_code) for step in tries] == [
        ("preprocess", "Succeeded", "0"), ("train", "Succeeded", "0"), ("evaluate", "Failed", "3"), ("cleanup", "Succeeded", "0")]
    assert "and 0.6 is asked for" in tries[2].message
    assert argo.phase(workflow) == "Failed"
    assert not [name for name in pipeline.published() if "noise" in name]


def test_a_name_that_would_be_evaluated_goes_through_unharmed(pipeline, tmp_path):
    workflow = pipeline.finished(WEIRD)
    assert argo.phase(workflow) == "Succeeded", argo.steps(workflow)
    made = argo.outputs(workflow)["model-blob"].removeprefix("models/")
    assert made in pipeline.models()
    assert read(pipeline, made, tmp_path)["about"]["source_blob"] == WEIRD


def test_nothing_is_left_in_the_container_between_the_steps(pipeline):
    for blob in (GOOD, BROKEN, NOISE, WEIRD):
        pipeline.finished(blob)
    assert pipeline.azurite.names("work") == []
    assert len(pipeline.models()) == 2 and len(pipeline.published()) == 6


def test_the_watcher_counts_them_and_has_the_reason_of_the_failure(pipeline):
    status = wait_until(pipeline.status, lambda seen: (seen.get("succeeded"), seen.get("failed")) == (2, 2), LIMIT)
    assert (status["triggered"], status.get("setAside", 0), status.get("active", 0)) == (4, 0, 0)
    runs = {run["blobName"]: run for run in status["triggeredJobs"]}
    assert {blob: run["phase"] for blob, run in runs.items()} == {
        GOOD: "Succeeded", BROKEN: "Failed", NOISE: "Failed", WEIRD: "Succeeded"}
    assert "line 42 has 7 values" in runs[BROKEN]["message"] and "message" not in runs[GOOD]
    assert "and 0.6 is asked for" in runs[NOISE]["message"]
