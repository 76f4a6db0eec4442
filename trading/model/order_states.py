"""The life of an order as a table: everything that affects its states is in this module.

NEW is approved and stored, not yet known to be sent. UNKNOWN is an order of which nobody can say
whether the venue has it: it is looked up and never sent again. A fill is never refused: late
ones count also on an ended order, and one on a rejected order makes it UNKNOWN, because then the
refusal was not what it seemed. Any pair that is not listed raises and changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trading.errors import IllegalTransitionError
from trading.model.values import quickly_found


@quickly_found
class OrderState(StrEnum):
    """Name how far an order has come."""

    NEW = "new"
    SENT = "sent"
    WORKING = "working"
    PARTIAL = "partially filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@quickly_found
class OrderTrigger(StrEnum):
    """Name what can happen to an order."""

    SEND = "send"
    ACCEPT = "accept"
    FILL = "fill"
    COMPLETE = "complete"
    CANCEL = "cancel"
    REJECT = "reject"
    EXPIRE = "expire"
    LOSE = "lose"


OPEN: frozenset[OrderState] = frozenset(
    {
        OrderState.NEW,
        OrderState.SENT,
        OrderState.WORKING,
        OrderState.PARTIAL,
        OrderState.UNKNOWN,
    }
)
ENDED: frozenset[OrderState] = frozenset(OrderState) - OPEN


def _ends(state: OrderState) -> dict[tuple[OrderState, OrderTrigger], OrderState]:
    return {
        (state, OrderTrigger.FILL): OrderState.PARTIAL,
        (state, OrderTrigger.COMPLETE): OrderState.FILLED,
        (state, OrderTrigger.CANCEL): OrderState.CANCELLED,
        (state, OrderTrigger.REJECT): OrderState.REJECTED,
        (state, OrderTrigger.EXPIRE): OrderState.EXPIRED,
        (state, OrderTrigger.LOSE): OrderState.UNKNOWN,
    }


TRANSITIONS: Mapping[tuple[OrderState, OrderTrigger], OrderState] = MappingProxyType(
    {
        (OrderState.NEW, OrderTrigger.SEND): OrderState.SENT,
        (OrderState.NEW, OrderTrigger.CANCEL): OrderState.CANCELLED,
        (OrderState.NEW, OrderTrigger.REJECT): OrderState.REJECTED,
        (OrderState.NEW, OrderTrigger.LOSE): OrderState.UNKNOWN,
        (OrderState.SENT, OrderTrigger.ACCEPT): OrderState.WORKING,
        **_ends(OrderState.SENT),
        (OrderState.WORKING, OrderTrigger.ACCEPT): OrderState.WORKING,
        **_ends(OrderState.WORKING),
        # An acknowledgement that comes behind the first fill says nothing new.
        (OrderState.PARTIAL, OrderTrigger.ACCEPT): OrderState.PARTIAL,
        **_ends(OrderState.PARTIAL),
        (OrderState.UNKNOWN, OrderTrigger.ACCEPT): OrderState.WORKING,
        **_ends(OrderState.UNKNOWN),
        (OrderState.CANCELLED, OrderTrigger.FILL): OrderState.CANCELLED,
        (OrderState.CANCELLED, OrderTrigger.COMPLETE): OrderState.FILLED,
        (OrderState.EXPIRED, OrderTrigger.FILL): OrderState.EXPIRED,
        (OrderState.EXPIRED, OrderTrigger.COMPLETE): OrderState.FILLED,
        (OrderState.REJECTED, OrderTrigger.FILL): OrderState.UNKNOWN,
        (OrderState.REJECTED, OrderTrigger.COMPLETE): OrderState.FILLED,
    }
)


def advance_order(state: OrderState, trigger: OrderTrigger) -> OrderState:
    """Return the state that follows, or raise IllegalTransitionError."""
    following = TRANSITIONS.get((state, trigger))
    if following is None:
        raise IllegalTransitionError(f"an order that is {state} cannot {trigger}")
    return following
