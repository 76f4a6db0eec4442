"""Orders at the paper exchange: what each waits for, and since when it may be matched.

Knows prices and times and no money.
"""

import math
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from trading.model.instrument import Instrument
from trading.model.order import Order, OrderType, Side
from trading.model.values import quickly_found

# A float compares a little too generously, so that rounding hides no touch; Decimal decides.
_SLACK = 1e-12


@quickly_found
class Touch(Enum):
    """Name what a price does to an order."""

    TAKE = auto()
    STOP = auto()
    LIMIT = auto()
    TRIGGER = auto()


@dataclass(slots=True)
class RestingOrder:
    """Hold an order that the exchange has accepted and not ended.

    `since` is the moment from which market events count for it: its arrival, and after that its
    last fill or trigger. `born` is how many events its market had seen at that moment; together
    they tell whether it has rested, that is, whether an event has passed it by.
    """

    order: Order
    instrument: Instrument
    filled: Decimal
    since: float
    born: int
    is_triggered: bool = False
    is_rested: bool = False
    # The prices at or below, and at or above which something happens to it.
    below: float = field(init=False)
    above: float = field(init=False)

    def __post_init__(self) -> None:
        self.find_bounds()

    @property
    def remaining(self) -> Decimal:
        """Return what is still to be filled."""
        return self.order.quantity - self.filled

    @property
    def takes(self) -> bool:
        """Tell whether it takes any price: a market order, or a stop that was reached."""
        kind = self.order.type
        return kind is OrderType.MARKET or (
            self.is_triggered and kind in (OrderType.STOP, OrderType.BRACKET)
        )

    @property
    def live_limit(self) -> Decimal | None:
        """Return the limit price that is in force now."""
        kind = self.order.type
        if kind is OrderType.STOP_LIMIT:
            return self.order.limit_price if self.is_triggered else None
        if kind is OrderType.LIMIT or (kind is OrderType.BRACKET and not self.is_triggered):
            return self.order.limit_price
        return None

    @property
    def live_stop(self) -> Decimal | None:
        """Return the stop price that is in force now."""
        if self.is_triggered or self.order.type in (OrderType.MARKET, OrderType.LIMIT):
            return None
        return self.order.stop_price

    def find_bounds(self) -> None:
        """Find which prices concern it, as it is now."""
        self.below, self.above = -math.inf, math.inf
        if self.takes:
            self.below, self.above = math.inf, -math.inf
            return
        low, high = self.live_stop, self.live_limit
        if self.order.side is Side.BUY:
            low, high = high, low
        if low is not None:
            self.below = float(low) * (1.0 + _SLACK)
        if high is not None:
            self.above = float(high) * (1.0 - _SLACK)


def touch(resting: RestingOrder, stop_probe: Decimal, limit_probe: Decimal) -> Touch | None:
    """Return what happens to an order at these prices; with both legs in reach, the stop.

    The probes are one price, or the ends of a candle that each leg would meet.
    """
    if resting.takes:
        return Touch.TAKE
    sign = resting.order.side.sign
    stop, limit = resting.live_stop, resting.live_limit
    if stop is not None and (stop_probe - stop) * sign >= 0:
        return Touch.TRIGGER if resting.order.type is OrderType.STOP_LIMIT else Touch.STOP
    if limit is not None and (limit - limit_probe) * sign >= 0:
        return Touch.LIMIT
    return None
