"""Ticks into closed candles. Owns the rules for gaps and late ticks; knows no clock.

Candles are aligned to the epoch. A minute without trades gives a flat candle with volume 0 at
the last close: exchanges either omit or repeat such candles, and indicators need regular ones.
After `gap_bars_max` flat candles in a row the market counts as closed and none are made until
the next tick.
"""

import math
from typing import Final

from trading.model.market import Bar, Tick

GAP_BARS_MAX = 1440
# Later than any market has a date for; what says so is no time.
INSTANT_MAX: Final = 1e11
# Above any price: sums of money made with it are still numbers, and can be kept.
PRICE_MAX: Final = 1e15
_NONE: tuple[Bar, ...] = ()


class CandleBuilder:
    """Build the candles of one symbol from its ticks.

    A closed candle never changes: a tick from before the open candle is refused and counted in
    `refused`. Inside the open candle the order of arrival does not matter: the earliest tick
    gives the open, the latest the close.
    """

    def __init__(self, symbol: str, interval_s: int, *, gap_bars_max: int = GAP_BARS_MAX) -> None:
        self.symbol = symbol
        self.interval_s = interval_s
        self.refused = 0
        self._gap_bars_max = gap_bars_max
        self._gap_bars = 0
        self._start = -math.inf
        self._bar: Bar | None = None
        self._first_at = 0.0
        self._last_at = 0.0
        self._close: float | None = None

    @property
    def due_at(self) -> float:
        """The market time at which the next candle closes; infinite when none is open."""
        return math.inf if self._close is None else self._start + self.interval_s

    def add(self, tick: Tick) -> tuple[Bar, ...]:
        """Take a tick and return the candles that closed before it, oldest first."""
        if tick.at < self._start or not _is_sound(tick):
            self.refused += 1
            return _NONE
        closed = self.close_until(tick.at) if tick.at >= self.due_at else _NONE
        if self._close is None:
            self._start = float(tick.at // self.interval_s * self.interval_s)
        if self._bar is None:
            self._open_bar(tick)
        else:
            self._extend_bar(self._bar, tick)
        return closed

    def close_until(self, at: float) -> tuple[Bar, ...]:
        """Return the candles that have ended by this market time, oldest first."""
        closed = []
        while at >= self.due_at:
            closed.append(self._close_bar())
        return tuple(closed)

    def _open_bar(self, tick: Tick) -> None:
        price = tick.price
        self._bar = Bar(
            self.symbol, self._start, self.interval_s, price, price, price, price, tick.size
        )
        self._first_at = self._last_at = tick.at
        self._gap_bars = 0
        self._close = price

    def _extend_bar(self, bar: Bar, tick: Tick) -> None:
        price = tick.price
        bar.high = max(bar.high, price)
        bar.low = min(bar.low, price)
        bar.volume += tick.size
        if tick.at >= self._last_at:
            self._last_at = tick.at
            self._close = bar.close = price
        elif tick.at < self._first_at:
            self._first_at = tick.at
            bar.open = price

    def _close_bar(self) -> Bar:
        bar = self._bar
        if bar is None:
            assert self._close is not None, "only a symbol that has traded has due candles"
            bar = flat_bar(self.symbol, self._start, self.interval_s, self._close)
            self._gap_bars += 1
        self._bar = None
        self._start += self.interval_s
        if self._gap_bars >= self._gap_bars_max:
            self._close = None
        return bar


def _is_sound(tick: Tick) -> bool:
    # Comparisons with NaN are false, so it never passes.
    return tick.at < math.inf and 0 < tick.price < math.inf and 0 <= tick.size < math.inf


def is_candle(bar: Bar) -> bool:
    """Tell whether a candle can be: prices above zero within its range, at a time that exists."""
    low, high = bar.low, bar.high
    return (
        0.0 < low <= high < PRICE_MAX
        and low <= bar.open <= high
        and low <= bar.close <= high
        and -INSTANT_MAX < bar.start < INSTANT_MAX
    )


def flat_bar(symbol: str, start: float, interval_s: int, price: float) -> Bar:
    """Make the candle of a time in which nothing was traded."""
    return Bar(symbol, start, interval_s, price, price, price, price, 0.0)
