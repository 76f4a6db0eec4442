"""What people are told at a stop of entries that rested at a real exchange."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from trading.model.event import DurableEvent, Severity
from trading.model.order import Order, OrderType
from trading.model.order_states import OrderState
from trading.reports.alert_lines import (
    WIDTH,
    make_alert,
    reason_lines,
    row,
    where_fields,
    where_line,
)
from trading.reports.numbers import counted, price_text, quantity_text
from trading.reports.order_lines import order_fields
from trading.reports.tables import wrapped

# More than so many lines nobody reads on a phone; the fields have some more.
_LINES_MAX: Final = 14
_FIELDS_MAX: Final = 50


def entries_taken_back(account: str, orders: Sequence[Order]) -> DurableEvent:
    """Say which entries were cancelled because the bot stops, and what of them was filled."""
    filled = [one for one in orders if one.state is OrderState.FILLED]
    parts = [one for one in orders if one.filled and one not in filled]
    gone = [one for one in orders if one not in filled]
    head = f"{counted(len(gone), 'entry', 'entries')} cancelled: bot stops"
    lines = [
        head,
        where_line(account, is_paper=False),
        *_market_lines(gone),
        *(
            row("part", f"{counted(len(parts), 'entry', 'entries')} filled in part")
            if parts
            else []
        ),
        *(row("filled", counted(len(filled), "entry", "entries")) if filled else []),
        *reason_lines("filled while it is down they would have no stop"),
    ]
    fields = {
        **where_fields(account, is_paper=False),
        "cancelled": len(gone),
        "filled_in_part": len(parts),
        "filled": len(filled),
        "symbols": sorted({one.symbol for one in gone})[:_FIELDS_MAX],
    }
    return make_alert("entries_cancelled", Severity.NOTICE, lines, 0.0, fields, is_vital=True)


def entries_left(account: str, orders: Sequence[Order]) -> DurableEvent:
    """Say which entries may still be at the exchange although the bot stops, and what to do."""
    lines = [
        f"⛔ {counted(len(orders), 'entry', 'entries')} NOT known to be gone",
        where_line(account, is_paper=False),
        *_entry_lines(orders),
        *reason_lines("the bot stops: look at the exchange, and cancel there what is still open"),
        *reason_lines("filled meanwhile it has no stop until the next start, which looks it up"),
    ]
    fields = {
        **where_fields(account, is_paper=False),
        "count": len(orders),
        "orders": [order_fields(one) for one in orders[:_FIELDS_MAX]],
    }
    return make_alert("entries_left", Severity.CRITICAL, lines, 0.0, fields, is_vital=True)


def entry_line(order: Order) -> str:
    """Return an entry in one line."""
    amount = quantity_text(order.quantity - order.filled)
    price = order.limit_price if order.limit_price is not None else order.stop_price
    at = "at market" if order.type is OrderType.MARKET or price is None else price_text(price)
    return f"{order.side.value.upper()} {order.symbol} {amount} {at}"


def _entry_lines(orders: Sequence[Order]) -> list[str]:
    lines: list[str] = []
    for number, order in enumerate(orders):
        more = wrapped(entry_line(order), width=WIDTH)
        if len(lines) + len(more) > _LINES_MAX:
            return [*lines, f"and {len(orders) - number} more"]
        lines += more
    return lines


def _market_lines(orders: Sequence[Order]) -> list[str]:
    counts = sorted(Counter(one.symbol for one in orders).items())
    lines: list[str] = []
    for number, (symbol, count) in enumerate(counts):
        more = row(symbol, f"{count}")
        if len(lines) + len(more) > _LINES_MAX:
            return [*lines, f"and {counted(len(counts) - number, 'market')} more"]
        lines += more
    return lines
