"""Positions that could not be protected, and quotes that only look fresh."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_instrument, play
from trading.model.order import Purpose
from trading.strategies.context import StrategyContext


def test_a_position_with_no_price_left_for_its_stop_is_closed_at_once() -> None:
    def enter(context: StrategyContext, _: object) -> None:
        if context.position is None and not context.get_orders():
            context.place_order("buy", 100, type="limit", limit_price=2)

    floor = Floor(play(enter), instruments=[make_instrument(price_step=D(1))])
    floor.ticks(3, 3)
    floor.do("pause")
    floor.do("resume")
    floor.tick(3)
    floor.tick(1)
    assert floor.position().stop_price is None, "there is no step between 0 and 1"
    assert floor.told("protection_missing")
    floor.tick(1)
    assert floor.held() is None
    assert floor.trade.reason == "it cannot be protected"


def test_a_position_does_not_outgrow_the_one_order_that_protects_it() -> None:
    floor = Floor(instruments=[make_instrument(quantity_max=D("1.5"))])
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    assert "cut from 1 to 0.5" in floor.do("buy", BTC, "1").text
    assert floor.do("buy", BTC, "1").state is ReplyState.REJECTED, "the second is still open"
    floor.ticks(100, 100)
    assert floor.do("buy", BTC, "1").state is ReplyState.REJECTED
    assert floor.position().quantity == D("1.5")
    assert floor.order().purpose is Purpose.PROTECTION


@pytest.mark.parametrize("jump_s", [-3_600.0, 3_600.0])
def test_a_quote_ages_over_a_jump_of_the_clock(jump_s: float) -> None:
    floor = Floor()
    floor.tick(100)
    floor.sample()
    floor.sample(jump_s=jump_s)
    for _ in range(15):
        floor.sample()
    said = floor.do("buy", BTC, "1")
    assert said.state is ReplyState.REJECTED
    assert "s old" in said.text
    floor.tick(100)
    floor.sample()
    assert floor.do("buy", BTC, "1").state is ReplyState.APPLIED


def test_silence_is_not_made_by_a_jump_of_the_clock() -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    floor.sample()
    floor.do("sell", BTC)
    floor.sample(jump_s=3_600.0)
    assert floor.held(), "it is filled by the first price after the sleep, not by the last before"
    floor.tick(98)
    assert floor.trade.exit_price == 98
