"""Last prices and how far they moved in 24 hours of market time.

Keeps one sample every five minutes for each symbol, so memory does not grow with the tick rate.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from trading.model.market import Bar, Tick

DAY_S: Final = 86_400.0
SAMPLE_INTERVAL_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Show one symbol: `span_s` is how far back the change reaches, at most a day."""

    symbol: str
    price: float
    at: float
    change_pct: float
    span_s: float

    @property
    def is_full_day(self) -> bool:
        """Tell whether the change covers 24 hours and not only the time since the start."""
        return self.span_s >= DAY_S


class _Track:
    __slots__ = ("at", "price", "sample_due", "samples")

    def __init__(self) -> None:
        self.price = 0.0
        self.at = float("-inf")
        self.sample_due = float("-inf")
        self.samples: deque[tuple[float, float]] = deque()

    def note(self, at: float, price: float) -> None:
        if at < self.at:
            return
        self.price = price
        self.at = at
        if at >= self.sample_due:
            self.samples.append((at, price))
            self.sample_due = at + SAMPLE_INTERVAL_S
            self._forget(at - DAY_S)

    def _forget(self, horizon: float) -> None:
        # The newest sample that is a day old stays: the change is measured from it.
        while len(self.samples) > 1 and self.samples[1][0] <= horizon:
            self.samples.popleft()


class PriceBoard:
    """Follow the prices of all symbols."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}
        self.market_time: float | None = None

    def on_tick(self, tick: Tick) -> None:
        """Note a price."""
        self._note(tick.symbol, tick.at, tick.price)

    def on_bar(self, bar: Bar) -> None:
        """Note the close of a candle, which is known at its end."""
        self._note(bar.symbol, bar.start + bar.interval_s, bar.close)

    def changes(self) -> list[PriceChange]:
        """Return all symbols, in alphabetical order."""
        return [self._change(symbol, self._tracks[symbol]) for symbol in sorted(self._tracks)]

    def _note(self, symbol: str, at: float, price: float) -> None:
        track = self._tracks.get(symbol)
        if track is None:
            track = self._tracks[symbol] = _Track()
        track.note(at, price)
        if self.market_time is None or at > self.market_time:
            self.market_time = at

    @staticmethod
    def _change(symbol: str, track: _Track) -> PriceChange:
        first_at, first_price = track.samples[0]
        change_pct = (track.price / first_price - 1.0) * 100.0 if first_price else 0.0
        return PriceChange(
            symbol, track.price, track.at, change_pct, min(track.at - first_at, DAY_S)
        )
