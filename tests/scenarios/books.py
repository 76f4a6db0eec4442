"""What must hold of a bot's file and its exchange once both are at rest, to the last digit."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, OrderKind
from tests.fakes.exchange.terms import Order as TheirOrder
from trading.engine.difference_records import load_records
from trading.engine.differences import cash_figure
from trading.engine.reconciliation import DIFFERENCES_KEY
from trading.engine.residues import KEY as RESIDUES_KEY
from trading.engine.residues import load_residues
from trading.model.order import Fill, Order, Purpose
from trading.model.order_states import OPEN, OrderState
from trading.model.position import Position
from trading.store.schema import FILL, POSITION, TRADE_ORDER
from trading.store.statements import columns_of
from trading.store.trading_rows import fill_from_row, order_from_row, position_from_row

_ZERO: Final = Decimal(0)
_STOPS: Final = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.BRACKET})
# The exchange rounds each profit of a position to this; where none is kept, nothing is rounded.
_STEP: Final = Decimal("1e-8")


@dataclass(frozen=True)
class There:
    """Name the account at the exchange, and the market it trades in."""

    engine: Engine
    account: Account
    exchange: str
    symbol: str
    is_spot: bool


@dataclass(frozen=True)
class Kept:
    """Hold what is in the file; `events` are those that no bridge has taken yet."""

    orders: dict[str, Order]
    fills: list[Fill]
    positions: list[Position]
    values: dict[str, str]
    trades: int
    events: Sequence[str]

    def told(self, *kinds: str) -> int:
        return sum(one in kinds for one in self.events)


def read_kept(path: Path) -> Kept:
    """Read the file as the next start would."""
    with sqlite3.connect(path) as database:
        rows = {
            table.name: database.execute(f"SELECT {columns_of(table)} FROM {table.name}").fetchall()
            for table in (TRADE_ORDER, FILL, POSITION)
        }
        orders = [order_from_row(row) for row in rows["trade_order"]]
        kept = Kept(
            {one.id: one for one in orders},
            [fill_from_row(row) for row in rows["fill"]],
            [position_from_row(row) for row in rows["position"]],
            dict(database.execute("SELECT key, value FROM state_value").fetchall()),
            database.execute("SELECT count(*) FROM trade").fetchone()[0],
            [_kind_of(body) for (body,) in database.execute("SELECT body FROM outbox")],
        )
    database.close()
    return kept


def _kind_of(body: bytes) -> str:
    message: Mapping[str, Any] = orjson.loads(body)["message"]
    return str(message["kind"])


def check_books(kept: Kept, there: There) -> None:
    """Fail on anything that a person would have to find out about."""
    _check_orders(kept, there.engine.orders(there.account))
    _check_fills(kept, there)
    _check_money(kept, there)
    _check_protection(kept, there)
    differences = load_records(kept.values.get(DIFFERENCES_KEY)).open
    assert not differences, f"left to a person: {differences}"


def _check_orders(kept: Kept, theirs: list[TheirOrder]) -> None:
    counts = Counter(one.client_id for one in theirs)
    assert not [name for name, count in counts.items() if count > 1], "an order is there twice"
    for one in theirs:
        ours = kept.orders.get(one.client_id)
        assert ours is not None, f"nobody intended {one.client_id} {one.wish}"
        assert (ours.side.value, ours.quantity) == (one.side.value, one.quantity)
        assert ours.filled == one.filled, f"{ours} has filled {one.filled}"
    states = {one.id: one.state for one in kept.orders.values()}
    unsure = [
        name
        for name, state in states.items()
        if state in (OrderState.UNKNOWN, OrderState.NEW, OrderState.SENT)
    ]
    assert not unsure, f"nobody knows of {unsure}"
    ours_open = {name for name, state in states.items() if state in OPEN}
    theirs_open = {one.client_id for one in theirs if one.is_open}
    assert ours_open == theirs_open, f"open here {ours_open}, open there {theirs_open}"


def _check_fills(kept: Kept, there: There) -> None:
    # What a Kraken Futures fill cost is not told: it is reckoned, and not rounded.
    is_told = there.exchange != "krakenfutures"

    def fee(value: Decimal) -> Decimal:
        return value if is_told else value.quantize(_STEP)

    ours = sorted(
        (one.order_id, one.side.value, one.quantity, one.price, fee(one.fee), one.fee_currency)
        for one in kept.fills
    )
    theirs = sorted(
        (one.client_id, one.side.value, one.quantity, one.price, fee(one.fee), one.fee_currency)
        for one in there.engine.trades(there.account)
    )
    assert ours == theirs, f"fills here\n{ours}\nthere\n{theirs}"


def _check_money(kept: Kept, there: There) -> None:
    market = there.engine.markets[there.symbol]
    totals = {name: one.total for name, one in there.engine.balances(there.account).items()}
    cash = Decimal(kept.values["cash.main"])
    if there.is_spot:
        residues = load_residues(kept.values.get(RESIDUES_KEY + "main"))
        rest = sum((one.quantity for one in residues.values()), _ZERO)
        held = sum((one.quantity for one in kept.positions), _ZERO)
        assert held + rest == totals.get(market.base, _ZERO), f"{held} + {rest}, there {totals}"
        assert cash == totals[market.quote], f"cash {cash}, there {totals}"
        return
    shown = {one.market.symbol: one.quantity for one in there.engine.positions(there.account)}
    held_here = {one.symbol.partition(":")[0]: one.quantity for one in kept.positions}
    assert held_here == shown, f"positions here {held_here}, there {shown}"
    figure = cash_figure(cash, kept.positions, has_positions_apart=True)
    slack = _STEP * (1 + len(kept.fills))
    assert abs(figure - totals[market.quote]) <= slack, f"cash {figure}, there {totals}"


def _check_protection(kept: Kept, there: There) -> None:
    market = there.engine.markets[there.symbol]
    protections = {one.id for one in kept.orders.values() if one.purpose is Purpose.PROTECTION}
    resting = there.engine.open_orders(there.account)
    stops = [one for one in resting if one.client_id in protections]
    assert all(one.wish.kind in _STOPS for one in stops)
    if not kept.positions:
        assert not stops, f"stops of nothing: {stops}"
        return
    (position,) = kept.positions
    assert not position.closing, f"still being closed: {position}"
    step = market.quantity_step
    sellable = abs(position.quantity) // step * step
    if there.is_spot and sellable < market.quantity_min:
        return
    assert [one.left for one in stops] == [sellable], f"{position} is protected by {stops}"
    (stop,) = stops
    assert stop.side.sign * position.quantity < 0
    assert stop.wish.trigger == position.stop_price, f"{stop.wish} for {position}"


def check_told(kept: Kept) -> None:
    """Fail when a person was not told what matters, or told it twice."""
    assert not kept.told("strange_report")
    closed = kept.told("sold", "bought_back")
    assert closed == kept.trades, f"{kept.trades} trades were closed, {closed} were told"
    entries = {one.id for one in kept.orders.values() if one.purpose is Purpose.ENTRY}
    is_filled = any(one.order_id in entries for one in kept.fills)
    # A part that was left again before the rest of it ended is told as the trade it became.
    is_told = kept.told("bought", "sold_short") or kept.trades
    assert bool(is_told) >= is_filled, "an entry is not told"
