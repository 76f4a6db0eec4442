"""The working orders of one market at the paper exchange, and which prices concern them.

A price between `below` and `above` does nothing to any of them: two comparisons of floats.
"""

import math
from decimal import Decimal
from typing import Final

from trading.brokers.paper.resting import RestingOrder

_ZERO: Final = Decimal(0)


class MarketBooks(dict[str, "MarketBook"]):
    """Keep the books of all markets: one that is asked for first is made."""

    def __missing__(self, symbol: str) -> "MarketBook":
        """Make the book of a market."""
        found = self[symbol] = MarketBook()
        return found


class MarketBook:
    """Keep the working orders of one market, oldest first."""

    __slots__ = ("above", "below", "events", "orders", "seen_at", "spent")

    def __init__(self) -> None:
        self.orders: dict[str, RestingOrder] = {}
        self.below = -math.inf
        self.above = math.inf
        # How many market events there were, and when the last one was.
        self.events = 0
        self.seen_at = -math.inf
        # How much was filled since the last candle, where the traded volume limits it.
        self.spent = _ZERO

    def add(self, resting: RestingOrder) -> None:
        """Take an order in."""
        if not self.orders:
            self.spent = _ZERO
        self.orders[resting.order.id] = resting
        # Not max() and min(), here and below: their calls would cost more than all the rest.
        if resting.below > self.below:  # noqa: PLR1730
            self.below = resting.below
        if resting.above < self.above:  # noqa: PLR1730
            self.above = resting.above

    def remove(self, order_id: str) -> None:
        """Forget an order that has ended."""
        del self.orders[order_id]
        if self.orders:
            self.refresh()
        else:
            self.below, self.above = -math.inf, math.inf

    def refresh(self) -> None:
        """Find anew which prices concern any order."""
        below, above = -math.inf, math.inf
        for resting in self.orders.values():
            below = max(below, resting.below)
            above = min(above, resting.above)
        self.below, self.above = below, above

    def note(self, at: float) -> None:
        """Count a market event that has been dealt with."""
        self.events += 1
        if at > self.seen_at:  # noqa: PLR1730
            self.seen_at = at

    def end_candle(self, at: float, events: int = 1) -> None:
        """Count a candle that has been dealt with: its volume is history."""
        self.events += events
        if at > self.seen_at:  # noqa: PLR1730
            self.seen_at = at
        self.spent = _ZERO

    def has_rested(self, resting: RestingOrder) -> bool:
        """Tell whether the market has passed an order by since it arrived."""
        return resting.is_rested or (self.events > resting.born and self.seen_at >= resting.since)

    def present(self, at: float) -> list[RestingOrder]:
        """Return the orders for which an event of a moment counts, oldest first."""
        return [resting for resting in self.orders.values() if resting.since <= at]
