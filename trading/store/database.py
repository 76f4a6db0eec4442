"""Opening `state.db`: sound, migrated, ours, and under a new epoch; and what is read from it.

Each opening makes a new epoch, so that a restored copy never gives an old number to a new event.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine

from daemonkit.storage.check import DatabaseKind
from daemonkit.storage.database import DatabaseReader, DatabaseWriter, open_database, reading
from daemonkit.storage.faults import is_damage
from trading.store.outbox import OutboxReader, OutboxWriter
from trading.store.outcomes import OutcomeReader, OutcomeWriter
from trading.store.ownership import Owner, claim_database
from trading.store.schema import HEAD
from trading.store.state_values import load_state_values, write_state_values
from trading.store.trading_tables import SavedTrading, TradingReader

# "TrSt" in the file's header: a trading state database, and not the bridge's.
KIND: Final = DatabaseKind("trading state", 0x54725374)
# A locked database holds up what reduces risk for no longer than this at a time.
BUSY_TIMEOUT_S: Final = 0.5
MIGRATIONS: Final = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Bound what the database holds.

    A transaction deletes at most `prune_rows_max` of each kind, so that none is held up.
    """

    outbox_rows_max: int = 100_000
    outcome_age_max_s: float = 7 * 86_400.0
    outcome_rows_max: int = 1_000_000
    order_age_max_s: float = 90 * 86_400.0
    prune_rows_max: int = 2_000


class StateDatabase:
    """Hold the opened database of one bot; only the store thread uses the writers."""

    def __init__(
        self, engine: Engine, path: Path, owner: Owner, epoch: str, restore_hint: str = ""
    ) -> None:
        self._engine = engine
        self.path = path
        self.epoch = epoch
        with engine.begin() as connection:
            claim_database(connection, path, owner)
        self._path_text = str(path)
        self._identity = _identity_of(self._path_text)
        self.outbox = OutboxReader(self._read)
        self._finder = DatabaseReader(engine)
        self.outcomes = OutcomeReader(self._find)
        self.trading = TradingReader(self._read, path, restore_hint)
        self._report_damage: Callable[[Exception], None] = _tell_nobody

    def load_saved(self) -> Mapping[str, str]:
        """Return the engine's values from earlier runs."""
        with reading(self._engine) as connection:
            return load_state_values(connection)

    def save_values(self, values: Mapping[str, str]) -> None:
        """Keep values at once, before the store thread begins."""
        journal = self.build_journal()
        try:
            with journal.transaction() as connection:
                write_state_values(connection, values)
        finally:
            journal.close()

    def load_trading(self) -> SavedTrading:
        """Return orders and positions of earlier runs; StateError for a row that is unreadable."""
        return self.trading.load()

    def build_writers(self, limits: StoreLimits) -> tuple[OutboxWriter, OutcomeWriter]:
        """Return the writers, which know how many rows there are."""
        with reading(self._engine) as connection:
            outbox = OutboxWriter(connection, epoch=self.epoch, rows_max=limits.outbox_rows_max)
            outcomes = OutcomeWriter(
                connection,
                age_max_s=limits.outcome_age_max_s,
                rows_max=limits.outcome_rows_max,
            )
        return outbox, outcomes

    def build_journal(self) -> DatabaseWriter:
        """Return the one connection that writes."""
        return DatabaseWriter(self._engine)

    def check_in_place(self) -> None:
        """Raise an OSError when the file that is written to is no longer the one at its path.

        SQLite goes on with a file that was moved away or deleted, and no restart would find it.
        """
        if _identity_of(self._path_text) != self._identity:
            why = "was moved away or replaced while it is used; put it back"
            raise FileNotFoundError(errno.ENOENT, why, str(self.path))

    def watch_for_damage(self, report: Callable[[Exception], None]) -> None:
        """Have the damage that a reader meets reported, on the reader's thread."""
        self._report_damage = report

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        try:
            with reading(self._engine) as connection:
                yield connection
        except Exception as error:
            if is_damage(error):
                self._report_damage(error)
            raise

    def _find(self, statement: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        """Return the first row of a query that somebody waits for."""
        try:
            return self._finder.find(statement, parameters)
        except Exception as error:
            if is_damage(error):
                self._report_damage(error)
            raise

    def close(self) -> None:
        """Close all connections; the log is brought into the file by the last one."""
        self._finder.close()
        self._engine.dispose()


def _identity_of(path: str) -> tuple[int, int] | None:
    try:
        # Before each commit: a path of text takes half as long.
        status = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _tell_nobody(_error: Exception) -> None:
    """Stand in until the store thread is there."""


def open_state_database(
    path: Path, owner: Owner, *, epoch: str, restore_hint: str
) -> StateDatabase:
    """Open a bot's database, making or migrating it; StateError when it must not be used."""
    engine = open_database(
        path,
        kind=KIND,
        migrations=MIGRATIONS,
        head=HEAD,
        restore_hint=restore_hint,
        busy_timeout_s=BUSY_TIMEOUT_S,
    )
    try:
        return StateDatabase(engine, path, owner, epoch, restore_hint)
    except BaseException:
        engine.dispose()
        raise
