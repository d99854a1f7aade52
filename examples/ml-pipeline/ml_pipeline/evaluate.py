"""Step 3: measures the model on the rows it has never seen, draws a picture, and stops what is not good enough."""

import io

import numpy as np

from . import train
from .errors import GateFailed
from .measure import measure, predict
from .table import shown
from .work import Prepared, Run

METRICS, PICTURE = "metrics.json", "evaluation.png"
FEW_CLASSES = 20  # that can be shown one by one


def plot(prepared: Prepared, metrics: dict, outputs: np.ndarray) -> bytes:
    """A PNG: the confusion matrix, or estimates against the truth."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams["text.parse_math"] = False  # a class may be called $_$
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 5), layout="constrained")
    if metrics["task"] == "classification":
        _confusion(axes, metrics)
    else:
        _residuals(axes, prepared, outputs)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    pyplot.close(figure)
    return picture.getvalue()


def plot_if_possible(*arguments) -> bytes | None:
    try:
        return plot(*arguments)
    except Exception as error:  # whatever the library does not like about a name is no reason to stop a good model
        print(f"no picture: {type(error).__name__}: {error}")
        return None


def _confusion(axes, metrics: dict) -> None:
    counts, classes = np.array(metrics["confusion"]), [shown(name) for name in metrics["classes"]]
    axes.imshow(counts, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true", title=f"accuracy {metrics['accuracy']:.3f} on {metrics['rows']} rows")
    if len(classes) <= FEW_CLASSES:  # more would be a blur
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), classes)
        for (row, column), count in np.ndenumerate(counts):
            axes.text(column, row, str(count), ha="center", va="center", color="white" if count > counts.max() / 2 else "black")


def _residuals(axes, prepared: Prepared, outputs: np.ndarray) -> None:
    p = prepared.preprocessing
    true, said = (values * p.target_scale + p.target_mean for values in (prepared.targets["test"], outputs[:, 0]))
    axes.scatter(true, said - true, s=8, alpha=0.5)
    axes.axhline(0, linewidth=1, color="black")
    axes.set(xlabel=f"true {shown(p.target)}", ylabel="predicted - true", title="residuals on the test rows")


def gate(metrics: dict, least: float) -> None:
    if not metrics["score"] >= least:  # so that NaN fails
        name = "accuracy" if metrics["task"] == "classification" else "R²"
        raise GateFailed(f"the {name} on {metrics['rows']} unseen rows is {metrics['score']:.4f}, and {least} is asked for "
                         "(--min-accuracy): nothing is published")


def tell(metrics: dict) -> None:
    """All of it but what would be long: of a model below the gate nothing is published, and the log is what remains."""
    if len(metrics.get("classes", ())) <= FEW_CLASSES:
        for name, counts in zip(metrics.get("classes", ()), metrics.get("confusion", ())):
            print(f"{shown(name)!r} was taken for: {dict(zip(map(shown, metrics['classes']), counts))}")
    print({name: value for name, value in metrics.items() if name not in ("confusion", "ignored")})


def run(run: Run, options) -> None:
    prepared = run.load_prepared()
    outputs = predict(train.from_bytes(run.load(train.MODEL)), prepared.inputs["test"])
    metrics = {**measure(prepared.preprocessing, outputs, prepared.targets["test"]), "ignored": prepared.preprocessing.ignored}
    run.save_json(METRICS, metrics)
    if picture := plot_if_possible(prepared, metrics, outputs):
        run.save(PICTURE, picture, "image/png")
    options.output("accuracy", f"{metrics['score']:.4f}")
    tell(metrics)
    gate(metrics, options.min_accuracy)
