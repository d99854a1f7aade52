#!/usr/bin/env python3
"""A stand-in for `az`, Azure's command line: what scripts/azure-setup.sh asks of it, and nothing else.

It is not Azure. A call, option or query that the table below does not hold is refused, as the real one refuses what it does
not know. The cloud is a file, AZ_STAND_IN_CLOUD; containers are real ones on Azurite. Every call is written to
AZ_STAND_IN_CALLS.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# call -> its options; a value says what it must be, None that it may be anything, and a leading "?" that it may be missing.
CALLS = {
    "account show": {"?query": ("name", "tenantId")},
    "group exists": {"name": None},
    "group create": {"name": None, "location": None},
    "storage account list": {"query": None},
    "storage account check-name": {"name": None, "query": ("nameAvailable",)},
    "storage account create": {
        "name": None, "resource-group": None, "location": None, "sku": ("Standard_LRS",), "kind": ("StorageV2",),
        "min-tls-version": ("TLS1_2",), "allow-blob-public-access": ("false",)},
    "storage account keys list": {"account-name": None, "resource-group": None, "query": ("[0].value",)},
    "storage account show": {"name": None, "resource-group": None, "query": ("id",)},
    "storage account generate-sas": {"services": ("b",), "resource-types": ("co",), "permissions": None, "expiry": None,
                                     "https-only": ()},
    "storage container create": {"name": None, "auth-mode": ("key",)},
    "identity create": {"name": None, "resource-group": None, "location": None},
    "identity show": {"name": None, "resource-group": None, "query": ("principalId", "clientId")},
    "identity federated-credential create": {
        "name": None, "identity-name": None, "resource-group": None, "issuer": None, "subject": None,
        "audiences": ("api://AzureADTokenExchange",)},
    "role assignment create": {
        "assignee-object-id": None, "assignee-principal-type": ("ServicePrincipal",),
        "role": ("Storage Blob Data Contributor",), "scope": None},
}


def refuse(text: str):
    sys.exit(f"the stand-in for az: {text}")


def parse(arguments: list[str]) -> tuple[str, dict]:
    count = next((n for n, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    call, rest, given = " ".join(arguments[:count]), arguments[count:], {}
    known = CALLS.get(call) or refuse(f"unknown call {call!r}")
    known = {"?output": ("none", "tsv"), **known}
    while rest:
        option = rest.pop(0).removeprefix("--")
        allowed = known.get(option, known.get(f"?{option}", "unknown"))
        if allowed == "unknown" or option in given:
            refuse(f"{call}: unknown option {option!r}")
        given[option] = rest.pop(0) if allowed != () else ""
        if allowed and given[option] not in allowed:
            refuse(f"{call}: {option} may not be {given[option]!r}")
    if missing := [option for option in known if not option.startswith("?") and option not in given]:
        refuse(f"{call}: {missing} missing")
    return call, given


class Cloud:
    """What exists in Azure, in a file between the calls."""

    def __init__(self, path: Path):
        self.path, self.state = path, json.loads(path.read_text())

    def save(self) -> None:
        self.path.write_text(json.dumps(self.state))

    def answer(self, call: str, given: dict) -> str | None:
        options = {name.replace("-", "_"): value for name, value in given.items()}
        return getattr(self, call.replace(" ", "_").replace("-", "_"))(**options)

    def account_show(self, query="name", **_):
        if not self.state["signed_in"]:
            sys.exit("ERROR: Please run 'az login' to setup account.")
        return {"name": "the lab's", "tenantId": "tenant-1"}[query]

    def group_exists(self, name, **_):
        return str(name in self.state["groups"]).lower()

    def group_create(self, name, location, **_):
        if self.state["groups"].setdefault(name, location) != location:
            sys.exit(f"(InvalidResourceGroupLocation) {name} is in {self.state['groups'][name]}")

    def storage_account_list(self, query, **_):
        names = [name for name in self.state["accounts"] if query == f"[?name=='{name}'].resourceGroup"]
        if not names and not query.endswith("'].resourceGroup"):
            refuse(f"unknown query {query}")
        return "\n".join(self.state["accounts"][name] for name in names)

    def storage_account_check_name(self, name, **_):
        return str(name not in self.state["taken"] and name not in self.state["accounts"]).lower()

    def storage_account_create(self, name, resource_group, **_):
        self._group(resource_group)
        self.state["accounts"][name] = resource_group

    def storage_account_keys_list(self, account_name, resource_group, **_):
        self._account(account_name, resource_group)
        return os.environ["AZ_STAND_IN_KEY"]

    def storage_account_show(self, name, resource_group, **_):
        self._account(name, resource_group)
        return f"/subscriptions/1/resourceGroups/{resource_group}/providers/Microsoft.Storage/storageAccounts/{name}"

    def storage_account_generate_sas(self, permissions, expiry, **_):
        # Signed for http too, which is all that the tests' Azurite speaks.
        import datetime
        end = datetime.datetime.strptime(expiry, "%Y-%m-%dT%H:%MZ").replace(tzinfo=datetime.timezone.utc)
        left = (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        return self._blobs().account_sas("".join(p for p in "rwdlc" if p in permissions), left, "co")

    def storage_container_create(self, name, **_):
        self._blobs().container(name)

    def identity_create(self, name, resource_group, **_):
        self._group(resource_group)
        self.state["identities"].setdefault(name, {"group": resource_group, "federated": {}, "roles": []})

    def identity_show(self, name, resource_group, query, **_):
        assert self.state["identities"][name]["group"] == resource_group
        return f"{query}-of-{name}"

    def identity_federated_credential_create(self, name, identity_name, issuer, subject, **_):
        self.state["identities"][identity_name]["federated"][name] = [issuer, subject]

    def role_assignment_create(self, assignee_object_id, scope, **_):
        roles = self.state["identities"][assignee_object_id.removeprefix("principalId-of-")]["roles"]
        if scope not in roles:
            roles.append(scope)

    def _group(self, name):
        if name not in self.state["groups"]:
            sys.exit(f"(ResourceGroupNotFound) {name}")

    def _account(self, name, group):
        if self.state["accounts"].get(name) != group:
            sys.exit(f"(ResourceNotFound) {name} in {group}")

    def _blobs(self):
        """The account that the environment names, with the credential that is there, as the real one takes it."""
        from testing.azurite import Azurite
        own = [name for name in os.environ if name.startswith("AZURE_STORAGE_")]
        if sorted(own) != ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"]:
            refuse(f"the data plane wants the account and its key in the environment, and there are {own}")
        service = Azurite(None, accounts={os.environ["AZURE_STORAGE_ACCOUNT"]: os.environ["AZURE_STORAGE_KEY"]})
        service.port = int(os.environ["AZ_STAND_IN_PORT"])
        return service


def main() -> None:
    arguments = sys.argv[1:]
    with open(os.environ["AZ_STAND_IN_CALLS"], "a") as calls:
        calls.write(json.dumps(["az", *arguments]) + "\n")
    call, given = parse(arguments)
    cloud = Cloud(Path(os.environ["AZ_STAND_IN_CLOUD"]))
    if call in cloud.state["broken"]:
        sys.exit(f"ERROR: {call}: the connection was lost")
    text = cloud.answer(call, given)
    cloud.save()
    if given.get("output") == "tsv" and text:
        print(text)


if __name__ == "__main__":
    main()
