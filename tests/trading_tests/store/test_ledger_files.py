"""The files beside the database: written after the commit, and never a reason to fail one."""

import json
import logging
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from daemonkit.secrets import Secret
from tests.processes import Processes
from tests.small_filesystem import fill_up, small_filesystem
from tests.trading_tests.store.rig import OWNER, StoreRig, store_rig
from tests.trading_tests.store.test_orders_released import locked
from tests.trading_tests.store.trading_values import make_order, make_trade
from tests.waiting import wait_until
from trading.engine.effects import SaveOrder, SaveTrade
from trading.ledger.files import set_files_aside
from trading.store.copies import backup_state, restore_state
from trading.store.database import open_state_database

__all__ = ["small_filesystem"]


def seqs(folder: Path) -> list[int]:
    path = folder / "trades.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == "" or text.endswith("\n")
    return [json.loads(line)["seq"] for line in text.splitlines()]


def trade(rig: StoreRig, *numbers: int) -> None:
    for number in numbers:
        rig.store.submit([SaveTrade(make_trade(number))])
    rig.settle()


def test_a_closed_trade_is_a_line_after_its_commit(tmp_path: Path) -> None:
    with store_rig(tmp_path, keeps_files=True) as rig:
        trade(rig, 1, 2, 3)
        assert seqs(tmp_path) == [1, 2, 3]
        assert not rig.store.health.trades_unwritten


def test_what_is_missing_is_completed_at_the_start(tmp_path: Path) -> None:
    with store_rig(tmp_path) as rig:
        trade(rig, *range(1, 2_500))
    with store_rig(tmp_path, keeps_files=True) as rig:
        trade(rig, 2_500)
        assert seqs(tmp_path) == list(range(1, 2_501))


def test_a_restored_backup_sets_later_lines_aside(tmp_path: Path) -> None:
    with store_rig(tmp_path, keeps_files=True) as rig:
        trade(rig, 1, 2)
        backup_state(tmp_path / "state.db", tmp_path / "copy.db")
        trade(rig, 3, 4)
    restore_state(tmp_path / "copy.db", tmp_path / "state.db", OWNER, ManualClock(wall=1.0))
    with store_rig(tmp_path, keeps_files=True) as rig:
        trade(rig, 3)
        assert seqs(tmp_path) == [1, 2, 3]
    (kept,) = tmp_path.glob("trades.jsonl.before-restore-*")
    assert kept.read_bytes().count(b"\n") == 4


def test_a_file_that_cannot_be_written_fails_no_commit_and_is_completed_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with store_rig(tmp_path, keeps_files=True) as rig:
        trade(rig, 1)
        (tmp_path / "trades.jsonl").rename(tmp_path / "away")
        (tmp_path / "trades.jsonl").mkdir()
        trade(rig, 2, 3, 4)
        assert rig.store.health.trouble is None
        assert rig.store.health.trades_unwritten
        failures = rig.store.health.file_failures
        wait_until(lambda: rig.store.health.file_failures > failures + 2, 5, "more tries")
        (tmp_path / "trades.jsonl").rmdir()
        (tmp_path / "away").rename(tmp_path / "trades.jsonl")
        wait_until(lambda: not rig.store.health.trades_unwritten, 5, "the file is written")
        trade(rig, 5)
        assert seqs(tmp_path) == [1, 2, 3, 4, 5]
    told = [one for one in caplog.records if "trades.jsonl" in one.getMessage()]
    assert [one.levelno for one in told] == [logging.ERROR, logging.WARNING]


def test_on_a_full_disk_no_line_is_torn_for_good(small_filesystem: Path) -> None:
    with store_rig(small_filesystem, keeps_files=True, reserve_bytes=200_000) as rig:
        trade(rig, 1)
        wait_until((small_filesystem / "state.reserve").exists, 5, "the reserve")
        filler = fill_up(small_filesystem)
        for number in range(2, 400):
            rig.store.submit([SaveTrade(make_trade(number))])
        wait_until(lambda: rig.store.health.trouble is not None, 5, "the trouble")
        filler.unlink()
        rig.settle(10)
        wait_until(lambda: not rig.store.health.trades_unwritten, 5, "the file is written")
        assert seqs(small_filesystem) == list(range(1, 400))


