"""A thin client for the Kubernetes API, for tests: the standard library, no caches, no retries but one.

Objects are plain dicts. A kind is named as in a manifest; those of KINDS need no apiVersion, others are given as
"group/version/Kind" and looked up by discovery.
"""

from __future__ import annotations

import http.client
import json
import ssl
import tempfile
import time
import urllib.parse
from base64 import b64decode
from pathlib import Path
from typing import Callable, Iterator

import yaml

WATCHER = "mlops.example.com/v1alpha1"
KINDS = {
    "AzureBlobWatcher": WATCHER, "ConfigMap": "v1", "Event": "v1", "Namespace": "v1", "Node": "v1", "Pod": "v1",
    "ResourceQuota": "v1", "Secret": "v1", "Service": "v1", "ServiceAccount": "v1", "Job": "batch/v1",
    "CronJob": "batch/v1", "Lease": "coordination.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1", "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}
PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json",
           "strategic": "application/strategic-merge-patch+json", "apply": "application/apply-patch+yaml"}


class ApiError(Exception):
    """The API server said no."""

    def __init__(self, status: int, body: bytes):
        try:
            self.answer = json.loads(body)
        except ValueError:
            self.answer = {}
        self.status = status
        self.reason = self.answer.get("reason", "")
        super().__init__(f"{status} {self.reason}: {self.answer.get('message', body[:300])}")


class TimedOut(AssertionError):
    """What was waited for did not happen; the message shows the last state seen."""


def wait_until(look: Callable, happened: Callable, timeout: float = 20, what: str = "", pause: float = 0.05):
    """Looks until `happened(what was seen)` is true, and returns what was seen."""
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if happened(seen):
            return seen
        if time.monotonic() > end:
            shown = seen if isinstance(seen, str) else json.dumps(brief(seen), indent=1, default=str)
            raise TimedOut(f"not within {timeout:g} s: {what or 'the expected state'}; last seen:\n{shown}")
        time.sleep(pause)


def brief(seen):
    """An object without the fields that no reader of a test's failure wants."""
    if isinstance(seen, list):
        return [brief(each) for each in seen]
    if isinstance(seen, dict):
        return {key: brief(value) for key, value in seen.items() if key != "managedFields"}
    return seen


