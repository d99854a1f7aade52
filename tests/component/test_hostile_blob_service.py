"""The fake blob service that misbehaves keeps its word: seen by plain clients and by Microsoft's own SDK.

What the operator makes of it: test_hostile_listings.py.
"""

import html
import http.client
import re
import time
import urllib.parse

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobPrefix, ContainerClient

from testing.azurite import KEY, SERVICE_VERSION
from testing.blob_signatures import Asked, mac, make_sas, service_sas_text, string_to_sign
from testing.hostile_blob_service import (Bom, DuplicateAcrossPages, EmptyPage, GarbageXml, HostileBlobService, HtmlError,
                                          NoDate, Redirect, RepeatMarker, ResetBeforeAnswer, ResetMidBody, ShortPages,
                                          Silence, SlowBytes, Status, TruncatedXml, WrongDate)
from testing.kube import wait_until

OTHER_KEY = "b3RoZXI="


@pytest.fixture
def service():
    """Ten blobs on three pages, readable by everybody."""
    with HostileBlobService({"chaos": KEY}) as service:
        service.create_container("chaos", "data", public=True)
        for n in range(10):
            service.put("data", f"{n}.csv")
        service.page_size_limit = 4
        yield service


def get(service, query: str = "", timeout: float = 10, **headers: str) -> tuple[int, dict, bytes]:
    """One listing request of our own, on a connection of its own."""
    connection = http.client.HTTPConnection(service.host, service.port, timeout=timeout)
    connection.request("GET", f"/chaos/data?restype=container&comp=list{query}", headers=headers)
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def names(page: bytes) -> list[str]:
    return re.findall("<Name>(.*?)</Name>", page.decode())


def marker(page: bytes) -> str | None:
    found = re.search("<NextMarker>(.+?)</NextMarker>", page.decode(errors="replace"))
    return html.unescape(found[1]) if found else None


def pages(service, at_most: int = 9, query: str = "") -> list[bytes]:
    """A listing from its first page to its last."""
    seen, following = [], ""
    while len(seen) < at_most:
        seen.append(get(service, query + (f"&marker={urllib.parse.quote(following, safe='')}" if following else ""))[2])
        following = marker(seen[-1])
        if not following:
            break
    return seen


def listed(service, **more) -> list[list[str]]:
    return [names(page) for page in pages(service, **more)]


def sdk(service, key: str = KEY, credential=None, **more) -> ContainerClient:
    return ContainerClient(service.endpoint("chaos"), "data", api_version=SERVICE_VERSION, retry_total=0,
                           credential=credential or {"account_name": "chaos", "account_key": key}, **more)


THREE_PAGES = [["0.csv", "1.csv", "2.csv", "3.csv"], ["4.csv", "5.csv", "6.csv", "7.csv"], ["8.csv", "9.csv"]]


def test_a_listing_looks_like_the_real_one(service):
    status, headers, page = get(service, "&prefix=&maxresults=2", **{"x-ms-client-request-id": "me", "x-ms-version": "v"})
    assert status == 200
    assert page.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://')
    assert (headers["x-ms-client-request-id"], headers["x-ms-version"]) == ("me", "v")
    assert len(headers["x-ms-request-id"]) == 36 and headers["date"].endswith(" GMT")
    assert names(page) == ["0.csv", "1.csv"]
    assert listed(service) == THREE_PAGES


def test_a_marker_is_of_one_listing(service):
    first, other = marker(pages(service)[0]), marker(pages(service)[0])
    assert first != other
    assert get(service, "&marker=made-up")[0] == 400
    assert get(service, f"&prefix=1&marker={urllib.parse.quote(first)}")[0] == 400