def test_the_view_shows_the_latest_only_and_in_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with store_rig(tmp_path, keeps_files=True) as rig:
        for number in range(1_000):
            rig.store.show({"number": number, "quantity": Decimal("0.10"), "gone": float("nan")})
        wait_until(lambda: path.exists() and shown(path)["number"] == 999, 5, "the last view")
        assert shown(path) == {"number": 999, "quantity": "0.10", "gone": None}
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.glob(".state.json*")) == []


def test_the_view_is_shown_also_while_the_database_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with store_rig(tmp_path, keeps_files=True) as rig, locked(rig):
        rig.store.show({"word": "locked"})
        wait_until(lambda: path.exists() and shown(path) == {"word": "locked"}, 5, "the view")
        assert rig.store.health.trouble is not None


def test_the_last_view_is_written_at_the_stop(tmp_path: Path) -> None:
    with store_rig(tmp_path, keeps_files=True) as rig:
        for word in ("one", "two", "three"):
            rig.store.show({"word": word})
            rig.settle()
    assert shown(tmp_path / "state.json") == {"word": "three"}


def test_a_view_hides_secrets_and_one_that_no_json_holds_harms_nothing(tmp_path: Path) -> None:
    planted = Secret("swordfish-4712-swordfish")
    with store_rig(tmp_path, keeps_files=True) as rig:
        rig.store.show({"odd": {"\ud800": 1}})
        rig.settle()
        rig.store.show({"text": "key swordfish-4712-swordfish"})
        wait_until((tmp_path / "state.json").exists, 5, "the view")
        trade(rig, 1)
    assert "swordfish" not in (tmp_path / "state.json").read_text(encoding="utf-8")
    assert planted


def shown(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_new_beginning_moves_the_trades_and_removes_the_view(tmp_path: Path) -> None:
    assert set_files_aside(tmp_path, "now") is None
    for name in ("trades.jsonl", "state.json"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert set_files_aside(tmp_path, "now") == tmp_path / "trades.jsonl.before-reset-now"
    assert [path.name for path in tmp_path.iterdir()] == ["trades.jsonl.before-reset-now"]


KILLED = """
import sys
from pathlib import Path
from tests.trading_tests.store.rig import StoreRig
from tests.trading_tests.store.test_orders_released import locked
from tests.trading_tests.store.trading_values import make_order, make_trade
from trading.engine.effects import SaveOrder, SaveTrade
from trading.store.database import StoreLimits

rig = StoreRig(Path(sys.argv[1]), limits=StoreLimits(), keeps_files=True)
rig.store.start()
first = number = rig.database.load_trading().last_trade_number
while True:
    number += 1
    rig.store.submit([SaveOrder(make_order(str(number))), SaveTrade(make_trade(number))])
    if rig.store.units_waiting > 50 or number == first + 300:
        rig.settle()
    if number == first + 300:
        print("ready", file=sys.stderr, flush=True)
"""


def test_a_killed_process_leaves_all_of_an_event_or_nothing_and_its_lines_are_completed(
    tmp_path: Path, processes: Processes
) -> None:
    folder = tmp_path / "bot"
    folder.mkdir()
    last = 0
    for _ in range(2):
        process = processes.start(sys.executable, "-c", KILLED, folder)
        process.wait_for("^ready$")
        process.send_signal(signal.SIGKILL)
        process.wait()
        database = open_state_database(folder / "state.db", OWNER, epoch="e", restore_hint="")
        saved = database.load_trading()
        assert saved.last_trade_number > last
        last = saved.last_trade_number
        assert {order.id for order in saved.orders} == {str(n) for n in range(1, last + 1)}
        database.close()
    with store_rig(folder, keeps_files=True) as rig:
        rig.settle()
        wait_until(lambda: not rig.store.health.trades_unwritten, 5, "the file is written")
        assert seqs(folder) == list(range(1, last + 1))
        rig.store.submit([SaveOrder(make_order("x"))])
