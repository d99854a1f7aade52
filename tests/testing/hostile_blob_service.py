"""A blob service that misbehaves on request, for what Azurite cannot do. It serves List Blobs as the real service does,
byte-order mark, signatures, opaque markers and all, and keeps the truth about what was visible when.

    with HostileBlobService({"chaos": KEY}) as service:
        service.create_container("chaos", "data")
        etag = service.put("data", "a.csv")
        service.inject(Status(503, retry_after=1), container="data", times=3)

It runs in a thread of its own and may be used from any. A page is put together from rows that were rendered before, so
a hundred thousand blobs are listed in a fraction of a second; for millions there is list_server.
"""

from __future__ import annotations

import asyncio
import collections
import random
import re
import socket
import threading
import time
import traceback
import urllib.parse
from typing import Callable, NamedTuple

from .blob_answers import Answer, failure, listing
from .blob_faults import (STAGES, Bom, Bytes, Date, DuplicateAcrossPages, EmptyPage, Fault, GarbageXml, HtmlError, Instead,
                          Mark, NoDate, Pace, Redirect, RepeatMarker, ResetBeforeAnswer, ResetMidBody, Shape, ShortPages,
                          Silence, SlowBytes, Status, TruncatedXml, WrongDate)
from .blob_signatures import Asked, Refusal, refusal_of
from .blob_store import Container, Version
from .blob_sweeps import Sweep, Sweeps
from .http_wire import Lost, Request, read_request, reset

__all__ = ["HostileBlobService", "Armed", "Served", "Sweep", "Version", "Fault", "Bom", "DuplicateAcrossPages",
           "EmptyPage", "GarbageXml", "HtmlError", "NoDate", "Redirect", "RepeatMarker", "ResetBeforeAnswer",
           "ResetMidBody", "ShortPages", "Silence", "SlowBytes", "Status", "TruncatedXml", "WrongDate"]


class Served(NamedTuple):
    """A request as the service saw it, put down before its answer goes out. time: of its arrival (time.monotonic());
    target: without signature; outcome: the status, or the name of the fault that spoiled the answer."""
    time: float
    method: str
    target: str
    outcome: int | str


class Armed:
    """A fault that waits for its requests, or a callback that waits for its pages."""

    def __init__(self, fault, matches: Callable, times: int | None, probability: float):
        self.fault, self.matches, self.times, self.probability = fault, matches, times, probability
        self.hits = 0
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()

    @property
    def over(self) -> bool:
        return self.cancelled.is_set() or (self.times is not None and self.hits >= self.times)


