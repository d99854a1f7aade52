#!/usr/bin/env python3
"""A CSV lands in storage, and a trained, evaluated, 8-bit quantized model comes out. Called by `make demo-ml`.

    make demo-ml                 a one-node cluster of its own with Argo Workflows, the operator and the pipeline (root)
    make demo-ml KEEP=1          leaves everything running, and says how to look around

What runs is examples/azureblobwatcher.yaml and the image of examples/ml-pipeline as they stand. Then a CSV with a fault:
its Workflow fails, the watcher says why, and nothing is published.
"""

import os
import subprocess
import sys
import textwrap
import time

from demo import check, perform, show, tell

from testing import argo, paths
from testing.__main__ import remember
from testing.azurite import Azurite
from testing.bed import NodeBed, why_no_node
from testing.kube import ApiError, wait_until
from testing.ml_pipeline import FOLDER, LIMIT, PYTHON, RUN_LIMIT, STEPS, Pipeline, broken, dataset, import_image
from testing.operator import Operator
from testing.processes import Run

NAMESPACE = "demo"
BLOB, WORKFLOW, MODEL = "raw/mydata.csv", "ml-pipeline-raw-mydata.csv", "model-raw-mydata.csv-quantized.h5"
BROKEN_BLOB, BROKEN_WORKFLOW = "raw/broken.csv", "ml-pipeline-raw-broken.csv"


class Follower:
    """Tells what becomes of a Workflow's steps as it happens, with the last line that each has printed."""

    def __init__(self, pipeline: Pipeline, workflow: str):
        self.pipeline, self.workflow = pipeline, workflow
        self.began: dict[str, float] = {}  # by try
        self.told: set[str] = set()

    def look(self) -> dict | None:
        workflow = self.pipeline.workflow(self.workflow)
        now = time.monotonic()
        for step in argo.steps(workflow or {}):
            began = self.began.setdefault(step.node, now)
            if step.phase not in ("Pending", "Running") and step.node not in self.told:
                self.told.add(step.node)
                tell(f"  {step.name:<10}  {step.phase} after {now - began:4.1f} s: {step.message or self.last_line(step)}")
        return workflow

    def last_line(self, step: argo.Step) -> str:
        pod = argo.pods(self.pipeline.kube, self.pipeline.namespace, self.workflow).get(step.node)
        try:
            log = self.pipeline.kube.logs(self.pipeline.namespace, pod["metadata"]["name"], "main") if pod else ""
        except ApiError:  # its Pod goes when the Workflow has succeeded
            log = ""
        lines = [line for line in log.splitlines() if not line.startswith("time=")]  # the executor's own
        return textwrap.shorten(lines[-1], 100, placeholder=" …") if lines else ""


