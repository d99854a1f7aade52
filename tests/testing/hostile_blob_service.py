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
import socket
import threading
import time
import traceback
from typing import Callable

from .blob_exchange import Exchange, Served
from .blob_faults import (STAGES, Armed, Bom, DuplicateAcrossPages, EmptyPage, Fault, GarbageXml, HtmlError, NoDate,
                          Redirect, RepeatMarker, ResetBeforeAnswer, ResetMidBody, ShortPages, Silence, SlowBytes,
                          Status, TruncatedXml, WrongDate)
from .blob_store import Container, Version
from .blob_sweeps import Sweep, Sweeps
from .http_wire import Lost, read_request, reset

__all__ = ["HostileBlobService", "Armed", "Served", "Sweep", "Version", "Fault", "Bom", "DuplicateAcrossPages",
           "EmptyPage", "GarbageXml", "HtmlError", "NoDate", "Redirect", "RepeatMarker", "ResetBeforeAnswer",
           "ResetMidBody", "ShortPages", "Silence", "SlowBytes", "Status", "TruncatedXml", "WrongDate"]


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
        self.containers: dict[tuple[str, str], Container] = {}
        self.listings: dict[tuple[str, str], Sweeps] = {}
        self._faults: list[Armed] = []
        self._callbacks: list[Armed] = []
        self._thread: threading.Thread | None = None

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
        self.loop = asyncio.new_event_loop()
        self._main = self.loop.create_task(self._accept())
        self._thread = threading.Thread(target=self._run, name="hostile-blob-service", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and resets all connections."""
        if self._thread:
            self.loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()
            self._thread = None
        if self.errors:
            raise RuntimeError("the hostile blob service itself failed:\n" + "\n".join(self.errors))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    # Where it is

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def endpoint(self, account: str) -> str:
        return f"{self.origin}/{account}"

    # Containers and blobs

    def create_container(self, account: str, name: str, public: bool = False) -> None:
        with self._lock:
            found = self.containers.get((account, name))
            if found is None:
                found = self.containers[account, name] = Container(name, self.clock)
                self.listings[account, name] = Sweeps()
            found.public, found.exists = public, True

    def delete_container(self, account: str, name: str) -> None:
        """Gone with its blobs; its history stays, and goes on should it be created again."""
        self.containers[account, name].vanish()

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
        return self.listings[self._key(container, account)].known()

    def failures(self, container: str, account: str | None = None) -> list[float]:
        """When the requests came (time.monotonic()) that were answered with nothing, or with no page to be used."""
        return self.listings[self._key(container, account)].failures()

    def _key(self, container: str, account: str | None) -> tuple[str, str]:
        """Of the named account, else of the first that has such a container."""
        owners = [account] if account else [*self.accounts]
        key = next(((owner, container) for owner in owners if (owner, container) in self.containers), None)
        if key is None:
            raise KeyError(f"there is no container {container}")
        return key

    def _container(self, container: str, account: str | None) -> Container:
        return self.containers[self._key(container, account)]

    # Its clock

    def clock(self) -> float:
        """Seconds since 1970, as Date and Last-Modified show them."""
        return self._now() + self.date_offset

    def set_clock(self, now: Callable[[], float]) -> None:
        self._now = now

    # Faults

    def inject(self, fault: Fault, container: str | None = None, times: int | None = 1, probability: float = 1.0,
               page: int | None = None, account: str | None = None) -> Armed:
        """Arms a fault for the next `times` requests that fit, and that it makes a difference to (None: until it is
        cancelled): no page of one row has rows to repeat. page: 1 is the first of a
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

    def strike(self, stages: tuple, account: str, container: str, page: int | None,
               changes: Callable[[Fault], bool] = lambda _: True) -> dict[type, Armed]:
        """The faults that this request meets, by stage; changes: whether one makes a difference to it."""
        struck: dict[type, Armed] = {}
        with self._lock:
            for armed in [armed for armed in self._faults if not armed.over]:
                stage = next(stage for stage in STAGES if isinstance(armed.fault, stage))
                if stage not in stages or stage in struck or not armed.matches(account, container, page):
                    continue
                if not changes(armed.fault):
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
                connection, _ = await self.loop.sock_accept(self._listener)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = self.loop.create_task(self._serve(connection))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        finally:
            self._listener.close()

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        rest = b""
        try:
            while True:
                request, rest = await read_request(self.loop, connection, rest)
                if request is None:
                    break
                await Exchange(self, request).run(connection)
                if request.headers.get("connection", "").lower() == "close":
                    break
            connection.close()
        except (Lost, OSError, asyncio.CancelledError):
            reset(connection)
        except Exception:
            self.errors.append(traceback.format_exc())
            reset(connection)

    async def call_back(self, container: str, name: str) -> None:
        with self._lock:
            waiting = [armed for armed in self._callbacks if not armed.over and armed.matches(container)]
            for armed in waiting:
                armed.hits += 1
        for armed in waiting:
            await self.loop.run_in_executor(None, armed.fault, name)
