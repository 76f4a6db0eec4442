"""Larger candles out of smaller ones. Owns alignment and what happens at gaps; knows no clock."""

from collections.abc import Callable

from trading.model.market import Bar


class BarAggregator:
    """Join closed candles into larger ones, aligned to the epoch, and hand each on once closed.

    A larger candle is closed by the last candle inside it or, where that one is missing, by the
    first one after it. Missing candles inside are passed over, a larger candle of which all are
    missing is not made, and neither is the first one when its beginning was not seen.
    """

    __slots__ = ("_bar", "_emit", "_end", "_is_begun", "interval_s")

    def __init__(self, interval_s: int, emit: Callable[[Bar], object]) -> None:
        self.interval_s = interval_s
        self._emit = emit
        self._bar: Bar | None = None
        self._end = 0.0
        self._is_begun = False

    def on_bar(self, bar: Bar) -> None:
        """Take the next closed candle."""
        if bar.start >= self._end:
            self._close()
            self._open(bar)
        elif (whole := self._bar) is not None:
            # Not max() and min(): their calls would cost more than all the rest.
            if bar.high > whole.high:  # noqa: PLR1730
                whole.high = bar.high
            if bar.low < whole.low:  # noqa: PLR1730
                whole.low = bar.low
            whole.close = bar.close
            whole.volume += bar.volume
        if bar.start + bar.interval_s >= self._end:
            self._close()

    def _open(self, bar: Bar) -> None:
        start = bar.start // self.interval_s * self.interval_s
        self._end = start + self.interval_s
        if self._is_begun or bar.start == start:
            self._is_begun = True
            # Not replace(): it costs ten times as much.
            self._bar = Bar(
                bar.symbol,
                start,
                self.interval_s,
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.volume,
            )

    def _close(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            self._emit(bar)
