"""Stories of positions: from the entry through stop, target, trail and restart to the trade."""

from collections.abc import Callable

import pytest

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    make_instrument,
    make_setup,
    play,
)
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import MarketType
from trading.model.order import OrderType, Purpose, TrailPlan
from trading.model.order_states import OrderState
from trading.risk.settings import RiskSettings
from trading.strategies.context import StrategyContext

TRAILING = RiskSettings(
    trade_amount=D(100),
    target_fraction=None,
    trail=TrailPlan(activation=D("0.02"), distance=D("0.01"), tight_distance=D("0.002")),
)
HALF_OF_THE_VOLUME = PaperTerms(
    fee_taker=D(0), fee_maker=D(0), slippage=D(0), volume_share=D("0.5")
)


def holding(**rules: object) -> Floor:
    """Return a floor on which one bitcoin was bought at 100."""
    floor = Floor(**rules)  # type: ignore[arg-type]
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    return floor


def test_a_target_fills_at_its_price_and_takes_the_stop_with_it() -> None:
    floor = holding()
    floor.ticks(105.0, 109.99)
    assert floor.held() is not None
    floor.tick(111.0)
    assert floor.held() is None
    assert not floor.orders()
    assert floor.trade.profit == D(11)
    assert floor.cash() == D(10_011)
    assert floor.told("sold")


def test_a_stop_fills_at_its_price_and_takes_the_target_with_it() -> None:
    floor = holding()
    floor.ticks(96.0, 95.0)
    assert floor.held() is None
    assert not floor.orders()
    assert floor.trade.exit_price == D(95)


def test_a_gap_through_the_stop_fills_at_the_worse_price() -> None:
    floor = holding()
    floor.tick(80.0)
    assert floor.trade.exit_price == D(80)
    assert floor.cash() == D(9_980)


def test_recorded_candles_fill_the_stop_within_their_range_and_a_gap_at_their_open() -> None:
    for prices, expected in (((99.0, 101.0, 94.0, 98.0), 95), ((90.0, 91.0, 89.0, 90.0), 90)):
        floor = Floor(ranges_by_bars=True)
        floor.bar(100.0, 100.0)
        floor.do("buy", BTC, "1")
        floor.bar(100.0, 101.0, 99.0, 100.0)
        assert floor.position().entry_price == D(100), "the open after the decision"
        floor.bar(*prices)
        assert floor.trade.exit_price == D(expected)


def test_a_candle_that_reaches_stop_and_target_is_taken_for_the_worse() -> None:
    floor = Floor(ranges_by_bars=True)
    floor.bar(100.0, 100.0)
    floor.do("buy", BTC, "1")
    floor.bar(100.0, 100.0)
    floor.bar(100.0, 115.0, 90.0, 112.0)
    assert floor.trade.exit_price == D(95)


def test_protection_follows_an_entry_that_is_filled_bit_by_bit() -> None:
    floor = Floor(accounts=[make_account_setup(terms=HALF_OF_THE_VOLUME)])
    floor.tick(100.0)
    floor.do("buy", BTC, "2")
    for expected in (D("0.5"), D(1), D("1.5"), D(2)):
        floor.tick(100.0, size=1.0)
        assert floor.position().quantity == expected
        protection = [one for one in floor.orders() if one.purpose is Purpose.PROTECTION]
        assert [one.remaining for one in protection] == [expected]
    assert [one.purpose for one in floor.orders()] == [Purpose.PROTECTION]


def test_a_stop_that_is_filled_bit_by_bit_sells_all_in_the_end() -> None:
    floor = Floor(accounts=[make_account_setup(terms=HALF_OF_THE_VOLUME)])
    floor.tick(100.0)
    floor.do("buy", BTC, "2")
    floor.tick(100.0, size=9.0)
    floor.tick(94.0, size=1.0)
    assert floor.position().quantity == D("1.5")
    assert floor.order().remaining == D("1.5")
    floor.tick(93.0, size=1.0)
    floor.tick(97.0, size=9.0)
    assert floor.held() is None
    assert floor.trade.exit_price == (94 * D("0.5") + 93 * D("0.5") + 97) / 2


def test_a_trailing_stop_comes_on_follows_and_never_goes_back() -> None:
    floor = holding(risk=TRAILING)
    floor.tick(101.0)
    assert floor.position().trail_price is None
    floor.tick(102.0)
    assert floor.position().trail_price == D("100.98")
    floor.tick(101.5)
    assert floor.position().trail_price == D("100.98")
    floor.tick(104.0)
    assert floor.position().trail_price == D("102.96")
    floor.tick(103.0)
    assert floor.held() is not None
    floor.tick(102.9)
    assert floor.position().closing == "trailing stop"
    floor.tick(102.8)
    assert (floor.trade.reason, floor.trade.exit_price) == ("trailing stop", D("102.8"))


def test_a_tight_trail_follows_closely() -> None:
    def tighten(context: StrategyContext, _event: object) -> None:
        if context.position is None:
            context.place_order("buy", 1)
        elif (context.price or 0.0) > 104:
            context.tighten_trail()

    floor = Floor(play(tighten), risk=TRAILING)
    floor.ticks(100.0, 100.0, 103.0)
    assert floor.position().trail_price == D("101.97")
    floor.tick(105.0)
    assert floor.position().is_trail_tight
    assert floor.position().trail_price == D("104.790")
    floor.restart()
    assert floor.position().trail_price == D("104.790")
    floor.tick(104.5)
    assert floor.position().closing == "trailing stop"


