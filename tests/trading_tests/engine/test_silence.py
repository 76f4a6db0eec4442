"""A core that tells nothing trades as one that tells everything."""

import random
from collections.abc import Iterator

import pytest

from tests.trading_tests.makers import (
    BTC,
    NOW,
    events_of,
    make_command,
    make_core,
    make_health,
    make_setup,
    make_trader,
    of_kind,
    play,
)
from trading.engine.core import EngineCore
from trading.engine.effects import Effect, SaveTrade
from trading.engine.events import CommandReceived, EngineStarted
from trading.engine.trader import Trader
from trading.model.market import Bar
from trading.strategies.context import StrategyContext

MINUTE = 60


def candles(seed: int, count: int) -> Iterator[Bar]:
    rng, price = random.Random(seed), 1_000.0
    for number in range(count):
        close = round(price * (1 + rng.gauss(0, 0.004)), 2)
        high, low = max(price, close) + rng.random(), min(price, close) - rng.random()
        yield Bar(BTC, NOW + MINUTE * number, MINUTE, price, high, low, close, rng.random())
        price = close


def turn_often(context: StrategyContext, bar: Bar) -> None:
    if context.position is None:
        context.place_order(
            "buy", equity_fraction=0.1, stop_fraction=0.01, target_fraction=0.02, reason="up"
        )
    elif round(bar.close * 100) % 7 == 0:
        context.close_position(reason="seven")


def trade(*, is_silent: bool, seed: int) -> tuple[Trader, list[Effect]]:
    setup = make_setup(play(turn_often, bars=True), ranges_by_bars=True, is_silent=is_silent)
    trader = make_trader(setup)
    core: EngineCore = make_core(trader=trader)
    core.process(EngineStarted(NOW))
    core.process(make_health())
    core.process(CommandReceived(make_command("starttrading"), NOW))
    effects = [effect for bar in candles(seed, 600) for effect in core.process(bar)]
    return trader, effects


@pytest.mark.parametrize("seed", range(3))
def test_a_silent_core_trades_as_any_other(seed: int) -> None:
    silent, little = trade(is_silent=True, seed=seed)
    told, much = trade(is_silent=False, seed=seed)
    trades = [effect.trade for effect in of_kind(much, SaveTrade)]
    assert len(trades) > 5
    assert [effect.trade for effect in of_kind(little, SaveTrade)] == trades
    for one, other in zip(silent.desks.values(), told.desks.values(), strict=True):
        assert one.book.cash == other.book.cash
        assert one.book.positions == other.book.positions
        assert one.book.equity() == other.book.equity()
    assert silent.orders.open_orders() == told.orders.open_orders()


def test_nothing_but_closed_trades_leaves_a_silent_core() -> None:
    trader, effects = trade(is_silent=True, seed=1)
    assert {type(effect) for effect in effects} == {SaveTrade}
    assert not trader.decisions.latest(10)
    assert not events_of(effects)
