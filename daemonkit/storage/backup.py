"""Copies of a database that are whole: taken while others write, checked, and put back."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from daemonkit.clock import Clock, SystemClock
from daemonkit.errors import StateError, UnavailableError
from daemonkit.files import sync_folder
from daemonkit.log_lines import timestamp_text
from daemonkit.storage.check import DatabaseKind, check_database, companion, connect_to_read
from daemonkit.storage.faults import storage_error

__all__ = ["backup_database", "check_database", "restore_database"]

_SUFFIXES = ("", "-journal", "-wal", "-shm")


def backup_database(
    source: Path, target: Path, *, kind: DatabaseKind | None = None, overwrite: bool = False
) -> None:
    """Copy a database, also while another process writes to it, into one complete checked file."""
    source, target = source.resolve(), target.resolve()
    if not source.is_file():
        raise StateError(f"{source}: found no database to back up")
    if target == source or (target.exists() and not overwrite):
        raise StateError(f"{target}: exists already, allowed the name of a new file")
    if not target.parent.is_dir():
        raise StateError(f"{target.parent}: found no such folder, allowed an existing one")
    with _temporary(target) as temporary:
        _copy(source, temporary)
        check_database(temporary, kind, thorough=True)
        _publish(temporary, target)


def restore_database(
    backup: Path, target: Path, *, kind: DatabaseKind, clock: Clock | None = None
) -> Path | None:
    """Put a backup in the database's place; return where the present one was kept, if any.

    The caller holds the folder's lock, so that no process of ours uses the database. A crash at
    any moment leaves either the present database or the restored one in its place.
    """
    backup, target = backup.resolve(), target.resolve()
    if not backup.is_file():
        raise StateError(f"{backup}: found no backup to restore")
    if backup == target:
        raise StateError(f"{backup}: is the database itself, allowed a backup of it")
    check_database(backup, kind, thorough=True)
    with _temporary(target) as temporary:
        _copy(backup, temporary)
        check_database(temporary, kind, thorough=True)
        aside = _keep_aside(target, timestamp_text((clock or SystemClock()).wall()))
        _publish(temporary, target)
    return aside


def _copy(source: Path, target: Path) -> None:
    """Copy in one step: a reader's snapshot in WAL mode, so no writer waits or restarts it."""
    try:
        with closing(connect_to_read(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer, pages=-1)
            # One file is all there is: a copy in WAL mode would need its companions.
            writer.execute("PRAGMA journal_mode=DELETE")
    except (sqlite3.Error, OSError) as error:
        raise storage_error(source, error) from error


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Yield the name of a private file beside the target and leave nothing of it behind."""
    # Always the same name, so that what a killed process left is found and does not pile up.
    temporary = target.with_name(f".{target.name}.tmp")
    remove_database(temporary)
    try:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(temporary, flags, 0o600))
        except OSError as error:
            raise storage_error(temporary, error) from error
        yield temporary
    finally:
        remove_database(temporary)


def _publish(temporary: Path, target: Path) -> None:
    try:
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(target, error) from error


def _keep_aside(target: Path, moment: str) -> Path | None:
    """Give the present database a second name and take its log away from the first.

    A log of the old database beside the new one would be replayed into it.
    """
    stamp = moment.replace(":", "").replace("-", "")
    aside = target.with_name(f"{target.name}.before-restore-{stamp}")
    try:
        if target.exists():
            _settle(target)
            _second_name(target, aside)
        if companion(target, "-wal").exists():
            companion(target, "-wal").replace(companion(aside, "-wal"))
        for suffix in ("-shm", "-journal"):
            companion(target, suffix).unlink(missing_ok=True)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(target, error) from error
    return aside if aside.exists() else None


def _settle(path: Path) -> None:
    """Bring the log of a sound database into its file; refuse when somebody uses it."""
    try:
        check_database(path)
    except StateError:
        # A damaged database is what restoring is for: it is kept as it is, log and all.
        return
    try:
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        raise storage_error(path, error) from error
    if busy:
        raise UnavailableError(f"{path}: is in use by another process")


def _second_name(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems know no hard links.
        shutil.copy2(path, other)


def remove_database(path: Path) -> None:
    """Delete a temporary database with its companions."""
    for suffix in _SUFFIXES:
        companion(path, suffix).unlink(missing_ok=True)
