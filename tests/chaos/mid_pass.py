"""Ends a tenant's life in the middle of a pass over its container: between two pages of a listing, which waits for that, or
right after a creation, with others to come."""

import threading
from dataclasses import dataclass, field

from testing.blob_faults import Armed
from testing.hostile_blob_service import HostileBlobService

from judge import Creation
from tenants import Tenant

LISTING_WAITS = 2
"""Seconds at most that the blob service holds a page back for an end."""


@dataclass
class End:
    """One that is to come."""
    tenant: Tenant
    at: str
    due: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    armed: Armed | None = None

    def at_page(self, _: str) -> None:
        """Called by the blob service, in a thread of its own."""
        self.due.set()
        self.over.wait(LISTING_WAITS)


class MidPass:
    def __init__(self, service: HostileBlobService):
        self.service = service
        self.ends: dict[str, End] = {}
        """Those that are planned, by the tenant's name."""
        self.done = 0

    def plan(self, tenant: Tenant, at: str) -> None:
        """at: the next "page" of a listing but the first, or the next "creation"."""
        if tenant.name in self.ends:
            return
        end = self.ends[tenant.name] = End(tenant, at)
        if at == "page":
            end.armed = self.service.on_page(tenant.name, end.at_page, times=1)

    def created(self, creation: Creation) -> None:
        """Told by the audit log's reader."""
        end = self.ends.get(creation.namespace)
        if end and end.at == "creation":
            end.due.set()

    def step(self) -> None:
        """By the main thread, whose business the watchers are."""
        for name, end in [*self.ends.items()]:
            if end.due.is_set():
                del self.ends[name]
                end.tenant.end_life()
                end.over.set()
                self.done += 1

    def call_off(self) -> None:
        for end in self.ends.values():
            if end.armed:
                end.armed.cancel()
            end.over.set()
        self.ends.clear()
