"""Full disks, damaged databases and trees that cannot be written, met by both real programs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from daemonkit.clock import SystemClock
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_each_once,
    assert_no_traceback,
    last_error,
    wait_connected,
)
from tests.processes import RunningProcess
from tests.small_filesystem import fill_up, mounted
from tests.waiting import wait_until

RESERVE = 2**20
# Room for a write-ahead log, which is brought into its database every 4 MiB.
DISK_BYTES = 16 * 2**20
SMALL_STORE = (
    f"store: {{reserve_bytes: {RESERVE}, reserve_check_s: 0.1, retry_longest_s: 0.1}}\n"
    "status_interval_s: 0.05\n"
)
SERIES = 100_000
ALERTS = ("--alerts", str(SERIES), "--interval", "0.005")


@pytest.fixture
def small(here: Installation) -> Installation:
    """An installation whose reserves fit on small disks."""
    here.configure_bot(SMALL_STORE)
    here.configure_bridge(f"reserve_bytes: {RESERVE}\n")
    return here


@pytest.fixture
def bot_disk(small: Installation) -> Iterator[Path]:
    """Put the bot's folder on a disk of its own."""
    with mounted(small.bot_folder, DISK_BYTES) as folder:
        yield folder


@pytest.fixture
def bridge_disk(small: Installation) -> Iterator[Path]:
    """Put the bridge's folder on a disk of its own."""
    with mounted(small.bridge_folder, DISK_BYTES) as folder:
        yield folder


def check_series(here: Installation) -> None:
    """Each alert that has come came once and in order, and none is missing between them."""
    numbers = here.alerts(SERIES)
    assert numbers == list(range(1, len(numbers) + 1))
    assert_each_once(here.events())


def test_a_disk_that_fills_up_under_a_running_bot_loses_nothing_and_questions_are_answered(
    small: Installation, bot_disk: Path
) -> None:
    bridge = small.start_bridge()
    trading = small.start_trading(*ALERTS)
    small.wait_for_alerts(SERIES, 20)
    filler = fill_up(bot_disk)
    trading.wait_for("state.db is not written: disk full", timeout_s=PATIENCE_S)
    bridge.wait_for("^paper: state.db is not written: disk full", stream="stdout")
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert "\nstore    disk full\n" in bridge.stdout
    assert ask(bridge, "/startbuying BTC/USDT").startswith("[rejected]")
    filler.unlink()
    trading.wait_for("state.db is written again after .* nothing was lost")
    small.wait_for_alerts(SERIES, len(small.alerts(SERIES)) + 100)
    check_series(small)
    kinds = [event.kind for event in small.events()]
    assert kinds.index("store_fault") < kinds.index("store_recovered")
    assert trading.stop() == 0
    assert bridge.stop() == 0
    assert_no_traceback(trading, bridge)


def test_a_disk_that_fills_up_under_a_running_bridge_loses_nothing_and_commands_pass(
    small: Installation, bridge_disk: Path
) -> None:
    bridge = small.start_bridge()
    trading = small.start_trading(*ALERTS)
    small.wait_for_alerts(SERIES, 20)
    filler = fill_up(bridge_disk)
    bridge.wait_for("events cannot be written to bridge.db", timeout_s=PATIENCE_S)
    # The reserve let a little more through; then it is over.
    wait_until(lambda: len(small.outbox()) > 100, PATIENCE_S, "events wait at the bot")
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert "no room is left on the disk" in ask(bridge, "/health")
    assert ask(bridge, "/stoptrading").startswith("[applied] /stoptrading — paper main PAPER: ")
    filler.unlink()
    bridge.wait_for("events can be written to bridge.db again", timeout_s=PATIENCE_S)
    small.wait_for_alerts(SERIES, len(small.alerts(SERIES)) + 200)
    check_series(small)
    assert trading.stop() == 0
    assert bridge.stop() == 0
    assert_no_traceback(trading, bridge)


@pytest.mark.parametrize("program", ["trading", "telegram"])
def test_a_first_start_on_a_full_disk_says_so_and_is_tried_again(
    small: Installation, program: str
) -> None:
    with mounted(small.var_dir) as folder:
        fill_up(folder)
        process = launch(small, program)
        assert process.wait() == 1, process.describe()
        assert last_error(process).startswith(f"error: {small.var_dir}")
        assert "no room is left on the disk" in last_error(process)
        assert_no_traceback(process)


def test_a_bot_starts_on_a_disk_that_has_filled_up_and_raises_no_risk(
    small: Installation, bot_disk: Path
) -> None:
    bridge = small.start_bridge()
    first = small.start_trading()
    wait_until((bot_disk / "state.reserve").exists, PATIENCE_S, "the reserve is there")
    assert first.stop() == 0
    filler = fill_up(bot_disk)
    second = small.start_trading(*ALERTS)
    second.wait_for("state.db is not written: disk full")
    wait_connected(bridge)
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert "\nstore    disk full\n" in bridge.stdout
    raised = small.alerts_raised(SERIES)
    assert ask(bridge, "/getstatus").startswith("[applied]")
    assert small.alerts_raised(SERIES) == raised, "the engine goes on as if nothing was wrong"
    filler.unlink()
    small.wait_for_alerts(SERIES, raised + 20)
    check_series(small)
    assert second.stop() == 0
    assert bridge.stop() == 0
    assert_no_traceback(first, second, bridge)


def test_a_bridge_starts_on_a_disk_that_has_filled_up_and_answers(
    small: Installation, bridge_disk: Path
) -> None:
    first = small.start_bridge()
    wait_until((bridge_disk / "reserve").exists, PATIENCE_S, "the reserve is there")
    assert first.stop() == 0
    filler = fill_up(bridge_disk)
    second = small.start_bridge()
    trading = small.start_trading(*ALERTS)
    second.wait_for("events cannot be written to bridge.db", timeout_s=PATIENCE_S)
    assert ask(second, "/getstatus").startswith("[applied]")
    filler.unlink()
    second.wait_for("events can be written to bridge.db again", timeout_s=PATIENCE_S)
    small.wait_for_alerts(SERIES, len(small.alerts(SERIES)) + 20)
    check_series(small)
    assert trading.stop() == 0
    assert second.stop() == 0
    assert_no_traceback(first, second, trading)


def launch(here: Installation, program: str) -> RunningProcess:
    return here.launch_trading() if program == "trading" else here.launch_bridge()


@pytest.mark.long
def test_a_database_that_another_program_locks_loses_nothing_and_holds_up_no_question(
    here: Installation,
) -> None:
    bridge, trading = here.start_bridge(), here.start_trading(*ALERTS)
    here.wait_for_alerts(SERIES, 20)
    clock = SystemClock()
    with locked(here.bridge_db):
        bridge.wait_for("events cannot be written to bridge.db: another program keeps it locked")
        began = clock.monotonic()
        assert ask(bridge, "/getstatus").startswith("[applied]")
        assert "another program keeps it locked" in ask(bridge, "/health")
        assert clock.monotonic() - began < 5
    with locked(here.state_db):
        assert ask(bridge, "/health").startswith("[applied]")
        here.wait_for_alerts(SERIES, len(here.alerts(SERIES)))
    here.wait_for_alerts(SERIES, len(here.alerts(SERIES)) + 200)
    check_series(here)
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(trading, bridge)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock of a database, as a person with a database shell might."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
