"""The HTTP/1.1 of a lying API server, over asyncio's streams: heads, bodies, chunks, and what the real one would say."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time

NOT_FORWARDED = (b"authorization:", b"connection:", b"expect:", b"keep-alive:", b"proxy-connection:")
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
           422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


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
        self.faults: dict = {}
        """Those that it meets, by kind."""
        self.row = [time.monotonic(), self.method, self.path, 0, self.watch, ""]


class Lost(Exception):
    """The client's connection ends here, by a reset."""


class Client:
    """A connection from an operator."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer
        self.busy = False
        """With a request that was read and not answered yet."""
        self.socket = writer.get_extra_info("socket")  # later asyncio may not know it any more
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read_request(self) -> Request | None:
        """A request with its body; None when the client is done."""
        try:
            request = Request(await self.reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            return None
        if request.expects:
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.chunked:
            request.body = await read_chunks(self.reader)
        elif request.length:
            request.body = await self.reader.readexactly(request.length)
        return request

    async def write(self, data: bytes) -> None:
        if self.writer.is_closing():
            raise Lost
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            raise Lost from None

    def gone(self) -> bool:
        return self.writer.is_closing() or self.reader.at_eof() or self.reader.exception() is not None

    def reset(self) -> None:
        """Ends the connection with RST, whatever has been sent."""
        if self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


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


def gone_event() -> bytes:
    """The last line of a watch that has fallen too far behind."""
    gone = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired",
            "message": "too old resource version", "code": 410}
    return json.dumps({"type": "ERROR", "object": gone}, separators=(",", ":")).encode() + b"\n"