class HostileBlobService:
    def __init__(self, accounts: dict[str, str | list[str]], seed: int = 0, host: str = "127.0.0.1", port: int = 0):
        """accounts: name to key, or to several keys, any of which will do; may be changed at any time."""
        self.accounts = accounts
        self.host, self.port = host, port
        self.page_size_limit: int | None = None
        self.date_offset = 0.0
        self.requests: collections.deque[Served] = collections.deque(maxlen=500_000)
        self.errors: list[str] = []
        """Tracebacks of what went wrong in here; stop() raises when there are any."""
        self._now: Callable[[], float] = time.time
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._containers: dict[tuple[str, str], Container] = {}
        self._sweeps: dict[tuple[str, str], Sweeps] = {}
        self._faults: list[Armed] = []
        self._callbacks: list[Armed] = []
        self._thread: threading.Thread | None = None
        self._connections: set[socket.socket] = set()

    # Life

    def __enter__(self) -> "HostileBlobService":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> "HostileBlobService":
        """Listens; after a stop() again on the same port, with the same blobs."""
        self._listener = socket.create_server((self.host, self.port), backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="hostile-blob-service", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and resets all connections."""
        if self._thread:
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()
            self._thread = None
        if self.errors:
            raise RuntimeError("the hostile blob service itself failed:\n" + "\n".join(self.errors))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._accept())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    # Where it is

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def endpoint(self, account: str) -> str:
        return f"{self.origin}/{account}"

    # Containers and blobs

    def create_container(self, account: str, name: str, public: bool = False) -> None:
        with self._lock:
            found = self._containers.get((account, name))
            if found is None:
                found = self._containers[account, name] = Container(name, self.clock)
                self._sweeps[account, name] = Sweeps()
            found.public, found.exists = public, True

    def delete_container(self, account: str, name: str) -> None:
        """Gone with its blobs; its history stays, and goes on should it be created again."""
        self._containers[account, name].vanish()

    def put(self, container: str, name: str, size: int = 8, content_type: str = "text/csv", copy_pending: bool = False,
            account: str | None = None, **properties) -> str:
        """Writes a blob, over an older one too; its ETag. properties: further elements of a row's <Properties>, by
        their names, and metadata={...}."""
        return self._container(container, account).put(name, size, content_type, copy_pending, properties)

    def delete(self, container: str, name: str, account: str | None = None) -> None:
        self._container(container, account).delete(name)

    def versions(self, container: str, account: str | None = None) -> list[Version]:
        """Every version that ever was, oldest first."""
        return self._container(container, account).versions()

    def sweeps(self, container: str, account: str | None = None) -> list[Sweep]:
        """Every listing that began and was allowed, in order of its beginning."""
        return self._sweeps[self._key(container, account)].known()

    def _key(self, container: str, account: str | None) -> tuple[str, str]:
        """Of the named account, else of the first that has such a container."""
        owners = [account] if account else [*self.accounts]
        key = next(((owner, container) for owner in owners if (owner, container) in self._containers), None)
        if key is None:
            raise KeyError(f"there is no container {container}")
        return key

    def _container(self, container: str, account: str | None) -> Container:
        return self._containers[self._key(container, account)]

    # Its clock

    def clock(self) -> float:
        """Seconds since 1970, as Date and Last-Modified show them."""
        return self._now() + self.date_offset

    def set_clock(self, now: Callable[[], float]) -> None:
        self._now = now

    # Faults

    def inject(self, fault: Fault, container: str | None = None, times: int | None = 1, probability: float = 1.0,
               page: int | None = None, account: str | None = None) -> Armed:
        """Arms a fault for the next `times` requests that fit (None: until it is cancelled). page: 1 is the first of a
        listing, the one that is asked for without a marker; pages of a listing that is not known count as none."""
        def matches(of_account: str, of_container: str, of_page: int | None) -> bool:
            return container in (None, of_container) and account in (None, of_account) and page in (None, of_page)
        armed = Armed(fault, matches, times, probability)
        with self._lock:
            self._faults.append(armed)
        return armed

    def clear_faults(self) -> None:
        with self._lock:
            for armed in self._faults:
                armed.cancel()
            self._faults = []

    def on_page(self, container: str, fn: Callable[[str], None], times: int | None = None) -> Armed:
        """Between two pages of a listing of this container fn(name) is called; `name` is the blob with which the next
        page begins. What fn writes before that name this listing does not see; what it writes behind, it does."""
        armed = Armed(fn, lambda name: name == container, times, 1.0)
        with self._lock:
            self._callbacks.append(armed)
        return armed

    def _strike(self, stages: tuple, account: str, container: str, page: int | None) -> dict[type, Armed]:
        """The faults that this request meets, by stage."""
        struck: dict[type, Armed] = {}
        with self._lock:
            for armed in [armed for armed in self._faults if not armed.over]:
                stage = next(stage for stage in STAGES if isinstance(armed.fault, stage))
                if stage not in stages or stage in struck or not armed.matches(account, container, page):
                    continue
                if armed.probability < 1 and self._random.random() >= armed.probability:
                    continue
                armed.hits += 1
                struck[stage] = armed
            self._faults = [armed for armed in self._faults if not armed.over]
        return struck

    # Serving

    async def _accept(self) -> None:
        tasks: set[asyncio.Task] = set()
        try:
            while True:
                connection, _ = await self._loop.sock_accept(self._listener)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = self._loop.create_task(self._serve(connection))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        finally:
            self._listener.close()

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        rest = b""
        try:
            while True:
                request, rest = await read_request(self._loop, connection, rest)
                if request is None or not await self._answer(connection, request):
                    break
            connection.close()
        except (Lost, OSError, asyncio.CancelledError):
            reset(connection)
        except Exception:
            self.errors.append(traceback.format_exc())
            reset(connection)

    async def _answer(self, connection: socket.socket, request: Request) -> bool:
        """True when the connection stays open."""
        await Exchange(self, request).run(connection)
        return request.headers.get("connection", "").lower() != "close"

    async def _call_back(self, container: str, name: str) -> None:
        with self._lock:
            waiting = [armed for armed in self._callbacks if not armed.over and armed.matches(container)]
            for armed in waiting:
                armed.hits += 1
        for armed in waiting:
            await self._loop.run_in_executor(None, armed.fault, name)


class Exchange:
    """One request and what becomes of it."""

    def __init__(self, service: HostileBlobService, request: Request):
        self.service, self.request = service, request
        path, _, query = request.target.partition("?")
        parts = [urllib.parse.unquote(part) for part in path.split("/")[1:]] + ["", ""]
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.asked = Asked(request.method, path, pairs, request.headers, parts[0], parts[1])
        self.place = (self.asked.account, self.asked.container)
        self.container = service._containers.get(self.place)
        self.sweeps = service._sweeps.get(self.place)
        self.arrived = time.monotonic()
        marker = self.asked.parameter("marker")
        self.mark = self.sweeps.find(marker) if self.sweeps and marker else None
        self.page = 1 if not marker else self.mark.page if self.mark else None

    async def run(self, connection: socket.socket) -> None:
        service = self.service
        struck = service._strike((Instead,), *self.place, self.page)
        if struck:
            if isinstance(struck[Instead].fault, Silence | ResetBeforeAnswer):
                self._record(type(struck[Instead].fault).__name__)
                await self._go_silent(connection, struck[Instead])
            answer = self._instead(struck[Instead].fault)
        else:
            answer = self._refused() or await self._listed()
        struck |= service._strike((Mark, Date, Pace), *self.place, self.page)
        answer.finish(self.request, service.clock(), {stage: armed.fault for stage, armed in struck.items()})
        self._record(type(answer.tampered).__name__ if answer.tampered else answer.status)
        try:
            await self._send(connection, answer, struck.get(Pace))
        except BaseException:
            answer.end(whole=False)
            raise

    def _record(self, outcome: int | str) -> None:
        target = without_signature(self.request.target)
        self.service.requests.append(Served(self.arrived, self.request.method, target, outcome))

    async def _go_silent(self, connection: socket.socket, armed: Armed) -> None:
        """Until the client gives up, or the fault is cancelled."""
        if isinstance(armed.fault, Silence):
            gone = self.service._loop.create_task(read_request(self.service._loop, connection, b""))
            while not armed.cancelled.is_set() and not gone.done():
                await asyncio.wait([gone], timeout=0.05)
            gone.cancel()
        raise Lost

    def _instead(self, fault: Fault) -> Answer:
        if isinstance(fault, Status):
            return failure(fault.code, fault.error_code, retry_after=fault.retry_after)
        if isinstance(fault, Redirect):
            return Answer(fault.status, b"", {"Location": fault.to})
        page = f"<html><head><title>{fault.status}</title></head><body><h1>Bad gateway</h1><hr>nginx</body></html>\r\n"
        return Answer(fault.status, page.encode(), {"Content-Type": "text/html"})

    def _refused(self) -> Answer | None:
        """Who may not ask learns nothing, not even whether the container exists."""
        keys = self.service.accounts.get(self.asked.account)
        if keys is None:
            return failure(404, "ResourceNotFound")
        public = bool(self.container and self.container.exists and self.container.public)
        refusal: Refusal | None = refusal_of(self.asked, [keys] if isinstance(keys, str) else list(keys),
                                             self.service.clock(), public)
        if refusal:
            return failure(refusal.status, refusal.code, refusal.message, refusal.detail)
        if not (self.container and self.container.exists):
            return failure(404, "ContainerNotFound")
        if self.asked.method != "GET" or self.asked.parameter("comp") != "list":
            return failure(405, "UnsupportedHttpVerb")
        if self.asked.parameter("marker") and not self._marker_fits():
            return failure(400, "InvalidQueryParameterValue")
        return None

    def _marker_fits(self) -> bool:
        asked = (self.asked.parameter("prefix"), self.asked.parameter("delimiter"))
        return self.mark is not None and (self.mark.sweep.prefix, self.mark.delimiter) == asked

    async def _listed(self) -> Answer:
        if self.mark and self.sweeps.first_use(self.mark):
            await self.service._call_back(self.asked.container, self.mark.begin)
        struck = self.service._strike((Shape, Bytes), *self.place, self.page)
        limit = min(int(self.asked.parameter("maxresults") or 5000), 5000, self.service.page_size_limit or 5000)
        faults = {stage: armed.fault for stage, armed in struck.items()}
        return listing(self.service.endpoint(self.asked.account), self.container, self.sweeps, self.mark, self.asked,
                       limit, faults)

    async def _send(self, connection: socket.socket, answer: Answer, pace: Armed | None) -> None:
        data, loop = memoryview(answer.wire), self.service._loop
        if pace is None:
            await loop.sock_sendall(connection, data[:-1])
        else:
            step = pace.fault.chunk
            for begin in range(0, len(data) - 1, step):
                await loop.sock_sendall(connection, data[begin:min(begin + step, len(data) - 1)])
                await asyncio.sleep(step / pace.fault.bytes_per_second)
        # Whoever has the last byte must find the sweep complete, so it is put down a moment before.
        answer.end(whole=not answer.tampered)
        await loop.sock_sendall(connection, data[-1:])
        if answer.reset_at_end:
            raise Lost


def without_signature(target: str) -> str:
    return re.sub(r"([?&]sig=)[^&]*", r"\1...", target, flags=re.I)
