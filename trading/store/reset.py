"""Begin on paper anew: what was traded is forgotten, what was told and answered stays.

The outbox, the outcomes of commands and the owner are kept, so that no event is lost and no
command is done twice. The caller holds the folder's lock.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from daemonkit.errors import StateError
from daemonkit.storage.check import connect_to_read
from daemonkit.storage.faults import storage_error
from trading.store.database import open_state_database
from trading.store.history import check_readable
from trading.store.ownership import PAPER, Owner, accounts_in

TABLES: Final = {
    "trade_order": "orders",
    "fill": "fills",
    "position": "positions",
    "trade": "trades",
}
# What is not about trading: whether the last run ended well, and the numbered alerts.
_TRADING_VALUES: Final = "state_value WHERE key NOT GLOB 'run.*' AND key NOT GLOB 'alert_series.*'"


@dataclass(frozen=True, slots=True)
class Contents:
    """Count what a reset forgets."""

    rows: dict[str, int]
    values: int

    def __str__(self) -> str:
        counts = [f"{count} {name}" for name, count in self.rows.items()]
        return f"{', '.join(counts)} and {self.values} saved values (cash, flags, limits)"


def count_trading(path: Path, owner: Owner, *, restore_hint: str = "") -> Contents:
    """Return what there is to forget; StateError for a database that is not all on paper."""
    check_readable(path, owner, restore_hint=restore_hint)
    try:
        with closing(connect_to_read(path)) as connection:
            _check_paper(dict(connection.execute("SELECT key, value FROM owner")), path)
            return _count(connection)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error, restore_hint) from error


def forget_trading(path: Path, owner: Owner, *, restore_hint: str = "") -> None:
    """Delete what was traded and the values of trading, all or nothing."""
    database = open_state_database(path, owner, epoch=str(uuid4()), restore_hint=restore_hint)
    try:
        journal = database.build_journal()
        with closing(journal), journal.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
            connection.execute(f"DELETE FROM {_TRADING_VALUES}")  # noqa: S608 - a constant
    except sqlite3.Error as error:
        raise storage_error(path, error, restore_hint) from error
    finally:
        database.close()


def _check_paper(found: dict[str, str], path: Path) -> None:
    for name, account in accounts_in(found, path).items():
        if account.mode != PAPER:
            raise StateError(
                f"{path}: account {name}: found real positions and trades, allowed paper only; "
                "left untouched"
            )


def _count(connection: sqlite3.Connection) -> Contents:
    def count(rest: str) -> int:
        found: int = connection.execute(f"SELECT count(*) FROM {rest}").fetchone()[0]  # noqa: S608
        return found

    rows = {name: count(table) for table, name in TABLES.items()}
    return Contents(rows, count(_TRADING_VALUES))
