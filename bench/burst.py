"""A burst: 1,000 blobs are there, and as many Jobs must be. Measured against a client that does nothing but POST.

Both speak to the same API server in turn, with objects of the same size under fresh names and 16 requests in flight;
the API server's audit log says when the first create came in and the last was answered, of both alike. No controllers
run meanwhile: what a cluster does with Jobs is not the creator's speed, and would go on while the other one's turn is.
"""

import datetime
import json
import statistics
import subprocess
import time

from parts import RELEASE, WATCHER, ListServer, cpu_seconds, create_watcher, operator, total
from testing.bed import ApiBed
from testing.kube import wait_until
from testing.paths import CRD
from testing.processes import processes_of

COUNT, IN_FLIGHT, ROUNDS = 1000, 16, 5
CREATES = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
           "rules": [{"level": "Metadata", "verbs": ["create"], "resources": [{"group": "batch", "resources": ["jobs"]}]},
                     {"level": "None"}]}


def bench_burst(book) -> None:
    with ApiBed(audit=CREATES) as bed, ListServer(COUNT) as server:
        bed.kube.install_crd(CRD)
        stop_controllers(bed)
        one = operator(bed, [server.origin]).start()
        burst(bed, one, server, "warm", 0)
        template = body_like(bed, "warm")
        rates, raw_rates, cpu, seen = [], [], [], COUNT
        for turn in range(ROUNDS):
            idle = patches(one)
            raw_burst(bed, template, f"raw{turn}")
            raw_rates.append(rate(bed, seen))
            used = cpu_seconds(one.process.pid)
            # Not one patch for each of the other's objects; an Event's count may be written at any time.
            if patches(one) > idle + COUNT / 100:
                raise SystemExit("the operator worked for objects that are not its own")
            burst(bed, one, server, f"w{turn}", patches(one))
            cpu.append((cpu_seconds(one.process.pid) - used) / COUNT)
            rates.append(rate(bed, seen + COUNT))
            seen += 2 * COUNT
        one.stop()
    ours, theirs = statistics.median(rates), statistics.median(raw_rates)
    book.add("burst", ours / theirs, wall_seconds=COUNT / ours)
    book.add("burst_rate", ours)
    book.add("burst_raw_rate", theirs)
    each = statistics.median(cpu)
    book.add("burst_cpu", 1000 * each, cpu_seconds=each)


def patches(one) -> float:
    return total(one, "kubernetes_requests_total", 'verb="patch"')


def stop_controllers(bed) -> None:
    for process in processes_of(bed.run.state):
        if process.name == "kube-controller-manager":
            process.stop(5)


def burst(bed, one, server, name: str, before: float) -> None:
    """One watcher meets its 1,000 blobs; returns when all is created and every finalizer has gone, which is as many
    patches more than `before`."""
    create_watcher(bed.kube, name, server.origin, 3600, existingBlobs="Trigger", maxActive=0)

    def done() -> bool:
        return (total(one, "triggers_total", 'result="created"', f'watcher="{name}"') >= COUNT and
                patches(one) >= before + COUNT)
    wait_until(done, bool, 120, f"{COUNT} Jobs of {name}, released", pause=0.25)
    time.sleep(0.5)  # the last status write
    bed.kube.delete(WATCHER, name, "default")
    time.sleep(0.5)


def body_like(bed, watcher: str) -> str:
    """What the operator sent for one Job of that watcher, as far as size goes, with @NAME@ for its name."""
    job = bed.kube.list("Job", "default", labelSelector=f"mlops.example.com/watcher={watcher}", limit=1)[0]
    kept = {key: job["metadata"][key] for key in ("namespace", "labels", "annotations", "ownerReferences")}
    # Of the same size, but nobody's: or the operator would follow them, and release them in the other one's turn.
    kept["labels"] = {**kept["labels"], "app.kubernetes.io/managed-by": "azure-blob-raw-load"}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{
        "name": "main", "image": "busybox", "args": job["spec"]["template"]["spec"]["containers"][0]["args"]}]}}}
    return json.dumps({"apiVersion": "batch/v1", "kind": "Job", "spec": spec,
                       "metadata": {"name": "@NAME@", "finalizers": ["mlops.example.com/recording"], **kept}})


def raw_burst(bed, body: str, prefix: str) -> None:
    pki = bed.folder / "pki"
    file = bed.folder / "raw-body.json"
    file.write_text(body)
    subprocess.run([RELEASE / "bench/raw_client", f"{bed.server}/apis/batch/v1/namespaces/default/jobs",
                    pki / "ca.crt", pki / "admin.crt", pki / "admin.key", file,
                    f"{prefix}-raw-2020-ingest-eu-west-1-daily-part", str(COUNT), str(IN_FLIGHT)],
                   check=True, stdout=subprocess.DEVNULL)


def rate(bed, skip: int) -> float:
    """Creates a second, from the first one received to the last one answered, of the log's entries after `skip`."""
    events = [event for event in bed.audit_events() if event["responseStatus"]["code"] == 201][skip:]
    if len(events) != COUNT:
        raise SystemExit(f"the audit log has {len(events)} creates where {COUNT} were made")
    first = min(when(event["requestReceivedTimestamp"]) for event in events)
    return COUNT / (max(when(event["stageTimestamp"]) for event in events) - first).total_seconds()


def when(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
