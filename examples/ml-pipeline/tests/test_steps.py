"""The steps one after the other on a store in memory, with real Keras."""

import io
import json
import subprocess
import sys
import urllib.parse
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import FakeStore, table_of
from ml_pipeline import __main__ as command
from ml_pipeline import cleanup, deploy, evaluate, preprocess, train
from ml_pipeline.errors import BadInput, GateFailed
from ml_pipeline.features import Preprocessing
from ml_pipeline.measure import measure
from ml_pipeline.work import Prepared, Run

MODEL = "model-raw-my-data.csv-quantized.h5"
ARGUMENTS = ["--storage-account", "acct", "--container", "datasets", "--blob-name-encoded", "raw/my%20data.csv",
             "--blob-etag", "0x8D", "--blob-last-modified", "2026-01-01T00:00:00Z", "--work-prefix", "uid-1/",
             "--model-name", MODEL, "--epochs", "30"]
HERE = Path(__file__).resolve().parents[1]


def options_for(step: str, *more: str):
    options = command.parse([step, *ARGUMENTS, *more])
    options.results = {}
    options.output = options.results.__setitem__
    return options


@pytest.fixture(scope="module")
def finished(csv_bytes):
    """A whole run; the store, and what each step gave out."""
    store = FakeStore()
    store.blobs["datasets", "raw/my data.csv"] = csv_bytes
    run, results = Run(store, "work", "uid-1/"), {}
    for step, module in (("preprocess", preprocess), ("train", train), ("evaluate", evaluate), ("deploy", deploy)):
        options = options_for(step)
        module.run(run, options)
        results.update(options.results)
    return store, results


@pytest.fixture(scope="module")
def model_file(finished, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.h5"
    path.write_bytes(finished[0].blobs["models", MODEL])
    return path


def test_a_model_is_published_with_what_belongs_to_it(finished, model_file):
    store, results = finished
    container, name, tags = store.published[-1]
    assert (container, name) == ("models", MODEL)
    assert tags["source_blob"] == "raw/my%20data.csv" and tags["source_etag"] == "0x8D"
    assert tags["run"] and not tags["run"].endswith("/")
    assert results["model-blob"] == f"models/{name}" and results["accuracy-int8"] == tags["accuracy_int8"]
    assert float(results["accuracy"]) > 0.7  # the table is made so that there is something to learn
    with h5py.File(model_file) as file:
        assert file.attrs["ml_pipeline.source_blob"] == "raw/my data.csv"
        assert Preprocessing.from_json(file.attrs["ml_pipeline.preprocessing"]).classes == ["left", "stayed"]
        metrics = json.loads(file.attrs["ml_pipeline.metrics"])
        assert metrics["rows"] > 50 and metrics["ignored"] == {"customer": "more than 64 different texts"}


def test_its_evaluation_lies_beside_it_and_comes_first(finished):
    """Whoever waits for the model finds the others; each is published under the model's own conditions."""
    store, results = finished
    stem = MODEL.removesuffix(".h5")
    assert [name for _, name, _ in store.published] == [f"{stem}.metrics.json", f"{stem}.png", MODEL]
    assert len({tuple(tags.items()) for *_, tags in store.published}) == 1
    metrics = json.loads(store.blobs["models", f"{stem}.metrics.json"])
    assert f"{metrics['score']:.4f}" == results["accuracy"] and f"{metrics['score_int8']:.4f}" == results["accuracy-int8"]
    assert store.blobs["models", f"{stem}.png"].startswith(b"\x89PNG")


def test_a_model_without_a_picture_is_published(finished):
    store = FakeStore()
    store.blobs = {key: data for key, data in finished[0].blobs.items() if not key[1].endswith(".png")}
    deploy.run(Run(store, "work", "uid-1/"), options_for("deploy"))
    assert [name.rpartition(".")[2] for _, name, _ in store.published] == ["json", "h5"]


def test_the_description_may_be_large(finished, tmp_path):
    """HDF5 keeps what is attached to a file in 64 KiB, unless it is told to put it elsewhere."""
    large = "x" * 300_000
    model = train.from_bytes(finished[0].blobs["work", "uid-1/model.h5"])
    (tmp_path / "m.h5").write_bytes(deploy.pack(model, {"preprocessing": large}))
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["ml_pipeline.preprocessing"] == large


def test_by_hand_there_may_be_no_version(finished):
    store = FakeStore()
    store.blobs = dict(finished[0].blobs)
    options = options_for("deploy", "--blob-etag", "", "--blob-last-modified", "")
    deploy.run(Run(store, "work", "uid-1/"), options)
    assert "" not in store.published[0][2].values() and "source_etag" not in store.published[0][2]


def test_a_name_of_any_length_is_whole_in_the_file_and_fits_into_the_metadata(finished, tmp_path):
    name, store = "raw/" + "数" * 1016 + ".csv", FakeStore()
    store.blobs = dict(finished[0].blobs)
    options = options_for("deploy", "--blob-name-encoded", urllib.parse.quote(name))
    deploy.run(Run(store, "work", "uid-1/"), options)
    (tmp_path / "m.h5").write_bytes(store.blobs["models", options.model_name])
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["ml_pipeline.source_blob"] == name
    tags = store.published[0][2]
    assert sum(map(len, [*tags, *tags.values()])) < 8 << 10


def kernels(path: Path) -> list[np.dtype]:
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(item.dtype)
                        if isinstance(item, h5py.Dataset) and name.split("/")[-1].startswith("kernel")
                        and "scale" not in name.split("/")[-1] else None)
    return found


