"""A restart changes nothing: neither what is held is worth, nor what losses are measured by."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    make_instrument,
    play,
)
from trading.engine.events import HistoryLoaded
from trading.engine.setup import InstanceSetup
from trading.model.account import MarketType
from trading.model.market import Bar, Tick
from trading.model.mode import Mode
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.context import StrategyContext

WIDE = RiskSettings(max_position_fraction=D("0.45"), stop_fraction=D("0.9"), target_fraction=None)
HALF = D("0.5")


def _both_held(daily: D = HALF) -> Floor:
    limits = LimitSettings(
        account_daily_loss=daily,
        account_total_loss=HALF,
        symbol_daily_loss=daily,
        symbol_total_loss=HALF,
    )
    floor = Floor(limits=limits, risk=WIDE)
    floor.tick(100)
    floor.tick(100, ETH)
    floor.do("buy", BTC, "40")
    floor.do("buy", ETH, "40")
    floor.tick(100)
    floor.tick(100, ETH)
    return floor


def test_a_restart_makes_no_new_highest_equity() -> None:
    floor = _both_held()
    floor.tick(70, ETH)
    floor.tick(130)
    floor.sample()
    peak = floor.trader.conditions.limits.peak("main")
    floor.restart()
    floor.tick(130)
    assert floor.trader.desks["main"].book.equity() == 10_000
    assert floor.trader.conditions.limits.peak("main") == peak
    floor.tick(70, ETH)
    assert not floor.trader.conditions.limits.tripped


def test_the_day_after_a_restart_begins_with_what_was_lost_before_it() -> None:
    floor = _both_held(daily=D("0.05"))
    floor.tick(90, ETH)
    floor.sample()
    floor.restart()
    floor.tick(100, after_s=86_400.0)
    floor.tick(87, ETH)
    assert not floor.trader.conditions.limits.tripped, "of today's 1.2 % one may lose 5 %"
    floor.tick(76, ETH)
    assert floor.trader.conditions.limits.tripped


@pytest.mark.parametrize("again", [1, 3])
def test_what_is_held_keeps_its_worth_over_restarts_without_a_price(again: int) -> None:
    floor = _both_held()
    floor.tick(70, ETH)
    floor.sample()
    for _ in range(again):
        floor.restart()
        floor.sample()
    assert floor.trader.desks["main"].book.equity() == 8_800


def test_an_account_on_margin_can_trade_one_market_before_the_other_has_a_price() -> None:
    account = make_account("main", MarketType.MARGIN, leverage="2")
    floor = Floor(accounts=(make_account_setup(account),))
    floor.ticks(100, symbol=ETH)
    floor.do("buy", ETH, "1")
    floor.ticks(100, symbol=ETH)
    floor.sample()
    floor.restart()
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    assert floor.position(BTC).quantity == 1


def _rest_an_entry(context: StrategyContext, tick: Tick) -> None:
    if tick.price == 99:
        raise ValueError("no good")
    if context.position is None and not context.get_orders():
        context.place_order("buy", 1, type="limit", limit_price=95)


def test_an_entry_does_not_outlive_the_leave_to_trade() -> None:
    floor = Floor(play(_rest_an_entry))
    floor.ticks(100, 100)
    assert floor.orders()
    floor.restart(is_allowed=False)
    floor.ticks(100, 90, 90)
    assert floor.held() is None
    assert not floor.orders()


@pytest.mark.parametrize("after", [(), (play(_rest_an_entry, mode=Mode.OBSERVE),)])
def test_an_entry_does_not_outlive_its_instance(after: tuple[InstanceSetup, ...]) -> None:
    floor = Floor(play(_rest_an_entry))
    floor.ticks(100, 100)
    assert floor.orders()
    floor.restart(instances=after)
    floor.ticks(100, 90, 90)
    assert floor.held() is None
    assert not floor.orders()


def test_an_entry_goes_when_its_instance_is_stopped() -> None:
    floor = Floor(play(_rest_an_entry))
    floor.ticks(100, 100)
    assert floor.orders()
    floor.ticks(*[99] * 10)
    assert floor.told("strategy_stopped")
    assert not floor.orders()


def test_a_late_candle_of_the_past_values_nothing() -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    floor.tell(HistoryLoaded([Bar(BTC, floor.now - 600, 60, 50.0, 50.0, 50.0, 50.0, 1.0)]))
    assert floor.trader.desks["main"].book.equity() == 10_000


def test_a_candle_that_comes_later_than_prices_behind_it_values_nothing() -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    floor.tell(Bar(BTC, floor.now - 600, 60, 50.0, 50.0, 50.0, 50.0, 1.0))
    assert floor.trader.desks["main"].book.equity() == 10_000
    assert not floor.trader.conditions.limits.tripped


def test_what_is_held_can_be_sold_after_its_market_got_coarser_steps() -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("buy", BTC, "1.00001")
    floor.tick(100)
    coarse = make_instrument(quantity_step=D("0.1"), quantity_min=D("0.1"))
    floor.restart(instruments={BTC: coarse, ETH: make_instrument(ETH)})
    floor.tick(100)
    floor.do("flatten", command_id="flat")
    floor.ticks(100, 100)
    assert floor.said("flat").state is ReplyState.APPLIED
    assert floor.held() is None
