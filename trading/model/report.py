"""What a venue says about orders: the events that a broker puts into the engine's inbox.

Every report names account and client order id. `at` is market time in Unix seconds.
"""

from dataclasses import dataclass
from typing import Final

from trading.model.order import Fill
from trading.model.values import quickly_made

# The reason of a cancel that says: nobody had to cancel it, for it was never there.
NEVER_REACHED: Final = "never reached the exchange"
# What an execution's order begins with that the venue made itself, to liquidate a position.
FORCED: Final = "forced "


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """Say that the venue has the order."""

    account: str
    order_id: str
    venue_id: str
    at: float


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderRejected:
    """Say that the venue definitely refused the order."""

    account: str
    order_id: str
    reason: str
    at: float


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderTriggered:
    """Say that the stop of a stop-limit order was reached: it rests as a limit order now."""

    account: str
    order_id: str
    at: float


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderFilled:
    """Bring one execution."""

    fill: Fill

    @property
    def account(self) -> str:
        """Return the account of the order."""
        return self.fill.account

    @property
    def order_id(self) -> str:
        """Return the client order id."""
        return self.fill.order_id

    @property
    def at(self) -> float:
        """Return when it happened."""
        return self.fill.at


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Say that what was left of the order is gone."""

    account: str
    order_id: str
    reason: str
    at: float


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderExpired:
    """Say that the order's time was over at the venue."""

    account: str
    order_id: str
    at: float


@quickly_made
@dataclass(frozen=True, slots=True)
class OrderLost:
    """Say that nobody knows what became of the order: it must be looked up."""

    account: str
    order_id: str
    reason: str
    at: float


Report = (
    OrderAccepted
    | OrderRejected
    | OrderTriggered
    | OrderFilled
    | OrderCancelled
    | OrderExpired
    | OrderLost
)
