"""A proxy before a bed's real API server that loses, delays and forges on request, and kills whom it is told to at a
chosen instant of a write.

    with LyingApiServer(bed) as proxy:
        operator = Operator(bed.run, proxy.kubeconfig)
        trap = proxy.kill_on(Match("POST", "/jobs"), operator.process, when="after")
        trap.wait(20)

The proxy works in a process of its own (lying_proxy.py) and asks the real server as `user`, so that the audit log tells
who wrote; impersonation passes through. A fault that is armed waits for the next `times` requests that match (None: for
all), each with the given probability. What happened so far is in requests().
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import signal as signals
import socket
import sys
import threading
import time
from pathlib import Path

from .bed import ALL_RULES, ApiBed
from .kube import wait_until
from .ports import free_port
from .processes import Process

NUMBERS = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Match:
    """Which requests: `method` a regular expression for the whole word ("PUT|PATCH"), `path` one to be found in path and
    query, `content_type` one to be found in that header; watch: only watches, or none. None: any. The first `skip` that
    match are let pass."""
    method: str | None = None
    path: str | None = None
    content_type: str | None = None
    watch: bool | None = None
    skip: int = 0


@dataclasses.dataclass(frozen=True)
class Request:
    """As the operator sees it. time: time.monotonic() of its arrival; status: 0 while, or because, it got no answer;
    fault: what was done to it."""
    time: float
    method: str
    path: str
    status: int
    watch: bool
    fault: str


class Handle:
    """A fault that waits for its requests."""

    def __init__(self, proxy: "LyingApiServer", number: int):
        self._proxy, self._number = proxy, number

    def hits(self) -> int:
        return self._proxy._call("hits", number=self._number)

    def cancel(self) -> None:
        self._proxy._call("cancel", number=self._number)


class Trap(Handle):
    def wait(self, timeout: float) -> bool:
        """Whether it was sprung by then. When it was, the signal has been sent."""
        end = time.monotonic() + timeout
        while not self.hits():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True


class LyingApiServer:
    def __init__(self, bed: ApiBed, user: str = "operator", rules: list | None = ALL_RULES, seed: int = 0):
        self.bed, self.user, self.rules, self.seed = bed, user, rules, seed
        self.name = f"lying-api-server-{next(NUMBERS)}"
        self.port = free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.process: Process | None = None
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    # Life

    def __enter__(self) -> "LyingApiServer":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "LyingApiServer":
        """From the main thread, as everything that starts a process."""
        keys = self.bed.authority.folder
        self.bed.user_kubeconfig(self.user, rules=self.rules)
        client = keys / f"user-{self.user.replace(':', '-')}"
        certificate, key = self.bed.authority.server(self.name, ["127.0.0.1"], ["localhost"])
        # Any token will do: the proxy asks as its own user, whoever asks it.
        self.kubeconfig = self.bed.authority.kubeconfig(self.name, self.server, {"token": "of-no-use"})
        control = self.bed.folder / f"{self.name}.sock"
        settings = {"port": self.port, "certificate": str(certificate), "key": str(key), "control": str(control),
                    "authority": str(keys / "ca.crt"), "client_certificate": f"{client}.crt",
                    "client_key": f"{client}.key", "server": [self.bed.host, self.bed.port], "seed": self.seed}
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = self.bed.run.spawn(
            self.name, [sys.executable, "-P", "-m", "testing.lying_proxy", json.dumps(settings)], env=environment)
        self._socket = socket.socket(socket.AF_UNIX)

        def connected() -> bool:
            try:  # its file is there a moment before it listens
                self._socket.connect(str(control))
                return True
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        wait_until(lambda: connected() or not self.process.alive(), bool, 30, "the lying API server up", 0.01)
        if not self.process.alive():
            raise RuntimeError(f"the lying API server did not start\n{self.bed.run.log_tail(self.name)}")
        self._lines = self._socket.makefile("r", encoding="utf-8")
        return self

    def stop(self) -> None:
        if self.process:
            self.process.stop(0)
            self._lines.close()
            self._socket.close()
            self.process = None

    def _call(self, do: str, **arguments):
        with self._lock:
            self._socket.sendall((json.dumps({"do": do, **arguments}) + "\n").encode())
            line = self._lines.readline()
        if not line:
            raise RuntimeError(f"the lying API server is gone\n{self.bed.run.log_tail(self.name)}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the lying API server failed: {answer['error']}")
        return answer["result"]

    def _arm(self, kind: str, match: Match, times: int | None, probability: float, **parameters) -> int:
        for pattern in (match.method, match.path, match.content_type):
            re.compile(pattern or "")
        return self._call("arm", kind=kind, match=dataclasses.asdict(match), times=times, probability=probability,
                          parameters=parameters)

    # Killing and freezing at an instant

    def kill_on(self, match: Match, process: Process, when: str = "before", probability: float = 1.0) -> Trap:
        """kill -9 once a matching request has arrived in whole and before anything of it was forwarded, or once the real
        server's whole answer is here and before anything of it was passed on. Once."""
        return self.signal_on(match, process, signals.SIGKILL, when, probability)

    def signal_on(self, match: Match, process: Process, signal: int, when: str = "before",
                  probability: float = 1.0) -> Trap:
        """Likewise, with any signal. But for SIGKILL the request, or its answer, then goes on its way."""
        assert when in ("before", "after")
        who = [process.name, process.pid, process.start]
        return Trap(self, self._arm(f"signal_{when}", match, 1, probability, process=who, signal=int(signal)))

    # Requests and answers

    def lose_answer(self, match: Match, times: int | None = 1, probability: float = 1.0) -> Handle:
        """Forwarded and carried out; instead of the answer the connection is reset."""
        return Handle(self, self._arm("lose_answer", match, times, probability))

    def drop_request(self, match: Match, times: int | None = 1, probability: float = 1.0) -> Handle:
        """The connection is reset, and nothing was forwarded."""
        return Handle(self, self._arm("drop_request", match, times, probability))

    def answer(self, match: Match, status: int, reason: str = "", message: str = "", retry_after: int | None = None,
               times: int | None = 1, probability: float = 1.0) -> Handle:
        """A Status of our own instead of forwarding; without a reason the usual one."""
        return Handle(self, self._arm("answer", match, times, probability, status=status, reason=reason,
                                      message=message, retry_after=retry_after))

    def delay(self, match: Match, seconds: float, times: int | None = 1, probability: float = 1.0,
              even_if_gone: bool = False) -> Handle:
        """Forwarded only after a while. A request whose sender is gone by then is dropped, as a server does that was
        too busy to read it; with even_if_gone it arrives all the same, after its sender's death. Cancelling a delay, of
        requests, answers or events, lets go what it holds up."""
        return Handle(self, self._arm("delay", match, times, probability, seconds=seconds, even_if_gone=even_if_gone))

    def delay_answer(self, match: Match, seconds: float, times: int | None = 1, probability: float = 1.0) -> Handle:
        return Handle(self, self._arm("delay_answer", match, times, probability, seconds=seconds))

    def clear_faults(self) -> None:
        """Of all that is armed; not of hang() and go_away()."""
        self._call("clear_faults")

    # Watches

    def watch_event(self, match: Match, action: str, seconds: float = 0, times: int | None = 1,
                    probability: float = 1.0) -> Handle:
        """What happens to the next events of matching watches, those that are open already included. action: "drop",
        "duplicate", or "delay" (which holds up the events behind it too). Bookmarks pass and do not count; match.skip
        counts events."""
        assert action in ("drop", "delay", "duplicate")
        return Handle(self, self._arm(f"event_{action}", match, times, probability, seconds=seconds))

    def cut_watches(self) -> int:
        """Resets the connections of all open watches; how many there were."""
        return self._call("cut_watches")

    def end_watches_with_gone(self) -> int:
        """Ends all open watches with an ERROR event that says 410 Gone; how many there were."""
        return self._call("end_watches_with_gone")

    # All of it

    def go_away(self) -> int:
        """Nobody listens any more, and every connection is reset. What was forwarded already may be carried out. How many
        requests, watches included, that broke off."""
        return self._call("go_away")

    def come_back(self) -> None:
        """After go_away(): listens on the same port again."""
        self._call("come_back")

    def hang(self) -> Handle:
        """Connections are taken, nothing is forwarded, answered or passed on. Its hits: requests, answers and events that
        it held up; to cancel it means nothing, unhang() ends it."""
        return Handle(self, self._call("hang"))

    def unhang(self) -> None:
        """What waited goes on its way; a request whose sender is gone does not."""
        self._call("unhang")

    def requests(self, since: float = 0) -> list[Request]:
        """What arrived at time.monotonic() >= since, in order."""
        return [Request(*row) for row in self._call("requests", since=since)]
