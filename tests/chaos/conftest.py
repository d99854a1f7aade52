"""Fixtures of the chaos tests: a real API server with an audit log, the hostile blob service, the lying API server."""

import signal
import sys

import pytest

from testing import paths, sanitizers
from testing.bed import ApiBed
from testing.hostile_blob_service import HostileBlobService
from testing.lying_api_server import LyingApiServer

from judge import CREATIONS_ONLY, OPERATOR, AuditTail
from script import Script, play
from stage import ACCOUNT, KEY, Case, Stage


@pytest.fixture(scope="session", autouse=True)
def orderly_end():
    """SIGTERM ends the session like Ctrl-C does, with everything torn down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.fixture(scope="session")
def bed():
    with ApiBed(audit=CREATIONS_ONLY) as bed:
        bed.kube.install_crd(paths.CRD)
        yield bed
        assert sanitizers.reports_in(bed.logs) == ""


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


def curtain(proxy) -> Script:
    """Comes last, when every trap is set: until then the operators stand before an API server that does not answer."""
    proxy.unhang()
    yield from ()


class Played:
    """What became of the cases that the session's tests are about: all are played at once, each on a stage of its own."""

    def __init__(self, bed, service, proxy, tail, cases: list[Case]):
        self.stages = {case.name: Stage(bed, service, proxy, tail, f"stage-{n}", case) for n, case in enumerate(cases)}
        proxy.hang()
        scripts = {name: stage.case.script(stage) for name, stage in self.stages.items()}
        self.errors = play({**scripts, "the curtain": curtain(proxy)})

    def check(self, case: Case) -> None:
        """It came to its end, and each blob that it owes has its one Job."""
        stage, error = self.stages[case.name], self.errors[case.name]
        if error:
            raise AssertionError(f"{error}\n{stage.logs()}") from error
        for operator in stage.operators:
            operator.check()
        verdict = stage.verdict()
        assert verdict.good, f"{verdict}\n{stage.logs()}"
        assert verdict.promised == verdict.created > 0


@pytest.fixture(scope="session")
def played(request, bed, service, proxy, tail) -> Played:
    asked = [item.callspec.params["case"] for item in request.session.items
             if "case" in getattr(getattr(item, "callspec", None), "params", ())]
    played = Played(bed, service, proxy, tail, asked)
    yield played
    for stage in played.stages.values():
        stage.close()