def test_its_weights_are_stored_as_8_bit_integers(model_file):
    assert kernels(model_file) == [np.dtype("int8")] * 3


@pytest.mark.parametrize("kinds, words", [
    ({"a": "int8", "b": "float32"}, r"layers/b/vars/kernel \(float32\); Keras quantizes"),
    ({}, "no kernel at all"),
])
def test_a_model_whose_weights_are_not_all_8_bit_integers_is_not_published(kinds, words):
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for name, kind in kinds.items():
            file.create_dataset(f"layers/{name}/vars/kernel", data=np.zeros(4, kind))
    with pytest.raises(GateFailed, match=words):
        deploy.check_kernels(data.getvalue())


def test_it_opens_with_keras_alone_and_agrees_with_what_was_reported(finished, model_file):
    import keras
    store, results = finished
    model = keras.models.load_model(model_file, compile=False)
    prepared = Run(store, "work", "uid-1/").load_prepared()
    outputs = np.asarray(model.predict(prepared.inputs["test"], verbose=0))
    assert f"{measure(prepared.preprocessing, outputs, prepared.targets['test'])['score']:.4f}" == results["accuracy-int8"]


def run_predict(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, HERE / "predict.py", *arguments], capture_output=True, text=True)


def test_predict_reads_the_csv_as_training_did(model_file, csv_bytes, tmp_path):
    table = tmp_path / "in.csv"
    table.write_bytes(csv_bytes)
    done = run_predict(model_file, table)
    lines = done.stdout.splitlines()
    assert lines[0].endswith(",target,prediction") and len(lines) == 601
    assert {line.rsplit(",", 1)[1] for line in lines[1:]} == {"left", "stayed"}
    assert float(run_predict("--check", model_file, table).stdout.split()[0]) > 0.7


def test_predict_prints_each_row_as_it_is_however_many_texts_a_column_has(model_file, csv_bytes, tmp_path):
    header, first, *_ = csv_bytes.decode().splitlines()
    rows = [first.replace("c00000", f"c{number:05}") for number in range(10_500)]
    (tmp_path / "in.csv").write_text("\n".join([header, *rows]))
    lines = run_predict(model_file, tmp_path / "in.csv").stdout.splitlines()
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == rows


def test_predict_refuses_what_training_refused(model_file, csv_bytes, tmp_path):
    header, first, *_ = csv_bytes.decode().splitlines()
    cells = first.split(",")
    (tmp_path / "in.csv").write_text(f"{header}\n{','.join([*cells[:3], 'many', *cells[4:]])}\n")
    done = run_predict(model_file, tmp_path / "in.csv")
    assert (done.returncode, done.stdout) == (2, "") and "'tenure_months' holds numbers, but line 2 has 'many'" in done.stderr


