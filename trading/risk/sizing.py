"""How much: the size of an order, cut to the room that is left, rounded down, never up."""

from collections.abc import Iterable
from decimal import Decimal

from trading.model.order import Order, Purpose


def reserve_of(orders: Iterable[Order]) -> Decimal:
    """Return what open entries may still cost: the exposure that approval reserved for them."""
    return sum(
        (order.remaining * order.reserve_price for order in orders if is_entry(order)), Decimal(0)
    )


def is_entry(order: Order) -> bool:
    """Tell whether an order may raise risk."""
    return order.purpose is Purpose.ENTRY and not order.reduce_only
