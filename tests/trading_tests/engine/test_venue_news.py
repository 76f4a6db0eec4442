"""What the workers of live accounts tell beside reports, and what new risk it keeps away."""

from dataclasses import replace

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, ETH, make_account, make_account_setup, make_instrument
from trading.model.account import MarketKey
from trading.model.report import OrderLost
from trading.model.venue_news import (
    AccountSeen,
    InstrumentsKnown,
    VenueConnected,
    VenueTrouble,
)


@pytest.fixture
def floor() -> Floor:
    account = replace(make_account(), is_paper=False, exchange="kraken")
    made = Floor(accounts=[replace(make_account_setup(account), paper=None)])
    made.tick(100.0)
    made.tick(50.0, ETH)
    return made


def connect(floor: Floor) -> None:
    floor.tell(VenueConnected("main", True, True, floor.now))


def show_account(floor: Floor) -> None:
    floor.tell(AccountSeen("main", 0, [], {"USDT": D(10_000)}, None, floor.now))


def refused(floor: Floor, symbol: str = BTC) -> str:
    """Return why a buy is refused."""
    floor.tick(100.0, symbol)
    state, text = floor.do("buy", symbol, "1")
    assert state is ReplyState.REJECTED, text
    return text


def buys(floor: Floor, symbol: str = BTC) -> bool:
    floor.tick(100.0, symbol)
    return floor.do("buy", symbol, "1").state is ReplyState.APPLIED


def test_nothing_new_is_risked_before_the_venue_is_connected_and_looked_at(floor: Floor) -> None:
    assert "not connected yet" in refused(floor)
    connect(floor)
    assert "not been looked at completely" in refused(floor)
    show_account(floor)
    assert buys(floor)


def test_a_restart_must_look_at_the_account_again(floor: Floor) -> None:
    connect(floor)
    show_account(floor)
    floor.restart()
    assert "not connected yet" in refused(floor)


def test_trouble_of_the_venue_bars_entries_is_told_once_and_ends_in_words(floor: Floor) -> None:
    connect(floor)
    show_account(floor)
    for _ in range(3):
        floor.tell(VenueTrouble("main", "its breaker is open", floor.now))
    assert "its breaker is open" in refused(floor)
    assert "breaker is open" in floor.why()
    shown = floor.do("getstatus").text.splitlines()
    assert "⚠ no new risk: its breaker is open" in " ".join(shown)
    assert len(floor.told("venue_trouble")) == 1
    floor.tell(VenueTrouble("main", "", floor.now))
    assert len(floor.told("venue_recovered")) == 1
    assert buys(floor)


def test_an_unknown_order_bars_its_own_market_only(floor: Floor) -> None:
    connect(floor)
    show_account(floor)
    assert buys(floor)
    order = floor.order()
    floor.tell(OrderLost("main", order.id, "timeout", floor.now))
    assert f"order {order.id} there is UNKNOWN" in refused(floor)
    assert "UNKNOWN" in floor.do("orders").text
    assert "(1 UNKNOWN)" in floor.do("getstatus").text
    assert buys(floor, ETH)


def test_an_open_difference_bars_its_own_market_until_it_is_settled(floor: Floor) -> None:
    connect(floor)
    show_account(floor)
    venue = floor.trader.desks["main"].venue
    assert venue is not None
    key = MarketKey("main", BTC)
    venue.note_difference(key, "0.5 BTC more are there than known")
    assert "0.5 BTC more" in refused(floor)
    assert buys(floor, ETH)
    venue.note_difference(key, "")
    assert buys(floor)


def test_steps_that_a_venue_tells_are_known_to_the_gate_and_to_a_venue_on_paper() -> None:
    floor = Floor()
    floor.tick(100.0)
    coarse = make_instrument(quantity_step=D("0.25"), quantity_min=D("0.25"))
    other = make_instrument("XRP/USDT")
    floor.tell(InstrumentsKnown({BTC: coarse, "XRP/USDT": other}, floor.now))
    floor.do("buy", BTC, "1.4")
    assert floor.order().quantity == D("1.25")
    assert "XRP/USDT" not in floor.trader.instruments
    floor.tick(100.0)
    assert floor.position().quantity == D("1.25")
