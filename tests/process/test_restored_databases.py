"""A database that was deleted or put back: nothing new is lost, and each new event comes once.

What the lost or old file alone knew is gone, and nobody can bring it back; what is promised is
everything from then on, without a word being taken for one that was said before.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.installation import (
    Installation,
    assert_each_once,
    assert_no_traceback,
    last_error,
)
from tests.processes import RunningProcess
from tests.waiting import wait_until

OLD, NEW = 60, 90


def _run_series(here: Installation, total: int) -> RunningProcess:
    """Start the bot with a series and wait until all of it is in bridge.db."""
    trading = here.start_trading("--alerts", str(total), "--interval", "0")
    here.wait_for_alerts(total, total)
    return trading


def _check_new_series(here: Installation) -> None:
    """Run a series that no database knows, and find each of its events once and in order."""
    trading = _run_series(here, NEW)
    assert trading.stop() == 0
    wait_until(lambda: here.outbox() == [], 10, "all is acknowledged")
    assert here.alerts(NEW) == list(range(1, NEW + 1))
    assert_each_once(here.events())
    assert here.events()[-1].kind == "engine_stopped"
    assert_no_traceback(trading)


def _delete(here: Installation, _old: Path) -> None:
    here.state_db.unlink()


def _restore_by_command(here: Installation, old: Path) -> None:
    done = here.trading_command("restore", here.bot_dir, "--from", old)
    assert done.returncode == 0, done.describe()


def _restore_by_copying(here: Installation, old: Path) -> None:
    shutil.copy(old, here.state_db)


@pytest.mark.parametrize(
    "replace",
    [
        _delete,
        pytest.param(_restore_by_command, marks=pytest.mark.long),
        pytest.param(_restore_by_copying, marks=pytest.mark.long),
    ],
)
def test_a_bot_whose_database_was_deleted_or_put_back_loses_nothing_new(
    here: Installation, replace: Callable[[Installation, Path], None]
) -> None:
    bridge = here.start_bridge()
    trading = _run_series(here, OLD)
    old = here.folder / "old.db"
    backed_up = here.trading_command("backup", here.bot_dir, "--to", old)
    assert backed_up.returncode == 0, backed_up.describe()
    assert trading.stop() == 0
    second = _run_series(here, OLD + 1)
    assert second.stop() == 0
    before = here.events()
    replace(here, old)
    _check_new_series(here)
    assert here.events()[: len(before)] == before
    assert bridge.stop() == 0
    assert_no_traceback(bridge, trading, second)


def test_a_backup_with_events_that_have_arrived_since_does_not_bring_them_again(
    here: Installation,
) -> None:
    trading = here.start_trading("--alerts", str(OLD), "--interval", "0")
    wait_until(lambda: len(here.outbox()) > OLD, 20, "the series waits for a bridge")
    old = here.folder / "old.db"
    assert here.trading_command("backup", here.bot_dir, "--to", old).returncode == 0
    bridge = here.start_bridge()
    here.wait_for_alerts(OLD, OLD)
    assert trading.stop() == 0
    _restore_by_command(here, old)
    assert len(here.outbox()) > OLD
    _check_new_series(here)
    assert here.alerts(OLD) == list(range(1, OLD + 1))
    assert bridge.stop() == 0
    assert_no_traceback(bridge, trading)


@pytest.mark.long
def test_events_that_only_the_backup_holds_arrive_from_it(here: Installation) -> None:
    trading = here.start_trading("--alerts", str(OLD), "--interval", "0")
    wait_until(lambda: len(here.outbox()) > OLD, 20, "the series waits for a bridge")
    old = here.folder / "old.db"
    assert here.trading_command("backup", here.bot_dir, "--to", old).returncode == 0
    trading.kill()
    here.state_db.unlink()
    _restore_by_command(here, old)
    bridge = here.start_bridge()
    _check_new_series(here)
    assert here.alerts(OLD) == list(range(1, OLD + 1))
    assert bridge.stop() == 0


@pytest.mark.long
def test_the_log_of_a_killed_bot_is_not_replayed_into_a_restored_database(
    here: Installation,
) -> None:
    bridge = here.start_bridge()
    trading = _run_series(here, OLD)
    old = here.folder / "old.db"
    assert here.trading_command("backup", here.bot_dir, "--to", old).returncode == 0
    trading.kill()
    assert here.state_db.with_name("state.db-wal").stat().st_size > 0
    _restore_by_command(here, old)
    _check_new_series(here)
    assert bridge.stop() == 0


@pytest.mark.long
def test_an_old_copy_put_beside_the_log_of_a_killed_bot_is_refused_or_used_but_never_half(
    here: Installation,
) -> None:
    bridge = here.start_bridge()
    trading = _run_series(here, OLD)
    assert trading.stop() == 0
    old = here.folder / "old.db"
    shutil.copy(here.state_db, old)
    killed = _run_series(here, OLD + 1)
    killed.kill()
    shutil.copy(old, here.state_db)
    before = here.state_db.read_bytes()
    again = here.launch_trading("--alerts", str(NEW), "--interval", "0")
    wait_until(lambda: again.returncode is not None or here.alerts(NEW), 20, "it starts or refuses")
    if again.returncode is not None:
        assert again.returncode == 78, again.describe()
        assert "python -m trading restore" in last_error(again)
        assert here.state_db.read_bytes() == before
        _restore_by_command(here, old)
        _check_new_series(here)
    else:
        here.wait_for_alerts(NEW, NEW)
        assert here.alerts(NEW) == list(range(1, NEW + 1))
        assert again.stop() == 0
    assert_each_once(here.events())
    assert_no_traceback(again, bridge)


def _delete_bridge(here: Installation, _old: Path) -> None:
    here.bridge_db.unlink()


def _restore_bridge_by_command(here: Installation, old: Path) -> None:
    done = here.bridge_command("restore", old)
    assert done.returncode == 0, done.describe()


def _restore_bridge_by_copying(here: Installation, old: Path) -> None:
    shutil.copy(old, here.bridge_db)


@pytest.mark.parametrize(
    "replace",
    [
        _delete_bridge,
        pytest.param(_restore_bridge_by_command, marks=pytest.mark.long),
        pytest.param(_restore_bridge_by_copying, marks=pytest.mark.long),
    ],
)
def test_a_bridge_whose_database_was_deleted_or_put_back_loses_nothing_new(
    here: Installation, replace: Callable[[Installation, Path], None]
) -> None:
    bridge = here.start_bridge()
    old = here.folder / "old.db"
    assert here.bridge_command("backup", old).returncode == 0
    trading = _run_series(here, OLD)
    assert bridge.stop() == 0
    replace(here, old)
    assert here.alerts(OLD) == []
    assert trading.stop() == 0
    # What is raised while there is no bridge waits at the bot.
    away = here.start_trading("--alerts", str(OLD + 1), "--interval", "0")
    wait_until(lambda: len(here.outbox()) > OLD + 1, 20, "the series waits for a bridge")
    assert away.stop() == 0
    bridge = here.start_bridge()
    _check_new_series(here)
    assert here.alerts(OLD + 1) == list(range(1, OLD + 2))
    assert bridge.stop() == 0
    assert_no_traceback(bridge, trading, away)


def test_a_running_bot_takes_a_bridge_that_has_forgotten_everything_for_what_it_is(
    here: Installation,
) -> None:
    bridge = here.start_bridge()
    trading = here.start_trading("--alerts", "100000", "--interval", "0.002")
    here.wait_for_alerts(100_000, 50)
    bridge.kill()
    here.bridge_db.unlink()
    second = here.start_bridge()
    here.wait_for_alerts(100_000, 50)
    numbers = here.alerts(100_000)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert_each_once(here.events())
    assert trading.stop() == 0
    assert second.stop() == 0
    assert_no_traceback(trading, second)
