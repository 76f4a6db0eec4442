"""What reaches the main thread of the bridge."""

import signal

from telegram.bridge.control import Control, SignalCame


def test_a_signal_may_come_in_the_middle_of_waiting_for_it() -> None:
    control = Control()
    with control.stop_asked._cond:  # type: ignore[attr-defined] # held in Event.wait()
        control._on_signal(signal.SIGTERM, None)
    assert control.stop_asked.wait(1)
    assert control.stop_asked.is_set()
    assert control.get(1) == SignalCame(signal.SIGTERM)
    assert control.get(0.01) is None


def test_waiting_for_a_stop_that_does_not_come_ends() -> None:
    assert not Control().stop_asked.wait(0.01)
