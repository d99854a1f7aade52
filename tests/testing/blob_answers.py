"""What a fake blob service says, byte for byte: a page of List Blobs or an error, with the headers of the real one."""

from __future__ import annotations

import dataclasses
import datetime
import uuid

from .blob_faults import (ERRORS, Bom, Bytes, Date, DuplicateAcrossPages, EmptyPage, Fault, GarbageXml, Mark, NoDate,
                          RepeatMarker, ResetMidBody, Shape, ShortPages, TruncatedXml, WrongDate, usual_code)
from .blob_signatures import Asked
from .blob_store import Page, http_date, text_of
from .blob_sweeps import Mark as PageMark
from .blob_sweeps import Part, Sweep, Sweeps
from .http_wire import Request

BOM = b"\xef\xbb\xbf"
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'
REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
CHUNK = 256 * 1024


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    chunked: bool = False
    tampered: Fault | None = None
    sweep_part: Part | None = None

    wire = b""
    """Header and body as they go out, once finish() was called."""
    reset_at_end = False

    def finish(self, request: Request, now: float, faults: dict[type, Fault]) -> None:
        """Puts together what is sent, from the answer and the faults of the stages Mark and Date."""
        own_id = str(uuid.uuid4())
        if self.body.startswith(DECLARATION):
            mark = faults.get(Mark, Bom())
            self.body = BOM * mark.count + self.body.replace(b"{request-id}", own_id.encode(), 1)
        headers = {"Content-Type": "application/xml", "Server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
                   "x-ms-request-id": own_id, "x-ms-version": request.headers.get("x-ms-version", "2021-12-02")}
        if client_id := request.headers.get("x-ms-client-request-id"):
            headers["x-ms-client-request-id"] = client_id
        date = faults.get(Date)
        if not isinstance(date, NoDate):
            headers["Date"] = http_date(int(now + (date.seconds if isinstance(date, WrongDate) else 0)))
        self._tamper()
        headers |= self.headers
        headers |= {"Transfer-Encoding": "chunked"} if self.chunked else {"Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}",
                 *(f"{name}: {value}" for name, value in headers.items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if request.method == "HEAD" else chunks(self.body) if self.chunked else self.body
        if isinstance(self.tampered, ResetMidBody):
            body, self.reset_at_end = body[:max(0, min(self.tampered.after_bytes, len(body) - 1))], True
        self.wire = head + body

    def end(self, whole: bool) -> None:
        """It was sent, to the last byte and as it should be, or not."""
        if self.sweep_part:
            self.sweep_part.served(whole)

    def _tamper(self) -> None:
        if isinstance(self.tampered, TruncatedXml):
            self.body = self.body[:int(len(self.body) * self.tampered.keep)]
        elif isinstance(self.tampered, GarbageXml):
            self.body = self.body[:len(self.body) // 2] + b"</Properties></Nonsense><<&\x00\xff" + self.body[-40:]


def chunks(body: bytes) -> bytes:
    parts = []
    for begin in range(0, len(body), CHUNK):
        piece = body[begin:begin + CHUNK]
        parts += [b"%x\r\n" % len(piece), piece, b"\r\n"]
    return b"".join([*parts, b"0\r\n\r\n"])


def failure(status: int, code: str | None = None, message: str = "", detail: str = "",
            retry_after: int | str | None = None) -> Answer:
    code = usual_code(status) if code is None else code
    message = message or ERRORS.get(code, (0, "The service says no."))[1]
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    body = (f"<Error><Code>{code}</Code><Message>{text_of(message)}\nRequestId:{{request-id}}\nTime:{moment}</Message>"
            + (f"<AuthenticationErrorDetail>{text_of(detail)}</AuthenticationErrorDetail>" if detail else "") + "</Error>")
    headers = {"x-ms-error-code": code} if code else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = ("Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize "
                                       "resource_id=https://storage.azure.com")
    return Answer(status, DECLARATION + body.encode(), headers)


# A page of a listing

def listing(endpoint: str, sweeps: Sweeps, sweep: Sweep, mark: PageMark | None, asked: Asked, page: Page,
            faults: dict[type, Fault]) -> Answer:
    """The page that `mark` names, the first when there is none; faults: those of the stages Shape and Bytes."""
    begin, number = (mark.begin, mark.page) if mark else (sweep.prefix, 1)
    shape = faults.get(Shape)
    reshape(page, shape, begin)
    circle = isinstance(shape, RepeatMarker)
    if mark and (mark.circle or circle):
        following: PageMark | None = mark
        mark.circle = True
    elif page.next is None and not circle:
        following = None
    else:
        following = sweeps.make(sweep, page.next or begin, number + 1, circle)
    body = [DECLARATION, b"<EnumerationResults ServiceEndpoint=\"%s/\" ContainerName=\"%s\">"
            % (endpoint.encode(), asked.container.encode())]
    for name in ("Prefix", "Marker", "MaxResults", "Delimiter"):
        if value := asked.parameter(name.lower()):
            body.append(f"<{name}>{text_of(value)}</{name}>".encode())
    body += [b"<Blobs>", *page.rows, b"</Blobs>"] if page.rows else [b"<Blobs />"]
    body.append(f"<NextMarker>{text_of(following.token)}</NextMarker>".encode() if following else b"<NextMarker />")
    body.append(b"</EnumerationResults>")
    return Answer(200, b"".join(body), chunked=True, tampered=faults.get(Bytes),
                  sweep_part=Part(sweep, following is None))


def reshape(page: Page, shape: Fault | None, begin: str) -> None:
    if isinstance(shape, EmptyPage):
        page.rows, page.next = [], begin
    if isinstance(shape, ShortPages) and len(page.rows) > shape.rows:
        page.rows, page.next = page.rows[:shape.rows], page.begins[shape.rows]
    if isinstance(shape, DuplicateAcrossPages):
        again = min(shape.rows, len(page.rows) - 1)  # one row at least is passed, so that the listing ends
        if again > 0:
            page.next = page.begins[-again]


def changes(fault: Fault, page: Page, mark: PageMark | None) -> bool:
    """Whether the page differs from what it is without this fault."""
    if isinstance(fault, ShortPages):
        return len(page.rows) > fault.rows
    if isinstance(fault, DuplicateAcrossPages):
        return len(page.rows) > 1
    if isinstance(fault, RepeatMarker):
        return not (mark and mark.circle)
    return True
