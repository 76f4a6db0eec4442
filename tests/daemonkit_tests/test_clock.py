import pytest

from daemonkit.clock import ManualClock, SystemClock


def test_the_clock_of_the_machine_moves_forward() -> None:
    clock = SystemClock()
    first, second = clock.monotonic(), clock.monotonic()
    assert first <= second
    assert clock.wall() > 1_700_000_000


def test_a_manual_clock_tells_what_it_was_told() -> None:
    clock = ManualClock(wall=100.0, monotonic=5.0)
    clock.advance(2.5)
    assert (clock.wall(), clock.monotonic()) == (102.5, 7.5)
    clock.set_wall(50.0)
    assert (clock.wall(), clock.monotonic()) == (50.0, 7.5)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
