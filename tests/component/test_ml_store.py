"""What the example pipeline does with blobs (examples/ml-pipeline/ml_pipeline/store.py), on Azurite: the source's version, a model
that is published once and never over a newer one's, and what is left of a run."""

import sys

import pytest
import yaml

from testing import paths

sys.path.insert(0, str(paths.ROOT / "examples/ml-pipeline"))

from ml_pipeline.errors import BadInput, StepError, Superseded  # noqa: E402
from ml_pipeline.store import Store, in_metadata  # noqa: E402

NAME = 'raw/weird {{name}} & "quotes" \'é\'.csv'
SOURCE = {"source_container": "datasets", "source_blob": in_metadata(NAME)}
FIRST = {**SOURCE, "source_etag": "0x1", "source_last_modified": "2026-01-01T00:00:00Z", "run": "uid-1", "accuracy": "0.9"}
SECOND = {**SOURCE, "source_etag": "0x2", "source_last_modified": "2026-01-01T00:00:05Z", "run": "uid-2"}


@pytest.fixture
def store(azurite, monkeypatch) -> Store:
    for name in ("CONNECTION_STRING", "SAS_TOKEN", "KEY"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_KEY", azurite.key)
    return Store.from_environment(azurite.account, azurite.endpoint)


def read(store, container, name, etag="") -> bytes:
    return b"".join(store.source(container, name, etag))


def model(azurite, container, name="m.h5") -> tuple[bytes, dict]:
    blob = azurite.service().get_blob_client(container, name)
    return blob.download_blob().readall(), blob.get_blob_properties().metadata


def test_the_very_version_is_read_and_no_other(store, azurite, container):
    first = azurite.upload(container, NAME, b"1")
    assert read(store, container, NAME, first) == b"1" == read(store, container, NAME)
    second = azurite.upload(container, NAME, b"2")
    with pytest.raises(Superseded, match="is not the version 0x"):
        read(store, container, NAME, first)
    assert read(store, container, NAME, second) == b"2"
    azurite.delete(container, NAME)
    with pytest.raises(Superseded):
        read(store, container, NAME, second)


def test_a_large_source_comes_in_pieces_and_whole(store, azurite, container):
    data = bytes(range(256)) * (140 << 10)  # 35 MiB: more than the first request of the SDK fetches
    etag = azurite.upload(container, "large.csv", data)
    pieces = list(store.source(container, "large.csv", etag))
    assert len(pieces) > 1 and b"".join(pieces) == data


def test_a_second_try_of_deploy_finds_the_model_of_the_first(store, azurite, container):
    assert store.publish(container, "m.h5", b"one", FIRST) is True
    assert store.publish(container, "m.h5", b"other", FIRST) is False
    assert model(azurite, container) == (b"one", FIRST)


def test_a_model_of_an_older_source_never_replaces_a_newer_ones(store, azurite, container):
    assert store.publish(container, "m.h5", b"two", SECOND) is True
    with pytest.raises(Superseded, match="newer version"):
        store.publish(container, "m.h5", b"one", FIRST)
    assert model(azurite, container) == (b"two", SECOND)


def test_a_model_of_a_newer_source_replaces_an_older_ones(store, azurite, container):
    store.publish(container, "m.h5", b"one", FIRST)
    assert store.publish(container, "m.h5", b"two", SECOND) is True
    assert model(azurite, container) == (b"two", SECOND)


def test_a_later_run_of_the_same_version_replaces_the_earlier_ones(store, azurite, container):
    store.publish(container, "m.h5", b"one", FIRST)
    assert store.publish(container, "m.h5", b"again", FIRST | {"run": "uid-3"}) is True
    assert model(azurite, container) == (b"again", FIRST | {"run": "uid-3"})


def test_without_a_version_it_is_put_there_anyway(store, azurite, container):
    store.publish(container, "m.h5", b"one", FIRST)
    by_hand = {**SOURCE, "run": "by-hand"}
    assert store.publish(container, "m.h5", b"two", by_hand) is True
    assert model(azurite, container) == (b"two", by_hand)


@pytest.mark.parametrize("theirs", [{"source_blob": in_metadata("raw/a/b.csv")}, {"source_container": "other"}])
def test_a_model_of_another_blob_is_never_replaced(store, azurite, container, theirs):
    """raw/a/b.csv and raw/a-b.csv lead to the same name. Neither a newer one goes over it, nor one by hand."""
    store.publish(container, "m.h5", b"theirs", FIRST | theirs)
    for mine in (SECOND, {**SOURCE, "run": "by-hand"}):
        with pytest.raises(BadInput, match="is of another blob, (datasets/raw/a/b.csv|other/raw/weird)") as error:
            store.publish(container, "m.h5", b"mine", mine)
        assert error.value.exit_code == 2
    assert model(azurite, container) == (b"theirs", FIRST | theirs)


def test_the_longest_name_fits_into_metadata_and_is_told_from_others(store, azurite, container):
    long, other = "raw/" + "数" * 1016 + ".csv", "raw/" + "数" * 1015 + "据.csv"
    store.publish(container, "m.h5", b"one", FIRST | {"source_blob": in_metadata(long)})
    assert store.publish(container, "m.h5", b"two", SECOND | {"source_blob": in_metadata(long)}) is True
    with pytest.raises(BadInput):
        store.publish(container, "m.h5", b"three", SECOND | {"source_blob": in_metadata(other), "run": "uid-3"})


@pytest.mark.parametrize("there", [b"", b"before"])
def test_who_writes_between_the_look_and_the_upload_is_seen(store, azurite, container, monkeypatch, there):
    """Two runs publish at once. Each looks, and the other's newer model comes before the upload: it stays."""
    from azure.storage.blob import BlobClient
    if there:
        azurite.upload(container, "m.h5", there)
    look, quick = BlobClient.get_blob_properties, []

    def look_and_be_overtaken(blob, **options):
        try:
            return look(blob, **options)
        finally:
            if not quick:
                quick.append(azurite.upload(container, "m.h5", b"two", metadata=SECOND))
    monkeypatch.setattr(BlobClient, "get_blob_properties", look_and_be_overtaken)
    with pytest.raises(Superseded):
        store.publish(container, "m.h5", b"one", FIRST)
    monkeypatch.undo()
    assert quick and model(azurite, container) == (b"two", SECOND)


def test_it_does_not_fight_for_ever(store, azurite, container, monkeypatch):
    from azure.storage.blob import BlobClient
    look = BlobClient.get_blob_properties

    def look_and_be_overtaken(blob, **options):
        try:
            return look(blob, **options)
        finally:
            azurite.upload(container, "m.h5", b"theirs", metadata=FIRST | {"run": "uid-9"})
    monkeypatch.setattr(BlobClient, "get_blob_properties", look_and_be_overtaken)
    with pytest.raises(StepError, match="all the time") as error:
        store.publish(container, "m.h5", b"two", SECOND)
    assert error.value.exit_code == 1


def test_what_a_run_left_goes_and_nothing_else(store, azurite, container):
    for name in ("uid-1/a", "uid-1/b/c", "uid-10/a", "uid-1"):
        store.save(container, name, b"x")
    assert store.remove_all(container, "uid-1/") == 2
    assert azurite.names(container) == ["uid-1", "uid-10/a"]
    assert store.remove_all(container, "uid-1/") == 0
    for prefix in ("", "/", "uid-1"):
        with pytest.raises(StepError, match="nothing is deleted"):
            store.remove_all(container, prefix)
    assert len(azurite.names(container)) == 2


def test_a_step_that_is_tried_again_writes_over_what_it_wrote(store, container):
    store.save(container, "uid/a", b"1")
    store.save(container, "uid/a", b"2")
    assert store.load(container, "uid/a") == b"2"
    with pytest.raises(StepError, match="an earlier step of this run should have written") as error:
        store.load(container, "uid/b")
    assert error.value.exit_code == 1


def test_every_kind_of_credential_does(azurite, container, monkeypatch):
    azurite.upload(container, "a", b"1")
    kinds = {"KEY": azurite.key, "SAS_TOKEN": "?" + azurite.account_sas("rwdlc"), "CONNECTION_STRING": azurite.connection_string}
    for kind, value in kinds.items():
        for name in kinds:
            monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
        monkeypatch.setenv(f"AZURE_STORAGE_{kind}", value)
        endpoint = "" if kind == "CONNECTION_STRING" else azurite.endpoint
        assert Store.from_environment(azurite.account, endpoint).load(container, "a") == b"1"


def steps_of_the_watcher() -> list[dict]:
    watcher = yaml.safe_load((paths.ROOT / "examples/azureblobwatcher.yaml").read_text())
    workflow = yaml.safe_load(watcher["spec"]["jobTemplate"]["template"])
    return [template for template in workflow["spec"]["templates"] if "container" in template]


def test_the_watchers_pods_take_a_key_a_sas_or_neither():
    """scripts/azure-setup.sh writes one of them; an absent one must not keep the Pod from starting."""
    expected = {name: {"secretKeyRef": {"name": "azure-storage-credentials", "key": key, "optional": True}}
                for name, key in (("AZURE_STORAGE_KEY", "accountKey"), ("AZURE_STORAGE_SAS_TOKEN", "sasToken"))}
    assert [{each["name"]: each["valueFrom"] for each in step["container"]["env"]}
            for step in steps_of_the_watcher()] == [expected] * 4


def test_a_step_is_tried_again_unless_its_exit_code_says_that_this_is_in_vain():
    in_vain = sorted(kind.exit_code for kind in StepError.__subclasses__())
    assert [step["retryStrategy"]["expression"] for step in steps_of_the_watcher()] == [
        f"asInt(lastRetry.exitCode) not in {in_vain}"] * 4
