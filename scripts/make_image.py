#!/usr/bin/env python3
"""Writes an OCI image of one layer by hand: busybox, its applets as links, and the few files a shell expects; or, with
--program, one statically linked program in /bin and no shell.

The archive can be imported with `ctr images import`. Nothing in it depends on the time or the machine, so the same
program always gives the same digest.
"""

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

BUSYBOX = "/bin/busybox"
FOLDERS = ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var", "var/run"]
FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


def entry(name: str, kind: bytes, mode: int, **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, 0
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def layer(program: Path | None) -> bytes:
    """Of `program` alone, or of busybox."""
    applets = []
    if not program:
        program = Path(BUSYBOX)
        applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    files = FILES | {f"bin/{program.name}": program.read_bytes()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in FOLDERS:
            tar.addfile(entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
        for name, data in files.items():
            mode = 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(entry(name, tarfile.REGTYPE, mode, size=len(data)), io.BytesIO(data))
        for name in sorted(set(applets) - {"busybox"}):
            tar.addfile(entry(f"bin/{name}", tarfile.SYMTYPE, 0o777, linkname=BUSYBOX))
    return out.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def described(media_type: str, data: bytes, **more) -> dict:
    return {"mediaType": "application/vnd.oci.image." + media_type, "digest": digest(data), "size": len(data), **more}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("reference", help="such as lab.local/busybox:1")
    parser.add_argument("--program", type=Path)
    parser.add_argument("--user", default="", help="whom it runs as, such as 65532:65532")
    parser.add_argument("--entrypoint", nargs="+", default=[])
    args = parser.parse_args()

    plain = layer(args.program)
    packed = gzip.compress(plain, 6, mtime=0)
    config = json.dumps({
        "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/bin"], "WorkingDir": "/", "User": args.user, "Entrypoint": args.entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
    }).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described("config.v1+json", config), "layers": [described("layer.v1.tar+gzip", packed)],
    }).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [described(
        "manifest.v1+json", manifest, platform={"architecture": "amd64", "os": "linux"},
        annotations={"io.containerd.image.name": args.reference,
                     "org.opencontainers.image.ref.name": args.reference.rsplit(":", 1)[1]})]}).encode()
    with tarfile.open(args.out, "w") as tar:
        members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
        members |= {"blobs/" + digest(data).replace(":", "/"): data for data in (config, packed, manifest)}
        for name, data in members.items():
            tar.addfile(entry(name, tarfile.REGTYPE, 0o644, size=len(data)), io.BytesIO(data))


if __name__ == "__main__":
    main()
