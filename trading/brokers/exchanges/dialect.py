"""What is different from exchange to exchange, as one interface, and what all dialects are given.

A dialect writes requests and reads answers; it catches nothing and decides nothing about orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from daemonkit.clock import Clock
from trading.brokers.exchanges.checks import NotSendableError
from trading.brokers.exchanges.markets import Market, Markets
from trading.brokers.exchanges.wire import Request, Wire
from trading.brokers.venue import (
    Abilities,
    CancelOutcome,
    CashMove,
    Holding,
    KeyRights,
    Refused,
    SubmitAnswer,
    Unclear,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading.model.order import Order, OrderType, Purpose

# How long before its making an order is looked for: clocks differ.
LOOK_BACK_S: Final = 300.0
# A list with more pages than this has no end, and is no answer.
PAGES_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Place:
    """Hold what a dialect works with: one account's wire, markets and way to trade."""

    wire: Wire
    markets: Markets
    clock: Clock
    market_type: str
    leverage: int = 1
    margin_mode: str = "isolated"

    @property
    def is_margin(self) -> bool:
        """Tell whether orders borrow."""
        return self.market_type == "margin"

    @property
    def is_swap(self) -> bool:
        """Tell whether the account trades perpetual contracts."""
        return self.market_type == "swap"


class Dialect(Protocol):
    """Speak to one exchange. Reads raise VenueError; requests raise NotSendableError."""

    def abilities(self) -> Abilities:
        """Say what the exchange can do for this account."""
        ...

    def prepare(self) -> None:
        """Set what orders rely on, such as the leverage of a contract."""
        ...

    def order_request(self, order: Order, market: Market, /) -> Request:
        """Write an order that fits the market's steps."""
        ...

    def order_answer(self, answer: Any, /) -> SubmitAnswer:
        """Read the answer to an order."""
        ...

    def refusal(self, answer: Any, error: Exception, /) -> Refused | Unclear | None:
        """Judge an error by the venue's own words, where ccxt's class of it is not enough."""
        ...

    def cancel_request(self, order: Order, market: Market, /) -> Request | None:
        """Write a cancel; None without the id that the exchange needs for it."""
        ...

    def cancel_answer(self, answer: Any, order: Order, market: Market, /) -> CancelOutcome:
        """Read the answer to a cancel."""
        ...

    def find(self, order: Order, market: Market, /) -> VenueOrder | None:
        """Look an order up everywhere."""
        ...

    def open_orders(self) -> Sequence[VenueOrder]:
        """Read the open orders of the account's markets."""
        ...

    def fills(self, since: float) -> Sequence[VenueFill]:
        """Read all executions of the account's markets since a time."""
        ...

    def holdings(self) -> Mapping[str, Holding]:
        """Read what the account has."""
        ...

    def positions(self) -> Sequence[VenuePosition]:
        """Read the positions."""
        ...

    def cash_moves(self, since: float, /) -> Sequence[CashMove]:
        """Read the bookings that no fill explains."""
        ...

    def rights(self) -> KeyRights:
        """Read what the key may do."""
        ...

    def server_time(self) -> float:
        """Read the exchange's clock."""
        ...


@runtime_checkable
class FindsMany(Protocol):
    """Show several orders in one request; a dialect that can says so in its abilities."""

    def find_all(self, orders: Sequence[tuple[Order, Market]], /) -> Sequence[VenueOrder]:
        """Ask for orders by the exchange's ids."""
        ...


def is_reducing(order: Order) -> bool:
    """Tell whether an order may only make a position smaller."""
    return order.reduce_only or order.purpose is not Purpose.ENTRY


def unsupported(order: Order) -> NotSendableError:
    """Return the error for a form of order that an exchange has not."""
    kind = "bracket" if order.type is OrderType.BRACKET else order.type.value
    return NotSendableError(f"the exchange has no {kind} order for this market")
