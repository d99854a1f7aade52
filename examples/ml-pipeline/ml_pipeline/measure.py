"""How good a model is on rows it has not seen. One number decides: the score, 1 at best."""

import numpy as np

from .errors import GateFailed
from .features import Preprocessing


def predict(model, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(inputs, batch_size=1024, verbose=0))


def measure(preprocessing: Preprocessing, outputs: np.ndarray, targets: np.ndarray) -> dict:
    """Metrics as JSON. "score" is the accuracy of a classification, R² of a regression.

    GateFailed when an output is no number: of such a network nothing is true, though argmax would still choose a class."""
    if not np.isfinite(outputs).all():
        raise GateFailed("the network's outputs are not numbers (NaN): its training went astray, and nothing is published")
    return _classified(preprocessing, outputs, targets) if preprocessing.classes else _estimated(preprocessing, outputs, targets)


def _classified(preprocessing: Preprocessing, outputs: np.ndarray, targets: np.ndarray) -> dict:
    said = outputs.argmax(axis=1)
    count = len(preprocessing.classes)
    confusion = np.zeros((count, count), dtype=int)
    np.add.at(confusion, (targets, said), 1)
    hits = confusion.diagonal()
    share = lambda part, whole: [round(float(p / w), 4) if w else None for p, w in zip(part, whole)]
    accuracy = float(hits.sum() / max(1, len(targets)))
    return {"task": "classification", "score": accuracy, "accuracy": accuracy, "rows": len(targets),
            "classes": preprocessing.classes, "precision": share(hits, confusion.sum(axis=0)),
            "recall": share(hits, confusion.sum(axis=1)), "confusion": confusion.tolist()}


def _estimated(preprocessing: Preprocessing, outputs: np.ndarray, targets: np.ndarray) -> dict:
    targets = targets.astype(float)  # 64 bits, whose squares do not overflow
    off, spread, unit = outputs[:, 0] - targets, targets - targets.mean(), preprocessing.target_scale
    r2 = 1 - float((off**2).sum() / max(1e-12, float((spread**2).sum())))
    return {"task": "regression", "score": r2, "r2": r2, "rows": len(targets), "mae": float(np.abs(off).mean()) * unit,
            "rmse": float(np.sqrt((off**2).mean())) * unit}
