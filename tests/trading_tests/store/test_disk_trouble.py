"""A full, locked, vanished or damaged disk: nothing lost, nothing reordered, nothing claimed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tcpproto import ReplyState
from tests.small_filesystem import fill_up, read_only, small_filesystem
from tests.trading_tests.makers import NOW, make_event
from tests.trading_tests.store.rig import StoreRig, store_rig
from tests.waiting import wait_until
from trading.engine.effects import RaiseEvent, RecordOutcome, SaveState
from trading.engine.events import StoreFault, StoreRecovered, StoreTrouble
from trading.model.outcome import CommandOutcome
from trading.store.database import StoreLimits
from trading.store.writer import BEHIND_UNITS

__all__ = ["small_filesystem"]


def outcome(command_id: str) -> CommandOutcome:
    return CommandOutcome(command_id, "getstatus", "42", ReplyState.APPLIED, "done", NOW)


def submit(rig: StoreRig, numbers: range, size: int = 500) -> None:
    for number in numbers:
        fields = {"number": number, "filling": "x" * size}
        rig.store.submit(
            [
                RaiseEvent(make_event(str(number), fields=fields)),
                RecordOutcome(outcome(str(number))),
            ]
        )


def troubles(rig: StoreRig) -> list[StoreTrouble]:
    return [report.trouble for report in rig.seen.reports if isinstance(report, StoreFault)]


def recoveries(rig: StoreRig) -> int:
    return sum(isinstance(report, StoreRecovered) for report in rig.seen.reports)


def numbers_of(rig: StoreRig) -> list[int]:
    return [event.fields["number"] for event in rig.events()]


def test_a_full_disk_is_survived_on_the_reserve_and_then_waited_out(
    small_filesystem: Path,
) -> None:
    with store_rig(small_filesystem) as rig:
        submit(rig, range(3))
        rig.settle()
        wait_until((small_filesystem / "state.reserve").exists, 5, "the reserve")
        filler = fill_up(small_filesystem)
        submit(rig, range(3, 40))
        wait_until(lambda: troubles(rig) == [StoreTrouble.FULL], 5, "the fault is told")
        assert not (small_filesystem / "state.reserve").exists()
        rig.settle()  # the reserve has made room
        assert not recoveries(rig)  # but the disk is still full
        submit(rig, range(40, 400))
        wait_until(lambda: rig.store.units_waiting > 0, 5, "the reserve is used up")
        known = len(rig.seen.replies)
        assert known < 400
        filler.unlink()
        rig.settle(10)
        wait_until(lambda: recoveries(rig) == 1, 5, "the all-clear")
        assert (small_filesystem / "state.reserve").exists()
        assert numbers_of(rig) == list(range(400))
        assert [reply.reply_to for reply in rig.seen.replies] == [str(n) for n in range(400)]
        assert rig.store.health.units_lost == 0


def test_no_answer_leaves_while_the_disk_is_full(small_filesystem: Path) -> None:
    with store_rig(small_filesystem, reserve_bytes=4096) as rig:
        submit(rig, range(1))
        rig.settle()
        filler = fill_up(small_filesystem)
        submit(rig, range(1, 200))
        wait_until(lambda: troubles(rig), 5, "the fault is told")
        assert not rig.store.is_settled(0.5)
        assert len(rig.seen.replies) < 200
        for reply in rig.seen.replies:
            assert rig.database.outcomes.find(reply.reply_to) is not None
        filler.unlink()
        rig.settle(10)
        assert numbers_of(rig) == list(range(200))


def test_commands_are_taken_while_the_disk_is_full_however_much_waits(
    small_filesystem: Path,
) -> None:
    with store_rig(small_filesystem, reserve_bytes=4096) as rig:
        submit(rig, range(1))
        rig.settle()
        filler = fill_up(small_filesystem)
        submit(rig, range(1, 200))
        wait_until(lambda: troubles(rig), 5, "the fault is told")
        for number in range(BEHIND_UNITS + 2_000):
            rig.store.submit([SaveState("number", str(number))])
        assert rig.store.units_waiting > BEHIND_UNITS
        # They are answered without the store, and among them are those that reduce risk.
        assert not rig.store.is_behind
        filler.unlink()
        rig.settle(10)


def test_a_stop_on_a_full_disk_ends_in_time_and_says_that_something_is_lost(
    small_filesystem: Path,
) -> None:
    with store_rig(small_filesystem, reserve_bytes=4096) as rig:
        submit(rig, range(1))
        rig.settle()
        fill_up(small_filesystem)
        submit(rig, range(1, 300), size=2_000)
        wait_until(lambda: troubles(rig), 5, "the fault is told")
        assert rig.store.stop(0.3) is False
        assert rig.store.health.units_lost > 0
        assert not rig.store.is_alive


def test_a_disk_without_room_for_the_reserve_counts_as_full_from_the_start(
    small_filesystem: Path,
) -> None:
    with store_rig(small_filesystem, reserve_bytes=64 * 1024 * 1024) as rig:
        submit(rig, range(1))
        wait_until(lambda: troubles(rig) == [StoreTrouble.FULL], 5, "the fault is told")
        rig.settle()
        assert numbers_of(rig) == [0]


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        rig.store._journal._connection.execute("PRAGMA busy_timeout=50")
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            submit(rig, range(20))
            wait_until(lambda: troubles(rig) == [StoreTrouble.BUSY], 5, "the fault is told")
            assert not rig.seen.replies
            other.execute("ROLLBACK")
        rig.settle()
        wait_until(lambda: recoveries(rig) == 1, 5, "the all-clear")
        assert numbers_of(rig) == list(range(20))


def test_a_disk_that_turns_read_only_is_waited_out(small_filesystem: Path) -> None:
    with store_rig(small_filesystem, limits=StoreLimits()) as rig:
        submit(rig, range(1))
        rig.settle()
        rig.store._journal._connection.execute("PRAGMA query_only=1")
        submit(rig, range(1, 20))
        wait_until(lambda: troubles(rig) == [StoreTrouble.INPUT_OUTPUT], 5, "the fault is told")
        assert len(rig.seen.replies) == 1
        rig.store._journal._connection.execute("PRAGMA query_only=0")
        rig.settle()
        wait_until(lambda: recoveries(rig) == 1, 5, "the all-clear")
        assert numbers_of(rig) == list(range(20))


def test_damage_while_running_is_told_and_nothing_is_claimed_any_more(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        submit(rig, range(50))
        rig.settle()
        known = len(rig.seen.replies)
        rig.store._journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        damage(tmp_path / "state.db")
        rig.store._journal._connection.execute("PRAGMA shrink_memory")
        submit(rig, range(50, 400))
        wait_until(lambda: StoreTrouble.DAMAGED in troubles(rig), 5, "the damage is told")
        rig.settle()
        assert rig.store.is_alive
        assert rig.store.health.units_lost > 0
        late = rig.seen.replies[known:]
        lost = [reply for reply in late if reply.state is ReplyState.UNKNOWN]
        assert lost
        assert all("damaged" in reply.text for reply in lost)
        assert rig.store.stop(2.0) is False


def damage(path: Path) -> None:
    """Overwrite every page but the first with rubbish, as a broken disk would."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


def test_read_only_mount_is_no_reason_to_lose_anything(small_filesystem: Path) -> None:
    folder = small_filesystem
    with store_rig(folder) as rig:
        submit(rig, range(1))
        rig.settle()
    with read_only(folder):
        assert (folder / "state.db").exists()
    with store_rig(folder) as rig:
        assert numbers_of(rig) == [0]


def test_damage_that_only_a_reader_meets_is_told_like_any_other(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        submit(rig, range(500))
        rig.settle()
        page = 4096
        with closing(sqlite3.connect(tmp_path / "state.db")) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (root,) = other.execute(
                "SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_outcome%'"
            ).fetchone()
        with (tmp_path / "state.db").open("r+b") as file:
            file.seek((root - 1) * page)
            file.write(b"\xff" * page)
        with pytest.raises(sqlite3.DatabaseError):
            rig.database.outcomes.find("1")
        wait_until(lambda: troubles(rig) == [StoreTrouble.DAMAGED], 5, "the damage is told")
        assert rig.store.health.trouble is StoreTrouble.DAMAGED
        (fault,) = [one for one in rig.seen.reports if isinstance(one, StoreFault)]
        assert fault.detail == "DatabaseError: database disk image is malformed"
