"""The containers of a fake blob service: current blobs in name order, rendered as List Blobs shows them, and the history
of every version that ever was visible, which is the truth that a judge compares with.

Safe to use from any thread. A version counts as born after it can be listed and as gone before it cannot, so whoever
lists between the two moments has seen it.
"""

from __future__ import annotations

import bisect
import dataclasses
import email.utils
import functools
import itertools
import re
import threading
import time
import urllib.parse
from typing import Callable
from xml.sax.saxutils import escape

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ETAGS = itertools.count(time.time_ns() // 100)
ALL = frozenset({"copy", "metadata"})
"""What of a listing's `include` changes a row."""


@dataclasses.dataclass
class Version:
    """One state of a blob. born, gone: time.monotonic(); gone is None while it is the current one."""
    name: str
    etag: str
    last_modified: int
    """Seconds since 1970 by the service's clock."""
    size: int
    born: float = 0.0
    gone: float | None = None


@dataclasses.dataclass
class Page:
    """Rows of a listing. `next` is where the next page begins (a name, inclusive); None after the last row."""
    rows: list[bytes]
    next: str | None
    begins: list[str]
    """The name from which each row on is listed: where a page that begins with this row begins."""


@functools.lru_cache(maxsize=64)
def http_date(second: int) -> str:
    return email.utils.formatdate(second, usegmt=True)


def behind(prefix: str) -> str:
    """The first name, in order, behind all that begin with `prefix`."""
    kept = prefix.rstrip("\U0010ffff")
    following = chr(ord(kept[-1]) + 1) if kept else "\U0010ffff"
    return kept[:-1] + ("\ue000" if following == "\ud800" else following)


def text_of(value: str) -> str:
    return escape(value).replace("\r", "&#xD;")


def name_element(name: str) -> str:
    if NOT_XML.search(name):
        return f'<Name Encoded="true">{urllib.parse.quote(name, safe="/")}</Name>'
    return f"<Name>{text_of(name)}</Name>"


def elements(properties: dict) -> str:
    return "".join(f"<{name}>{text_of(str(value))}</{name}>" if value != "" else f"<{name} />"
                   for name, value in properties.items())


class Blob:
    """A current version and its row, rendered beforehand as it looks to whoever includes everything."""

    def __init__(self, version: Version, created: int, content_type: str, copy_pending: bool, properties: dict):
        self.version, self.created = version, created
        self.metadata = properties.pop("metadata", {})
        self.content_type, self.copy_pending, self.properties = content_type, copy_pending, properties
        self.full = self._render(ALL).encode()

    def row(self, include: frozenset) -> bytes:
        return self.full if include == ALL else self._render(include).encode()

    def _render(self, include: frozenset) -> str:
        shown = {
            "Creation-Time": http_date(self.created), "Last-Modified": http_date(self.version.last_modified),
            "Etag": self.version.etag, "Content-Length": self.version.size, "Content-Type": self.content_type,
            "Content-Encoding": "", "Content-Language": "", "Content-CRC64": "", "Content-MD5": "", "Cache-Control": "",
            "Content-Disposition": "", "BlobType": "BlockBlob", "AccessTier": "Hot", "AccessTierInferred": "true",
            "LeaseStatus": "unlocked", "LeaseState": "available", "ServerEncrypted": "true", **self.properties}
        if "copy" in include and self.copy_pending:
            shown |= {"CopyId": "b8a4b9f0-0f4b-4c1a-9d3c-3f8a2a0d6d11", "CopyStatus": "pending",
                      "CopySource": "https://elsewhere.blob.core.windows.net/c/b",
                      "CopyProgress": f"0/{self.version.size}"}
        metadata = f"<Metadata>{elements(self.metadata)}</Metadata>" if "metadata" in include and self.metadata else ""
        return (f"<Blob>{name_element(self.version.name)}<Properties>{elements(shown)}</Properties>{metadata}"
                "<OrMetadata /></Blob>")


class Container:
    def __init__(self, name: str, clock: Callable[[], float]):
        self.name, self.clock = name, clock
        self.public, self.exists = False, True
        self.lock = threading.Lock()
        self.names: list[str] = []
        self.blobs: dict[str, Blob] = {}
        self.history: list[Version] = []

    # Writing

    def put(self, name: str, size: int, content_type: str, copy_pending: bool, properties: dict) -> str:
        with self.lock:
            if not self.exists:
                raise KeyError(f"the container {self.name} does not exist")
            etag, modified = f"0x8D{next(ETAGS) & 0xFFFFFFFFFFFFF:013X}", int(self.clock())
            version = Version(name, etag, modified, size)
            older = self.blobs.get(name)
            blob = Blob(version, older.created if older else modified, content_type, copy_pending, properties)
            if older:
                older.version.gone = time.monotonic()
            else:
                bisect.insort(self.names, name)
            self.blobs[name] = blob
            self.history.append(version)
            version.born = time.monotonic()
            return etag

    def delete(self, name: str) -> None:
        with self.lock:
            self.blobs[name].version.gone = time.monotonic()
            del self.blobs[name]
            del self.names[bisect.bisect_left(self.names, name)]

    def vanish(self) -> None:
        """The container is deleted with all that is in it; its history stays."""
        with self.lock:
            self.exists = False
            for blob in self.blobs.values():
                blob.version.gone = time.monotonic()
            self.names, self.blobs = [], {}

    def versions(self) -> list[Version]:
        with self.lock:
            return [dataclasses.replace(version) for version in self.history]

    # Listing

    def page(self, prefix: str, delimiter: str, begin: str, limit: int, include: frozenset) -> Page:
        """The first `limit` rows from the name `begin` on."""
        with self.lock:
            low = bisect.bisect_left(self.names, max(begin, prefix))
            high = bisect.bisect_left(self.names, behind(prefix), low) if prefix else len(self.names)
            if delimiter:
                return self._grouped(prefix, delimiter, low, high, limit, include)
            names = self.names[low:min(low + limit, high)]
            following = self.names[low + limit] if low + limit < high else None
            blobs = [self.blobs[name] for name in names]
        return Page([blob.row(include) for blob in blobs], following, names)

    def _grouped(self, prefix: str, delimiter: str, low: int, high: int, limit: int, include: frozenset) -> Page:
        page = Page([], None, [])
        while low < high:
            name = self.names[low]
            if len(page.rows) == limit:
                page.next = name
                break
            page.begins.append(name)
            cut = name.find(delimiter, len(prefix))
            if cut < 0:
                page.rows.append(self.blobs[name].row(include))
                low += 1
            else:
                group = name[:cut + len(delimiter)]
                page.rows.append(f"<BlobPrefix>{name_element(group)}</BlobPrefix>".encode())
                low = bisect.bisect_left(self.names, behind(group), low)
        return page
