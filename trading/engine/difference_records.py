"""What is kept of differences over restarts: the open ones by number, and what is ignored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import orjson

from daemonkit.errors import StateError
from trading.model.difference import (
    Answered,
    Difference,
    DifferenceKind,
    Gone,
    OpenDifference,
    Topic,
    Viewed,
)
from trading.model.order import OrderType, Side
from trading.model.venue_news import OpenOrderSeen

KEY: Final = "trading.differences"


@dataclass(slots=True)
class DifferenceRecords:
    """Hold the open differences of all accounts, and what people said is none of ours."""

    next_number: int = 1
    open: dict[int, OpenDifference] = field(default_factory=dict)
    ignored: dict[str, dict[Topic, Decimal]] = field(default_factory=dict)
    # The last answer about each topic: there are as many as there are markets and currencies.
    answered: dict[str, dict[Topic, Answered]] = field(default_factory=dict)

    def of_account(self, account: str) -> list[OpenDifference]:
        """Return the open differences of an account, the oldest first."""
        return [one for one in self.open.values() if one.account == account]

    def add(self, account: str, difference: Difference, at: float) -> OpenDifference:
        """Give a difference its number."""
        made = OpenDifference(self.next_number, account, difference, at, difference.amount)
        self.next_number += 1
        self.open[made.number] = made
        return made

    def ignore(self, account: str, topic: Topic, amount: Decimal) -> None:
        """Remember that so much more is none of ours."""
        amounts = self.ignored.setdefault(account, {})
        amounts[topic] = amounts.get(topic, Decimal(0)) + amount

    def to_json(self) -> str:
        """Return all of it, to be kept."""
        return orjson.dumps(
            {
                "next": self.next_number,
                "open": [_row(one) for one in self.open.values()],
                "ignored": [
                    [account, topic.kind.value, topic.name, str(amount)]
                    for account, amounts in self.ignored.items()
                    for topic, amount in amounts.items()
                ],
                "answered": [
                    [account, topic.kind.value, topic.name, *_answered_row(one)]
                    for account, answers in self.answered.items()
                    for topic, one in answers.items()
                ],
            }
        ).decode()


def load_records(saved: str | None) -> DifferenceRecords:
    """Return what `to_json` was made of."""
    if not saved:
        return DifferenceRecords()
    try:
        stored = orjson.loads(saved)
        records = DifferenceRecords(int(stored["next"]))
        records.open = {one.number: one for one in _opened(stored["open"])}
        for account, kind, name, amount in stored["ignored"]:
            records.ignore(account, Topic(DifferenceKind(kind), name), Decimal(amount))
        for account, kind, name, *row in stored.get("answered", ()):
            topic = Topic(DifferenceKind(kind), name)
            records.answered.setdefault(account, {})[topic] = _answered(row)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise StateError(
            f"saved differences: found {saved[:80]!r} ({error}), allowed what this program"
            " wrote; restore the database from a backup"
        ) from error
    return records


def _answered_row(one: Answered) -> list[Any]:
    gone = [] if one.gone is None else [one.gone.opened_at, str(one.gone.entry_price)]
    return [one.symbol, str(one.price), one.seen_at, one.at, one.is_ignored, *gone]


def _answered(row: Sequence[Any]) -> Answered:
    symbol, price, seen_at, at, is_ignored, *rest = row
    gone = Gone(float(rest[0]), Decimal(rest[1])) if rest else None
    return Answered(str(symbol), Decimal(price), float(seen_at), float(at), bool(is_ignored), gone)


def _row(one: OpenDifference) -> dict[str, Any]:
    difference, order = one.difference, one.difference.order
    return {
        "number": one.number,
        "account": one.account,
        "at": one.at,
        "shown": str(one.shown),
        "viewed": [[who, str(what.amount), what.at] for who, what in one.viewed.items()],
        "kind": difference.topic.kind.value,
        "name": difference.topic.name,
        "symbol": difference.symbol,
        "expected": str(difference.expected),
        "seen": str(difference.seen),
        "entry_price": _text(difference.entry_price),
        "order": None if order is None else _order_row(order),
    }


def _order_row(order: OpenOrderSeen) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "venue_id": order.venue_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": str(order.quantity),
        "filled": str(order.filled),
        "limit_price": _text(order.limit_price),
        "stop_price": _text(order.stop_price),
        "is_reduce_only": order.is_reduce_only,
        "at": order.at,
    }


def _opened(rows: Iterable[Mapping[str, Any]]) -> Iterable[OpenDifference]:
    for row in rows:
        difference = Difference(
            Topic(DifferenceKind(row["kind"]), str(row["name"])),
            str(row["symbol"]),
            Decimal(row["expected"]),
            Decimal(row["seen"]),
            order=None if row["order"] is None else _order(row["order"]),
            entry_price=_amount(row["entry_price"]),
        )
        shown = Decimal(row.get("shown", difference.amount))
        number, account = int(row["number"]), str(row["account"])
        viewed = {
            str(who): Viewed(Decimal(amount), float(at))
            for who, amount, at in row.get("viewed", ())
        }
        yield OpenDifference(number, account, difference, float(row["at"]), shown, viewed)


def _order(row: Mapping[str, Any]) -> OpenOrderSeen:
    return OpenOrderSeen(
        order_id=str(row["order_id"]),
        venue_id=str(row["venue_id"]),
        symbol=str(row["symbol"]),
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        quantity=Decimal(row["quantity"]),
        filled=Decimal(row["filled"]),
        limit_price=_amount(row["limit_price"]),
        stop_price=_amount(row["stop_price"]),
        is_reduce_only=bool(row["is_reduce_only"]),
        at=float(row["at"]),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _amount(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
