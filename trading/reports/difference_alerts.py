"""What people are told of differences between the book and a venue, and how they may answer."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from trading.model.account import Account
from trading.model.difference import Choice, Difference, DifferenceKind, OpenDifference
from trading.model.event import DurableEvent, Severity
from trading.model.order import Order
from trading.model.venue_news import OpenOrderSeen
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import exact_or_none, exact_text, price_text, quantity_text
from trading.reports.order_lines import order_fields


def difference_found(one: OpenDifference, account: Account) -> DurableEvent:
    """Ask what is to be done about a difference; a known number means that it has changed."""
    difference = one.difference
    lines = [
        f"⚠ difference {one.number}: {subject_of(difference)}",
        where_line(account.name, account.is_paper),
        *_figure_rows(difference),
        *reason_lines(difference_text(difference)),
        *reason_lines(barring_text(one) if bars_of(difference) else "nothing is barred by it"),
        *(line for choice in difference.choices for line in _choice_lines(one, choice)),
    ]
    fields = difference_fields(one) | where_fields(account.name, account.is_paper)
    # A later text of the same number is no repeat: its figures are others.
    return make_alert("difference", Severity.WARNING, lines, one.at, fields, is_vital=True)


def difference_gone(one: OpenDifference, account: Account) -> DurableEvent:
    """Say that a difference is there no more although nobody answered."""
    lines = [
        f"difference {one.number} is gone: {subject_of(one.difference)}",
        where_line(account.name, account.is_paper),
        *reason_lines("book and venue agree again"),
    ]
    fields = {"number": one.number, **where_fields(account.name, account.is_paper)}
    return make_alert("difference_gone", Severity.NOTICE, lines, one.at, fields, is_vital=True)


def difference_settled(
    one: OpenDifference, account: Account, choice: Choice, author: str, what: str
) -> DurableEvent:
    """Say what was done about a difference, and on whose word."""
    lines = [
        f"difference {one.number}: {choice.value}",
        where_line(account.name, account.is_paper),
        *reason_lines(what),
        *reason_lines(f"by {author}"),
    ]
    fields = {
        "number": one.number,
        "choice": choice.value,
        "author": author,
        **where_fields(account.name, account.is_paper),
    }
    return make_alert("difference_settled", Severity.NOTICE, lines, one.at, fields, is_vital=True)


def order_adopted(order: Order, account: Account, what: str, at: float) -> DurableEvent:
    """Say that an open order of our own was found that the store did not have as open."""
    lines = [
        f"{order.side.value.upper()} {order.symbol} found at the venue",
        where_line(account.name, account.is_paper),
        *reason_lines(f"it bears an id of this bot: {what}"),
        *row("quantity", quantity_text(order.quantity)),
        *row("for", order.purpose.value),
        *row("id", order.id),
    ]
    fields = {**order_fields(order), **where_fields(account.name, account.is_paper)}
    return make_alert("order_adopted", Severity.WARNING, lines, at, fields, is_vital=True)


def subject_of(difference: Difference) -> str:
    """Return what differs in one or two words."""
    order = difference.order
    if order is not None:
        return f"{order.side.value} order {order.symbol}"
    kind, name = difference.topic.kind, difference.topic.name
    return f"{name} cash" if kind is DifferenceKind.CASH else name


def difference_text(difference: Difference) -> str:
    """Say in a sentence what differs."""
    order, amount = difference.order, quantity_text(abs(difference.amount))
    if order is not None:
        return f"an order is open there that is not this bot's: {_order_text(order)}"
    kind, name = difference.topic.kind, difference.topic.name
    if kind is DifferenceKind.POSITION:
        return (
            f"the position there is {_signed(difference.seen)}, not {_signed(difference.expected)}"
        )
    where = "is missing there" if difference.is_missing else "more is there than this bot knows of"
    return f"{amount} {name} {where}"


def bars_of(difference: Difference) -> bool:
    """Tell whether anything takes no new risk while a difference is open."""
    return bool(difference.symbol) or difference.is_missing


def barring_text(one: OpenDifference) -> str:
    """Say what takes no new risk because of a difference, and how that ends."""
    what = one.symbol or f"account {one.account}"
    return f"no new risk in {what} until /reconcile {one.number} is answered"


def difference_fields(one: OpenDifference) -> dict[str, Any]:
    """Return an open difference for programs."""
    difference = one.difference
    order = difference.order
    return {
        "number": one.number,
        "kind": difference.topic.kind.value,
        "name": difference.topic.name,
        "account": one.account,
        "symbol": difference.symbol or None,
        "expected": exact_text(difference.expected),
        "seen": exact_text(difference.seen),
        "amount": exact_text(difference.amount),
        "entry_price": exact_or_none(difference.entry_price),
        "order_id": None if order is None else order.order_id,
        "venue_id": None if order is None else order.venue_id,
        "choices": [choice.value for choice in difference.choices],
        "effects": {choice.value: choice_text(difference, choice) for choice in difference.choices},
        "text": f"{subject_of(difference)}: {difference_text(difference)}",
        "at": one.at,
    }


def choice_text(difference: Difference, choice: Choice) -> str:
    """Say what an answer would do."""
    kind, is_missing = difference.topic.kind, difference.is_missing
    if choice is Choice.IGNORE and kind is DifferenceKind.ORDER:
        return "left alone until it ends"
    if choice is Choice.IGNORE:
        return "none of this bot's; asked again only when it changes"
    if kind is DifferenceKind.ORDER:
        return "kept as a person's order" if choice is Choice.ADOPT else "cancelled there"
    if kind is DifferenceKind.CASH:
        return f"booked as a {'withdrawal' if is_missing else 'deposit'}"
    if choice is Choice.ADOPT:
        return "booked as changed outside" if is_missing else "booked as a position, with a stop"
    return "what is left is closed" if is_missing else "closed at the market"


def _choice_lines(one: OpenDifference, choice: Choice) -> Sequence[str]:
    return reason_lines(
        f"/reconcile {one.number} {choice.value}: {choice_text(one.difference, choice)}"
    )


def _figure_rows(difference: Difference) -> list[str]:
    if difference.order is not None:
        return row("venue id", difference.order.venue_id)
    return [
        *row("book", quantity_text(difference.expected)),
        *row("venue", quantity_text(difference.seen)),
    ]


def _order_text(order: OpenOrderSeen) -> str:
    price = order.stop_price if order.limit_price is None else order.limit_price
    at = "" if price is None else f" at {price_text(price)}"
    return f"{order.side.value} {order.type.value} {quantity_text(order.quantity)}{at}"


def _signed(quantity: Decimal) -> str:
    if not quantity:
        return "flat"
    return f"{'long' if quantity > 0 else 'short'} {quantity_text(abs(quantity))}"
