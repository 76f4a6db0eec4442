"""The write-ahead log of a database at its working size from the start.

A commit that makes the log longer has the file system write down its new length as well, and so
takes longer than one that overwrites what is there. Without this that is so until the log begins
anew for the first time: https://www.sqlite.org/wal.html.
"""

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from daemonkit.storage.check import companion
from daemonkit.storage.engine import take_connection

# About what a log grows to before SQLite begins it anew: 1,000 pages of 4 KiB.
LOG_BYTES: Final = 4 * 1024 * 1024
# On a disk with less room than this there are better uses for it.
ROOM_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_CACHE_PAGES: Final = 8

log = logging.getLogger(__name__)


def lay_out_log(engine: Engine, path: Path) -> None:
    """Make a short log long by a transaction that is taken back: the database stays as it is.

    Without the room for it, or if it fails, the log grows as it is written.
    """
    wal = companion(path, "-wal")
    if wal.exists() and wal.stat().st_size >= LOG_BYTES:
        return
    if shutil.disk_usage(path.parent).free < ROOM_BYTES:
        return
    pooled, connection = take_connection(engine)
    with closing(pooled):
        try:
            _spill(connection)
        except sqlite3.Error as error:
            log.warning("%s: its log grows as it is written: %s", path, error)


def _spill(connection: sqlite3.Connection) -> None:
    """Write more than the page cache holds: what is pushed out of it goes into the log."""
    cache_size = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute(f"PRAGMA cache_size={_CACHE_PAGES}")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE daemonkit_filler (zeros BLOB)")
        for _ in range(LOG_BYTES // _CHUNK_BYTES):
            connection.execute("INSERT INTO daemonkit_filler VALUES (zeroblob(?))", (_CHUNK_BYTES,))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA cache_size={cache_size}")