class Demo:
    def __init__(self, keep: bool):
        self.keep = keep
        self.bed: NodeBed | None = None
        self.run: Run | None = None
        self.operator: Operator | None = None

    def play(self) -> None:
        self.build_up()
        csv = dataset()
        self.a_csv_becomes_a_model(csv)
        self.look_at_it()
        self.use_the_model(csv)
        self.a_broken_csv_fails(csv)

    def build_up(self) -> None:
        if reason := why_no_node():
            raise RuntimeError(f"{reason}; `make demo` shows the operator without it")
        self.bed = NodeBed(keep=self.keep)
        try:
            self.bed.start()
        finally:
            self.run = self.bed.run
        self.folder = self.run.folder / "demo"  # goes with the run
        self.folder.mkdir()
        tell(f"a one-node cluster is up: Kubernetes {paths.VERSIONS['KUBE_VERSION']}")
        argo.install(self.bed)
        tell(f"Argo Workflows {argo.VERSION} is at work in it")
        image = import_image(self.bed)
        tell(f"the node has the pipeline's image {image}")
        self.azurite = Azurite(self.run, self.bed.host).start()
        tell(f"a blob service is up: Azurite {paths.VERSIONS['AZURITE_VERSION']} at {self.azurite.origin}")
        self.pipeline = Pipeline(self.bed, self.azurite, NAMESPACE, image)
        self.pipeline.set_up()
        tell("created: containers datasets, work and models; the Secret with the account's key; the steps' ServiceAccount")
        self.operator = Operator(self.run, self.bed.kubeconfig, ["--namespace", NAMESPACE], [self.azurite.origin])
        self.bed.kube.install_crd(paths.CRD)
        self.operator.start()
        tell(f"the operator is up: {os.path.relpath(self.operator.binary, paths.ROOT)}, log {self.operator.log}")
        self.pipeline.start()
        tell("created the watcher of examples/azureblobwatcher.yaml, and it is Ready")

    def wait(self, look, happened, what: str, limit: float = LIMIT):
        """Waits, but not for an operator that is no more."""
        def look_again():
            check(self.operator.alive(), f"the operator ended by itself while the demo waited for {what}")
            return look()
        return wait_until(look_again, happened, limit, what, pause=0.2)

    def follow(self, name: str) -> dict:
        self.wait(lambda: self.pipeline.workflow(name), bool, f"the Workflow {name}")
        tell(f"Workflow {name}:")
        workflow = self.wait(Follower(self.pipeline, name).look, argo.finished, f"the end of {name}", RUN_LIMIT)
        tell(f"Workflow {name}: {argo.phase(workflow)}")
        return workflow

    def a_csv_becomes_a_model(self, csv: str) -> None:
        (self.folder / "mydata.csv").write_text(csv)
        self.pipeline.upload(BLOB, csv)
        tell(f"upload: {BLOB} in datasets, {csv.count(chr(10)) - 1} rows of made-up customers, who stayed or left")
        workflow = self.follow(WORKFLOW)
        names = [step.name for step in argo.steps(workflow)]
        check(argo.phase(workflow) == "Succeeded" and names == STEPS, f"it should have succeeded in {STEPS}: {names}")
        self.outputs = argo.outputs(workflow)
        check(self.pipeline.models() == [MODEL], f"models holds {self.pipeline.models()}, not {MODEL}")
        self.published = self.pipeline.published()
        check(not self.azurite.names("work"), f"left in work: {self.azurite.names('work')}")
        self.wait(self.pipeline.status, lambda seen: seen.get("succeeded") == 1, "the watcher counting it")

    def look_at_it(self) -> None:
        for command in (["get", "workflows"], ["get", "azureblobwatcher"]):
            tell(f"kubectl {' '.join(command)}")
            show(self.pipeline.kubectl(*command))
        tell(f"argo get {WORKFLOW}")
        show(argo.argo(self.bed, "get", "--namespace", NAMESPACE, "--no-color", WORKFLOW))

    def use_the_model(self, csv: str) -> None:
        model = self.pipeline.download(MODEL, self.folder / "model.h5")
        tell(f"downloaded {MODEL} from models: {model.stat().st_size:,} bytes; beside it: "
             + ", ".join(name for name in self.published if name != MODEL))
        few = self.folder / "few.csv"
        few.write_text("".join(csv.splitlines(keepends=True)[:6]))
        tell("predict.py model.h5 with the first five rows:")
        show(self.predict(model, few))
        tell(f"predict.py --check with all: {self.predict(model, self.folder / 'mydata.csv', '--check').strip()}")
        tell(f"accuracy on rows that training has not seen: {self.outputs['accuracy']} before, "
             f"{self.outputs['accuracy-int8']} with 8-bit weights")

    def predict(self, *arguments) -> str:
        done = subprocess.run([PYTHON, FOLDER / "predict.py", *arguments], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        check(done.returncode == 0, f"predict.py: {done.stderr.strip()}")
        return done.stdout

    def a_broken_csv_fails(self, csv: str) -> None:
        self.pipeline.upload(BROKEN_BLOB, broken(csv))
        tell(f"upload: {BROKEN_BLOB}, the same with a value missing in one line")
        workflow = self.follow(BROKEN_WORKFLOW)
        tries = argo.steps(workflow)
        check(argo.phase(workflow) == "Failed", "a broken CSV went through")
        check([step.name for step in tries] == ["preprocess", "cleanup"], f"it should have ended in preprocess: {tries}")
        check("line 42" in tries[0].message, f"the step did not say where the fault is: {tries[0].message}")
        check(self.pipeline.published() == self.published, f"something was published: {self.pipeline.published()}")
        status = self.wait(self.pipeline.status, lambda seen: seen.get("failed") == 1, "the watcher counting the failure")
        run = status["triggeredJobs"][0]
        check(run["blobName"] == BROKEN_BLOB and run["phase"] == "Failed", f"the watcher tells something else: {run}")
        tell(f"nothing was published; the watcher counts {status['succeeded']} succeeded, {status['failed']} failed, and says "
             "of the newest:")
        show("\n".join(f"{name}: {value}" for name, value in run.items()))
        tell("kubectl get workflows")
        show(self.pipeline.kubectl("get", "workflows"))

    def how_to_look_around(self) -> None:
        remember(self.run.folder, self.bed.kubeconfig, self.azurite)
        print(textwrap.dedent(f"""
            Everything is left running. To look around:
              eval "$(scripts/bed env)"                                    # kubectl, and where the cluster is
              kubectl -n {NAMESPACE} get azureblobwatchers,workflows,pods
              kubectl -n {NAMESPACE} describe workflow {WORKFLOW}
              {argo.FOLDER / "argo"} -n {NAMESPACE} list
              scripts/bed put datasets raw/more.csv {self.folder / "mydata.csv"}
              {PYTHON} {FOLDER / "predict.py"} {self.folder / "model.h5"} {self.folder / "mydata.csv"}
            To stop it:
              scripts/bed down"""))

    def stop(self) -> None:
        if self.operator and self.operator.alive():
            self.operator.process.stop(10)
        if self.bed:
            self.bed.stop()


def main() -> int:
    keep = bool(os.environ.get("KEEP"))
    return perform(Demo(keep), keep)


if __name__ == "__main__":
    sys.exit(main())
