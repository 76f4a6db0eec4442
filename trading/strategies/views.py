"""What a strategy sees of its position and orders: read-only, and floats as market data is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trading.model.order import Order
from trading.model.position import Position


class PositionView:
    """Show the position that an instance holds."""

    __slots__ = (
        "_price",
        "entry_price",
        "is_trail_tight",
        "opened_at",
        "quantity",
        "side",
        "stop_price",
        "target_price",
    )

    def __init__(self, position: Position, price: Callable[[], float | None]) -> None:
        self._price: Final = price
        self.side: Final = position.side.value
        self.quantity: Final = float(position.quantity)
        self.entry_price: Final = float(position.entry_price)
        self.opened_at: Final = position.opened_at
        self.stop_price: Final = _as_float(position.stop_price)
        self.target_price: Final = _as_float(position.target_price)
        self.is_trail_tight: Final = position.is_trail_tight

    @property
    def profit_fraction(self) -> float:
        """The profit at the last price as a fraction of the entry price; 0 without a price."""
        price = self._price()
        if price is None:
            return 0.0
        gain = price / self.entry_price - 1.0
        return gain if self.quantity > 0 else -gain


@dataclass(frozen=True, slots=True)
class OrderView:
    """Show an order of an instance that is not done yet."""

    id: str
    side: str
    type: str
    purpose: str
    quantity: float
    filled: float
    limit_price: float | None
    stop_price: float | None
    state: str
    created_at: float


def view_order(order: Order) -> OrderView:
    """Return what a strategy may see of an order."""
    return OrderView(
        id=order.id,
        side=order.side.value,
        type=order.type.value,
        purpose=order.purpose.value,
        quantity=float(order.quantity),
        filled=float(order.filled),
        limit_price=_as_float(order.limit_price),
        stop_price=_as_float(order.stop_price),
        state=order.state.value,
        created_at=order.created_at,
    )


def _as_float(value: object) -> float | None:
    return None if value is None else float(str(value))
