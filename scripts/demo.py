#!/usr/bin/env python3
"""The main job on real parts: a blob lands in storage, a Job runs in Kubernetes. Called by `make demo`.

    make demo                    a one-node cluster of its own (root), or an API server alone
    make demo KEEP=1             leaves everything running, and says how to look around
    make demo CONTEXT=name       in an existing cluster, by that context of the kubeconfig

In an existing cluster it works in a namespace of its own, with the operator and the blob service on this machine; the
user needs the right to create that namespace and the CustomResourceDefinition, and the nodes must get busybox:1.36.
"""

import os
import secrets
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from testing import paths, teardown  # noqa: E402
from testing.__main__ import remember  # noqa: E402
from testing.azurite import Azurite  # noqa: E402
from testing.bed import ApiBed, NodeBed, why_no_node  # noqa: E402
from testing.jobs import finish_job, job_finished, jobs_of  # noqa: E402
from testing.kube import Kube, condition, wait_until  # noqa: E402
from testing.operator import Operator, OperatorError  # noqa: E402
from testing.ports import free_port  # noqa: E402
from testing.processes import Run  # noqa: E402

EXAMPLE = paths.ROOT / "examples/demo-job.yaml"
BLOB = "raw/mydata.csv"
REJECTED = "raw/notes.txt"
CRD = "azureblobwatchers.mlops.example.com"
LIMIT = 60  # seconds for any one thing to happen

began = time.monotonic()


def tell(text: str) -> None:
    """One step, one line, with the time since the start."""
    print(f"{time.monotonic() - began:6.1f}s  {text}", flush=True)


def show(text: str) -> None:
    print(textwrap.indent(text.rstrip(), " " * 9 + "| ", lambda _: True), flush=True)


class Cluster:
    """Where the Jobs run: a bed of our own, or somebody's cluster by kubectl's proxy."""

    def __init__(self, keep: bool, context: str | None):
        self.context, self.keep = context, keep
        self.real_pods = True
        self.bed: ApiBed | None = None
        self.run: Run | None = None
        self.crd_is_ours = False
        self.image = os.environ.get("IMAGE")

    def start(self) -> None:
        if self.context:
            self._join()
        else:
            self._build()
        if not self.kube.find("CustomResourceDefinition", CRD):
            self.kube.install_crd(paths.CRD)
            self.crd_is_ours = True
        self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    def _build(self) -> None:
        reason = why_no_node()
        self.real_pods = reason is None
        if reason:
            tell(f"{reason}: an API server alone it is, and the demo itself reports the Jobs' Pods as ended")
        self.bed = (NodeBed if self.real_pods else ApiBed)(keep=self.keep)
        try:
            self.bed.start()
        finally:
            self.run = self.bed.run
        self.kube, self.host, self.namespace = self.bed.kube, self.bed.host, "demo"
        self.connection = ["--kubeconfig", self.bed.kubeconfig]
        self.image = self.image or "lab.local/busybox:1"
        what = "a one-node cluster" if self.real_pods else "a Kubernetes API server"
        tell(f"{what} is up: Kubernetes {paths.VERSIONS['KUBE_VERSION']}")

    def _join(self) -> None:
        teardown.clean_up_abandoned("demo")
        self.run, self.host, self.namespace = Run("demo", self.keep), "127.0.0.1", f"abo-demo-{secrets.token_hex(3)}"
        self.connection = ["--context", self.context]
        port = free_port()
        self.run.spawn("kubectl-proxy", [*self._kubectl(), "proxy", f"--port={port}"])
        self.kube = Kube(f"http://127.0.0.1:{port}")
        wait_until(self.kube.ready, bool, 20, f"the cluster of context {self.context} answering, see {self.run.logs}")
        tell(f"the cluster of context {self.context} answers; the demo stays in its namespace {self.namespace}")

    def _kubectl(self) -> list:
        return [paths.KUBE / "kubectl", *self.connection]

    def kubectl(self, *arguments: str) -> str:
        return subprocess.run([*self._kubectl(), "--namespace", self.namespace, *arguments], check=True, text=True,
                              capture_output=True, timeout=60).stdout

    def stop(self) -> None:
        """Everything that is ours; of an existing cluster the namespace, and the CRD when it came with us."""
        if self.bed:
            self.bed.stop()
        elif self.run:
            try:
                if self.kube.find("Namespace", self.namespace):
                    self.kube.delete("Namespace", self.namespace)
                if self.crd_is_ours:
                    self.kube.wait_gone("Namespace", self.namespace, timeout=LIMIT)
                    self.kube.delete("CustomResourceDefinition", CRD)
            finally:
                teardown.tear_down(self.run.folder)


