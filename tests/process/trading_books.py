"""The books of a bot, read from its files and reckoned anew from their rows alone.

Whatever was killed, filled up or cut off before: what is in state.db at any moment must add up.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from tests.waiting import wait_until

Row = dict[str, Any]
OPEN = {"new", "sent", "working", "partially filled", "unknown"}
# What a paper account begins with, unless its configuration says otherwise.
CAPITAL = Decimal(10_000)
_TABLES = ("trade_order", "fill", "position", "trade", "outcome")
_NEVER_CHANGED = (
    *("symbol", "side", "type", "purpose", "quantity", "created_at"),
    *("instance", "author", "reason"),
)


@dataclass(frozen=True)
class Books:
    """Hold one committed moment of state.db."""

    values: dict[str, str]
    orders: dict[tuple[str, str], Row]
    fills: dict[tuple[str, str], Row]
    positions: dict[tuple[str, str], Row]
    trades: list[Row]
    outcomes: dict[str, Row]

    def cash(self, account: str = "main") -> Decimal:
        """Return the cash that is kept of an account."""
        return Decimal(self.values.get(f"cash.{account}", CAPITAL))

    @property
    def open_orders(self) -> list[Row]:
        """Return the orders that are not over."""
        return [one for one in self.orders.values() if one["state"] in OPEN]

    def by_author(self, author: str) -> list[Row]:
        """Return the orders that somebody gave."""
        return [one for one in self.orders.values() if one["author"] == author]


def read_books(database: Path) -> Books:
    """Read everything about trading in one transaction, of a bot that runs or does not."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        rows = {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for table in _TABLES
        }
        values = dict(tuple(row) for row in connection.execute("SELECT * FROM state_value"))
    return Books(
        values=values,
        orders={(one["account"], one["id"]): one for one in rows["trade_order"]},
        fills={(one["account"], one["fill_id"]): one for one in rows["fill"]},
        positions={(one["account"], one["symbol"]): one for one in rows["position"]},
        trades=sorted(rows["trade"], key=lambda one: int(one["number"])),
        outcomes={one["command_id"]: one for one in rows["outcome"]},
    )


def check_books(books: Books, accounts: Iterable[str] = ("main",)) -> None:
    """Fail unless orders, fills, positions, trades and cash agree to the last digit."""
    _check_orders(books)
    for account in accounts:
        _check_cash(books, account)
    _check_positions(books)
    _check_protection(books)
    assert [one["number"] for one in books.trades] == list(range(1, len(books.trades) + 1))


def _check_orders(books: Books) -> None:
    by_order: dict[tuple[str, str], list[Row]] = {}
    for fill in books.fills.values():
        by_order.setdefault((fill["account"], fill["order_id"]), []).append(fill)
    assert by_order.keys() <= books.orders.keys(), "a fill without its order"
    for key, order in books.orders.items():
        fills = by_order.get(key, [])
        assert {one["side"] for one in fills} <= {order["side"]}, order
        assert _sum(one["quantity"] for one in fills) == Decimal(order["filled"]), order
        assert sum(_value(one) for one in fills) == Decimal(order["cost"]), order
        assert _sum(one["fee"] for one in fills) == Decimal(order["fees"]), order
        assert Decimal(order["filled"]) <= Decimal(order["quantity"]), order
        is_whole = Decimal(order["filled"]) == Decimal(order["quantity"])
        assert is_whole == (order["state"] == "filled"), order


def _check_cash(books: Books, account: str) -> None:
    """The money is what the fills left of it, and what trades and positions say they made."""
    change = books.cash(account) - CAPITAL
    fills = [one for one in books.fills.values() if one["account"] == account]
    assert change == sum((-_sign(one) * _value(one) - Decimal(one["fee"])) for one in fills)
    trades = _sum(one["profit"] for one in books.trades if one["account"] == account)
    still_open = sum(
        (
            _direction(one) * (Decimal(one["exit_cost"]) - Decimal(one["entry_cost"]))
            - Decimal(one["fees"])
        )
        for one in books.positions.values()
        if one["account"] == account
    )
    assert change == trades + still_open


def _check_positions(books: Books) -> None:
    held: Counter[tuple[str, str]] = Counter()
    for fill in books.fills.values():
        key = (fill["account"], fill["symbol"])
        held[key] = held[key] + _sign(fill) * Decimal(fill["quantity"])  # type: ignore[assignment]
    assert {key: quantity for key, quantity in held.items() if quantity} == {
        key: Decimal(one["quantity"]) for key, one in books.positions.items()
    }


def _check_protection(books: Books) -> None:
    """Each position has its stop resting, for all of it, or is being closed by one order."""
    resting: dict[tuple[str, str], list[Row]] = {}
    for order in books.open_orders:
        assert order["state"] != "unknown", order
        if order["purpose"] != "entry":
            assert order["reduce_only"], order
            resting.setdefault((order["account"], order["symbol"]), []).append(order)
    assert resting.keys() <= books.positions.keys(), "an exit of what is not held"
    for key, position in books.positions.items():
        size = abs(Decimal(position["quantity"]))
        purpose = "exit" if position["closing"] else "protection"
        found = [one for one in resting.get(key, []) if one["purpose"] == purpose]
        rest = [Decimal(one["quantity"]) - Decimal(one["filled"]) for one in found]
        if not position["closing"]:
            assert rest == [size], (position, resting.get(key))
            assert found[0]["stop_price"] == position["stop_price"]
            assert found[0]["side"] == ("sell" if _direction(position) > 0 else "buy")
        else:
            assert size in rest, (position, resting.get(key))