def test_the_picture_is_a_png(finished):
    assert finished[0].blobs["work", "uid-1/evaluation.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_name_that_looks_like_a_formula_is_drawn_as_it_is(task):
    names = ["$_$", "\\frac{", "$" * 200] if task == "classification" else []
    prepared = Prepared(Preprocessing("$_$", task, names), {}, {"test": np.array([0.5, 1.0])})
    metrics = {"task": task, "accuracy": 1.0, "rows": 3, "classes": names, "confusion": np.eye(3, dtype=int).tolist()}
    assert evaluate.plot(prepared, metrics, np.array([[0.5], [0.75]])).startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_drawn_stops_no_model(finished, monkeypatch, capsys):
    def plot(*_):
        raise ValueError("no such glyph")
    monkeypatch.setattr(evaluate, "plot", plot)
    store = FakeStore()
    store.blobs = dict(finished[0].blobs)
    del store.blobs["work", "uid-1/evaluation.png"]
    evaluate.run(Run(store, "work", "uid-1/"), options_for("evaluate"))
    assert "no picture: ValueError: no such glyph" in capsys.readouterr().out
    assert ("work", "uid-1/evaluation.png") not in store.blobs


def test_the_exit_handler_leaves_nothing_of_the_run_and_all_of_the_rest(finished):
    store = FakeStore()
    store.blobs = {**finished[0].blobs, ("work", "uid-2/model.h5"): b""}
    cleanup.run(Run(store, "work", "uid-1/"), options_for("cleanup"))
    assert {key for key in store.blobs if key[0] == "work"} == {("work", "uid-2/model.h5")}
    assert ("models", MODEL) in store.blobs


def test_a_model_below_the_gate_is_not_published(finished, capsys):
    with pytest.raises(GateFailed, match="1.0 is asked for"):
        evaluate.run(Run(finished[0], "work", "uid-1/"), options_for("evaluate", "--min-accuracy", "1.0"))
    told = capsys.readouterr().out  # what remains of it: its work is removed
    assert "'left' was taken for: {'left': " in told and "'recall': [" in told


@pytest.mark.parametrize("passes", [
    lambda nan: evaluate.gate({"task": "regression", "rows": 9, "score": nan}, 0.0),
    lambda nan: measure(Preprocessing("t", "classification", ["a", "b"]), np.array([[nan, nan]]), np.array([0])),
    lambda nan: measure(Preprocessing("t", "regression", []), np.array([[nan]]), np.array([0.5])),
])
def test_what_is_not_a_number_passes_no_gate(passes):
    with pytest.raises(GateFailed):
        passes(float("nan"))


def test_a_large_quantity_is_measured_without_an_overflow():
    found = Preprocessing("t", "regression", [], target_scale=1e30)
    metrics = measure(found, np.array([[1.0], [0.0]], np.float32), np.array([1.0, 0.5], np.float32))
    assert metrics["score"] == -1 and metrics["mae"] == 2.5e29


def test_a_model_that_loses_too_much_by_8_bits_is_not_published(finished):
    class Worse:
        def __init__(self, right):
            self.outputs = np.eye(2)[right]

        def predict(self, inputs, **_):
            return self.outputs

        def quantize(self, mode):
            assert mode == "int8"
            self.outputs = 1 - self.outputs
    prepared = Run(finished[0], "work", "uid-1/").load_prepared()
    with pytest.raises(GateFailed, match="8-bit weights cost 1.0000 of the accuracy"):
        deploy.quantize(Worse(prepared.targets["test"]), prepared, 0.02)


def test_rare_classes_weigh_more():
    assert train.class_weights(np.array([0, 0, 0, 1]), 2) == {0: 4 / 6, 1: 2.0}


def test_a_regression_goes_all_the_way(tmp_path):
    lines = ["a,b,target"] + [f"{n % 37},{n % 11},{3 * (n % 37) - 2 * (n % 11) + 0.25}" for n in range(400)]
    prepared = preprocess.preprocess(table_of("\n".join(lines)), "target")
    model, history = train.train(prepared, epochs=60)
    assert history["val_loss"][-1] < history["val_loss"][0]
    before, after = deploy.quantize(model, prepared, 0.05)
    assert before > 0.9 and after > 0.85
    outputs = np.asarray(model.predict(prepared.inputs["test"], verbose=0))
    metrics = measure(prepared.preprocessing, outputs, prepared.targets["test"])
    assert metrics["mae"] < 10 and evaluate.plot(prepared, metrics, outputs).startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments, words", [
    (["bake"], "invalid choice: 'bake'"),
    (["train", "--work-prefix", "no-folder"], "must be a folder's name"),
    (["train", "--work-prefix", "/"], "must be a folder's name"),
    (["train", "--min-accuracy", "7"], "not between 0 and 1"),
])
def test_a_wrong_call_says_what_is_right(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        command.parse([arguments[0], *ARGUMENTS, *arguments[1:]])
    assert ended.value.code == 2 and words in capsys.readouterr().err


def test_columns_to_leave_out_stand_in_one_argument():
    assert command.parse(["preprocess", *ARGUMENTS, "--ignore="]).ignore == []
    assert command.parse(["preprocess", *ARGUMENTS, "--ignore=id, the name"]).ignore == ["id", "the name"]


def test_a_name_of_any_sort_survives_the_way_through_the_workflow():
    name = 'raw/weird {{name}} & "quotes" \'é\'.csv'
    encoded = urllib.parse.quote(name)
    options = command.parse(["train", *[encoded if value == "raw/my%20data.csv" else value for value in ARGUMENTS]])
    assert options.blob_name == name


def test_what_azure_says_is_told_in_one_line_and_tried_again(monkeypatch, tmp_path, capsys):
    from azure.core.exceptions import HttpResponseError

    class Broken(FakeStore):
        def source(self, *_):
            raise HttpResponseError("Server failed to authenticate the request.\nRequestId:1\nTime:2026")
    monkeypatch.setattr(command.Store, "from_environment", lambda *_: Broken())
    assert command.main(["preprocess", *ARGUMENTS, "--outputs", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "preprocess: datasets/'raw/my data.csv': Azure: Server failed to authenticate the request.\n")


def test_a_pod_without_any_credential_is_told_so(monkeypatch, tmp_path, capsys):
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert command.main(["preprocess", *ARGUMENTS, "--outputs", str(tmp_path)]) == 1
    assert "the Secret has neither accountKey nor sasToken" in capsys.readouterr().err


def test_a_step_that_fails_says_so_in_one_line_and_by_its_exit_code(monkeypatch, tmp_path, capsys):
    store = FakeStore()
    store.blobs["datasets", "raw/my data.csv"] = b"a,b\n"
    monkeypatch.setattr(command.Store, "from_environment", lambda *_: store)
    (tmp_path / "termination-log").touch()
    monkeypatch.setattr(command, "TERMINATION_LOG", tmp_path / "termination-log")
    code = command.main(["preprocess", *ARGUMENTS, "--outputs", str(tmp_path / "out")])
    assert code == BadInput.exit_code
    assert capsys.readouterr().err == "preprocess: datasets/'raw/my data.csv': the file has a header, but no rows\n"
    assert (tmp_path / "out/error").read_text() == "the file has a header, but no rows"
    assert (tmp_path / "termination-log").read_text() == "the file has a header, but no rows"


def test_an_error_that_nobody_foresaw_leaves_its_reason_as_well(monkeypatch, tmp_path):
    (tmp_path / "termination-log").touch()
    monkeypatch.setattr(command, "TERMINATION_LOG", tmp_path / "termination-log")
    monkeypatch.setattr(command.Store, "from_environment", lambda *_: FakeStore())
    with pytest.raises(KeyError):
        command.main(["preprocess", *ARGUMENTS, "--outputs", str(tmp_path / "out")])
    assert (tmp_path / "termination-log").read_text().startswith("KeyError: ")
