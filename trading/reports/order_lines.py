"""How an order looks in a list, and its figures for programs."""

from collections.abc import Iterable
from typing import Any

from trading.model.order import Order, OrderType
from trading.model.order_states import OrderState
from trading.reports.numbers import (
    duration_text,
    exact_or_none,
    exact_text,
    price_text,
    quantity_text,
)
from trading.reports.tables import cut, wrapped

UNKNOWN_TEXT = "⚠ UNKNOWN, being looked up"


def order_block(order: Order, at: float, *, names_account: bool = False) -> list[str]:
    """Return the lines of one order; one of which nobody knows the fate says so first."""
    amount = f"{quantity_text(order.quantity)}{_price(order)}"
    head = f"{order.side.value.upper()} {order.type.value.replace('_', ' ')} {order.symbol}"
    return [
        *([UNKNOWN_TEXT] if order.state is OrderState.UNKNOWN else []),
        cut(head),
        *([cut(f" account {order.account}")] if names_account else []),
        *wrapped(amount, indent=1),
        *wrapped(f"{_state(order)}, {duration_text(at - order.created_at)}", indent=1),
        cut(f" {order.purpose.value} {order.id}"),
    ]


def order_fields(order: Order) -> dict[str, Any]:
    """Return an order for programs."""
    return {
        "id": order.id,
        "account": order.account,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "purpose": order.purpose.value,
        "state": order.state.value,
        "cancelling": order.is_cancelling,
        "quantity": exact_text(order.quantity),
        "filled": exact_text(order.filled),
        "limit_price": exact_or_none(order.limit_price),
        "stop_price": exact_or_none(order.stop_price),
        "instance": order.instance,
        "reason": order.reason,
        "created_at": order.created_at,
    }


def waiting_first(orders: Iterable[Order]) -> list[Order]:
    """Return orders with the unknown ones first, then the oldest."""
    return sorted(
        orders, key=lambda one: (one.state is not OrderState.UNKNOWN, one.created_at, one.id)
    )


def _price(order: Order) -> str:
    if order.type is OrderType.MARKET:
        return ""
    limit = f" at {price_text(order.limit_price)}" if order.limit_price is not None else ""
    stop = f" stop {price_text(order.stop_price)}" if order.stop_price is not None else ""
    return f"{limit}{stop}"


def _state(order: Order) -> str:
    state = "cancelling" if order.is_cancelling else order.state.value
    return f"{state}, {quantity_text(order.filled)} filled" if order.filled else state
