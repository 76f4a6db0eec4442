"""The durable events of trading: what they say and how much they matter.

What a full outbox must not refuse, fills above all, is vital. `at` is wall time.
"""

from decimal import Decimal
from typing import Any, Final

from trading.model.event import DurableEvent, Severity
from trading.model.order import Order, OrderIntent, Side
from trading.model.position import Position, Trade
from trading.model.report import Report
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import (
    amount_text,
    duration_text,
    exact_or_none,
    exact_text,
    finite_or_none,
    percent_text,
    price_text,
    profit_text,
    quantity_text,
)
from trading.reports.order_lines import order_fields
from trading.reports.tables import View
from trading.reports.views import trade_fields
from trading.risk.limit_values import Tripped
from trading.risk.refusal import Refusal

# From here up a trade has earned more than what its fees and slippage make uncertain.
GREEN_FROM: Final = Decimal("0.002")


def order_placed(order: Order, is_paper: bool, at: float) -> DurableEvent:
    """Say that an order was sent."""
    lines = [
        f"{_side(order)} {order.type.value.replace('_', ' ')} {order.symbol} placed",
        where_line(order.account, is_paper),
        *row("quantity", quantity_text(order.quantity)),
        *(row("limit", price_text(order.limit_price)) if order.limit_price is not None else []),
        *(row("stop", price_text(order.stop_price)) if order.stop_price is not None else []),
        *row("for", order.purpose.value),
        *reason_lines(order.reason),
        *row("id", order.id),
    ]
    return make_alert("order_placed", Severity.INFO, lines, at, _fields(order, is_paper))


def bought(
    order: Order, position: Position, cash: Decimal, is_paper: bool, at: float
) -> DurableEvent:
    """Say that an entry order was filled, and what protects the position now."""
    is_buy = order.side is Side.BUY
    moved = order.cost + order.fees if is_buy else order.cost - order.fees
    lines = [
        f"{'BOUGHT' if is_buy else 'SOLD SHORT'} {order.symbol}",
        where_line(order.account, is_paper),
        *row("spent" if is_buy else "received", _money(moved, order.symbol)),
        *row("quantity", quantity_text(order.filled)),
        *row("price", price_text(order.average_price)),
        *row("target", price_text(position.target_price)),
        *row("stop", price_text(position.stop_price) if position.stop_price else "⚠ NONE"),
        *reason_lines(order.reason),
        *row("balance", _money(cash, order.symbol)),
    ]
    fields = {
        **_fields(order, is_paper),
        **_position_fields(position),
        "price": exact_or_none(order.average_price),
        "spent" if is_buy else "received": exact_text(moved),
        "fees": exact_text(order.fees),
        "balance": exact_text(cash),
    }
    kind = "bought" if is_buy else "sold_short"
    return make_alert(kind, Severity.NOTICE, lines, at, fields, is_vital=True)


def sold(trade: Trade, cash: Decimal, is_paper: bool, at: float) -> DurableEvent:
    """Say that a position was closed, what it cost and what it brought."""
    is_long = trade.side is Side.BUY
    entry, leaving = trade.entry_price * trade.quantity, trade.exit_price * trade.quantity
    percent = percent_text(trade.profit_fraction, signed=True)
    mark = "🟢" if trade.profit_fraction >= GREEN_FROM else "🔴"
    lines = [
        f"{mark} {'SOLD' if is_long else 'BOUGHT BACK'} {trade.symbol}",
        where_line(trade.account, is_paper),
        *row("P&L", f"{profit_text(trade.profit)} ({percent})"),
        *row("initial", amount_text(entry)),
        *row("received" if is_long else "paid", amount_text(leaving)),
        *row("fees", amount_text(trade.fees)),
        *row("quantity", quantity_text(trade.quantity)),
        *row("entry", price_text(trade.entry_price)),
        *row("exit", price_text(trade.exit_price)),
        *reason_lines(trade.reason),
        *row("balance", _money(cash, trade.symbol)),
    ]
    fields = {
        **trade_fields(trade),
        **where_fields(trade.account, is_paper),
        "initial": exact_text(entry),
        "received" if is_long else "paid": exact_text(leaving),
        "balance": exact_text(cash),
    }
    kind = "sold" if is_long else "bought_back"
    return make_alert(kind, Severity.NOTICE, lines, at, fields, is_vital=True)


def sold_part(
    order: Order, position: Position, realised: Decimal, cash: Decimal, is_paper: bool, at: float
) -> DurableEvent:
    """Say that an order closed a part of a position.

    `realised` is what the whole trade has realised so far; profits here are before fees.
    """
    taken = (order.cost - order.filled * position.entry_price) * position.side.sign
    is_sale = order.side is Side.SELL
    lines = [
        f"{'SOLD' if is_sale else 'BOUGHT BACK'} PART {order.symbol}",
        where_line(order.account, is_paper),
        # Said, as the P&L of the whole trade is after them.
        *row("P&L", f"{profit_text(taken)} before fees"),
        *row("so far", f"{profit_text(realised)} before fees"),
        *row("received" if is_sale else "paid", amount_text(order.cost)),
        *row("fees", amount_text(order.fees)),
        *row("quantity", quantity_text(order.filled)),
        *row("price", price_text(order.average_price)),
        *row("left", quantity_text(abs(position.quantity))),
        *reason_lines(order.reason),
        *row("balance", _money(cash, order.symbol)),
    ]
    fields = {
        **_fields(order, is_paper),
        **_position_fields(position),
        "price": exact_or_none(order.average_price),
        "profit": exact_text(taken),
        "realised": exact_text(realised),
        "received" if is_sale else "paid": exact_text(order.cost),
        "fees": exact_text(order.fees),
        "balance": exact_text(cash),
    }
    return make_alert("sold_part", Severity.NOTICE, lines, at, fields, is_vital=True)