class Kube:
    def __init__(self, server: str, tls: ssl.SSLContext | None = None, token: str | None = None):
        self.url = urllib.parse.urlsplit(server)
        self.tls, self.token = tls, token
        self.connection: http.client.HTTPConnection | None = None
        self.resources: dict[tuple[str, str], dict] = {}

    @classmethod
    def from_kubeconfig(cls, path: Path) -> "Kube":
        """Reads a kubeconfig of the bed (embedded certificate or token)."""
        config = yaml.safe_load(Path(path).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        tls = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as both:
                both.write(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
                both.flush()
                tls.load_cert_chain(both.name)
        return cls(cluster["server"], tls, user.get("token"))

    # Requests

    def _connect(self) -> http.client.HTTPConnection:
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=30, context=self.tls)
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)

    def raw(self, method: str, path: str, body=None, content_type: str = "application/json") -> bytes:
        """One request; the answer's body. Raises ApiError for 4xx and 5xx, OSError when there is no answer.

        For a second after a CRD was changed the API server asks for patience (429), which is obeyed, as kubectl does.
        """
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        for last in (False,) * 9 + (True,):
            answer, content = self._exchange(method, path, data, headers)
            if answer.status != 429 or b"storage is (re)initializing" not in content or last:
                break
            time.sleep(float(answer.getheader("Retry-After", "1")))
        if answer.status >= 400:
            raise ApiError(answer.status, content)
        return content

    def _exchange(self, method: str, path: str, data: bytes | None, headers: dict):
        """The answer and its body."""
        # A kept connection may have been closed by the server since: that alone is worth a second try.
        for fresh in (self.connection is None, True):
            if self.connection is None:
                self.connection = self._connect()
            try:
                self.connection.request(method, path, data, headers)
                answer = self.connection.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                if fresh:
                    raise
        raise AssertionError("the second turn returns or raises")

    def request(self, method: str, path: str, body=None, content_type: str = "application/json") -> dict:
        return json.loads(self.raw(method, path, body, content_type) or b"{}")

    def path(self, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The path of a kind's collection, or of one object."""
        version, _, kind = kind.rpartition("/")
        version = version or KINDS[kind]
        resource = self._resource(version, kind)
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if resource["namespaced"] and namespace:
            path += f"/namespaces/{namespace}"
        return f"{path}/{resource['name']}" + (f"/{name}" if name else "")

    def _resource(self, version: str, kind: str) -> dict:
        if (version, kind) not in self.resources:
            found = self.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
            for resource in found["resources"]:
                if "/" not in resource["name"]:
                    self.resources[version, resource["kind"]] = resource
        return self.resources[version, kind]

    # Objects

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict:
        return self.request("GET", self.path(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str | None = None) -> dict | None:
        """Like get, but None when it does not exist."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, **selectors: str) -> list[dict]:
        """All objects of a kind; selectors such as labelSelector="a=b"."""
        query = urllib.parse.urlencode(selectors)
        return self.request("GET", self.path(kind, namespace) + (f"?{query}" if query else ""))["items"]

    def create(self, thing: dict) -> dict:
        return self.request("POST", self._home(thing), thing)

    def replace(self, thing: dict) -> dict:
        return self.request("PUT", f"{self._home(thing)}/{thing['metadata']['name']}", thing)

    def apply(self, thing: dict, manager: str = "test") -> dict:
        """Server-side apply, by force."""
        path = f"{self._home(thing)}/{thing['metadata']['name']}?fieldManager={manager}&force=true"
        return self.request("PATCH", path, thing, PATCHES["apply"])

    def apply_file(self, path: Path) -> list[dict]:
        return [self.apply(thing) for thing in yaml.safe_load_all(Path(path).read_text()) if thing]

    def patch(self, kind: str, name: str, patch, namespace: str | None = None, how: str = "merge",
              subresource: str = "") -> dict:
        path = self.path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, patch, PATCHES[how])

    def delete(self, kind: str, name: str, namespace: str | None = None, propagation: str = "Background") -> None:
        self.request("DELETE", self.path(kind, namespace, name), {"propagationPolicy": propagation})

    def _home(self, thing: dict) -> str:
        return self.path(f"{thing['apiVersion']}/{thing['kind']}", thing["metadata"].get("namespace", "default"))

    def install_crd(self, path: Path) -> None:
        """Applies a CustomResourceDefinition and waits until its objects can be listed (the API server says
        "established" a moment earlier)."""
        crd = self.apply_file(path)[0]
        self.wait("CustomResourceDefinition", crd["metadata"]["name"], None,
                  lambda seen: condition(seen, "Established").get("status") == "True")
        kind = f"{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}/{crd['spec']['names']['kind']}"

        def served() -> bool:
            try:
                return self.list(kind) is not None
            except (ApiError, KeyError):
                return False
        wait_until(served, bool, what=f"{kind} served")

    # Looking and waiting

    def watch(self, kind: str, seconds: int, **selectors: str) -> Iterator[tuple[str, dict]]:
        """(type, object) of what is there, in all namespaces, and of what changes within so many seconds; on a connection of
        its own. It ends early when the server ends it."""
        connection = self._connect()
        try:
            query = urllib.parse.urlencode({"watch": "1", "timeoutSeconds": seconds, **selectors})
            connection.request("GET", f"{self.path(kind)}?{query}", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise ApiError(answer.status, answer.read())
            for line in answer:
                event = json.loads(line)
                yield event["type"], event["object"]
        finally:
            connection.close()

    def wait(self, kind: str, name: str, namespace: str | None, happened: Callable, timeout: float = 20,
             what: str = "") -> dict:
        """Waits until an object exists and `happened(object)` is true."""
        return wait_until(lambda: self.find(kind, name, namespace), lambda seen: bool(seen) and happened(seen),
                          timeout, what or f"{kind} {namespace}/{name}")

    def wait_gone(self, kind: str, name: str, namespace: str | None = None, timeout: float = 20) -> None:
        wait_until(lambda: self.find(kind, name, namespace), lambda seen: seen is None, timeout,
                   f"{kind} {namespace}/{name} gone")

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        one = f"?container={container}" if container else ""
        return self.raw("GET", self.path("Pod", namespace, pod) + f"/log{one}").decode()

    def events(self, namespace: str, name: str, reason: str | None = None) -> list[dict]:
        """The Events about an object, oldest first."""
        found = self.list("Event", namespace, fieldSelector=f"involvedObject.name={name}")
        return sorted((event for event in found if reason in (None, event.get("reason"))),
                      key=lambda event: event["metadata"]["creationTimestamp"])

    def ready(self) -> bool:
        try:
            return self.raw("GET", "/readyz") == b"ok"
        except (OSError, http.client.HTTPException, ApiError):
            return False


def condition(thing: dict | None, kind: str) -> dict:
    """A condition of an object's status by its type; {} when it has none."""
    for found in ((thing or {}).get("status") or {}).get("conditions") or []:
        if found["type"] == kind:
            return found
    return {}
