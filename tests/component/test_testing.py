"""What the tests rely on to notice that an operator went wrong: played with stand-ins that do."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from testing import paths, sanitizers, teardown
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
        wait_until(lambda: one.log.read_bytes()[one.log_from:].startswith(b"began"), bool, what="the script runs", pause=0.005)
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


REPORTS = {
    "ASan": "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60 at pc 0x55 bp 0x7f sp 0x7f",
    "LSan": "==7==ERROR: LeakSanitizer: detected memory leaks",
    "TSan": "WARNING: ThreadSanitizer: data race (pid=7)",
    "UBSan": "/src/src/base/time.cc:12:7: runtime error: signed integer overflow: 2147483647 + 1",
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_sanitizers_report_is_noticed_however_the_process_ends(stand_in, report):
    says = f"echo 'INFO before'; echo '{report}' >&2; echo 'INFO after'"
    for end in (Operator.stop, Operator.kill):
        operator = stand_in(f"{says}; echo told; {LIVES_ON}")
        wait_until(lambda: operator.log.read_text().count("told"), lambda told: told == 1, what="the report")
        with pytest.raises(OperatorError, match=re.escape(report)):
            end(operator)
        operator.log.unlink()
    with pytest.raises(OperatorError, match=re.escape(report)):
        stand_in(f"{says}; exit 1").ended(1)
    assert report in sanitizers.reports_in(operator.log.parent)


def test_a_report_is_told_of_the_life_that_it_was_made_in(stand_in):
    operator = stand_in(f"echo '{REPORTS['TSan']}'; exit 1")
    with pytest.raises(OperatorError):
        operator.ended(1)
    stand_in(LIVES_ON).stop()


def test_what_an_operator_says_is_no_report(stand_in):
    stand_in(f"echo 'blob=WARNING: x.csv runtime error: ThreadSanitizer'; {LIVES_ON}").stop()


@pytest.mark.parametrize("preset, kind, program", [
    ("asan-ubsan", "address,undefined", "int main(int n, char**) { char* p = new char[8]; delete[] p; return p[n]; }"),
    ("asan-ubsan", "address,undefined", "int main(int n, char**) { n += 2147483647; return n == 5; }"),
    ("tsan", "thread", "#include <thread>\nint x; int main() { std::thread a([] { ++x; }); ++x; a.join(); return 0; }"),
], ids=["use after free", "overflow", "race"])
def test_real_ones_stop_a_process_at_once_with_their_own_exit_code(tmp_path, preset, kind, program):
    source, binary = tmp_path / "wrong.cc", tmp_path / "wrong"
    source.write_text(program)
    # As cmake/Compiler.cmake has it.
    subprocess.run([shutil.which("clang++-19"), "-g1", f"-fsanitize={kind}", "-fno-sanitize-recover=all", source, "-o", binary],
                   check=True, timeout=120)
    presets = json.loads((paths.ROOT / "CMakePresets.json").read_text())["testPresets"]
    ctest = next(each["environment"] for each in presets if each["name"] == preset)
    bare = {name: value for name, value in os.environ.items() if name not in sanitizers.OPTIONS}
    for environment in ({**os.environ}, {**bare, **ctest}):
        done = subprocess.run([binary], capture_output=True, timeout=60, env=environment)
        assert done.returncode == sanitizers.EXIT_CODE
        assert sanitizers.REPORT.search(done.stderr)
