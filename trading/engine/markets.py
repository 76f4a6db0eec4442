"""The markets that are followed: last price, its age and move, and closed candles.

On the hot path: a price costs a few assignments, everything else is worked out when asked for.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from trading.engine.desks import AccountDesk
from trading.engine.prices import PriceChange, PriceSamples
from trading.market.series import SymbolSeries
from trading.model.market import Bar, Tick
from trading.strategies.calls import Runner

_LONG_AGO: Final = float("-inf")


class Market:
    """Hold one market; the price is that of the last tick or candle."""

    __slots__ = (
        "_ticks_sampled",
        "at",
        "bar_runners",
        "bars",
        "desks",
        "is_engaged",
        "price",
        "sample_due",
        "samples",
        "seen_at",
        "series",
        "symbol",
        "tick_runners",
        "ticks",
    )

    def __init__(self, symbol: str, candles_kept: int) -> None:
        self.symbol = symbol
        self.price: float | None = None
        self.at = _LONG_AGO
        self.ticks = 0
        self.bars = 0
        self.samples = PriceSamples()
        # From when on another sample is wanted: asked for each price.
        self.sample_due = _LONG_AGO
        self.series = SymbolSeries(symbol, keep=candles_kept)
        # What of it is asked for with each price: who trades here, whether anything is held or
        # ordered, and who thinks about it.
        self.desks: tuple[AccountDesk, ...] = ()
        self.is_engaged = False
        self.tick_runners: list[Runner] = []
        self.bar_runners: list[Runner] = []
        # When, by wall time, it was last seen to move: known to a sample's distance.
        self.seen_at = _LONG_AGO
        self._ticks_sampled = 0

    def on_tick(self, tick: Tick) -> None:
        """Take a price; one that is older than the last is passed over."""
        at = tick.at
        if at >= self.at:
            self.price = tick.price
            self.at = at
            self.ticks += 1
            if at >= self.sample_due:
                self.sample_due = self.samples.take(at, tick.price)

    def on_bar(self, bar: Bar) -> None:
        """Take a closed candle, whose close is the price unless a tick was later."""
        end = bar.start + bar.interval_s
        if end >= self.at:
            self.price = bar.close
            self.at = end
            self.ticks += 1
            if end >= self.sample_due:
                self.sample_due = self.samples.take(end, bar.close)
        self.bars += 1
        self.series.on_bar(bar)

    def on_past_bar(self, bar: Bar) -> None:
        """Take a candle from before the start: a price to value by, but no fresh quote."""
        self.on_bar(bar)
        self._ticks_sampled = self.ticks

    @property
    def change(self) -> PriceChange | None:
        """Return how far it moved in a day, or None before the first price."""
        if self.price is None:
            return None
        return self.samples.change(self.symbol, self.price, self.at)

    def sample(self, wall: float) -> None:
        """Note by the wall clock whether it has moved since the last sample."""
        if self.ticks != self._ticks_sampled:
            self._ticks_sampled = self.ticks
            self.seen_at = wall

    def silence_s(self, wall: float) -> float:
        """Return for how long, by the wall clock, it has not moved."""
        return 0.0 if self.ticks != self._ticks_sampled else max(0.0, wall - self.seen_at)


class Markets:
    """Hold all markets by symbol, and the latest market time of all."""

    def __init__(self, symbols: Iterable[str], candles_kept: int, now: float) -> None:
        self._candles_kept = candles_kept
        self.by_symbol = {symbol: Market(symbol, candles_kept) for symbol in symbols}
        self.now = now
        self.wall = _LONG_AGO

    def find(self, symbol: str) -> Market:
        """Return a market; one that nobody trades is followed too, for the eye."""
        market = self.by_symbol.get(symbol)
        if market is None:
            market = self.by_symbol[symbol] = Market(symbol, self._candles_kept)
        return market

    def changes(self) -> Sequence[PriceChange]:
        """Return how far each market has moved, in alphabetical order."""
        found = [self.by_symbol[symbol].change for symbol in sorted(self.by_symbol)]
        return [change for change in found if change is not None]

    def quote_age_s(self, market: Market) -> float:
        """Return how old a quote is: behind the other markets, or by silence, the worse counts."""
        if market.price is None:
            return float("inf")
        return max(0.0, self.now - market.at, market.silence_s(self.wall))

    def shift(self, step_s: float) -> None:
        """Move what was noted by the wall clock along with it: a jump is no time that passed."""
        for market in self.by_symbol.values():
            market.seen_at += step_s

    def sample(self, wall: float) -> None:
        """Note by the wall clock which markets have moved."""
        self.wall = wall
        for market in self.by_symbol.values():
            market.sample(wall)
