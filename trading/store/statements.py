"""The statements of the commit path, compiled once from the tables.

They run on the driver below SQLAlchemy's expression layer, because a commit of one row would
spend more time on building statements than on writing.
"""

from typing import Final

from sqlalchemy.dialects.sqlite import dialect, insert
from sqlalchemy.schema import Table

from trading.model.order_states import ENDED
from trading.store.schema import (
    FILL,
    OUTBOX,
    OUTCOME,
    POSITION,
    STATE_VALUE,
    TRADE,
    TRADE_ORDER,
)


def _compile_insert(table: Table, *, on_conflict: str = "") -> str:
    statement = insert(table).compile(dialect=dialect(paramstyle="qmark"))
    return f"{statement} {on_conflict}".rstrip()


def _compile_upsert(table: Table) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    values = ", ".join(
        f"{column.name} = excluded.{column.name}" for column in table.c if not column.primary_key
    )
    return _compile_insert(table, on_conflict=f"ON CONFLICT ({keys}) DO UPDATE SET {values}")


def columns_of(table: Table) -> str:
    """Return the columns of a table as a SELECT names them, in the table's order."""
    return ", ".join(column.name for column in table.c)


INSERT_OUTBOX: Final = _compile_insert(OUTBOX)
# The first outcome of a command stays, whatever comes later.
INSERT_OUTCOME: Final = _compile_insert(OUTCOME, on_conflict="ON CONFLICT DO NOTHING")
UPSERT_STATE: Final = _compile_insert(
    STATE_VALUE, on_conflict="ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
DELETE_ACKNOWLEDGED: Final = "DELETE FROM outbox WHERE epoch = ? AND seq <= ?"
READ_OUTBOX: Final = (
    "SELECT row_id, epoch, seq, body FROM outbox WHERE row_id > ? ORDER BY row_id LIMIT ?"
)
FIND_OUTCOME: Final = (
    "SELECT command_id, verb, author, state, text, fields, at FROM outcome WHERE command_id = ?"
)
PRUNE_OUTCOMES: Final = (
    "DELETE FROM outcome WHERE command_id IN "
    "(SELECT command_id FROM outcome WHERE at < ? ORDER BY at LIMIT ?)"
)
EVICT_OUTCOMES: Final = (
    "DELETE FROM outcome WHERE command_id IN (SELECT command_id FROM outcome ORDER BY at LIMIT ?)"
)

UPSERT_ORDER: Final = _compile_upsert(TRADE_ORDER)
# A venue may tell of a fill twice; the first one counted.
INSERT_FILL: Final = _compile_insert(FILL, on_conflict="ON CONFLICT DO NOTHING")
UPSERT_POSITION: Final = _compile_upsert(POSITION)
DELETE_POSITION: Final = "DELETE FROM position WHERE account = ? AND symbol = ?"
# Without a way out: a number that is given twice is a bug that must not overwrite a trade.
INSERT_TRADE: Final = _compile_insert(TRADE)

_ENDED_STATES: Final = ", ".join(f"'{state.value}'" for state in sorted(ENDED))
_SELECT_ORDERS: Final = f"SELECT {columns_of(TRADE_ORDER)} FROM trade_order"  # noqa: S608
# NOT IN rather than IN, so that a state that nobody knows is met and refused.
READ_OPEN_ORDERS: Final = (
    f"{_SELECT_ORDERS} WHERE state NOT IN ({_ENDED_STATES}) ORDER BY created_at, id"
)
READ_ENDED_ORDERS: Final = (
    f"{_SELECT_ORDERS} WHERE state IN ({_ENDED_STATES}) AND updated_at >= ? "
    "ORDER BY updated_at DESC LIMIT ?"
)
READ_POSITIONS: Final = f"SELECT {columns_of(POSITION)} FROM position ORDER BY account, symbol"  # noqa: S608
READ_TRADES: Final = (
    f"SELECT {columns_of(TRADE)} FROM trade WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608
)
READ_FILL_IDS: Final = "SELECT fill_id FROM fill WHERE account = ? AND order_id = ?"
NEWEST_ORDER: Final = "SELECT max(updated_at) FROM trade_order"
LAST_TRADE: Final = "SELECT max(number) FROM trade"
PRUNE_ORDERS: Final = (
    "DELETE FROM trade_order WHERE rowid IN (SELECT rowid FROM trade_order "  # noqa: S608
    f"WHERE updated_at < ? AND state IN ({_ENDED_STATES}) ORDER BY updated_at LIMIT ?)"
)
# The fills of an order that is still kept stay with it.
PRUNE_FILLS: Final = (
    "DELETE FROM fill WHERE rowid IN (SELECT rowid FROM fill WHERE at < ? AND NOT EXISTS "
    "(SELECT 1 FROM trade_order WHERE trade_order.account = fill.account "
    "AND trade_order.id = fill.order_id) ORDER BY at LIMIT ?)"
)