def order_refused(
    intent: OrderIntent, refusal: Refusal, at: float, is_paper: bool | None = None
) -> DurableEvent:
    """Say that risk refused what would have become an order; nothing was sent."""
    author = intent.instance or intent.author
    lines = [
        f"{intent.side.value.upper()} {intent.symbol} refused by risk",
        where_line(intent.account, is_paper),
        *reason_lines(refusal.text),
        *(row("by", author) if author else []),
    ]
    fields = {
        **where_fields(intent.account, is_paper),
        "symbol": intent.symbol,
        "side": intent.side.value,
        "code": refusal.code.value,
        "reason": refusal.text,
        "author": author,
        "refused_by": "risk",
    }
    key = f"order_refused:{intent.account}:{intent.symbol}:{intent.side.value}:{refusal.code.value}"
    return make_alert("order_rejected", Severity.NOTICE, lines, at, fields, key)


def order_rejected(
    order: Order, reason: str, at: float, is_paper: bool | None = None
) -> DurableEvent:
    """Say that the venue refused an order."""
    lines = [f"{_side(order)} {order.symbol} rejected", *_what_of(order, reason, is_paper)]
    fields = {**_fields(order, is_paper), "reason": reason, "refused_by": "venue"}
    return make_alert("order_rejected", Severity.WARNING, lines, at, fields)


def order_cancelled(order: Order, at: float, is_paper: bool | None = None) -> DurableEvent:
    """Say that an order is gone although nobody here had asked for it."""
    reason = order.note or f"the venue says: {order.state.value}"
    lines = [
        f"{_side(order)} {order.symbol} {order.state.value}",
        *_what_of(order, f"not by this bot: {reason}", is_paper),
    ]
    fields = {**_fields(order, is_paper), "reason": reason}
    return make_alert("order_cancelled", Severity.WARNING, lines, at, fields)


def order_unknown(order: Order, at: float, is_paper: bool | None = None) -> DurableEvent:
    """Say that nobody knows whether the venue has an order; it is looked up, not sent again."""
    lines = [
        f"⚠ {_side(order)} {order.symbol} UNKNOWN",
        *_what_of(order, "it is looked up and never sent again", is_paper),
        *reason_lines(order.note),
    ]
    fields = {**_fields(order, is_paper), "reason": order.note}
    return make_alert("order_unknown", Severity.CRITICAL, lines, at, fields)


def strange_report(report: Report, error: str, at: float) -> DurableEvent:
    """Say that a venue reported what cannot be; the engine changed nothing."""
    lines = [
        "⚠ report that cannot be",
        report.account,
        *reason_lines(error),
        *row("id", report.order_id),
        *reason_lines("nothing was changed; look at the account"),
    ]
    fields = {
        "account": report.account,
        "id": report.order_id,
        "report": type(report).__name__,
        "error": error,
    }
    key = f"strange_report:{report.account}:{report.order_id}"
    return make_alert("strange_report", Severity.CRITICAL, lines, at, fields, key)


def protection_missing(
    position: Position, reason: str, at: float, is_paper: bool | None = None
) -> DurableEvent:
    """Say that a position stands without a resting stop, and why."""
    lines = [
        f"⚠ NO STOP: {position.symbol}",
        where_line(position.account, is_paper),
        *reason_lines(f"{quantity_text(position.quantity)} held without a stop"),
        *reason_lines(reason),
    ]
    fields = {
        **_position_fields(position),
        **where_fields(position.account, is_paper),
        "symbol": position.symbol,
        "reason": reason,
    }
    key = f"protection_missing:{position.account}:{position.symbol}"
    return make_alert("protection_missing", Severity.CRITICAL, lines, at, fields, key)


def limit_tripped(tripped: Tripped, at: float, is_paper: bool | None = None) -> DurableEvent:
    """Say which bound was passed, and how it is lifted."""
    lifted_by = tripped.lifted_by
    lines = [
        f"⛔ {tripped.symbol or tripped.account}: {tripped.limit.value}",
        where_line(tripped.account, is_paper),
        *reason_lines(tripped.text),
        *(reason_lines(f"lifted by {lifted_by}") if lifted_by not in tripped.text else []),
    ]
    fields = {
        **_limit_fields(tripped, is_paper),
        "value": finite_or_none(tripped.value),
        "bound": finite_or_none(tripped.bound),
        "reason": tripped.text,
        "lifted_by": lifted_by,
    }
    return make_alert("limit_tripped", Severity.CRITICAL, lines, at, fields)


