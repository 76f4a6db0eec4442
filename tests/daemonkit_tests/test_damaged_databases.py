"""A file that is no sound database of ours ends the start with 78 and stays as it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemonkit.errors import ExitCode, StateError
from daemonkit.storage.check import check_database, companion
from tests.daemonkit_tests.example_schema import (
    KIND,
    RESTORE_HINT,
    crash_after_writing,
    made_database,
    open_first,
    snapshot,
)

PAGE = 4096
ROWS = ["some text " * 50] * 200


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def short_garbage(path: Path) -> None:
    path.write_bytes(b"hello")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def cut_to_one_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:PAGE])


def cut_in_the_middle(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def overwritten_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[5 * PAGE : 7 * PAGE] = b"\xff" * (2 * PAGE)
    path.write_bytes(data)


def overwritten_schema(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:600] = b"\xff" * 500
    path.write_bytes(data)


def no_version(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE alembic_version")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def two_versions(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('0009')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(
    "harm",
    [
        garbage, short_garbage, empty, zeros, cut_in_the_header, cut_to_one_page,
        cut_in_the_middle, overwritten_page, overwritten_schema, no_version, two_versions,
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_untouched_with_the_way_back(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    path = made_database(tmp_path, *ROWS)
    harm(path)
    before = snapshot(path.parent)
    with pytest.raises(StateError, match="found a damaged database") as caught:
        open_first(tmp_path)
    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith(f"left untouched; restore a backup: {RESTORE_HINT}")
    assert snapshot(path.parent) == before


def test_the_database_of_a_foreign_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "var" / "state.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE moz_places (id INTEGER)")
        connection.commit()
    before = snapshot(path.parent)
    with pytest.raises(StateError, match=r"another application .* allowed a paper database"):
        open_first(tmp_path)
    assert snapshot(path.parent) == before


def test_a_folder_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var" / "state.db").mkdir(parents=True)
    with pytest.raises(StateError, match="something else than a file"):
        open_first(tmp_path)


def test_damage_is_found_beside_a_log_of_a_killed_process_too(tmp_path: Path) -> None:
    path = made_database(tmp_path, *ROWS)
    crash_after_writing(path, "in the log")
    overwritten_page(path)
    before = snapshot(path.parent)
    with pytest.raises(StateError, match="found a damaged database"):
        open_first(tmp_path)
    after = snapshot(path.parent)
    # SQLite may rewrite its shared memory; the data and its log are untouched.
    for suffix in ("", "-wal"):
        name = companion(path, suffix).name
        assert after[name] == before[name]


def test_a_sound_file_is_judged_without_touching_it(tmp_path: Path) -> None:
    path = made_database(tmp_path, *ROWS)
    before = snapshot(path.parent)
    assert check_database(path, KIND) == "0001"
    assert check_database(path, thorough=True) == "0001"
    assert snapshot(path.parent) == before


def test_a_file_that_is_not_there_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No such file"):
        check_database(tmp_path / "none.db", KIND)
