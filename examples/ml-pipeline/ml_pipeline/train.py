"""Step 2: a small network learns from the prepared rows. This is the file to change for a model of your own."""

import tempfile
from pathlib import Path

import numpy as np

from .features import Preprocessing
from .work import Prepared, Run

MODEL = "model.h5"


def build(preprocessing: Preprocessing, units=(256, 128)):
    import keras  # two seconds, which the other steps need not wait for
    classes = len(preprocessing.classes)
    layers = [keras.Input((preprocessing.width,))]
    for count in units:
        layers += [keras.layers.Dense(count, activation="relu"), keras.layers.Dropout(0.1)]
    layers.append(keras.layers.Dense(classes, activation="softmax") if classes else keras.layers.Dense(1))
    model = keras.Sequential(layers)
    loss = "sparse_categorical_crossentropy" if classes else "mse"
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"] if classes else ["mae"])
    return model


def class_weights(targets: np.ndarray, classes: int) -> dict[int, float]:
    """Rare classes weigh more, so that they are not simply given up."""
    counts = np.bincount(targets, minlength=classes)
    return {number: len(targets) / (classes * max(1, int(count))) for number, count in enumerate(counts)}


def train(prepared: Prepared, seed: int = 0, epochs: int = 100, batch_size: int = 64):
    """The model with the least loss on the validation rows, and what happened epoch by epoch."""
    import keras
    keras.utils.set_random_seed(seed)
    classes = len(prepared.preprocessing.classes)
    model = build(prepared.preprocessing)
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
    history = model.fit(prepared.inputs["train"], prepared.targets["train"],
                        validation_data=(prepared.inputs["validation"], prepared.targets["validation"]),
                        class_weight=class_weights(prepared.targets["train"], classes) if classes else None,
                        epochs=epochs, batch_size=batch_size, callbacks=[stop], verbose=0)
    return model, {name: [float(value) for value in values] for name, values in history.history.items()}


def to_bytes(model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        model.save(path, include_optimizer=False)  # whose moments would triple the file
        return path.read_bytes()


def from_bytes(data: bytes):
    import keras
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(data)
        return keras.models.load_model(path, compile=False)


def run(run: Run, options) -> None:
    model, history = train(run.load_prepared(), options.seed, options.epochs)
    run.save(MODEL, to_bytes(model))
    run.save_json("history.json", history)
    best = int(np.argmin(history["val_loss"]))
    print(f"{len(history['loss'])} epochs, the best was the {best + 1}th: loss {history['loss'][best]:.4f}, "
          f"on the validation rows {history['val_loss'][best]:.4f}")
