"""The connection to bridge.db: any thread reads, one writes at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from daemonkit.storage.database import (
    DatabaseKind,
    DatabaseReader,
    DatabaseWriter,
    open_database,
    reading,
)

HEAD = "0007"
# "TBbr" in the header of the file: never taken for a bot's database.
KIND = DatabaseKind("bridge", 0x54426272)
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
RESTORE_HINT = "./run_telegram.sh restore FILE"
# Only a foreign program can keep it locked, and everything waits behind the write that meets it.
BUSY_TIMEOUT_S = 0.5


class Database:
    """Hold the engine of bridge.db.

    SQLite lets one connection write and makes others poll for it; the lock here has them wait
    in turn instead, which is shorter.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._engine = open_database(
            path,
            kind=KIND,
            migrations=MIGRATIONS,
            head=HEAD,
            restore_hint=RESTORE_HINT,
            busy_timeout_s=BUSY_TIMEOUT_S,
        )
        self._writer = DatabaseWriter(self._engine)
        self._finder = DatabaseReader(self._engine)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment of the database."""
        with reading(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that is committed at the end."""
        with self._lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing_fast(self) -> Iterator[sqlite3.Connection]:
        """Yield the driver's connection in such a transaction, for what is often written."""
        with self._lock, self._writer.transaction() as connection:
            yield connection

    def find(self, statement: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        """Return the first row of a query that somebody waits for; it waits for no writer."""
        return self._finder.find(statement, parameters)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._writer.close()
            self._finder.close()
            self._engine.dispose()
