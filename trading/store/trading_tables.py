"""What is traded, in the database: written by the store thread, read whole at the start.

Ages are market time, counted back from the newest order: a replay of old data is not old.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection

from daemonkit.errors import StateError
from trading.model.order import Order
from trading.model.position import Position, Trade
from trading.store.batch import Batch
from trading.store.outbox import Read
from trading.store.statements import (
    DELETE_POSITION,
    INSERT_FILL,
    INSERT_TRADE,
    LAST_TRADE,
    NEWEST_ORDER,
    PRUNE_FILLS,
    PRUNE_ORDERS,
    READ_ENDED_ORDERS,
    READ_FILL_IDS,
    READ_OPEN_ORDERS,
    READ_POSITIONS,
    READ_TRADES,
    UPSERT_ORDER,
    UPSERT_POSITION,
)
from trading.store.trading_rows import (
    Row,
    fill_to_row,
    order_from_row,
    order_to_row,
    position_from_row,
    position_to_row,
    trade_from_row,
    trade_to_row,
)

T = TypeVar("T")

ENDED_AGE_MAX_S: Final = 86_400.0
ENDED_ORDERS_MAX: Final = 2_000
TRADES_READ_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class SavedTrading:
    """Hold what earlier runs left: open orders and those that ended lately, and all positions.

    `fill_ids` are (account, fill id) of those orders, so that a fill told again counts once;
    `read_trades(after)` streams the trades with a greater number, oldest first.
    """

    orders: Sequence[Order]
    positions: Sequence[Position]
    fill_ids: Sequence[tuple[str, str]]
    last_trade_number: int
    read_trades: Callable[[int], Iterator[Trade]]


class TradingReader:
    """Read committed orders, positions and trades; a row that cannot be read is a StateError."""

    def __init__(self, read: Read, path: Path, restore_hint: str = "") -> None:
        self._read = read
        self._path = path
        self._hint = f"; restore a backup: {restore_hint}" if restore_hint else ""

    def load(self) -> SavedTrading:
        """Return one moment of everything but the trades."""
        with self._read() as connection:
            orders = self._load_orders(connection)
            rows = connection.exec_driver_sql(READ_POSITIONS)
            positions = list(self._parse("position", 2, position_from_row, rows))
            last = connection.exec_driver_sql(LAST_TRADE).scalar_one()
            fill_ids = [
                (order.account, fill_id)
                for order in orders
                for (fill_id,) in connection.exec_driver_sql(
                    READ_FILL_IDS, (order.account, order.id)
                )
            ]
        return SavedTrading(orders, positions, fill_ids, last or 0, self.read_trades)

    def read_trades(self, after: int = 0) -> Iterator[Trade]:
        """Yield the trades with a greater number, oldest first, a bounded number at a time."""
        while True:
            with self._read() as connection:
                rows = connection.exec_driver_sql(READ_TRADES, (after, TRADES_READ_AT_ONCE)).all()
            yield from self._parse("trade", 1, trade_from_row, rows)
            if len(rows) < TRADES_READ_AT_ONCE:
                return
            after = rows[-1][0]

    def _load_orders(self, connection: Connection) -> list[Order]:
        newest = connection.exec_driver_sql(NEWEST_ORDER).scalar_one()
        if newest is None:
            return []
        ended = connection.exec_driver_sql(
            READ_ENDED_ORDERS, (newest - ENDED_AGE_MAX_S, ENDED_ORDERS_MAX)
        )
        rows = [*connection.exec_driver_sql(READ_OPEN_ORDERS), *ended]
        orders = list(self._parse("trade_order", 2, order_from_row, rows))
        return sorted(orders, key=lambda order: (order.created_at, order.id))

    def _parse(
        self, table: str, key_len: int, parse: Callable[[Row], T], rows: Iterable[Row]
    ) -> Iterator[T]:
        for row in rows:
            try:
                value = parse(row)
            except (ValueError, KeyError, TypeError) as error:
                key = " ".join(str(part) for part in row[:key_len])
                raise StateError(
                    f"{self._path}: {table} {key}: found {error}, allowed a row that this "
                    f"version can read; left untouched{self._hint}"
                ) from error
            yield value


class TradingWriter:
    """Write what a batch says of orders, fills, positions and trades, and prune what is old."""

    def __init__(self, *, order_age_max_s: float, prune_rows_max: int) -> None:
        self._order_age_max_s = order_age_max_s
        self._prune_rows_max = prune_rows_max

    def write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """Write all of a batch."""
        if batch.orders:
            rows = [order_to_row(order) for order in batch.orders.values()]
            connection.executemany(UPSERT_ORDER, rows)
        if batch.fills:
            connection.executemany(INSERT_FILL, [fill_to_row(fill) for fill in batch.fills])
        if batch.trades:
            connection.executemany(INSERT_TRADE, [trade_to_row(trade) for trade in batch.trades])
        for key, position in batch.positions.items():
            if position is None:
                connection.execute(DELETE_POSITION, key)
            else:
                connection.execute(UPSERT_POSITION, position_to_row(position))

    def prune(self, connection: sqlite3.Connection, now: float) -> bool:
        """Delete some of the ended orders that are too old, and fills of orders that are gone.

        Return whether there may be more of them.
        """
        (newest,) = connection.execute(NEWEST_ORDER).fetchone()
        if newest is None:
            return False
        # Not by the newest order alone: one from a clock that was wrong would take all others.
        oldest = min(newest, now) - self._order_age_max_s
        deleted = [
            connection.execute(statement, (oldest, self._prune_rows_max)).rowcount
            for statement in (PRUNE_ORDERS, PRUNE_FILLS)
        ]
        return max(deleted) >= self._prune_rows_max
