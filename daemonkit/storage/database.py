"""Open a process's database: refuse what is not sound, migrate what is old, create what is new."""

import errno
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from daemonkit.files import make_private_folder, sync_folder
from daemonkit.storage.backup import backup_database, remove_database
from daemonkit.storage.check import DatabaseKind, check_database, companion
from daemonkit.storage.engine import (
    BUSY_TIMEOUT_S,
    DatabaseReader,
    DatabaseWriter,
    build_engine,
    reading,
)
from daemonkit.storage.faults import storage_error
from daemonkit.storage.log_layout import lay_out_log

__all__ = ["DatabaseKind", "DatabaseReader", "DatabaseWriter", "open_database", "reading"]

log = logging.getLogger(__name__)


def open_database(
    path: Path,
    *,
    kind: DatabaseKind,
    migrations: Path,
    head: str,
    restore_hint: str = "",
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Engine:
    """Return an engine for the database at the path, made or migrated to the head if need be.

    The caller holds the folder's lock. A damaged, foreign or newer database is a StateError and
    is left untouched; a locked one or a full disk is an UnavailableError.
    """
    path = path.resolve()
    make_private_folder(path.parent)
    try:
        if not path.exists():
            _create(path, kind, migrations, head)
        else:
            revision = check_database(path, kind, restore_hint=restore_hint)
            _check_writable(path)
            if revision != head:
                _migrate(path, kind, migrations, revision, head)
        return _connected(path, busy_timeout_s)
    except (sqlite3.Error, DBAPIError, OSError) as error:
        raise storage_error(path, error, restore_hint) from error


def _connected(path: Path, busy_timeout_s: float) -> Engine:
    engine = build_engine(path, busy_timeout_s=busy_timeout_s)
    try:
        with engine.begin():
            # Shows now, not at the first trade, that the database can be written.
            pass
        lay_out_log(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _create(path: Path, kind: DatabaseKind, migrations: Path, head: str) -> None:
    """Make the database under another name, so that a crash never leaves half of one."""
    from daemonkit.storage.migrations import upgrade  # noqa: PLC0415 - slow

    _set_orphans_aside(path)
    new = path.with_name(f".{path.name}.new")
    remove_database(new)
    try:
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA application_id={kind.application_id}")
        upgrade(new, migrations, head, journal_mode="delete")
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        remove_database(new)
    sync_folder(path.parent)
    log.info("%s is made, schema %s", path, head)


def _set_orphans_aside(path: Path) -> None:
    """Move the log of a deleted database away: it would be replayed into the new one."""
    wal = companion(path, "-wal")
    if wal.exists():
        wal.replace(companion(path, "-wal.orphan"))
    for suffix in ("-shm", "-journal"):
        companion(path, suffix).unlink(missing_ok=True)


def _check_writable(path: Path) -> None:
    # Not opened to find out: closing a second handle would drop the locks that SQLite holds.
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _migrate(path: Path, kind: DatabaseKind, migrations: Path, revision: str, head: str) -> None:
    from daemonkit.storage.migrations import check_known, upgrade  # noqa: PLC0415 - slow

    check_known(path, migrations, revision, head)
    # One name per step between versions: a start that fails again and again makes one backup.
    copy = path.with_name(f"{path.name}.backup-{revision}-before-{head}")
    backup_database(path, copy, kind=kind, overwrite=True)
    upgrade(path, migrations, head)
    log.info("%s: schema %s is now %s, the one before is kept as %s", path, revision, head, copy)
