"""Stories of coins and money that a venue has more or less of than the books know."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_world import World
from tests.trading_tests.makers import BTC, ETH, make_instrument
from trading.model.order import Purpose

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED


@pytest.fixture
def world() -> World:
    return World()


def test_coins_that_are_adopted_are_a_position_with_a_stop_and_a_deposit_in_kind(
    world: World,
) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    equity = world.floor.trader.desks["main"].book.equity()
    peak = world.floor.trader.conditions.limits.peak("main")
    assert "booked as a position at 100" in world.answer(1, "adopt")
    position = world.floor.position()
    assert (position.quantity, position.entry_price) == (D("0.5"), D(100))
    assert (position.stop_price, position.target_price) == (D(95), D(110))
    assert world.floor.order().purpose is Purpose.PROTECTION
    assert world.floor.cash() == D(10_000)
    assert world.floor.trader.desks["main"].book.equity() == equity + 50
    assert world.floor.trader.conditions.limits.peak("main") == peak + 50
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    assert world.floor.kinds.count("difference_settled") == 1


def test_coins_beside_a_position_are_added_to_it_and_sold_without_it(world: World) -> None:
    world.buys()
    world.holdings["BTC"] += D("0.5")
    world.looks()
    assert world.answer(1, "close") == "closing 0.5 BTC/USDT at the market"
    assert world.floor.position().quantity == D(1)
    assert world.holdings["BTC"] == D(1)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    assert world.floor.order().quantity == D(1)


def test_coins_that_nobody_wants_are_sold_at_the_market(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    assert "closing 0.5 BTC/USDT" in world.answer(1, "close")
    assert world.floor.held() is None
    assert not world.holdings["BTC"]
    assert world.floor.cash() == world.holdings["USDT"] == D(10_050)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_coins_that_are_ignored_are_asked_about_again_only_when_they_change(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.answer(1, "ignore")
    assert world.buys() is APPLIED
    world.looks(3)
    world.floor.restart()
    world.connect()
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    world.holdings["BTC"] += D("0.25")
    world.looks()
    assert "0.25 BTC more is there" in " ".join(world.floor.told("difference")[1].split())


def test_ignored_coins_that_go_again_leave_our_position_alone(world: World) -> None:
    world.holdings["BTC"] = D("0.5")
    world.looks()
    world.answer(1, "ignore")
    world.buys()
    world.holdings["BTC"] -= D("0.5")
    world.looks()
    world.answer(2, "adopt")
    assert world.floor.position().quantity == D(1)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_coins_that_were_sold_by_hand_leave_the_position_as_changed_outside(world: World) -> None:
    world.buys()
    world.price = 110.0
    world.floor.tick(105.0)
    world.holdings["BTC"] -= D("0.4")
    world.holdings["USDT"] += D(44)
    world.looks()
    texts = [" ".join(one.split()) for one in world.floor.told("difference")]
    assert "0.4 BTC is missing there" in texts[0]
    assert "44 USDT more is there" in texts[1]
    world.answer(1, "adopt")
    assert world.floor.position().quantity == D("0.6")
    assert world.floor.order().quantity == D("0.6"), "its stop follows"
    world.answer(2, "adopt")
    assert world.floor.cash() == world.holdings["USDT"]
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_a_position_that_is_gone_altogether_is_a_trade_with_the_reason(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D(0)
    world.looks()
    world.answer(1, "adopt")
    assert world.floor.held() is None
    assert world.floor.orders() == []
    assert world.floor.trade.reason == "changed outside"


def test_what_is_left_of_a_position_is_closed_on_a_persons_word(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D("0.6")
    world.looks()
    world.answer(1, "close")
    assert world.floor.held() is None
    assert not world.holdings["BTC"]


def test_what_is_missing_cannot_be_ignored(world: World) -> None:
    world.buys()
    world.holdings["BTC"] = D("0.6")
    world.looks()
    state, text = world.floor.do("reconcile", "1", "ignore")
    assert state is REJECTED
    assert text == "ignore is no answer to this one; allowed adopt or close"


def test_money_that_came_is_a_deposit_and_heals_no_loss(world: World) -> None:
    world.holdings["USDT"] += D(5_000)
    world.looks()
    assert world.buys() is APPLIED, "more money bars nothing"
    world.looks()
    peak = world.floor.trader.conditions.limits.peak("main")
    assert world.answer(1, "adopt") == "5,000 USDT booked as a deposit"
    assert world.floor.cash() == world.holdings["USDT"]
    assert world.floor.trader.conditions.limits.peak("main") == peak + 5_000


def test_money_that_is_missing_bars_the_whole_account_until_it_is_booked(world: World) -> None:
    world.holdings["USDT"] -= D(4_000)
    world.looks()
    assert world.buys() is world.buys(ETH) is REJECTED
    world.answer(1, "adopt")
    assert world.buys(ETH) is APPLIED
    assert "limit_tripped" not in world.floor.kinds


def test_money_that_is_missing_can_neither_be_sold_nor_ignored(world: World) -> None:
    world.holdings["USDT"] -= D(4_000)
    world.looks()
    for choice in ("close", "ignore"):
        assert world.floor.do("reconcile", "1", choice).state is REJECTED


def test_less_than_can_be_sold_is_not_adopted(world: World) -> None:
    world.floor.trader.instruments[BTC] = make_instrument(cost_min=D(100))
    world.holdings["BTC"] = D("0.5")
    world.looks()
    state, text = world.floor.do("reconcile", "1", "adopt")
    assert state is REJECTED
    assert "less than can be sold there" in text
    world.answer(1, "ignore")
