"""`preview` and what else the command line is as a product: on a real API server and Azurite, on a blob service that
misbehaves, on a hundred thousand blobs, and in real shells.
"""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest
import yaml

from conftest import JOB
from scene import WATCHER
from testing import paths
from testing.azurite import KEY
from testing.hostile_blob_service import (HostileBlobService, RepeatMarker, ResetMidBody, ShortPages, Silence, SlowBytes,
                                          Status)
from testing.kube import wait_until

CREDENTIALS = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN")


def surroundings(**env: str) -> dict:
    """An environment without anything of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AZURE_", "KUBE")) and name != "HOME"}
    return {**kept, "HOME": "/nonexistent", **env}


def command(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess:
    return subprocess.run([paths.operator_binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          input=stdin, env=surroundings(**env))


def manifest(**spec) -> str:
    template = {"kind": "Job", "template": json.dumps(JOB)}
    return yaml.safe_dump({"apiVersion": "mlops.example.com/v1alpha1", "kind": WATCHER,
                           "metadata": {"name": "w", "namespace": "ml"}, "spec": {"jobTemplate": template, **spec}})


def verdicts(done: subprocess.CompletedProcess) -> dict:
    return {blob["name"]: blob["verdict"] for blob in json.loads(done.stdout)["blobs"]}


# A watcher of the cluster

@pytest.fixture
def look(bed, azurite, namespace):
    """look("w", ...) previews a watcher of the test's namespace as JSON."""
    def run(name: str, *flags: str, **env: str) -> subprocess.CompletedProcess:
        return command("preview", "-n", namespace, name, "--kubeconfig", bed.kubeconfig, "--allowed-endpoint",
                       azurite.origin, "-o", "json", *flags, **env)
    return run


def test_it_says_what_the_operator_then_does(scene, look, operator):
    scene.upload("raw/a.csv", "raw/notes.txt", "raw/a.tmp.csv")
    scene.watch(suspend=True, blobPattern=r"\.csv$", blobExcludePattern=r"\.tmp\.")
    before = look("w")
    assert (before.returncode, before.stderr) == (0, "")
    assert verdicts(before) == {"raw/a.csv": "WouldTrigger", "raw/notes.txt": "PatternDoesNotMatch",
                                "raw/a.tmp.csv": "Excluded"}
    assert any("suspended" in note for note in json.loads(before.stdout)["notes"])
    foretold = [blob["resource"]["name"] for blob in json.loads(before.stdout)["blobs"] if "resource" in blob]
    scene.change(suspend=None)
    scene.settles_with("raw/a.csv")
    assert foretold == ["process-raw-a.csv"]
    assert foretold[0] in [job["metadata"]["name"] for job in scene.resources()]
    after = verdicts(look("w"))
    assert after["raw/a.csv"] == "AlreadyHandled"
    assert "WouldTrigger" not in after.values()


@pytest.fixture
def no_operator(shared_operator):
    """None runs, so that whatever happens is preview's doing."""
    shared_operator.stop()


def test_it_creates_nothing_and_writes_nothing(no_operator, scene, look):
    scene.upload("a.csv")
    scene.watch()
    stored = scene.stored()
    assert verdicts(look("w")) == {"a.csv": "WouldTrigger"}
    assert scene.resources() == [] and scene.stored() == stored


def test_a_watcher_that_is_not_there_is_said(look, namespace):
    done = look("nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no AzureBlobWatcher nobody" in done.stderr and namespace in done.stderr


def test_a_missing_secret_is_said_and_the_environment_takes_its_place(no_operator, scene, look, azurite):
    scene.upload("a.csv")
    scene.watch(credentials=False)
    done = look("w")
    assert done.returncode == 1
    assert "SecretNotFound" in done.stderr and "AZURE_STORAGE_KEY" in done.stderr
    assert verdicts(look("w", AZURE_STORAGE_KEY=azurite.key)) == {"a.csv": "WouldTrigger"}


def test_a_folder_of_a_watchers_name_is_not_taken_for_it(no_operator, scene, look, tmp_path, monkeypatch):
    scene.upload("a.csv")
    scene.watch()
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path)
    assert verdicts(look("w")) == {"a.csv": "WouldTrigger"}


def test_an_endpoint_that_nobody_allowed_gets_no_credential(bed, scene, namespace):
    scene.watch()
    done = command("preview", f"{namespace}/w", "--kubeconfig", bed.kubeconfig)
    assert done.returncode == 1
    assert "--allowed-endpoint http://" in done.stderr


