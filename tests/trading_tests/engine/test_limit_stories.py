"""Stories of limits, trading days, clocks and quotes: what bars new risk, and never an exit."""

from collections.abc import Callable

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, ETH, make_account, make_account_setup, play
from trading.model.account import MarketType
from trading.model.order import Purpose
from trading.risk.limit_values import Limit
from trading.risk.settings import LimitSettings, RiskSettings
from trading.strategies.context import StrategyContext

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED
NEVER = D("0.99")
LOOSE = {
    "max_drawdown_fraction": NEVER,
    "account_daily_loss": NEVER,
    "account_total_loss": NEVER,
    "symbol_daily_loss": NEVER,
    "symbol_total_loss": NEVER,
}
# No stop that would close a position before its loss is seen.
FAR_STOP = RiskSettings(
    trade_amount=D(100),
    max_position_fraction=D("0.9"),
    stop_fraction=D("0.9"),
    target_fraction=None,
)
DAY_S = 86_400.0


def only(**bounds: object) -> LimitSettings:
    """Return limits of which only these can be passed."""
    return LimitSettings(**(LOOSE | {"losing_streak": 1_000} | bounds))  # type: ignore[arg-type]


def holding(limits: LimitSettings, **rules: object) -> Floor:
    """Return a floor that holds fifty bitcoins, bought at 100 with half of the money."""
    floor = Floor(limits=limits, risk=FAR_STOP, **rules)  # type: ignore[arg-type]
    floor.tick(100.0)
    floor.tick(20.0, ETH)
    assert floor.do("buy", BTC, "50").state is APPLIED
    floor.tick(100.0)
    return floor


LOSSES = [
    (Limit.DRAWDOWN, only(max_drawdown_fraction=D("0.05")), ""),
    (Limit.ACCOUNT_DAILY, only(account_daily_loss=D("0.05")), ""),
    (Limit.ACCOUNT_TOTAL, only(account_total_loss=D("0.05")), ""),
    (Limit.SYMBOL_DAILY, only(symbol_daily_loss=D("0.05")), BTC),
    (Limit.SYMBOL_TOTAL, only(symbol_total_loss=D("0.05")), BTC),
]


@pytest.mark.parametrize(("limit", "limits", "symbol"), LOSSES, ids=[str(row[0]) for row in LOSSES])
def test_a_limit_trips_by_an_open_position_bars_buying_and_never_an_exit(
    limit: Limit, limits: LimitSettings, symbol: str
) -> None:
    floor = holding(limits)
    floor.tick(90.5)
    assert not floor.told("limit_tripped"), "4.75 % are lost, 5 % are allowed"
    floor.ticks(89.0, 88.0, 87.0)
    (said,) = floor.told("limit_tripped")
    assert limit.value in said
    (tripped,) = floor.trader.conditions.limits.tripped
    assert (tripped.limit, tripped.symbol) == (limit, symbol)
    assert floor.do("buy", BTC, "1").state is REJECTED
    elsewhere = floor.do("buy", ETH, "1").state
    assert elsewhere is (APPLIED if symbol else REJECTED)
    assert floor.order().purpose is Purpose.PROTECTION
    assert floor.do("sell", BTC).state is APPLIED
    floor.tick(87.0)
    assert floor.held() is None


@pytest.mark.parametrize(("limit", "limits", "symbol"), LOSSES, ids=[str(row[0]) for row in LOSSES])
def test_a_tripped_limit_lasts_over_a_restart_and_is_said_once(
    limit: Limit, limits: LimitSettings, symbol: str
) -> None:
    floor = holding(limits)
    floor.tick(85.0)
    before = floor.trader.conditions.limits.tripped
    floor.restart()
    floor.tick(84.0)
    assert floor.trader.conditions.limits.tripped == before
    assert [(one.limit, one.symbol) for one in before] == [(limit, symbol)]
    assert len(floor.told("limit_tripped")) == 1
    assert "limit" in floor.do("getstatus").text


