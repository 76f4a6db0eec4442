"""Backups of `state.db`, and putting one back: only ever the same bot's own."""

import sqlite3
from contextlib import closing
from pathlib import Path

from daemonkit.clock import Clock
from daemonkit.storage.backup import backup_database, restore_database
from daemonkit.storage.check import check_database, connect_to_read
from daemonkit.storage.faults import storage_error
from trading.store.database import KIND
from trading.store.ownership import Owner, check_owner


def check_state(path: Path, owner: Owner, *, restore_hint: str = "") -> str:
    """Return the schema of a sound database of this owner; StateError for any other file."""
    revision = check_database(path, KIND, restore_hint=restore_hint)
    try:
        with closing(connect_to_read(path)) as connection:
            rows = connection.execute("SELECT key, value FROM owner").fetchall()
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error, restore_hint) from error
    check_owner(dict(rows), path, owner)
    return revision


def backup_state(source: Path, target: Path) -> None:
    """Write a whole, checked copy, also while the bot runs."""
    backup_database(source, target, kind=KIND)


def restore_state(backup: Path, target: Path, owner: Owner, clock: Clock) -> Path | None:
    """Put a backup of this owner in the database's place; return where the old one was kept.

    The caller holds the folder's lock.
    """
    check_state(backup, owner)
    return restore_database(backup, target, kind=KIND, clock=clock)
