"""How far an account or a market has fallen, from figures that are handed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Hold two falls as fractions: since the trading day began, and from the peak."""

    daily: float
    total: float


def account_drawdown(*, day_start: float, peak: float, equity: float) -> Drawdown:
    """Return how far an account's equity has fallen."""
    return Drawdown(fall(day_start, equity), fall(peak, equity))


def market_drawdown(*, base: float, day_profit: float, total_profit: float) -> Drawdown:
    """Return what a market has lost, as fractions of the capital that it trades with."""
    return Drawdown(fall(base, base + day_profit), fall(base, base + total_profit))


def fall(start: float, end: float) -> float:
    """Return the loss from start to end as a fraction of the start; a gain is no fall."""
    return max(0.0, (start - end) / start) if start > 0 else 0.0
