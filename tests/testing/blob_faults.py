"""What a hostile blob service can do to a client. Plain values: HostileBlobService.inject() arms them.

Of each stage at most one fault meets a request, the one that was injected first; those of different stages combine. When
an `Instead` does, the listing is not even begun.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import Callable


class Fault:
    pass


class Instead(Fault):
    """In place of the listing."""


class Shape(Fault):
    """Which rows a page has, and where the next one begins."""


class Bytes(Fault):
    """The page as it goes over the wire."""


class Mark(Fault):
    """The byte-order mark."""


class Date(Fault):
    """The answer's Date."""


class Pace(Fault):
    """How fast the answer comes."""


STAGES = (Instead, Shape, Bytes, Mark, Date, Pace)


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


@dataclasses.dataclass
class Bom(Mark):
    """So many byte-order marks before the XML. The real service writes one, and so does this one unless told
    otherwise; Azurite writes none."""
    count: int = 1


@dataclasses.dataclass
class EmptyPage(Shape):
    """No blobs, but a NextMarker."""


@dataclasses.dataclass
class ShortPages(Shape):
    """At most `rows` rows, although more were asked for and are there."""
    rows: int


@dataclasses.dataclass
class DuplicateAcrossPages(Shape):
    """The last rows of the page come again on the next. A page of a single row has none to repeat."""
    rows: int = 2


@dataclasses.dataclass
class RepeatMarker(Shape):
    """From this page on the listing runs in a circle: a marker that was given before is given again, for ever."""


@dataclasses.dataclass
class TruncatedXml(Bytes):
    """A well-formed HTTP answer whose XML ends in the middle."""
    keep: float = 0.5
    """This part of it."""


@dataclasses.dataclass
class GarbageXml(Bytes):
    """A 200 whose body is no listing: tags that do not match, behind half a page."""


@dataclasses.dataclass
class ResetMidBody(Bytes):
    """The connection is reset after so many bytes of the body."""
    after_bytes: int = 200


@dataclasses.dataclass
class Status(Instead):
    """An error as the real service writes it. error_code: the status's usual one when it is left out; "" for none."""
    code: int
    error_code: str | None = None
    retry_after: int | str | None = None


@dataclasses.dataclass
class HtmlError(Instead):
    """An HTML page, as proxies and gateways send it."""
    status: int = 502


@dataclasses.dataclass
class Redirect(Instead):
    to: str
    status: int = 307


@dataclasses.dataclass
class Silence(Instead):
    """The request is taken and never answered. Cancelling the fault resets the connections that wait."""


@dataclasses.dataclass
class ResetBeforeAnswer(Instead):
    """The request is taken and the connection reset."""


@dataclasses.dataclass
class SlowBytes(Pace):
    """The whole answer, header included, comes in pieces of `chunk` bytes."""
    bytes_per_second: float = 100_000
    chunk: int = 1024


@dataclasses.dataclass
class NoDate(Date):
    """The answer has no Date."""


@dataclasses.dataclass
class WrongDate(Date):
    """The answer's Date is so many seconds off; Last-Modified is not."""
    seconds: float


ERRORS = {
    "InvalidQueryParameterValue": (400, "Value for one of the query parameters specified in the request URI is invalid."),
    "UnsupportedHttpVerb": (405, "The resource doesn't support specified Http Verb."),
    "NoAuthenticationInformation": (401, "Server failed to authenticate the request. Please refer to the information in "
                                         "the www-authenticate header."),
    "InvalidAuthenticationInfo": (401, "Server failed to authenticate the request. Please refer to the information in the "
                                       "www-authenticate header."),
    "AuthenticationFailed": (403, "Server failed to authenticate the request. Make sure the value of Authorization header "
                                  "is formed correctly including the signature."),
    "AuthorizationFailure": (403, "This request is not authorized to perform this operation."),
    "AuthorizationPermissionMismatch": (403, "This request is not authorized to perform this operation using this "
                                             "permission."),
    "KeyBasedAuthenticationNotPermitted": (403, "Key based authentication is not permitted on this storage account."),
    "AccountIsDisabled": (403, "The specified account is disabled."),
    "ContainerNotFound": (404, "The specified container does not exist."),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "ContainerBeingDeleted": (409, "The specified container is being deleted. Try operation later."),
    "ContainerDisabled": (409, "The specified container is disabled."),
    "AccountBeingCreated": (409, "The specified account is in the process of being created."),
    "PublicAccessNotPermitted": (409, "Public access is not permitted on this storage account."),
    "TooManyRequests": (429, "The server is currently unable to receive requests. Please retry your request."),
    "InternalError": (500, "The server encountered an internal error. Please retry the request."),
    "OperationTimedOut": (500, "Operation could not be completed within the specified time."),
    "ServerBusy": (503, "The server is busy."),
}
"""The real service's codes with their status and text; the first of a status is the one that Status(code) means."""


def usual_code(status: int) -> str:
    return {401: "NoAuthenticationInformation", 403: "AuthenticationFailed", 404: "ContainerNotFound"}.get(
        status, next((code for code, (of, _) in ERRORS.items() if of == status), ""))