SHAPES = [
    (Bom(0), THREE_PAGES), (EmptyPage(), [[], *THREE_PAGES]),
    (ShortPages(1), [["0.csv"], ["1.csv", "2.csv", "3.csv", "4.csv"], ["5.csv", "6.csv", "7.csv", "8.csv"], ["9.csv"]]),
    (DuplicateAcrossPages(2), [THREE_PAGES[0], ["2.csv", "3.csv", "4.csv", "5.csv"], ["6.csv", "7.csv", "8.csv", "9.csv"]]),
    (RepeatMarker(), [THREE_PAGES[0], *[THREE_PAGES[1]] * 8]),
    (SlowBytes(5_000, 100), THREE_PAGES), (NoDate(), THREE_PAGES), (WrongDate(-60), THREE_PAGES),
]
ANSWERS = [
    (Status(429, retry_after=7), 429, "TooManyRequests"), (Status(500), 500, "InternalError"),
    (Status(500, "OperationTimedOut"), 500, "OperationTimedOut"), (Status(503), 503, "ServerBusy"),
    (Status(401), 401, "NoAuthenticationInformation"), (Status(403), 403, "AuthenticationFailed"),
    (Status(404), 404, "ContainerNotFound"), (Status(409), 409, "ContainerBeingDeleted"),
    (HtmlError(502), 502, None), (Redirect("http://127.0.0.1:9/"), 307, None),
]
BROKEN = [(ResetMidBody(300), ConnectionResetError), (ResetBeforeAnswer(), ConnectionResetError),
          (Silence(), TimeoutError)]
named = dict(ids=lambda value: type(value).__name__)


@pytest.mark.parametrize("fault, expected", SHAPES, **named)
def test_a_listing_takes_the_shape_of_its_fault_once(service, fault, expected):
    armed = service.inject(fault)
    assert listed(service) == expected
    assert armed.hits == 1
    assert listed(service) == THREE_PAGES


