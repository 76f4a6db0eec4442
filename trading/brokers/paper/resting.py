"""Orders at the paper exchange: what each waits for, and since when it may be matched.

Knows prices and times and no money.
"""

import math
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from trading.model.instrument import Instrument
from trading.model.order import Order, OrderType, Side
from trading.model.values import quickly_found

# A float compares a little too generously, so that rounding hides no touch; Decimal decides.
_SLACK = 1e-12
# What takes any price once its stop was reached, and what has a limit before and after that.
_TAKING: Final = (OrderType.STOP, OrderType.BRACKET)
_LIMITED_BEFORE: Final = (OrderType.LIMIT, OrderType.BRACKET)
_LIMITED_AFTER: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT)


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
    they tell whether it has rested, that is, whether an event has passed it by. What follows from
    these is kept up in the fields behind them, because it is asked for with each price.
    """

    order: Order
    instrument: Instrument
    filled: Decimal
    since: float
    born: int
    is_triggered: bool = False
    is_rested: bool = False
    # What is still to be filled.
    remaining: Decimal = field(init=False)
    # Whether it takes any price: a market order, or a stop that was reached.
    takes: bool = field(init=False)
    # The prices of its own that are in force now.
    live_limit: Decimal | None = field(init=False)
    live_stop: Decimal | None = field(init=False)
    # The prices at or below, and at or above which something happens to it.
    below: float = field(init=False)
    above: float = field(init=False)

    def __post_init__(self) -> None:
        """Find what is in force and which prices concern it, as it is now."""
        order, is_triggered = self.order, self.is_triggered
        kind = order.type
        self.remaining = order.quantity - self.filled
        self.live_limit = self.live_stop = None
        self.takes = kind is OrderType.MARKET or (is_triggered and kind in _TAKING)
        if self.takes:
            self.below, self.above = math.inf, -math.inf
            return
        if kind in (_LIMITED_AFTER if is_triggered else _LIMITED_BEFORE):
            self.live_limit = order.limit_price
        if not is_triggered and kind is not OrderType.LIMIT:
            self.live_stop = order.stop_price
        self.below, self.above = -math.inf, math.inf
        low, high = self.live_stop, self.live_limit
        if order.side is Side.BUY:
            low, high = high, low
        if low is not None:
            self.below = float(low) * (1.0 + _SLACK)
        if high is not None:
            self.above = float(high) * (1.0 - _SLACK)

    def trigger(self, at: float, born: int) -> None:
        """Note that its stop was reached: what follows is as if it had arrived then."""
        self.is_triggered = True
        self.since = at
        self.born = born
        self.is_rested = False
        self.__post_init__()

    def fill(self, quantity: Decimal, at: float) -> None:
        """Note that so much of it was filled: it is matched again from then on."""
        self.filled += quantity
        self.remaining = self.order.quantity - self.filled
        self.since = at
        self.is_rested = True


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
