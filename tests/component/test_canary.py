"""Credentials that exist nowhere else go through every way to fail, and nothing that the operator says holds twelve bytes
in a row of one, in whatever encoding: not its log at level debug, not Events, status, metrics, nor the command line."""

import base64
import html
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest
import yaml

from conftest import JOB, REFUSED, UNRESOLVABLE
from scene import WATCHER
from test_tenancy import loose_schema, make  # noqa: F401 (a fixture)
from testing.blob_signatures import make_sas
from testing.kube import condition, wait_until
from testing.ports import free_port

PIECE = 12


def canary(size: int = 64) -> str:
    return base64.b64encode(os.urandom(size)).decode()


class Canaries:
    """What must not be seen. All of it is made for this test."""

    def __init__(self):
        self.key, self.other_key, self.client_secret = canary(), canary(), canary(30)
        self.sas = make_sas(self.key, "acct", "data")
        self.signature = urllib.parse.parse_qs(self.sas)["sig"][0]
        self.texts = {"key": self.key, "other key": self.other_key, "client secret": self.client_secret,
                      "signature of the SAS": self.signature}
        self.lock = threading.Lock()

    def saw(self, what: str, text: str) -> None:
        """A signature or token that the operator made and sent."""
        with self.lock:
            self.texts[f"{what} {len(self.texts)}"] = text

    def found_in(self, text: str) -> list[str]:
        with self.lock:
            known = {piece: name for name, secret in self.texts.items() for piece in pieces(secret)}
        found = set()
        for _ in range(4):
            found |= {known[text[at:at + PIECE]] for at in range(len(text)) if text[at:at + PIECE] in known}
            before, text = text, urllib.parse.unquote(text)
            if text == before:
                break
        return sorted(found)


def pieces(secret: str) -> set[str]:
    """Any PIECE characters in a row: as it is, and of what it becomes within something in base64 or in hexadecimal."""
    forms = [secret, secret.encode().hex()]
    for shift in range(3):
        forms.append(base64.b64encode(b" " * shift + secret.encode()).decode()[4:-8])
    return {form[at:at + PIECE] for form in forms for at in range(max(len(form) - PIECE + 1, 0))}


def test_the_judge_sees_a_canary_in_every_coat():
    judge = Canaries()
    url = f"https://a/b?{judge.sas}&x=1"
    for coat in (url, judge.key[20:32], urllib.parse.quote(judge.key, safe=""), base64.b64encode(url.encode()).decode(),
                 base64.b64encode(judge.key.encode()).decode(), judge.key.encode().hex(),
                 urllib.parse.quote(urllib.parse.quote(judge.signature, safe=""), safe="")):
        assert judge.found_in(f"it said {coat}."), coat
    assert judge.found_in("AccountName=acct; nothing to see") == []


# A service that repeats in its answers whatever it was sent. The container's name says how.

