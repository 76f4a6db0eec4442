"""A full disk, a locked, removed or damaged database, a process that stood still: exits only."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    last_error,
)
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.test_disk import DISK_BYTES, SMALL_STORE, locked
from tests.process.trading_books import (
    Books,
    check_books,
    check_status,
    read_books,
    wait_for_trade_file,
)
from tests.processes import RunningProcess
from tests.small_filesystem import fill_up, mounted
from tests.waiting import wait_until

HELD, WANTED = "BTC/USDT", "ETH/USDT"


@pytest.fixture
def disk(here: Installation) -> Iterator[Path]:
    """Put the bot's folder on a small disk of its own."""
    with mounted(here.bot_folder, DISK_BYTES) as folder:
        yield folder


@pytest.fixture
def bridge() -> Iterator[ScriptedBridge]:
    with ScriptedBridge() as made:
        yield made


def start(here: Installation, bridge: ScriptedBridge) -> RunningProcess:
    """Start the bot in the market of the demonstration."""
    times = len(bridge.connections) + 1
    here.configure_bot(SMALL_STORE)
    trading = here.start_trading(**bridge.environment)
    bridge.wait_connected(times)
    return trading


def start_with_position(here: Installation, bridge: ScriptedBridge) -> RunningProcess:
    """Start the bot and have it hold something."""
    trading = start(here, bridge)
    assert order(bridge, "buy", HELD) == "applied"
    wait_until(lambda: read_books(here.state_db).positions, PATIENCE_S, "a position")
    return trading


def order(bridge: ScriptedBridge, verb: str, *args: str) -> str:
    """Give an order and return its outcome's state."""
    return bridge.ask(bridge.command(verb, *args, confirmed=True)).state


def status(bridge: ScriptedBridge) -> dict[str, Any]:
    """Return the fields of the status."""
    return dict(bridge.ask(bridge.command("getstatus")).fields)


def check_only_exits(bridge: ScriptedBridge, why: str, state: str = "rejected") -> None:
    """Nothing is bought, and what is held is sold."""
    refused = bridge.ask(bridge.command("buy", WANTED, confirmed=True))
    assert refused.state == state
    assert why in refused.text
    assert order(bridge, "sell", HELD) == "applied"
    wait_until(lambda: not status(bridge)["positions"], PATIENCE_S, "the position is sold")
    assert not status(bridge)["orders"]


def check_sold_once(here: Installation) -> Books:
    """The one position was bought and sold, and the books agree."""
    books = read_books(here.state_db)
    check_books(books)
    assert not books.positions
    assert not books.open_orders
    assert [one["symbol"] for one in books.trades] == [HELD]
    wait_for_trade_file(here.bot_folder, books)
    return books


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no room on a disk for a while."""
    filler = fill_up(disk)
    yield
    filler.unlink()


@contextmanager
def moved_away(database: Path) -> Iterator[None]:
    """Take a database away, as a person might who thinks the bot is stopped, and put it back."""
    aside = database.with_name("aside.db")
    database.rename(aside)
    yield
    aside.rename(database)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        pytest.param(lambda here: full(here.bot_folder), "disk full", id="full"),
        pytest.param(lambda here: locked(here.state_db), "database locked", id="locked"),
        pytest.param(lambda here: moved_away(here.state_db), "disk error", id="moved away"),
    ],
)
def test_while_nothing_can_be_stored_exits_go_out_and_nothing_is_bought(
    here: Installation,
    disk: Path,
    bridge: ScriptedBridge,
    trouble: Callable[[Installation], AbstractContextManager[None]],
    said: str,
) -> None:
    first = start_with_position(here, bridge)
    with trouble(here):
        first.wait_for(f"state.db is not written: {said}", timeout_s=PATIENCE_S)
        check_only_exits(bridge, f"store is not writing ({said}")
    first.wait_for("state.db is written again after .* nothing was lost", timeout_s=PATIENCE_S)
    assert order(bridge, "sell", HELD) == "rejected"
    check_sold_once(here)
    first.kill()
    second = start(here, bridge)
    check_status(status(bridge), check_sold_once(here))
    assert order(bridge, "buy", WANTED) == "applied"
    assert second.stop() == 0
    check_books(read_books(here.state_db))
    assert_no_traceback(first, second)


def test_what_was_sold_while_nothing_was_stored_is_held_with_its_stop_after_a_kill(
    here: Installation, disk: Path, bridge: ScriptedBridge
) -> None:
    """What could not be stored has not happened, for the market on paper is kept with it."""
    first = start_with_position(here, bridge)
    with locked(here.state_db):
        first.wait_for("state.db is not written: database locked", timeout_s=PATIENCE_S)
        check_only_exits(bridge, "store is not writing (database locked)")
        first.kill()
    books = read_books(here.state_db)
    check_books(books)
    assert len(books.positions) == 1
    second = start(here, bridge)
    assert order(bridge, "sell", HELD) == "applied"
    wait_until(lambda: read_books(here.state_db).trades, PATIENCE_S, "it is sold again")
    check_sold_once(here)
    assert second.stop() == 0


def test_a_database_that_is_damaged_while_it_is_used_leaves_exits_and_is_not_started_with(
    here: Installation, disk: Path, bridge: ScriptedBridge
) -> None:
    first = start_with_position(here, bridge)
    for path in (here.state_db, here.state_db.with_name("state.db-wal")):
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(b"\xa5" * size)
    # It is met with the first page that is read anew.
    wait_until(lambda: status(bridge).get("store") == "database damaged", PATIENCE_S, "it is met")
    # Nobody can look up any more whether a command was carried out before.
    check_only_exits(bridge, "state.db cannot be read", state="unknown")
    assert first.stop() == 1
    damaged = here.state_db.read_bytes()
    second = here.launch_trading(**bridge.environment)
    assert second.wait() == 78, second.describe()
    assert "python -m trading restore" in last_error(second)
    assert here.state_db.read_bytes() == damaged


@pytest.mark.long
def test_a_process_that_was_suspended_lets_go_of_what_it_was_told_to_and_takes_nothing_stale(
    here: Installation, bridge: ScriptedBridge
) -> None:
    trading = start_with_position(here, bridge)
    trading.send_signal(signal.SIGSTOP)
    now = bridge._clock.wall()
    buy = bridge.command("buy", WANTED, confirmed=True, expires_at=now + 10)
    fresh = bridge.command("buy", WANTED, confirmed=True, expires_at=now + 30)
    sell = bridge.command("sell", HELD)
    stopped = bridge._clock.monotonic()
    told_on = 0

    def tell_and_look() -> bool:
        """Tell all that is open on each new connection, as a bridge does."""
        nonlocal told_on
        if told_on < len(bridge.connections):
            told_on = len(bridge.connections)
            for command in (buy, fresh, sell):
                assert bridge.send(command)
        return all(bridge.replies_to(one) for one in (buy, fresh, sell))

    assert not tell_and_look()
    wait_until(lambda: bridge._clock.monotonic() - stopped > 15, 20, "15 s stand still")
    trading.send_signal(signal.SIGCONT)
    # It may find what it was sent meanwhile, or give up a link that was silent for so long.
    wait_until(tell_and_look, PATIENCE_S, "answers")
    assert bridge.replies_to(sell)[0].state == "applied"
    assert bridge.replies_to(buy)[0].state == "expired"
    assert bridge.replies_to(fresh)[0].state == "rejected"
    assert "stood still" in bridge.replies_to(fresh)[0].text
    wait_until(lambda: read_books(here.state_db).trades, PATIENCE_S, "it is sold")
    check_sold_once(here)
    assert trading.stop() == 0
