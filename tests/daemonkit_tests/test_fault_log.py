"""Faults that repeat: told once a minute each, counted, and bounded in memory."""

import logging
from collections.abc import Callable

import pytest

from daemonkit.clock import ManualClock
from daemonkit.fault_log import KINDS_MAX, FaultLog

log = logging.getLogger("faulty")


def divide() -> None:
    raise ZeroDivisionError("oops")


def look_up() -> None:
    raise KeyError("gone")


def meet(faults: FaultLog, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - as a loop does
        faults.note(error, "fault in round %d", 7)


def test_the_same_fault_is_told_once_a_minute_with_its_traceback_and_a_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    faults = FaultLog(log, clock)
    for _ in range(200 * 60):
        meet(faults, divide)
        clock.advance(0.005)
    clock.advance(1.0)
    meet(faults, divide)
    first, second = caplog.records
    assert first.getMessage() == "fault in round 7"
    assert first.exc_info is not None
    assert second.getMessage() == "fault in round 7 (11999 more of these before)"


def test_another_fault_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(log, ManualClock())
    for _ in range(10):
        meet(faults, divide)
        meet(faults, look_up)
    assert len(caplog.records) == 2


def test_the_faults_that_are_remembered_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(log, ManualClock())
    for number in range(KINDS_MAX * 3):
        faults.note(type(f"Fault{number}", (Exception,), {})("new"), "fault")
    # Something of an earlier test may be collected meanwhile, and say so.
    told = [record for record in caplog.records if record.name == log.name]
    assert len(told) == KINDS_MAX * 3
    assert len(faults._seen) == KINDS_MAX
