"""Whether a request to a blob service is signed: SharedKey and SAS, checked as the real service checks them, and
refused in its words. Written from Azure's documentation and not from the operator's code, so that each judges the other.

Pure: a request and a time in, a Refusal or nothing out. Also signs SAS tokens for tests.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import email.utils
import hashlib
import hmac
import urllib.parse

MAX_SKEW = 15 * 60  # seconds
SAS_VERSION = "2021-12-02"
SIGNED_HEADERS = ["content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
                  "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]
NOT_AUTHENTIC = ("Server failed to authenticate the request. Make sure the value of Authorization header is formed "
                 "correctly including the signature.")
NOT_AUTHORIZED = "This request is not authorized to perform this operation"


@dataclasses.dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    message: str
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What of a request is signed: the path exactly as sent, the query decoded, the headers with names in lower case."""
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    account: str
    container: str

    def parameter(self, name: str) -> str:
        return next((value for each, value in self.query if each.lower() == name), "")


def not_authentic(detail: str) -> Refusal:
    return Refusal(403, "AuthenticationFailed", NOT_AUTHENTIC, detail)


def not_authorized(what: str, code: str) -> Refusal:
    return Refusal(403, code, f"{NOT_AUTHORIZED} using this {what}.")


def mac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def refusal_of(asked: Asked, keys: list[str], now: float, public: bool) -> Refusal | None:
    """Why a List Blobs request may not be answered; None when it may. `keys`: the account's, any of which will do."""
    if "authorization" in asked.headers:
        return _shared_key(asked, keys, now)
    if asked.parameter("sig"):
        return _sas(asked, keys, now)
    if public:
        return None
    return Refusal(401, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the "
                   "information in the www-authenticate header.")


# Shared Key

def string_to_sign(asked: Asked) -> str:
    values = dict(asked.headers)
    if values.get("content-length") == "0":
        values["content-length"] = ""
    if "x-ms-date" in values:
        values["date"] = ""
    lines = [asked.method, *(values.get(name, "") for name in SIGNED_HEADERS)]
    lines += [f"{name}:{' '.join(value.split())}" for name, value in sorted(values.items()) if name.startswith("x-ms-")]
    lines.append(f"/{asked.account}{asked.path}")
    joined: dict[str, list[str]] = {}
    for name, value in asked.query:
        joined.setdefault(name.lower(), []).append(value)
    lines += [f"{name}:{','.join(sorted(values))}" for name, values in sorted(joined.items())]
    return "\n".join(lines)


def _shared_key(asked: Asked, keys: list[str], now: float) -> Refusal | None:
    scheme, _, rest = asked.headers["authorization"].partition(" ")
    account, _, signature = rest.partition(":")
    if scheme != "SharedKey" or not signature:
        return Refusal(400, "InvalidAuthenticationInfo", "Authentication information is not given in the correct "
                       "format. Check the value of Authorization header.")
    date = asked.headers.get("x-ms-date") or asked.headers.get("date") or ""
    try:
        sent = email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return not_authentic(f"No valid x-ms-date or Date header: '{date}'")
    if abs(now - sent) > MAX_SKEW:
        return not_authentic(f"Request date header too {'old' if sent < now else 'new'}: '{date}'")
    text = string_to_sign(asked)
    if account != asked.account or not any(hmac.compare_digest(signature, mac(key, text)) for key in keys):
        return not_authentic(f"The MAC signature found in the HTTP request '{signature}' is not the same as any computed "
                             f"signature. Server used following string to sign: '{text}'.")
    return None


# Shared access signatures

def account_sas_text(account: str, of) -> str:
    return "\n".join([account, *(of(name) for name in ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")), "", ""])


def service_sas_text(account: str, container: str, of) -> str:
    canonical = f"/blob/{account}/{container}"
    fields = [of("sp"), of("st"), of("se"), canonical, of("si"), of("sip"), of("spr"), of("sv"), of("sr"), ""]
    if of("sv") >= "2020-12-06":
        fields.append(of("ses"))
    return "\n".join(fields + [of(name) for name in ("rscc", "rscd", "rsce", "rscl", "rsct")])


def _sas(asked: Asked, keys: list[str], now: float) -> Refusal | None:
    of = asked.parameter
    for_account = bool(of("ss"))
    text = (account_sas_text(asked.account, of) if for_account else
            service_sas_text(asked.account, asked.container, of))
    if not any(hmac.compare_digest(of("sig"), mac(key, text)) for key in keys):
        return not_authentic(f"Signature did not match. String to sign used was {text}")
    start, end = _time(of("st")), _time(of("se"))
    if end is None or now >= end or (start is not None and now < start):
        shown = [datetime.datetime.fromtimestamp(moment or 0, datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
                 for moment in (start, end, now)]
        return not_authentic("Signature not valid in the specified time frame: "
                             f"Start [{shown[0]}] - Expiry [{shown[1]}] - Current [{shown[2]}]")
    return _sas_permits(for_account, of)


def _sas_permits(for_account: bool, of) -> Refusal | None:
    if of("spr") == "https":
        return not_authorized("protocol", "AuthorizationProtocolMismatch")
    if of("sip") and not _admits(of("sip"), "127.0.0.1"):
        return not_authorized("source IP", "AuthorizationSourceIPMismatch")
    if for_account and "b" not in of("ss"):
        return not_authorized("service", "AuthorizationServiceMismatch")
    if for_account and "c" not in of("srt"):
        return not_authorized("resource type", "AuthorizationResourceTypeMismatch")
    if not for_account and of("sr") != "c":
        return not_authorized("resource type", "AuthorizationResourceTypeMismatch")
    if "l" not in of("sp"):
        return not_authorized("permission", "AuthorizationPermissionMismatch")
    return None


def _admits(addresses: str, caller: str) -> bool:
    first, _, last = addresses.partition("-")
    number = [tuple(map(int, each.split("."))) for each in (first, caller, last or first)]
    return number[0] <= number[1] <= number[2]


def _time(text: str) -> float | None:
    """A SAS's time: a day, or one to the minute, or to the second."""
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or datetime.timezone.utc).timestamp()


def make_sas(key: str, account: str, container: str | None = None, permissions: str = "rl", start: float = 0,
             end: float = 4e9, services: str = "b", resources: str = "co", protocol: str = "") -> str:
    """A SAS for a container, or for the whole account when there is none; without `?`."""
    times = [datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
             for moment in (start, end)]
    fields = {"sv": SAS_VERSION, "sp": permissions, "st": times[0], "se": times[1]}
    fields |= {"sr": "c"} if container else {"ss": services, "srt": resources}
    if protocol:
        fields["spr"] = protocol

    def of(name: str) -> str:
        return fields.get(name, "")
    text = service_sas_text(account, container, of) if container else account_sas_text(account, of)
    return urllib.parse.urlencode({**fields, "sig": mac(key, text)})
