"""A bot with one key at Binance, Coinbase and Kraken Futures: it buys, is protected and killed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_futures import KrakenFuturesDialect
from tests.fakes.exchange.terms import Account, Fees, Market, MarketKind, OrderKind
from tests.fakes.exchange.venues import (
    KRAKEN_SECRET,
    SWAP_FEES,
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    start_kraken_futures,
    usual_engine,
    usual_markets,
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

FUTURES = "krakenfutures"
STARTS: dict[str, Callable[[Engine], AbstractContextManager[RunningExchange]]] = {
    "binance": start_binance,
    "coinbase": start_coinbase,
    FUTURES: start_kraken_futures,
}
FEES = {
    "binance": Fees(D("0.001"), D("0.001"), "received"),
    "coinbase": Fees(D("0.004"), D("0.006")),
    FUTURES: SWAP_FEES,
}


def _engine(name: str) -> tuple[Engine, Account]:
    quote = "USDT" if name == "binance" else "USD"
    step = D("0.00001")
    market = Market(f"BTC/{quote}", "BTC", quote, D("0.01"), step, step, cost_min=D(5))
    if name == FUTURES:
        (market, *_) = usual_markets("USD", MarketKind.SWAP)
    secret = coinbase_secret() if name == "coinbase" else KRAKEN_SECRET
    engine, account = usual_engine([market], secret=secret)
    account.fees = FEES[name]
    return engine, account


@pytest.fixture(params=["binance", "coinbase"])
def desk(request: pytest.FixtureRequest, here: Installation) -> Iterator[LiveDesk]:
    name = request.param
    engine, account = _engine(name)
    with STARTS[name](engine) as venue:
        (market,) = engine.markets
        pair = f"{market}:USD" if name == FUTURES else market
        made = LiveDesk(here, venue, account, exchange=name, pair=pair, has_read_key=False)
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


@pytest.mark.parametrize("desk", ["binance", "coinbase", FUTURES], indirect=True)
def test_an_entry_that_rested_has_its_stop_at_once_although_polls_are_rare(desk: LiveDesk) -> None:
    here = desk.here
    desk.pace["poll_s"] = POLL_S
    is_swap = desk.exchange == FUTURES
    kind = "dry_run: false\n" + ("mode: leveraged\nleverage: 3\n" if is_swap else "")
    terms: dict[str, object] | None = {"market_type": "swap"} if is_swap else None
    desk.configure(kind, terms)
    desk.put_keys()
    desk.confirm()
    desk.configure(f"{kind}strategy: waiter\n", terms)
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
    _check_no_signature_is_shown(desk)


def _check_no_signature_is_shown(desk: LiveDesk) -> None:
    dialect = desk.venue.exchange.dialect
    if isinstance(dialect, KrakenFuturesDialect):
        signed = dialect.feeds.signatures
        assert len(signed) == 2, "one connection, with two feeds"
        files = [one.read_bytes() for one in desk.here.var_dir.rglob("*") if one.is_file()]
        assert not [text for text in signed if any(text.encode() in one for one in files)]
