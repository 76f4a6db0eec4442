"""The statements of the commit path, compiled once from the tables.

They run on the driver below SQLAlchemy's expression layer, because a commit of one row would
spend more time on building statements than on writing.
"""

from typing import Final

from sqlalchemy.dialects.sqlite import dialect, insert
from sqlalchemy.schema import Table

from trading.store.schema import OUTBOX, OUTCOME, STATE_VALUE


def _compile_insert(table: Table, *, on_conflict: str = "") -> str:
    statement = insert(table).compile(dialect=dialect(paramstyle="qmark"))
    return f"{statement} {on_conflict}".rstrip()


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
