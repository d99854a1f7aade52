"""The container image: small, one program, nobody's shell."""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

CEILING = 5_000_000  # bytes, as a registry holds it


class Image:
    """An image in an OCI archive."""

    def __init__(self, archive: Path):
        with tarfile.open(archive) as tar:
            self.blobs = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
        index = json.loads(self.blobs["index.json"])
        manifest = json.loads(self.blob(index["manifests"][0]))
        self.config = json.loads(self.blob(manifest["config"]))
        self.size = sum(layer["size"] for layer in manifest["layers"])
        self.layers = [gzip.decompress(self.blob(layer)) for layer in manifest["layers"]]

    def blob(self, described: dict) -> bytes:
        return self.blobs["blobs/" + described["digest"].replace(":", "/")]

    def files(self) -> dict[str, tarfile.TarInfo]:
        return {"/" + member.name.strip("/"): member for layer in self.layers
                for member in tarfile.open(fileobj=io.BytesIO(layer)) if not member.isdir()}

    def read(self, path: str) -> bytes:
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                for member in tar:
                    if "/" + member.name.strip("/") == path:
                        return tar.extractfile(member).read()
        raise KeyError(path)


@pytest.fixture(scope="module")
def image() -> Image:
    if "IMAGE_ARCHIVE" not in os.environ:
        pytest.skip("a given cluster's image is in its registry")
    return Image(Path(os.environ["IMAGE_ARCHIVE"]))


def test_it_is_at_most_five_megabytes_compressed(image):
    assert image.size <= CEILING


def test_it_holds_the_program_and_the_certificate_authorities_and_nothing_else(image):
    assert sorted(image.files()) == ["/azure-blob-operator", "/etc/ssl/certs/ca-certificates.crt"]
    for path, member in image.files().items():
        assert member.isfile() and (member.uid, member.gid) == (0, 0), path
        assert not member.mode & 0o7022, f"{path} may be changed by others, or changes who runs it: {member.mode:o}"
    assert b"-----BEGIN CERTIFICATE-----" in image.read("/etc/ssl/certs/ca-certificates.crt")


def test_it_runs_the_operator_as_a_numbered_user_that_is_not_root(image):
    config = image.config["config"]
    assert config["User"] == "65532:65532"
    assert (config["Entrypoint"], config["Cmd"]) == (["/azure-blob-operator"], ["run"])


def test_its_labels_say_what_it_is(image):
    labels = image.config["config"]["Labels"]
    about = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert about["title"] == "azure-blob-operator" and about["licenses"] == "MIT"
    assert about["version"] not in ("", "unknown") and about["revision"] not in ("", "unknown")
