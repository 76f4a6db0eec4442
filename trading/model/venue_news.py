"""What an account's worker tells the engine beside reports of orders: connection, trouble, look.

The reports and fills that a look at the account rests on come before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.model.instrument import Instrument
from trading.model.order import OrderType, Side


@dataclass(frozen=True, slots=True)
class InstrumentsKnown:
    """Bring the steps and minimums of markets, as the venue tells them."""

    instruments: Mapping[str, Instrument]
    at: float


@dataclass(frozen=True, slots=True)
class VenueConnected:
    """Say that an account can be traded, and what its venue can hold for us."""

    account: str
    has_stops: bool
    has_brackets: bool
    at: float


@dataclass(frozen=True, slots=True)
class VenueTrouble:
    """Say why an account takes no new risk, for now; an empty reason ends it."""

    account: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class OpenOrderSeen:
    """Show an order that is open at the venue; `order_id` is its client id, or nothing."""

    order_id: str
    venue_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    filled: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    is_reduce_only: bool
    at: float

    @property
    def remaining(self) -> Decimal:
        """Return how much of it is still to be executed."""
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True)
class PositionSeen:
    """Show a position of a margin or derivative account; negative when short."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    liquidation_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarginSeen:
    """Show what a venue itself counts an account to be worth, and what of it can carry more.

    None is what it does not tell.
    """

    equity: Decimal | None
    free: Decimal | None


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Bring a booking of money that no fill explains and the venue does: funding, a deposit."""

    account: str
    move_id: str
    currency: str
    amount: Decimal
    kind: str
    at: float


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """Show all of an account at a moment at which nothing of ours was on its way.

    `number` is that of the wish it answers, 0 for a look of the worker's own. `positions` is None
    for an account that keeps none apart from its holdings; of one that does, `margin` is what its
    venue tells of it.
    """

    account: str
    number: int
    orders: Sequence[OpenOrderSeen]
    holdings: Mapping[str, Decimal]
    positions: Sequence[PositionSeen] | None
    at: float
    margin: MarginSeen | None = None


VenueNews = InstrumentsKnown | VenueConnected | VenueTrouble | CashMoved | AccountSeen
