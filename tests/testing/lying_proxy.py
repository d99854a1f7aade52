"""The process behind LyingApiServer: a TLS proxy between an operator and a real API server, with faults on request.

HTTP/1.1 on both sides. A request is read in whole, forwarded over a pooled connection, and its answer read in whole
before any of it is passed on; only watches are streamed, line by line. Nothing is parsed but the heads. Told what to
do by JSON lines over a Unix socket, one answer for each.
"""

from __future__ import annotations

import asyncio
import collections
import json
import random
import signal as signals
import socket
import ssl
import sys
import time
import traceback

from .lying_faults import GROUPS, Fault, choose
from .lying_wire import Client, Lost, Request, chunk, forged, gone_event, read_body, read_head
from .processes import Process

LIMIT = 4 << 20
ANYTHING = {"method": None, "path": None, "content_type": None, "watch": None, "skip": 0}
IDLE_LIMIT = 20  # seconds after which a pooled connection is not trusted any more


class Watch:
    """An open stream to a client."""

    def __init__(self, request: Request, client: Client):
        self.request, self.client = request, client
        self.ended = False


class Proxy:
    def __init__(self, settings: dict):
        self.settings = settings
        self.chance = random.Random(settings["seed"])
        self.faults: dict[int, Fault] = {}
        self.sort_armed()
        self.rows: collections.deque[list] = collections.deque(maxlen=1_000_000)
        self.clients: set[Client] = set()
        self.watches: set[Watch] = set()
        self.pool: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.running = asyncio.Event()
        self.running.set()
        self.hang_now: Fault | None = None
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
        live = [fault for fault in self.faults.values()
                if not fault.cancelled and (fault.times is None or fault.hits < fault.times)]
        self.armed_events = [fault for fault in live if fault.kind.startswith("event_")]
        self.armed = [[fault for fault in live if fault.kind in group] for group in GROUPS]

    def hits(self, number: int) -> int:
        return self.faults[number].hits

    def cancel(self, number: int) -> None:
        self.faults[number].cancel()
        self.sort_armed()

    def clear_faults(self) -> None:
        for fault in self.faults.values():
            fault.cancel()
        self.sort_armed()

    def cut_watches(self) -> int:
        cut = [watch for watch in self.watches if not watch.ended]
        for watch in cut:
            watch.client.reset()
        return len(cut)

    async def end_watches_with_gone(self) -> int:
        ended = [watch for watch in self.watches if not watch.ended and not watch.client.gone()]
        for watch in ended:
            watch.ended = True  # nothing more of the real stream
            watch.client.writer.write(chunk(gone_event()) + b"0\r\n\r\n")
            watch.client.writer.close()
        return len(ended)

    def go_away(self) -> int:
        if self.listener:
            self.listener.close()
            self.listener = None
        broken_off = sum(client.busy and not client.gone() for client in self.clients)
        for client in list(self.clients):
            client.reset()
        return broken_off

    async def come_back(self) -> None:
        if self.listener is None:
            self.listener = await asyncio.start_server(self.serve, "127.0.0.1", self.settings["port"], limit=LIMIT,
                                                       ssl=self.to_clients, backlog=1024, reuse_address=True)

    def hang(self) -> int:
        self.running.clear()
        number = self.arm("hang", ANYTHING, None, 1, {})
        self.hang_now = self.faults[number]
        return number

    async def hang_over(self) -> None:
        if not self.running.is_set():
            self.hang_now.hits += 1
            await self.running.wait()

    def unhang(self) -> None:
        self.running.set()

    def requests(self, since: float) -> list[list]:
        return [row for row in self.rows if row[0] >= since]

    # One connection, one request

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader, writer)
        self.clients.add(client)
        try:
            # Its handshake may have ended after everybody else was sent away.
            while self.listener and (request := await client.read_request()):
                self.rows.append(request.row)
                client.busy = True
                try:
                    await self.answer_request(request, client)
                finally:
                    client.busy = False
                    self.settle(request)
                if request.close or client.gone():
                    break
            client.writer.close()
        except (Lost, OSError, asyncio.IncompleteReadError):
            client.reset()
        except Exception:
            traceback.print_exc()
            client.reset()
        finally:
            self.clients.discard(client)

    async def answer_request(self, request: Request, client: Client) -> None:
        if not self.running.is_set():
            await self.hang_over()
            if client.gone():
                self.mark(request, "gone")
                raise Lost
        for group in self.armed:
            if group and (fault := choose(group, request, self.chance)):
                request.faults[fault.kind] = fault
        if request.faults and await self.before(request, client):
            return
        await self.forward(request, client)

    async def before(self, request: Request, client: Client) -> bool:
        """What happens to a request on its way; True when it was answered here."""
        self.send_signal(request, "signal_before")
        if fault := self.effect(request, "delay"):
            await fault.pause()
            if client.gone() and not fault.parameters["even_if_gone"]:
                self.mark(request, "gone")
                raise Lost
        if self.effect(request, "drop_request"):
            raise Lost
        if fault := self.effect(request, "answer"):
            await self.pass_on(request, client, fault.parameters["status"], forged(**fault.parameters))
            return True
        return False

    async def after(self, request: Request) -> None:
        """What happens to an answer that is here in whole."""
        self.send_signal(request, "signal_after")
        if self.effect(request, "lose_answer"):
            raise Lost
        if fault := self.effect(request, "delay_answer"):
            await fault.pause()

    def effect(self, request: Request, kind: str) -> Fault | None:
        fault = request.faults.pop(kind, None)
        if fault is None or fault.cancelled:
            return None
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

    async def pass_on(self, request: Request, client: Client, status: int, answer: bytes) -> None:
        await self.hang_over()
        request.row[3] = status
        await client.write(answer)

    # The real server

    async def forward(self, request: Request, client: Client) -> None:
        upstream_reader, upstream = await self.connected(request)
        pooled = False
        try:
            upstream.write(request.head + (chunk(request.body) + b"0\r\n\r\n" if request.chunked else request.body))
            status, head, headers = await read_head(upstream_reader)
            if request.watch and status == 200:
                if request.faults:
                    await self.after(request)
                await self.stream(request, head, upstream_reader, client)
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
        await self.pass_on(request, client, status, head + body)

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

    async def stream(self, request: Request, head: bytes, reader: asyncio.StreamReader, client: Client) -> None:
        await self.pass_on(request, client, 200, head)
        watch = Watch(request, client)
        self.watches.add(watch)
        # Nothing more is read from the client, so its end shows only here.
        ended = asyncio.ensure_future(client.writer.wait_closed())
        pump = asyncio.ensure_future(self.pump(watch, reader))
        try:
            await asyncio.wait([ended, pump], return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                try:
                    pump.result()
                except (OSError, asyncio.IncompleteReadError):
                    self.mark(request, "server gone")
                    raise Lost from None
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
        await self.hang_over()
        if not watch.ended:
            await watch.client.write(b"0\r\n\r\n")

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
            await fault.pause()
        await self.pass_line(watch, line + (line if fault.kind == "event_duplicate" else b""))

    async def pass_line(self, watch: Watch, line: bytes) -> None:
        await self.hang_over()
        if not watch.ended:
            await watch.client.write(chunk(line))


if __name__ == "__main__":
    async def main() -> None:
        await Proxy(json.loads(sys.argv[1])).run()
    asyncio.run(main())
