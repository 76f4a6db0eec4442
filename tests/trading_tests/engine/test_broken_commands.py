"""Commands that must do what their reply says, and nothing else."""

from typing import Any

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_account, make_account_setup, play
from trading.engine.states import TradingIntent
from trading.model.account import MarketKey, MarketType
from trading.risk.settings import LimitSettings
from trading.strategies.context import StrategyContext


def _opposite() -> Floor:
    """Return a floor with two accounts: a is long and b is short, one coin each."""
    margin = [make_account_setup(make_account(name, MarketType.MARGIN)) for name in "ab"]
    floor = Floor(accounts=margin)
    floor.tick(100)
    floor.do("buy", BTC, "1", account="a")
    floor.do("sell", BTC, "1", account="b")
    floor.tick(100)
    assert floor.position(account="a").quantity == 1
    assert floor.position(account="b").quantity == -1
    return floor


@pytest.mark.parametrize("amount", [(), ("0.5",)])
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_sale_without_an_account_leaves_short_positions_alone(
    amount: tuple[str, ...], confirmed: bool
) -> None:
    floor = _opposite()
    said = floor.do("sell", BTC, *amount, confirmed=confirmed)
    floor.ticks(100, 100)
    assert said.state is ReplyState.APPLIED
    assert floor.held(account="a") is None or floor.position(account="a").quantity == D("0.5")
    assert floor.position(account="b").quantity == -1


def test_a_sale_where_one_is_short_says_so() -> None:
    floor = _opposite()
    said = floor.do("sell", BTC, account="b", confirmed=False)
    assert said.state is ReplyState.REJECTED
    assert said.text.startswith("already short in BTC/USDT")


@pytest.mark.parametrize("amount", [(), ("0.5",)])
def test_nothing_is_bought_or_sold_beside_a_position_that_is_being_closed(
    amount: tuple[str, ...],
) -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("buy", BTC, "1")
    floor.tick(100)
    floor.do("sell", BTC)
    assert floor.do("buy", BTC, *amount).state is ReplyState.REJECTED
    assert "being closed already" in floor.do("sell", BTC, *amount).text
    floor.ticks(100, 100)
    assert floor.held() is None
    assert len(floor.trades) == 1


def test_a_refused_startbuying_changes_nothing() -> None:
    floor = Floor(limits=LimitSettings(symbol_total_loss=D("0.001")))
    floor.tick(100)
    floor.do("buy", BTC, "20")
    floor.ticks(100, 90, 90)
    (tripped,) = floor.trader.conditions.limits.tripped
    floor.do("stopbuying", BTC)
    said = floor.do("startbuying", BTC, confirmed=False)
    assert said.state is ReplyState.REJECTED
    assert floor.trader.conditions.flags.buying_off(MarketKey("main", BTC))
    assert floor.trader.conditions.limits.tripped == [tripped]
    assert floor.do("startbuying", BTC).state is ReplyState.APPLIED
    assert not floor.trader.conditions.flags.buying_off(MarketKey("main", BTC))
    assert not floor.trader.conditions.limits.tripped


def test_a_flatten_ends_though_entries_are_switched_on_again_meanwhile() -> None:
    def enter(context: StrategyContext, _: Any) -> None:
        context.place_order("buy", 1)

    floor = Floor(play(enter))
    floor.ticks(100, 100, 100)
    assert floor.held()
    floor.do("flatten", command_id="flat")
    floor.do("resume")
    assert floor.do("buy", BTC, "1").state is ReplyState.REJECTED
    floor.ticks(100)
    assert floor.said("flat").state is ReplyState.APPLIED
    assert floor.said("flat").text.endswith("entries are on again")
    floor.ticks(100, 100)
    assert floor.held(), "it goes on after the resume"


def test_a_flatten_that_a_restart_took_over_keeps_entries_out_as_well() -> None:
    def enter(context: StrategyContext, _: Any) -> None:
        context.place_order("buy", 1)

    floor = Floor(play(enter))
    floor.ticks(100, 100, 100)
    floor.do("flatten", command_id="flat")
    floor.do("resume")
    floor.restart()
    floor.ticks(100, 100)
    assert floor.said("flat").state is ReplyState.APPLIED


def test_a_flatten_of_one_account_says_what_switches_its_entries_on() -> None:
    floor = Floor()
    floor.tick(100)
    floor.do("flatten", command_id="flat", account="main")
    assert floor.said("flat").text.endswith("entries are off until /startbuying")


def _two() -> Floor:
    accounts = [make_account_setup(make_account(name, MarketType.MARGIN)) for name in "ab"]
    floor = Floor(accounts=accounts, trading=False)
    floor.tick(100)
    return floor


def test_one_account_cannot_be_switched_on_where_only_all_can() -> None:
    floor = _two()
    said = floor.do("starttrading", account="a")
    assert said.state is ReplyState.REJECTED
    assert floor.trader.conditions.flags.trading is TradingIntent.OFF
    assert floor.do("starttrading").text == "trading is on"
    floor.do("pause")
    assert floor.do("resume", account="a").state is ReplyState.REJECTED
    assert floor.trader.conditions.flags.paused


@pytest.mark.parametrize("verb", ["stoptrading", "pause", "emergency"])
def test_what_is_switched_off_for_all_accounts_says_so(verb: str) -> None:
    floor = _two()
    floor.do("starttrading")
    said = floor.do(verb, account="a")
    assert said.state is ReplyState.APPLIED
    assert "on all accounts, not only a" in said.text


def test_receipts_name_the_account_where_there_are_several() -> None:
    floor = _opposite()
    assert floor.do("sell", "ALL").text == (
        "closing 1 BTC/USDT on a at the market; closing 1 BTC/USDT on b at the market"
    )


def test_what_waited_to_be_entered_is_gone_once_trading_was_switched_off() -> None:
    calls = []

    def act(context: StrategyContext, tick: Any) -> None:
        calls.append(tick)
        if len(calls) == 1:
            context.place_order("buy", 1)
        elif len(calls) == 3:
            context.close_position()
            context.place_order("buy", 1)

    floor = Floor(play(act))
    floor.ticks(100, 100, 100)
    assert floor.do("stoptrading").text.startswith("trading is off, 1 entry cancelled")
    floor.do("starttrading")
    floor.ticks(100, 100, 100)
    assert floor.held() is None
