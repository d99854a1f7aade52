"""The operator under test: started, watched through its own endpoints, stopped politely or not.

No end of it goes unnoticed: one that was neither stop()'s nor kill()'s, nor announced by ended(), is an error of whatever
touches it next.
"""

import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import paths, sanitizers
from .ports import free_port
from .processes import Process, Run

STOP_LIMIT = 10  # seconds from SIGTERM to exit 0, as promised


class OperatorError(AssertionError):
    """It did not do what it must; the message ends with its log."""


class Operator:
    """One operator process and its log. `flags` come after those that every test needs."""

    def __init__(self, run: Run, cluster: Path | list, flags: list[str] = (), allowed: list[str] = (),
                 name: str = "operator", binary: Path | None = None, env: dict | None = None):
        """cluster: a kubeconfig, or the flags that say which cluster; allowed: endpoint origins that are let through
        besides Azure's own."""
        self.run, self.name, self.env = run, name, env
        self.cluster = cluster if isinstance(cluster, list) else ["--kubeconfig", cluster]
        self.flags, self.allowed = list(flags), list(allowed)
        self.binary = binary or paths.operator_binary()
        self.process: Process | None = None
        self.over = True
        """No life that is still to be accounted for: none began, or the end of the last one was seen."""
        self.log_from = 0
        """Where the log of its present life begins."""

    @property
    def log(self) -> Path:
        return self.run.logs / f"{self.name}.log"

    def start(self, ready: bool = True) -> "Operator":
        """Starts it on fresh ports; with `ready` it returns when /readyz says so."""
        self.check()
        if not self.binary.exists():
            raise OperatorError(f"{self.binary} is missing: build it, or name another in ABO_OPERATOR")
        self.metrics_port, self.health_port = free_port(), free_port()
        allowed = [part for origin in self.allowed for part in ("--allowed-endpoint", origin)]
        log_format = [] if "--log-format" in self.flags else ["--log-format", "text"]
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        self.process = self.run.spawn(self.name, [
            self.binary, "run", *self.cluster, *log_format,
            "--metrics-address", f"127.0.0.1:{self.metrics_port}", "--health-address", f"127.0.0.1:{self.health_port}",
            *allowed, *self.flags], env=self.env)
        self.over = False
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout: float = 15) -> None:
        end = time.monotonic() + timeout
        while self.status("/readyz") != 200:
            self.check()
            if time.monotonic() > end:
                raise OperatorError(f"the operator is not ready after {timeout:g} s\n{self.tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """SIGTERM; it must be gone in time, having lost nothing. Nothing when it was ended already, by us."""
        self.check()
        if self.over:
            return
        self.process.signal(signal.SIGTERM)
        if not self.process.wait(STOP_LIMIT):
            self.process.stop(0)
            self.over = True
            raise OperatorError(f"the operator was still there {STOP_LIMIT} s after SIGTERM\n{self.tail()}")
        self._account(0)

    def kill(self) -> None:
        """kill -9."""
        self.check()
        if not self.over:
            self.process.stop(0)
            self._account(-signal.SIGKILL)

    def ended(self, code: int, timeout: float = 5) -> None:
        """Its end was to come by other means, and came: in time, and with this exit code (negative: by that signal)."""
        if self.over:
            return
        if not self.process.wait(timeout):
            raise OperatorError(f"the operator did not end within {timeout:g} s\n{self.tail()}")
        self._account(code)

    def check(self) -> None:
        """Raises if it ended by itself; once for each time."""
        if not self.over and not self.alive():
            self._account(None)

    def _account(self, expected: int | None) -> None:
        """For a life that is over. None: it should have gone on."""
        self.over = True
        self.process.wait(0)
        if report := sanitizers.report_in(self.log, self.log_from):
            raise OperatorError(f"the operator's sanitizer found something; {self.log}:\n{report}")
        if expected is None or self.process.exit_code != expected:
            how = "by itself" if expected is None else f"rather than with {expected}"
            raise OperatorError(f"the operator ended with {self.process.exit_code}, {how}\n{self.tail()}")

    def restart(self) -> None:
        self.stop()
        self.start()

    def alive(self) -> bool:
        return self.process is not None and self.process.alive()

    def status(self, path: str) -> int:
        """The HTTP status of a path of the health server; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=2) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metrics(self) -> dict[str, float]:
        """Each series of /metrics, written as Prometheus writes it, to its value."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {series: float(value) for series, _, value in
                (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def tail(self, lines: int = 25) -> str:
        return self.run.log_tail(self.name, lines)
