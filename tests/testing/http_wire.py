"""The least of HTTP/1.1 that a misbehaving server needs: whole requests from a socket, and a connection's hard end."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct

MAX_HEAD = 256 * 1024


class Lost(Exception):
    """The connection ends here and now, by a reset."""


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""


async def read_request(loop: asyncio.AbstractEventLoop, connection: socket.socket,
                       rest: bytes) -> tuple[Request | None, bytes]:
    """The next request and what came behind it; None when the client is done."""
    data = rest
    while (end := data.find(b"\r\n\r\n")) < 0:
        piece = await loop.sock_recv(connection, 65536)
        if not piece or len(data) > MAX_HEAD:
            return None, b""
        data += piece
    lines = data[:end].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    end += 4 + int(headers.get("content-length", 0))
    while len(data) < end:
        piece = await loop.sock_recv(connection, 65536)
        if not piece:
            return None, b""
        data += piece
    return Request(method, target, headers), data[end:]


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST instead of FIN, whatever has been sent."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    connection.close()
