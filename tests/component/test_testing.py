"""What the tests rely on to notice that an operator went wrong: played with stand-ins that do."""

import os
import signal

import pytest

from testing import teardown
from testing.kube import wait_until
from testing.operator import Operator, OperatorError
from testing.processes import Run

LIVES_ON = "while :; do sleep 0.05; done"


@pytest.fixture
def stand_in(tmp_path):
    """stand_in(script, code) starts what is an operator as far as the tests can see: a shell script, and its exit code upon
    SIGTERM."""
    run = Run("stand-in", keep=False)

    def start(script: str, code: int = 0) -> Operator:
        binary = tmp_path / "stand-in"
        binary.write_text(f"#!/bin/sh\ntrap 'exit {code}' TERM\necho began\n{script}\n")
        binary.chmod(0o755)
        one = Operator(run, [], binary=binary).start(ready=False)
        wait_until(lambda: "began" in one.log.read_text(), bool, what="the script runs", pause=0.005)
        return one
    yield start
    teardown.tear_down(run.folder)


def gone(operator: Operator) -> Operator:
    wait_until(lambda: not operator.alive(), bool, what="it has ended")
    return operator


def test_an_orderly_life_is_no_error(stand_in):
    operator = stand_in(LIVES_ON)
    operator.check()
    operator.stop()
    operator.start(ready=False)
    operator.kill()
    operator.stop()
    operator.start(ready=False)
    os.kill(operator.process.pid, signal.SIGKILL)
    operator.ended(-signal.SIGKILL)
    operator.stop()


@pytest.mark.parametrize("touch", [Operator.stop, Operator.kill, Operator.start, Operator.restart, Operator.check,
                                   Operator.wait_ready])
@pytest.mark.parametrize("code", [0, 7])
def test_an_operator_that_ended_by_itself_is_noticed_by_whatever_touches_it_next(stand_in, touch, code):
    operator = gone(stand_in(f"echo last words; exit {code}"))
    with pytest.raises(OperatorError, match=f"(?s)ended with {code}, by itself.*last words"):
        touch(operator)
    operator.stop()  # it is told once


def test_another_end_than_the_one_that_was_to_come_is_noticed(stand_in):
    with pytest.raises(OperatorError, match="ended with 7, rather than with 1"):
        stand_in("exit 7").ended(1)
    with pytest.raises(OperatorError, match="did not end within"):
        stand_in(LIVES_ON).ended(1, timeout=0.1)


def test_an_exit_code_after_sigterm_is_noticed(stand_in):
    with pytest.raises(OperatorError, match="ended with 7, rather than with 0"):
        stand_in(LIVES_ON, code=7).stop()
