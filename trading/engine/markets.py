"""The markets that are traded: last price, its age, and closed candles with their indicators."""

from collections.abc import Iterable
from typing import Final

from trading.market.series import SymbolSeries
from trading.model.market import Bar, Tick

_LONG_AGO: Final = float("-inf")


class Market:
    """Hold one market; the price is that of the last tick or candle."""

    __slots__ = ("_ticks_sampled", "at", "price", "seen_at", "series", "symbol", "ticks")

    def __init__(self, symbol: str, candles_kept: int) -> None:
        self.symbol = symbol
        self.price: float | None = None
        self.at = _LONG_AGO
        self.ticks = 0
        self.series = SymbolSeries(symbol, keep=candles_kept)
        # When, by wall time, it was last seen to move: known to a sample's distance.
        self.seen_at = _LONG_AGO
        self._ticks_sampled = 0

    def on_tick(self, tick: Tick) -> None:
        """Take a price."""
        self.price = tick.price
        self.at = tick.at
        self.ticks += 1

    def on_bar(self, bar: Bar) -> None:
        """Take a closed candle, whose close is the price unless a tick was later."""
        end = bar.start + bar.interval_s
        if end >= self.at:
            self.price = bar.close
            self.at = end
            self.ticks += 1
        self.series.on_bar(bar)

    def on_past_bar(self, bar: Bar) -> None:
        """Take a candle from before the start: a price to value by, but no fresh quote."""
        self.price = bar.close
        self.at = bar.start + bar.interval_s
        self.series.on_bar(bar)

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
        self.by_symbol = {symbol: Market(symbol, candles_kept) for symbol in symbols}
        self.now = now
        self.wall = _LONG_AGO

    def quote_age_s(self, market: Market) -> float:
        """Return how old a quote is: behind the other markets, or by silence, the worse counts."""
        if market.price is None:
            return float("inf")
        return max(0.0, self.now - market.at, market.silence_s(self.wall))

    def sample(self, wall: float) -> None:
        """Note by the wall clock which markets have moved."""
        self.wall = wall
        for market in self.by_symbol.values():
            market.sample(wall)
