"""What a strategy sees of its position and orders: read-only, and floats as market data is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from trading.model.order import Order
from trading.model.position import Position
from trading.model.values import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True)
class PositionView:
    """Show the position that an instance holds; a negative quantity is a short one."""

    side: str
    quantity: float
    entry_price: float
    opened_at: float
    stop_price: float | None
    target_price: float | None
    is_trail_tight: bool
    _price: Callable[[], float | None] = field(repr=False, compare=False)

    @property
    def profit_fraction(self) -> float:
        """The profit at the last price as a fraction of the entry price; 0 without a price."""
        price = self._price()
        if price is None:
            return 0.0
        gain = price / self.entry_price - 1.0
        return gain if self.quantity > 0 else -gain


@quickly_made
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


def view_position(position: Position, price: Callable[[], float | None]) -> PositionView:
    """Return what a strategy may see of a position; `price` tells the last price."""
    return PositionView(
        side=position.side.value,
        quantity=float(position.quantity),
        entry_price=float(position.entry_price),
        opened_at=position.opened_at,
        stop_price=_as_float(position.stop_price),
        target_price=_as_float(position.target_price),
        is_trail_tight=position.is_trail_tight,
        _price=price,
    )


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


def _as_float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