# A file

def test_a_file_needs_no_cluster(azurite, container, scene):
    scene.upload("a.csv", "b.txt")
    spec = {"storageAccount": azurite.account, "endpoint": azurite.endpoint, "containerName": container,
            "credentialsSecret": "azure", "blobPattern": "csv$"}
    flags = ["--allowed-endpoint", azurite.origin]
    done = command("preview", "-", *flags, stdin=manifest(**spec), AZURE_STORAGE_KEY=azurite.key)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^a\.csv +8 .*would trigger -> process-a\.csv$", done.stdout, re.M)
    assert re.search(r"^b\.txt +8 .*rejected: blobPattern$", done.stdout, re.M)
    assert re.search(r"^polling +1 list call a poll, a poll every 60 s: 43,200 list calls in 30 days$", done.stdout, re.M)
    connection = f"AccountName={azurite.account};AccountKey={azurite.key};BlobEndpoint={azurite.endpoint}"
    for env in ({"AZURE_STORAGE_CONNECTION_STRING": connection}, {"AZURE_STORAGE_KEY": azurite.key}):
        done = command("preview", "-", *flags, "-o", "yaml", stdin=manifest(**spec), **env)
        assert yaml.safe_load(done.stdout)["credential"] == next(iter(env))


def test_without_any_credential_it_says_what_to_set():
    spec = {"storageAccount": "acct", "containerName": "data", "credentialsSecret": "azure"}
    done = command("preview", "-", stdin=manifest(**spec))
    assert done.returncode == 1
    assert all(name in done.stderr for name in CREDENTIALS)


def test_a_wrong_file_is_refused_with_its_line():
    done = command("preview", "-", stdin=manifest(storageAccount="acct", containerName="data", blobPattern="["))
    assert done.returncode == 1
    assert re.search(r"stdin:\d+: spec\.blobPattern", done.stderr)


@pytest.mark.parametrize("arguments", [[], ["no-such.yaml"], ["A_B"], ["x", "-o", "xml"], ["x", "--only", "some"],
                                       ["a/b", "-n", "c"], ["x", "--limit", "-1"], ["x", "--allowed-endpoint", "y"],
                                       ["x", "--kubeconfig", "/no/such/file"]], ids=" ".join)
def test_a_wrong_call_is_refused(arguments):
    done = command("preview", *arguments)
    assert done.returncode == 2
    assert done.stderr.strip() and done.stdout == ""


def test_a_wrong_credential_is_not_repeated(azurite, container):
    spec = {"storageAccount": azurite.account, "endpoint": azurite.endpoint, "containerName": container,
            "credentialsSecret": "azure"}
    for key in ("not base64!", "QUJDREVGR0hJSktMTU5PUA=="):
        done = command("preview", "-", "--allowed-endpoint", azurite.origin, stdin=manifest(**spec), AZURE_STORAGE_KEY=key)
        assert done.returncode == 1
        assert key not in done.stderr + done.stdout
    assert "AuthenticationFailed" in done.stderr


# A service that misbehaves

@pytest.fixture
def service():
    with HostileBlobService({"hostile": KEY}) as service:
        service.create_container("hostile", "data")
        for number in range(30):
            service.put("data", f"{number:02}.csv")
        service.page_size_limit = 10
        yield service


def hostile(service, *flags: str, **env: str):
    spec = {"storageAccount": "hostile", "endpoint": service.endpoint("hostile"), "containerName": "data",
            "credentialsSecret": "azure"}
    return command("preview", "-", "--allowed-endpoint", service.origin, *flags, stdin=manifest(**spec),
                   AZURE_STORAGE_KEY=KEY, **env)


