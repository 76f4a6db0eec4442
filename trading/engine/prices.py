"""How far a market moved in 24 hours of market time.

Keeps one sample every five minutes, so memory does not grow with the tick rate.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

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


class PriceSamples:
    """Remember the prices of a day."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def take(self, at: float, price: float) -> float:
        """Take a price that is due; return the market time from which on another one is wanted."""
        samples = self._samples
        samples.append((at, price))
        # The newest sample that is a day old stays: the change is measured from it.
        while len(samples) > 1 and samples[1][0] <= at - DAY_S:
            samples.popleft()
        return at + SAMPLE_INTERVAL_S

    def change(self, symbol: str, price: float, at: float) -> PriceChange:
        """Return how far a price is from that of a day ago, or from the first one."""
        first_at, first_price = self._samples[0]
        change_pct = (price / first_price - 1.0) * 100.0 if first_price else 0.0
        return PriceChange(symbol, price, at, change_pct, min(at - first_at, DAY_S))
