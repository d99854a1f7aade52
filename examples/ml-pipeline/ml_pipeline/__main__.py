"""python -m ml_pipeline STEP --storage-account ... : one step of one run. `--help` lists the options.

The exit code says why a step failed (errors.py). What a later step or a person wants to know goes into small files in
--outputs, where Argo finds it.
"""

import argparse
import importlib
import os
import re
import sys
import urllib.parse
from pathlib import Path

from azure.core.exceptions import AzureError

from .errors import StepError
from .store import Store
from .table import MAX_CELLS
from .work import Run

STEPS = ("preprocess", "train", "evaluate", "deploy", "cleanup")
TERMINATION_LOG = Path("/dev/termination-log")  # what stands there Kubernetes and Argo show as the reason of a Pod's end


def share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("ml_pipeline", description="One step of the pipeline, for one version of one CSV blob.")
    parser.add_argument("step", choices=STEPS)
    source = parser.add_argument_group("the source")
    source.add_argument("--storage-account", required=True)
    source.add_argument("--endpoint", default=os.environ.get("AZURE_STORAGE_BLOB_ENDPOINT", ""),
                        help="blob endpoint, when it is not https://ACCOUNT.blob.core.windows.net")
    source.add_argument("--container", required=True)
    source.add_argument("--blob-name-encoded", required=True, help="percent-encoded: such a name survives every template")
    source.add_argument("--blob-etag", default="", help="the version; without it, whatever is there")
    source.add_argument("--blob-last-modified", default="", help="RFC 3339")
    source.add_argument("--max-bytes", type=int, default=256 << 20)
    source.add_argument("--max-cells", type=int, default=MAX_CELLS, help="rows times columns, of the CSV and of what they become")
    places = parser.add_argument_group("places")
    places.add_argument("--work-container", default="work")
    places.add_argument("--work-prefix", required=True, help="of this run alone, ending in /; such as the Workflow's UID")
    places.add_argument("--models-container", default="models")
    places.add_argument("--model-name", default="model.h5")
    places.add_argument("--outputs", default="/tmp/outputs", type=Path, help="folder for the step's results")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--target", default="target", help="the column to predict")
    learning.add_argument("--task", choices=("auto", "classification", "regression"), default="auto")
    learning.add_argument("--missing", choices=("error", "impute"), default="error")
    learning.add_argument("--ignore", type=names, default=[], help="columns not to learn from, with commas between them")
    learning.add_argument("--seed", type=int, default=0)
    learning.add_argument("--epochs", type=int, default=100)
    learning.add_argument("--min-accuracy", type=share, default=0.6, help="gate of evaluate (R² for a regression)")
    learning.add_argument("--max-accuracy-loss", type=share, default=0.02, help="gate of deploy")
    options = parser.parse_args(arguments)
    options.blob_name = urllib.parse.unquote(options.blob_name_encoded, errors="strict")
    if not re.fullmatch(r"[^/\s][^\s]*/", options.work_prefix):
        parser.error(f"--work-prefix {options.work_prefix!r} must be a folder's name that ends in /")
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)

    def output(name: str, text: str) -> None:
        options.outputs.mkdir(parents=True, exist_ok=True)
        (options.outputs / name).write_text(text)
    options.output = output
    try:
        store = Store.from_environment(options.storage_account, options.endpoint)
        run = Run(store, options.work_container, options.work_prefix)
        importlib.import_module(f".{options.step}", __package__).run(run, options)
    except (StepError, AzureError) as error:
        # What Azure says may have many lines, of which the first tells.
        told = str(error) if isinstance(error, StepError) else f"Azure: {(str(error).splitlines() or [type(error).__name__])[0]}"
        print(f"{options.step}: {options.container}/{options.blob_name!r}: {told}", file=sys.stderr)
        output("error", told)
        leave_reason(told)
        return error.exit_code if isinstance(error, StepError) else StepError.exit_code
    except Exception as error:
        leave_reason(f"{type(error).__name__}: {error}")
        raise
    return 0


def leave_reason(text: str) -> None:
    if TERMINATION_LOG.exists():  # in a Pod
        TERMINATION_LOG.write_text(text[:1000])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
