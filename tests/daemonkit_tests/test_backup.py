import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from daemonkit.errors import StateError, UnavailableError
from daemonkit.storage.backup import backup_database, restore_database
from daemonkit.storage.check import check_database, companion
from tests.daemonkit_tests.example_schema import (
    KIND,
    OTHER_KIND,
    crash_after_writing,
    items,
    made_database,
    open_first,
    snapshot,
)
from tests.small_filesystem import fill_up

CLOCK = ManualClock(wall=1795170573.0)
ASIDE = "state.db.before-restore-20261120T102933.000Z"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_is_one_complete_private_file(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a", "b")
    backup_database(path, tmp_path / "copy.db", kind=KIND)
    assert items(tmp_path / "copy.db") == ["a", "b"]
    assert check_database(tmp_path / "copy.db", KIND, thorough=True) == "0001"
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == {"state.db"}
    assert not companion(tmp_path / "copy.db", "-wal").exists()


def test_a_backup_while_others_write_holds_one_moment_and_holds_nobody_up(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    path = tmp_path / "var" / "state.db"
    done = threading.Event()
    failures: list[Exception] = []

    def write() -> None:
        try:
            while not done.is_set():
                with engine.begin() as connection:
                    for body in ("left", "right"):
                        connection.exec_driver_sql("INSERT INTO item (body) VALUES (?)", (body,))
        except Exception as error:  # noqa: BLE001 - shown at the end
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            copy = tmp_path / f"copy-{number}.db"
            backup_database(path, copy, kind=KIND)
            rows = items(copy)
            assert rows.count("left") == rows.count("right")
    finally:
        done.set()
        writer.join()
        engine.dispose()
    assert not failures


def test_a_backup_holds_what_a_killed_process_committed(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    crash_after_writing(path, "b")
    backup_database(path, tmp_path / "copy.db")
    assert items(tmp_path / "copy.db") == ["a", "b"]


def test_the_remains_of_a_killed_backup_are_cleared_away_by_the_next(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    for suffix in ("", "-journal", "-wal"):
        (tmp_path / f".copy.db.tmp{suffix}").write_bytes(b"half")
    backup_database(path, tmp_path / "copy.db")
    assert items(tmp_path / "copy.db") == ["a"]
    assert names(tmp_path) == {"var", "first", "copy.db"}


def test_a_backup_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    (tmp_path / "copy.db").write_text("precious")
    for target in (tmp_path / "copy.db", path):
        with pytest.raises(StateError, match="exists already"):
            backup_database(path, target)
    assert (tmp_path / "copy.db").read_text() == "precious"
    with pytest.raises(StateError, match="found no such folder"):
        backup_database(path, tmp_path / "none" / "copy.db")
    with pytest.raises(StateError, match="found no database to back up"):
        backup_database(tmp_path / "none.db", tmp_path / "other.db")
    assert not (tmp_path / "none.db").exists()


def test_a_backup_of_a_damaged_database_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = made_database(tmp_path, *["text " * 100] * 200)
    data = bytearray(path.read_bytes())
    data[20000:30000] = b"\xff" * 10000
    path.write_bytes(data)
    with pytest.raises(StateError, match="found a damaged database"):
        backup_database(path, tmp_path / "copy.db")
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(StateError, match="found a damaged database"):
        backup_database(path, tmp_path / "copy.db")
    assert names(tmp_path) == {"var", "first"}


def test_a_backup_that_finds_no_room_leaves_nothing(small_filesystem: Path) -> None:
    path = made_database(small_filesystem, *["x" * 1000] * 100)
    fill_up(small_filesystem, leave_bytes=32768)
    with pytest.raises(UnavailableError, match="no room is left on the disk"):
        backup_database(path, small_filesystem / "copy.db")
    assert names(small_filesystem) == {"var", "first", "filler"}


def test_a_restored_backup_takes_the_place_and_the_present_one_is_kept(tmp_path: Path) -> None:
    path = made_database(tmp_path, "then")
    backup_database(path, tmp_path / "copy.db")
    crash_after_writing(path, "now")
    aside = restore_database(tmp_path / "copy.db", path, kind=KIND, clock=CLOCK)
    assert aside == path.with_name(ASIDE)
    assert items(path) == ["then"]
    assert items(aside) == ["then", "now"]
    assert (tmp_path / "copy.db").exists()
    engine = open_first(tmp_path)
    engine.dispose()
    assert names(path.parent) == {"state.db", ASIDE}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_database_is_kept_with_its_log_when_a_backup_takes_its_place(
    tmp_path: Path,
) -> None:
    path = made_database(tmp_path, "then")
    backup_database(path, tmp_path / "copy.db")
    crash_after_writing(path, "now")
    path.write_bytes(b"garbage" * 1000)
    log = companion(path, "-wal").read_bytes()
    aside = restore_database(tmp_path / "copy.db", path, kind=KIND, clock=CLOCK)
    assert aside is not None
    assert aside.read_bytes() == b"garbage" * 1000
    assert companion(aside, "-wal").read_bytes() == log
    open_first(tmp_path).dispose()
    assert items(path) == ["then"]


def test_a_backup_can_be_restored_where_there_is_no_database(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    backup_database(path, tmp_path / "copy.db")
    path.unlink()
    assert restore_database(tmp_path / "copy.db", path, kind=KIND) is None
    assert items(path) == ["a"]


def test_what_is_no_backup_of_ours_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    backup = tmp_path / "copy.db"
    backup_database(path, backup)
    good = backup.read_bytes()
    before = snapshot(path.parent)
    with pytest.raises(StateError, match="another application"):
        restore_database(backup, path, kind=OTHER_KIND)
    for content in (b"", b"garbage" * 1000, good[: len(good) // 2]):
        backup.write_bytes(content)
        with pytest.raises(StateError, match="found a damaged database"):
            restore_database(backup, path, kind=KIND)
    with pytest.raises(StateError, match="found no backup"):
        restore_database(tmp_path / "none", path, kind=KIND)
    with pytest.raises(StateError, match="is the database itself"):
        restore_database(path, path, kind=KIND)
    assert snapshot(path.parent) == before


def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    backup_database(path, tmp_path / "copy.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO item (body) VALUES ('theirs')")
        with pytest.raises(UnavailableError, match="in use by another process"):
            restore_database(tmp_path / "copy.db", path, kind=KIND)
        other.execute("COMMIT")
    assert items(path) == ["a", "theirs"]


def test_a_disk_too_full_to_restore_leaves_the_present_database(small_filesystem: Path) -> None:
    path = made_database(small_filesystem, *["x" * 1000] * 100)
    backup_database(path, small_filesystem / "copy.db")
    fill_up(small_filesystem, leave_bytes=32768)
    before = snapshot(path.parent)
    with pytest.raises(UnavailableError, match="no room is left on the disk"):
        restore_database(small_filesystem / "copy.db", path, kind=KIND)
    assert snapshot(path.parent) == before
