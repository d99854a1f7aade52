"""Starts and stops the bed's processes, and undoes what it did to the machine.

Every start is written to `state.json` in the run's folder before it is needed, so that another process (`scripts/bed
down`, or the next bed) can stop exactly what was started even when this one was killed. A process is known by its pid
and its start time: a pid that was given to somebody else meanwhile is never signalled.
"""

import ctypes
import fcntl
import json
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

from . import paths

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def started_at(pid: int) -> int | None:
    """The start time of a running process in clock ticks, None when there is none (or only its zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Process:
    """One process, ours or one that an earlier run left."""

    def __init__(self, name: str, pid: int, start: int | None):
        self.name, self.pid, self.start = name, pid, start
        self.exit_code: int | None = None
        """Of our own child, once wait() saw its end; negative: the signal that ended it."""

    def alive(self) -> bool:
        return self.start is not None and started_at(self.pid) == self.start

    def signal(self, number: int) -> None:
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> bool:
        """True when it has ended; reaps it when it is our child."""
        end = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            pass
        return True

    def stop(self, grace: float) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds (at once with 0)."""
        if grace:
            self.signal(signal.SIGTERM)
            if self.wait(grace):
                return
        self.signal(signal.SIGKILL)
        self.wait(10)


def spawn(name: str, command: list, log: Path, keep: bool = False, env: dict | None = None) -> Process:
    """Starts a program in a session of its own, so that Ctrl-C reaches only us, with its output in a log file.

    Unless it is to be kept, the kernel kills it when the thread that called this ends: call from the main thread.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    with open(log, "ab") as out:
        child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, preexec_fn=None if keep else die_with_parent, env=env)
    child.returncode = 0  # Process reaps it; Popen must not warn that it still runs
    return Process(name, child.pid, started_at(child.pid))


class Run:
    """A run's folder: its processes, its logs, what it changed on the machine."""

    def __init__(self, kind: str, keep: bool):
        self.keep = keep
        self.folder = paths.RUNS / f"{kind}-{secrets.token_hex(3)}"
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True)
        self.folder.chmod(0o700)
        self.state = {"kind": kind, "keep": keep, "owner": [os.getpid(), started_at(os.getpid())],
                      "processes": [], "sysctls": {}, "iptables": [], "bridge": None}

    def save(self) -> None:
        fresh = self.folder / "state.json.new"
        fresh.write_text(json.dumps(self.state, indent=1))
        fresh.rename(self.folder / "state.json")

    def spawn(self, name: str, command: list, env: dict | None = None) -> Process:
        process = spawn(name, command, self.logs / f"{name}.log", self.keep, env)
        self.adopt(process)
        return process

    def adopt(self, process: Process) -> None:
        """Makes `process` one that ends with this run."""
        self.state["processes"].append([process.name, process.pid, process.start])
        self.save()

    def log_tail(self, name: str, lines: int = 15) -> str:
        log = self.logs / f"{name}.log"
        text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
        return f"--- the end of {log}\n" + "\n".join(text)


def processes_of(state: dict) -> list[Process]:
    return [Process(*entry) for entry in state["processes"]]


class Lock:
    """One holder on the machine, until it ends or lets go."""

    def __init__(self, name: str):
        folder = paths.CACHE / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = open(folder / name, "w")

    def try_take(self) -> bool:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def release(self) -> None:
        self.file.close()
