"""Orders that were found at a venue, as the book has orders: read, and never sent from here.

A client id that we made says that the store lost the order; any other order is a person's. What
was filled before it was found is not booked with it: it shows in the holdings.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.engine.order_ids import read_order_id, tag_of
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.position import Position
from trading.model.venue_news import OpenOrderSeen

_INSTANCE_TAG_LEN: Final = 3
_PROTECTIVE: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET})


def id_of(seen: OpenOrderSeen) -> str:
    """Return the id that book and worker know a found order by."""
    return seen.order_id or seen.venue_id


def order_found(
    account: str,
    seen: OpenOrderSeen,
    purpose: Purpose,
    at: float,
    *,
    instance: str = "",
    author: str = "",
    reason: str = "",
) -> Order:
    """Return a found order as one that rests at its venue."""
    return Order(
        id=id_of(seen),
        account=account,
        symbol=seen.symbol,
        side=seen.side,
        type=seen.type,
        purpose=purpose,
        quantity=seen.quantity,
        created_at=seen.at,
        limit_price=seen.limit_price,
        stop_price=seen.stop_price,
        reduce_only=purpose is not Purpose.ENTRY,
        instance=instance,
        author=author,
        reason=reason,
        reserve_price=_reserve_price(seen) if purpose is Purpose.ENTRY else Decimal(0),
        state=OrderState.PARTIAL if seen.filled else OrderState.WORKING,
        filled=seen.filled,
        venue_id=seen.venue_id,
        accepted_at=seen.at,
        updated_at=at,
    )


def purpose_of(
    seen: OpenOrderSeen, position: Position | None, orders: Iterable[Order], *, can_short: bool
) -> Purpose:
    """Return what a found order is for; `orders` are the open ones of its market.

    A person marks few orders as reduce-only: one that takes no more than what is held, and not
    yet promised to another, is a way out all the same. One for more would turn the position
    around. A stop against what is held protects it; what is being closed takes either along.
    """
    reduces = position is not None and seen.side is position.side.opposite
    is_exit = seen.is_reduce_only or (seen.side is Side.SELL and not can_short)
    if seen.type in _PROTECTIVE and (is_exit or reduces):
        return Purpose.PROTECTION
    if position is not None and reduces and not is_exit:
        promised = sum(one.remaining for one in orders if one.purpose is Purpose.EXIT)
        is_exit = bool(position.closing) or seen.remaining <= abs(position.quantity) - promised
    return Purpose.EXIT if is_exit else Purpose.ENTRY


def may_open(seen: OpenOrderSeen, *, can_short: bool) -> bool:
    """Tell whether an order may open a position, whatever it is for: its venue does not know."""
    return not seen.is_reduce_only and (can_short or seen.side is Side.BUY)


def instance_of(seen: OpenOrderSeen, instances: Iterable[str]) -> str:
    """Return the instance whose tag an id of ours bears, or nothing for a person's."""
    tag = read_order_id(seen.order_id)
    by_tag: Mapping[str, str] = {tag_of(one, _INSTANCE_TAG_LEN): one for one in instances}
    return "" if tag is None else by_tag.get(tag.instance, "")


def _reserve_price(seen: OpenOrderSeen) -> Decimal:
    return seen.limit_price or seen.stop_price or Decimal(0)
