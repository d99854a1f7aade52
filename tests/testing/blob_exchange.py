"""One request to a hostile blob service and what becomes of it, faults and all."""

from __future__ import annotations

import asyncio
import re
import socket
import time
import urllib.parse
from typing import TYPE_CHECKING, NamedTuple

from .blob_answers import Answer, changes, failure, listing
from .blob_faults import (Armed, Bytes, Date, Fault, Instead, Mark, NoDate, Pace, Redirect, ResetBeforeAnswer, Shape,
                          Silence, Status)
from .blob_signatures import Asked, refusal_of
from .blob_store import ALL
from .http_wire import Lost, Request, read_request

if TYPE_CHECKING:
    from .hostile_blob_service import HostileBlobService


class Served(NamedTuple):
    """A request as the service saw it, put down before its answer goes out. time: of its arrival (time.monotonic());
    target: without signature; outcome: the status, or the name of the fault that spoiled the answer."""
    time: float
    method: str
    target: str
    outcome: int | str


class Exchange:
    """One request and what becomes of it."""

    def __init__(self, service: HostileBlobService, request: Request):
        self.service, self.request = service, request
        path, _, query = request.target.partition("?")
        parts = [urllib.parse.unquote(part) for part in path.split("/")[1:]] + ["", ""]
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.asked = Asked(request.method, path, pairs, request.headers, parts[0], parts[1])
        self.place = (self.asked.account, self.asked.container)
        self.container = service.containers.get(self.place)
        self.sweeps = service.listings.get(self.place)
        self.arrived = time.monotonic()
        marker = self.asked.parameter("marker")
        self.mark = self.sweeps.find(marker) if self.sweeps and marker else None
        self.page = 1 if not marker else self.mark.page if self.mark else None

    async def run(self, connection: socket.socket) -> None:
        service = self.service
        struck = service.strike((Instead,), *self.place, self.page)
        if struck:
            if isinstance(struck[Instead].fault, Silence | ResetBeforeAnswer):
                self._record(type(struck[Instead].fault).__name__, usable=False)
                await self._go_silent(connection, struck[Instead])
            answer = self._instead(struck[Instead].fault)
        else:
            answer = self._refused() or await self._listed()
        struck |= service.strike((Mark, Date, Pace), *self.place, self.page)
        answer.finish(self.request, service.clock(), {stage: armed.fault for stage, armed in struck.items()})
        no_date = Date in struck and isinstance(struck[Date].fault, NoDate)
        # HTML may come with a 200, too, and a client cannot place a page without a Date.
        usable = answer.sweep_part and not answer.tampered and not no_date
        self._record(type(answer.tampered).__name__ if answer.tampered else answer.status, bool(usable))
        try:
            await self._send(connection, answer, struck.get(Pace))
        except BaseException:
            answer.end(whole=False)
            raise

    def _record(self, outcome: int | str, usable: bool) -> None:
        target = without_signature(self.request.target)
        self.service.requests.append(Served(self.arrived, self.request.method, target, outcome))
        if self.sweeps and not usable:
            self.sweeps.failed(self.arrived)

    async def _go_silent(self, connection: socket.socket, armed: Armed) -> None:
        """Until the client gives up, or the fault is cancelled."""
        if isinstance(armed.fault, Silence):
            gone = self.service.loop.create_task(read_request(self.service.loop, connection, b""))
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
        return self.mark is not None and (self.mark.sweep.prefix, self.mark.sweep.delimiter) == asked

    async def _listed(self) -> Answer:
        if self.mark and self.sweeps.first_use(self.mark):
            await self.service.call_back(self.asked.container, self.mark.begin)
        prefix, delimiter = self.asked.parameter("prefix"), self.asked.parameter("delimiter")
        sweep = self.mark.sweep if self.mark else self.sweeps.begin(prefix, delimiter)
        limit = min(int(self.asked.parameter("maxresults") or 5000), 5000, self.service.page_size_limit or 5000)
        include = frozenset(self.asked.parameter("include").split(",")) & ALL
        page = self.container.page(prefix, delimiter, self.mark.begin if self.mark else prefix, limit, include)
        struck = self.service.strike((Shape, Bytes), *self.place, self.page, lambda fault: changes(fault, page, self.mark))
        faults = {stage: armed.fault for stage, armed in struck.items()}
        return listing(self.service.endpoint(self.asked.account), self.sweeps, sweep, self.mark, self.asked, page, faults)

    async def _send(self, connection: socket.socket, answer: Answer, pace: Armed | None) -> None:
        data, loop = memoryview(answer.wire), self.service.loop
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
