"""What protects a position: a pure difference between what should rest at the venue and what does.

One order for each position, reduce-only: a bracket of stop and target, or a stop alone. It
follows the position's size and prices. A position that is being closed is first freed of all
other orders, then sold at the market. Also the trailing stop, which the engine watches itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.model.instrument import to_decimal
from trading.model.order import Order, OrderType, Purpose
from trading.model.position import Position
from trading.model.values import quickly_made, replace

_ONE: Final = Decimal(1)


@quickly_made
@dataclass(frozen=True, slots=True)
class ProtectiveOrder:
    """Describe an order that is to be placed for a position."""

    purpose: Purpose
    type: OrderType
    quantity: Decimal
    stop_price: Decimal | None = None
    target_price: Decimal | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class ProtectionStep:
    """Say what to do next: cancel these orders, and place this one."""

    cancel: Sequence[str] = ()
    place: ProtectiveOrder | None = None


NOTHING_TO_DO: Final = ProtectionStep()


def reconcile_protection(position: Position | None, orders: Sequence[Order]) -> ProtectionStep:
    """Return the next step for one market of one account; `orders` are its open orders.

    Applied and reported back it leads to a state in which there is nothing to do.
    """
    if position is None:
        if not orders:
            return NOTHING_TO_DO
        return _cancel([one for one in orders if one.purpose is not Purpose.ENTRY])
    if position.closing:
        return _close(position, orders)
    return _protect(position, orders)


def _protect(position: Position, orders: Sequence[Order]) -> ProtectionStep:
    wanted = wanted_protection(position)
    fitting, surplus = None, []
    for one in orders:
        if one.purpose is Purpose.PROTECTION:
            if fitting is None and _fits(one, wanted):
                fitting = one
            else:
                surplus.append(one)
    if fitting is not None or surplus:
        # The old one goes first: a venue may hold the coins for it.
        return _cancel(surplus) if surplus else NOTHING_TO_DO
    return ProtectionStep(place=wanted)


def _close(position: Position, orders: Sequence[Order]) -> ProtectionStep:
    if orders:
        return _cancel([one for one in orders if not _is_way_out(one)])
    quantity = abs(position.quantity)
    return ProtectionStep(place=ProtectiveOrder(Purpose.EXIT, OrderType.MARKET, quantity))


def _is_way_out(order: Order) -> bool:
    # An exit that waits for a price may never come.
    return order.purpose is Purpose.EXIT and order.type is OrderType.MARKET


def wanted_protection(position: Position) -> ProtectiveOrder:
    """Return the order that should rest for a position; each has a stop."""
    kind = OrderType.STOP if position.target_price is None else OrderType.BRACKET
    return ProtectiveOrder(
        Purpose.PROTECTION,
        kind,
        abs(position.quantity),
        position.stop_price,
        position.target_price,
    )


def _fits(order: Order, wanted: ProtectiveOrder) -> bool:
    return (
        not order.is_cancelling
        and order.type is wanted.type
        and order.remaining == wanted.quantity
        and order.stop_price == wanted.stop_price
        and order.limit_price == wanted.target_price
    )


def _cancel(orders: Iterable[Order]) -> ProtectionStep:
    wanted = tuple(one.id for one in orders if not one.is_cancelling)
    return ProtectionStep(cancel=wanted) if wanted else NOTHING_TO_DO


def is_trail_hit(position: Position, price: float) -> bool:
    """Tell whether a trailing stop that is on has been reached."""
    if position.trail_price is None:
        return False
    stop = float(position.trail_price)
    return price <= stop if position.quantity > 0 else price >= stop


def follow_price(position: Position, price: float) -> Position:
    """Return the position with its best price and trailing stop moved along, never back."""
    plan = position.trail
    if plan is None:
        return position
    sign = 1 if position.quantity > 0 else -1
    if (price - position.best_price) * sign <= 0 and position.best_price:
        return position
    return _move_trail(replace(position, best_price=price))


def tighten(position: Position) -> Position:
    """Return the position with its trailing stop on and at the tight distance."""
    plan = position.trail
    if plan is None or plan.tight_distance is None or position.is_trail_tight:
        return position
    return _move_trail(replace(position, is_trail_tight=True))


def _move_trail(position: Position) -> Position:
    plan = position.trail
    assert plan is not None, "only a position with a plan is moved"
    sign = 1 if position.quantity > 0 else -1
    best = to_decimal(position.best_price)
    gained = (best / position.entry_price - _ONE) * sign
    if gained < plan.activation and not position.is_trail_tight:
        return position
    is_tight = position.is_trail_tight and plan.tight_distance is not None
    distance = plan.tight_distance if is_tight else plan.distance
    assert distance is not None, "a tight trail has a distance"
    wanted = best * (_ONE - sign * distance)
    current = position.trail_price
    if current is not None and (wanted - current) * sign <= 0:
        return position
    return replace(position, trail_price=wanted)