def test_a_trailing_stop_of_a_short_position_follows_downwards() -> None:
    floor = Floor(
        accounts=[make_account_setup(make_account("main", MarketType.MARGIN))], risk=TRAILING
    )
    floor.tick(100.0)
    floor.do("sell", BTC, "1")
    floor.ticks(100.0, 97.0)
    assert floor.position().trail_price == D("97.97")
    floor.tick(98.0)
    floor.tick(98.0)
    assert floor.trade.profit == D(2)


def test_the_gap_while_away_is_met_at_the_first_price_after_the_restart() -> None:
    floor = holding()
    floor.restart()
    assert floor.order().stop_price == D(95)
    floor.tick(70.0)
    assert floor.trade.exit_price == D(70)


def test_a_trailing_stop_that_was_passed_while_away_closes_at_the_first_prices() -> None:
    floor = holding(risk=TRAILING)
    floor.tick(104.0)
    floor.restart()
    floor.tick(101.0)
    assert floor.position().closing == "trailing stop"
    floor.tick(101.0)
    assert floor.trade.exit_price == D(101)


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_restart_at_any_point_changes_nothing(cut: int) -> None:
    def story(moment: int) -> Floor:
        floor = Floor(accounts=[make_account_setup(terms=HALF_OF_THE_VOLUME)], risk=TRAILING)
        steps: list[Callable[[], object]] = [
            lambda: floor.tick(100.0),
            lambda: floor.do("buy", BTC, "1"),
            lambda: floor.tick(100.0),
            lambda: floor.do("stopbuying", ETH),
            lambda: floor.tick(101.0),
            lambda: floor.tick(104.0),
            lambda: floor.do("sell", BTC, "0.3"),
            lambda: floor.tick(104.0),
            lambda: floor.do("pause"),
            lambda: floor.tick(102.0),
            lambda: floor.tick(102.0),
            lambda: floor.tick(102.0),
        ]
        for number, step in enumerate(steps):
            step()
            # The highest equity is kept from sample to sample.
            floor.sample(0.0)
            if number == moment:
                floor.restart()
        return floor

    through, cut_off = story(99), story(cut)
    assert cut_off.trades == through.trades
    assert cut_off.cash() == through.cash()
    assert cut_off.memory.positions == through.memory.positions
    flags = [floor.trader.conditions.flags.to_json() for floor in (through, cut_off)]
    assert flags[0] == flags[1]
    assert cut_off.do("getstats").text == through.do("getstats").text
    assert len(cut_off.memory.orders) == len(through.memory.orders), "nothing was sent twice"


def test_an_order_that_the_venue_refuses_is_said_and_nothing_else_happens() -> None:
    broke = make_account_setup(cash="10000")
    floor = Floor(setup=make_setup(accounts=[broke]))
    floor.tick(100.0)
    desk = floor.trader.desks["main"]
    assert desk.exchange is not None
    desk.exchange._matcher.purse.cash = D(10)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    (order,) = floor.memory.orders.values()
    assert order.state in (OrderState.REJECTED, OrderState.CANCELLED)
    assert floor.held() is None
    assert {"order_rejected", "order_cancelled"} & set(floor.kinds)


def test_a_position_whose_stop_the_venue_refuses_is_closed_and_that_is_said() -> None:
    floor = Floor()
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    desk = floor.trader.desks["main"]
    assert desk.exchange is not None
    # The venue has changed its mind about the step of a price, and takes no stop at 95.
    desk.exchange._instruments = {BTC: make_instrument(price_step=D(7))}
    floor.tick(100.0)
    assert floor.position().closing == "its stop was refused"
    assert floor.told("order_rejected")
    assert floor.order().type is OrderType.MARKET
    floor.tick(100.0)
    assert floor.held() is None
    assert floor.trade.reason == "its stop was refused"


def test_an_exit_that_the_venue_refuses_is_said_and_tried_again_until_it_is_taken() -> None:
    floor = holding()
    desk = floor.trader.desks["main"]
    assert desk.exchange is not None
    instruments = desk.exchange._instruments
    desk.exchange._instruments = {}
    floor.do("sell", BTC)
    assert floor.told("protection_missing")
    assert not floor.orders()
    floor.sample()
    assert not floor.orders()
    desk.exchange._instruments = instruments
    floor.sample(4.0)
    assert not floor.orders(), "not at each sample: more and more rarely"
    floor.sample()
    assert [one.purpose for one in floor.orders()] == [Purpose.EXIT]


def test_a_person_s_position_is_nobody_s_to_close() -> None:
    floor = Floor(play(lambda context, _: context.close_position("mine")))
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.ticks(100.0, 100.0, 100.0)
    assert floor.held() is not None


def test_statistics_and_days_count_every_trade_once_also_after_restarts() -> None:
    floor = Floor()
    for number in range(3):
        floor.tick(100.0)
        floor.do("buy", BTC, "1")
        floor.ticks(100.0, 94.0 if number == 1 else 112.0)
        floor.restart()
    assert [one.profit for one in floor.trades] == [D(12), D(-6), D(12)]
    assert [one.number for one in floor.trades] == [1, 2, 3]
    total = floor.trader.history.statistics.total(floor.now)
    assert total.trades == 3
    assert "18.00" in floor.do("profit").text
