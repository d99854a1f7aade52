"""What only the whole process counts: its requests, its lease, its version; and what users see of a credential that ends.
Every other metric moves in controllers/metrics_test.cc.
"""

import contextlib
import datetime
import http.server
import threading

from testing.kube import condition, wait_until

PREFIX = "azure_blob_operator_"


def value(operator, series: str) -> float | None:
    return operator.metrics().get(PREFIX + series)


def wait_value(operator, series: str, good) -> None:
    wait_until(lambda: value(operator, series), lambda seen: seen is not None and good(seen), what=series)


def test_requests_to_azure_and_to_the_api_server_are_counted_by_their_answers(own_operator, scene):
    operator = own_operator()
    scene.watch()
    scene.upload("a.csv")
    scene.wait_made("a.csv")
    listed = value(operator, 'azure_requests_total{operation="ListBlobs",code="200"}')
    wait_value(operator, 'azure_requests_total{operation="ListBlobs",code="200"}', lambda seen: seen > listed)
    wait_value(operator, 'kubernetes_requests_total{verb="create",code="201"}', lambda seen: seen >= 1)
    assert value(operator, 'azure_throttled_total') == 0
    scene.watch("nowhere", containerName="no-such-container")
    wait_value(operator, 'azure_requests_total{operation="ListBlobs",code="404"}', lambda seen: seen >= 1)
    assert value(operator, "leader") == 1
    assert [seen for series, seen in operator.metrics().items() if series.startswith(f"{PREFIX}build_info{{version=")] == [1]


@contextlib.contextmanager
def busy_service():
    """The origin of a blob service that has no time."""
    class Busy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = b"<Error><Code>ServerBusy</Code></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_throttled_account_is_counted(own_operator, scene):
    with busy_service() as origin:
        operator = own_operator(allowed=[origin])
        scene.watch(storageAccount="busy", endpoint=origin, credentialsSecret=None, credentials=False)
        scene.wait_reason("Throttled")
        wait_value(operator, "azure_throttled_total", lambda seen: seen >= 1)
        wait_value(operator, 'azure_requests_total{operation="ListBlobs",code="503"}', lambda seen: seen >= 1)
        wait_value(operator, 'watchers{ready="false"}', lambda seen: seen == 1)
        operator.stop()


def test_per_watcher_series_can_be_switched_off(own_operator, scene):
    operator = own_operator("--per-watcher-metrics=false")
    for name in ("one", "two"):
        scene.watch(name, credentials=name == "one")
    for name in ("one", "two"):
        scene.wait_ready(name)
    wait_value(operator, 'polls_total{result="success"}', lambda seen: seen >= 4)
    assert value(operator, 'watchers{ready="true"}') == 2
    assert [series for series in operator.metrics() if "watcher=" in series or "namespace=" in series] == []
    operator.stop()


def test_a_sas_that_ends_soon_is_told_of_once(own_operator, scene):
    operator = own_operator()
    scene.secret(sasToken=scene.azurite.container_sas(scene.container, expires_in=3 * 86400))
    scene.watch(credentials=False)
    message = condition(scene.wait_ready(), "Ready")["message"]
    assert 'Warning: the SAS in Secret "azure" expires at ' in message
    end = value(operator, f'credential_expiry_timestamp_seconds{{namespace="{scene.namespace}",watcher="w"}}')
    told = datetime.datetime.fromtimestamp(end, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told in message
    event = scene.wait_event("CredentialExpiring")
    assert event["type"] == "Warning" and told in event["message"]
    operator.restart()
    wait_value(operator, f'polls_total{{namespace="{scene.namespace}",watcher="w",result="success"}}', lambda seen: seen >= 3)
    operator.stop()  # which writes what it has to tell
    events = scene.events("CredentialExpiring")
    assert [one.get("count", 1) for one in events] == [1]
