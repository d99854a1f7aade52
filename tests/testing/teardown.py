"""Undoes a run: stops what it started, takes back what it changed. Works from its state.json alone.

A run ends by its owner, by `scripts/bed down`, or, when its owner was killed, by the next run that starts.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import paths
from .processes import Process, processes_of, started_at

KEPT_LOG_FOLDERS = 8


def runs() -> list[Path]:
    """The folders of all runs that were not torn down yet."""
    return sorted(file.parent for file in paths.RUNS.glob("*/state.json"))


def tear_down(folder: Path) -> None:
    """Stops the run in `folder`. Its logs stay."""
    file = folder / "state.json"
    if not file.exists():
        return
    state = json.loads(file.read_text())
    processes = processes_of(state)
    if state["kind"] == "node":
        stop_pods(folder, processes)
    # A throw-away cluster has nothing to save, and a killed etcd is as good as a stopped one.
    for process in processes:
        process.signal(signal.SIGKILL)
    for process in processes:
        process.wait(10)
    if state["kind"] == "node":
        restore_machine(folder, state)
    for entry in folder.iterdir():
        if entry.name not in ("logs", "state.json"):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    file.unlink()


def clean_up_abandoned(kind: str) -> None:
    """Tears down runs whose owner was killed, and drops the oldest logs of a kind."""
    for folder in runs():
        state = json.loads((folder / "state.json").read_text())
        if not state["keep"] and not Process("owner", *state["owner"]).alive():
            tear_down(folder)
    ended = [folder for folder in paths.RUNS.glob(f"{kind}-*") if not (folder / "state.json").exists()]
    for folder in sorted(ended, key=lambda folder: folder.stat().st_mtime)[:-KEPT_LOG_FOLDERS]:
        if time.time() - folder.stat().st_mtime > 60:  # a younger one may be another bed at its start
            shutil.rmtree(folder, ignore_errors=True)


def run_quietly(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


def stop_pods(folder: Path, processes: list[Process]) -> None:
    """Ends the containers, which outlive kubelet and containerd, and forgets them in containerd's own records."""
    by_name = {process.name: process for process in processes}
    if "kubelet" in by_name:
        by_name["kubelet"].stop(0)
    socket = folder / "containerd.sock"
    for shim in shims_of(str(socket)):
        for pid in descendants(shim):
            kill(pid)
    containerd = by_name.get("containerd")
    if containerd and containerd.alive():
        ctr = ("ctr", "--address", str(socket), "--namespace", "k8s.io")
        if tasks := run_quietly(*ctr, "tasks", "list", "--quiet").split():
            run_quietly(*ctr, "tasks", "remove", "--force", *tasks)
        if containers := run_quietly(*ctr, "containers", "list", "--quiet").split():
            run_quietly(*ctr, "containers", "remove", *containers)
        containerd.stop(5)
    else:
        # Killed, so its records name containers that are no more: images are quickly imported again.
        unmount_under(paths.CONTAINERD_ROOT)
        shutil.rmtree(paths.CONTAINERD_ROOT, ignore_errors=True)
    for shim in shims_of(str(socket)):
        kill(shim)
    for address in folder.glob("containerd-state/io.containerd.runtime.v2.task/k8s.io/*/address"):
        Path(address.read_text().strip().removeprefix("unix://")).unlink(missing_ok=True)


def shims_of(socket: str) -> list[int]:
    """The container runtime's helpers that serve the containerd behind `socket`, which is ours alone."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command[0].endswith(b"containerd-shim-runc-v2") and socket.encode() in command and started_at(pid):
            found.append(pid)
    return found


def descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        children += [child for task in os.listdir(f"/proc/{pid}/task") if task != str(pid)
                     for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in map(int, children) for each in [child, *descendants(child)]]


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def restore_machine(folder: Path, state: dict) -> None:
    unmount_under(folder)
    for rule in reversed(state["iptables"]):
        run_quietly("iptables", *rule)
    if state["bridge"]:
        run_quietly("ip", "link", "delete", state["bridge"])
    for name, value in state["sysctls"].items():
        Path("/proc/sys", name).write_text(value)
    for cgroup in state["cgroups"]:
        remove_cgroup(Path(cgroup))


def unmount_under(folder: Path) -> None:
    mounted = [line.split()[1].encode().decode("unicode_escape")
               for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((point for point in mounted if point.startswith(f"{folder}/")), reverse=True):
        run_quietly("umount", "--lazy", point)


def remove_cgroup(top: Path) -> None:
    """Removes an empty tree of control groups; the kernel may need a moment until the last process has left."""
    for folder, _, _ in os.walk(top, topdown=False):
        for _ in range(50):
            try:
                os.rmdir(folder)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)
