"""What is kept of one symbol's market: its closed candles, larger ones, and indicators on them.

Candles and indicators are shared by all who ask, and kept up only once somebody has asked. Must
not know strategies, accounts or where candles come from.
"""

from collections import deque
from itertools import islice
from typing import Final

from trading.market.aggregation import BarAggregator
from trading.market.indicator_set import IndicatorKey, IndicatorSet, Kind
from trading.market.indicators import Indicator
from trading.model.market import Bar

KEEP_DEFAULT: Final = 2000
INTERVALS_MAX: Final = 50


class SymbolSeries:
    """Keep the last `keep` closed candles of a symbol and what is computed from them.

    The interval is `interval_s`, or that of the first candle. A candle that is older than the
    last, repeats it, has another interval or a value that is not finite is ignored and counted
    in `ignored`; candles that never came are counted in `missing` and passed over.
    """

    __slots__ = (
        "_aggregators",
        "_candles",
        "_indicators",
        "_larger",
        "append",
        "due",
        "has_rest",
        "ignored",
        "interval_s",
        "keep",
        "missing",
        "on_close",
        "symbol",
    )

    def __init__(self, symbol: str, keep: int = KEEP_DEFAULT, *, interval_s: int = 0) -> None:
        self.symbol = symbol
        self.keep = keep
        self.interval_s = interval_s
        self.ignored = 0
        self.missing = 0
        # When the next candle begins, known from the first one on.
        self.due: float | None = None
        self._candles: deque[Bar] = deque(maxlen=keep)
        self._indicators = IndicatorSet(keep)
        # The parts of `take_next`, for who takes many candles in one loop: what a candle goes to,
        # what its close goes to, and whether there is more to be fed.
        self.append = self._candles.append
        self.on_close = self._indicators.on_close
        self.has_rest = False
        self._larger: dict[int, SymbolSeries] = {}
        self._aggregators: dict[int, BarAggregator] = {}

    def __len__(self) -> int:
        return len(self._candles)

    @property
    def last(self) -> Bar | None:
        """Return the last closed candle, or None before the first."""
        return self._candles[-1] if self._candles else None

    def on_bar(self, bar: Bar) -> bool:
        """Take a closed candle; return whether it was the next one and not ignored."""
        start = bar.start
        if (start != self.due or bar.interval_s != self.interval_s) and not self._is_next(bar):
            return False
        total = bar.open + bar.high + bar.low + bar.close + bar.volume
        # NaN and the infinities leave something when they are taken from themselves.
        if total - total != 0.0:
            self.ignored += 1
            return False
        self.take_next(bar)
        return True

    def take_next(self, bar: Bar) -> None:
        """Take a candle of which it is known that it is the next one, and of finite values."""
        self.due = bar.start + self.interval_s
        self.append(bar)
        close = bar.close
        for update in self.on_close:
            update(close)
        if self.has_rest:
            self.feed_rest(bar)

    def feed_rest(self, bar: Bar) -> None:
        """Feed a candle to all but what looks at its close alone."""
        if self._indicators.has_rest:
            self._indicators.feed_rest(bar)
        for aggregator in self._aggregators.values():
            aggregator.on_bar(bar)

    def candles(self, count: int | None = None, interval_s: int | None = None) -> list[Bar]:
        """Return the last closed candles, all or so many of them, oldest first."""
        if interval_s and interval_s != self.interval_s:
            return self.at_interval(interval_s).candles(count)
        candles = self._candles
        if count is None or count >= len(candles):
            return list(candles)
        found = list(islice(reversed(candles), max(count, 0)))
        found.reverse()
        return found

    def indicator(
        self, kind: Kind, period: int, interval_s: int | None = None, lag: int = 0
    ) -> Indicator:
        """Return the one indicator of this kind, warmed by the kept candles when it is new.

        With a `lag`, its `value` is what the indicator had so many candles ago. Raises ValueError
        for a period, lag or interval that cannot be.
        """
        if interval_s and interval_s != self.interval_s:
            return self.at_interval(interval_s).indicator(kind, period, None, lag)
        key = (kind, period, lag)
        return self._indicators.get(key) or self._add_indicator(key)

    def at_interval(self, interval_s: int | None) -> "SymbolSeries":
        """Return the series of larger candles, made of this one; None means this one.

        Raises ValueError for an interval that these candles cannot be joined into.
        """
        if not interval_s or interval_s == self.interval_s:
            return self
        found = self._larger.get(interval_s)
        return self._add_interval(interval_s) if found is None else found

    def _add_indicator(self, key: IndicatorKey) -> Indicator:
        # In this order: a caller that is interrupted in between leaves nothing that is not fed.
        self.has_rest = True
        added = self._indicators.add(key, self._candles)
        self.has_rest = self._indicators.has_rest or bool(self._aggregators)
        return added

    def _is_next(self, bar: Bar) -> bool:
        if not self.interval_s:
            self._learn_interval(bar.interval_s)
        if bar.interval_s != self.interval_s or (self.due is not None and bar.start < self.due):
            self.ignored += 1
            return False
        if self.due is not None:
            self.missing += round((bar.start - self.due) / self.interval_s)
        return True

    def _learn_interval(self, interval_s: int) -> None:
        self.interval_s = interval_s
        # Larger candles that were asked for before, and that these cannot be joined into, stay
        # without data; asked for from now on, they are refused.
        for larger_s in [one for one in self._larger if one % interval_s]:
            del self._larger[larger_s], self._aggregators[larger_s]

    def _add_interval(self, interval_s: int) -> "SymbolSeries":
        base_s = self.interval_s or 1
        if type(interval_s) is not int or interval_s < base_s or interval_s % base_s:
            raise ValueError(
                f"interval_s: found {interval_s!r}, allowed a multiple of {base_s}, "
                f"the seconds of {self.symbol}'s candles"
            )
        if len(self._larger) >= INTERVALS_MAX:
            raise ValueError(f"interval_s: found one more, allowed {INTERVALS_MAX} a symbol")
        larger = SymbolSeries(self.symbol, self.keep, interval_s=interval_s)
        aggregator = BarAggregator(interval_s, larger.on_bar)
        for bar in self._candles:
            aggregator.on_bar(bar)
        # In this order: a caller that is interrupted in between leaves nothing that is not fed.
        self.has_rest = True
        self._aggregators[interval_s] = aggregator
        self._larger[interval_s] = larger
        return larger
