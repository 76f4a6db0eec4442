"""What is kept of one symbol's market: its closed candles, larger ones, and indicators on them.

Candles and indicators are shared by all who ask, and kept up only once somebody has asked. Must
not know strategies, accounts or where candles come from.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from typing import Final

from trading.market.aggregation import BarAggregator
from trading.market.indicators import (
    ATR,
    EMA,
    RSI,
    SMA,
    Highest,
    Indicator,
    Lagged,
    Lowest,
    VolumeMean,
)
from trading.model.market import Bar

KEEP_DEFAULT: Final = 2000
INDICATORS_MAX: Final = 5000
INTERVALS_MAX: Final = 50


class Kind(StrEnum):
    """Name an indicator."""

    SMA = "sma"
    EMA = "ema"
    RSI = "rsi"
    ATR = "atr"
    HIGHEST = "highest"
    LOWEST = "lowest"
    VOLUME_MEAN = "volume_mean"


class SymbolSeries:
    """Keep the last `keep` closed candles of a symbol and what is computed from them.

    The interval is `interval_s`, or that of the first candle. A candle that is older than the
    last, repeats it, has another interval or a value that is not finite is ignored and counted
    in `ignored`; candles that never came are counted in `missing` and passed over.
    """

    def __init__(self, symbol: str, keep: int = KEEP_DEFAULT, *, interval_s: int = 0) -> None:
        self.symbol = symbol
        self.keep = keep
        self.interval_s = interval_s
        self.ignored = 0
        self.missing = 0
        self._candles: deque[Bar] = deque(maxlen=keep)
        self._due: float | None = None
        self._indicators: dict[tuple[Kind, int, int], Indicator] = {}
        self._larger: dict[int, SymbolSeries] = {}
        self._aggregators: dict[int, BarAggregator] = {}
        self._on_close: list[Callable[[float], None]] = []
        # Whatever needs more of a candle than its close; lags come last in their own list.
        self._on_bar: list[Callable[[Bar], None]] = []
        self._lags: list[Callable[[], None]] = []
        self._has_more = False

    def __len__(self) -> int:
        return len(self._candles)

    @property
    def last(self) -> Bar | None:
        """Return the last closed candle, or None before the first."""
        return self._candles[-1] if self._candles else None

    def on_bar(self, bar: Bar) -> bool:
        """Take a closed candle; return whether it was the next one and not ignored."""
        start = bar.start
        if (start != self._due or bar.interval_s != self.interval_s) and not self._is_next(bar):
            return False
        close = bar.close
        total = bar.open + bar.high + bar.low + close + bar.volume
        # NaN and the infinities leave something when they are taken from themselves.
        if total - total != 0.0:
            self.ignored += 1
            return False
        self._due = start + self.interval_s
        self._candles.append(bar)
        for update in self._on_close:
            update(close)
        if self._has_more:
            for take in self._on_bar:
                take(bar)
            for note in self._lags:
                note()
        return True

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
        found = self._indicators.get(key)
        return self._add_indicator(key) if found is None else found

    def at_interval(self, interval_s: int | None) -> "SymbolSeries":
        """Return the series of larger candles, made of this one; None means this one."""
        if not interval_s or interval_s == self.interval_s:
            return self
        found = self._larger.get(interval_s)
        return self._add_interval(interval_s) if found is None else found

    def _is_next(self, bar: Bar) -> bool:
        if not self.interval_s:
            self._learn_interval(bar.interval_s)
        if bar.interval_s != self.interval_s or (self._due is not None and bar.start < self._due):
            self.ignored += 1
            return False
        if self._due is not None:
            self.missing += round((bar.start - self._due) / self.interval_s)
        return True

    def _learn_interval(self, interval_s: int) -> None:
        self.interval_s = interval_s
        # Larger candles that were asked for before, and that these cannot be joined into, stay
        # without data; asked for from now on, they are refused.
        for larger_s in [one for one in self._larger if one % interval_s]:
            self._on_bar.remove(self._aggregators.pop(larger_s).on_bar)
            del self._larger[larger_s]

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
        self._larger[interval_s] = larger
        self._aggregators[interval_s] = aggregator
        self._on_bar.append(aggregator.on_bar)
        self._has_more = True
        return larger

    def _add_indicator(self, key: tuple[Kind, int, int]) -> Indicator:
        kind, period, lag = key
        if type(lag) is not int or not 0 <= lag < self.keep:
            raise ValueError(f"lag: found {lag!r}, allowed 0 to {self.keep - 1}")
        if period > self.keep:
            raise ValueError(f"period: found {period}, allowed at most {self.keep}")
        if len(self._indicators) >= INDICATORS_MAX:
            raise ValueError(f"indicators: found one more, allowed {INDICATORS_MAX} a symbol")
        found = self._build_lagged(key) if lag else self._build(kind, period)
        self._indicators[key] = found
        return found

    def _build(self, kind: Kind, period: int) -> Indicator:
        indicator, take = _make(kind, period)
        for bar in self._candles:
            take(bar)
        if isinstance(indicator, SMA | EMA | RSI) and kind in _OF_CLOSES:
            self._on_close.append(indicator.update)
        else:
            self._on_bar.append(take)
            self._has_more = True
        return indicator

    def _build_lagged(self, key: tuple[Kind, int, int]) -> Indicator:
        kind, period, lag = key
        shared = self.indicator(kind, period)
        # The shared one cannot be run again, so a second one shows what it must have had.
        again, take = _make(kind, period)
        lagged = Lagged(again, lag)
        for bar in self._candles:
            take(bar)
            lagged.update()
        lagged.follow(shared)
        self._lags.append(lagged.update)
        self._has_more = True
        return lagged


def _make(kind: Kind, period: int) -> tuple[Indicator, Callable[[Bar], None]]:
    """Make an indicator and the function that feeds it a candle."""
    match kind:
        case Kind.SMA | Kind.EMA | Kind.RSI:
            of_closes = _OF_CLOSES[kind](period)
            return of_closes, lambda bar: of_closes.update(bar.close)
        case Kind.ATR:
            atr = ATR(period)
            return atr, lambda bar: atr.update(bar.high, bar.low, bar.close)
        case Kind.HIGHEST:
            highest = Highest(period)
            return highest, lambda bar: highest.update(bar.high)
        case Kind.LOWEST:
            lowest = Lowest(period)
            return lowest, lambda bar: lowest.update(bar.low)
        case Kind.VOLUME_MEAN:
            mean = VolumeMean(period)
            return mean, lambda bar: mean.update(bar.volume)


_OF_CLOSES: Final[dict[Kind, type[SMA] | type[EMA] | type[RSI]]] = {
    Kind.SMA: SMA,
    Kind.EMA: EMA,
    Kind.RSI: RSI,
}
