"""Market data that cannot be: nothing is valued, filled, closed or ended by it."""

import math

import pytest

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_account_setup, make_instrument, play
from trading.engine.events import HistoryLoaded
from trading.model.market import Bar, Tick
from trading.strategies.context import StrategyContext

NONSENSE = [math.nan, math.inf, -math.inf, 0.0, -5.0, 1e308]
TRAIL = {"activation": 0.01, "distance": 0.02}


def _buy_once(context: StrategyContext, _: object) -> None:
    if context.position is None:
        context.place_order("buy", D(1), trail=TRAIL)


@pytest.mark.parametrize("price", NONSENSE)
def test_a_price_that_cannot_be_moves_nothing(price: float) -> None:
    floor = Floor(play(_buy_once))
    floor.ticks(100, 100, 102)
    held = floor.position()
    floor.tick(price)
    floor.tick(price)
    floor.tick(102)
    assert floor.held() is held
    assert floor.trader.markets.by_symbol[BTC].price == 102
    assert not floor.trader.conditions.limits.tripped
    assert len(floor.told("bad_data")) == 1


@pytest.mark.parametrize("price", NONSENSE)
def test_a_candle_that_cannot_be_moves_nothing(price: float) -> None:
    floor = Floor(play(_buy_once), ranges_by_bars=True)
    floor.tick(100)
    floor.bar(100, 101, 100)
    floor.bar(100, 102, 101)
    held = floor.position()
    floor.bar(price, price, price)
    floor.tell(HistoryLoaded([Bar(BTC, floor.now, 60, price, price, price, price, 1.0)]))
    assert floor.held() is held
    assert floor.trader.markets.by_symbol[BTC].price == 101
    assert not floor.trader.conditions.limits.tripped


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, 1e20, -1e20])
def test_a_time_that_cannot_be_ends_nothing(at: float) -> None:
    floor = Floor(play(_buy_once))
    floor.ticks(100, 100)
    floor.tell(Tick(BTC, 101.0, 1.0, at))
    floor.tell(Bar(BTC, at, 60, 100.0, 100.0, 100.0, 100.0, 1.0))
    floor.sample()
    floor.ticks(90, 90)
    assert floor.trades, "its stop is watched as before"


def test_a_market_with_very_fine_steps_can_be_bought() -> None:
    fine = make_instrument(quantity_step=D("1e-18"), price_step=D("1e-18"), quantity_min=D(0))
    account = make_account_setup(cash="1000000")
    floor = Floor(instruments=[fine], accounts=(account,))
    floor.tick(1e-8)
    floor.do("buy", BTC, "10000000000000")
    floor.tick(1e-8)
    assert floor.position().quantity == D(10) ** 13
