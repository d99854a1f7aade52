"""Fixtures of the chaos tests: a real API server with an audit log, the hostile blob service, the lying API server."""

import signal
import sys

import pytest

from testing import paths
from testing.bed import ApiBed
from testing.hostile_blob_service import HostileBlobService
from testing.lying_api_server import LyingApiServer

from judge import CREATIONS_ONLY, OPERATOR, AuditTail
from stage import ACCOUNT, KEY


@pytest.fixture(scope="session", autouse=True)
def orderly_end():
    """SIGTERM ends the session like Ctrl-C does, with everything torn down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.fixture(scope="session")
def bed():
    with ApiBed(audit=CREATIONS_ONLY) as bed:
        bed.kube.install_crd(paths.CRD)
        yield bed


@pytest.fixture(scope="session")
def service():
    service = HostileBlobService(accounts={ACCOUNT: KEY}).start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def proxy(bed):
    proxy = LyingApiServer(bed, user=OPERATOR)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def tail(bed) -> AuditTail:
    return AuditTail(bed.audit_log)
