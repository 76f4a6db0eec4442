"""Statistics of closed trades."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.reports.report_makers import (
    AT,
    DAY_S,
    EXTREMES,
    HOUR_S,
    assert_jsonable,
    make_trade,
)
from trading.model.account import MarketKey
from trading.reports.drawdown import Drawdown, account_drawdown, market_drawdown
from trading.reports.statistics import TradeStatistics

BTC = MarketKey("main", "BTC/USDT")


def test_without_trades_there_are_zeros_and_no_ratios() -> None:
    figures = TradeStatistics().total(AT)
    assert (figures.trades, figures.profit, figures.losing_streak) == (0, Decimal(0), 0)
    assert figures.win_rate is None
    assert figures.profit_factor is None
    assert figures.hold_mean_s is None
    assert figures.win_largest is None
    assert_jsonable(figures.to_fields())


def test_wins_and_losses_are_counted_and_summed() -> None:
    trades = [make_trade(profit) for profit in ("30", "-10", "0", "-20", "15")]
    figures = TradeStatistics(trades).total(AT)
    assert (figures.trades, figures.wins, figures.losses) == (5, 2, 2)
    assert figures.win_rate == pytest.approx(0.4)
    assert figures.profit_factor == pytest.approx(1.5)
    assert (figures.profit, figures.profit_mean) == (Decimal(15), Decimal(3))
    assert (figures.win_largest, figures.loss_largest) == (Decimal(30), Decimal(-20))
    assert figures.fees == Decimal("1.0")
    assert figures.hold_mean_s == pytest.approx(HOUR_S)


def test_without_a_loss_there_is_no_profit_factor() -> None:
    figures = TradeStatistics([make_trade("5")]).total(AT)
    assert figures.profit_factor is None
    assert figures.to_fields()["profit_factor"] is None
    assert figures.loss_largest is None


def test_a_streak_counts_losses_in_a_row() -> None:
    statistics = TradeStatistics()
    streaks = []
    for profit in ("-1", "-1", "5", "-1", "-1", "-1", "0", "-1"):
        statistics.add(make_trade(profit))
        streaks.append(statistics.total(AT).losing_streak)
    assert streaks == [1, 2, 0, 1, 2, 3, 0, 1]
    assert statistics.total(AT).losing_streak_max == 3


def test_rolling_windows_reach_back_from_the_moment_asked_for() -> None:
    ages_s = (31 * DAY_S, 20 * DAY_S, 3 * DAY_S, 23 * HOUR_S)
    statistics = TradeStatistics(make_trade("1", closed_at=AT - age_s) for age_s in ages_s)
    now = statistics.total(AT)
    assert (now.profit_24h, now.profit_7d, now.profit_30d, now.profit) == (
        Decimal(1),
        Decimal(2),
        Decimal(3),
        Decimal(4),
    )
    later = statistics.total(AT + 8 * DAY_S)
    assert (later.profit_24h, later.profit_7d, later.profit_30d) == (
        Decimal(0),
        Decimal(0),
        Decimal(3),
    )


def test_markets_and_accounts_have_figures_of_their_own() -> None:
    statistics = TradeStatistics(
        [
            make_trade("1"),
            make_trade("2", symbol="ETH/USDT"),
            make_trade("4", account="second"),
        ]
    )
    assert statistics.of(BTC, AT).profit == 1
    assert statistics.of_account("main", AT).profit == 3
    assert statistics.total(AT).profit == 7
    assert statistics.profit(MarketKey("second", "")) == 4
    assert statistics.profit(MarketKey("third", "")) == 0
    assert statistics.of(MarketKey("third", "X"), AT).trades == 0
    assert statistics.markets() == [
        BTC,
        MarketKey("main", "ETH/USDT"),
        MarketKey("second", "BTC/USDT"),
    ]


def test_more_trades_than_are_kept_are_counted_and_the_windows_say_so() -> None:
    statistics = TradeStatistics((make_trade("1") for _ in range(5)), recent_max=3)
    figures = statistics.total(AT)
    assert (figures.trades, figures.profit, figures.profit_24h) == (5, Decimal(5), Decimal(3))
    assert figures.is_recent_cut
    assert not statistics.total(AT + 30 * DAY_S).is_recent_cut


def test_memory_forgets_what_no_window_reaches() -> None:
    statistics = TradeStatistics(make_trade("1", closed_at=AT + n * DAY_S) for n in range(100))
    assert len(statistics._scopes[BTC].recent_at) == 30
    assert not statistics.total(AT + 99 * DAY_S).is_recent_cut


def test_drawdowns_come_from_the_figures_handed_in() -> None:
    of_account = account_drawdown(day_start=1_000, peak=2_000, equity=900)
    assert [of_account.daily, of_account.total] == pytest.approx([0.1, 0.55])
    of_market = market_drawdown(base=1_000, day_profit=5, total_profit=-60)
    assert [of_market.daily, of_market.total] == pytest.approx([0.0, 0.06])
    assert account_drawdown(day_start=0, peak=0, equity=-5) == Drawdown(0.0, 0.0)
    fields = TradeStatistics().total(AT, of_account).to_fields()
    assert fields["drawdown_daily"] == pytest.approx(0.1)
    assert fields["drawdown_total"] == pytest.approx(0.55)


@given(
    st.lists(st.tuples(st.floats(0, 60 * DAY_S), st.integers(-100, 100))).map(sorted),
    st.floats(0, 60 * DAY_S),
)
def test_windows_hold_what_was_closed_within_them(
    closed: list[tuple[float, int]], since_last_s: float
) -> None:
    statistics = TradeStatistics(make_trade(str(one), closed_at=at) for at, one in closed)
    now = (closed[-1][0] if closed else 0.0) + since_last_s
    figures = statistics.total(now)
    for span_s, profit in (
        (DAY_S, figures.profit_24h),
        (7 * DAY_S, figures.profit_7d),
        (30 * DAY_S, figures.profit_30d),
    ):
        assert profit == sum(one for at, one in closed if at > now - span_s)


@given(st.lists(st.sampled_from(EXTREMES), max_size=8))
def test_figures_are_json_whatever_was_earned(profits: list[Decimal]) -> None:
    trades = [make_trade(str(profit)) for profit in profits]
    fields = TradeStatistics(trades).total(AT, Drawdown(float("inf"), float("nan"))).to_fields()
    assert_jsonable(fields)
    assert {"drawdown_daily", "profit_factor", "win_rate", "profit_30d"} <= set(fields)