@pytest.mark.parametrize(("limit", "limits", "symbol"), LOSSES, ids=[str(row[0]) for row in LOSSES])
def test_a_loss_limit_is_lifted_only_by_a_person_who_confirms(
    limit: Limit, limits: LimitSettings, symbol: str
) -> None:
    floor = holding(limits)
    floor.tick(85.0)
    place = symbol or "ALL"
    refused = floor.do("startbuying", place, confirmed=False)
    assert refused.state is REJECTED
    assert floor.do("buy", BTC, "1").state is REJECTED
    lifted = floor.do("startbuying", place)
    assert lifted.state is APPLIED
    assert f"{limit} lifted" in lifted.text
    assert len(floor.told("limit_lifted")) == 1
    floor.tick(84.9)
    assert not floor.trader.conditions.limits.tripped, "it counts from where it was lifted"
    assert floor.do("buy", BTC, "1").state is APPLIED


@pytest.mark.parametrize(
    ("limits", "is_lifted"),
    [
        (only(account_daily_loss=D("0.05")), True),
        (only(symbol_daily_loss=D("0.05")), True),
        (only(account_total_loss=D("0.05")), False),
        (only(max_drawdown_fraction=D("0.05")), False),
    ],
    ids=["daily", "daily of a market", "total", "drawdown"],
)
def test_the_next_day_lifts_what_is_daily(limits: LimitSettings, is_lifted: bool) -> None:
    floor = holding(limits)
    floor.tick(85.0)
    assert floor.trader.conditions.limits.tripped
    floor.tick(85.0, after_s=DAY_S)
    assert bool(floor.trader.conditions.limits.tripped) is not is_lifted
    assert bool(floor.told("limit_lifted")) is is_lifted
    expected = APPLIED if is_lifted else REJECTED
    assert floor.do("buy", BTC, "1").state is expected


def lose(floor: Floor) -> None:
    floor.tick(100.0)
    assert floor.do("buy", BTC, "1").state is APPLIED
    floor.tick(100.0)
    floor.do("sell", BTC)
    floor.tick(99.0)


def test_a_losing_streak_bars_its_market_and_is_lifted_without_a_yes() -> None:
    floor = Floor(limits=only(losing_streak=3))
    for _ in range(3):
        assert not floor.told("limit_tripped")
        lose(floor)
    assert "3 trades lost in a row" in floor.told("limit_tripped")[0].replace("\n", " ")
    floor.tick(20.0, ETH)
    assert floor.do("buy", BTC, "1").state is REJECTED
    assert floor.do("buy", ETH, "1").state is APPLIED
    assert floor.do("startbuying", BTC, confirmed=False).state is APPLIED
    assert floor.do("buy", BTC, "1").state is APPLIED


def test_a_win_ends_a_losing_streak() -> None:
    floor = Floor(limits=only(losing_streak=2))
    lose(floor)
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.ticks(100.0, 111.0)
    lose(floor)
    assert not floor.told("limit_tripped")


def test_a_losing_streak_counts_on_over_a_restart() -> None:
    floor = Floor(limits=only(losing_streak=2))
    lose(floor)
    floor.restart()
    lose(floor)
    assert floor.told("limit_tripped")


def test_a_limit_cancels_the_resting_entries_of_strategies() -> None:
    def rest(context: StrategyContext, _event: object) -> None:
        if not context.get_orders():
            context.place_order("buy", 1, type="limit", limit_price=1)

    floor = Floor(play(rest, symbol=ETH), limits=only(account_daily_loss=D("0.05")), risk=FAR_STOP)
    floor.tick(20.0, ETH)
    floor.tick(100.0)
    floor.do("buy", BTC, "50")
    floor.tick(100.0)
    assert [one.purpose for one in floor.orders(ETH)] == [Purpose.ENTRY]
    floor.tick(85.0)
    assert floor.told("limit_tripped")
    assert not floor.orders(ETH)


def test_a_limit_of_one_account_leaves_the_other_alone() -> None:
    second = make_account("second", MarketType.MARGIN)
    floor = Floor(
        accounts=[make_account_setup(), make_account_setup(second)],
        limits=only(account_daily_loss=D("0.05")),
        risk=FAR_STOP,
    )
    floor.tick(100.0)
    floor.do("buy", BTC, "50", account="main")
    floor.ticks(100.0, 85.0)
    assert floor.do("buy", BTC, "1", account="main").state is REJECTED
    assert floor.do("buy", BTC, "1", account="second").state is APPLIED


