import errno
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from daemonkit.errors import StateError, UnavailableError
from daemonkit.storage.faults import (
    is_damage,
    is_disk_full,
    is_locked,
    is_refused,
    storage_error,
)

PATH = Path("/var/state.db")


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    return error


def wrapped(error: BaseException) -> Exception:
    return OperationalError("INSERT", {}, error)


@pytest.mark.parametrize(
    ("error", "full", "damage", "locked", "refused"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), True, False, False, False),
        (sqlite_error(sqlite3.SQLITE_IOERR_SHMSIZE), True, False, False, False),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), False, False, False, False),
        (OSError(errno.ENOSPC, "full"), True, False, False, False),
        (OSError(errno.EDQUOT, "quota"), True, False, False, False),
        (OSError(errno.EIO, "broken"), False, False, False, False),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), False, True, False, False),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_VTAB), False, True, False, False),
        (sqlite_error(sqlite3.SQLITE_NOTADB), False, True, False, False),
        (sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), False, False, True, False),
        (sqlite_error(sqlite3.SQLITE_LOCKED), False, False, True, False),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), False, False, False, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), False, False, False, True),
        (OSError(errno.EROFS, "read-only"), False, False, False, True),
        (ValueError("anything else"), False, False, False, False),
    ],
)
def test_an_error_is_told_apart_bare_and_wrapped(
    error: Exception, full: bool, damage: bool, locked: bool, refused: bool
) -> None:
    chained = RuntimeError("later")
    chained.__cause__ = wrapped(error)
    for each in (error, wrapped(error), chained):
        assert is_disk_full(each) == full
        assert is_damage(each) == damage
        assert is_locked(each) == locked
        assert is_refused(each) == refused


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (sqlite3.SQLITE_FULL, UnavailableError, "no room is left on the disk"),
        (sqlite3.SQLITE_BUSY, UnavailableError, "is kept locked by another process"),
        (sqlite3.SQLITE_CORRUPT, StateError, "restore a backup: restore B"),
        (sqlite3.SQLITE_READONLY, StateError, "found no permission"),
        (sqlite3.SQLITE_IOERR, UnavailableError, "it failed"),
    ],
)
def test_an_error_becomes_the_end_of_the_start(code: int, kind: type[Exception], text: str) -> None:
    error = storage_error(PATH, wrapped(sqlite_error(code)), "restore B")
    assert type(error) is kind
    assert text in str(error)
    assert str(error).startswith("/var/state.db: ")


def test_a_circle_of_errors_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert not is_disk_full(first)
