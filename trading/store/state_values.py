"""The engine's own values by key, kept over restarts: intents, counters, marks."""

import sqlite3
from collections.abc import Mapping

from sqlalchemy import Connection, select

from trading.store.schema import STATE_VALUE
from trading.store.statements import UPSERT_STATE


def load_state_values(connection: Connection) -> dict[str, str]:
    """Return all values."""
    rows = connection.execute(select(STATE_VALUE.c.key, STATE_VALUE.c.value))
    return {row.key: row.value for row in rows}


def write_state_values(connection: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Set values; others stay."""
    connection.executemany(UPSERT_STATE, list(values.items()))
