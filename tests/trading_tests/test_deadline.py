"""The time that is left to stop."""

from daemonkit.clock import ManualClock
from trading.control import Control
from trading.deadline import HASTE_S, Deadline


def test_time_runs_out_once_for_all_steps() -> None:
    clock, control = ManualClock(), Control()
    deadline = Deadline(clock, control, 10.0)
    assert deadline.share_s(0.5) == 5.0
    assert deadline.share_s(0.5, at_most_s=2.0) == 2.0
    clock.advance(9.0)
    assert deadline.share_s(0.5) == 0.5
    clock.advance(5.0)
    assert deadline.left_s == 0.0


def test_a_second_signal_leaves_little_time() -> None:
    clock, control = ManualClock(), Control()
    control.stops_asked = 1
    deadline = Deadline(clock, control, 60.0)
    assert deadline.left_s == 60.0
    control.stops_asked = 2
    assert deadline.left_s == HASTE_S
    clock.advance(0.5)
    assert deadline.left_s == HASTE_S - 0.5


def test_waiting_ends_with_what_is_waited_for_or_with_its_share_of_the_time() -> None:
    clock, control = ManualClock(), Control()
    calls: list[float] = []

    def join(timeout_s: float) -> bool:
        calls.append(timeout_s)
        clock.advance(timeout_s)
        return len(calls) == 3

    deadline = Deadline(clock, control, 10.0)
    assert deadline.wait_for(join, 0.5)
    assert len(calls) == 3
    calls[:] = [0.0] * 10
    assert not deadline.wait_for(join, 0.1)
    assert 8.4 < deadline.left_s < 9.0


def test_a_second_signal_leaves_time_for_what_comes_after_the_step_it_finds() -> None:
    clock, control = ManualClock(), Control()
    deadline = Deadline(clock, control, 10.0)

    def join(timeout_s: float) -> bool:
        clock.advance(timeout_s)
        control.stops_asked = 1
        return False

    assert not deadline.wait_for(join, 0.5)
    assert 0.3 * HASTE_S < deadline.left_s < 0.6 * HASTE_S
