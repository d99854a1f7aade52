"""Blobs, as the steps need them: the source of one version, the run's own intermediate blobs, and the published model.

The credential comes from the environment, never from an argument: AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or
AZURE_STORAGE_SAS_TOKEN, else workload identity or whatever azure-identity finds.
"""

import hashlib
import os
import urllib.parse
from collections.abc import Iterator

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings

from .errors import BadInput, StepError, Superseded

# The oldest that all of this needs, so that emulators and sovereign clouds which are behind will do.
API_VERSION = "2021-12-02"
SOURCE = ("source_container", "source_blob")  # of a published blob's metadata: what it was made from
MAX_NAME = 2_000  # of a source in metadata, which Azure limits to 8 KiB in all


def in_metadata(blob_name: str) -> str:
    """A name as metadata, which is ASCII: percent-encoded, or the hash of one that is too long (no encoding has a colon)."""
    encoded = urllib.parse.quote(blob_name)
    return encoded if len(encoded) <= MAX_NAME else "sha256:" + hashlib.sha256(blob_name.encode()).hexdigest()


def _other_source(theirs: dict[str, str], ours: dict[str, str]) -> str:
    """CONTAINER/NAME of what theirs was made from, where that is another; "" otherwise, or when it does not say."""
    said = [theirs.get(key, ours[key]) for key in SOURCE]
    return "" if said == [ours[key] for key in SOURCE] else "/".join(said)


class Store:
    def __init__(self, service: BlobServiceClient):
        self._service = service

    @classmethod
    def from_environment(cls, account: str, endpoint: str = "") -> "Store":
        """StepError in a Pod without any, where azure-identity would name everything but the Secret."""
        endpoint = endpoint or f"https://{account}.blob.core.windows.net"
        if text := os.environ.get("AZURE_STORAGE_CONNECTION_STRING"):
            return cls(BlobServiceClient.from_connection_string(text, api_version=API_VERSION))
        if key := os.environ.get("AZURE_STORAGE_KEY"):
            credential = {"account_name": account, "account_key": key}
        elif token := os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
            credential = token.lstrip("?")
        elif "KUBERNETES_SERVICE_HOST" in os.environ and not os.environ.get("AZURE_CLIENT_ID"):
            raise StepError("there is no credential: the Secret has neither accountKey nor sasToken (AZURE_STORAGE_KEY, "
                            "AZURE_STORAGE_SAS_TOKEN), and the Pod has no workload identity (AZURE_CLIENT_ID)")
        else:
            from azure.identity import DefaultAzureCredential  # slow to import, and seldom needed
            credential = DefaultAzureCredential()
        return cls(BlobServiceClient(endpoint, credential=credential, api_version=API_VERSION))

    def source(self, container: str, name: str, etag: str) -> Iterator[bytes]:
        """The bytes of this very version, in pieces. Superseded when it is not there any more."""
        condition = {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified} if etag else {}
        try:
            yield from self._service.get_blob_client(container, name).download_blob(**condition).chunks()
        except (ResourceModifiedError, ResourceNotFoundError) as gone:
            raise Superseded(f"{container}/{name} is not the version {etag} any more: it was overwritten or deleted since; "
                             "a new version starts a Workflow of its own") from gone

    def find(self, container: str, name: str) -> bytes | None:
        try:
            return self._service.get_blob_client(container, name).download_blob().readall()
        except ResourceNotFoundError:
            return None

    def load(self, container: str, name: str) -> bytes:
        if (found := self.find(container, name)) is None:
            raise StepError(f"{container}/{name} is missing, which an earlier step of this run should have written")
        return found

    def save(self, container: str, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Over an older one: a step that is tried again writes the same once more."""
        self._service.get_blob_client(container, name).upload_blob(
            data, overwrite=True, content_settings=ContentSettings(content_type=content_type))

    def remove_all(self, container: str, prefix: str) -> int:
        """Every blob below a prefix; how many there were. One that is gone already is no error."""
        if not prefix.endswith("/") or len(prefix) < 2:
            raise StepError(f"{prefix!r} is no folder of a run; nothing is deleted")
        client, count = self._service.get_container_client(container), 0
        for blob in client.list_blob_names(name_starts_with=prefix):
            try:
                client.delete_blob(blob)
                count += 1
            except ResourceNotFoundError:
                pass
        return count

    def publish(self, container: str, name: str, data: bytes, metadata: dict[str, str],
                content_type: str = "application/x-hdf5") -> bool:
        """Puts a model, or what belongs to it, where people look for it; False when this very run has put it there already.

        Never over the model of another source: raw/a/b.csv and raw/a-b.csv lead to the same name. Never over that of a newer
        version: two runs for the same blob may end in any order, told apart by source_last_modified (RFC 3339, so texts
        compare as times do). A later run of the same version, as a replay starts it after the pipeline was mended, goes over
        the earlier one's; so does one by hand, without source_last_modified.
        """
        blob = self._service.get_blob_client(container, name)
        settings = ContentSettings(content_type=content_type)
        for _ in range(5):
            try:
                there = blob.get_blob_properties()
            except ResourceNotFoundError:
                there = None
            modified = metadata.get("source_last_modified")
            if there and there.metadata.get("run") == metadata["run"]:
                return False
            if there and (other := _other_source(there.metadata, metadata)):
                raise BadInput(f"{container}/{name} is of another blob, {other}, whose name leads to the same; rename "
                               "one of the two, or delete what is there")
            if there and modified and there.metadata.get("source_last_modified", "") > modified:
                raise Superseded(f"{container}/{name} was made from a newer version of the source")
            condition = {"etag": there.etag, "match_condition": MatchConditions.IfNotModified} if there else {}
            try:
                blob.upload_blob(data, overwrite=there is not None, metadata=metadata, content_settings=settings, **condition)
                return True
            except (ResourceExistsError, ResourceModifiedError):
                continue  # somebody was quicker: look again
        raise StepError(f"{container}/{name} is written by others all the time")
