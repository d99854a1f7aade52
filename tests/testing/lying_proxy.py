"""The process behind LyingApiServer: a TLS proxy between an operator and a real API server, with faults on request.

HTTP/1.1 on both sides. A request is read in whole, forwarded over a pooled connection, and its answer read in whole
before any of it is passed on; only watches are streamed, line by line. Nothing is parsed but the heads, and the events
of a watch when a fault waits for them. Told what to do by JSON lines over a Unix socket, one answer for each.
"""

from __future__ import annotations

import asyncio
import collections
import json
import random
import re
import signal as signals
import socket
import ssl
import struct
import sys
import time
import traceback

from .processes import Process

LIMIT = 4 << 20
IDLE_LIMIT = 20  # seconds after which a pooled connection is not trusted any more
NOT_FORWARDED = (b"authorization:", b"connection:", b"expect:", b"keep-alive:", b"proxy-connection:")
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
           422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
# Of each of these groups at most one fault meets a request, the one that was armed first.
GROUPS = [("signal_before",), ("delay",), ("drop_request", "answer"), ("delay_answer",), ("signal_after", "lose_answer")]


class Lost(Exception):
    """The client's connection ends here, by a reset."""


class Fault:
    def __init__(self, kind: str, match: dict, times: int | None, probability: float, parameters: dict):
        self.kind, self.times, self.probability = kind, times, probability
        self.parameters = parameters
        self.method, self.path, self.content_type = (
            re.compile(match[name]) if match[name] is not None else None for name in ("method", "path", "content_type"))
        self.watch, self.skip = match["watch"], match["skip"]
        self.taken = self.hits = 0

    def fits(self, request: "Request") -> bool:
        return ((self.watch is None or self.watch == request.watch)
                and (self.method is None or self.method.fullmatch(request.method) is not None)
                and (self.path is None or self.path.search(request.path) is not None)
                and (self.content_type is None or self.content_type.search(request.content_type) is not None))

    def is_due(self, request: "Request", chance: random.Random) -> bool:
        """Whether it is this one's turn. To be asked once for each request, whoever else is due."""
        if (self.times is not None and self.taken >= self.times) or not self.fits(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return self.probability >= 1 or chance.random() < self.probability


def choose(faults: list[Fault], request: "Request", chance: random.Random) -> Fault | None:
    """The first that is due. It is taken, and counts as a hit only once it had its effect."""
    due = [fault for fault in faults if fault.is_due(request, chance)]
    if not due:
        return None
    due[0].taken += 1
    return due[0]


class Request:
    def __init__(self, head: bytes):
        first, *lines = head[:-4].split(b"\r\n")
        method, target, _ = first.split(b" ", 2)
        self.method, self.path = method.decode(), target.decode("latin-1")
        self.watch = method == b"GET" and re.search(r"[?&]watch=(1|t|true)\b", self.path) is not None
        self.length, self.content_type = 0, ""
        self.chunked = self.close = self.expects = False
        kept = [first]
        for line in lines:
            lower = line.lower()
            if lower.startswith(b"content-length:"):
                self.length = int(line[15:])
            elif lower.startswith(b"content-type:"):
                self.content_type = line[13:].strip().decode("latin-1")
            elif lower.startswith(b"transfer-encoding:"):
                self.chunked = b"chunked" in lower
            elif lower.startswith(b"connection:"):
                self.close = b"close" in lower
            elif lower.startswith(b"expect:"):
                self.expects = True
            if not lower.startswith(NOT_FORWARDED) and not (self.watch and lower.startswith(b"accept-encoding:")):
                kept.append(line)
        self.head = b"\r\n".join(kept) + b"\r\n\r\n"
        self.body = b""
        self.faults: dict[str, Fault] = {}
        self.row = [time.monotonic(), self.method, self.path, 0, self.watch, ""]


class Watch:
    """An open stream to a client."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter):
        self.request, self.writer = request, writer
        self.gone = False


class Proxy:
    def __init__(self, settings: dict):
        self.settings = settings
        self.chance = random.Random(settings["seed"])
        self.faults: dict[int, Fault] = {}
        self.rows: collections.deque[list] = collections.deque(maxlen=1_000_000)
        self.clients: set[asyncio.StreamWriter] = set()
        self.watches: set[Watch] = set()
        self.pool: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.running = asyncio.Event()
        self.running.set()
        self.listener: asyncio.Server | None = None
        self.to_clients = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.to_clients.load_cert_chain(settings["certificate"], settings["key"])
        self.to_server = ssl.create_default_context(cafile=settings["authority"])
        self.to_server.load_cert_chain(settings["client_certificate"], settings["client_key"])
        for context in (self.to_clients, self.to_server):
            context.set_alpn_protocols(["http/1.1"])

    async def run(self) -> None:
        await self.come_back()
        control = await asyncio.start_unix_server(self.obey, self.settings["control"])
        await control.serve_forever()

    # Control

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = json.loads(line)
            try:
                result = getattr(self, command.pop("do"))(**command)
                answer = {"result": await result if asyncio.iscoroutine(result) else result}
            except Exception:
                answer = {"error": traceback.format_exc()}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    def arm(self, kind: str, match: dict, times: int | None, probability: float, parameters: dict) -> int:
        number = len(self.faults) + 1
        self.faults[number] = Fault(kind, match, times, probability, parameters)
        self.sort_armed()
        return number

    def sort_armed(self) -> None:
        live = [fault for fault in self.faults.values() if fault.times is None or fault.hits < fault.times]
        self.armed_events = [fault for fault in live if fault.kind.startswith("event_")]
        self.armed = [[fault for fault in live if fault.kind in group] for group in GROUPS]

    def hits(self, number: int) -> int:
        return self.faults[number].hits

    def cancel(self, number: int) -> None:
        self.faults[number].times = 0
        self.sort_armed()

    def clear_faults(self) -> None:
        for fault in self.faults.values():
            fault.times = 0
        self.sort_armed()

    armed: list[list[Fault]] = [[] for _ in GROUPS]
    armed_events: list[Fault] = []

    def cut_watches(self) -> int:
        cut = [watch for watch in self.watches if not watch.gone]
        for watch in cut:
            reset(watch.writer)
        return len(cut)

    async def end_watches_with_gone(self) -> int:
        gone = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired",
                "code": 410, "message": "too old resource version"}
        line = json.dumps({"type": "ERROR", "object": gone}, separators=(",", ":")).encode() + b"\n"
        ended = [watch for watch in self.watches if not watch.gone]
        for watch in ended:
            watch.gone = True  # nothing more of the real stream
            watch.writer.write(chunk(line) + b"0\r\n\r\n")
            watch.writer.close()
        return len(ended)

    def go_away(self) -> None:
        if self.listener:
            self.listener.close()
            self.listener = None
        for writer in list(self.clients):
            reset(writer)

    async def come_back(self) -> None:
        if self.listener is None:
            self.listener = await asyncio.start_server(self.serve, "127.0.0.1", self.settings["port"], limit=LIMIT,
                                                       ssl=self.to_clients, backlog=1024, reuse_address=True)

    def hang(self) -> None:
        self.running.clear()

    def unhang(self) -> None:
        self.running.set()

    def requests(self, since: float) -> list[list]:
        return [row for row in self.rows if row[0] >= since]

    # One connection, one request

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.listener is None:  # its handshake ended after everybody else was sent away
            reset(writer)
            return
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients.add(writer)
        try:
            while request := await self.read_request(reader, writer):
                self.rows.append(request.row)
                try:
                    await self.answer_request(request, reader, writer)
                finally:
                    self.settle(request)
                if request.close or writer.is_closing():
                    break
            writer.close()
        except (Lost, OSError, asyncio.IncompleteReadError, ssl.SSLError):
            reset(writer)
        except Exception:
            traceback.print_exc()
            reset(writer)
        finally:
            self.clients.discard(writer)

    async def read_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
        try:
            request = Request(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            return None
        if request.expects:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.chunked:
            request.body = await read_chunks(reader)
        elif request.length:
            request.body = await reader.readexactly(request.length)
        return request

    async def answer_request(self, request: Request, reader: asyncio.StreamReader,
                             writer: asyncio.StreamWriter) -> None:
        def gone() -> bool:
            return writer.is_closing() or reader.at_eof() or reader.exception() is not None
        if not self.running.is_set():
            await self.running.wait()
            if gone():
                self.mark(request, "gone")
                raise Lost
        for group in self.armed:
            if group and (fault := choose(group, request, self.chance)):
                request.faults[fault.kind] = fault
        if request.faults and await self.before(request, writer, gone):
            return
        await self.forward(request, writer)

    async def before(self, request: Request, writer: asyncio.StreamWriter, gone) -> bool:
        """What happens to a request on its way; True when it was answered here."""
        self.send_signal(request, "signal_before")
        if fault := self.effect(request, "delay"):
            await asyncio.sleep(fault.parameters["seconds"])
            if gone() and not fault.parameters["even_if_gone"]:
                raise Lost
        if self.effect(request, "drop_request"):
            raise Lost
        if fault := self.effect(request, "answer"):
            await self.pass_on(request, writer, fault.parameters["status"], forged(**fault.parameters))
            return True
        return False

    async def after(self, request: Request) -> None:
        """What happens to an answer that is here in whole."""
        self.send_signal(request, "signal_after")
        if self.effect(request, "lose_answer"):
            raise Lost
        if fault := self.effect(request, "delay_answer"):
            await asyncio.sleep(fault.parameters["seconds"])

    def effect(self, request: Request, kind: str) -> Fault | None:
        fault = request.faults.pop(kind, None)
        if fault:
            fault.hits += 1
            self.mark(request, kind)
            if fault.hits == fault.times:
                self.sort_armed()
        return fault

    @staticmethod
    def mark(request: Request, what: str) -> None:
        request.row[5] = f"{request.row[5]} {what}".strip()

    @staticmethod
    def settle(request: Request) -> None:
        """Faults that had no effect, since an earlier one ended it, wait for the next request."""
        for fault in request.faults.values():
            fault.taken -= 1

    def send_signal(self, request: Request, kind: str) -> None:
        if fault := self.effect(request, kind):
            number = fault.parameters["signal"]
            Process(*fault.parameters["process"]).signal(number)
            if number == signals.SIGKILL:
                raise Lost

    async def pass_on(self, request: Request, writer: asyncio.StreamWriter, status: int, answer: bytes) -> None:
        if not self.running.is_set():
            await self.running.wait()
        request.row[3] = status
        writer.write(answer)
        await writer.drain()

    # The real server

    async def forward(self, request: Request, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await self.connected(request)
        pooled = False
        try:
            upstream.write(request.head + (chunk(request.body) + b"0\r\n\r\n" if request.chunked else request.body))
            status, head, headers = await read_head(upstream_reader)
            if request.watch and status == 200:
                if request.faults:
                    await self.after(request)
                await self.stream(request, head, upstream_reader, writer)
                return
            body, pooled = await read_body(upstream_reader, request.method, status, headers)
        except (OSError, asyncio.IncompleteReadError):
            self.mark(request, "server gone")
            raise Lost from None
        finally:
            if pooled:
                self.pool.append((time.monotonic(), upstream_reader, upstream))
            else:
                upstream.transport.abort()
        if request.faults:
            await self.after(request)
        await self.pass_on(request, writer, status, head + body)

    async def connected(self, request: Request) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self.pool and not request.watch:
            used, reader, writer = self.pool.pop()
            if time.monotonic() - used < IDLE_LIMIT and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        try:
            reader, writer = await asyncio.open_connection(*self.settings["server"], ssl=self.to_server, limit=LIMIT)
        except OSError:
            self.mark(request, "server away")
            raise Lost from None
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return reader, writer

    # Watches

    async def stream(self, request: Request, head: bytes, reader: asyncio.StreamReader,
                     writer: asyncio.StreamWriter) -> None:
        await self.pass_on(request, writer, 200, head)
        watch = Watch(request, writer)
        self.watches.add(watch)
        # Nothing more is read from the client, so its end shows only here.
        ended = asyncio.ensure_future(writer.wait_closed())
        pump = asyncio.ensure_future(self.pump(watch, reader))
        try:
            await asyncio.wait([ended, pump], return_when=asyncio.FIRST_COMPLETED)
            if pump.done() and pump.exception():
                raise Lost
        finally:
            self.watches.discard(watch)
            for task in (ended, pump):
                task.cancel()
            await asyncio.gather(ended, pump, return_exceptions=True)

    async def pump(self, watch: Watch, reader: asyncio.StreamReader) -> None:
        rest = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            data = rest + (await reader.readexactly(size + 2))[:-2]
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                await self.pass_events(watch, data[:end])
        if not self.running.is_set():
            await self.running.wait()
        if not watch.gone:
            watch.writer.write(b"0\r\n\r\n")
            await watch.writer.drain()

    async def pass_events(self, watch: Watch, lines: bytes) -> None:
        if self.armed_events:
            for line in lines.splitlines(keepends=True):
                await self.pass_event(watch, line)
        else:
            await self.pass_line(watch, lines)

    async def pass_event(self, watch: Watch, line: bytes) -> None:
        # Bookmarks carry no news; the type comes first in an event.
        bookmark = b'"BOOKMARK"' in line[:40]
        fault = None if bookmark else choose(self.armed_events, watch.request, self.chance)
        if fault is None:
            await self.pass_line(watch, line)
            return
        fault.hits += 1
        if fault.hits == fault.times:
            self.sort_armed()
        if fault.kind == "event_drop":
            return
        if fault.kind == "event_delay":
            await asyncio.sleep(fault.parameters["seconds"])
        await self.pass_line(watch, line + (line if fault.kind == "event_duplicate" else b""))

    async def pass_line(self, watch: Watch, line: bytes) -> None:
        if not self.running.is_set():
            await self.running.wait()
        if not watch.gone:
            watch.writer.write(chunk(line))
            await watch.writer.drain()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    """The content of a chunked body."""
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


async def read_head(reader: asyncio.StreamReader) -> tuple[int, bytes, dict[bytes, bytes]]:
    status = 100
    while status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
    headers = {name.lower(): value.strip().lower()
               for name, _, value in (line.partition(b":") for line in head[:-4].split(b"\r\n")[1:])}
    return status, head, headers


async def read_body(reader: asyncio.StreamReader, method: str, status: int,
                    headers: dict[bytes, bytes]) -> tuple[bytes, bool]:
    """The body as it came over the wire, and whether the connection can be used again."""
    reusable = headers.get(b"connection") != b"close"
    if method == "HEAD" or status in (204, 304):
        return b"", reusable
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        return chunk(await read_chunks(reader)) + b"0\r\n\r\n", reusable
    if b"content-length" in headers:
        return await reader.readexactly(int(headers[b"content-length"])), reusable
    return await reader.read(), False


def forged(status: int, reason: str, message: str, retry_after: int | None) -> bytes:
    """A Status as the API server writes it."""
    reason = reason or REASONS.get(status, "")
    thing: dict = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                   "message": message or f"the server says {status} {reason}", "reason": reason, "code": status}
    wish = b""
    if retry_after is not None:
        thing["details"] = {"retryAfterSeconds": retry_after}
        wish = b"Retry-After: %d\r\n" % retry_after
    body = json.dumps(thing).encode()
    return (b"HTTP/1.1 %d Status\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, wish, len(body), body))


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST, whatever has been sent."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


if __name__ == "__main__":
    async def main() -> None:
        await Proxy(json.loads(sys.argv[1])).run()
    asyncio.run(main())
