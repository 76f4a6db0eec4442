"""Pacing: events wait for their time, a stall is made up for in bounds, a stop ends a wait."""

import threading

import pytest

from daemonkit.clock import ManualClock
from tests.waiting import wait_until
from trading.market.pacing import Pacer, play
from trading.model.market import Bar, Tick

MARKET_S = 1_704_067_200.0


class SteppingClock(ManualClock):
    """Let a little time pass at every look, so that waits end without waiting."""

    def monotonic(self) -> float:
        self.advance(0.25)
        return super().monotonic()


def ticks(count: int, step_s: float = 1.0) -> list[Tick]:
    return [Tick("BTC/USDT", 1.0, 1.0, MARKET_S + index * step_s) for index in range(count)]


class Impatience(threading.Event):
    """Stop instead of waiting."""

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        return True


def waits(pacer: Pacer, market_s: float) -> bool:
    """Tell whether the time has not come yet."""
    return not pacer.wait_until(MARKET_S + market_s, Impatience())


def test_the_first_event_is_due_at_once_and_the_next_when_its_time_has_come() -> None:
    clock = ManualClock(monotonic=50)
    pacer = Pacer(clock, speed=1)
    assert not waits(pacer, 0)
    assert waits(pacer, 1)
    clock.advance(1)
    assert not waits(pacer, 1)


def test_speed_divides_the_waits() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, speed=60)
    assert not waits(pacer, 0)
    clock.advance(0.9)
    assert waits(pacer, 60)
    clock.advance(0.1)
    assert not waits(pacer, 60)


def test_at_speed_zero_nothing_waits() -> None:
    pacer = Pacer(ManualClock(), speed=0)
    assert not waits(pacer, 0)
    assert not waits(pacer, 10**9)


def test_a_short_stall_is_made_up_for() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, speed=10, lag_max_s=1)
    assert not waits(pacer, 0)
    clock.advance(0.9)
    assert not waits(pacer, 9)
    assert waits(pacer, 10)


def test_after_a_long_stall_only_a_bounded_burst_follows() -> None:
    clock = ManualClock()
    pacer = Pacer(clock, speed=10, lag_max_s=1)
    assert not waits(pacer, 0)
    clock.advance(3600)
    sent = next(second for second in range(1, 40_000) if waits(pacer, second))
    # Ten market seconds of one wall second, and the event that was late.
    assert 10 <= sent <= 12


def test_a_stop_is_seen_before_the_next_event() -> None:
    stop = threading.Event()
    seen: list[Tick | Bar] = []

    def publish(event: Tick | Bar) -> None:
        seen.append(event)
        stop.set()

    play(ticks(5), publish, stop, Pacer(ManualClock(), speed=0))
    assert seen == ticks(1)


@pytest.mark.parametrize("speed", [0, 0.5, 7, 10**6])
def test_every_event_is_published_in_order_at_any_speed(speed: float) -> None:
    seen: list[Tick | Bar] = []
    clock = SteppingClock()
    play(ticks(20, 0.1), seen.append, threading.Event(), Pacer(clock, speed))
    assert seen == ticks(20, 0.1)


def test_a_wait_notices_a_clock_that_is_moved_by_hand() -> None:
    clock = ManualClock()
    seen: list[Tick | Bar] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=play, args=(ticks(2, 3600), seen.append, stop, Pacer(clock, 1))
    )
    thread.start()
    wait_until(lambda: len(seen) == 1, 5, "the first event")
    clock.advance(3600)
    thread.join(5)
    assert not thread.is_alive()
    assert len(seen) == 2


def test_a_consumer_that_blocks_only_delays_the_market() -> None:
    clock = ManualClock()
    seen: list[tuple[float, float]] = []

    def publish(event: Tick | Bar) -> None:
        assert isinstance(event, Tick)
        clock.advance(100 if len(seen) == 3 else 1)
        seen.append((event.at - MARKET_S, clock.monotonic()))

    play(ticks(10), publish, threading.Event(), Pacer(clock, speed=1))
    assert [at for at, _ in seen] == list(range(10))
