"""Stories of positions with leverage that a venue and the books see differently."""

from dataclasses import replace

import pytest

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_world import World
from tests.trading_tests.makers import BTC, ETH
from trading.model.account import MarketType
from trading.model.order import ExitPlan, Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.venue_news import PositionSeen


@pytest.fixture
def world() -> World:
    return World()


def test_a_position_elsewhere_is_adopted_at_the_venues_own_price() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(120))]
    world.looks()
    equity = world.floor.trader.desks["main"].book.equity()
    peak = world.floor.trader.conditions.limits.peak("main")
    world.answer(1, "adopt")
    position = world.floor.position()
    assert (position.quantity, position.entry_price) == (D(-2), D(120))
    assert position.stop_price == D(126)
    gained = world.floor.trader.desks["main"].book.equity() - equity
    assert gained == 40
    assert world.floor.trader.conditions.limits.peak("main") == peak + 40
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1


def test_a_short_position_that_was_closed_by_hand_is_closed_here_too() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(100))]
    world.looks()
    world.answer(1, "adopt")
    world.floor.tick(99.0)
    world.positions = []
    world.holdings["USDT"] += D(2)
    world.looks()
    assert world.floor.kinds.count("difference") == 3
    world.answer(2, "adopt")
    assert world.floor.held() is None
    world.looks(3)
    assert len(world.floor.told("difference_gone")) == 1, "the profit is what the book expects now"
    assert world.floor.cash() == world.holdings["USDT"]


def test_what_was_traded_since_the_look_is_not_undone_by_an_answer() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(ETH, D(3), D(50))]
    world.looks()
    # Bought by a person's own order, which a difference of another market does not keep.
    entry = Order("o1", "main", ETH, Side.BUY, OrderType.MARKET, Purpose.ENTRY, D(1), 1.0)
    plan = ExitPlan(stop_fraction=D("0.05"))
    world.floor.trader.orders.add(replace(entry, state=OrderState.WORKING, exit_plan=plan))
    world.price = 50.0
    world.floor.tick(50.0, ETH, after_s=60.0)
    world.fill(entry)
    world.carry_out()
    assert world.floor.position(ETH).quantity == D(1)
    world.answer(1, "adopt")
    assert world.floor.position(ETH).quantity == D(4)


def test_a_short_position_that_nobody_knows_of_may_be_ignored() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(-2), D(100))]
    world.looks()
    assert "difference 1: BTC/USDT" in world.floor.told("difference")[0]
    world.answer(1, "ignore")
    world.looks(3)
    assert world.floor.kinds.count("difference") == 1
    world.positions = [PositionSeen(BTC, D(-3), D(100))]
    world.looks()
    world.answer(2, "adopt")
    assert world.floor.position().quantity == D(-3)
    world.looks(3)
    assert world.floor.kinds.count("difference") == 2


def test_a_position_that_nobody_wants_is_closed_at_the_market() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(2), D(100))]
    world.looks()
    assert "closing 2 BTC/USDT" in world.answer(1, "close")
    assert world.floor.held() is None
    assert world.positions == []


def test_a_position_near_its_liquidation_is_warned_of_once() -> None:
    world = World(MarketType.SWAP)
    world.positions = [PositionSeen(BTC, D(2), D(100), D(80))]
    world.looks()
    assert "liquidation_near" not in world.floor.kinds
    for price in (89.0, 88.0, 85.0):
        world.floor.tick(price)
        world.floor.sample()
        world.look()
    (warned,) = world.floor.told("liquidation_near")
    assert "LIQUIDATION NEAR" in warned
    assert "80.00 (9.09% away)" in warned
    world.floor.tick(95.0)
    world.floor.sample()
    world.floor.tick(88.0)
    world.floor.sample()
    assert len(world.floor.told("liquidation_near")) == 2
    world.positions = []
    world.look()
    world.floor.tick(81.0)
    world.floor.sample()
    assert len(world.floor.told("liquidation_near")) == 2
