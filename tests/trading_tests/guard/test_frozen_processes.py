"""A real process whose strategy hangs: it ends, and the next start knows which instance it was."""

import signal
import sys
from pathlib import Path

import pytest

from tests.processes import Processes, RunningProcess
from tests.waiting import wait_until
from trading.guard.evidence import forget_frozen, take_frozen
from trading.guard.running_mark import read_mark

PATIENCE_S = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bot"


def start(processes: Processes, folder: Path, way: str) -> RunningProcess:
    program = processes.start(
        sys.executable, "-m", "tests.trading_tests.guard.guarded_program", folder, way
    )
    program.wait_for("^runs$", stream="stdout", timeout_s=PATIENCE_S)
    return program


def wait_for_call(folder: Path) -> None:
    wait_until(
        lambda: (left := read_mark(folder)) is not None and left.instance == "second",
        PATIENCE_S,
        "the instance is being called",
    )


@pytest.mark.parametrize("way", ["cling", "wait"])
def test_a_call_that_cannot_be_interrupted_ends_the_process_and_is_named(
    processes: Processes, folder: Path, way: str
) -> None:
    program = start(processes, folder, way)
    assert program.wait(PATIENCE_S) == 1
    last_line = program.stderr.splitlines()[-1]
    assert last_line.startswith(f"error: {folder}: instance second is frozen: a call took longer ")
    assert "instance second: a call runs for " in program.stderr
    trace = (folder / "logs" / "frozen.trace").read_text(encoding="utf-8")
    assert "guarded_program.py" in trace
    frozen = take_frozen(folder)
    assert frozen is not None
    assert frozen.instance == "second"
    assert frozen.cause == "a call took longer than 0.8 s and could not be interrupted"
    # The same until what it led to is committed.
    assert take_frozen(folder) == frozen
    forget_frozen(folder)
    assert take_frozen(folder) is None


def test_the_log_shows_where_the_strategy_hangs(processes: Processes, folder: Path) -> None:
    start(processes, folder, "wait").wait(PATIENCE_S)
    log = (folder / "logs" / "trading.log").read_text(encoding="utf-8")
    assert "in wait_in_c" in log


def test_a_call_that_stops_every_thread_is_named_after_the_watchdog_has_aborted(
    processes: Processes, folder: Path
) -> None:
    program = start(processes, folder, "hold")
    wait_for_call(folder)
    # As systemd does when it is not told that the process is alive.
    program.send_signal(signal.SIGABRT)
    assert program.wait(PATIENCE_S) == -signal.SIGABRT
    frozen = take_frozen(folder)
    assert frozen is not None
    assert frozen.instance == "second"
    assert frozen.cause == "it stood still and was aborted by the watchdog"
    assert take_frozen(folder) == frozen


def test_a_call_that_crashes_the_process_is_named(processes: Processes, folder: Path) -> None:
    assert start(processes, folder, "crash").wait(PATIENCE_S) == -signal.SIGSEGV
    frozen = take_frozen(folder)
    assert frozen is not None
    assert frozen.instance == "second"
    assert frozen.cause == "it crashed: Fatal Python error: Segmentation fault"


def test_an_engine_that_stands_still_by_itself_ends_the_process_and_nobody_is_blamed(
    processes: Processes, folder: Path
) -> None:
    assert start(processes, folder, "stall").wait(PATIENCE_S) == 1
    frozen = take_frozen(folder)
    assert frozen is not None
    assert frozen.instance == ""
    assert "stood still for more than 2.4 s" in frozen.cause


def test_a_kill_in_the_middle_of_a_call_blames_nobody(processes: Processes, folder: Path) -> None:
    program = start(processes, folder, "hold")
    wait_for_call(folder)
    program.kill()
    assert take_frozen(folder) is None


def test_a_process_that_was_stopped_for_long_goes_on(processes: Processes, folder: Path) -> None:
    stopped = start(processes, folder, "think")
    wait_for_call(folder)
    stopped.send_signal(signal.SIGSTOP)
    # The end of another that hangs tells that more time has passed than is allowed.
    assert start(processes, folder.with_name("other"), "wait").wait(PATIENCE_S) == 1
    stopped.send_signal(signal.SIGCONT)
    assert start(processes, folder.with_name("third"), "wait").wait(PATIENCE_S) == 1
    stopped.close_stdin()
    assert stopped.wait(PATIENCE_S) == 0
    assert "failed" not in stopped.stdout
    assert take_frozen(folder) is None
    assert read_mark(folder) is None


def test_a_long_call_into_c_that_held_all_threads_is_interrupted_when_it_is_back(
    processes: Processes, folder: Path
) -> None:
    program = start(processes, folder, "count")
    line = program.wait_for("^failed: ", stream="stdout", timeout_s=PATIENCE_S)
    # Whether it is hit inside the call or on its way out differs between versions of Python.
    assert "a call took longer than 400 ms and was interrupted" in line
    program.close_stdin()
    assert program.wait(PATIENCE_S) == 0
