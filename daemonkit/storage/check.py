"""Judge a database file without changing it: sound, ours, and of which schema."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from daemonkit.errors import StateError
from daemonkit.storage.faults import damage_error, storage_error

_MAGIC = b"SQLite format 3\x00"
_HEADER_SIZE = 100
_APPLICATION_ID = slice(68, 72)
_PROBLEMS_MAX = 1


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """Tell the databases of the two processes apart; the number stands in the file's header."""

    name: str
    application_id: int


def companion(path: Path, suffix: str) -> Path:
    """Return the file that SQLite keeps beside a database: -wal, -shm or -journal."""
    return path.with_name(path.name + suffix)


def check_database(
    path: Path, kind: DatabaseKind | None = None, *, restore_hint: str = "", thorough: bool = False
) -> str:
    """Return the schema revision of a sound database; anything else is a StateError.

    The file is only read, and its header is judged before SQLite sees it. Not for a database that
    this process has open: closing a second handle would drop the locks that SQLite holds.
    """
    try:
        _check_header(path, kind, restore_hint)
        with closing(connect_to_read(path)) as connection:
            return _check_content(connection, path, restore_hint, thorough=thorough)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error, restore_hint) from error


def connect_to_read(path: Path, timeout_s: float = 5.0) -> sqlite3.Connection:
    """Open a database only to read it, leaving no file behind where SQLite allows that.

    Without a log beside it nobody uses the file and it is complete in itself, so it is opened as
    immutable: an ordinary read-only connection would create -wal and -shm and leave them there.
    """
    is_alone = not any(companion(path, suffix).exists() for suffix in ("-wal", "-journal"))
    mode = "immutable=1" if is_alone else "mode=ro"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check_header(path: Path, kind: DatabaseKind | None, restore_hint: str) -> None:
    with _opened(path) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StateError(f"{path}: found something else than a file, allowed a database")
        header = os.read(descriptor, _HEADER_SIZE)
    if not header:
        raise damage_error(path, "the file is empty", restore_hint)
    if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
        raise damage_error(path, "the file is not an SQLite database", restore_hint)
    found = int.from_bytes(header[_APPLICATION_ID], "big")
    if kind is not None and found != kind.application_id:
        raise StateError(
            f"{path}: found a database of another application (id {found:#010x}), "
            f"allowed a {kind.name} database; left untouched"
        )


def _check_content(
    connection: sqlite3.Connection, path: Path, restore_hint: str, *, thorough: bool
) -> str:
    check = "integrity_check" if thorough else "quick_check"
    problems = [row[0] for row in connection.execute(f"PRAGMA {check}({_PROBLEMS_MAX})")]
    if problems != ["ok"]:
        what = str(problems[0]).replace("\n", " ") if problems else "no answer"
        raise damage_error(path, what, restore_hint)
    try:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise damage_error(path, "its schema has no version", restore_hint) from error
    if len(revisions) != 1:
        raise damage_error(path, f"its schema has {len(revisions)} versions", restore_hint)
    return str(revisions[0][0])
