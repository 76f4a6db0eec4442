"""/flatten with a full book, tapped ten times and killed in the middle: flat, and only once."""

from pathlib import Path

import pytest

from tcpproto import ReplyState
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.own_strategies import make_checkout
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import Books, check_books, check_continued, read_books
from tests.processes import RunningProcess
from tests.waiting import wait_until

SYMBOLS = [f"C{number:02}/USDT" for number in range(20)]
POSITIONS = len(SYMBOLS)
ENTRIES = 30
HOLDER = """
from trading.strategies.base import Strategy


class Holder(Strategy):
    CONFIG_SCHEMA = {"entries": {"type": "int", "default": 1}}

    def on_tick(self, tick):
        if self.context.position is None and not self.context.get_orders():
            self.context.place_order("buy", amount=100)
            for number in range(self.config["entries"]):
                price = tick.price * (0.5 + 0.1 * number)
                self.context.place_order("buy", amount=100, type="limit", limit_price=price)
"""


@pytest.fixture
def script(here: Installation, tmp_path: Path) -> Path:
    """Configure 20 markets that fill slowly, and return the script of a checkout with a holder."""
    instances = "".join(
        f"- {{market: {symbol}, strategy: holder, parameters: {{entries: {1 + number % 2}}}}}\n"
        for number, symbol in enumerate(SYMBOLS)
    )
    here.configure_bot(
        # Two minutes of the market, which are two seconds, until an order arrives there.
        "paper: {latency_ms: 120000, volume_share: 0.2}\n"
        "status_interval_s: 0.05\n"
        f"instances:\n{instances}",
        market=(
            "feed: {kind: synthetic, speed: 60, tick_interval_s: 5, history_candles: 2, "
            f"start: 2026-01-05T00:00:00Z, symbols: [{', '.join(SYMBOLS)}]}}\n"
        ),
    )
    return make_checkout(tmp_path / "checkout", holder=HOLDER)


def is_full(books: Books) -> bool:
    """Tell whether everything is held, protected and waiting, and nothing more is on its way."""
    entries = [one for one in books.open_orders if one["purpose"] == "entry"]
    resting = sum(one["type"] == "limit" for one in entries)
    return len(books.positions) == POSITIONS and resting == len(entries) == ENTRIES


@pytest.mark.timeout(120)
def test_flatten_tapped_ten_times_and_killed_in_the_middle_is_done_once(
    here: Installation, script: Path
) -> None:
    with ScriptedBridge() as bridge:

        def start() -> RunningProcess:
            times = len(bridge.connections) + 1
            bot = here.processes.start(script, here.bot_dir, env=bridge.environment)
            bridge.wait_connected(times)
            return bot

        first = start()
        assert bridge.ask(bridge.command("starttrading")).state == ReplyState.APPLIED
        wait_until(lambda: is_full(read_books(here.state_db)), PATIENCE_S, "20 positions")
        taps = [bridge.command("flatten", confirmed=True) for _ in range(10)]
        for tap in [*taps, *taps]:
            bridge.send(tap)
        wait_until(
            lambda: exit_fills(read_books(here.state_db)) > 2, PATIENCE_S, "some are being sold"
        )
        first.kill()
        before = read_books(here.state_db)
        check_books(before)
        assert before.positions, "the kill came too late for this test to mean anything"
        second = start()
        for tap in taps:
            bridge.send(tap)
        wait_until(
            lambda: all(is_settled(bridge, tap.id) for tap in taps), PATIENCE_S, "ten outcomes"
        )
        books = read_books(here.state_db)
        check_continued(before, books)
        check_flat(books)
        assert {books.outcomes[tap.id]["state"] for tap in taps} == {"applied"}
        assert {books.outcomes[tap.id]["text"] for tap in taps} == {
            "flat: 20 positions closed, 50 orders cancelled; entries are off until /resume"
        }
        second.kill()
        third = start()
        again = bridge.ask(taps[0])
        assert (again.state, again.repeat) == (ReplyState.APPLIED, True)
        check_flat(read_books(here.state_db))
        assert len(read_books(here.state_db).orders) == len(books.orders)
        assert third.stop() == 0
    for tap in taps:
        finals = [one for one in bridge.replies_to(tap) if one.state != ReplyState.ACCEPTED]
        assert {one.state for one in finals} == {ReplyState.APPLIED}
    assert_no_traceback(first, second, third)


def exit_fills(books: Books) -> int:
    """Count the fills by which positions are left."""
    return sum(
        books.orders[one["account"], one["order_id"]]["purpose"] == "exit"
        for one in books.fills.values()
    )


def is_settled(bridge: ScriptedBridge, command_id: str) -> bool:
    """Tell whether a command has its final answer."""
    return any(
        one.reply_to == command_id and one.state != ReplyState.ACCEPTED
        for one in tuple(bridge.replies)
    )


def check_flat(books: Books) -> None:
    """Nothing is held or waits, and each position was closed by the fills of one order."""
    check_books(books)
    assert not books.positions
    assert not books.open_orders
    assert len(books.trades) == POSITIONS
    exits = [one for one in books.orders.values() if one["purpose"] == "exit"]
    assert sorted(one["symbol"] for one in exits if one["filled"] != "0") == SYMBOLS
