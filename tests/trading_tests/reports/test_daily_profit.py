"""Profit by trading day of a zone."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.reports.report_makers import DAY_S, make_trade
from trading.model.account import MarketKey
from trading.model.position import Trade
from trading.reports.daily_profit import DailyProfit, DayProfit, TradingDays

BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def trade_at(text: str, profit: str = "1", **changes: object) -> Trade:
    return make_trade(profit, closed_at=moment(text), **changes)


def test_a_day_begins_at_the_zones_midnight() -> None:
    days = TradingDays(BERLIN)
    assert days.day_of(moment("2026-11-20T22:59:59")) == "2026-11-20"
    assert days.day_of(moment("2026-11-20T23:00:00")) == "2026-11-21"
    assert days.start_of(moment("2026-11-21T12:00:00")) == moment("2026-11-20T23:00:00")
    assert days.end_of(moment("2026-11-21T12:00:00")) == moment("2026-11-21T23:00:00")


def test_days_of_a_changing_clock_have_23_and_25_hours() -> None:
    days = TradingDays(BERLIN)
    lengths = [
        days.end_of(at) - days.start_of(at)
        for at in (moment("2026-03-29T12:00:00"), moment("2026-10-25T12:00:00"))
    ]
    assert lengths == [23 * 3_600, 25 * 3_600]


@given(
    st.floats(1e9, 2e9),
    st.sampled_from(["UTC", "America/Santiago", "Asia/Beirut", "Pacific/Apia", "America/Havana"]),
)
def test_a_moment_lies_in_its_day(at: float, zone: str) -> None:
    days = TradingDays(ZoneInfo(zone))
    start, end, day = days.start_of(at), days.end_of(at), days.day_of(at)
    assert start <= at < end
    assert TradingDays(ZoneInfo(zone)).day_of(start) == day
    assert TradingDays(ZoneInfo(zone)).day_of(end) > day


def test_trades_count_for_the_day_of_their_closing() -> None:
    profit = DailyProfit(
        TradingDays(BERLIN),
        [
            trade_at("2026-11-20T22:00:00", "5"),
            trade_at("2026-11-20T23:30:00", "-2", symbol="ETH/USDT"),
            trade_at("2026-11-21T10:00:00", "3", account="second"),
        ],
    )
    now = moment("2026-11-21T12:00:00")
    assert profit.profit(now) == 1
    assert profit.profit(now, "main") == -2
    assert profit.profit(now, "main", "BTC/USDT") == 0
    assert profit.profit(now - DAY_S) == 5
    fees = Decimal("0.4")
    assert profit.last_days(now, 3) == [
        DayProfit("2026-11-21", 2, 1, Decimal(1), fees),
        DayProfit("2026-11-20", 1, 1, Decimal(5), fees / 2),
        DayProfit("2026-11-19"),
    ]
    assert [one.trades for one in profit.last_days(now, 2, "second")] == [1, 0]


def test_markets_are_summed_over_the_days_asked_for() -> None:
    profit = DailyProfit(
        TradingDays(),
        [
            trade_at("2026-11-18T12:00:00", "100"),
            trade_at("2026-11-20T12:00:00", "5"),
            trade_at("2026-11-21T12:00:00", "-2"),
            trade_at("2026-11-21T12:00:00", "7", symbol="ADA/USDT"),
        ],
    )
    markets = profit.by_market(moment("2026-11-21T13:00:00"), 2)
    assert {key.symbol: (one.trades, one.profit) for key, one in markets.items()} == {
        "ADA/USDT": (1, Decimal(7)),
        "BTC/USDT": (2, Decimal(3)),
    }
    assert list(markets) == [MarketKey("main", "ADA/USDT"), MarketKey("main", "BTC/USDT")]


@pytest.mark.parametrize("order", [1, -1])
def test_the_oldest_day_beyond_the_bound_is_forgotten(order: int) -> None:
    trades = [trade_at(f"2026-11-{day:02}T12:00:00") for day in range(1, 8)][::order]
    profit = DailyProfit(TradingDays(), trades, days_max=3)
    kept = profit.last_days(moment("2026-11-07T13:00:00"), 7)
    assert [one.trades for one in kept] == [1, 1, 1, 0, 0, 0, 0]