@pytest.mark.parametrize("fault, status, code", ANSWERS, ids=str)
def test_an_error_is_written_as_the_real_service_writes_it(service, fault, status, code):
    service.inject(fault)
    seen, headers, body = get(service)
    assert (seen, headers.get("x-ms-error-code")) == (status, code)
    if code:
        assert body.startswith(b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>' + code.encode())
        assert b"RequestId:" + headers["x-ms-request-id"].encode() in body
    assert headers.get("retry-after") == ("7" if status == 429 else None)
    assert service.requests[-1].outcome == status


@pytest.mark.parametrize("fault, ending", BROKEN, **named)
def test_a_broken_connection_looks_broken(service, fault, ending):
    armed = service.inject(fault, container="data", page=1)
    with pytest.raises(ending):
        get(service, timeout=1 if isinstance(fault, Silence) else 10)
    armed.cancel()
    wait_until(lambda: [request.outcome for request in service.requests], lambda seen: seen == [type(fault).__name__])
    assert listed(service) == THREE_PAGES


@pytest.mark.parametrize("fault", [TruncatedXml(0.6), GarbageXml()], **named)
def test_spoiled_xml_has_no_end(service, fault):
    service.inject(fault, page=2)
    assert [page.endswith(b"<NextMarker /></EnumerationResults>") for page in pages(service)] == [False, False]


def test_faults_meet_whom_they_are_meant_for(service):
    service.create_container("chaos", "other", public=True)
    elsewhere = service.inject(Status(500), container="other")
    thrice = service.inject(Status(503), times=3)
    second = service.inject(Status(404), times=None, page=2)
    assert [get(service)[0] for _ in range(4)] == [503, 503, 503, 200]
    assert [len(page) > 600 for page in pages(service)] == [True, False]
    second.cancel()
    assert listed(service) == THREE_PAGES
    assert (elsewhere.hits, thrice.hits, second.hits) == (0, 3, 1)


@pytest.mark.parametrize("fault", [ShortPages(1), DuplicateAcrossPages()], ids=str)
def test_a_fault_that_would_change_nothing_waits_and_is_not_counted(service, fault):
    service.delete("data", "9.csv")
    armed = service.inject(fault, page=3)
    assert listed(service) == [*THREE_PAGES[:2], ["8.csv"]]
    assert armed.hits == 0
    service.put("data", "9.csv")
    assert listed(service) != THREE_PAGES
    assert armed.hits == 1
    assert listed(service) == THREE_PAGES


def test_what_is_written_behind_the_marker_is_seen_and_before_it_is_not(service):
    def write(position: str) -> None:
        if position == "4.csv":
            service.put("data", "1-before.csv")
            service.put("data", "5-behind.csv")
    service.on_page("data", write)
    assert [name for page in listed(service) for name in page if "-" in name] == ["5-behind.csv"]
    assert sum(listed(service), []).count("1-before.csv") == 1


def test_sweeps_and_versions_are_the_truth(service):
    before = time.monotonic()
    etag = service.put("data", "3.csv")
    pages(service)
    service.inject(ResetMidBody(), page=3)
    with pytest.raises(ConnectionResetError):
        pages(service)
    pages(service, query="&prefix=3")
    service.delete("data", "3.csv")
    whole, broken, narrow = service.sweeps("data")
    assert [(sweep.complete, sweep.pages, sweep.prefix) for sweep in (whole, broken, narrow)] == [
        (True, 3, ""), (False, 2, ""), (True, 1, "3")]
    assert before < whole.began < whole.ended < broken.began
    older, newer = [version for version in service.versions("data") if version.name == "3.csv"]
    assert newer.etag == etag
    assert older.born < older.gone <= newer.born < whole.began < narrow.ended < newer.gone


def test_what_was_no_page_to_be_used_is_known_by_its_time(service):
    pages(service)
    pages(service, query="&delimiter=/")
    assert service.failures("data") == []
    assert [sweep.delimiter for sweep in service.sweeps("data")] == ["", "/"]
    for number, fault in enumerate([Status(503), HtmlError(200), NoDate(), TruncatedXml(), ResetBeforeAnswer()], 1):
        service.inject(fault)
        before = time.monotonic()
        try:
            get(service)
        except ConnectionResetError:
            pass
        assert len(service.failures("data")) == number and service.failures("data")[-1] >= before
    service.inject(WrongDate(-60))
    service.inject(ShortPages(1))
    pages(service)
    assert len(service.failures("data")) == 5


def test_overwrites_in_one_second_share_a_time_and_no_etag(service):
    service.set_clock(lambda: 1_800_000_000.4)
    etags = {service.put("data", "a.csv") for _ in range(5)}
    page = pages(service)[-1].decode()
    assert len(etags) == 5
    assert {version.last_modified for version in service.versions("data") if version.etag in etags} == {1_800_000_000}
    assert page.count("<Last-Modified>Fri, 15 Jan 2027 08:00:00 GMT</Last-Modified>") == 1
    service.date_offset = 3600
    assert get(service)[1]["date"] == "Fri, 15 Jan 2027 09:00:00 GMT"


ODD_NAMES = ["a & <b>.csv", "c\ufffed\x01 é.csv", "e\rf\tg\n.csv", "h/i%20j.csv", "😀.csv", "\ue000.csv"]


def test_microsofts_sdk_reads_it(service):
    for name in ODD_NAMES:
        service.put("data", name, size=5, content_type="text/x", metadata={"k": "v"})
    client = sdk(service)
    blobs = list(client.list_blobs(include=["metadata"]))
    assert [blob.name for blob in blobs] == sorted([*ODD_NAMES, *sum(THREE_PAGES, [])])
    odd = next(blob for blob in blobs if blob.name == ODD_NAMES[0])
    version = next(version for version in service.versions("data") if version.name == odd.name)
    assert (odd.etag, odd.size, odd.last_modified.timestamp()) == (version.etag, 5, version.last_modified)
    assert (odd.content_settings.content_type, odd.metadata) == ("text/x", {"k": "v"})
    assert [found.name for found in client.walk_blobs() if isinstance(found, BlobPrefix)] == ["h/"]
    assert list(client.list_blob_names(name_starts_with="h/")) == ["h/i%20j.csv"]


# Signatures

def test_the_published_signatures_are_the_ones_we_compute():
    """As Azurite and the SDK sign them."""
    key, date = KEY, {"x-ms-date": "Sun, 22 Nov 2026 05:30:00 GMT", "x-ms-version": "2021-12-02"}
    query = [("comp", "list"), ("include", "metadata,tags"), ("maxresults", "2"), ("prefix", "in/a b+&"),
             ("restype", "container")]
    headers = {**date, "x-ms-client-request-id": "11111111-2222-3333-4444-555555555555", "host": "x", "accept": "*/*"}
    asked = Asked("GET", "/devstoreaccount1/mycontainer", query, headers, "devstoreaccount1", "mycontainer")
    assert mac(key, string_to_sign(asked)) == "Zx6UqLe+nprQsfu+EVGDjH/r5j0uSgJQx5xA0JHNRWI="
    fields = {"sp": "rl", "st": "2026-11-22T00:00:00Z", "se": "2036-11-22T00:00:00Z", "sv": "2021-12-02", "sr": "c"}
    text = service_sas_text("devstoreaccount1", "mycontainer", lambda name: fields.get(name, ""))
    assert mac(key, text) == "3ln6pjTMS1UhOTk2I5ifOqs+X5RjpNoVEnNyOF3fpVU="


@pytest.fixture
def private(service):
    service.create_container("chaos", "data", public=False)
    return service


def refusal(client: ContainerClient) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as refused:
        list(client.list_blobs())
    return refused.value.status_code, refused.value.error_code


def test_a_shared_key_opens_and_a_wrong_one_does_not(private):
    assert len(list(sdk(private).list_blobs())) == 10
    assert refusal(sdk(private, OTHER_KEY)) == (403, "AuthenticationFailed")
    assert get(private)[0] == 401
    private.accounts["chaos"] = [OTHER_KEY, KEY]
    assert len(list(sdk(private, OTHER_KEY).list_blobs())) == 10


@pytest.mark.parametrize("offset", [-16 * 60, 16 * 60])
def test_a_date_far_from_the_services_is_refused(private, offset):
    private.date_offset = offset
    assert refusal(sdk(private)) == (403, "AuthenticationFailed")
    private.date_offset = offset / 2
    assert len(list(sdk(private).list_blobs())) == 10


def sas(container="data", key=KEY, **more) -> str:
    return make_sas(key, "chaos", container, **more)


@pytest.mark.parametrize("token, code", [
    (sas(), None), (sas(None), None), (sas(key=OTHER_KEY), "AuthenticationFailed"),
    (sas("other"), "AuthenticationFailed"), (sas(end=1e9), "AuthenticationFailed"),
    (sas(start=4e9, end=4.1e9), "AuthenticationFailed"), (sas(permissions="r"), "AuthorizationPermissionMismatch"),
    (sas(None, services="q"), "AuthorizationServiceMismatch"),
    (sas(None, resources="so"), "AuthorizationResourceTypeMismatch"),
    (sas(protocol="https"), "AuthorizationProtocolMismatch"),
    (sas().replace("sp=rl", "sp=rwl"), "AuthenticationFailed"),
], ids=str)
def test_a_sas_opens_what_it_was_signed_for(private, token, code):
    status, headers, body = get(private, f"&{token}")
    assert (status, headers.get("x-ms-error-code")) == ((403, code) if code else (200, None)), body
    assert urllib.parse.parse_qs(token)["sig"][0] not in str(private.requests)


def test_many_blobs_are_listed_without_a_page_size(service):
    service.create_container("chaos", "large", public=True)
    for n in range(50_000):
        service.put("large", f"raw/{n:07}.csv")
    service.page_size_limit = None
    connection = http.client.HTTPConnection(service.host, service.port, timeout=10)
    rows, following = 0, ""
    while rows == 0 or following:
        connection.request("GET", "/chaos/large?restype=container&comp=list&include=copy,metadata&marker="
                           + urllib.parse.quote(following, safe=""))
        page = connection.getresponse().read()
        rows += page.count(b"<Blob>")
        following = marker(page[-300:])
    assert rows == 50_000
