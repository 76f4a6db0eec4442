"""What a database error means: disk full, damage, in use, read-only."""

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from daemonkit.errors import DaemonError, StateError, UnavailableError
from daemonkit.files import file_error

_CHAIN_MAX = 16
_PRIMARY = 0xFF

# The shared memory file beside the database needs room too, and SQLite reports its lack as an
# input-output error of these kinds.
_FULL_IOERR = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error of SQLAlchemy, sqlite3 or the system says that no room is left."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        code = _code(each)
        if code is not None and (code & _PRIMARY == sqlite3.SQLITE_FULL or code in _FULL_IOERR):
            return True
    return False


def is_damage(error: BaseException) -> bool:
    """Tell whether an error says that the database file is not a sound database."""
    return _has_primary(error, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: BaseException) -> bool:
    """Tell whether an error says that another process keeps the database to itself."""
    return _has_primary(error, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_refused(error: BaseException) -> bool:
    """Tell whether an error says that the file or its folder may not be written or opened."""
    return _has_primary(
        error,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    ) or any(
        isinstance(each, OSError) and each.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
        for each in _chain(error)
    )


def storage_error(path: Path, error: BaseException, restore_hint: str = "") -> DaemonError:
    """Return what a database error means for the process, in words."""
    if isinstance(error, OSError):
        return file_error(path, error)
    if is_disk_full(error):
        return UnavailableError(f"{path}: no room is left on the disk")
    if is_damage(error):
        return damage_error(path, _text(error), restore_hint)
    if is_locked(error):
        return UnavailableError(f"{path}: is kept locked by another process")
    if is_refused(error):
        return StateError(f"{path}: found no permission to write it or its folder ({_text(error)})")
    return UnavailableError(f"{path}: {_text(error)}")


def damage_error(path: Path, what: str, restore_hint: str = "") -> StateError:
    """Return the refusal of a file that is no sound database of ours; it names the way back."""
    hint = f"; restore a backup: {restore_hint}" if restore_hint else ""
    return StateError(f"{path}: found a damaged database ({what}), left untouched{hint}")


def _has_primary(error: BaseException, *codes: int) -> bool:
    return any(
        code & _PRIMARY in codes for each in _chain(error) if (code := _code(each)) is not None
    )


def _code(error: BaseException) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those behind it: SQLAlchemy keeps the driver's error in `orig`."""
    current: BaseException | None = error
    for _ in range(_CHAIN_MAX):
        if current is None:
            return
        yield current
        origin = getattr(current, "orig", None)
        current = origin or current.__cause__ or current.__context__


def _text(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error)
