"""A stop of a bot with a real account: what rests to enter goes, stops stay, and both are told."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.exchange.terms import MarketKind, Order, OrderKind, Side
from tests.fakes.exchange.venues import start_binance, usual_engine, usual_markets
from tests.fakes.exchange.wire import Asked, Kind
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, wait_connected
from tests.process.live_desk import LiveDesk
from tests.process.own_strategies import make_checkout
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.test_live_flatten import HOLDER as FULL_HOLDER
from tests.process.test_live_flatten import FullDesk, fill_up
from tests.process.test_live_flatten import desk as full
from tests.process.test_trading_console import ask
from tests.processes import RunningProcess
from tests.waiting import wait_until

__all__ = ["full"]

# One position, and one entry that waits for a better price; neither is ever wanted twice.
HOLDER = """
from trading.strategies.base import Strategy


class Holder(Strategy):
    def on_tick(self, tick):
        if self.context.position is None and not self.context.get_orders():
            self.context.place_order("buy", amount=500)
            price = tick.price * 0.99
            self.context.place_order("buy", amount=500, type="limit", limit_price=price)
"""
# The default stop_timeout_s, and slack for a busy machine.
STOP_S_MAX = 12.0
RULES = "dry_run: false\nstrategy: holder\n"


class HolderDesk:
    """A bot that holds a position with a stop, and an entry that rests."""

    def __init__(self, desk: LiveDesk) -> None:
        self.desk, self.here = desk, desk.here
        self.script = make_checkout(desk.here.folder / "checkout", holder=HOLDER)

    def start(self) -> RunningProcess:
        bot = self.here.processes.start(self.script, self.here.bot_dir)
        bot.wait_for("^ready$", timeout_s=PATIENCE_S)
        return bot

    def fill_the_book(self, **live: object) -> tuple[RunningProcess, RunningProcess]:
        """Start both programs, and wait until everything is there."""
        desk = self.desk
        desk.pace |= live
        desk.configure()
        desk.put_keys()
        desk.confirm()
        desk.configure(RULES)
        bridge, trading = self.here.start_bridge(), self.start()
        wait_connected(bridge)
        desk.applied(bridge, "/starttrading")
        wait_until(
            lambda: self.kinds == [OrderKind.LIMIT, OrderKind.STOP],
            PATIENCE_S,
            f"an entry and a stop\n{trading.describe()}",
        )
        return bridge, trading

    @property
    def resting(self) -> list[Order]:
        return self.desk.stops()

    @property
    def kinds(self) -> list[OrderKind]:
        return sorted(one.wish.kind for one in self.resting)

    def told(self, kind: str) -> list[str]:
        return [one.text for one in self.here.events() if one.kind == kind]


@pytest.fixture
def holder(desk: LiveDesk) -> HolderDesk:
    return HolderDesk(desk)


@contextmanager
def binance(here: Installation) -> Iterator[HolderDesk]:
    """Open a bot with an account at Binance, where something is traded all the time."""
    engine, account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    with start_binance(engine) as venue:
        desk = LiveDesk(
            here, venue, account, exchange="binance", pair="BTC/USDT", has_read_key=False
        )
        with desk.ticking():
            yield HolderDesk(desk)


def check_taken_back(holder: HolderDesk) -> None:
    """Stop, and see that the entry is gone, told as such, and that the stop of all coins stays."""
    bridge, trading = holder.fill_the_book()
    (entry, stop) = sorted(holder.resting, key=lambda one: one.wish.kind)
    assert trading.stop() == 0, trading.describe()
    assert [one.client_id for one in holder.resting] == [stop.client_id]
    assert holder.desk.engine.find(holder.desk.account, client_id=entry.client_id) is not None
    assert stop.side is Side.SELL
    assert 0 < stop.wish.quantity <= holder.desk.held()
    wait_until(lambda: holder.told("engine_stopped"), PATIENCE_S, "a goodbye")
    (said,) = holder.told("entries_cancelled")
    assert said.startswith("1 entry cancelled: bot stops")
    assert holder.desk.pair in said
    assert not holder.told("entries_left")
    assert bridge.stop() == 0
    assert_no_traceback(trading, bridge)
    holder.desk.venue.exchange.check()


def test_a_stop_takes_back_the_entry_that_rests_and_leaves_the_stop(holder: HolderDesk) -> None:
    check_taken_back(holder)


@pytest.mark.long
def test_at_binance_as_well(here: Installation) -> None:
    with binance(here) as holder:
        check_taken_back(holder)


@pytest.mark.long
def test_an_entry_that_is_filled_while_it_is_cancelled_gets_its_stop(holder: HolderDesk) -> None:
    bridge, trading = holder.fill_the_book()
    desk = holder.desk

    def fall(_asked: Asked) -> None:
        desk.level = 63_000
        desk.engine.price(desk.pair, Decimal(desk.level), Decimal(1))

    rule = desk.venue.faults.slow(0.1, kind=Kind.CANCEL, before=fall)
    assert trading.stop() == 0, trading.describe()
    assert rule.met
    assert not [one for one in holder.resting if one.side is Side.BUY]
    protected = sum(one.wish.quantity for one in holder.resting)
    assert desk.held() * Decimal("0.99") < protected <= desk.held()
    wait_until(lambda: holder.told("engine_stopped"), PATIENCE_S, "a goodbye")
    assert len(holder.told("bought")) == 2
    assert not holder.told("entries_left")
    assert bridge.stop() == 0
    desk.venue.exchange.check()


@pytest.mark.long
def test_what_cannot_be_confirmed_is_told_loudly_and_the_next_start_cancels_it(
    holder: HolderDesk,
) -> None:
    bridge, trading = holder.fill_the_book()
    rule = holder.desk.venue.faults.drop(acts=False, kind=Kind.CANCEL, times=None)
    began = time.monotonic()
    assert trading.stop() == 0, trading.describe()
    assert time.monotonic() - began < STOP_S_MAX
    assert rule.met
    assert holder.kinds == [OrderKind.LIMIT, OrderKind.STOP]
    assert "an entry is not known to be gone from its exchange: BUY BTC/USD" in trading.stderr
    wait_until(lambda: holder.told("engine_stopped"), PATIENCE_S, "a goodbye")
    (said,) = holder.told("entries_left")
    assert "1 entry NOT known to be gone" in said
    rule.clear()
    again = holder.start()
    wait_until(lambda: holder.kinds == [OrderKind.STOP], PATIENCE_S, "the entry to be gone")
    wait_connected(bridge)
    # The strategy holds its position, and sees that its entry is gone.
    assert "LIVE" in ask(bridge, "/positions")
    assert again.stop() == 0, again.describe()
    assert holder.kinds == [OrderKind.STOP]
    assert bridge.stop() == 0


@pytest.mark.long
def test_entries_stay_where_that_is_wanted_and_a_reload_may_want_otherwise(
    holder: HolderDesk,
) -> None:
    bridge, trading = holder.fill_the_book(keep_entries_at_stop=True)
    both = holder.resting
    assert trading.stop() == 0, trading.describe()
    assert holder.resting == both
    again = holder.start()
    wait_connected(bridge)
    holder.desk.pace |= {"keep_entries_at_stop": False}
    holder.desk.configure(RULES)
    again.send_signal(signal.SIGHUP)
    again.wait_for(r"reloaded applied=\('live.keep_entries_at_stop',\)")
    # A reload alone touches no order.
    assert holder.resting == both
    assert again.stop() == 0, again.describe()
    assert holder.kinds == [OrderKind.STOP]
    assert bridge.stop() == 0


@pytest.mark.long
def test_a_kill_leaves_the_entry_and_the_next_start_goes_on_with_it(holder: HolderDesk) -> None:
    bridge, trading = holder.fill_the_book()
    both = holder.resting
    trading.kill()
    again = holder.start()
    wait_connected(bridge, 1)
    wait_until(lambda: "LIVE" in ask(bridge, "/positions"), PATIENCE_S, "the position")
    assert holder.resting == both
    assert again.stop() == 0, again.describe()
    assert holder.kinds == [OrderKind.STOP]
    assert bridge.stop() == 0


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("full", ["binance-20", "kraken-20"], indirect=True)
def test_thirty_entries_are_gone_in_time_and_twenty_stops_stay(
    full: FullDesk, tmp_path: Path
) -> None:
    script = make_checkout(tmp_path / "checkout", holder=FULL_HOLDER)
    with ScriptedBridge() as bridge:
        bot = fill_up(full, script, bridge)
        full.venue.faults.slow(0.05, kind=Kind.CANCEL, times=None)
        assert bot.stop() == 0, bot.describe()
        assert "not known to be gone" not in bot.stderr
    kinds = {one.wish.kind for one in full.engine.open_orders(full.account)}
    assert kinds == {OrderKind.STOP}
    assert len(full.engine.open_orders(full.account)) == len(full.symbols)
    full.venue.exchange.check()
