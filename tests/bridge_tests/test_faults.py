"""A fault of our own that lasts: the bridge goes on, and its log does not fill with it."""

import pytest

from tests.bridge_tests.harness import Harness


def test_a_fault_at_every_turn_is_counted_and_told_once_a_minute(
    bridge: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("oops")

    for _ in range(200):
        bridge.bridge.parts.intake.call(break_down)
        bridge.turn()
    assert bridge.bridge.parts.counters.faults == 200
    assert len([one for one in caplog.records if one.exc_info]) == 1
    assert bridge.say("/ping").text.startswith("[applied]")
