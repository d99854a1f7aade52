"""Step 4: makes the model's weights 8-bit integers, checks what that cost, and publishes the file with its evaluation."""

import io
import json
import tempfile
from pathlib import Path

from . import evaluate, train
from .errors import GateFailed
from .measure import measure, predict
from .store import in_metadata
from .work import Prepared, Run

FORMAT_VERSION = "1"  # of what pack() adds to the file; raise it when readers must change


def quantize(model, prepared: Prepared, max_loss: float) -> tuple[float, float]:
    """Quantizes in place; the score before and after. GateFailed when it lost more than `max_loss`."""
    def score() -> float:
        outputs = predict(model, prepared.inputs["test"])
        return measure(prepared.preprocessing, outputs, prepared.targets["test"])["score"]
    before = score()
    model.quantize("int8")
    after = score()
    if not before - after <= max_loss:  # so that NaN fails
        raise GateFailed(f"8-bit weights cost {before - after:.4f} of the accuracy ({before:.4f} to {after:.4f}), and "
                         f"{max_loss} is allowed (--max-accuracy-loss): nothing is published")
    return before, after


def pack(model, about: dict[str, str]) -> bytes:
    """The model as HDF5, with what belongs to it as attributes of the file's root, each "ml_pipeline.<name>"."""
    import h5py
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        model.save(path, include_optimizer=False)
        with h5py.File(path, "a") as file:
            for name, text in about.items():
                file.attrs[f"ml_pipeline.{name}"] = text
        return path.read_bytes()


def check_kernels(data: bytes) -> None:
    """GateFailed unless each kernel in the file is of 8-bit integers: Keras leaves layers that it cannot quantize."""
    import h5py
    kernels: dict[str, str] = {}
    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(lambda name, item: kernels.update({name: str(item.dtype)})
                        if isinstance(item, h5py.Dataset) and name.endswith("/kernel") else None)
    large = [f"{name} ({kind})" for name, kind in kernels.items() if kind != "int8"]
    if large or not kernels:
        raise GateFailed(f"not all weights are 8-bit integers: {', '.join(large) or 'the file has no kernel at all'}; Keras "
                         "quantizes the layers Dense, EinsumDense and Embedding. Nothing is published")


def run(run: Run, options) -> None:
    prepared = run.load_prepared()
    model = train.from_bytes(run.load(train.MODEL))
    before, after = quantize(model, prepared, options.max_accuracy_loss)
    tags = {"format_version": FORMAT_VERSION, "accuracy": f"{before:.4f}", "accuracy_int8": f"{after:.4f}",
            "source_container": options.container, "source_blob": in_metadata(options.blob_name),
            "source_etag": options.blob_etag, "source_last_modified": options.blob_last_modified,
            "run": options.work_prefix.rstrip("/")}
    tags = {name: text for name, text in tags.items() if text}  # by hand, without a version: no empty metadata
    metrics = json.dumps({**run.load_json(evaluate.METRICS), "score_int8": after}, indent=1)
    about = {**tags, "source_blob": options.blob_name, "preprocessing": prepared.preprocessing.to_json(), "metrics": metrics}
    data = pack(model, about)
    check_kernels(data)
    # The model last: who sees it finds the others. Each is put there under the same conditions.
    beside = options.model_name.removesuffix(".h5")
    run.store.publish(options.models_container, f"{beside}.metrics.json", metrics.encode(), tags, "application/json")
    if picture := run.find(evaluate.PICTURE):
        run.store.publish(options.models_container, f"{beside}.png", picture, tags, "image/png")
    new = run.store.publish(options.models_container, options.model_name, data, tags)
    options.output("accuracy-int8", f"{after:.4f}")
    options.output("model-blob", f"{options.models_container}/{options.model_name}")
    print(f"{options.models_container}/{options.model_name}: {len(data):,} bytes, accuracy {before:.4f}, with 8 bits {after:.4f}"
          + ("" if new else " (it was there already)"))
