"""The indicators on one line of candles: each kept once, warmed when new, fed with each candle.

Must not know where candles come from, nor keep them.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final

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

INDICATORS_MAX: Final = 5000


class Kind(StrEnum):
    """Name an indicator."""

    SMA = "sma"
    EMA = "ema"
    RSI = "rsi"
    ATR = "atr"
    HIGHEST = "highest"
    LOWEST = "lowest"
    VOLUME_MEAN = "volume_mean"


# Which indicator, over how many candles, and as of how many candles ago. A plain tuple, because
# a named one costs more to make than all the rest of a lookup.
IndicatorKey = tuple[Kind, int, int]
OfOneValue = SMA | EMA | RSI | Highest | Lowest
Update = Callable[[float], None]
# Which part of a candle an indicator looks at; ATR looks at three.
_OF_ONE: Final[dict[Kind, tuple[Callable[[int], OfOneValue], str]]] = {
    Kind.SMA: (SMA, "close"),
    Kind.EMA: (EMA, "close"),
    Kind.RSI: (RSI, "close"),
    Kind.HIGHEST: (Highest, "high"),
    Kind.LOWEST: (Lowest, "low"),
    Kind.VOLUME_MEAN: (VolumeMean, "volume"),
}


class IndicatorSet:
    """Keep the indicators that somebody has asked for.

    `on_close` is for the owner's hot path: most indicators look at closes only, and `feed_rest`
    need be called only where `has_rest` is true.
    """

    __slots__ = (
        "_found",
        "_lags",
        "_on_high",
        "_on_low",
        "_on_range",
        "_on_volume",
        "_period_max",
        "has_rest",
        "on_close",
    )

    def __init__(self, period_max: int) -> None:
        self.on_close: list[Update] = []
        self.has_rest = False
        self._period_max = period_max
        self._found: dict[IndicatorKey, Indicator] = {}
        self._on_high: list[Update] = []
        self._on_low: list[Update] = []
        self._on_volume: list[Update] = []
        self._on_range: list[Callable[[float, float, float], None]] = []
        self._lags: list[Callable[[], None]] = []

    def get(self, key: IndicatorKey) -> Indicator | None:
        """Return an indicator that somebody has asked for before."""
        return self._found.get(key)

    def add(self, key: IndicatorKey, candles: Sequence[Bar]) -> Indicator:
        """Return a new indicator, warmed with these candles.

        Raises ValueError for a period or lag that cannot be.
        """
        _, period, lag = key
        if type(lag) is not int or not 0 <= lag < self._period_max:
            raise ValueError(f"lag: found {lag!r}, allowed 0 to {self._period_max - 1}")
        if type(period) is int and period > self._period_max:
            raise ValueError(f"period: found {period}, allowed at most {self._period_max}")
        if len(self._found) >= INDICATORS_MAX:
            raise ValueError(f"indicators: found one more, allowed {INDICATORS_MAX} a symbol")
        found = self._add_lagged(key, candles) if lag else self._add_plain(key, candles)
        self._found[key] = found
        return found

    def feed_rest(self, bar: Bar) -> None:
        """Feed a candle to what does not look at its close alone; closes must be fed before."""
        high, low, volume = bar.high, bar.low, bar.volume
        for update in self._on_high:
            update(high)
        for update in self._on_low:
            update(low)
        for update in self._on_volume:
            update(volume)
        for widen in self._on_range:
            widen(high, low, bar.close)
        for note in self._lags:
            note()

    def _add_plain(self, key: IndicatorKey, candles: Iterable[Bar]) -> Indicator:
        indicator, feed = _make(key[0], key[1])
        for bar in candles:
            feed(bar)
        if isinstance(indicator, ATR):
            self._on_range.append(indicator.update)
            self.has_rest = True
        else:
            self._list_for(key[0]).append(indicator.update)
        return indicator

    def _list_for(self, kind: Kind) -> list[Update]:
        part = _OF_ONE[kind][1]
        if part == "close":
            return self.on_close
        self.has_rest = True
        return {"high": self._on_high, "low": self._on_low, "volume": self._on_volume}[part]

    def _add_lagged(self, key: IndicatorKey, candles: Sequence[Bar]) -> Indicator:
        kind, period, lag = key
        plain = (kind, period, 0)
        shared = self._found.get(plain) or self.add(plain, candles)
        # The shared one cannot be run again, so a second one shows what it must have been.
        again, feed = _make(kind, period)
        lagged = Lagged(again, lag)
        for bar in candles:
            feed(bar)
            lagged.update()
        lagged.follow(shared)
        self._lags.append(lagged.update)
        self.has_rest = True
        return lagged


def _make(kind: Kind, period: int) -> tuple[OfOneValue | ATR, Callable[[Bar], None]]:
    """Make an indicator and what feeds it a candle, for warming it."""
    if kind is Kind.ATR:
        ranges = ATR(period)
        return ranges, lambda bar: ranges.update(bar.high, bar.low, bar.close)
    make, part = _OF_ONE[kind]
    indicator, value_of = make(period), attrgetter(part)
    return indicator, lambda bar: indicator.update(value_of(bar))
