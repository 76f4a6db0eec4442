"""Read a bot's database from outside, one moment of it, also while the bot runs."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine
from sqlalchemy.exc import DBAPIError

from daemonkit.errors import StateError, UnavailableError
from daemonkit.storage.check import connect_to_read
from daemonkit.storage.faults import storage_error
from trading.store.copies import check_state
from trading.store.ownership import Owner
from trading.store.schema import HEAD
from trading.store.state_values import load_state_values
from trading.store.trading_tables import SavedTrading, TradingReader


@dataclass(frozen=True, slots=True)
class History:
    """Hold what a bot has kept: its trading and its values."""

    trading: SavedTrading
    values: Mapping[str, str]


@contextmanager
def open_history(path: Path, owner: Owner, *, restore_hint: str = "") -> Iterator[History]:
    """Yield what the database of this owner holds; its trades are read while it is open."""
    check_readable(path, owner, restore_hint=restore_hint)
    engine = create_engine("sqlite://", creator=lambda: connect_to_read(path), poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            # The driver begins nothing by itself; this makes all reads see the same moment.
            connection.exec_driver_sql("BEGIN")

            @contextmanager
            def read() -> Iterator[Connection]:
                yield connection

            reader = TradingReader(read, path, restore_hint)
            yield History(reader.load(), load_state_values(connection))
    except (sqlite3.Error, DBAPIError, OSError) as error:
        raise storage_error(path, error, restore_hint) from error
    finally:
        engine.dispose()


def check_readable(path: Path, owner: Owner, *, restore_hint: str = "") -> None:
    """Raise unless there is a sound database of this owner, of this version's schema."""
    if not path.exists():
        raise UnavailableError(f"{path}: found no database: this bot has not run yet")
    revision = check_state(path, owner, restore_hint=restore_hint)
    if revision < HEAD:
        raise UnavailableError(
            f"{path}: found schema {revision}, allowed {HEAD}: start the bot once, which brings "
            "its database up to date"
        )
    if revision > HEAD:
        raise StateError(
            f"{path}: found schema {revision}, allowed at most {HEAD}: it was made by a newer "
            "version; left untouched"
        )
