"""What protects a position: a pure difference between what should rest at the venue and what does.

One order for each position, reduce-only: a bracket of stop and target, or a stop alone. It
follows the position's size and prices. A position that is being closed is first freed of all
other orders, then sold at the market. Also what the engine watches itself: the trailing stop, and
whatever a venue cannot hold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.model.instrument import to_decimal
from trading.model.order import Order, OrderType, Purpose
from trading.model.order_states import OrderState
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


@dataclass(frozen=True, slots=True)
class Means:
    """Say what a venue can hold for a position: a stop, and with it a target in one order."""

    stops: bool
    brackets: bool


NOTHING_TO_DO: Final = ProtectionStep()
EVERYTHING: Final = Means(stops=True, brackets=True)
# Sent is as good as resting here: what else becomes of it is reported, and followed then.
_STANDING: Final = frozenset({OrderState.SENT, OrderState.WORKING, OrderState.PARTIAL})
STOP: Final = "stop"
TARGET: Final = "target"


def reconcile_protection(
    position: Position | None,
    orders: Sequence[Order],
    means: Means = EVERYTHING,
    quantity: Decimal | None = None,
) -> ProtectionStep:
    """Return the next step for one market of one account; `orders` are its open orders.

    `quantity` is how much of the position can be sold, if that is not all of it. Applied and
    reported back it leads to a state in which there is nothing to do. An order of which nobody
    knows whether it rests stands for itself: there is never a second one beside it.
    """
    if position is None:
        if not orders:
            return NOTHING_TO_DO
        return _cancel([one for one in orders if one.purpose is not Purpose.ENTRY])
    if quantity is None:
        quantity = abs(position.quantity)
    if position.closing:
        return _close(orders, quantity)
    return _protect(wanted_protection(position, means, quantity), orders)


def _protect(wanted: ProtectiveOrder | None, orders: Sequence[Order]) -> ProtectionStep:
    fitting, surplus = None, []
    for one in orders:
        if one.purpose is Purpose.PROTECTION:
            if fitting is None and wanted is not None and _fits(one, wanted):
                fitting = one
            else:
                surplus.append(one)
    if fitting is not None or surplus:
        # The old one goes first: a venue may hold the coins for it.
        return _cancel(surplus) if surplus else NOTHING_TO_DO
    return NOTHING_TO_DO if wanted is None else ProtectionStep(place=wanted)


def _close(orders: Sequence[Order], quantity: Decimal) -> ProtectionStep:
    if orders:
        return _cancel([one for one in orders if not _is_way_out(one)])
    if not quantity:
        return NOTHING_TO_DO
    return ProtectionStep(place=ProtectiveOrder(Purpose.EXIT, OrderType.MARKET, quantity))


def _is_way_out(order: Order) -> bool:
    # An exit that waits for a price may never come.
    return order.purpose is Purpose.EXIT and order.type is OrderType.MARKET


def wanted_protection(
    position: Position, means: Means = EVERYTHING, quantity: Decimal | None = None
) -> ProtectiveOrder | None:
    """Return the order that should rest for a position: with a stop, where the venue can hold one.

    None where it cannot, or where so little is held that no order can be that small.
    """
    if quantity is None:
        quantity = abs(position.quantity)
    if not (means.stops and quantity):
        return None
    target = position.target_price if means.brackets else None
    kind = OrderType.STOP if target is None else OrderType.BRACKET
    return ProtectiveOrder(Purpose.PROTECTION, kind, quantity, position.stop_price, target)


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


def reached_exit(position: Position, price: float) -> str:
    """Return which of its two exits a price has reached, the stop first, or nothing."""
    sign = 1 if position.quantity > 0 else -1
    stop, target = position.stop_price, position.target_price
    if stop is not None and (price - float(stop)) * sign <= 0:
        return STOP
    if target is not None and (price - float(target)) * sign >= 0:
        return TARGET
    return ""


def is_resting(position: Position, which: str, orders: Iterable[Order]) -> bool:
    """Tell whether the venue itself watches an exit of a position, as far as is known."""
    for one in orders:
        if one.purpose is not Purpose.PROTECTION or one.is_cancelling or one.state not in _STANDING:
            continue
        if which == TARGET:
            if one.limit_price == position.target_price:
                return True
        elif one.stop_price == position.stop_price:
            return True
    return False


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