def answers(url: str, authorization: str) -> dict[str, tuple[int, dict, str]]:
    signature = authorization.rpartition(":")[2] or urllib.parse.parse_qs(url).get("sig", [""])[0]
    signed = f"GET\n\n\nx-ms-date:now\n/acct/data\ncomp:list {authorization} {url}"
    mac = f"The MAC signature found in the HTTP request '{signature}' is not the same as any computed signature. Server " \
          f"used following string to sign: '{signed}'."
    quoted, coded = urllib.parse.quote(url, safe=""), base64.b64encode(url.encode() + authorization.encode()).decode()

    def error(status: int, code: str, message: str, detail: str = "", **headers: str):
        body = f'<?xml version="1.0"?><Error><Code>{html.escape(code)}</Code><Message>{html.escape(message)}</Message>' \
               f"<AuthenticationErrorDetail>{html.escape(detail)}</AuthenticationErrorDetail></Error>"
        return status, headers, body
    page = '<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>a'
    return {
        "detail": error(403, "AuthenticationFailed", "Server failed to authenticate the request.", mac),
        "message": error(403, "AuthenticationFailed", mac),
        "bare": error(403, "AuthenticationFailed", signature),
        "part": error(403, "AuthenticationFailed", f"...{signature[5:25]}..."),
        "coded": error(403, "AuthenticationFailed", f"{coded} and {quoted}"),
        "failure": error(403, "AuthorizationFailure", authorization + url),
        "mismatch": error(403, "AuthorizationPermissionMismatch", url, mac),
        "code": error(403, signature, "no"), "code-header": (403, {"x-ms-error-code": signature}, ""),
        "request-id": error(403, "AuthenticationFailed", "no", **{"x-ms-request-id": signature}),
        "unauthorized": error(401, "NoAuthenticationInformation", authorization + url,
                              **{"WWW-Authenticate": f"Bearer authorization_uri={url}"}),
        "bad-request": error(400, "InvalidQueryParameterValue", f"Value for a parameter in the URI {url} is invalid."),
        "bad-name": error(400, "InvalidResourceName", quoted), "bad-uri": error(400, "InvalidUri", url),
        "bad-header": error(400, "AuthenticationFailed", authorization),
        "gone": error(404, "ContainerNotFound", url), "conflict": error(409, "ContainerBeingDeleted", url),
        "public": error(409, "PublicAccessNotPermitted", url), "many": error(429, "TooManyRequests", url),
        "busy": error(503, "ServerBusy", url + authorization), "broken": error(500, "InternalError", mac),
        "odd": error(418, "Teapot", url), "redirect": (302, {"Location": url}, url),
        "moved": (307, {"Location": f"http://127.0.0.1:9{url}"}, ""), "html": (502, {}, f"<html>{url}{authorization}"),
        "html-200": (200, {}, f"<html>{url}{authorization}"), "cut": (200, {}, page + html.escape(url)),
        "garbage": (200, {}, page + f"</{signature}>"), "element": (200, {}, f"<{signature} {url}"),
        "no-xml": (200, {}, url + authorization), "entity": (200, {}, page + f"&{signature};"),
        "date": (200, {"Date": url}, '<?xml version="1.0"?><EnumerationResults><Blobs/></EnumerationResults>'),
        "retry-after": (429, {"Retry-After": signature, "Date": url}, ""),
        "no-http": (0, {}, f"{signature} {url}\r\n\r\n"), "closed": (0, {}, ""),
        "half": (0, {}, f"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{url}"),
        "status-line": (0, {}, f"HTTP/1.1 403 {signature}\r\n{signature}: {url}\r\nContent-Length: 0\r\n\r\n"),
        "chunk": (0, {}, f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{signature}\r\n"),
        "header": (0, {}, f"HTTP/1.1 200 OK\r\nContent-Length: {signature}\r\n\r\n"),
        "encoding": (0, {}, f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {signature}\r\n\r\n"),
    }


MODES = list(answers("", ""))


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    canaries: Canaries
    hits: set

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        if authorization:
            self.canaries.saw("signature sent", authorization.rpartition(":")[2].rpartition(" ")[2])
        container = self.path.split("?")[0].split("/")[2]
        self.hits.add(container)
        mode = container.removeprefix("key-").removeprefix("sas-")
        self.reply(*answers(self.path, authorization).get(mode, (404, {}, "")))

    def reply(self, status: int, headers: dict, body: str) -> None:
        """0 as the status: the body is all there is, without HTTP around it."""
        if status == 0:
            self.wfile.write(body.encode())
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in {"Date": "Sun, 22 Nov 2026 05:30:00 GMT", **headers, "Content-Length": len(body.encode())}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def echo(canaries):
    handler = type("Mine", (Echo,), {"canaries": canaries, "hits": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.origin, server.hits = f"http://127.0.0.1:{server.server_port}", handler.hits
        yield server
        server.shutdown()


@pytest.fixture
def untrusted(bed, canaries):
    """An https server whose certificate nobody trusts."""
    certificate, key = bed.authority.server("untrusted", ["127.0.0.1"], ["localhost"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    handler = type("Mine", (Echo,), {"canaries": canaries, "hits": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.origin = f"https://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()


# A sign-in that repeats what it was sent. The last part of the tenant's number says how.

def sign_in_answers(body: str, secret: str) -> list[tuple[int, dict, str]]:
    def document(status: int, error: str, description: str, **headers: str):
        return status, headers, json.dumps({"error": error, "error_description": description, "error_codes": [7000215]})
    coded, quoted = base64.b64encode(body.encode()).decode(), urllib.parse.quote(body, safe="")
    return [
        document(401, "invalid_client", f"AADSTS7000215: Invalid client secret provided: {secret}. {body}"),
        document(400, "invalid_request", f"{coded} and {quoted}"),
        document(400, secret, "no"), document(401, "invalid_client", secret),
        document(401, "invalid_client", "no", **{"x-ms-request-id": secret, "WWW-Authenticate": f"Bearer error={secret}"}),
        document(429, "temporarily_unavailable", body, **{"Retry-After": quoted}), document(503, "server_error", body),
        (500, {}, body), (502, {}, f"<html>{body}</html>"), (200, {}, body), (200, {}, f'{{"access_token": {secret}'),
        (200, {}, json.dumps({"access_token": [secret], "expires_in": body})),
        (200, {}, json.dumps({"token_type": "Bearer", "refresh_token": secret})),
        (200, {}, json.dumps({"access_token": secret + "\r\nX: y", "token_type": "Bearer", "expires_in": 3600})),
        (302, {"Location": f"https://127.0.0.1:9/?{body}"}, ""), (0, {}, f"{body}\r\n\r\n"),
        (0, {}, f"HTTP/1.1 401 {secret}\r\n{quoted}: {secret}\r\nContent-Length: 0\r\n\r\n"),
        # And a good one: what the blob service then repeats is the token.
        (200, {}, json.dumps({"access_token": canary(200), "token_type": "Bearer", "expires_in": 3600})),
    ]


SIGN_INS = len(sign_in_answers("", ""))


class SignIn(Echo):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        secret = urllib.parse.parse_qs(body)["client_secret"][0]
        mode = int(self.path.split("/")[1].rpartition("-")[2])
        self.hits.add(mode)
        status, headers, answer = sign_in_answers(body, secret)[mode]
        if status == 200 and answer.startswith("{") and mode == SIGN_INS - 1:
            self.canaries.saw("token", json.loads(answer)["access_token"])
        self.reply(status, headers, answer)


@pytest.fixture
def sign_in(bed, canaries):
    """By https, as the operator wants it: Entra below /, and the blob service that repeats."""
    certificate, key = bed.authority.server("sign-in", ["127.0.0.1"], [])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    handler = type("Mine", (SignIn,), {"canaries": canaries, "hits": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.origin, server.hits = f"https://127.0.0.1:{server.server_port}", handler.hits
        yield server
        server.shutdown()


def secrets_of(canaries: Canaries, origin: str) -> dict[str, dict]:
    """Good ones, and every way to write a wrong one."""
    key, sas, other = canaries.key, canaries.sas, canaries.other_key
    connection = f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={key};BlobEndpoint={origin}/acct;"
    return {
        "key": {"accountKey": key}, "sas": {"sasToken": sas}, "connection": {"connectionString": connection},
        "key-cut": {"accountKey": key[:-3]}, "key-twice": {"accountKey": base64.b64encode(key.encode()).decode() + "!"},
        "key-quoted": {"accountKey": f'"{key}"'}, "key-is-connection": {"accountKey": connection},
        "key-is-sas": {"accountKey": sas}, "key-and-sas": {"accountKey": key, "sasToken": sas},
        "sas-is-url": {"sasToken": f"https://acct.blob.core.windows.net/data?{sas}"}, "sas-is-key": {"sasToken": key},
        "sas-with-space": {"sasToken": sas.replace("&", " & ")}, "sas-expired": {"sasToken": make_sas(key, "acct", "data", end=1e9)},
        "sas-read-only": {"sasToken": make_sas(key, "acct", "data", permissions="r")},
        "sas-bad-time": {"sasToken": re.sub("se=[^&]*", f"se={urllib.parse.quote(other, safe='')}", sas)},
        "sas-bad-permissions": {"sasToken": re.sub("sp=[^&]*", f"sp={urllib.parse.quote(other, safe='')}", sas)},
        "connection-is-key": {"connectionString": key}, "connection-is-sas": {"connectionString": f"?{sas}"},
        "connection-twice": {"connectionString": connection + connection},
        "connection-key-cut": {"connectionString": connection.replace(key, key[:-3])},
        "connection-both": {"connectionString": connection + f"SharedAccessSignature={sas}"},
        "connection-account-is-key": {"connectionString": f"AccountName={key};AccountKey={other}"},
        "connection-endpoint-with-sas": {"connectionString": f"AccountName=acct;SharedAccessSignature={sas};BlobEndpoint="
                                                             f"https://acct.blob.core.windows.net/?{sas}"},
        "connection-endpoint-with-user": {"connectionString": f"AccountName=acct;AccountKey={key};BlobEndpoint=https://u:{other}@h"},
        "connection-suffix-is-key": {"connectionString": f"AccountName=acct;AccountKey={key};EndpointSuffix={other}"},
        "connection-protocol-is-key": {"connectionString": f"AccountName=acct;AccountKey={key};DefaultEndpointsProtocol={other}"},
        "client": {"tenantId": "t", "clientId": "c", "clientSecret": canaries.client_secret},
        "client-no-tenant": {"clientId": "c", "clientSecret": canaries.client_secret},
        "unknown": {"password": key, "token": sas}, "empty": {"accountKey": " "},
    }


def misplaced(canaries: Canaries) -> dict[str, dict]:
    """A credential in a field that is none for it."""
    key, sas = canaries.key, canaries.sas
    url = f"https://acct.blob.core.windows.net/data?{sas}"

    def template(**metadata) -> dict:
        return {"kind": "Job", "template": json.dumps({**JOB, "metadata": metadata})}
    return {
        "in-container": {"containerName": sas}, "in-container-url": {"containerName": url}, "in-account": {"storageAccount": key},
        "in-endpoint": {"endpoint": url}, "in-endpoint-user": {"endpoint": f"https://acct:{key}@acct.blob.core.windows.net"},
        "in-endpoint-host": {"endpoint": f"https://{key}.example"}, "in-endpoint-fragment": {"endpoint": f"https://a.example#{key}"},
        "in-prefix": {"blobPrefix": f"?{sas}", "containerName": "key-bad-request"},
        "in-pattern": {"blobPattern": f"?{sas}"}, "in-exclude": {"blobExcludePattern": f"(AccountKey={key}"},
        "in-secret-name": {"credentialsSecret": sas}, "in-account-name": {"serviceAccountName": sas},
        "in-unknown-field": {f"?{sas}": 1}, "in-choice": {"existingBlobs": f"?{sas}"},
        "in-kind": {"jobTemplate": {"kind": f"sig={key}", "template": json.dumps(JOB)}},
        "in-template": {"jobTemplate": {"kind": "Job", "template": url}},
        "in-template-name": {"jobTemplate": template(name=f"x {url}")},
        "in-template-namespace": {"jobTemplate": template(name="x", namespace=url)},
        "in-template-key": {"jobTemplate": template(**{"name": "x", f"${{{url}}}": "x"})},
        "in-template-label": {"jobTemplate": template(name="x-${BLOB_HASH}", labels={"a": f"${{BLOB_{sas}}}"})},
        "in-template-version": {"jobTemplate": {"kind": "Job", "template": json.dumps({**JOB, "apiVersion": f"{url}/v1"})}},
    }


def test_no_credential_is_seen_whatever_fails(bed, kube, own_operator, namespace, azurite, canaries, echo, untrusted, label,
                                              loose_schema):  # noqa: F811
    nobody = f"https://127.0.0.1:{free_port()}"
    plain_as_tls = echo.origin.replace("http:", "https:")
    operator = own_operator("--log-level", "debug", "--log-format", "json",
                            allowed=[echo.origin, untrusted.origin, nobody, plain_as_tls, UNRESOLVABLE, REFUSED])
    watchers: dict[str, dict] = {}

    def watch(name: str, **spec) -> None:
        watchers[name] = {
            "apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER, "metadata": {"name": name},
            "spec": {"storageAccount": "acct", "endpoint": f"{echo.origin}/acct", "containerName": "data", "credentialsSecret": "key",
                     "pollingIntervalSeconds": 3600, "jobTemplate": {"kind": "Job", "template": json.dumps(JOB)}, **spec}}
    for kind in ("key", "sas"):
        for mode in MODES:
            watch(f"{kind}-{mode}", containerName=f"{kind}-{mode}", credentialsSecret=kind)
        for name, origin in {"tls": untrusted.origin, "plain": plain_as_tls, "nobody": nobody, "dns": UNRESOLVABLE,
                             "refused": REFUSED, "forbidden": "http://127.0.0.3:9"}.items():
            watch(f"{kind}-at-{name}", endpoint=f"{origin}/acct", credentialsSecret=kind)
    written = secrets_of(canaries, echo.origin)
    for name, data in written.items():
        kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data})
        own = {} if not name.startswith("connection") else {"endpoint": None, "storageAccount": None}
        watch(f"secret-{name}", credentialsSecret=name, **own)
    for name, spec in misplaced(canaries).items():
        watch(name, **spec)
    for watcher in watchers.values():
        make(kube, namespace, json.loads(json.dumps(watcher)))

    wait_until_all_spoke(kube, namespace, watchers)
    assert echo.hits >= {f"{kind}-{mode}" for kind in ("key", "sas") for mode in MODES}

    said = everything_said(kube, namespace, operator)
    said |= command_line(bed, operator.binary, watchers, written, namespace)
    said |= previews(operator.binary, watchers, written, [echo.origin, untrusted.origin, nobody, plain_as_tls, UNRESOLVABLE, REFUSED])
    assert {place: found for place, text in said.items() if (found := canaries.found_in(text))} == {}
    assert len(canaries.texts) > len(MODES), "the operator sent signatures, and each was looked for"


def test_no_secret_or_token_is_seen_whatever_the_sign_in_says(bed, kube, own_operator, namespace, canaries, sign_in):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    operator = own_operator("--log-level", "debug", "--log-format", "json", "--ca-file", str(bed.authority.folder / "ca.crt"),
                            allowed=[sign_in.origin], env={**environment, "AZURE_AUTHORITY_HOST": f"{sign_in.origin}/"})
    modes = {f"sign-in-{mode:02}": mode for mode in range(SIGN_INS)}
    for name, mode in modes.items():
        tenant = f"00000000-0000-0000-0000-{mode:012}"
        kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                     "stringData": {"tenantId": tenant, "clientId": tenant, "clientSecret": canaries.client_secret}})
        kube.create({"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                     "metadata": {"name": name, "namespace": namespace},
                     "spec": {"storageAccount": "acct", "endpoint": f"{sign_in.origin}/acct", "containerName": "failure",
                              "credentialsSecret": name, "pollingIntervalSeconds": 3600,
                              "jobTemplate": {"kind": "Job", "template": json.dumps(JOB)}}})
    wait_until_all_spoke(kube, namespace, modes)
    assert sign_in.hits >= {*modes.values(), "failure"}
    said = everything_said(kube, namespace, operator)
    assert {place: found for place, text in said.items() if (found := canaries.found_in(text))} == {}


def wait_until_all_spoke(kube, namespace: str, names) -> None:
    def silent() -> list[str]:
        seen = {one["metadata"]["name"]: condition(one, "Ready").get("reason") for one in kube.list(WATCHER, namespace)}
        return sorted(name for name in names if not seen.get(name))
    wait_until(silent, lambda left: not left, 240, "every watcher said something", pause=0.5)


def everything_said(kube, namespace: str, operator) -> dict[str, str]:
    """By place. The operator is stopped at the end, for what it says then."""
    said = {"the log": operator.log.read_text()}
    for one in kube.list(WATCHER, namespace):
        said[f"the status of {one['metadata']['name']}"] = json.dumps(one.get("status", {}))
    # Who writes a credential into a name has it in that name; what the operator says of it is looked at.
    said["the Events"] = json.dumps([[event["reason"], event["message"]] for event in kube.list("Event", namespace)])
    said["what was created"] = json.dumps(kube.list("Job", namespace))
    for port, path in ((operator.metrics_port, "/metrics"), (operator.health_port, "/healthz"), (operator.health_port, "/readyz")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            said[path] = answer.read().decode()
    operator.stop()
    said["the log at its end"] = operator.log.read_text()
    return said


def command_line(bed, binary, watchers: dict, secrets: dict, namespace: str) -> dict[str, str]:
    """What `validate` and `render` say of files that hold a watcher and its Secret. A template is shown as it is: what its
    author wrote into it is no secret of ours."""
    said = {}
    for name, watcher in watchers.items():
        used = watcher["spec"].get("credentialsSecret")
        things = [watcher]
        if used in secrets:
            things.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": used}, "stringData": secrets[used]})
        if name.startswith(("key-", "sas-")) and not name.endswith("-detail"):
            continue  # they differ in the service only
        file = bed.folder / f"canary-{name}.yaml"
        file.write_text("---\n".join(yaml.safe_dump(thing) for thing in things))
        for command in (["validate", file], ["render", file, "--blob", "a.csv"]):
            done = subprocess.run([binary, *command], capture_output=True, text=True, timeout=30)
            shown = "" if name.startswith("in-template") and done.returncode == 0 else done.stdout
            said[f"{command[0]} {name}"] = (shown + done.stderr).replace(str(file), "")
    return said


VARIABLES = {"accountKey": "AZURE_STORAGE_KEY", "sasToken": "AZURE_STORAGE_SAS_TOKEN",
             "connectionString": "AZURE_STORAGE_CONNECTION_STRING"}


def previews(binary, watchers: dict, secrets: dict, allowed: list[str]) -> dict[str, str]:
    """What `preview` says with the credential in its environment: at every service, and of every way to write one."""
    said = {}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "KUBE"))}
    flags = [flag for origin in allowed for flag in ("--allowed-endpoint", origin)]
    for name, watcher in watchers.items():
        secret = secrets.get(watcher["spec"].get("credentialsSecret"), {})
        env = {VARIABLES[field]: value for field, value in secret.items() if field in VARIABLES}
        if env:
            done = subprocess.run([binary, "preview", "-", *flags], input=yaml.safe_dump(watcher), capture_output=True, text=True,
                                  timeout=60, env={**clean, **env})
            said[f"preview {name}"] = done.stdout + done.stderr
    assert len(said) > len(watchers) / 2
    return said
