"""A bot with one key at Binance and Coinbase: bought, protected, killed, gapped, flat."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

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
from tests.process.test_trading_console import ask
from tests.waiting import wait_until

pytestmark = pytest.mark.long

D = Decimal


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