def limit_lifted(
    tripped: Tripped, author: str, at: float, is_paper: bool | None = None
) -> DurableEvent:
    """Say that a limit bars nothing any more, and who or what lifted it."""
    lines = [
        f"{tripped.symbol or tripped.account}: {tripped.limit.value} lifted",
        where_line(tripped.account, is_paper),
        *reason_lines(f"by {author}"),
    ]
    fields = {**_limit_fields(tripped, is_paper), "author": author}
    return make_alert("limit_lifted", Severity.NOTICE, lines, at, fields, is_vital=True)


def kill_set(reason: str, author: str, at: float) -> DurableEvent:
    """Say that the kill latch bars all new risk."""
    lines = ["⛔ KILL LATCH SET", *reason_lines(reason), *reason_lines(f"by {author}")]
    fields = {"reason": reason, "author": author}
    return make_alert("kill_set", Severity.CRITICAL, lines, at, fields)


def kill_reset(author: str, at: float) -> DurableEvent:
    """Say that the kill latch bars nothing any more."""
    lines = ["kill latch reset", *reason_lines(f"by {author}")]
    return make_alert("kill_reset", Severity.NOTICE, lines, at, {"author": author}, is_vital=True)


def flattened(what: str, at: float, *, orders: int, positions: int, took_s: float) -> DurableEvent:
    """Say that everything of a bot or an account is closed, as the venue confirms."""
    lines = [
        "FLAT: no position, no order",
        what,
        *reason_lines(f"{orders:,} orders cancelled, {positions:,} positions closed"),
        *reason_lines(f"took {duration_text(took_s)}"),
    ]
    fields = {
        "what": what,
        "orders_cancelled": orders,
        "positions_closed": positions,
        "took_s": round(took_s, 3),
    }
    return make_alert("flattened", Severity.NOTICE, lines, at, fields, is_vital=True)


def strategy_failed(instance: str, error: str, at: float) -> DurableEvent:
    """Say that an instance raised an error that was contained; it goes on."""
    lines = [f"strategy {instance} failed", *reason_lines(error)]
    fields = {"instance": instance, "error": error}
    # By its kind: an error that names the price it met would be a new one with every tick.
    key = f"strategy_error:{instance}:{error.partition(':')[0]}"
    return make_alert("strategy_error", Severity.WARNING, lines, at, fields, key)


def strategy_stopped(instance: str, reason: str, at: float) -> DurableEvent:
    """Say that an instance gets no more market data until a person starts it again."""
    lines = [f"strategy {instance} stopped", *reason_lines(reason)]
    fields = {"instance": instance, "reason": reason}
    return make_alert("strategy_stopped", Severity.CRITICAL, lines, at, fields)


def strategy_quarantined(instance: str, reason: str, at: float) -> DurableEvent:
    """Say that an instance is kept out after it held up the whole process."""
    lines = [f"⛔ {instance} quarantined", *reason_lines(reason)]
    fields = {"instance": instance, "reason": reason}
    return make_alert("strategy_quarantined", Severity.CRITICAL, lines, at, fields)


def clock_jumped(step_s: float, at: float) -> DurableEvent:
    """Say that the wall clock of the machine was set while the bot ran."""
    lines = [f"clock jumped by {step_s:+.1f} s", *reason_lines("no new risk until it is steady")]
    fields = {"step_s": finite_or_none(round(step_s, 3))}
    return make_alert("clock_jumped", Severity.WARNING, lines, at, fields, "clock_jumped")


def status_report(status: View, at: float) -> DurableEvent:
    """Return the status as an event, for the report at intervals and at a stop."""
    text = f"status\n{status.text}"
    return DurableEvent("status_report", Severity.INFO, text, at, status.fields)


def _side(order: Order) -> str:
    return order.side.value.upper()


def _money(amount: Decimal, symbol: str) -> str:
    """Return money with its currency: the quote currency of the market."""
    return f"{amount_text(amount)} {symbol.partition('/')[2].partition(':')[0]}".rstrip()


def _what_of(order: Order, reason: str, is_paper: bool | None) -> list[str]:
    filled = f"{quantity_text(order.filled)} of {quantity_text(order.quantity)}"
    return [
        where_line(order.account, is_paper),
        *reason_lines(reason),
        *row("filled", filled),
        *row("for", order.purpose.value),
        *row("id", order.id),
    ]


def _fields(order: Order, is_paper: bool | None) -> dict[str, Any]:
    return {**order_fields(order), **where_fields(order.account, is_paper)}


def _position_fields(position: Position) -> dict[str, Any]:
    return {
        "position_quantity": exact_text(position.quantity),
        "entry_price": exact_text(position.entry_price),
        "stop_price": exact_or_none(position.stop_price),
        "target_price": exact_or_none(position.target_price),
    }


def _limit_fields(tripped: Tripped, is_paper: bool | None) -> dict[str, Any]:
    return {
        **where_fields(tripped.account, is_paper),
        "symbol": tripped.symbol,
        "limit": tripped.limit.value,
    }
