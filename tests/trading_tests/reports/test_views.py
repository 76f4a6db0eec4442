"""The answers to reading commands."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.reports.report_makers import (
    AT,
    DAY_S,
    EXTREMES,
    LONG_SYMBOL,
    assert_fits,
    assert_jsonable,
    make_account,
    make_order,
    make_trade,
)
from trading.model.account import MarketKey
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.reports.daily_profit import DayProfit
from trading.reports.drawdown import Drawdown
from trading.reports.statistics import TradeStatistics
from trading.reports.status_parts import Decision
from trading.reports.tables import COLUMNS, View
from trading.reports.views import (
    balance_view,
    daily_view,
    orders_view,
    profit_view,
    stats_view,
    trades_view,
    why_view,
)

BTC = MarketKey("main", "BTC/USDT")


def test_statistics_show_every_figure() -> None:
    statistics = TradeStatistics([make_trade("30"), make_trade("-10")])
    view = stats_view([statistics.total(AT, Drawdown(0.01, 0.02))], "0.1.0", "USDT")
    assert view.text.split("\n") == [
        "version  v0.1.0",
        "market   27-01-15 08:00Z",
        "total USDT",
        " trades  2",
        " P&L     +20.00",
        " 24 h    +20.00",
        " 7 d     +20.00",
        " 30 d    +20.00",
        " wins    1 of 2 (50.00%)",
        " factor  3",
        " best    +30.00",
        " worst   -10.00",
        " mean    +10.00",
        " streak  1 lost (longest 1)",
        " fees    0.40",
        " hold    01:00:00",
        " drawdown 2.00% (today 1.00%)",
    ]
    assert view.fields["statistics"][0]["profit"] == "20"


def test_statistics_without_trades_are_dashes_in_total_and_a_word_for_a_market() -> None:
    nothing = TradeStatistics()
    view = stats_view([nothing.total(AT), nothing.of(BTC, AT)], "0.1.0", "USDT")
    lines = view.text.split("\n")
    for line in (" trades  0", " wins    -", " factor  -", " best    -", " hold    -"):
        assert lines.count(line) == 1
    assert lines[lines.index("BTC/USDT") + 1] == " no trades yet"
    assert_jsonable(view.fields)
    assert stats_view([], "0.1.0", "USDT").text == "version  v0.1.0"


def test_statistics_say_when_windows_miss_trades() -> None:
    statistics = TradeStatistics([make_trade("1")] * 3, recent_max=2)
    text = stats_view([statistics.total(AT)], "0.1.0", "USDT").text
    assert text.endswith("\n 24 h to 30 d: latest only")


def test_unknown_orders_come_first_and_are_marked() -> None:
    orders = [
        make_order(
            state=OrderState.PARTIAL,
            type=OrderType.STOP_LIMIT,
            limit_price=Decimal(66_000),
            stop_price=Decimal(66_100),
            filled=Decimal("0.1"),
        ),
        make_order(id="z" * 18, state=OrderState.UNKNOWN, side=Side.SELL, created_at=AT - 1),
        make_order(id="y" * 18, state=OrderState.WORKING, is_cancelling=True),
    ]
    view = orders_view(orders, AT)
    assert view.text.split("\n") == [
        "3 open, 1 UNKNOWN",
        "⚠ UNKNOWN, being looked up",
        "SELL market BTC/USDT",
        " 0.5",
        " unknown, 00:00:01",
        " entry zzzzzzzzzzzzzzzzzz",
        "BUY stop limit BTC/USDT",
        " 0.5 at 66,000.00 stop 66,100.00",
        " partially filled, 0.1 filled,",
        " 00:00:05",
        " entry abcdefgh2345672345",
        "BUY market BTC/USDT",
        " 0.5",
        " cancelling, 00:00:05",
        " entry yyyyyyyyyyyyyyyyyy",
    ]
    assert (view.fields["orders_open"], view.fields["orders_unknown"]) == (3, 1)
    assert orders_view([], AT).text == "no open order"


def test_trades_are_listed_as_given() -> None:
    view = trades_view([make_trade("10", number=12), make_trade("-5", side=Side.SELL)])
    assert view.text.split("\n") == [
        "#12 BTC/USDT long",
        " +10.00 (+10.00%)",
        " 100.00 → 110.00",
        " 27-01-15 08:00Z, 01:00:00",
        " target",
        "#1 BTC/USDT short",
        " -5.00 (-5.00%)",
        " 100.00 → 95.00",
        " 27-01-15 08:00Z, 01:00:00",
        " target",
    ]
    assert trades_view([]).text == "no closed trade yet"


def test_profit_is_summed_over_days_and_split_by_market() -> None:
    days = [
        DayProfit("2026-11-21", 2, 1, Decimal("-3.5"), Decimal("0.4")),
        DayProfit("2026-11-20", 1, 1, Decimal(5), Decimal("0.2")),
        DayProfit("2026-11-19"),
    ]
    view = profit_view(days, {BTC: days[0], MarketKey("main", "ETH/USDT"): days[1]}, "USDT")
    assert view.text.split("\n") == [
        "profit   +1.50 USDT",
        "days     3",
        "trades   3",
        "wins     2 (66.67%)",
        "fees     0.60",
        "BTC/USDT                     -3.50",
        "ETH/USDT                     +5.00",
    ]
    assert view.fields["profit"] == "1.5"
    nothing = profit_view([], {}, "USDT").text.split("\n")
    assert (nothing[0], nothing[3]) == ("profit   +0.00 USDT", "wins     -")


def test_markets_of_several_accounts_are_told_apart() -> None:
    day = DayProfit("2026-11-21", 1, 1, Decimal(1))
    view = profit_view([day], {BTC: day, MarketKey("real", "BTC/USDT"): day}, "USDT")
    assert view.text.split("\n")[-2:] == [
        "main BTC/USDT                +1.00",
        "real BTC/USDT                +1.00",
    ]


def test_each_day_has_its_line() -> None:
    days = [
        DayProfit("2026-11-21", 2, 1, Decimal("-3.5"), Decimal("0.4")),
        DayProfit("2026-11-20"),
    ]
    view = daily_view(days, "USDT")
    assert view.text.split("\n") == [
        "day     trades                USDT",
        "2026-11-21   2               -3.50",
        "2026-11-20   0               +0.00",
        "together     2               -3.50",
    ]
    assert view.fields["days"][0]["day"] == "2026-11-21"


def test_each_account_has_its_balance() -> None:
    accounts = [make_account(), make_account(name="real", is_paper=False, day_profit=None)]
    lines = balance_view(accounts).text.split("\n")
    assert lines[:7] == [
        "PAPER main USDT",
        " exchange paper",
        " cash    66,500.00",
        " reserved 0.00",
        " equity  100,500.00",
        " exposure 34.00%",
        " today   +12.50",
    ]
    assert lines[-1] == " today   -"


def test_decisions_are_shown_with_their_moment() -> None:
    view = why_view([Decision(AT, "BTC/USDT", "no entry: the trend filter is closed")])
    assert view.text.split("\n") == [
        "27-01-15 08:00Z BTC/USDT",
        " no entry: the trend filter is",
        " closed",
    ]
    assert why_view([], "BTC/USDT").text == "nothing was decided of BTC/USDT\nyet"


def test_a_decision_from_before_the_first_price_has_no_moment_of_1970() -> None:
    view = why_view([Decision(0.0, "BTC/USDT", "it failed to load")])
    assert view.text.split("\n")[0] == "no price yet BTC/USDT"


@pytest.mark.parametrize("rows", [1, 2, 300])
@pytest.mark.parametrize("value", EXTREMES)
def test_no_line_is_wider_than_a_phone(value: Decimal, rows: int) -> None:
    for view in extreme_views(value, rows):
        assert_fits(view.text)
        assert_jsonable(view.fields)


def extreme_views(value: Decimal, rows: int) -> list[View]:
    """Return every view with one figure everywhere and names that are too long."""
    trade = make_trade(
        number=10**12,
        account="a" * 40,
        symbol=LONG_SYMBOL,
        entry_price=abs(value) + 1,
        profit=str(value),
        fees=value,
        opened_at=0.0,
        reason="a long reason\n" * 20,
    )
    order = make_order(
        symbol=LONG_SYMBOL,
        type=OrderType.STOP_LIMIT,
        quantity=value,
        filled=value,
        limit_price=value,
        stop_price=value,
        state=OrderState.UNKNOWN,
        created_at=0.0,
    )
    account = make_account(
        name="a" * 40, exchange="e" * 40, cash=value, reserved=value, equity=float(value)
    )
    day = DayProfit("2026-11-21", 10**6, 10**6, value, value)
    statistics = TradeStatistics([trade, replace(trade, account="b")])
    figures = statistics.of(trade.key, AT, Drawdown(1e9, 1e-9))
    markets = {MarketKey("main", f"{LONG_SYMBOL}{number}"): day for number in range(rows)}
    return [
        stats_view([figures] * rows, "0.1.0.dev123456789+local.build.of.today", "USDT"),
        orders_view([order] * rows, AT),
        trades_view([trade] * rows),
        profit_view([day] * rows, markets, "USDT" * 8),
        daily_view([day] * rows, "USDT" * 10),
        balance_view([account] * rows),
        why_view([Decision(AT, LONG_SYMBOL, "because of this and that, " * 30)] * rows),
    ]


def test_a_line_with_a_moment_leaves_room_for_the_name_of_a_zone() -> None:
    decision = Decision(AT, LONG_SYMBOL, "bought", "main")
    trade = make_trade(opened_at=AT - 12_345 * DAY_S)
    for text in (why_view([decision]).text, trades_view([trade]).text):
        lines = [line for line in text.split("\n") if "27-01-15 08:00Z" in line]
        assert lines
        assert all(len(line.replace("Z", " +0545")) <= COLUMNS for line in lines)
