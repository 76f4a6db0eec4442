"""Market time against wall time: when each event of a recorded or simulated market is due.

Event content never depends on this module, only the moment of publishing does.
"""

import threading
from collections.abc import Iterable

from daemonkit.clock import Clock
from trading.market.feed import Publish, time_of
from trading.model.market import Bar, Tick

LAG_MAX_S = 1.0
# A wait is cut into slices so that a clock moved by hand (ManualClock) is noticed.
SLICE_S = 0.1
# Shorter waits cost more than they order.
WAIT_MIN_S = 0.001


class Pacer:
    """Hold events back until their market time has come on the handed-in clock.

    The first event is due at once and ties market time to the clock. After a stall (a slow
    consumer, a stopped process) the events of the last `lag_max_s` wall seconds follow in a
    burst, in order; what is older shifts the market later instead of flooding the consumer.
    """

    def __init__(self, clock: Clock, speed: float, *, lag_max_s: float = LAG_MAX_S) -> None:
        self._clock = clock
        self._speed = speed
        self._lag_max_s = lag_max_s
        self._market_zero: float | None = None
        self._clock_zero = 0.0

    def wait_until(self, market_time: float, stop: threading.Event) -> bool:
        """Return True once the market time is due, False when `stop` is set before."""
        if self._speed == 0:
            return not stop.is_set()
        delay_s = self._delay_s(market_time)
        while delay_s > WAIT_MIN_S:
            if stop.wait(min(delay_s, SLICE_S)):
                return False
            delay_s = self._delay_s(market_time)
        if -delay_s > self._lag_max_s:
            self._clock_zero += -delay_s - self._lag_max_s
        return not stop.is_set()

    def _delay_s(self, market_time: float) -> float:
        now = self._clock.monotonic()
        if self._market_zero is None:
            self._market_zero, self._clock_zero = market_time, now
        due = self._clock_zero + (market_time - self._market_zero) / self._speed
        return due - now


def play(
    events: Iterable[Tick | Bar], publish: Publish, stop: threading.Event, pacer: Pacer
) -> None:
    """Publish each event when it is due, until they end or `stop` is set."""
    for event in events:
        if not pacer.wait_until(time_of(event), stop):
            return
        publish(event)


def speed_text(speed: float) -> str:
    """Say a speed in words."""
    return "as fast as possible" if speed == 0 else f"{speed:g}x speed"
