"""Azurite, Microsoft's emulator of Blob Storage, for one test session, and the credentials for it.

Uploads go through Microsoft's own SDK; shared access signatures are signed here by hand after the documentation, since
the SDK's newest form is unknown to Azurite. Both check the operator's signing from outside.
"""

import base64
import datetime
import hashlib
import hmac
import os
import re
import signal
import urllib.parse
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient

from . import paths
from .kube import wait_until
from .processes import Process, Run

SERVICE_VERSION = "2021-12-02"
ACCOUNT = "devstoreaccount1"
# Azurite's published development key: a secret of nobody.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """A blob service on a free port of `host`; it lives and dies with `run` (a bed's, or its own)."""

    def __init__(self, run: Run, host: str = "127.0.0.1", accounts: dict[str, str] | None = None,
                 location: Path | None = None, tls: tuple[Path, Path, Path] | None = None, name: str = "azurite"):
        """accounts: name to key; the first is used. location: keep the blobs there, so that a restart finds them.
        tls: certificate, key and authority; then it speaks https alone and takes bearer tokens too."""
        self.run, self.host, self.location, self.tls, self.name = run, host, location, tls, name
        self.accounts = accounts or {ACCOUNT: KEY}
        self.account, self.key = next(iter(self.accounts.items()))
        self.port = 0
        self.process: Process | None = None

    def start(self) -> "Azurite":
        log = self.run.logs / f"{self.name}.log"
        begin = log.stat().st_size if log.exists() else 0
        storage = ["--location", self.location] if self.location else ["--inMemoryPersistence"]
        tls = ["--oauth", "basic", "--cert", self.tls[0], "--key", self.tls[1]] if self.tls else []
        script = paths.AZURITE / "node_modules/azurite/dist/src/blob/main.js"
        self.process = self.run.spawn(self.name, [
            "node", script, "--blobHost", self.host, "--blobPort", self.port, "--silent", "--disableTelemetry",
            "--skipApiVersionCheck", *tls, *storage], env=self._environment())

        def listening():
            return re.search(r"listens on https?://[^\s:]+:(\d+)", log.read_bytes()[begin:].decode())

        wait_until(lambda: listening() or (not self.process.alive() and "ended"), bool, 90, f"Azurite up, see {log}")
        if not listening():
            raise RuntimeError(f"Azurite did not start\n{self.run.log_tail(self.name)}")
        self.port = int(listening()[1])
        return self

    def _environment(self) -> dict:
        accounts = ";".join(f"{name}:{key}" for name, key in self.accounts.items())
        return {**os.environ, "AZURITE_ACCOUNTS": accounts}

    def stop(self) -> None:
        """Ends it; with a location a later start() has the same port and blobs."""
        self.process.stop(10)

    def freeze(self) -> None:
        """Connections are taken, and nobody answers."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.signal(signal.SIGCONT)

    # Addresses and credentials

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/{self.account}"

    @property
    def connection_string(self) -> str:
        return (f"DefaultEndpointsProtocol={urllib.parse.urlsplit(self.origin).scheme};AccountName={self.account};AccountKey={self.key};"
                f"BlobEndpoint={self.endpoint};")

    def account_sas(self, permissions: str = "rl", expires_in: float = 3600, resources: str = "sco") -> str:
        """An account SAS for the blob service, without `?`. Negative `expires_in`: expired already."""
        start, end = _window(expires_in)
        signed = [self.account, permissions, "b", resources, start, end, "", "http,https", SERVICE_VERSION, "", ""]
        return self._sas("\n".join(signed), sv=SERVICE_VERSION, ss="b", srt=resources, sp=permissions, st=start,
                         se=end, spr="http,https")

    def container_sas(self, container: str, permissions: str = "rl", expires_in: float = 3600) -> str:
        """A service SAS for one container, without `?`; permissions "r" is one that cannot list."""
        start, end = _window(expires_in)
        resource = f"/blob/{self.account}/{container}"
        signed = [permissions, start, end, resource, "", "", "", SERVICE_VERSION, "c", "", "", "", "", "", "", ""]
        return self._sas("\n".join(signed), sv=SERVICE_VERSION, sr="c", sp=permissions, st=start, se=end)

    def _sas(self, signed: str, **parameters: str) -> str:
        signature = hmac.new(base64.b64decode(self.key), signed.encode(), hashlib.sha256).digest()
        return urllib.parse.urlencode({**parameters, "sig": base64.b64encode(signature).decode()})

    # Blobs

    def service(self) -> BlobServiceClient:
        # The account by name: the SDK finds it in a path-style URL of the loopback address only.
        credential = {"account_name": self.account, "account_key": self.key}
        trust = {"connection_verify": str(self.tls[2])} if self.tls else {}
        return BlobServiceClient(self.endpoint, credential=credential, api_version=SERVICE_VERSION, **trust)

    def container(self, name: str) -> ContainerClient:
        """A container, made when it does not exist."""
        client = self.service().get_container_client(name)
        try:
            client.create_container()
        except ResourceExistsError:
            pass
        return client

    def delete_container(self, name: str) -> None:
        self.service().delete_container(name)

    def upload(self, container: str, name: str, data: bytes | str = b"a,b\n1,2\n", **options) -> str:
        """Writes a blob, over an older one too; its ETag without quotes."""
        answer = self.service().get_blob_client(container, name).upload_blob(data, overwrite=True, **options)
        return answer["etag"].strip('"')

    def delete(self, container: str, name: str) -> None:
        self.service().get_blob_client(container, name).delete_blob()

    def names(self, container: str) -> list[str]:
        return list(self.service().get_container_client(container).list_blob_names())


def _window(expires_in: float) -> tuple[str, str]:
    """From a while ago until `expires_in` seconds from now, as a SAS writes times."""
    now = datetime.datetime.now(datetime.timezone.utc)
    times = now - datetime.timedelta(days=2), now + datetime.timedelta(seconds=expires_in)
    return tuple(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in times)
