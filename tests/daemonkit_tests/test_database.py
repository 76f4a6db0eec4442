import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from daemonkit.errors import StateError, UnavailableError
from daemonkit.storage.check import check_database, companion
from daemonkit.storage.database import (
    DatabaseReader,
    DatabaseWriter,
    open_database,
    reading,
)
from daemonkit.storage.faults import is_disk_full
from tests.daemonkit_tests.example_schema import (
    FIRST,
    KIND,
    OTHER_KIND,
    add_items,
    crash_after_writing,
    items,
    made_database,
    open_first,
    write_migrations,
)
from tests.daemonkit_tests.programs import run_program
from tests.small_filesystem import fill_up, read_only


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_database_is_made_whole_for_this_user_only(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    add_items(engine, "a", "b")
    engine.dispose()
    folder = tmp_path / "var"
    assert [path.name for path in folder.iterdir()] == ["state.db"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "state.db").stat().st_mode & 0o777 == 0o600
    assert pragma(folder / "state.db", "application_id") == KIND.application_id
    assert pragma(folder / "state.db", "journal_mode") == "wal"
    assert check_database(folder / "state.db", KIND) == "0001"


def test_what_was_stored_is_there_after_opening_again(tmp_path: Path) -> None:
    made_database(tmp_path, "a")
    engine = open_first(tmp_path)
    add_items(engine, "b")
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT body FROM item").scalars().all()
    engine.dispose()
    assert rows == ["a", "b"]


def test_connections_are_durable_and_guarded(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    with reading(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "trusted_schema",
                "busy_timeout",
            )
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "busy_timeout": 200,
    }
    with engine.begin() as connection, pytest.raises(Exception, match="FOREIGN KEY"):
        connection.exec_driver_sql("INSERT INTO part (item_id) VALUES (99)")
    engine.dispose()


def test_alembic_is_loaded_only_when_the_schema_changes(tmp_path: Path) -> None:
    migrations = write_migrations(tmp_path / "first", FIRST)
    source = """
import sys
from pathlib import Path
from daemonkit.storage.database import DatabaseKind, open_database
engine = open_database(
    Path(sys.argv[1]), kind=DatabaseKind("paper", 0x50415052), migrations=Path(sys.argv[2]),
    head="0001",
)
engine.dispose()
print("alembic" in sys.modules)
"""
    outputs = [
        run_program(source, str(tmp_path / "state.db"), str(migrations)).stdout for _ in range(2)
    ]
    assert outputs == ["True\n", "False\n"]


def test_a_reader_sees_one_moment_and_never_waits_for_the_writer(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    add_items(engine, "a")
    with reading(engine) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM item").scalar() == 1
        with engine.begin() as writer:
            writer.exec_driver_sql("INSERT INTO item (body) VALUES ('b')")
            with reading(engine) as other:
                assert other.exec_driver_sql("SELECT count(*) FROM item").scalar() == 1
        assert reader.exec_driver_sql("SELECT count(*) FROM item").scalar() == 1
    with reading(engine) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM item").scalar() == 2
    engine.dispose()


def insert_and_fail(writer: DatabaseWriter) -> None:
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('c')")
        raise RuntimeError("changed my mind")


def insert_many(writer: DatabaseWriter) -> None:
    with writer.transaction() as connection:
        for _ in range(100):
            connection.execute("INSERT INTO item (body) VALUES (?)", ("x" * 4000,))


def test_a_finder_sees_what_is_committed_at_its_moment_and_waits_for_no_writer(
    tmp_path: Path,
) -> None:
    engine = open_first(tmp_path)
    writer, finder = DatabaseWriter(engine), DatabaseReader(engine)
    wanted = "SELECT id, body FROM item WHERE body = ?"
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('a')")
        assert finder.find(wanted, ("a",)) is None
    assert finder.find(wanted, ("a",)) == (1, "a")
    # Nothing of a query is left open: it would keep the log from being emptied.
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('b')")
    with closing(sqlite3.connect(tmp_path / "var" / "state.db")) as other:
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    finder.close()
    writer.close()
    engine.dispose()


def insert_after_a_swallowed_rollback(writer: DatabaseWriter) -> None:
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('lost')")
        connection.execute("ROLLBACK")


def test_a_transaction_that_ended_early_is_not_taken_for_committed(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    writer = DatabaseWriter(engine)
    with pytest.raises(sqlite3.OperationalError, match="ended before its commit"):
        insert_after_a_swallowed_rollback(writer)
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('kept')")
    writer.close()
    engine.dispose()
    assert items(tmp_path / "var" / "state.db") == ["kept"]


def test_a_writer_commits_whole_or_not_at_all(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    writer = DatabaseWriter(engine)
    with writer.transaction() as connection:
        connection.executemany("INSERT INTO item (body) VALUES (?)", [("a",), ("b",)])
    with pytest.raises(RuntimeError, match="changed my mind"):
        insert_and_fail(writer)
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('d')")
    writer.close()
    engine.dispose()
    assert items(tmp_path / "var" / "state.db") == ["a", "b", "d"]


def test_many_threads_read_while_one_writes(tmp_path: Path) -> None:
    engine = open_first(tmp_path)
    failures: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                with reading(engine) as connection:
                    count = connection.exec_driver_sql("SELECT count(*) FROM item").scalar_one()
                assert count % 2 == 0, "half of a transaction was seen"
        except Exception as error:  # noqa: BLE001 - shown at the end
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        add_items(engine, f"{number} a", f"{number} b")
    done.set()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert not failures


def test_what_a_killed_process_committed_is_there(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    crash_after_writing(path, "b")
    open_first(tmp_path).dispose()
    assert items(path) == ["a", "b"]


@pytest.mark.parametrize("leftover", ["-wal", "-shm", "-journal"])
def test_the_leftovers_of_a_deleted_database_do_not_get_into_the_new_one(
    leftover: str, tmp_path: Path
) -> None:
    path = made_database(tmp_path, "old")
    crash_after_writing(path, "old too")
    left = companion(path, leftover)
    if not left.exists():
        left.write_bytes(b"leftover")
    path.unlink()
    for suffix in {"-wal", "-shm", "-journal"} - {leftover}:
        companion(path, suffix).unlink(missing_ok=True)
    open_first(tmp_path).dispose()
    assert items(path) == []
    assert companion(path, "-wal.orphan").exists() == (leftover == "-wal")


def test_the_remains_of_an_interrupted_creation_are_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-journal"):
        (folder / f".state.db.new{suffix}").write_bytes(b"half")
    path = made_database(tmp_path, "a")
    assert [each.name for each in folder.iterdir()] == ["state.db"]
    assert items(path) == ["a"]


def test_a_database_that_is_deleted_under_a_process_is_not_replaced_by_an_empty_one(
    tmp_path: Path,
) -> None:
    engine = open_first(tmp_path)
    engine.dispose()
    path = tmp_path / "var" / "state.db"
    path.unlink()
    with pytest.raises(OperationalError), reading(engine):
        pass
    engine.dispose()
    assert not path.exists()


def test_a_path_of_odd_characters_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "a ?b#c%20é&mode=ro"
    folder.mkdir()
    engine = open_first(folder)
    add_items(engine, "a")
    engine.dispose()
    assert (folder / "var" / "state.db").is_file()


def test_a_database_of_the_other_process_is_refused(tmp_path: Path) -> None:
    path = made_database(tmp_path)
    with pytest.raises(StateError, match="found a database of another application"):
        open_database(path, kind=OTHER_KIND, migrations=tmp_path / "first", head="0001")


def test_a_database_that_another_process_keeps_locked_is_unavailable(tmp_path: Path) -> None:
    path = made_database(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO item (body) VALUES ('theirs')")
        with pytest.raises(UnavailableError, match="is kept locked by another process"):
            open_first(tmp_path)
        other.execute("COMMIT")
    open_first(tmp_path).dispose()
    assert items(path) == ["theirs"]


def test_a_database_on_a_read_only_disk_is_refused(small_filesystem: Path) -> None:
    path = made_database(small_filesystem, "a")
    with read_only(small_filesystem):
        with pytest.raises(StateError, match="Read-only file system"):
            open_first_again(small_filesystem)
        with pytest.raises(StateError, match="Read-only file system"):
            open_first_again(small_filesystem, "other.db")
    assert items(path) == ["a"]


def open_first_again(folder: Path, name: str = "state.db") -> None:
    open_database(
        folder / "var" / name, kind=KIND, migrations=folder / "first", head="0001"
    ).dispose()


def test_a_full_disk_during_the_creation_leaves_nothing_and_may_be_better_later(
    small_filesystem: Path,
) -> None:
    write_migrations(small_filesystem / "first", FIRST)
    (small_filesystem / "var").mkdir(mode=0o700)
    for room in (0, 4096, 12288, 20480):
        filler = fill_up(small_filesystem, leave_bytes=room)
        with pytest.raises(UnavailableError, match="no room is left on the disk") as caught:
            open_first_again(small_filesystem)
        assert is_disk_full(caught.value)
        assert list((small_filesystem / "var").iterdir()) == []
        filler.unlink()
    open_first_again(small_filesystem)
    assert check_database(small_filesystem / "var" / "state.db", KIND) == "0001"


def test_a_full_disk_under_an_open_database_is_named_and_nothing_is_lost(
    small_filesystem: Path,
) -> None:
    engine = open_first(small_filesystem)
    writer = DatabaseWriter(engine)
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('before')")
    filler = fill_up(small_filesystem)
    with pytest.raises(sqlite3.OperationalError) as caught:
        insert_many(writer)
    assert is_disk_full(caught.value)
    with pytest.raises(Exception, match="full") as wrapped:
        add_items(engine, "y" * 100_000)
    assert is_disk_full(wrapped.value)
    filler.unlink()
    with writer.transaction() as connection:
        connection.execute("INSERT INTO item (body) VALUES ('after')")
    writer.close()
    engine.dispose()
    assert items(small_filesystem / "var" / "state.db") == ["before", "after"]


def test_an_existing_database_on_a_full_disk_is_unavailable(small_filesystem: Path) -> None:
    path = made_database(small_filesystem, "a")
    filler = fill_up(small_filesystem)
    with pytest.raises(UnavailableError) as caught:
        open_first_again(small_filesystem)
    assert is_disk_full(caught.value)
    filler.unlink()
    open_first_again(small_filesystem)
    assert items(path) == ["a"]