class Demo:
    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.operator: Operator | None = None

    @property
    def run(self) -> Run | None:
        return self.cluster.run

    def stop(self) -> None:
        if self.operator and self.operator.alive():
            self.operator.process.stop(10)
        self.cluster.stop()

    def play(self) -> None:
        cluster = self.cluster
        cluster.start()
        self.kube, self.namespace = cluster.kube, cluster.namespace
        self.azurite = Azurite(cluster.run, cluster.host).start()
        tell(f"a blob service is up: Azurite {paths.VERSIONS['AZURITE_VERSION']} at {self.azurite.origin}")
        flags = ["--namespace", self.namespace]
        self.operator = Operator(cluster.run, cluster.connection, flags, [self.azurite.origin])
        self.operator.start()
        tell(f"the operator is up: {os.path.relpath(self.operator.binary, paths.ROOT)}, log {self.operator.log}")
        self.create_watcher()
        first = self.a_blob_starts_a_job("upload", "the first")
        self.look()
        second = self.a_blob_starts_a_job("overwrite", "a second", known=[first])
        self.nothing_for_a_rejected_blob([first, second])
        self.nothing_twice_after_a_restart([first, second])

    def create_watcher(self) -> None:
        watcher = yaml.safe_load(EXAMPLE.read_text())
        spec = watcher["spec"]
        self.container, self.watcher = spec["containerName"], watcher["metadata"]["name"]
        self.azurite.container(self.container)
        tell(f"created the container {self.container}")
        self.kube.create({"apiVersion": "v1", "kind": "Secret", "stringData": {"accountKey": self.azurite.key},
                          "metadata": {"name": spec["credentialsSecret"], "namespace": self.namespace}})
        tell(f"created the Secret {spec['credentialsSecret']} with the account's key")
        spec["endpoint"] = self.azurite.endpoint
        if self.cluster.image:
            spec["jobTemplate"]["template"] = spec["jobTemplate"]["template"].replace("busybox:1.36", self.cluster.image)
        watcher["metadata"]["namespace"] = self.namespace
        self.kube.create(watcher)
        self.wait_watcher(lambda seen: condition(seen, "Ready").get("status") == "True", "the watcher Ready")
        tell(f"created the watcher {self.watcher} of {EXAMPLE.relative_to(paths.ROOT)}, and it is Ready")

    def wait(self, look, happened, what: str):
        """Waits, but not for an operator that is no more."""
        def look_again():
            check(self.operator.alive(), f"the operator ended by itself while the demo waited for {what}")
            return look()
        return wait_until(look_again, happened, LIMIT, what)

    def wait_watcher(self, happened, what: str) -> dict:
        return self.wait(lambda: self.kube.get("AzureBlobWatcher", self.watcher, self.namespace), happened, what)

    def jobs(self) -> list[str]:
        return [job["metadata"]["name"] for job in jobs_of(self.kube, self.namespace, self.watcher)]

    def a_blob_starts_a_job(self, how: str, which: str, known: list[str] = ()) -> str:
        self.azurite.upload(self.container, BLOB, f"id,value\n1,{len(known)}\n")
        tell(f"{how}: {BLOB} in {self.container}")
        names = self.wait(self.jobs, lambda seen: set(seen) > set(known), f"{which} Job")
        name, *more = set(names) - set(known)
        check(not more, f"one {how} made several Jobs: {name}, {', '.join(more)}")
        tell(f"{which} Job: {name}")
        if self.cluster.real_pods:
            self.kube.wait("Job", name, self.namespace, job_finished, LIMIT, f"Job {name} finished")
            self.show_pod_log(name)
        else:
            finish_job(self.kube, self.namespace, name, timeout=LIMIT)
            tell("its Pod reported as ended, for want of a node")
        self.wait_watcher(lambda seen: seen.get("status", {}).get("succeeded", 0) == len(known) + 1,
                          "the watcher counting the finished Job")
        return name

    def show_pod_log(self, job: str) -> None:
        pod = self.kube.list("Pod", self.namespace, labelSelector=f"job-name={job}")[0]["metadata"]["name"]
        log = self.kube.logs(self.namespace, pod)
        tell(f"what its Pod {pod} printed:")
        show(log)
        url = f"{self.azurite.endpoint}/{self.container}/{BLOB}"
        check(BLOB in log and url in log, f"the Pod's log lacks {BLOB} or {url}")

    def look(self) -> None:
        tell("kubectl get azureblobwatcher,job")
        show(self.cluster.kubectl("get", "azureblobwatcher"))
        show(self.cluster.kubectl("get", "job"))

    def nothing_for_a_rejected_blob(self, known: list[str]) -> None:
        self.azurite.upload(self.container, REJECTED, "not a table")
        tell(f"upload: {REJECTED}, which the watcher's pattern rejects")
        # Proof instead of patience: a poll has listed both blobs and found one that matters, and it is done already.
        seen = self.wait_watcher(lambda seen: seen["status"].get("lastPoll", {}).get("listed") == 2,
                                 f"a poll that lists {REJECTED} too")
        check(seen["status"]["lastPoll"]["matched"] == 1, f"{REJECTED} matched: {seen['status']['lastPoll']}")
        self.same_jobs(known, "the rejected blob")
        tell("no Job: the next poll listed 2 blobs, 1 matched, and that one was done already")

    def nothing_twice_after_a_restart(self, known: list[str]) -> None:
        self.operator.restart()
        tell("the operator was stopped and started again")
        # The new process counts from zero: two polls to their end, and nothing triggered.
        polls = 'azure_blob_operator_polls_total{'
        self.wait(self.operator.metrics,
                  lambda seen: sum(value for name, value in seen.items() if name.startswith(polls)) >= 2,
                  "two polls by the restarted operator")
        self.same_jobs(known, "the restart")
        check(condition(self.kube.get("AzureBlobWatcher", self.watcher, self.namespace), "Ready")["status"] == "True",
              "the watcher is not Ready after the restart")
        tell("nothing twice: it polled again, and the Jobs are the same two")

    def same_jobs(self, known: list[str], after: str) -> None:
        names = self.jobs()
        check(set(names) == set(known), f"after {after} the Jobs are {', '.join(names)}, not {', '.join(known)}")

    def how_to_look_around(self) -> None:
        remember(self.cluster.run.folder, self.cluster.bed.kubeconfig if self.cluster.bed else None, self.azurite)
        where = f"-n {self.namespace}" + (f" --context {self.cluster.context}" if self.cluster.context else "")
        print(textwrap.dedent(f"""
            Everything is left running. To look around:
              eval "$(scripts/bed env)"                                    # kubectl, and where the cluster is
              kubectl {where} get azureblobwatchers,jobs,pods
              kubectl {where} describe azureblobwatcher {self.watcher}
              scripts/bed put {self.container} raw/more.csv                # upload something more
              tail -f {self.operator.log}
            To stop it:
              scripts/bed down""" + (f"; kubectl delete {where.replace('-n', 'namespace', 1)}" if self.cluster.context else "")))


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def perform(demo, keep: bool) -> int:
    """Plays it: the exit code of the program. `demo` has play(), how_to_look_around(), stop(), and operator and run as far
    as they have come to be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    done = False
    try:
        demo.play()
        done = True
        tell("done: every step did what it should")
        if keep:
            demo.how_to_look_around()
        return 0
    except KeyboardInterrupt:
        tell("interrupted: stopping what was started")
        return 130
    except Exception as error:  # whatever it is: a reason and a place to look, not a traceback
        tell(f"FAILED: {error or repr(error)}")
        if demo.operator and not isinstance(error, OperatorError):
            print(demo.operator.tail(10))
        print(f"All logs are in {demo.run.logs if demo.run else paths.RUNS}")
        return 1
    finally:
        if not (keep and done):
            demo.stop()


def main() -> int:
    keep, context = bool(os.environ.get("KEEP")), os.environ.get("CONTEXT") or None
    return perform(Demo(Cluster(keep, context)), keep)


if __name__ == "__main__":
    sys.exit(main())