def test_a_day_s_loss_is_counted_on_over_a_restart_and_anew_on_the_next_day() -> None:
    floor = holding(only(symbol_daily_loss=D("0.05")))
    floor.tick(94.0)
    floor.do("sell", BTC)
    floor.tick(94.0)
    floor.restart()
    desk = floor.trader.desks["main"]
    assert desk.day_profit(BTC) == pytest.approx(-300.0)
    floor.tick(94.0, after_s=DAY_S)
    assert desk.day_profit(BTC) == 0.0
    assert desk.total_profit(BTC) == pytest.approx(-300.0)


def test_what_a_position_had_earned_before_midnight_is_not_of_the_new_day() -> None:
    floor = holding(only())
    floor.tick(94.0)
    desk = floor.trader.desks["main"]
    assert desk.day_profit(BTC) == pytest.approx(-300.0)
    floor.tick(93.0, after_s=DAY_S)
    assert desk.day_profit(BTC) == pytest.approx(-50.0)


@pytest.mark.parametrize("jump_s", [30.0, -30.0])
def test_a_jump_of_the_clock_bars_entries_for_a_while_and_no_exits(jump_s: float) -> None:
    floor = holding(only())
    floor.sample()
    floor.sample(jump_s=jump_s)
    assert len(floor.told("clock_jumped")) == 1
    floor.tick(100.0)
    refused = floor.do("buy", BTC, "1")
    assert refused.state is REJECTED
    assert "the clock jumped" in refused.text
    assert floor.do("sell", BTC, "5").state is APPLIED
    floor.tick(100.0)
    assert floor.position().quantity == D(45)
    for _ in range(11):
        floor.tick(100.0)
        floor.sample()
    assert floor.do("buy", BTC, "1").state is APPLIED


def test_a_suspend_is_a_jump_of_the_wall_clock_alone() -> None:
    floor = holding(only())
    floor.sample()
    floor.sample(0.5, jump_s=3_600.0)
    assert floor.told("clock_jumped")
    assert floor.do("buy", BTC, "1").state is REJECTED


def test_market_time_that_runs_far_ahead_of_one_market_makes_its_quote_old() -> None:
    floor = holding(only())
    floor.tick(100.0, BTC, after_s=60.0)
    refused = floor.do("buy", ETH, "1")
    assert refused.state is REJECTED
    assert "61.0 s old" in refused.text


def silent(floor: Floor) -> None:
    floor.sample()
    floor.sample(6.0)


def stale_but_selling(floor: Floor) -> None:
    silent(floor)
    floor.sample(60.0)


@pytest.mark.parametrize("make_trouble", [silent, stale_but_selling])
def test_what_is_held_is_sold_in_a_silent_market_at_its_last_price(
    make_trouble: Callable[[Floor], None],
) -> None:
    floor = holding(only())
    make_trouble(floor)
    assert floor.do("sell", BTC).state is APPLIED
    floor.sample()
    assert floor.held() is None
    assert floor.trade.exit_price == D(100)


def test_a_startbuying_that_is_refused_changes_nothing() -> None:
    floor = holding(only(account_daily_loss=D("0.05"), losing_streak=1))
    floor.do("stopbuying", "ALL")
    floor.tick(85.0)
    floor.do("sell", BTC)
    floor.tick(85.0)
    before = (
        floor.trader.conditions.flags.to_json(),
        floor.trader.conditions.limits.tripped,
    )
    assert len(before[1]) == 2
    assert floor.do("startbuying", "ALL", confirmed=False).state is REJECTED
    assert before == (
        floor.trader.conditions.flags.to_json(),
        floor.trader.conditions.limits.tripped,
    )


def test_startbuying_of_one_market_lifts_no_limit_of_the_account_and_says_so() -> None:
    floor = holding(only(account_daily_loss=D("0.05")))
    floor.tick(85.0)
    answer = floor.do("startbuying", BTC)
    assert answer.state is APPLIED
    assert "; but account main" in answer.text
    assert floor.do("buy", BTC, "1").state is REJECTED
