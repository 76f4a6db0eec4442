"""The kill latch stays set until a person resets it with confirmation."""

import pytest

from daemonkit.errors import StateError
from tests.trading_tests.risk.risk_makers import NOW
from trading.risk.kill_latch import KillLatch, Latched, LatchReset, Unlatched


def test_a_new_latch_is_not_set() -> None:
    latch = KillLatch()
    assert (latch.why, latch.latched, latch.unlatched) == ("", None, None)
    assert latch.reset("42", NOW, confirmed=True) is LatchReset.NOT_SET


def test_a_set_latch_says_why_and_by_whom() -> None:
    latch = KillLatch()
    assert latch.set("fills that nobody ordered", "the engine", NOW)
    assert latch.why == "the kill latch is set by the engine: fills that nobody ordered"


def test_the_first_reason_is_kept() -> None:
    latch = KillLatch()
    latch.set("first", "42", NOW)
    assert not latch.set("second", "43", NOW + 1)
    assert latch.latched == Latched("first", "42", NOW)


def test_a_latch_without_a_reason_still_says_something() -> None:
    latch = KillLatch()
    latch.set("", "", NOW)
    assert latch.why == "the kill latch is set: no reason given"


def test_only_a_confirmed_reset_resets() -> None:
    latch = KillLatch()
    latch.set("test", "42", NOW)
    assert latch.reset("42", NOW, confirmed=False) is LatchReset.NEEDS_CONFIRMATION
    assert latch.why
    assert latch.reset("43", NOW + 5, confirmed=True) is LatchReset.RESET
    assert (latch.why, latch.unlatched) == ("", Unlatched("43", NOW + 5))
    assert latch.set("again", "42", NOW + 9)


def test_a_latch_survives_a_restart_in_either_position() -> None:
    latch = KillLatch()
    latch.set("test", "42", NOW)
    later = KillLatch(latch.to_json())
    assert (later.latched, later.why) == (latch.latched, latch.why)
    later.reset("43", NOW + 5, confirmed=True)
    last = KillLatch(later.to_json())
    assert (last.why, last.unlatched) == ("", Unlatched("43", NOW + 5))


@pytest.mark.parametrize("saved", ["{", "{}", "[]", '{"latched": {}, "unlatched": null}'])
def test_a_saved_latch_that_cannot_be_read_ends_the_start(saved: str) -> None:
    with pytest.raises(StateError):
        KillLatch(saved)