def check_continued(before: Books, after: Books) -> None:
    """Fail if anything that was committed is gone, is different, or is there a second time."""
    for key, order in before.orders.items():
        same = after.orders[key]
        assert {name: order[name] for name in _NEVER_CHANGED} == {
            name: same[name] for name in _NEVER_CHANGED
        }, "an order's id was given a second time"
        if order["state"] not in OPEN:
            assert same == order, "an order that was over has changed"
    assert before.fills.items() <= after.fills.items()
    assert before.trades == after.trades[: len(before.trades)]
    assert before.outcomes.items() <= after.outcomes.items()


def check_unchanged(before: Books, after: Books) -> None:
    """Fail unless positions, stops, flags, trades and cash are as they were.

    Where a first price has filled something, that market is as its new fills make it.
    """
    check_continued(before, after)
    new = after.fills.keys() - before.fills.keys()
    moved = {(after.fills[key]["account"], after.fills[key]["symbol"]) for key in new}
    for key in (before.positions.keys() | after.positions.keys()) - moved:
        for name in _kept_of_a_position(before.positions[key]):
            assert after.positions[key][name] == before.positions[key][name], (key, name)
    if not new:
        assert len(after.trades) == len(before.trades)
        assert {name: value for name, value in before.values.items() if "cash." in name} == {
            name: value for name, value in after.values.items() if "cash." in name
        }
    for name in ("trading.flags", "trading.kill"):
        assert after.values.get(name) == before.values.get(name)


def _kept_of_a_position(row: Row) -> list[str]:
    # A trailing stop follows the first price too.
    followed = {"best_price", "trail_price"} if row["trail"] else {"best_price"}
    return [name for name in row if name not in followed and name != "closing"]


def check_status(fields: Mapping[str, Any], books: Books) -> None:
    """Fail unless a status shows what is in the books."""
    assert {one["account"]: Decimal(one["cash"]) for one in fields["accounts"]} == {
        one["account"]: books.cash(one["account"]) for one in fields["accounts"]
    }
    shown = {(one["account"], one["symbol"]): one for one in fields["positions"]}
    assert shown.keys() == books.positions.keys()
    for key, position in books.positions.items():
        for name in ("quantity", "entry_price", "stop_price", "target_price", "trail_price"):
            assert _same(shown[key][name], position[name]), (key, name)
        assert shown[key]["instance"] == position["instance"]
        assert shown[key]["closing"] == position["closing"]
    assert fields["orders_open"] == len(books.open_orders)
    flags = orjson.loads(books.values.get("trading.flags", "{}"))
    assert fields["trading"] == flags.get("trading", "OFF")
    assert fields["paused"] == bool(flags.get("paused"))
    off = {(one["account"], one["symbol"]) for one in fields["flags"] if not one["buying"]}
    assert off == {(account, symbol) for account, symbol, _ in flags.get("buying_off", [])}


def check_statistics(fields: Mapping[str, Any], books: Books) -> None:
    """Fail unless /getstats tells what the trades say, in all and of each market."""
    for row in fields["statistics"]:
        trades = [
            one
            for one in books.trades
            if row["account"] in ("", one["account"]) and row["symbol"] in ("", one["symbol"])
        ]
        profits = [Decimal(one["profit"]) for one in trades]
        assert row["trades"] == len(trades)
        assert Decimal(row["profit"]) == sum(profits)
        assert Decimal(row["fees"]) == _sum(one["fees"] for one in trades)
        assert row["wins"] == sum(one > 0 for one in profits)
        assert _same(row["win_largest"], max((one for one in profits if one > 0), default=None))
        assert _same(row["loss_largest"], min((one for one in profits if one < 0), default=None))


def wait_for_trade_file(folder: Path, books: Books) -> None:
    """Wait until trades.jsonl has every trade once, in order and as it is in the database."""
    path = folder / "trades.jsonl"

    def told() -> list[Row]:
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [orjson.loads(line) for line in lines]

    count = len(books.trades)
    wait_until(lambda: len(told()) >= count, 20, f"{count} lines in {path}")
    for line, trade in zip(told()[:count], books.trades, strict=True):
        assert line["seq"] == trade["number"]
        for name in ("quantity", "entry_price", "exit_price", "gross", "fees", "profit"):
            assert _same(line[name], trade[name]), (line, trade)
        for name in ("account", "symbol", "instance", "reason"):
            assert line[name] == trade[name], (line, trade)


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(one) for one in amounts), Decimal(0))


def _value(fill: Row) -> Decimal:
    return Decimal(fill["quantity"]) * Decimal(fill["price"])


def _sign(row: Row) -> int:
    return 1 if row["side"] == "buy" else -1


def _direction(position: Row) -> int:
    return 1 if Decimal(position["quantity"]) > 0 else -1


def _same(one: object, other: object) -> bool:
    if one is None or other is None:
        return one is other
    return Decimal(str(one)) == Decimal(str(other))
