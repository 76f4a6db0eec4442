"""Indicators that take one value at a time, in constant time, and equal TA-Lib's.

`value` is None until there is enough data; then it is what TA-Lib gives for the same series:
averages are seeded with a simple mean, RSI and ATR smoothed as Wilder did. A value that is NaN or
infinite is skipped, as if it had never come. Must not know candles, symbols or who asks.
"""

from collections import deque
from typing import Final, Protocol

# TA-Lib calls a sum of average gain and loss below this zero.
_NOTHING: Final = 1e-14


class Indicator(Protocol):
    """Show the present value of an indicator, or None while it has too little data."""

    value: float | None


class SMA:
    """Follow the mean of the last `period` values."""

    __slots__ = ("_divisor", "_next", "_total", "_values", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 1)
        self.period = period
        self.value: float | None = None
        self._divisor = float(period)
        # Filled from its end to its beginning, round after round. The place of the next value
        # counts down from -1 in the first round and from period - 1 in all others, so that one
        # comparison tells whether a round ends or there is no mean yet.
        self._values: list[float] = [0.0] * period
        self._next = -1
        self._total = 0.0

    def update(self, value: float) -> None:
        """Take the next value."""
        # Only what is finite leaves nothing when it is taken from itself: cheaper than isfinite().
        if value - value == 0.0:
            place = self._next
            values = self._values
            self._total = total = self._total + value - values[place]
            values[place] = value
            if place > 0:
                self._next = place - 1
                self.value = total / self._divisor
            else:
                self._end_round(place)

    def _end_round(self, place: int) -> None:
        if -self.period < place < 0:
            self._next = place - 1
            return
        # Summed up afresh, so that rounding errors never outlive `period` values.
        self._next = self.period - 1
        self._total = sum(self._values)
        self.value = self._total / self._divisor


class VolumeMean(SMA):
    """Follow the mean volume of the last `period` candles."""

    __slots__ = ()


class EMA:
    """Follow the exponential mean, which starts as the mean of the first `period` values."""

    __slots__ = ("_count", "_total", "_weight", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 1)
        self.period = period
        self.value: float | None = None
        self._weight = 2.0 / (period + 1)
        self._count = 0
        self._total = 0.0

    def update(self, value: float) -> None:
        """Take the next value."""
        if value - value != 0.0:
            return
        mean = self.value
        if mean is not None:
            self.value = mean + (value - mean) * self._weight
            return
        self._count += 1
        self._total += value
        if self._count == self.period:
            self.value = self._total / self.period


class RSI:
    """Follow Wilder's relative strength index, from 0 to 100; 0 while nothing moves at all."""

    __slots__ = ("_count", "_gain", "_keep", "_last", "_loss", "_nothing", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 2)
        self.period = period
        self.value: float | None = None
        self._last: float | None = None
        self._count = 0
        self._keep = (period - 1) / period
        # Sums, `period` times Wilder's averages: of the two only the ratio counts.
        self._gain = 0.0
        self._loss = 0.0
        self._nothing = _NOTHING * period

    def update(self, value: float) -> None:
        """Take the next value."""
        last = self._last
        if last is None or value - value != 0.0:
            self._begin(value)
            return
        self._last = value
        change = value - last
        if self.value is None:
            self._seed(change)
            return
        keep = self._keep
        if change > 0.0:
            self._gain = gain = self._gain * keep + change
            self._loss = loss = self._loss * keep
        else:
            self._gain = gain = self._gain * keep
            self._loss = loss = self._loss * keep - change
        both = gain + loss
        self.value = 100.0 * gain / both if both >= self._nothing else 0.0

    def _begin(self, value: float) -> None:
        if value - value == 0.0:
            self._last = value

    def _seed(self, change: float) -> None:
        self._count += 1
        self._gain += max(change, 0.0)
        self._loss += max(-change, 0.0)
        if self._count == self.period:
            both = self._gain + self._loss
            self.value = 100.0 * self._gain / both if both >= self._nothing else 0.0


class ATR:
    """Follow Wilder's average true range of candles."""

    __slots__ = ("_close", "_count", "_total", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 1)
        self.period = period
        self.value: float | None = None
        self._close: float | None = None
        self._count = 0
        self._total = 0.0

    def update(self, high: float, low: float, close: float) -> None:
        """Take the next candle."""
        total = high + low + close
        if total - total != 0.0:
            return
        last = self._close
        self._close = close
        if last is None:
            return
        # Not max() and min(): their calls would cost more than all the rest.
        top = high if high > last else last  # noqa: FURB136
        bottom = low if low < last else last  # noqa: FURB136
        mean = self.value
        if mean is not None:
            period = self.period
            self.value = (mean * (period - 1) + top - bottom) / period
            return
        self._count += 1
        self._total += top - bottom
        if self._count == self.period:
            self.value = self._total / self.period


class Highest:
    """Follow the highest of the last `period` values."""

    __slots__ = ("_count", "_falling", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 1)
        self.period = period
        self.value: float | None = None
        self._count = 0
        # What can still become the highest: each value is lower than the one before it.
        self._falling: deque[tuple[int, float]] = deque()

    def update(self, value: float) -> None:
        """Take the next value."""
        if value - value != 0.0:
            return
        count = self._count = self._count + 1
        falling = self._falling
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((count, value))
        gone = count - self.period
        if falling[0][0] <= gone:
            falling.popleft()
        if gone >= 0:
            self.value = falling[0][1]


class Lowest:
    """Follow the lowest of the last `period` values."""

    __slots__ = ("_count", "_rising", "period", "value")

    def __init__(self, period: int) -> None:
        check_period(period, 1)
        self.period = period
        self.value: float | None = None
        self._count = 0
        self._rising: deque[tuple[int, float]] = deque()

    def update(self, value: float) -> None:
        """Take the next value."""
        if value - value != 0.0:
            return
        count = self._count = self._count + 1
        rising = self._rising
        while rising and rising[-1][1] >= value:
            rising.pop()
        rising.append((count, value))
        gone = count - self.period
        if rising[0][0] <= gone:
            rising.popleft()
        if gone >= 0:
            self.value = rising[0][1]


class Lagged:
    """Show the value that another indicator had some candles ago."""

    __slots__ = ("_source", "_values", "lag", "value")

    def __init__(self, source: Indicator, lag: int) -> None:
        self.lag = lag
        self.value: float | None = None
        self._source = source
        self._values: deque[float | None] = deque(maxlen=lag + 1)

    def update(self) -> None:
        """Take note of the source's value, once for each candle, after the source has changed."""
        values = self._values
        values.append(self._source.value)
        if len(values) > self.lag:
            self.value = values[0]

    def follow(self, source: Indicator) -> None:
        """Go on with another indicator of the same kind."""
        self._source = source


def check_period(period: int, least: int) -> None:
    """Raise ValueError unless a period is a whole number of at least so many values."""
    if type(period) is not int or period < least:
        raise ValueError(f"period: found {period!r}, allowed a whole number from {least}")
