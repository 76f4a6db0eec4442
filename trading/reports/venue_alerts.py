"""The durable events about a live account's venue: what they say and how much they matter."""

from decimal import Decimal
from typing import Final

from trading.model.account import Account
from trading.model.event import DurableEvent, Severity
from trading.model.order import Order
from trading.model.position import Position
from trading.model.venue_news import CashMoved
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import (
    amount_text,
    duration_text,
    exact_text,
    price_text,
    quantity_text,
)
from trading.reports.order_lines import order_fields

# With a refused key an exit does not get through: nothing is promised but that it is tried.
_MEANWHILE: Final = "exits are still tried, and stops that rest there act by themselves"


def venue_trouble(account: Account, reason: str, at: float) -> DurableEvent:
    """Say why an account takes no new risk, or that it does again."""
    fields = {
        **where_fields(account.name, account.is_paper),
        "exchange": account.exchange,
        "reason": reason,
    }
    head = [f"⚠ {account.exchange}: no new risk" if reason else f"{account.exchange}: all well"]
    head.append(where_line(account.name, account.is_paper))
    if not reason:
        return make_alert("venue_recovered", Severity.NOTICE, head, at, fields)
    lines = [*head, *reason_lines(reason), *reason_lines(_MEANWHILE)]
    key = f"venue_trouble:{account.name}"
    return make_alert("venue_trouble", Severity.WARNING, lines, at, fields, key)


def rest_written_off(position: Position, price: Decimal, at: float) -> DurableEvent:
    """Say that what is left of a position is too small to be sold, and stays in the account."""
    lines = [
        f"{position.symbol}: a rest is left",
        where_line(position.account, is_paper=False),
        *row("quantity", quantity_text(position.quantity)),
        *row("price", price_text(price)),
        *reason_lines("too small to be sold; it stays in the account, /balance shows it"),
    ]
    fields = {
        **where_fields(position.account, is_paper=False),
        "symbol": position.symbol,
        "quantity": exact_text(position.quantity),
        "price": exact_text(price),
    }
    return make_alert("rest_written_off", Severity.NOTICE, lines, at, fields)


def money_seen(account: Account, cash: Decimal, at: float) -> DurableEvent:
    """Say which money a live account begins with: profits are measured against it."""
    lines = [
        f"{account.name}: begins with {amount_text(cash)}",
        where_line(account.name, account.is_paper),
        *row("money", f"{amount_text(cash)} {account.currency}"),
        *reason_lines("profits and losses are measured against it"),
    ]
    fields = {
        **where_fields(account.name, account.is_paper),
        "capital": exact_text(cash),
        "currency": account.currency,
    }
    return make_alert("money_seen", Severity.NOTICE, lines, at, fields, is_vital=True)


def cash_moved(account: Account, move: CashMoved, *, is_booked: bool) -> DurableEvent:
    """Say that money came or went although nothing was traded."""
    lines = [
        f"{account.name}: {move.kind}",
        where_line(account.name, account.is_paper),
        *row("amount", f"{quantity_text(move.amount)} {move.currency}"),
        *([] if is_booked else reason_lines("another currency than the account's: not booked")),
    ]
    fields = {
        **where_fields(account.name, account.is_paper),
        "id": move.move_id,
        "cash_kind": move.kind,
        "amount": exact_text(move.amount),
        "currency": move.currency,
        "booked": is_booked,
    }
    return make_alert("cash_moved", Severity.NOTICE, lines, at=move.at, fields=fields)


def order_still_unknown(order: Order, for_s: float, at: float) -> DurableEvent:
    """Say that it takes long to find out what became of an order."""
    lines = [
        f"⚠ {order.side.value.upper()} {order.symbol} still UNKNOWN",
        where_line(order.account, is_paper=False),
        *reason_lines(f"for {duration_text(for_s)}: look at the account yourself"),
        *row("for", order.purpose.value),
        *row("id", order.id),
    ]
    fields = {**order_fields(order), **where_fields(order.account, is_paper=False)}
    key = f"order_still_unknown:{order.account}:{order.id}"
    return make_alert("order_still_unknown", Severity.CRITICAL, lines, at, fields, key)


def not_flat(account: Account, left: str, at: float) -> DurableEvent:
    """Say what a venue still shows while an account is being flattened."""
    lines = [
        f"⚠ {account.name}: not flat yet",
        where_line(account.name, account.is_paper),
        *reason_lines(left),
        *reason_lines("it is looked at again until it is flat"),
    ]
    fields = {**where_fields(account.name, account.is_paper), "left": left}
    return make_alert("not_flat", Severity.WARNING, lines, at, fields, f"not_flat:{account.name}")


def sold_beyond(position: Position, at: float) -> DurableEvent:
    """Say that coins were sold of which nobody here knows that they were bought."""
    quantity = quantity_text(-position.quantity)
    lines = [
        f"⚠ {position.symbol}: more sold than known",
        where_line(position.account, is_paper=False),
        *row("quantity", quantity),
        *reason_lines("a fill is late, or coins of yours were sold: nothing is bought back"),
    ]
    fields = {
        **where_fields(position.account, is_paper=False),
        "symbol": position.symbol,
        "quantity": exact_text(-position.quantity),
    }
    key = f"sold_beyond:{position.account}:{position.symbol}"
    return make_alert("sold_beyond", Severity.CRITICAL, lines, at, fields, key)
