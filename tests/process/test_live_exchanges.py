"""A bot with one key at Binance and Coinbase: bought, protected, killed, gapped, flat."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Fees, Market, OrderKind
from tests.fakes.exchange.venues import (
    KRAKEN_SECRET,
    coinbase_secret,
    start_binance,
    start_coinbase,
    usual_engine,
)
from tests.fakes.exchange.wire import Kind
from tests.process.installation import PATIENCE_S, Installation, wait_connected
from tests.process.live_desk import LiveDesk
from tests.process.own_strategies import make_checkout
from tests.process.test_threads import SHARED, TRADING, check_threads
from tests.process.test_trading_console import ask
from tests.waiting import wait_until

pytestmark = pytest.mark.long

D = Decimal
# One entry that waits for a better price, and never another.
WAITER = """
from trading.strategies.base import Strategy


class Waiter(Strategy):
    def on_tick(self, tick):
        if self.context.position is None and not self.context.get_orders():
            price = tick.price * 0.99
            self.context.place_order("buy", amount=500, type="limit", limit_price=price)
"""
# With polls and looks so rare, what is seen sooner was told by the exchange.
POLL_S = 20.0
PROTECTED_S_MAX = 2.0
OF_ONE_KEY = (
    (TRADING - {"feed-synthetic"}) | {"broker-main", "stream-main", "feed-exchange"} | SHARED
)


def _engine(name: str) -> tuple[Engine, Account]:
    quote = "USDT" if name == "binance" else "USD"
    step = D("0.00001")
    market = Market(f"BTC/{quote}", "BTC", quote, D("0.01"), step, step, cost_min=D(5))
    secret = KRAKEN_SECRET if name == "binance" else coinbase_secret()
    engine, account = usual_engine([market], secret=secret)
    if name == "binance":
        account.fees = Fees(D("0.001"), D("0.001"), "received")
    else:
        account.fees = Fees(D("0.004"), D("0.006"))
    return engine, account


@pytest.fixture(params=["binance", "coinbase"])
def desk(request: pytest.FixtureRequest, here: Installation) -> Iterator[LiveDesk]:
    engine, account = _engine(request.param)
    start = start_binance if request.param == "binance" else start_coinbase
    with start(engine) as venue:
        (pair,) = engine.markets
        made = LiveDesk(here, venue, account, exchange=request.param, pair=pair, has_read_key=False)
        with made.ticking():
            yield made


def test_it_is_killed_with_a_stop_at_the_exchange_and_goes_on_to_flat(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    desk.buy(bridge)
    held, (stop,) = desk.held(), desk.stops()
    trading.kill()
    again = desk.here.start_trading()
    wait_connected(bridge)
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "the position")
    assert (desk.held(), desk.stops()) == (held, [stop])
    desk.applied(bridge, "/flatten")
    assert desk.is_flat
    desk.end(bridge, again)


def test_answers_that_are_lost_make_no_order_twice(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    faults = desk.venue.faults
    dropped = faults.drop(acts=True, kind=Kind.SUBMIT)
    hanging = faults.hang(acts=True, kind=Kind.SUBMIT)
    desk.buy(bridge)
    assert dropped.met
    assert hanging.met
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "the position")
    orders = desk.engine.orders(desk.account)
    assert len(orders) == len({order.client_id for order in orders}) == 2
    desk.applied(bridge, "/flatten")
    assert desk.is_flat
    desk.end(bridge, trading)


@pytest.mark.parametrize("desk", ["coinbase"], indirect=True)
def test_a_stop_that_a_gap_has_left_behind_is_made_good_at_market(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    desk.buy(bridge)
    assert desk.stops()[0].wish.kind is OrderKind.BRACKET
    desk.level = 55_000  # more than the 5 % that the exchange follows a bracket's stop
    wait_until(lambda: desk.is_flat, 3 * PATIENCE_S, "flat behind the gap")
    sold = desk.engine.orders(desk.account)[-1]
    assert sold.wish.kind is OrderKind.MARKET
    assert 55_000 <= sold.average < 55_010
    desk.end(bridge, trading)


def test_an_entry_that_rested_has_its_stop_at_once_although_polls_are_rare(desk: LiveDesk) -> None:
    here = desk.here
    desk.pace["poll_s"] = POLL_S
    desk.configure()
    desk.put_keys()
    desk.confirm()
    desk.configure("dry_run: false\nstrategy: waiter\n")
    bridge = here.start_bridge()
    script = make_checkout(here.folder / "checkout", waiter=WAITER)
    trading = here.processes.start(script, here.bot_dir)
    wait_connected(bridge)
    check_threads(trading, OF_ONE_KEY)
    desk.applied(bridge, "/starttrading")
    wait_until(desk.stops, PATIENCE_S, f"an entry that rests\n{trading.describe()}")
    (entry,) = desk.stops()
    # Polls begin close together after each action.
    wait_until(lambda: SystemClock.wall() - entry.opened_at > 7, 2 * PATIENCE_S, "rare polls")
    desk.level = 63_000
    wait_until(lambda: not entry.is_open, PATIENCE_S, "the execution")
    wait_until(desk.stops, PATIENCE_S, f"a stop that rests\n{trading.describe()}")
    (stop,) = desk.stops()
    assert stop.opened_at - entry.trades[-1].at < PROTECTED_S_MAX
    desk.applied(bridge, "/stoptrading")
    desk.flatten(bridge)
    desk.end(bridge, trading)
