"""scripts/azure-setup.sh as a test runs it: on a machine of its own, with a stand-in for `az` and the real kubectl."""

import base64
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from testing import paths

HERE = Path(__file__).resolve().parent
SCRIPT = paths.ROOT / "scripts/azure-setup.sh"
BASH = shutil.which("bash")
SECRET = "azure-storage-credentials"
# Makes a note of the call, and is kubectl.
KUBECTL = """#!{bash}
printf '%s\\n' "$(IFS=$'\\x1f'; printf '%s' "kubectl${{IFS:0:1}}$*")" >>"$AZ_STAND_IN_KUBECTL_CALLS"
exec {kubectl} "$@"
"""


@dataclasses.dataclass
class Ran:
    code: int
    out: str
    err: str
    az: list[list[str]]
    kubectl: list[list[str]]

    @property
    def order(self) -> list[str]:
        """The az calls in order, each with the thing it is about, without the options."""
        names = {"--name", "--account-name"}
        return [" ".join([word for word in call[1:] if not word.startswith("-")][:count_words(call)] +
                         [call[n + 1] for n, word in enumerate(call) if word in names]) for call in self.az]

    @property
    def changes(self) -> list[list[str]]:
        applied = [call for call in self.kubectl if "apply" in call and "--dry-run=server" not in call]
        return [call for call in self.az if "create" in call] + applied


def count_words(call: list[str]) -> int:
    return next(n for n, word in enumerate(call[1:]) if word.startswith("-"))


class Setup:
    """The script on a machine that has bash, date, and what the test leaves of az and kubectl."""

    def __init__(self, folder: Path, kubeconfig: Path, azurite, namespace: str):
        self.folder, self.azurite, self.namespace = folder, azurite, namespace
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "date").symlink_to(shutil.which("date"))
        self.tool("az", f"#!{BASH}\nexec {sys.executable} {HERE / 'az_stand_in.py'} \"$@\"\n")
        self.tool("kubectl", KUBECTL.format(bash=BASH, kubectl=paths.KUBE / "kubectl"))
        self.cloud = folder / "cloud.json"
        self.state(signed_in=True, groups={}, accounts={}, taken=[], identities={}, broken=[])
        self.env = {
            "PATH": str(self.bin), "HOME": str(folder), "LANG": os.environ.get("LANG", "C.UTF-8"), "KUBECONFIG": str(kubeconfig),
            "AZ_STAND_IN_CLOUD": str(self.cloud), "AZ_STAND_IN_KEY": azurite.key, "AZ_STAND_IN_PORT": str(azurite.port)}

    def tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def state(self, **changes) -> dict:
        now = json.loads(self.cloud.read_text()) if self.cloud.exists() else {}
        self.cloud.write_text(json.dumps({**now, **changes}))
        return {**now, **changes}

    def bare(self, *arguments: str, trace: bool = False, env: dict | None = None, script: Path = SCRIPT) -> Ran:
        az, kubectl = self.folder / "az", self.folder / "kubectl"
        for calls in (az, kubectl):
            calls.write_text("")
        logs = {"AZ_STAND_IN_CALLS": str(az), "AZ_STAND_IN_KUBECTL_CALLS": str(kubectl)}
        done = subprocess.run([BASH, *(["-x"] if trace else []), script, *arguments],
                              env={**self.env, **logs, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120)
        ran = Ran(done.returncode, done.stdout, done.stderr, [json.loads(line) for line in az.read_text().splitlines()],
                  [line.split("\x1f") for line in kubectl.read_text().splitlines()])
        self.assert_nothing_secret(ran)
        return ran

    def assert_nothing_secret(self, ran: Ran) -> None:
        """Of every run in this file: neither key nor SAS on a command line or on the screen."""
        shown = "\n".join([ran.out, ran.err, *(word for call in ran.az + ran.kubectl for word in call)])
        assert self.azurite.key not in shown and base64.b64encode(self.azurite.key.encode()).decode() not in shown
        assert not re.search(r"\bsig=", shown)

    def run(self, *arguments: str, **options) -> Ran:
        """For the test's namespace and, unless it names others, one container."""
        return self.bare("--account", self.azurite.account, "--namespace", self.namespace, "--containers", "datasets", *arguments,
                         **options)

    def good(self, *arguments: str, **options) -> Ran:
        ran = self.run(*arguments, **options)
        assert ran.code == 0 and ran.err == "", ran.err
        return ran


def data(kube, namespace) -> dict[str, str]:
    held = kube.get("Secret", SECRET, namespace).get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in held.items()}
