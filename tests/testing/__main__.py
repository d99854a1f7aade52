"""The test bed by hand, to look around in.

    scripts/bed up api|node     a Kubernetes API server (or a one-node cluster: root) with Azurite, left running
    scripts/bed env             the environment of what runs: eval "$(scripts/bed env)"
    scripts/bed put CONTAINER NAME [FILE]   uploads a blob to it, and makes the container when it is not there
    scripts/bed list            what runs
    scripts/bed down [NAME]     stops it: all that was left running, or one run
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from . import paths, teardown
from .azurite import SERVICE_VERSION, Azurite
from .bed import ApiBed, BedError, NodeBed


def up(kind: str) -> None:
    began = time.monotonic()
    bed = (NodeBed if kind == "node" else ApiBed)(keep=True).start()
    try:
        azurite = Azurite(bed.run, bed.host).start()
        if paths.CRD.exists():
            bed.kube.install_crd(paths.CRD)
        remember(bed.run.folder, bed.kubeconfig, azurite)
    except BaseException:
        bed.stop()
        raise
    print(f"# up after {time.monotonic() - began:.1f} s: {bed.run.folder}; scripts/bed down stops it", file=sys.stderr)
    env()


def remember(folder: Path, kubeconfig: Path | None, azurite: Azurite) -> None:
    """Writes what `env` prints beside the run's state."""
    own_cluster = {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
    (folder / "env.json").write_text(json.dumps({
        **own_cluster, "PATH": f"{paths.KUBE}:$PATH",
        "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string, "ABO_BLOB_ORIGIN": azurite.origin}))


def kept() -> list[Path]:
    return [folder for folder in teardown.runs() if json.loads((folder / "state.json").read_text())["keep"]]


def newest() -> dict:
    known = [folder / "env.json" for folder in kept() if (folder / "env.json").exists()]
    if not known:
        sys.exit("nothing is up: scripts/bed up api|node")
    return json.loads(max(known, key=lambda file: file.stat().st_mtime).read_text())


def env() -> None:
    """The newest run's variables, for a shell's eval."""
    for name, value in newest().items():
        print(f'export {name}="{value}"')


def put(container: str, name: str, file: Path | None) -> None:
    service = BlobServiceClient.from_connection_string(newest()["AZURE_STORAGE_CONNECTION_STRING"],
                                                       api_version=SERVICE_VERSION)
    with contextlib.suppress(ResourceExistsError):
        service.create_container(container)
    service.get_blob_client(container, name).upload_blob(file.read_bytes() if file else b"", overwrite=True)


def show() -> None:
    for folder in teardown.runs():
        state = json.loads((folder / "state.json").read_text())
        print(f"{folder.name}  {'kept' if state['keep'] else 'of process %d' % state['owner'][0]}  {folder}")


def down(name: str | None) -> None:
    """Only what was left running on purpose, or by an owner that died: never another session's bed."""
    found = [folder for folder in kept() if name in (None, folder.name)]
    if name and not found:
        sys.exit(f"no run {name} was left running: see scripts/bed list")
    for folder in found:
        teardown.tear_down(folder)
        print(f"stopped {folder.name}; its logs stay in {folder / 'logs'}")
    teardown.clean_up_abandoned("api")
    teardown.clean_up_abandoned("node")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bed", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|env|put|list|down")
    commands.add_parser("up").add_argument("kind", choices=["api", "node"])
    commands.add_parser("env")
    upload = commands.add_parser("put")
    upload.add_argument("container")
    upload.add_argument("name")
    upload.add_argument("file", nargs="?", type=Path)
    commands.add_parser("list")
    commands.add_parser("down").add_argument("name", nargs="?")
    args = parser.parse_args()
    try:
        {"up": lambda: up(args.kind), "env": env, "list": show,
         "put": lambda: put(args.container, args.name, args.file), "down": lambda: down(args.name)}[args.command]()
    except BedError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
