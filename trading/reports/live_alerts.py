"""What people are told of orders that no exchange ever had, and of positions near their end."""

from decimal import Decimal

from trading.model.account import Account
from trading.model.event import DurableEvent, Severity
from trading.model.order import Fill, Order
from trading.model.position import Position
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import (
    exact_text,
    finite_or_none,
    percent_text,
    price_text,
    quantity_text,
)
from trading.reports.order_lines import order_fields


def order_given_up(order: Order, at: float, is_paper: bool | None = None) -> DurableEvent:
    """Say that an order of unknown fate never arrived: it was not sent again."""
    lines = [
        f"{order.side.value.upper()} {order.symbol} given up",
        where_line(order.account, is_paper),
        *reason_lines("it never reached the exchange, and is not sent again"),
        *row("quantity", quantity_text(order.quantity)),
        *row("for", order.purpose.value),
        *row("id", order.id),
    ]
    fields = {
        **order_fields(order),
        **where_fields(order.account, is_paper),
        "reason": order.note,
    }
    return make_alert("order_given_up", Severity.WARNING, lines, at, fields, is_vital=True)


def liquidation_near(
    account: Account, symbol: str, quantity: Decimal, price: float, liquidation: Decimal, at: float
) -> DurableEvent:
    """Warn that the venue will soon close a position by itself."""
    fraction = abs(price - float(liquidation)) / price
    lines = [
        f"⚠ {symbol}: LIQUIDATION NEAR",
        where_line(account.name, account.is_paper),
        *row("held", quantity_text(quantity)),
        *row("price", price_text(price)),
        *row("liquid.", f"{price_text(liquidation)} ({percent_text(fraction)} away)"),
        *reason_lines(f"reduce it, or add money: /sell {symbol}"),
    ]
    fields = {
        **where_fields(account.name, account.is_paper),
        "symbol": symbol,
        "quantity": exact_text(quantity),
        "price": finite_or_none(price),
        "liquidation_price": exact_text(liquidation),
    }
    return make_alert("liquidation_near", Severity.WARNING, lines, at, fields, is_vital=True)


def liquidated(
    position: Position, entry_price: Decimal, fill: Fill, is_paper: bool
) -> DurableEvent:
    """Say that the venue closed a position by itself, and that nothing new is risked after it."""
    left = abs(position.quantity) - fill.quantity
    lines = [
        f"⛔ LIQUIDATED: {position.symbol}",
        where_line(position.account, is_paper),
        *row("quantity", quantity_text(fill.quantity)),
        *row("entry", price_text(entry_price)),
        *row("price", price_text(fill.price)),
        *(row("left", quantity_text(left)) if left else []),
        *reason_lines("by the exchange itself: its margin was used up"),
        *reason_lines("entries of this account are off: look at it, then /startbuying ALL"),
    ]
    fields = {
        **where_fields(position.account, is_paper),
        "symbol": position.symbol,
        "quantity": exact_text(fill.quantity),
        "entry_price": exact_text(entry_price),
        "price": exact_text(fill.price),
        "left": exact_text(left),
    }
    return make_alert("liquidated", Severity.CRITICAL, lines, fill.at, fields, is_vital=True)
