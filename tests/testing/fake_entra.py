"""A fake of Microsoft Entra's token endpoint and of an Azure node's metadata service (IMDS), for tests alone.

The endpoint is strict where the real one is: form encoding, the grant's exact parameters, and of an assertion the
signature (with the API server's own published keys), issuer, audience, subject and time. What it issues are unsigned JWTs
as Azurite takes them. Both record what they were asked and issued, so that a test can look for it where it must not be.
"""

import base64
import dataclasses
import http.server
import json
import ssl
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TENANT = "99999999-8888-7777-6666-555555555555"
SCOPE = "https://storage.azure.com/.default"
AUDIENCE = "https://storage.azure.com"
EXCHANGE = "api://AzureADTokenExchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclasses.dataclass
class App:
    """An application: what it may sign in with."""
    secrets: list[str] = dataclasses.field(default_factory=list)
    subjects: list[str] = dataclasses.field(default_factory=list)
    """Of its federated credentials, all with the cluster's issuer."""


class Refused(Exception):
    def __init__(self, status: int, error: str, code: int, headers: dict | None = None):
        self.status, self.error, self.code, self.headers = status, error, code, headers or {}


class _Server:
    """One handler(method, path, headers, body) -> (status, headers, document) behind a port of its own."""

    def __init__(self, tls: tuple[Path, Path] | None = None):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, document = outer.handle(self.command, self.path, self.headers, body.decode())
                data = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.lock = threading.Lock()
        self.issued: list[str] = []
        self.refuse: Refused | None = None
        """Answers every request so."""
        self.life = 3600
        self.audience = AUDIENCE

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, name="fake-entra", daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, method: str, path: str, headers, body: str) -> tuple[int, dict, dict]:
        with self.lock:
            try:
                if self.refuse:
                    raise self.refuse
                return 200, {}, self.token(method, path, headers, body)
            except Refused as refused:
                # The real one's words, which may repeat what it was sent: here they surely do.
                words = f"AADSTS{refused.code}: refused: {body} Trace ID: {uuid.uuid4()} Timestamp: {time.time()}"
                document = {"error": refused.error, "error_description": words, "correlation_id": str(uuid.uuid4())}
                if refused.code:
                    document["error_codes"] = [refused.code]
                return refused.status, refused.headers, document

    def issue(self, tenant: str, client: str) -> str:
        now = int(time.time())
        claims = {"iss": f"https://sts.windows.net/{tenant}/", "aud": self.audience, "iat": now, "nbf": now,
                  "exp": now + self.life, "appid": client, "tid": tenant, "jti": str(uuid.uuid4())}
        token = f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(claims)}."
        self.issued.append(token)
        return token


class FakeEntra(_Server):
    def __init__(self, tls: tuple[Path, Path], issuer: str, keys):
        """tls: certificate and key. issuer: of the cluster; keys(): its JWKS, as the API server publishes them."""
        super().__init__(tls)
        self.issuer, self.keys = issuer, keys
        self.tenants: dict[str, dict[str, App]] = {TENANT: {}}
        self.forms: list[dict] = []
        self.assertions: list[dict] = []
        """The claims of those that were accepted."""

    def app(self, **app) -> str:
        """A new application of TENANT; its client ID."""
        client = str(uuid.uuid4())
        self.tenants[TENANT][client] = App(**app)
        return client

    def token(self, method, path, headers, body) -> dict:
        parts = path.split("/")
        require(method == "POST" and len(parts) == 5 and parts[0] == "" and parts[2:] == ["oauth2", "v2.0", "token"])
        require(headers["Content-Type"] == "application/x-www-form-urlencoded")
        pairs = urllib.parse.parse_qsl(body, strict_parsing=True)
        form = dict(pairs)
        require(len(form) == len(pairs))
        self.forms.append(form)
        if parts[1] not in self.tenants:
            raise Refused(400, "invalid_request", 90002)
        require(form.pop("grant_type", "") == "client_credentials")
        require(form.pop("scope", "") == SCOPE)
        client = form.pop("client_id", "")
        app = self.tenants[parts[1]].get(client)
        if not app:
            raise Refused(400, "unauthorized_client", 700016)
        if "client_assertion" in form:
            require(form.pop("client_assertion_type") == ASSERTION_TYPE)
            self.check_assertion(form.pop("client_assertion"), app)
        elif form.pop("client_secret") not in app.secrets:
            raise Refused(401, "invalid_client", 7000215)
        require(not form)
        return {"token_type": "Bearer", "expires_in": self.life, "ext_expires_in": self.life,
                "access_token": self.issue(parts[1], client)}

    def check_assertion(self, assertion: str, app: App) -> None:
        head, payload, signature = assertion.split(".")
        key = next((key for key in self.keys()["keys"] if key["kid"] == _decode_json(head)["kid"]), None)
        if not key:
            raise Refused(401, "invalid_client", 5000611)
        public = rsa.RSAPublicNumbers(int.from_bytes(_decode(key["e"])), int.from_bytes(_decode(key["n"]))).public_key()
        try:
            public.verify(_decode(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Refused(401, "invalid_client", 700027) from None
        claims = _decode_json(payload)
        if claims["iss"] != self.issuer:
            raise Refused(401, "invalid_client", 700211)
        if claims["aud"] != [EXCHANGE]:
            raise Refused(401, "invalid_client", 700212)
        if claims["sub"] not in app.subjects:
            raise Refused(401, "invalid_client", 700213)
        if not claims["nbf"] <= time.time() + 300 or not time.time() < claims["exp"]:
            raise Refused(401, "invalid_client", 700024)
        self.assertions.append(claims)


class FakeMetadataService(_Server):
    """Of a node with these identities; None is the system-assigned one."""

    def __init__(self, identities: list[str | None]):
        super().__init__()
        self.identities = identities
        self.asked: list[dict] = []

    def token(self, method, path, headers, body) -> dict:
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query, strict_parsing=True))
        require(method == "GET" and url.path == "/metadata/identity/oauth2/token")
        require(headers.get("Metadata") == "true" and "X-Forwarded-For" not in headers)
        require(query.pop("api-version") == "2018-02-01" and query.pop("resource") == AUDIENCE)
        self.asked.append(dict(query))
        client = query.pop("client_id", None)
        require(not query)
        if client not in self.identities:
            raise Refused(400, "invalid_request", 0)
        return {"access_token": self.issue(TENANT, client or "system"), "expires_in": str(self.life),
                "expires_on": str(int(time.time()) + self.life), "resource": AUDIENCE, "token_type": "Bearer"}


def require(holds: bool) -> None:
    if not holds:
        raise Refused(400, "invalid_request", 900144)


def _encode(document: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decode_json(text: str) -> dict:
    return json.loads(_decode(text))
