import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemonkit.errors import StateError, UnavailableError
from daemonkit.storage.check import check_database
from daemonkit.storage.migrations import migration_head
from tests.daemonkit_tests.example_schema import (
    FIRST,
    KIND,
    SECOND,
    crash_after_writing,
    items,
    made_database,
    open_first,
    open_second,
    snapshot,
    write_migrations,
)
from tests.small_filesystem import fill_up

BACKUP = "state.db.backup-0001-before-0002"


def columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(item)")]


def test_an_older_database_is_migrated_and_kept_as_it_was_in_a_backup(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a", "b")
    open_second(tmp_path).dispose()
    assert check_database(path, KIND) == "0002"
    assert columns(path) == ["id", "body", "price"]
    assert items(path) == ["a", "b"]
    backup = path.with_name(BACKUP)
    assert check_database(backup, KIND) == "0001"
    assert items(backup) == ["a", "b"]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert {each.name for each in path.parent.iterdir()} == {"state.db", BACKUP}


def test_what_a_killed_process_committed_is_migrated_too(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    crash_after_writing(path, "b")
    open_second(tmp_path).dispose()
    assert items(path) == ["a", "b"]
    assert items(path.with_name(BACKUP)) == ["a", "b"]


def test_a_new_database_is_made_by_all_revisions(tmp_path: Path) -> None:
    open_second(tmp_path).dispose()
    path = tmp_path / "var" / "state.db"
    assert columns(path) == ["id", "body", "price"]
    assert [each.name for each in path.parent.iterdir()] == ["state.db"]


def test_a_newer_database_is_refused_untouched_with_both_versions_named(tmp_path: Path) -> None:
    open_second(tmp_path).dispose()
    path = tmp_path / "var" / "state.db"
    before = snapshot(path.parent)
    with pytest.raises(StateError) as caught:
        open_first(tmp_path)
    assert str(caught.value) == (
        f"{path}: found schema 0002, allowed at most 0001: it was made by a newer version; "
        "left untouched"
    )
    assert snapshot(path.parent) == before


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    path = made_database(tmp_path, "a")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="nowhere"):
            open_second(tmp_path, broken=True)
        assert check_database(path, KIND) == "0001"
        assert columns(path) == ["id", "body"]
        assert items(path) == ["a"]
    assert {each.name for each in path.parent.iterdir()} == {"state.db", BACKUP}
    open_second(tmp_path).dispose()
    assert check_database(path, KIND) == "0002"


def test_a_creation_that_fails_leaves_no_database(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nowhere"):
        open_second(tmp_path, broken=True)
    assert list((tmp_path / "var").iterdir()) == []


def test_a_disk_too_full_for_the_backup_leaves_the_old_schema(small_filesystem: Path) -> None:
    path = made_database(small_filesystem, *["x" * 1000] * 100)
    write_migrations(small_filesystem / "second-False", FIRST, SECOND)
    filler = fill_up(small_filesystem, leave_bytes=65536)
    with pytest.raises(UnavailableError, match="no room is left on the disk"):
        open_second(small_filesystem)
    filler.unlink()
    assert check_database(path, KIND) == "0001"
    assert [each.name for each in path.parent.iterdir()] == ["state.db"]


def test_a_migration_does_not_touch_the_logging_of_the_process(tmp_path: Path) -> None:
    def logging_now() -> tuple[list[logging.Handler], int, int]:
        root = logging.getLogger()
        return list(root.handlers), root.level, logging.getLogger("alembic").level

    before = logging_now()
    made_database(tmp_path)
    open_second(tmp_path).dispose()
    assert logging_now() == before


def test_the_head_of_a_folder_is_its_newest_revision(tmp_path: Path) -> None:
    assert migration_head(write_migrations(tmp_path / "two", FIRST, SECOND)) == "0002"
    (tmp_path / "project" / "versions").mkdir(parents=True)
    (tmp_path / "project" / "versions" / "first.py").write_text(FIRST)
    assert migration_head(tmp_path / "project") == "0001"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no revisions"):
        migration_head(tmp_path / "empty")
