"""Opening, owning, backing up and restoring `state.db`."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from daemonkit.clock import ManualClock
from daemonkit.errors import ExitCode, StateError
from daemonkit.storage.migrations import migration_head
from tests.trading_tests.makers import NOW, make_event
from tests.trading_tests.store.rig import OWNER, events_in, store_rig
from trading.engine.effects import RaiseEvent, SaveState
from trading.errors import WrongOwnerError
from trading.store.copies import backup_state, check_state, restore_state
from trading.store.database import MIGRATIONS, open_state_database
from trading.store.schema import HEAD, METADATA


def fill(folder: Path, *texts: str) -> str:
    """Store events and return the epoch they were numbered under."""
    with store_rig(folder) as rig:
        for text in texts:
            rig.store.submit([RaiseEvent(make_event(text)), SaveState("last", text)])
        return rig.epoch


def test_the_head_of_the_migrations_is_the_one_the_code_wants() -> None:
    assert migration_head(MIGRATIONS) == HEAD


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    fill(tmp_path, "one")
    migrated = create_engine(f"sqlite:///{tmp_path / 'state.db'}")
    plain = create_engine("sqlite://")
    METADATA.create_all(plain)
    found, wanted = inspect(migrated), inspect(plain)
    assert set(found.get_table_names()) - {"alembic_version"} == set(wanted.get_table_names())
    for table in wanted.get_table_names():
        for look in ("get_columns", "get_indexes", "get_pk_constraint", "get_unique_constraints"):
            assert repr(getattr(found, look)(table)) == repr(getattr(wanted, look)(table)), table
    migrated.dispose()
    plain.dispose()


@pytest.mark.parametrize(
    "other",
    [replace(OWNER, bot="kraken"), replace(OWNER, exchange="kraken"), replace(OWNER, mode="live")],
)
def test_a_database_of_another_owner_ends_the_start_with_78(tmp_path: Path, other: object) -> None:
    fill(tmp_path, "one")
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(WrongOwnerError) as caught:
        open_state_database(tmp_path / "state.db", other, epoch="e", restore_hint="")  # type: ignore[arg-type]
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert "another" in str(caught.value)
    assert (tmp_path / "state.db").read_bytes() == before


def test_a_damaged_database_ends_the_start_and_names_the_restore(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StateError, match="restore it so"):
        open_state_database(tmp_path / "state.db", OWNER, epoch="e", restore_hint="restore it so")


def test_a_backup_taken_while_the_bot_writes_is_whole(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with store_rig(tmp_path) as rig:
        for number in range(500):
            rig.store.submit([RaiseEvent(make_event(str(number))), SaveState("last", str(number))])
            if number == 250:
                backup_state(tmp_path / "state.db", copy)
    database = open_state_database(copy, OWNER, epoch="e", restore_hint="")
    texts = [event.text for event in events_in(database)]
    assert texts == [str(number) for number in range(len(texts))]
    assert database.load_saved().get("last", "0") == (texts[-1] if texts else "0")
    database.close()


def test_a_restored_database_never_gives_an_old_number_to_a_new_event(tmp_path: Path) -> None:
    first = fill(tmp_path, "one")
    backup_state(tmp_path / "state.db", tmp_path / "copy.db")
    second = fill(tmp_path, "two")
    kept = restore_state(tmp_path / "copy.db", tmp_path / "state.db", OWNER, ManualClock(wall=NOW))
    assert kept is not None
    assert kept.exists()
    with store_rig(tmp_path) as rig:
        rig.store.submit([RaiseEvent(make_event("three"))])
        rig.settle()
        assert [event.text for event in rig.events()] == ["one", "three"]
        assert len({first, second, rig.epoch}) == 3
        assert [event.epoch for event in rig.events()] == [first, rig.epoch]


def test_a_backup_of_another_bot_is_not_restored(tmp_path: Path) -> None:
    fill(tmp_path, "one")
    backup_state(tmp_path / "state.db", tmp_path / "copy.db")
    other = replace(OWNER, bot="kraken")
    with pytest.raises(WrongOwnerError):
        restore_state(tmp_path / "copy.db", tmp_path / "new.db", other, ManualClock(wall=NOW))
    assert not (tmp_path / "new.db").exists()


def test_checking_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, "one")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert check_state(tmp_path / "state.db", OWNER) == HEAD
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
