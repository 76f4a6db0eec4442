"""The engine's timers."""

from trading.engine.events import TimerName
from trading.engine.timers import Timers


def test_a_timer_is_due_after_its_interval_and_again() -> None:
    timers = Timers()
    timers.start(TimerName.STATUS, 2.0, now=10.0)
    assert timers.due_in_s(10.5, longest_s=5.0) == 1.5
    assert not list(timers.take_due(11.9))
    assert list(timers.take_due(12.0)) == [TimerName.STATUS]
    assert timers.due_in_s(12.0, longest_s=5.0) == 2.0


def test_a_late_timer_fires_once_and_then_at_once_again() -> None:
    timers = Timers()
    timers.start(TimerName.ALERT, 1.0, now=0.0)
    assert list(timers.take_due(50.0)) == [TimerName.ALERT]
    assert timers.due_in_s(50.0, longest_s=5.0) == 0.0
    assert list(timers.take_due(50.0)) == [TimerName.ALERT]


def test_a_stopped_timer_rests_and_a_restarted_one_has_a_new_interval() -> None:
    timers = Timers()
    timers.start(TimerName.ALERT, 1.0, now=0.0)
    timers.start(TimerName.ALERT, 3.0, now=0.0)
    assert not list(timers.take_due(2.0))
    timers.stop(TimerName.ALERT)
    assert not list(timers.take_due(9.0))
    assert timers.due_in_s(9.0, longest_s=0.5) == 0.5
