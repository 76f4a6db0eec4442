"""Stories of the commands that switch: what they change, what they say, what they refuse."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    play,
)
from trading.engine.states import TradingIntent
from trading.model.account import MarketKey, MarketType
from trading.model.market import Tick
from trading.model.order import Purpose
from trading.strategies.context import StrategyContext

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED
BTC_KEY, ETH_KEY = MarketKey("main", BTC), MarketKey("main", ETH)


def two_accounts() -> Floor:
    margin = make_account("second", MarketType.MARGIN)
    return Floor(accounts=[make_account_setup(), make_account_setup(margin, symbols=(BTC,))])


def intent_of(floor: Floor) -> TradingIntent:
    return floor.trader.conditions.flags.trading


def enter(context: StrategyContext, _event: object) -> None:
    if context.position is None and not context.get_orders():
        context.place_order("buy", 1)


def test_trading_is_off_at_the_very_first_start_and_stays_on_over_restarts() -> None:
    floor = Floor(trading=False)
    assert intent_of(floor) is TradingIntent.OFF
    assert floor.do("starttrading") == (APPLIED, "trading is on")
    floor.restart()
    assert intent_of(floor) is TradingIntent.ON


def test_starting_what_is_on_and_stopping_what_is_off_says_so() -> None:
    floor = Floor()
    assert floor.do("starttrading").text == "trading is on already"
    assert floor.do("stoptrading") == (APPLIED, "trading is off")
    assert floor.do("stoptrading").text == "trading is off already"
    assert floor.kinds.count("trading_started") == 1
    assert floor.kinds.count("trading_stopped") == 1


def test_trading_that_the_configuration_forbids_is_not_started() -> None:
    floor = Floor(trading=False, is_allowed=False)
    answer = floor.do("starttrading")
    assert answer.state is REJECTED
    assert "`trading: off`" in answer.text
    assert floor.trader.conditions.flags.trading is TradingIntent.OFF


def test_stopping_says_that_open_positions_stay_watched_with_their_stops() -> None:
    floor = Floor()
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    answer = floor.do("stoptrading")
    assert "1 position" in answer.text
    assert "with their stops" in answer.text or "with its stop" in answer.text
    assert floor.order().purpose is Purpose.PROTECTION
    floor.tick(94.0)
    assert floor.held() is None, "the stop works while trading is off"


def test_a_stopped_bot_thinks_and_sends_nothing() -> None:
    thought: list[float] = []

    def think(context: StrategyContext, tick: Tick) -> None:
        thought.append(tick.price)
        enter(context, tick)

    floor = Floor(play(think), trading=False)
    floor.ticks(100.0, 101.0)
    assert thought == [100.0, 101.0]
    assert not floor.memory.orders
    assert "trading is off" in floor.why()


def test_a_pause_keeps_entries_out_and_lets_exits_go_on() -> None:
    floor = Floor(play(enter))
    floor.ticks(100.0, 100.0)
    assert floor.held() is not None
    assert "no new entries until /resume" in floor.do("pause").text
    assert floor.do("pause").text.startswith("paused already")
    floor.tick(94.0)
    assert floor.held() is None
    floor.ticks(95.0, 95.0)
    assert floor.held() is None
    assert floor.do("resume") == (APPLIED, "resumed")
    floor.ticks(95.0, 95.0)
    assert floor.held() is not None


def test_resuming_what_is_not_paused_says_so() -> None:
    assert Floor().do("resume") == (APPLIED, "nothing was paused")


def test_a_pause_survives_a_restart() -> None:
    floor = Floor(play(enter))
    floor.do("pause")
    floor.restart()
    floor.ticks(100.0, 100.0)
    assert floor.held() is None
    assert "paused" in floor.why()


def test_an_emergency_sets_the_latch_cancels_entries_and_keeps_exits() -> None:
    def rest(context: StrategyContext, _event: object) -> None:
        if not context.get_orders():
            context.place_order("buy", 1, type="limit", limit_price=90)

    floor = Floor(play(rest))
    floor.tick(100.0)
    assert floor.order().purpose is Purpose.ENTRY
    answer = floor.do("emergency")
    assert answer.state is APPLIED
    assert "no new risk until /resume" in answer.text
    assert "1 entry cancelled" in answer.text
    assert not floor.orders()
    floor.ticks(100.0, 100.0)
    assert not floor.orders()
    assert "kill_set" in floor.kinds


def test_a_latch_is_reset_only_by_a_person_who_confirms() -> None:
    floor = Floor(play(enter))
    floor.do("emergency")
    floor.restart()
    refused = floor.do("resume", confirmed=False)
    assert refused.state is REJECTED
    assert "needs a yes" in refused.text
    floor.ticks(100.0, 100.0)
    assert floor.held() is None
    assert "the kill latch is reset" in floor.do("resume").text
    floor.ticks(100.0, 100.0)
    assert floor.held() is not None
    assert [kind for kind in floor.kinds if kind.startswith("kill")] == ["kill_set", "kill_reset"]


def test_a_second_emergency_tells_no_second_time() -> None:
    floor = Floor()
    floor.do("emergency")
    assert floor.do("emergency").state is APPLIED
    assert floor.kinds.count("kill_set") == 1


@pytest.mark.parametrize("what", ["buying", "selling"])
def test_a_flag_is_switched_for_one_market_or_for_all(what: str) -> None:
    floor = Floor()
    flags = floor.trader.conditions.flags
    off = flags.buying_off if what == "buying" else flags.selling_off
    answer = floor.do(f"stop{what}", BTC)
    assert answer.text.startswith(f"{what} is off for {BTC}")
    assert off(BTC_KEY) == f"/stop{what} by 42"
    assert not off(ETH_KEY)
    assert "as it was" in floor.do(f"stop{what}", BTC).text
    assert "2 markets" in floor.do(f"stop{what}", "ALL").text
    assert off(ETH_KEY)
    assert "2 markets" in floor.do(f"start{what}", "ALL").text
    assert not off(BTC_KEY)
    assert "as it was" in floor.do(f"start{what}", BTC).text


@pytest.mark.parametrize("what", ["buying", "selling"])
def test_a_flag_survives_a_restart(what: str) -> None:
    floor = Floor()
    floor.do(f"stop{what}", ETH)
    before = floor.trader.conditions.flags.to_json()
    floor.restart()
    assert floor.trader.conditions.flags.to_json() == before


def test_a_flag_is_switched_in_one_account_when_it_is_named_and_in_all_otherwise() -> None:
    floor = two_accounts()
    flags = floor.trader.conditions.flags
    floor.do("stopbuying", BTC, account="second")
    assert flags.buying_off(MarketKey("second", BTC))
    assert not flags.buying_off(BTC_KEY)
    floor.do("stopbuying", BTC)
    assert flags.buying_off(BTC_KEY)


def test_buying_off_keeps_a_strategy_from_entering_and_lets_it_leave() -> None:
    def trade(context: StrategyContext, _event: object) -> None:
        if context.position is None:
            context.place_order("buy", 1)
        else:
            context.close_position("enough")

    floor = Floor(play(trade))
    floor.ticks(100.0, 100.0)
    floor.do("stopbuying", BTC)
    floor.ticks(100.0, 100.0, 100.0)
    assert floor.held() is None
    assert floor.trade.reason == "enough"
    assert "buying is off: /stopbuying by 42" in " ".join(floor.why().split())


def test_selling_off_keeps_a_strategy_in_and_the_stop_armed() -> None:
    def leave(context: StrategyContext, _event: object) -> None:
        context.close_position("enough")

    floor = Floor(play(leave))
    floor.tick(100.0)
    floor.do("stopselling", BTC)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    floor.ticks(101.0, 101.0)
    assert floor.held() is not None
    floor.tick(94.0)
    assert floor.held() is None
    assert floor.trade.exit_price == D(94)


def test_selling_off_keeps_no_person_from_selling() -> None:
    floor = Floor()
    floor.tick(100.0)
    floor.do("stopselling", "ALL")
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    assert floor.do("sell", BTC).state is APPLIED
    floor.tick(100.0)
    assert floor.held() is None


@pytest.mark.parametrize(
    "verb", ["startbuying", "stopbuying", "startselling", "stopselling", "buy", "sell"]
)
def test_an_unknown_market_is_refused_with_the_nearest_one(verb: str) -> None:
    answer = Floor().do(verb, "BTCC/USDT")
    assert answer == (REJECTED, f"no market BTCC/USDT; did you mean {BTC}?")


@pytest.mark.parametrize("verb", ["getstats", "positions", "orders", "trades", "why"])
def test_a_reading_command_about_an_unknown_market_is_refused(verb: str) -> None:
    answer = Floor().do(verb, "XYZ/EUR")
    assert answer.state is REJECTED
    assert f"there is {BTC}, {ETH}" in answer.text


@pytest.mark.parametrize(
    ("verb", "args"),
    [("buy", (BTC,)), ("sell", (BTC,)), ("stopbuying", (BTC,)), ("flatten", ()), ("balance", ())],
)
def test_an_unknown_account_is_refused_with_those_there_are(
    verb: str, args: tuple[str, ...]
) -> None:
    answer = two_accounts().do(verb, *args, account="third")
    assert answer == (REJECTED, "no account third; there is main, second")
