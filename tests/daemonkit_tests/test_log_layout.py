import sqlite3
from contextlib import closing
from pathlib import Path

from daemonkit.storage.check import check_database, companion
from daemonkit.storage.log_layout import LOG_BYTES
from tests.daemonkit_tests.example_schema import KIND, add_items, open_first
from tests.small_filesystem import SIZE_BYTES


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM item")]


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def test_the_log_has_its_size_before_the_first_row_and_keeps_it(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    path = tmp_path / "var" / "state.db"
    wal = companion(path, "-wal")
    laid_out_bytes, database_bytes = wal.stat().st_size, path.stat().st_size
    assert laid_out_bytes >= LOG_BYTES
    add_items(engine, "a", "b")
    assert wal.stat().st_size == laid_out_bytes
    assert rows(path) == ["a", "b"]
    assert not {name for name in tables(path) if "filler" in name}
    engine.dispose()
    assert path.stat().st_size < database_bytes + LOG_BYTES // 10
    assert check_database(path, KIND) == "0001"


def test_what_a_killed_process_committed_into_it_is_there(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    add_items(engine, "a", "b")
    # As a kill leaves them: the database, and a log that begins with commits and ends with what
    # was taken back.
    copy = tmp_path / "copy" / "state.db"
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        source = companion(tmp_path / "var" / "state.db", suffix)
        companion(copy, suffix).write_bytes(source.read_bytes())
    assert rows(copy) == ["a", "b"]
    assert not {name for name in tables(copy) if "filler" in name}
    engine.dispose()


def test_a_log_that_is_long_is_left_alone(tmp_path: Path) -> None:
    first = open_first(tmp_path)
    add_items(first, "a")
    wal = companion(tmp_path / "var" / "state.db", "-wal")
    before = wal.stat()
    second = open_first(tmp_path)
    assert (wal.stat().st_size, wal.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    first.dispose()
    second.dispose()


def test_a_small_disk_keeps_its_room(small_filesystem: Path) -> None:
    engine = open_first(small_filesystem)
    add_items(engine, "a")
    wal = companion(small_filesystem / "var" / "state.db", "-wal")
    assert wal.stat().st_size < SIZE_BYTES // 4
    engine.dispose()