@pytest.mark.parametrize("fault", [ResetMidBody(300), Status(503), ShortPages(3)], ids=lambda fault: type(fault).__name__)
def test_pages_that_come_again_are_counted_once(service, fault):
    service.inject(fault, container="data", page=2)
    done = hostile(service, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["summary"]["listed"] == 30
    assert len(set(verdicts(done))) == 30


def test_a_listing_that_fails_is_an_error_and_no_result(service):
    service.inject(RepeatMarker(), container="data", page=2)
    done = hostile(service)
    assert (done.returncode, done.stdout) == (1, "")
    assert "InvalidResponse" in done.stderr


def test_each_page_is_a_list_call_and_has_a_price(service):
    polling = json.loads(hostile(service, "-o", "json", "--price-per-10k", "0.5").stdout)["polling"]
    assert polling == {"intervalSeconds": 60, "listCallsPerPoll": 3, "listCallsPerMonth": 129_600, "pricePerMonth": 6.48}


def test_limit_and_only_choose_rows_and_flags_may_be_variables(service):
    done = hostile(service, "--limit", "5", "-o", "json")
    assert (len(verdicts(done)), json.loads(done.stdout)["notShown"]) == (5, 25)
    assert len(verdicts(hostile(service, "--limit", "0", "-o", "json"))) == 30
    assert verdicts(hostile(service, "--only", "rejected", "-o", "json")) == {}
    assert len(verdicts(hostile(service, "-o", "json", AZURE_BLOB_OPERATOR_PREVIEW_LIMIT="7"))) == 7


def test_ctrl_c_ends_it_with_what_was_seen(service, tmp_path):
    third = service.inject(Silence(), container="data", page=3, times=None)
    file = tmp_path / "w.yaml"
    file.write_text(manifest(storageAccount="hostile", endpoint=service.endpoint("hostile"), containerName="data",
                             credentialsSecret="azure"))
    process = subprocess.Popen([paths.operator_binary(), "preview", file, "--allowed-endpoint", service.origin, "-o", "json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=surroundings(AZURE_STORAGE_KEY=KEY))
    wait_until(lambda: third.hits, bool, what="it asks for the third page, so that it has read two")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "")
    seen = json.loads(out)
    assert (seen["complete"], seen["summary"]["listed"]) == (False, 20)


# On a terminal, and in bulk

@contextlib.contextmanager
def list_server(bed, label: str, blobs: int):
    binary = paths.operator_binary().parent / "tests/testing/list_server/list-only-server"
    log = bed.logs / f"list-{label}.log"
    process = bed.run.spawn(f"list-{label}", [binary, "--blobs", blobs, "--blob-bytes", "300"])
    port = wait_until(lambda: log.read_text().strip() if log.exists() else "", str.isdigit, what="the list server's port")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop(0)


def peak_of(origin: str, file, *flags: str) -> tuple[int, dict]:
    """The most memory it held, in KiB, and what it said."""
    process = subprocess.Popen([paths.operator_binary(), "preview", file, "--allowed-endpoint", origin, "-o", "json", *flags],
                               stdout=subprocess.PIPE, env=surroundings())
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss, json.loads(out)


def test_memory_does_not_grow_with_the_container(bed, label, tmp_path):
    file = tmp_path / "w.yaml"
    peaks = []
    for blobs in (5_000, 100_000):
        with list_server(bed, f"{label}-{blobs}", blobs) as origin:
            file.write_text(manifest(storageAccount="synthetic", endpoint=origin, containerName="data", blobPattern="7$"))
            peak, seen = peak_of(origin, file)
            assert (seen["summary"]["listed"], len(seen["blobs"])) == (blobs, 100)
            peaks.append(peak)
    assert peaks[1] - peaks[0] <= 4096, peaks
    with list_server(bed, f"{label}-held", 5_000) as origin:
        file.write_text(manifest(storageAccount="synthetic", endpoint=origin, containerName="data"))
        assert peak_of(origin, file)[1]["summary"]["holds"]


def test_a_terminal_sees_progress_and_a_pipe_does_not(service, tmp_path):
    service.inject(SlowBytes(2_000, 250), container="data", times=None)
    file = tmp_path / "w.yaml"
    file.write_text(manifest(storageAccount="hostile", endpoint=service.endpoint("hostile"), containerName="data",
                             credentialsSecret="azure"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([paths.operator_binary(), "preview", file, "--allowed-endpoint", service.origin],
                               stdout=subprocess.PIPE, stderr=theirs, text=True,
                               env=surroundings(AZURE_STORAGE_KEY=KEY, TERM="xterm"))
    os.close(theirs)
    told = read_terminal(ours)
    assert process.wait(20) == 0
    assert re.search(r"\d+ blobs in \d+ pages, [\d,]+ blobs/s", told)
    assert told.endswith("\r\x1b[K")  # wiped
    assert "\x1b" not in process.stdout.read()


def read_terminal(descriptor: int, timeout: float = 20) -> str:
    """Until the other side is closed."""
    told, end = b"", time.monotonic() + timeout
    while time.monotonic() < end:
        if not select.select([descriptor], [], [], 0.1)[0]:
            continue
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            break
        if not chunk:
            break
        told += chunk
    os.close(descriptor)
    return told.decode()


# Help, manual page, completion

COMMANDS = ["run", "validate", "render", "preview", "completion", "man", "version"]


def test_the_manual_page_is_clean():
    page = command("man").stdout
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-b"], input=page, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    read = re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout)
    assert all(command in read for command in COMMANDS)
    assert "--price-per-10k" in read and "AZURE_BLOB_OPERATOR_SETTLE_MARGIN" in read


def bash_offers(line: str, folder) -> set:
    """What bash puts there when Tab is pressed behind `line`."""
    words = line.split(" ")
    script = f"""
        source <({paths.operator_binary()} completion bash)
        COMP_WORDS=({' '.join(word.replace('=', ' = ') if '=' in word else repr(word) for word in words)})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p azure-blob-operator | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-uc", script], capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return set(done.stdout.split("\n")) - {""}


def test_bash_completes_commands_flags_values_and_files(tmp_path):
    (tmp_path / "my watcher.yaml").touch()
    assert bash_offers("azure-blob-operator ", tmp_path) >= set(COMMANDS) | {"--help", "--version"}
    assert bash_offers("azure-blob-operator pre", tmp_path) == {"preview"}
    assert bash_offers("azure-blob-operator run --log-level ", tmp_path) == {"debug", "info", "warn", "error"}
    assert bash_offers("azure-blob-operator run --leader-", tmp_path) == {"--leader-elect", "--leader-election-namespace"}
    assert bash_offers("azure-blob-operator preview -o ", tmp_path) == {"table", "json", "yaml"}
    assert bash_offers("azure-blob-operator preview --only=re", tmp_path) == {"rejected"}
    assert bash_offers("azure-blob-operator preview m", tmp_path) == {"my watcher.yaml"}
    assert bash_offers("azure-blob-operator run --kubeconfig m", tmp_path) == {"my watcher.yaml"}
    assert bash_offers("azure-blob-operator run --context ", tmp_path) == set()
    assert bash_offers("azure-blob-operator completion ", tmp_path) == {"bash", "zsh", "fish"}


def test_fish_completes_commands_flags_and_values(tmp_path):
    def offers(line: str) -> set:
        script = f"{paths.operator_binary()} completion fish | source; complete -C {line!r}"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, cwd=tmp_path,
                              env={**os.environ, "HOME": str(tmp_path)})
        assert (done.returncode, done.stderr) == (0, "")
        return {each.split("\t")[0] for each in done.stdout.splitlines()}
    assert offers("azure-blob-operator ") == set(COMMANDS)
    assert offers("azure-blob-operator run --log-level ") == {"debug", "info", "warn", "error"}
    assert offers("azure-blob-operator preview --only re") == {"rejected"}
    assert "--leader-elect" in offers("azure-blob-operator run --leader")


def test_zsh_completes_commands_flags_and_values(tmp_path):
    def offered(line: str, *expected: str) -> None:
        """Tab is pressed twice behind `line`, and the terminal shows all of them."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path,
                                   env={**os.environ, "HOME": str(tmp_path), "TERM": "dumb", "PS1": "> "},
                                   start_new_session=True)
        os.close(theirs)
        setup = f"autoload -U compinit; compinit -u -D; source <({paths.operator_binary()} completion zsh); echo rea''dy\n"
        os.write(ours, setup.encode())
        read_until(ours, "ready\r\n")
        os.write(ours, f"{line}\t\t".encode())
        read_until(ours, *expected)
        os.close(ours)
        process.wait(10)
    offered("azure-blob-operator ", *COMMANDS)
    offered("azure-blob-operator run --log-level ", "debug", "info", "warn", "error")
    offered("azure-blob-operator run --leader-", "--leader-elect", "--leader-election-namespace")


def read_until(descriptor: int, *expected: str) -> None:
    told = ""
    while not all(text in told for text in expected):
        assert select.select([descriptor], [], [], 20)[0], (told, expected)
        told += os.read(descriptor, 4096).decode(errors="replace")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_comes_with_examples(name):
    done = command(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"azure-blob-operator {name}" in done.stdout
    assert name == "version" or "\nExamples:\n" in done.stdout


def test_versions_and_names_come_as_data():
    assert json.loads(command("version", "-o", "json").stdout)["version"]
    example = paths.ROOT / "examples/basic-job.yaml"
    table = command("render", example, "--blob", "processed/a.csv", "-o", "table").stdout.splitlines()
    assert table[0].split() == ["APIVERSION", "KIND", "NAMESPACE", "NAME"] and table[1].endswith("processed-a.csv")
    assert yaml.safe_load(command("validate", example, "-o", "yaml").stdout)["errors"] == 0
